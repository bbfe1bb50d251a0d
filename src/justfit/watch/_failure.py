"""Where NaN or infinity came from first: by running the batch again, or from what the step left behind."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from justfit.errors import JustFitError
from justfit.probe import find_nonfinite_values, find_source
from justfit.records import FirstFailure
from justfit.watch._broken_weights import find_broken_weights, was_gradient_finite
from justfit.watch._failure_words import (
    listed,
    listed_candidates,
    rows_in_words,
    sentence,
    share,
    what_it_compares_with,
)
from justfit.watch._kept import KeptForward
from justfit.watch._layers import bare_name
from justfit.watch._left_gradients import LeftGradients, read_left_gradients
from justfit.watch._loss_trail import LossTrail
from justfit.watch._reading import real_entries
from justfit.watch._replay import Replay, Replayed, cause_of, owner_of
from justfit.watch._sharded import name_of

MAX_CANDIDATES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedStep:
    """What the watch knows of the step in which something that is not finite was seen.

    Attributes:
        step, epoch, batch, examples, rank, weights_intact: As in `FirstFailure`.
        forwards: Calls of the network since the last good backward pass, oldest first; none if they were not kept.
        loss: What the loss was; NaN and infinity count as seen, None as not seen.
        loss_trail: What the loss was computed by.
        previous_loss: The loss of the step before; None if it was not seen.
        optimizer: Class of the optimizer.
        optimizer_state: What it keeps, by parameter: tells of the gradient of the step before.
        gradient_was_seen: That gradient was looked at, where looking costs no waiting, and was good.
        why_not: Why the batch cannot be run again, a phrase; empty if it can.
    """

    step: int
    epoch: int = 1
    batch: int = -1
    examples: tuple[int, ...] = ()
    rank: int = 0
    weights_intact: bool = True
    forwards: Sequence[KeptForward] = ()
    loss: float | None = None
    loss_trail: LossTrail = field(default_factory=LossTrail)
    previous_loss: float | None = None
    optimizer: str = ""
    optimizer_state: Mapping[Any, Any] = field(default_factory=dict)
    gradient_was_seen: bool = False
    why_not: str = ""


class _Found(NamedTuple):
    stage: Any
    cause: Any
    how: str
    layer: str = ""
    operation: str = ""
    source: str | None = None
    is_last_step: bool = False
    rows: tuple[int, ...] = ()
    is_target: bool = False
    is_after: bool = False  # it arose after the layer, not in it: the line of the layer is not at fault


def find_first_failure(module: nn.Module, failed: FailedStep) -> FirstFailure:
    """Name the operation, the layer and the line that NaN or infinity came from.

    In this order: inputs and parameters that are not finite themselves; the forward pass, run again exactly as it
    ran, with the same dropout; the loss; the backward pass, from a gradient that is sent through the network again and
    from the gradients that were left. Everything is left as it was, the gradients as well.

    Args:
        module: The network, in its wrappers or not.
        failed: What is known of the step.

    Returns:
        The failure; what could not be told is empty, and `how` says what it rests on.

    Example:
        >>> import torch
        >>> from justfit.watch._kept import keep_forward
        >>> network = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
        >>> kept = keep_forward((torch.tensor([[1.0, 2.0], [1.0, math.nan]]),), {})
        >>> failure = find_first_failure(network, FailedStep(step=3, forwards=(kept,)))
        >>> failure.stage, failure.operation, failure.how
        ('input', 'input 0', 'Row 1 of the batch is not finite before the network sees it.')
    """
    found = _in_what_went_in(module, failed) or _by_running_again(module, failed) or _from_what_is_left(module, failed)
    layer = bare_name(found.layer)
    source = find_source(module, found.layer) if found.layer and not found.is_after else None
    return FirstFailure(
        cause=found.cause,
        stage=found.stage,
        step=failed.step - 1 if found.is_last_step else failed.step,
        epoch=failed.epoch,
        layer=layer,
        operation=found.operation,
        source=found.source or source,
        batch=-1 if found.is_last_step else failed.batch,
        examples=() if found.is_last_step else failed.examples,
        rank=failed.rank,
        weights_intact=failed.weights_intact and found.stage != "parameter" and not found.is_last_step,
        how=found.how,
        rows=() if found.is_last_step else found.rows,
        is_target=found.is_target,
    )


def _in_what_went_in(module: nn.Module, failed: FailedStep) -> _Found | None:
    for kept in failed.forwards:
        seen = find_nonfinite_values(module, kept.batch, {})
        if seen is not None:
            rows = _rows_of(seen.operation, kept)
            how = f"{rows_in_words(rows, seen.operation)} not finite before the network sees it."
            return _Found("input", seen.kind, how, operation=seen.operation, rows=rows)
    for name, parameter in module.named_parameters():
        values = real_entries(parameter)
        if not bool(torch.isfinite(values).all()):
            return _in_parameter(module, name, parameter, failed)
    written = _only_written(module)
    for name, buffer in module.named_buffers():
        if id(buffer) not in written and bool(buffer.isnan().any()):  # infinity may be meant there, as in a mask
            return _already_there(name, buffer)
    return None


def _only_written(module: nn.Module) -> set[int]:
    """Collect the running statistics that this forward pass wrote and did not read: they are no cause."""
    parts = [part for part in module.modules() if part.training and hasattr(part, "running_mean")]
    return {id(buffer) for part in parts for buffer in part.buffers(recurse=False)}


def _already_there(name: str, values: Tensor) -> _Found:
    how = f"{share(name, values)} were not finite when the step began."
    return _Found("parameter", cause_of(values), how, owner_of(name), bare_name(name))


def _in_parameter(module: nn.Module, name: str, parameter: Tensor, failed: FailedStep) -> _Found:
    values = real_entries(parameter)
    bad_share = share(name, values)
    if not failed.weights_intact:
        after = f"{bad_share} are not finite after the update of step {failed.step}"
        return _in_gradient_or_update(module, cause_of(values), after, None, failed)
    if failed.previous_loss is None or not math.isfinite(failed.previous_loss):
        return _already_there(name, values)
    was_finite = was_gradient_finite(parameter, failed.optimizer_state)
    if was_finite is None and failed.gradient_was_seen and values.is_cpu:
        was_finite = True
    after = f"{bad_share} are not finite after the update of step {failed.step - 1}, whose loss was finite"
    if was_finite:
        how = f"{after} and whose gradient was finite: the update made them."
        return _Found(
            "optimizer", cause_of(values), how, owner_of(name), failed.optimizer or "optimizer", is_last_step=True
        )
    return _in_gradient_or_update(module, cause_of(values), after, was_finite, failed)


def _in_gradient_or_update(
    module: nn.Module, cause: str, after: str, was_finite: bool | None, failed: FailedStep
) -> _Found:
    """Tell of weights that the step before broke, whose gradient nobody looked at in time."""
    place = find_broken_weights(module)
    if was_finite is None:
        told = f"{after}; the gradient was not looked at in time, so whether it or the update made them cannot be told"
    else:
        told = f"{after}: its gradient was not, as the optimizer's average of the gradients shows"
    if place.behind:
        told += f". The last layer with such weights is `{place.nearest}`; `{place.behind}` behind it has none"
    names = failed.loss_trail.candidates
    told += f"{listed_candidates(names)}."
    layer, is_last_step = (place.nearest if place.behind else ""), failed.weights_intact
    perhaps = f" (perhaps of {' or '.join(f'`{name}`' for name in names[:MAX_CANDIDATES])})" if names else ""
    if was_finite is None:
        operation = f"gradient{perhaps} or update"
        return _Found("unknown", cause, told, layer, operation, is_last_step=is_last_step, is_after=True)
    operation = f"gradient between `{layer}` and `{place.behind}`" if layer else "gradient of the loss"
    return _Found("backward", cause, told, layer, operation + perhaps, is_last_step=is_last_step, is_after=True)


def _by_running_again(module: nn.Module, failed: FailedStep) -> _Found | None:
    if failed.why_not or not failed.forwards:
        return None
    try:
        replay = Replay(module)
        passes = [replay.forward(kept) for kept in failed.forwards]
        for kept, seen in zip(failed.forwards, passes, strict=True):
            if seen.stage and (seen.cause == "nan" or not seen.output_is_finite):
                return _in_forward(seen, kept)
        if failed.loss is not None and not math.isfinite(failed.loss):
            return _in_loss(failed, passes)
        left = read_left_gradients(module, passes[-1].order)
        return _in_backward(replay, failed, left, passes)
    except (JustFitError, RuntimeError, TypeError, ValueError) as error:
        reason = error.contract if isinstance(error, JustFitError) else str(error).partition("\n")[0]
        return _from_what_is_left(module, replace(failed, why_not=(reason or type(error).__name__).rstrip(".")))


def _in_forward(seen: Replayed, kept: KeptForward) -> _Found:
    rows = f" in row{'s' * (len(seen.rows) > 1)} {listed(seen.rows)} of {seen.num_rows}" if seen.rows else ""
    read = ""
    if seen.input_range:
        least, largest = (f"{end:.3g}" for end in seen.input_range)
        read = f", from inputs of {least}" if least == largest else f", from inputs between {least} and {largest}"
    changed = " The inputs had been written to since they went in." if kept.was_changed else ""
    how = f"The batch was run again: `{seen.operation}` made the first value that is not finite{rows}{read}.{changed}"
    return _Found("forward", seen.cause, how, seen.layer, seen.operation, seen.source, rows=seen.rows)


def _in_loss(failed: FailedStep, passes: Sequence[Replayed]) -> _Found:
    trail, value = failed.loss_trail, failed.loss
    again = "The batch was run again and the output is finite, the loss is not" if passes else "The loss is not finite"
    if trail.targets:
        how = f"{again}: {what_it_compares_with(trail)}."
    elif trail.is_seen:
        how = f"{again}: `{trail.operation}` in it made the first value that is not finite."
    else:
        how = f"{again}."
    kind = "nan" if value is None or math.isnan(value) else "inf"
    operation = trail.operation or "the loss"
    return _Found("loss", kind, how, operation=operation, rows=trail.rows, is_target=trail.targets)


def _in_backward(replay: Replay, failed: FailedStep, left: LeftGradients, passes: Sequence[Replayed]) -> _Found | None:
    for kept in failed.forwards:
        seen = replay.backward(kept)
        if seen.stage:
            how = f"The batch was run again, forward and backward: `{seen.operation}` got a finite gradient"
            return _Found("backward", seen.cause, f"{how} and passed on one that is not.", seen.layer, seen.operation)
    forward = next((seen for seen in passes if seen.stage), None)
    if forward is not None:  # an infinity that the output does not show
        return _in_forward(forward, failed.forwards[passes.index(forward)])
    return _from_gradients(left, failed, "The batch was run again and its forward pass is finite; ")


def _from_what_is_left(module: nn.Module, failed: FailedStep) -> _Found:
    reason = failed.why_not or ("" if failed.forwards else "its inputs were not kept")
    start = f"Told from what the step left behind, not by running it again ({reason}): " if reason else ""
    if failed.loss is not None and not math.isfinite(failed.loss):
        return _from_graph(module, failed, start)
    return _from_gradients(read_left_gradients(module), failed, start)


def _from_graph(module: nn.Module, failed: FailedStep, start: str) -> _Found:
    """Tell from the graph of the loss, as it was before the backward pass used it up."""
    trail = failed.loss_trail
    if trail.is_input:
        return _in_first_layer(module, failed, start)
    if trail.weight is None:
        found = _in_loss(failed, ())
        told = "the loss is not finite, so it or the forward pass made it first."
        if trail.is_seen:
            told = f"of the results that the graph of the loss shows, `{trail.operation}` made the first broken one."
        if trail.targets:
            told = f"{what_it_compares_with(trail)}."
        return found._replace(how=sentence(start + told))
    kind = "nan" if math.isnan(failed.loss or math.nan) else "inf"
    layer = owner_of(name_of(module, trail.weight))
    told = f"in the graph of the loss `{trail.operation}` is the first operation whose result is not finite"
    after = f", after layer `{bare_name(layer)}`" if layer else ""
    return _Found("forward", kind, sentence(f"{start}{told}{after}."), layer, trail.operation, is_after=True)


def _in_first_layer(module: nn.Module, failed: FailedStep, start: str) -> _Found:
    trail = failed.loss_trail
    layer = bare_name(owner_of(name_of(module, trail.weight))) if trail.weight is not None else ""
    rows = f" in row{'s' * (len(trail.rows) > 1)} {listed(trail.rows)} of {trail.num_rows}" if trail.rows else ""
    reader = f"layer `{layer}`" if layer else f"`{trail.operation}`"
    told = f"what {reader} reads is not finite{rows}, and no layer before it made that."
    kind = "nan" if math.isnan(failed.loss or math.nan) else "inf"
    operation = f"input of {layer or trail.operation}"
    return _Found("input", kind, sentence(start + told), operation=operation, rows=trail.rows)


def _from_gradients(left: LeftGradients, failed: FailedStep, start: str) -> _Found:
    layer = left.nearest_broken
    if layer is None:
        return _Found("unknown", "nan", sentence(f"{start}no gradient that is left is other than finite."))
    cause = "nan" if left.has_nan[layer] else "inf"
    behind = left.first_behind
    if behind is not None:
        told = f"the gradient of `{layer}` is not finite, that of `{behind}` behind it is"
        told += listed_candidates(failed.loss_trail.candidates) + "."
        return _Found("backward", cause, sentence(start + told), layer, f"gradient between `{layer}` and `{behind}`")
    if not left.all_broken:
        told = f"the gradient of `{layer}` is not finite, and no layer behind it has one."
        return _Found("backward", cause, sentence(start + told), layer, f"gradient of `{layer}`")
    singular = failed.loss_trail.singular
    told = "no layer's gradient is finite, so it came from behind the last layer"
    if singular:
        told += f"; in the loss the derivative of {' and '.join(f'`{name}`' for name in singular)} can be infinite"
    operation = f"gradient of {singular[0]}" if singular else "gradient of the loss"
    return _Found("backward", cause, sentence(f"{start}{told}."), operation=operation)


def _rows_of(name: str, kept: KeptForward) -> tuple[int, ...]:
    """Tell which rows of an input are not finite; none if it is all of them."""
    number = name.removeprefix("input ")
    value = kept.inputs[int(number)] if number.isdigit() and name != number else kept.keywords.get(name)
    if isinstance(value, Tensor) and value.dim() >= 1:
        bad_B = ~torch.isfinite(value).flatten(1).all(1) if value.dim() > 1 else ~torch.isfinite(value)
        rows = bad_B.nonzero().flatten().tolist()
        if len(rows) < len(bad_B):
            return tuple(rows)
    return ()
