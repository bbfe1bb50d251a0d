"""What a counterfactual run does differently, how large that change is, and what it names as the cause."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal

from justfit.cures import Scheme
from justfit.repair._pairing import Pairing

Causes = Literal[
    "learning rate", "epochs", "l2", "dropout", "initialization", "input scaling", "loss pairing", "activation",
    "normalization/depth",
]  # fmt: skip

# Field → (size, cause). The order of size: a number of the training loop is turned without touching the network; λ and
# dropout change what is optimized; other initial weights leave the same function class; scaled inputs and another
# loss change what goes in and out; another activation changes the functions, a normalisation adds layers. Only the
# order matters, and the sum for changes that are made together.
SIZES: dict[str, tuple[int, Causes]] = {
    "learning_rate": (1, "learning rate"),
    "clip_norm": (1, "learning rate"),
    "epochs": (1, "epochs"),
    "l2": (2, "l2"),
    "weight_decay": (2, "l2"),
    "dropout": (2, "dropout"),
    "init": (3, "initialization"),
    "added_dropout": (2, "dropout"),
    "standardize": (4, "input scaling"),
    "standardize_targets": (4, "input scaling"),
    "pairing": (5, "loss pairing"),
    "activation": (6, "activation"),
    "normalization": (7, "normalization/depth"),
}


# What points to a remedy of overfitting.
OVERFITTING = ("the history shows overfitting",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alteration:
    """What is done differently; a field at its default leaves the thing as the user has it.

    Attributes:
        learning_rate: Factor of the peak learning rate.
        clip_norm: Gradients are scaled down to this norm.
        epochs: Factor of the number of epochs.
        l2: λ of λ/(2n)·Σw², in place of the user's.
        weight_decay: In place of the optimizer's own.
        dropout: p of every dropout site.
        init: Scheme of `justfit.initialize_`.
        added_dropout: Dropout layers with this p are put behind the hidden activations.
        standardize: Inputs to mean 0 and standard deviation 1, by the training rows.
        standardize_targets: The loss sees targets and outputs at mean 0 and standard deviation 1.
        pairing: Another loss, another output, or both.
        activation: Hidden activations are replaced by this one.
        normalization: Such layers are put before the hidden activations.
    """

    learning_rate: float = 1.0
    clip_norm: float | None = None
    epochs: float = 1.0
    l2: float | None = None
    weight_decay: float | None = None
    dropout: float | None = None
    init: Scheme | None = None
    added_dropout: float | None = None
    standardize: bool = False
    standardize_targets: bool = False
    pairing: Pairing | None = None
    activation: str | None = None
    normalization: str | None = None

    @property
    def changed(self) -> dict[str, object]:
        """Fields that differ from their defaults, smallest change first."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        return dict(sorted(own.items(), key=lambda item: SIZES[item[0]][0]))

    @property
    def size(self) -> int:
        """How large the change is; only the order means something."""
        return sum(SIZES[name][0] for name in self.changed)

    @property
    def causes(self) -> tuple[Causes, ...]:
        """What the change names as the cause; several for changes made together, the largest first."""
        return tuple(dict.fromkeys(SIZES[name][1] for name in reversed(self.changed)))

    @property
    def is_structural(self) -> bool:
        """The network has other layers, so it cannot share a program with the plain one."""
        layers = (self.added_dropout, self.activation, self.normalization)
        scaled = self.standardize or self.standardize_targets
        return (
            scaled
            or (self.pairing is not None and self.pairing.bare_output)
            or any(layer is not None for layer in layers)
        )

    def with_(self, other: Alteration) -> Alteration:
        """Make both changes; factors multiply, and of what both set the other's counts."""
        theirs = dict(other.changed)
        for name in ("learning_rate", "epochs"):
            if name in theirs:
                theirs[name] = getattr(self, name) * getattr(other, name)
        return replace(self, **theirs)  # type: ignore[arg-type]  # names and values of its own fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """A change that may be the cure, and why it is thought to be.

    Attributes:
        name: The change in words.
        alteration: The change.
        because: Codes of the findings, or the words, that point to it.
        weight: How plausible it was before it was tried, in (0, 1]; its share of the level of the tests.
        named: A finding names this very thing as faulty, instead of a symptom that several things bring about.
        structural: What it mends is wrong by construction, as a softmax before a loss that takes logits.
        first: Of changes made together, the one that helps most alone.
    """

    name: str
    alteration: Alteration
    because: tuple[str, ...] = ()
    weight: float = 0.2
    named: bool = False
    structural: bool = False
    first: Alteration | None = None

    @property
    def at_end(self) -> bool:
        """The end of the user's training is at fault: too early, or long after the best epoch."""
        return self.because == OVERFITTING or self.alteration.epochs > 1

    @property
    def cause(self) -> Causes:
        """What it names as the cause; of changes made together the one that helps most alone."""
        return (self.first or self.alteration).causes[0]
