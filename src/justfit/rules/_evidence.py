"""What the fit rules look at, and its bootstrap distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from justfit.errors import ArgumentError

if TYPE_CHECKING:  # numpy is imported where it is used: pages and signal rules do without, and answer at once
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

NUM_RESAMPLES = 2_000
# Examples are pooled into at most this many groups before resampling: the variance of a mean does not change when
# independent examples are averaged first, and memory stays small at any table size.
MAX_GROUPS = 2_000


@dataclass(frozen=True, kw_only=True)
class FitEvidence:
    """Per-example losses of the network to be judged, and of what it is held against.

    Attributes:
        train_losses: [m] of the network on rows it was trained on, in eval mode; at least 2.
        validation_losses: [n] of the network on rows it was not trained on; at least 2.
        best_losses: [n] of the best network of a sweep on the same rows (paired), or None.
        constant_losses: [n] of the best constant prediction on the same rows (paired).
        reference_losses: [r] of a named strong reference on unseen rows, or None.
        reference_name: What the reference is, in words.
        num_parameters: Weights and biases.
        num_examples: Training examples.
        num_variants, num_diverged: Networks trained, and those that ended in NaN or infinity.
        seed_variance_ratio: Variance between seeds of the network's mean loss, over the number of seeds, as a multiple
            of the variance of its losses between examples (0 where one seed was trained).
        excess_seed_variance_ratio: The same for the paired difference to `best_losses`.
        unit: "nats" or "squared <target>".
        trained_fraction: Share of the planned epochs that were trained; below 1 nothing is decided.
    """

    train_losses: Array
    validation_losses: Array
    constant_losses: Array
    num_parameters: int
    num_examples: int
    unit: str
    best_losses: Array | None = None
    reference_losses: Array | None = None
    reference_name: str = "the best network of the sweep"
    num_variants: int = 1
    num_diverged: int = 0
    seed_variance_ratio: float = 0.0
    excess_seed_variance_ratio: float = 0.0
    trained_fraction: float = 1.0

    def __post_init__(self) -> None:
        import numpy as np

        names = ("train_losses", "validation_losses", "constant_losses", "best_losses", "reference_losses")
        given = {name: losses for name in names if (losses := getattr(self, name)) is not None}
        for name, losses in given.items():
            if losses.ndim != 1 or len(losses) < 2:
                raise ArgumentError(
                    f"`{name}` needs at least 2 examples for a standard error.",
                    found=f"{len(losses)}" if losses.ndim == 1 else f"shape {losses.shape}",
                    way_out="Hold out more rows.",
                )
            if not np.isfinite(losses).all():
                raise ArgumentError(
                    f"`{name}` must be finite: NaN compares as healthy with everything.",
                    found=f"{int((~np.isfinite(losses)).sum())} of {len(losses)} not finite",
                    way_out="Judge a network that diverged by JF401 alone.",
                )
        if self.best_losses is not None and len(self.best_losses) != len(self.validation_losses):
            raise ArgumentError(
                "`best_losses` must be of the same rows as `validation_losses`: they are compared row by row.",
                found=f"{len(self.best_losses)} and {len(self.validation_losses)} losses",
                way_out="Evaluate both networks on the same rows.",
            )

    @cached_property
    def learnable(self) -> float:
        """What there is to learn: loss of the constant predictor − the lowest validation loss known. At least 0."""
        known = [self.validation_losses, self.best_losses, self.reference_losses]
        lowest = min(float(losses.mean()) for losses in known if losses is not None)
        return max(float(self.constant_losses.mean()) - lowest, 0.0)

    @cached_property
    def draws(self) -> dict[str, Array]:
        """Bootstrap draws [NUM_RESAMPLES] of gap, excess and avoidable bias; the seed is fixed."""
        import numpy as np

        generator = np.random.default_rng(0)
        best = self.validation_losses if self.best_losses is None else self.best_losses
        pairs = np.stack([self.validation_losses, self.validation_losses - best])
        validation, excess = self._means(pairs, generator, (self.seed_variance_ratio, self.excess_seed_variance_ratio))
        (train,) = self._means(self.train_losses[None], generator, (self.seed_variance_ratio,))
        reference = validation - excess
        if self.reference_losses is not None:
            (reference,) = self._means(self.reference_losses[None], generator, (0.0,))
        return {"gap": validation - train, "excess": excess, "bias": train - reference}

    def error(self, name: str) -> float:
        """Standard error of "gap", "excess" or "bias"."""
        return float(self.draws[name].std())

    def mean_error(self, losses: Array) -> float:
        """Standard error of a mean loss, seeds included."""
        return float(losses.std(ddof=1) * math.sqrt(1 / len(losses) + self.seed_variance_ratio))

    def _means(self, losses: Array, generator: np.random.Generator, seed_ratios: tuple[float, ...]) -> Array:
        """Resampled means of the rows of `losses` [q, n], one common draw of examples for all q, widened by seeds."""
        import numpy as np

        groups = np.array_split(generator.permutation(losses.shape[1]), min(losses.shape[1], MAX_GROUPS))
        sums = np.stack([losses[:, group].sum(axis=1) for group in groups])
        sizes = np.array([[len(group)] for group in groups])  # they differ by one where the groups do not go out even
        count = len(groups)
        times_drawn = generator.multinomial(count, np.full(count, 1 / count), size=NUM_RESAMPLES)
        drawn = (times_drawn @ sums) / (times_drawn @ sizes)
        widened = np.sqrt(1 + np.array(seed_ratios) * losses.shape[1])
        centre = losses.mean(axis=1)
        return (centre + (drawn - centre) * widened).T  # type: ignore[no-any-return]  # numpy widens to Any here
