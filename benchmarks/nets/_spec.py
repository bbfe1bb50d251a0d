"""What a generated network is, and how the specs are drawn.

The ranges of residual nets and transformers were narrowed after four in five networks of earlier draws of the dev split
had trained (residual nets twice), and before any held-out outcome was looked at.
"""

from __future__ import annotations

import math
import random
from dataclasses import asdict, dataclass, replace

FAMILIES = ("plain", "residual", "conv", "transformer")
SPLITS = ("dev", "held_out", "final")

# Widths, depths and data of the two splits are disjoint; the ranges of the scales overlap (held_out reaches further).
DEPTHS = {
    ("plain", "dev"): (3, 5, 8, 12, 17, 24, 34, 50, 80, 120),
    ("plain", "held_out"): (4, 6, 10, 14, 20, 28, 40, 60, 100, 150),
    ("residual", "dev"): (7, 12, 20, 32, 50, 90),
    ("residual", "held_out"): (9, 15, 25, 40, 70, 100),
    ("residual_conv", "dev"): (5, 8, 14, 20),
    ("residual_conv", "held_out"): (6, 10, 12, 17),
    ("conv", "dev"): (4, 6, 9, 13, 19, 28, 42, 60),
    ("conv", "held_out"): (5, 7, 11, 16, 23, 34, 50),
    ("transformer", "dev"): (2, 4, 6, 10, 16, 20),
    ("transformer", "held_out"): (3, 5, 8, 12, 18),
    ("plain", "final"): (4, 7, 9, 13, 18, 22, 30, 45, 70, 130),
    ("residual", "final"): (8, 14, 22, 36, 60, 80),
    ("residual_conv", "final"): (6, 9, 13, 16),
    ("conv", "final"): (5, 8, 12, 18, 26, 37, 46),
    ("transformer", "final"): (3, 5, 7, 9, 14),
}
WIDTHS = {
    ("plain", "dev"): (32, 64, 96),
    ("plain", "held_out"): (24, 48, 128),
    ("residual", "dev"): (32, 64),
    ("residual", "held_out"): (24, 48, 96),
    ("residual_conv", "dev"): (8, 16),
    ("residual_conv", "held_out"): (12, 24),
    ("conv", "dev"): (8, 16, 32),
    ("conv", "held_out"): (12, 24),
    ("transformer", "dev"): (32, 64),
    ("transformer", "held_out"): (24, 48),
    ("plain", "final"): (40, 56, 112),
    ("residual", "final"): (28, 40, 80),
    ("residual_conv", "final"): (10, 20),
    ("conv", "final"): (10, 20),
    ("transformer", "final"): (28, 40),
}
DATASETS = {
    ("plain", "dev"): ("digits",),
    ("plain", "held_out"): ("mnist14", "vehicle", "splice"),
    ("residual", "dev"): ("digits",),
    ("residual", "held_out"): ("mnist14", "vehicle", "splice"),
    ("residual_conv", "dev"): ("digits",),
    ("residual_conv", "held_out"): ("mnist7", "mnist14"),
    ("conv", "dev"): ("digits",),
    ("conv", "held_out"): ("mnist7", "mnist14"),
    ("transformer", "dev"): ("digits",),
    ("transformer", "held_out"): ("mnist14", "motifs"),
    ("plain", "final"): ("mnist14b", "mnist7b", "kr_vs_kp"),
    ("residual", "final"): ("mnist14b", "mnist7b", "kr_vs_kp"),
    ("residual_conv", "final"): ("mnist7b", "mnist14b"),
    ("conv", "final"): ("mnist7b", "mnist14b"),
    ("transformer", "final"): ("mnist14b", "motifs9"),
}
NUM_NETS = {"plain": 100, "residual": 54, "conv": 54, "transformer": 54}
GATES = ("relu", "gelu", "silu", "leaky")
# The range of n_in·Var(w) from which scales are drawn: it straddles the value that keeps the signal.
VARIANCES = {
    "relu": (0.9, 4.5), "leaky": (0.9, 4.5), "gelu": (1.2, 6.0), "silu": (1.5, 8.0), "tanh": (0.6, 4.0),
    "sigmoid": (4.0, 60.0),
}  # fmt: skip


@dataclass(frozen=True)
class Spec:
    """One network.

    `kind` is `mlp`, `conv` or `attention`; `scale` is n_in·Var(w) for `gaussian` and `orthogonal` in plain and conv
    nets, a factor on He's standard deviation in residual nets and the standard deviation itself in transformers;
    `depth` counts hidden layers, or blocks where there are skips.
    """

    family: str
    split: str
    index: int
    kind: str
    dataset: str
    depth: int
    width: int
    activation: str
    scheme: str
    seed: int
    scale: float = 1.0
    bias_std: float = 0.0
    norm: str = "none"
    branch_scale: float = 1.0
    attention_scale: float = 1.0

    @property
    def name(self):
        return f"{self.split}/{self.family}/{self.index}"

    def to_dict(self):
        return {"name": self.name, **asdict(self)}


def draw_all(family, split, count=None):
    return [draw(family, split, index) for index in range(count or NUM_NETS[family])]


def draw(family, split, index):
    rng = random.Random(f"{family}-{split}-{index}")  # noqa: S311
    base = {"family": family, "split": split, "index": index, "seed": index + 100_000 * SPLITS.index(split)}
    return {"plain": _plain, "residual": _residual, "conv": _conv, "transformer": _transformer}[family](rng, base)


def reference(spec):
    """The healthy network of this kind on the same data: shallow, textbook initialization, normalised if deep."""
    usual = {"plain": 64, "residual": 64, "conv": 16, "transformer": 48}
    healthy = {
        "plain": {"depth": 3, "activation": "relu", "scheme": "he"},
        "residual": {"depth": 4, "activation": "relu", "scheme": "torch_default", "norm": "pre"},
        "conv": {"depth": 3, "activation": "relu", "scheme": "he"},
        "transformer": {"depth": 2, "activation": "gelu", "scheme": "xavier", "norm": "pre"},
    }[spec.family]
    width = 16 if spec.kind == "conv" else usual[spec.family]
    return replace(
        spec, index=-1, seed=-1, width=width, scale=1.0, bias_std=0.0, branch_scale=1.0, attention_scale=1.0,
        **{"norm": "none", **healthy},
    )  # fmt: skip


def _shape(rng, base, kind):
    split = base["split"]
    return {**base, "depth": rng.choice(DEPTHS[kind, split]), "width": rng.choice(WIDTHS[kind, split]),
            "dataset": rng.choice(DATASETS[kind, split])}  # fmt: skip


def _log_uniform(rng, low, high, split):
    """Held-out scales reach 15 % further at both ends."""
    reach = 1.0 if split == "dev" else 1.15
    return math.exp(rng.uniform(math.log(low / reach), math.log(high * reach)))


def _chain(rng, spec):
    """Scheme and scale of a network without skips."""
    split, activation = spec["split"], spec["activation"]
    schemes = ["gaussian"] * 8 + ["orthogonal"] * 5 + ["torch_default", "xavier", "he", "lsuv", "lsuv"]
    schemes += ["mirrored"] * 3 if activation in GATES else ["orthogonal"] * 2
    low, high = VARIANCES[activation]
    reach = 1.6 if spec["kind"] == "conv" else 1.0  # conv nets are shallower
    scale = _log_uniform(rng, low / reach, high * reach, split)
    bias_std = rng.choice((0.0, 0.0, 0.01, _log_uniform(rng, 0.02, 0.3, split)))
    return {**spec, "scheme": rng.choice(schemes), "scale": scale, "bias_std": bias_std}


def _plain(rng, base):
    spec = {**_shape(rng, base, "plain"), "kind": "mlp"}
    spec["activation"] = rng.choice(
        ("relu",) * 4 + ("tanh",) * 5 + ("gelu",) * 2 + ("silu",) * 2 + ("leaky", "sigmoid")
    )
    return Spec(**_chain(rng, spec))


def _conv(rng, base):
    spec = {**_shape(rng, base, "conv"), "kind": "conv"}
    if spec["width"] * spec["depth"] > 600 or spec["depth"] > 30:  # keeps the cost of labelling down
        spec["width"] = min(WIDTHS["conv", base["split"]])
        spec["dataset"] = DATASETS["conv", base["split"]][0]
    spec["activation"] = rng.choice(("relu",) * 5 + ("tanh",) * 4 + ("gelu", "silu", "leaky"))
    spec["norm"] = rng.choice(("none",) * 4 + ("batch",))
    return Spec(**_chain(rng, spec))


def _residual(rng, base):
    kind = rng.choice(("mlp", "mlp", "conv"))
    spec = {**_shape(rng, base, "residual" if kind == "mlp" else "residual_conv"), "kind": kind}
    spec["activation"] = rng.choice(("relu",) * 3 + ("tanh",) * 2 + ("gelu", "silu"))
    spec["norm"] = rng.choice(("none",) * 6 + ("pre",) + ("post",) * 3)
    spec["scheme"] = rng.choice(("gaussian",) * 12 + ("torch_default", "zero_last"))
    spec["scale"] = _log_uniform(rng, 0.8, 4.0, base["split"])
    spec["branch_scale"] = rng.choice(
        (1.0, 1.0, 1.0, spec["depth"] ** -0.5, _log_uniform(rng, 1.0, 6.0, base["split"]))
    )
    return Spec(**spec)


def _transformer(rng, base):
    spec = {**_shape(rng, base, "transformer"), "kind": "attention"}
    spec["activation"] = rng.choice(("gelu", "gelu", "relu"))
    spec["norm"] = rng.choice(("none",) * 5 + ("pre",) + ("post",) * 3)
    spec["scheme"] = rng.choice(("gaussian",) * 10 + ("torch_default", "xavier"))
    spec["scale"] = _log_uniform(rng, 0.04, 0.8, base["split"])
    spec["attention_scale"] = rng.choice((1.0, 1.0, 1.0, _log_uniform(rng, 0.2, 20.0, base["split"])))
    spec["branch_scale"] = rng.choice((1.0, 1.0, 1.0, (2 * spec["depth"]) ** -0.5))
    return Spec(**spec)
