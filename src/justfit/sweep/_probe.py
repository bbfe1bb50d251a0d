"""Which program trains a network fastest without a wrong gradient: found out before a sweep begins.

Recognised multilayer perceptrons go to the hand-written kernels. Of anything else, two networks take one step in the
plain loop and in a stack, dropout and penalty on; the stack is taken only if their gradients agree and if it is clearly
faster. A handful of networks is not timed at all. The last digits of a result depend on the tier, and the tier, where a
stack is about as fast as the loop, on the clock: a sweep's record says which it was, and `wanted` pins it.
"""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from justfit.errors import ArgumentError
from justfit.sweep._elementwise import why_not_elementwise
from justfit.sweep._loop import (
    Network,
    batch_size_of,
    built_module,
    call_arguments,
    default_generator_kept,
    moved,
    num_steps,
    take,
)
from justfit.sweep._loss_check import check_mean
from justfit.sweep._parity import GRADIENT_TOLERANCE, CannotStackError, stacking_errors
from justfit.sweep._recognise import recognise
from justfit.sweep._stack import Stack
from justfit.sweep._training import SweepVariant, Tier, Training
from justfit.sweep._unreached import unreached_dropouts
from justfit.sweep._vectorised import chunk_size, filled

# A stack must beat the loop by this factor: less would be within what the clock of a shared machine tells.
NEEDED_SPEEDUP = 1.15
# Fewer networks than this are not worth a try: a stack of one took twice the loop's time, and 4 to 8 broke even.
FEWEST_NETWORKS = 4
_TIMED_NETWORKS, _ROUNDS, _STEPS = 32, 4, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TierChoice:
    """The tier, and why.

    Attributes:
        tier: Which program trains.
        reason: A sentence that says why.
        seconds_per_step: CPU seconds of one training step of one network, by tier; only of tiers that were timed.
        gradient_error: Largest distance of a stacked gradient from the plain loop's, relative; None: not compared.
        unreached_dropouts: Modules with a mask or noise of their own, where p cannot be set; "" is the network itself.
    """

    tier: Tier
    reason: str
    seconds_per_step: dict[Tier, float] = field(default_factory=dict)
    gradient_error: float | None = None
    unreached_dropouts: tuple[str, ...] = ()


def choose_tier(training: Training, variants: Sequence[SweepVariant], *, wanted: Tier | None = None) -> TierChoice:
    """Find the program that trains these variants fastest with the plain loop's gradients.

    Args:
        training: What is trained.
        variants: At least one; how many train together decides whether stacking pays.
        wanted: Take this one; it is still checked.

    Returns:
        The tier, the reason, and what was measured.

    Raises:
        ArgumentError: The loss is no mean over examples, the optimizer cannot be used, or the wanted tier cannot train
            this network.

    Example:
        >>> from justfit.sweep import Examples, Setting
        >>> x = torch.randn(60, 8, generator=torch.Generator().manual_seed(0))
        >>> training = Training(
        ...     build=lambda: nn.Sequential(nn.Conv1d(1, 4, 3), nn.Flatten(), nn.Linear(24, 2)),
        ...     examples=Examples(x[:, None], (x[:, 0] > 0).long(), torch.arange(60) % 3),
        ...     loss_fn=nn.CrossEntropyLoss(),
        ... )
        >>> choice = choose_tier(training, [SweepVariant(setting=Setting(l2=l2), fold=0) for l2 in (0, 1)])
        >>> choice.tier, choice.reason
        ('loop', '2 networks at a time are too few to stack.')
    """
    with default_generator_kept(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = built_module(training, variants[0])
        check_mean(training, module)
        unreached = unreached_dropouts(lambda: built_module(training, variants[0]), _call(training))
        why_not = _why_not_optimizer(training, module)
        choice = _chosen(training, variants, wanted, why_not)
    return dataclasses.replace(choice, unreached_dropouts=unreached)


def _call(training: Training) -> Callable[[nn.Module], object]:
    positional, keywords = call_arguments(
        moved(take(training.examples.inputs, torch.arange(batch_size_of(training))), training.device)
    )
    return lambda module: module(*positional, **keywords)


def _why_not_optimizer(training: Training, module: nn.Module) -> str | None:
    if not callable(training.optimizer):
        return None
    return why_not_elementwise(training.optimizer, [p.detach() for p in module.parameters() if p.requires_grad])


def _chosen(
    training: Training,
    variants: Sequence[SweepVariant],
    wanted: Tier | None,
    why_not: str | None,
) -> TierChoice:
    if wanted == "loop":
        return TierChoice(tier="loop", reason="It was asked for.")
    recognised = recognise(training, tuple(variants)) if wanted != "vectorised" else ""
    if not isinstance(recognised, str):
        return TierChoice(tier="batched", reason="A multilayer perceptron that the batched kernels know.")
    if wanted == "batched":
        raise _refused(wanted, recognised)
    try:
        return _stacked_or_loop(training, variants, wanted, why_not)
    except CannotStackError as reason:
        if wanted is not None:
            raise _refused(wanted, str(reason)) from None
        return TierChoice(tier="loop", reason=f"{_capitalized(str(reason))}.")


def _refused(wanted: Tier, reason: str) -> ArgumentError:
    return ArgumentError(
        f'`tier="{wanted}"` needs a training that this tier can do.',
        found=f"one that it cannot: {reason}",
        way_out="Leave `tier` out: the fastest that can is found.",
    )


def _stacked_or_loop(
    training: Training,
    variants: Sequence[SweepVariant],
    wanted: Tier | None,
    why_not: str | None,
) -> TierChoice:
    group = _largest_group(training, variants)
    if wanted is None and len(group) < FEWEST_NETWORKS:
        raise CannotStackError(f"{len(group)} networks at a time are too few to stack")
    if why_not is not None:
        raise CannotStackError(why_not)
    errors = stacking_errors(training, group)
    for what, error in errors.items():
        if error > GRADIENT_TOLERANCE:
            raise CannotStackError(f"{what} are off by {error:.1g} of their size in a stack")
    error = errors["gradients"]
    if wanted is not None:
        return TierChoice(tier=wanted, reason="It was asked for.", gradient_error=error)
    number = min(len(group), chunk_size(training, group[0]), _TIMED_NETWORKS)
    seconds = _seconds_per_step(training, group[:number])
    speedup = seconds["loop"] / seconds["vectorised"]
    faster = speedup >= NEEDED_SPEEDUP
    reason = f"A stack of {number} networks trains at {speedup:.2g} times the loop's speed."
    return TierChoice(
        tier="vectorised" if faster else "loop", reason=reason, seconds_per_step=seconds, gradient_error=error
    )


def _largest_group(training: Training, variants: Sequence[SweepVariant]) -> list[SweepVariant]:
    """The variants that would stand in one stack, chunks aside; the largest such group."""
    groups: dict[tuple[int, int, bool], list[SweepVariant]] = {}
    for variant in variants:
        key = variant.seed, num_steps(training, variant.fold), variant.setting.dropout is None
        groups.setdefault(key, []).append(variant)
    largest = max(groups.values(), key=len)
    return sorted(largest, key=lambda variant: variant.setting.learning_rate or 0.0)


def _seconds_per_step(training: Training, variants: Sequence[SweepVariant]) -> dict[Tier, float]:
    """Time a step of a stack and of the loop in turn; the fastest of several rounds of each, per network."""
    stack = Stack(training, filled(list(variants)))
    network = Network(training, variants[0], None)
    rows = training.examples.training_rows(variants[0].fold)[: batch_size_of(training)]
    programs: dict[Tier, tuple[Callable[[Tensor, float], None], int]] = {
        "loop": (network._step, 1),
        "vectorised": (stack.step, len(variants)),
    }
    best: dict[Tier, float] = {}
    for round_number in range(1 + _ROUNDS):  # the first one warms up
        for tier, (step, number) in programs.items():
            started = time.process_time()
            for _ in range(_STEPS):
                step(rows, 1.0)
            seconds = (time.process_time() - started) / (_STEPS * number)
            best[tier] = min(seconds, best.get(tier, seconds)) if round_number else torch.inf
    return best


def _capitalized(sentence: str) -> str:
    return sentence if sentence.startswith("`") else sentence[0].upper() + sentence[1:]
