"""A training before and after its cure: losses, share of the learnable, layers."""

from __future__ import annotations

from typing import Any

from torch import nn

from justfit.records import History, Learned
from justfit.repair._baseline import Baseline
from justfit.repair._follow import Followed, standard_error
from justfit.repair._run import Run

OTHER_LOSS = "The loss is another one than that of your training."
_MOST_LAYERS = 400
_LETTERS = 160  # of the make of one layer


def before_and_after(baseline: Baseline, cured: Run | None) -> dict[str, Any]:
    """Fields of `CureRecord` that show both trainings.

    Args:
        baseline: The user's training.
        cured: The cured one; None where there is none.
    """
    base = baseline.run
    before = baseline.history if baseline.train_loss else None
    found: dict[str, Any] = {"history_before": before, "learned_before": _learned(base, {})}
    if cured is None:
        return found
    # More epochs go on where the user's training ended: the first ones are the user's own.
    goes_on = bool(cured.followed) and min(cured.followed) > base.num_steps
    first = (before, base.judged) if goes_on else (None, {})
    layers = [layers_of(run.network.module) for run in (base, cured)]
    return found | {
        "history_after": _history(cured, first[0]),
        "learned_after": _learned(cured, first[1]),
        **(dict(zip(("layers_before", "layers_after"), layers, strict=True)) if layers[0] != layers[1] else {}),
    }


def layers_of(module: nn.Module) -> tuple[str, ...]:
    """Name and make of each layer without layers of its own, in order of definition."""
    leaves = [(name, inner) for name, inner in module.named_modules() if not any(True for _ in inner.children())]
    return tuple(f"{name or 'network'}: {_make(inner)}" for name, inner in leaves[:_MOST_LAYERS])


def _make(module: nn.Module) -> str:
    try:
        text = " ".join(repr(module).split())
    except Exception:
        text = type(module).__name__
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"


def _history(run: Run, first: History | None) -> History | None:
    steps = run.network.steps_per_epoch
    measured = {step // steps: point for step, point in sorted(run.followed.items()) if step <= run.num_steps}
    if not measured:
        return None
    alteration = run.alteration
    other = (
        alteration.pairing is not None and alteration.pairing.loss_fn is not None
    ) or alteration.standardize_targets
    points: dict[int, tuple[float, ...]] = {}
    if first is not None:
        series = (first.train_loss, first.validation_loss, first.train_loss_se, first.validation_loss_se)
        points = dict(zip(first.epochs, zip(*series, strict=True), strict=True))
    points |= {epoch: _losses(point) for epoch, point in measured.items()}
    train, validation, train_se, validation_se = zip(*(points[epoch] for epoch in sorted(points)), strict=True)
    return History(
        epochs=tuple(sorted(points)),
        train_loss=train,
        validation_loss=validation,
        train_loss_se=train_se,
        validation_loss_se=validation_se,
        train_mode=False,
        notes=(OTHER_LOSS,) if other else (),
    )


def _losses(point: Followed) -> tuple[float, ...]:
    return point.train_loss, point.validation_loss, point.train_loss_se, point.validation_loss_se


def _learned(run: Run, first: dict[int, Any]) -> Learned | None:
    unit, steps = run.yardstick.unit, run.network.steps_per_epoch
    looks = {
        step: (run.yardstick.share(look.scores), standard_error(look.scores, unit))
        for step, look in (first | run.judged).items()
    }
    looks |= {step: (point.share, point.share_se) for step, point in run.followed.items()}
    looks = {step: look for step, look in looks.items() if step <= max(run.num_steps, run.step)}
    if not looks or not run.step:
        return None
    return Learned(
        epochs=tuple(step / steps for step in sorted(looks)),
        share=tuple(looks[step][0] for step in sorted(looks)),
        share_se=tuple(looks[step][1] for step in sorted(looks)),
    )
