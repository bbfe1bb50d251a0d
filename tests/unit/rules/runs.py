"""Hand-made evidence of training runs: a healthy one, and what turns it sick."""

import dataclasses
import math
import random

from justfit.records import History, LayerTrace, LossBins, OptimizerTrace, WatchEvidence

NAN = math.nan
NUM_STEPS = 400
STEPS = (1, 2, 4, 8, 16, 32, 64, 128, 192, 256, 320, 384)
NO_HISTORY = History(epochs=(), train_loss=(), validation_loss=())


def bins(values, length=1):
    """Losses of every step in bins of `length`; NaN and infinity are left out as watching does."""
    chunks = [values[start : start + length] for start in range(0, len(values), length)]
    finite = [[value for value in chunk if math.isfinite(value)] for chunk in chunks]

    def each(summary):
        return tuple(summary(chunk) if chunk else NAN for chunk in finite)

    def spread(chunk):
        mean = sum(chunk) / len(chunk)
        return math.sqrt(sum((v - mean) ** 2 for v in chunk) / (len(chunk) - 1)) if len(chunk) > 1 else NAN

    return LossBins(
        first_step=tuple(range(1, len(values) + 1, length)),
        num_steps=tuple(map(len, finite)),
        mean=each(lambda chunk: sum(chunk) / len(chunk)),
        std=each(spread),
        minimum=each(min),
        maximum=each(max),
    )


def losses(level=None, *, num_steps=NUM_STEPS, noise=0.02, scale=1.0, seed=0):
    """Losses that follow `level` (of the share of the run) with noise; by default a fall that levels off."""
    draw = random.Random(seed)  # noqa: S311
    follow = level or (lambda share: 0.2 + 2.1 * math.exp(-8 * share))
    return [scale * (follow(t / num_steps) + draw.gauss(0, noise)) for t in range(num_steps)]


def layer(name="layer", **fields):
    """A healthy ReLU layer: constants stand for series."""
    settings = {
        "kind": "Linear",
        "activation": "relu",
        "source": f"net.py:{len(name)}",
        "num_parameters": 4160,
        "num_trainable": 4160,
        "weight_norm": 8.0,
        "gradient_norm": 0.3,
        "clipped_gradient_norm": 0.3,
        "update_norm": 0.03,
        "activation_rms": 1.0,
        "dead_fraction": 0.1,
        "saturated_fraction": NAN,
    }
    settings |= fields
    series = {
        key: tuple(value) if isinstance(value, (list, tuple)) else (value,) * len(STEPS)
        for key, value in settings.items()
        if key in SERIES
    }
    return LayerTrace(name=name, **{**settings, **series})


SERIES = (
    "weight_norm", "gradient_norm", "clipped_gradient_norm", "update_norm", "activation_rms", "dead_fraction",
    "saturated_fraction",
)  # fmt: skip


def optimizer(**fields):
    """One that was sampled at `STEPS`, at a constant rate."""
    settings = {
        "name": "optimizer",
        "kind": "SGD",
        "steps": STEPS,
        "learning_rate": (0.1,) * len(STEPS),
        "num_steps": NUM_STEPS,
    }
    return OptimizerTrace(**{**settings, **fields})


def run(depth=6, *, at=None, each=None, level=None, noise=0.02, values=None, length=1, **fields):
    """A healthy run of a plain network of `depth` layers and a head.

    Args:
        depth: Hidden layers.
        at: Index → fields of that layer.
        each: Of a layer's index: the fields that change there.
        level, noise: Of the losses.
        values: The losses themselves.
        length: Steps in a bin.
        fields: Fields of the evidence.
    """
    change = each or (lambda _: {})
    layers = [layer(f"layer{i}", **{**change(i), **(at or {}).get(i, {})}) for i in range(depth)]
    ending = {"activation": None, "is_output": True, "dead_fraction": NAN, "activation_rms": NAN}
    head = layer("head", **{**ending, **change(depth)})
    settings = {
        "module": "Net",
        "num_parameters": 30_000,
        "unit_roundoff": 1.2e-7,
        "optimizers": (optimizer(),),
        "layers": (*layers, head),
        "losses": bins(values if values is not None else losses(level, noise=noise), length),
        "history": NO_HISTORY,
    }
    return WatchEvidence(**{**settings, **fields})


def with_layers(patient, **fields):
    """The same evidence with these fields in every layer."""
    return dataclasses.replace(patient, layers=tuple(dataclasses.replace(one, **fields) for one in patient.layers))


def without_samples(patient):
    """The same run, of which no step was sampled."""
    blind = with_layers(patient, **dict.fromkeys(SERIES, ()))
    return dataclasses.replace(blind, optimizers=(optimizer(steps=(), learning_rate=()),))


def scaled(patient, factor):
    """The same run with the loss in another unit, at a learning rate that makes up for it."""

    def times(series):
        return tuple(factor * value for value in series)

    trail = patient.losses
    return dataclasses.replace(
        patient,
        layers=tuple(
            dataclasses.replace(
                one,
                gradient_norm=times(one.gradient_norm),
                clipped_gradient_norm=times(one.clipped_gradient_norm),
            )
            for one in patient.layers
        ),
        losses=dataclasses.replace(
            trail,
            mean=times(trail.mean),
            std=times(trail.std),
            minimum=times(trail.minimum),
            maximum=times(trail.maximum),
        ),
    )
