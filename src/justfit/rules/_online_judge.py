"""Stop or go on, after each epoch."""

from __future__ import annotations

import math
from typing import get_args

from justfit.errors import ArgumentError
from justfit.records import Advice, Direction, History
from justfit.rules._history_constants import STOPPING
from justfit.rules._history_read import read
from justfit.rules._history_reading import Reading

FEWEST = 5  # epochs with a validation loss before anything is said
# After an epoch that is no new best the history is read again, but not before one part in a hundred was added to it:
# reading takes time in proportion to its length, and so all of it together stays in proportion to n·log n.
READ_AGAIN = 100
MARGIN = 0.01  # of what was learned: a later epoch that is better by less is not worth the wait
DESCENT = 0.02  # of what was learned: from here on a fall of the train loss counts
WAIT = 5  # epochs
LEAST_ERROR = MARGIN / 20  # a smooth of losses without any noise is still not the truth to the last digit
# From which on to stop. The first epoch that reaches a probability is chosen by its own luck, so it has to be higher
# than the share that is wanted: at this one, 0.95 of the tune part's histories keep a network as good as their best.
SURE = 0.95


class OnlineJudge:
    r"""Say after each epoch whether to stop, and whether its network is the one to keep.

    .. math:: P(\text{no later epoch is better by more than } m R) =
              \sigma\left(b + u \operatorname{asinh}\frac{V(e) - V(t^*)}{SE}
              + w \operatorname{asinh}\frac{T(t^*) - T(e)}{d\,R} + a \operatorname{asinh}\frac{k}{c}\right)

    with V and T the smoothed validation and train loss so far, t* the best epoch, e the last, R the range of what was
    learned, k the epochs that were validated since the lowest validation loss, and m, d, c the constants `MARGIN`,
    `DESCENT` and `WAIT` of the module: training has turned where the
    validation loss rises by more than its noise and goes on to, while the train loss falls. Stop where the probability
    reaches `probability`. b, u, w and a were fitted on the tune part of `benchmarks/fit_cases` by
    `benchmarks/fit_judge.py`.

    The network to keep is that of the lowest validation loss as measured, not as smoothed: all epochs are measured on
    the same rows, so most of their differences are the networks' own.

    Args:
        direction: `minimize` for losses and errors, `maximize` for scores such as accuracy.
        probability: From which on to stop, above 0.5 and below 1.

    Raises:
        ArgumentError: An argument lies outside its contract.

    References:
        Prechelt 1998, "Early stopping, but when?", whose classes GL and UP this is held against in
        `benchmarks/learning_curves.py`.

    >>> judge = OnlineJudge()
    >>> for epoch in range(1, 200):
    ...     advice = judge.update(2 / epoch, 2 / epoch + 0.02 * epoch)
    ...     if advice.stop:
    ...         break
    >>> epoch, advice.best_epoch
    (20, 10)
    """

    def __init__(self, *, direction: Direction = "minimize", probability: float = SURE) -> None:
        if direction not in get_args(Direction):
            raise ArgumentError(
                "`direction` must be 'minimize' or 'maximize'.",
                found=f"`direction={direction!r}`",
                way_out="Losses and errors are minimized; scores such as accuracy take `direction='maximize'`.",
            )
        if not 0.5 < probability < 1:
            raise ArgumentError(
                "`probability` must lie between 0.5 and 1.",
                found=f"`probability={probability}`",
                way_out=f"It is how sure to be before training stops; {SURE} by default.",
            )
        self._direction: Direction = direction
        self._probability = probability
        self._series: dict[str, list[float]] = {"train": [], "validation": [], "train_se": [], "validation_se": []}
        self._epochs: list[int] = []
        self._best: tuple[float, int] | None = None  # the lowest loss (scores turned over), and its epoch
        self._read_at, self._waited, self._turned = 0, 0, 0.0

    @property
    def history(self) -> History:
        """All epochs so far."""
        return History(
            epochs=tuple(self._epochs),
            train_loss=tuple(self._series["train"]),
            validation_loss=tuple(self._series["validation"]),
            train_loss_se=tuple(self._series["train_se"]),
            validation_loss_se=tuple(self._series["validation_se"]),
            direction=self._direction,
        )

    def update(
        self,
        train_loss: float,
        validation_loss: float,
        *,
        epoch: int | None = None,
        train_loss_se: float = math.nan,
        validation_loss_se: float = math.nan,
    ) -> Advice:
        """Take in an epoch.

        Args:
            train_loss: Of this epoch; NaN where it was not measured.
            validation_loss: The same.
            epoch: Its number; one more than the last where not given, from 1 on.
            train_loss_se: One standard error, in the unit of the loss; NaN where unknown.
            validation_loss_se: The same.

        Returns:
            Whether to stop, and which network to keep.

        Raises:
            ArgumentError: `epoch` is not above the last one.
        """
        last = self._epochs[-1] if self._epochs else 0
        number = last + 1 if epoch is None else epoch
        if self._epochs and number <= last:
            raise ArgumentError(
                "`epoch` must rise.", found=f"{number} after {last}", way_out="Tell each epoch once, in order."
            )
        self._epochs.append(number)
        given = (train_loss, validation_loss, train_loss_se, validation_loss_se)
        for series, value in zip(self._series.values(), given, strict=True):
            series.append(float(value))
        if any(map(math.isinf, given[:2])) or all(map(math.isnan, given[:2])):
            return self._ruined()
        is_best = self._is_best(number, float(validation_loss))
        if is_best:
            self._waited, self._turned = 0, 0.0
        elif not math.isnan(validation_loss):
            self._waited += 1
            if self._is_due():
                self._read_at = len(self._epochs)
                self._turned = turned(read(self.history), self._waited)
        return self._advice(is_best)

    def _is_best(self, epoch: int, validation_loss: float) -> bool:
        loss = -validation_loss if self._direction == "maximize" else validation_loss
        if not math.isfinite(loss) or (self._best is not None and loss >= self._best[0]):
            return False
        self._best = (loss, epoch)
        return True

    def _is_due(self) -> bool:
        count = len(self._epochs)
        return count >= FEWEST and count - self._read_at > self._read_at // READ_AGAIN

    @property
    def _best_epoch(self) -> int:
        return self._epochs[0] if self._best is None else self._best[1]

    def _ruined(self) -> Advice:
        """Infinity, or neither value, is the end of training; one missing value is one that was not measured."""
        return Advice(
            stop=True,
            is_best=False,
            best_epoch=self._best_epoch,
            probability=1.0,
            reason=f"The losses of epoch {self._epochs[-1]} are NaN or infinity.",
        )

    def _advice(self, is_best: bool) -> Advice:
        best, last = self._best_epoch, self._epochs[-1]
        stop = self._turned >= self._probability
        if self._best is None:
            reason = "No epoch was validated yet."
        elif is_best:
            reason = f"Epoch {last} is the best so far."
        elif stop:
            reason = (
                f"The validation loss has risen since epoch {best} by more than its noise; no later epoch is better by "
                f"more than {MARGIN:.0%} of what was learned with probability {self._turned:.2f}."
            )
        else:
            reason = f"Epoch {best} is the best so far; that the validation loss has turned is not sure enough."
        return Advice(stop=stop, is_best=is_best, best_epoch=best, probability=self._turned, reason=reason)


def turned(reading: Reading, waited: int) -> float:
    """Probability that no later epoch is better than the best by more than `MARGIN`, given the history so far.

    Args:
        reading: Of the history so far.
        waited: Epochs that were validated since the lowest validation loss.
    """
    if reading.num_validation < FEWEST or reading.rise <= 0:
        return 0.0
    return 1 / (1 + math.exp(-sum(STOPPING[name] * look for name, look in looks(reading, waited).items())))


def looks(reading: Reading, waited: int) -> dict[str, float]:
    """What the probability is made of: the rise of V in standard errors, the fall of T since, and the time since."""
    descent = 0.0 if math.isnan(reading.train_then) else max(0.0, reading.train_then - reading.train)
    return {
        "one": 1.0,
        "rise": math.asinh(reading.rise / math.hypot(reading.rise_error, LEAST_ERROR)),
        "descent": math.asinh(descent / DESCENT),
        "wait": math.asinh(waited / WAIT),
    }
