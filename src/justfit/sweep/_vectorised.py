"""The vectorised tier: any module whose operations can be stacked, many networks as one program.

Batch order, dropout masks and every other random number are those of the plain loop, and so, to rounding, are the
networks. The unit is cut into chunks that fit the processor's cache; how large they are depends on the bytes of one
network alone, so that a unit may be cut and joined anywhere, bit for bit. For the same reason a stack is filled up to a
multiple of 8 with copies of its last network: matrix products of one and of several are rounded differently, and so are
the numbers that a vector loop leaves over at its end (none, if batch and layers have sizes that 4 divides).
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from justfit.sweep._loop import (
    EVALUATION_ROWS,
    batch_size_of,
    built_module,
    call_arguments,
    default_generator_kept,
    learning_rate_factor,
    named_seed,
    num_steps,
    seed_generator,
    take,
    train_sample,
)
from justfit.sweep._merging import joined_reports
from justfit.sweep._stack import Stack
from justfit.sweep._streams import epoch_order
from justfit.sweep._training import SweepVariant, Training, Unit, UnitReport, UnitState

Member = TypeVar("Member")
# Parameters, gradients, optimizer state and kept activations of one chunk: about a core's share of the last cache.
# Tried on MLPs of width 32 to 128 in chunks of 8 to 128 networks: flat between 32 and 128, slower below.
CHUNK_BYTES = 24_000_000
STACK_MULTIPLE = 8
SMALLEST_CHUNK, LARGEST_CHUNK = STACK_MULTIPLE, 128


def run_vectorised(training: Training, unit: Unit) -> tuple[UnitState, UnitReport]:
    """Train the unit's variants as stacks of networks; see `run_unit`.

    Args:
        training: What is trained; a training that `choose_tier` finds fit for this tier.
        unit: Which variants, from where, how far.

    Returns:
        Where they stand now, and what was measured on the way.
    """
    started = time.process_time()
    with default_generator_kept():
        size = chunk_size(training, unit.variants[0])
        chunks = [_Chunk(training, unit, places) for places in _cut(training, unit.variants, size)]
        for chunk in chunks:
            chunk.train(unit, size)
    back = torch.tensor([place for chunk in chunks for place in chunk.places]).argsort().tolist()
    state = UnitState.join([chunk.state for chunk in chunks]).select(back)
    return state, joined_reports([chunk.report for chunk in chunks], back, time.process_time() - started)


def chunk_size(training: Training, variant: SweepVariant) -> int:
    """Networks of one chunk: a function of the bytes that one network needs while it is trained."""
    module = built_module(training, variant).train()
    kept = 0

    def count(tensor: Tensor) -> Tensor:
        nonlocal kept
        kept += tensor.numel() * tensor.element_size()
        return tensor

    rows = training.examples.training_rows(variant.fold)[: batch_size_of(training)]
    positional, keywords = call_arguments(take(training.examples.inputs, rows))
    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        module(*positional, **keywords)
    kept += 4 * sum(parameter.numel() * parameter.element_size() for parameter in module.parameters())
    fitting = CHUNK_BYTES // kept // STACK_MULTIPLE * STACK_MULTIPLE
    return max(SMALLEST_CHUNK, min(LARGEST_CHUNK, fitting))


def _cut(training: Training, variants: Sequence[SweepVariant], size: int) -> Iterator[list[int]]:
    """Places of the variants of each chunk: equal in seed, number of steps and kind of dropout, sorted by rate."""

    def kind(place: int) -> tuple[int, int, bool]:
        variant = variants[place]
        return variant.seed, num_steps(training, variant.fold), variant.setting.dropout is None

    places = sorted(
        range(len(variants)), key=lambda place: (*kind(place), variants[place].setting.learning_rate or 0.0)
    )
    for wanted in sorted(set(map(kind, places))):
        yield from pieces([place for place in places if kind(place) == wanted], size)


def pieces(places: list[int], size: int) -> Iterator[list[int]]:
    """Cut into as few pieces as there may be of at most `size`, of about one length, that little need be filled up."""
    number = -(-len(places) // size)
    length = -(-len(places) // (number * STACK_MULTIPLE)) * STACK_MULTIPLE
    yield from (places[start : start + length] for start in range(0, len(places), length))


def filled(places: list[Member]) -> list[Member]:
    """The places, the last one repeated up to the next multiple."""
    return places + places[-1:] * (-len(places) % STACK_MULTIPLE)


class _Chunk:
    """The networks of one chunk, from where they stand to the unit's end.

    Attributes:
        places: Where they stand in the unit.
        state, report: Filled by `train`.
    """

    def __init__(self, training: Training, unit: Unit, places: list[int]) -> None:
        self.places = places
        self._training = training
        self._variants = [unit.variants[place] for place in places]
        self.state = UnitState(0, {}) if unit.state is None else unit.state.select(places)
        self.report = UnitReport((), [], torch.empty(0), torch.empty(0))

    def train(self, unit: Unit, size: int) -> None:
        """Train, measure on the way, and keep state and report only."""
        training, fresh = self._training, not self.state.tensors
        twins = filled(list(range(len(self.places))))
        stack = Stack(training, [self._variants[index] for index in twins])
        if not fresh:
            stack.load(self.state.select(twins).tensors)
        evaluated = max(STACK_MULTIPLE, size * batch_size_of(training) // EVALUATION_ROWS)
        steps, measured = num_steps(training, self._variants[0].fold), []
        for epoch in range(self.state.epoch, unit.until):
            order = self._order(epoch, stack.variants)
            for step in range(steps):
                self._step(stack, epoch, step, steps, order)
            if epoch + 1 in unit.measure:
                measured.append(
                    (
                        epoch + 1,
                        self._measure(stack, epoch + 1, evaluated),
                    )
                )
        epoch = max(self.state.epoch, unit.until)
        self.state = UnitState(epoch, {n: t[: len(self.places)] for n, t in stack.state().items()})
        self.report = self._reported(measured)

    def _step(self, stack: Stack, epoch: int, step: int, steps: int, order: Tensor) -> None:
        size = batch_size_of(self._training)
        self._seed("step", epoch, step)
        factor = learning_rate_factor(self._training, epoch * steps + step, steps * self._training.epochs)
        stack.step(order[..., step * size : (step + 1) * size], factor)

    def _seed(self, *name: int | str) -> None:
        seed_generator(named_seed(self._variants[0].seed, *name), self._training.device)

    def _order(self, epoch: int, variants: Sequence[SweepVariant]) -> Tensor:
        """Rows in the order of the epoch: one for all networks, or one a network where their folds differ."""
        folds = self._training.examples.fold_of_rows
        by_fold = {v.fold: epoch_order(v.seed, epoch, v.fold, folds) for v in variants}
        if len(by_fold) == 1:
            return by_fold[variants[0].fold]
        shortest = min(map(len, by_fold.values()))
        return torch.stack([by_fold[variant.fold][:shortest] for variant in variants])

    def _measure(self, stack: Stack, epoch: int, size: int) -> list[tuple[Tensor, float, float]]:
        """For each network: losses of its fold, mean training loss and its standard error."""
        found: dict[int, tuple[Tensor, float, float]] = {}
        examples = self._training.examples
        for fold in {variant.fold for variant in self._variants}:
            members = [index for index, variant in enumerate(self._variants) if variant.fold == fold]
            samples = examples.validation_rows(fold), train_sample(examples, self._variants[members[0]])
            for piece in pieces(members, size):
                self._seed("measure", epoch)
                held, train = (_losses(stack, filled(piece), rows) for rows in samples)
                for index, one, other in zip(piece, held, train, strict=False):
                    found[index] = _summary(one.float(), other.double())
        return [found[index] for index in range(len(self._variants))]

    def _reported(self, measured: list[tuple[int, list[tuple[Tensor, float, float]]]]) -> UnitReport:
        numbers = torch.tensor(
            [[(loss, error) for _, loss, error in networks] for _, networks in measured], dtype=torch.float64
        ).view(-1, len(self.places), 2)
        validation = []
        for index, variant in enumerate(self._variants):
            losses = [networks[index][0] for _, networks in measured]
            rows = len(self._training.examples.validation_rows(variant.fold))
            validation.append(torch.stack(losses) if losses else torch.empty(0, rows))
        epochs = tuple(epoch for epoch, _ in measured)
        return UnitReport(epochs, validation, numbers[..., 0].T.contiguous(), numbers[..., 1].T.contiguous())


def _losses(stack: Stack, indices: list[int], rows: Tensor) -> Tensor:
    if not len(rows):
        return torch.empty(len(indices), 0)
    return torch.cat([stack.losses(indices, part) for part in torch.split(rows, EVALUATION_ROWS)], 1)


def _summary(held: Tensor, train: Tensor) -> tuple[Tensor, float, float]:
    finite = bool(held.isfinite().all() and train.isfinite().all())
    loss = float(train.mean()) if finite else math.nan
    return held if finite else torch.full_like(held, math.nan), loss, float(train.std() / math.sqrt(len(train)))
