"""The verdict on two series of numbers, of whatever kind."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, get_args

from justfit.errors import ArgumentError
from justfit.records import Direction, FitVerdict, History
from justfit.rules._judge_history import judge_history

Losses = Iterable[float | None]


def judge(
    train_loss: Losses | None,
    validation_loss: Losses | None,
    *,
    train_loss_se: Losses | None = None,
    validation_loss_se: Losses | None = None,
    reference_loss: float | None = None,
    reference_name: str = "",
    constant_loss: float | None = None,
    direction: Direction = "minimize",
    epochs: Iterable[int] | None = None,
    train_mode: bool | None = None,
    unit: str = "",
) -> FitVerdict:
    r"""Say whether a network underfits, fits, or overfits, from the losses of its training run.

    With V and T the smoothed validation and train loss, e the last epoch, t* the best and R the range of what was
    learned, the verdict rests on

    .. math:: \frac{V(e) - V(t^*)}{R}, \quad \frac{V(e) - T(e)}{R}, \quad \frac{T(e) - L_{reference}}{R}

    and on how fast both losses still fall, each with its noise. Multiply a loss by any positive number, or shift a
    score, and the probabilities stay what they are.

    Args:
        train_loss: [epochs] on rows the network is trained on, best in eval mode; a list, array, tensor or series. NaN
            or None where a value is missing; None where there is none at all.
        validation_loss: [epochs] the same on rows it is not trained on.
        train_loss_se: [epochs] one standard error each, at least 0, in the unit of the loss.
        validation_loss_se: [epochs] the same.
        reference_loss: What a named reference reaches on rows it was not trained on, such as a gradient boosting or the
            best of a sweep. Without it underfitting is seen only where the losses still fall, or never fell.
        reference_name: What it is, in words.
        constant_loss: What the best constant prediction reaches on the validation rows.
        direction: `minimize` for losses and errors, `maximize` for scores such as accuracy.
        epochs: [epochs] rising whole numbers; 1, 2, … where not given.
        train_mode: The train loss was averaged while training, with dropout and augmentation on, so that it may lie
            above the validation loss; None where that is not known.
        unit: Of the losses, such as "nats".

    Returns:
        The verdict: state, probabilities, gap, avoidable bias, best epoch, what the further epochs cost, and why. It
        shows itself: in a notebook, and with `plot()` and `to_html(path)`.

    Raises:
        ArgumentError: Lengths differ, there are no epochs, or a value lies outside its contract.

    References:
        Prechelt 1998, "Early stopping, but when?", for holding the validation loss against its lowest value.

    >>> import justfit
    >>> train = [2.3 * 0.8**epoch for epoch in range(40)]
    >>> validation = [loss + 0.3 + 0.02 * epoch for epoch, loss in enumerate(train)]
    >>> verdict = justfit.judge(train, validation, unit="nats")
    >>> verdict.state, verdict.best_epoch, verdict.overfitting_since
    ('overfitting', 15, 20)
    """
    if direction not in get_args(Direction):
        raise ArgumentError(
            "`direction` must be 'minimize' or 'maximize'.",
            found=f"`direction={direction!r}`",
            way_out="Losses and errors are minimized; scores such as accuracy take `direction='maximize'`.",
        )
    train, validation = _numbers("train_loss", train_loss), _numbers("validation_loss", validation_loss)
    train_se = _errors("train_loss_se", train_loss_se)
    validation_se = _errors("validation_loss_se", validation_loss_se)
    counted = _counted(epochs)
    length = _length(
        train_loss=train, validation_loss=validation, train_loss_se=train_se, validation_loss_se=validation_se,
        epochs=counted,
    )  # fmt: skip
    missing = (math.nan,) * length
    history = History(
        epochs=counted or tuple(range(1, length + 1)),
        train_loss=train or missing,
        validation_loss=validation or missing,
        train_loss_se=train_se or missing,
        validation_loss_se=validation_se or missing,
        direction=direction,
        train_mode=train_mode,
    )
    verdict = judge_history(
        history,
        reference_loss=_number("reference_loss", reference_loss),
        reference_name=reference_name,
        constant_loss=_number("constant_loss", constant_loss),
        unit=unit,
    )
    return replace(verdict, history=history)


def _numbers(name: str, given: Any) -> tuple[float, ...] | None:
    """Turn a list, array, tensor or series into numbers; None entries into NaN."""
    if given is None:
        return None
    plain = given.detach().cpu() if hasattr(given, "detach") else given
    plain = plain.tolist() if hasattr(plain, "tolist") else plain
    if not isinstance(plain, Iterable) or isinstance(plain, str | bytes | dict):
        raise _not_a_series(name, f"{type(given).__name__}")
    return tuple(_number(name, value) for value in plain)


def _number(name: str, value: Any) -> float:
    if hasattr(value, "detach"):  # a tensor that still requires its gradient warns where it becomes a number
        value = value.detach()
    if value is None or type(value).__name__ == "NAType":  # what pandas writes for a missing value
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise _not_a_series(name, f"{value!r} among them") from error


def _not_a_series(name: str, found: str) -> ArgumentError:
    return ArgumentError(
        f"`{name}` must be numbers, in one dimension where it is a series.",
        found=found,
        way_out="Give one number per epoch, NaN where it is missing.",
    )


def _errors(name: str, given: Any) -> tuple[float, ...] | None:
    errors = _numbers(name, given)
    negative = [error for error in errors or () if error < 0]
    if negative:
        raise ArgumentError(
            f"`{name}` must be at least 0.",
            found=f"{negative[0]:g}",
            way_out="Give one standard error per epoch, NaN where it is not known.",
        )
    return errors


def _counted(epochs: Iterable[int] | None) -> tuple[int, ...] | None:
    counted = _numbers("epochs", epochs)
    for number in counted or ():
        if not number.is_integer():  # NaN and infinity are none either
            raise ArgumentError(
                "`epochs` must be whole numbers.",
                found=f"{number:g}",
                way_out="Number the entries 1, 2, …, or leave `epochs` out.",
            )
    return None if counted is None else tuple(map(int, counted))


def _length(**series: Sequence[float] | None) -> int:
    """One length for all."""
    lengths = {name: len(given) for name, given in series.items() if given is not None}
    losses = [lengths[name] for name in ("train_loss", "validation_loss") if name in lengths]
    if not any(losses):
        raise ArgumentError(
            "A history must have at least one epoch.",
            found="no losses",
            way_out="Give `train_loss`, `validation_loss` or both.",
        )
    if len(set(lengths.values())) > 1:
        raise ArgumentError(
            "All series of a history must have one entry per epoch.",
            found=", ".join(f"{length} in `{name}`" for name, length in lengths.items()),
            way_out="Write NaN where a value is missing.",
        )
    return losses[0]
