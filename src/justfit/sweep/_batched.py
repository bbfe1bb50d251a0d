"""The batched tier: recognised multilayer perceptrons on the hand-written kernels.

Batch order and dropout masks are those of the plain loop, drawn by the same names, so that its networks come out, to
rounding. States carry the loop's names too: a network may go on where another tier left it.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor

from justfit.errors import ArgumentError
from justfit.sweep._batched_state import read_state, stored_parameters, write_state
from justfit.sweep._feed import Schedule
from justfit.sweep._loop import batch_size_of, built_module, default_generator_kept, named_seed, train_sample
from justfit.sweep._merging import joined_reports
from justfit.sweep._modules import Parameters
from justfit.sweep._problem import Problem, Recipe, Variant
from justfit.sweep._program import Program
from justfit.sweep._recognise import Recognised, linear, recognise
from justfit.sweep._training import SweepVariant, Training, Unit, UnitReport, UnitState


def run_batched(training: Training, unit: Unit) -> tuple[UnitState, UnitReport]:
    """Train the unit's variants on the batched kernels; see `run_unit`.

    Args:
        training: What is trained.
        unit: Which variants, from where, how far.

    Returns:
        Where they stand now, and what was measured on the way.

    Raises:
        ArgumentError: The training is not one that `recognise` recognises.
    """
    started = time.process_time()
    recognised = recognise(training, unit.variants)
    if isinstance(recognised, str):
        raise ArgumentError(
            "The batched tier takes plain multilayer perceptrons only.",
            found=f"a training that is not one: {recognised}",
            way_out="Leave `tier` out: a probe finds the fastest that can train it.",
        )
    groups = [_Group(training, recognised, unit, places) for places in _by_rate_and_seed(training, unit.variants)]
    for group in groups:
        group.train(unit)
    order = torch.tensor([place for group in groups for place in group.places]).argsort().tolist()
    state = UnitState.join([read_state(group.program, recognised.layers) for group in groups]).select(order)
    return state, joined_reports([group.report() for group in groups], order, time.process_time() - started)


def _by_rate_and_seed(training: Training, variants: tuple[SweepVariant, ...]) -> list[list[int]]:
    """Places of the variants that one program can train: they share learning rate and seed."""
    groups: defaultdict[tuple[float, int], list[int]] = defaultdict(list)
    for place, variant in enumerate(variants):
        groups[(_learning_rate(training, variant), variant.seed)].append(place)
    return list(groups.values())


def _learning_rate(training: Training, variant: SweepVariant) -> float:
    own = variant.setting.learning_rate
    return training.learning_rate if own is None else own


class _Group:
    """The variants of one learning rate and one seed."""

    def __init__(self, training: Training, recognised: Recognised, unit: Unit, places: list[int]) -> None:
        self.places = places
        self._examples = training.examples
        self._variants = [unit.variants[place] for place in places]
        self._train_rows = {variant.fold: train_sample(training.examples, variant) for variant in self._variants}
        self._epochs: list[int] = []
        self._validation: list[list[Tensor]] = []
        self._train: list[list[tuple[float, float]]] = []
        state = None if unit.state is None else unit.state.select(places)
        problem = _problem(training, recognised)
        recipe = _recipe(training, recognised, _learning_rate(training, self._variants[0]))
        self.program = Program(
            problem,
            recipe,
            [_plain(variant, recognised) for variant in self._variants],
            initial=_initial(training, recognised, self._variants, state),
            draw=_StepMasks(Schedule(problem, recipe).steps_per_block, problem.inputs.dtype).draw,
            evens=True,
        )
        if state is not None:
            write_state(self.program, recognised.layers, state)

    def train(self, unit: Unit) -> None:
        """Train to the unit's end, and measure on the way."""
        while self.program.epoch < unit.until:
            self.program.advance(1)
            if self.program.epoch in unit.measure:
                self._measure()

    def report(self) -> UnitReport:
        """What was measured, in the order of the group's variants."""
        held = [
            torch.stack(losses) if losses else torch.empty(0, len(self._examples.validation_rows(variant.fold)))
            for variant, losses in zip(self._variants, self._by_variant(), strict=True)
        ]
        train = torch.tensor(self._train, dtype=torch.float64).view(-1, len(self._variants), 2)
        return UnitReport(tuple(self._epochs), held, train[..., 0].T.contiguous(), train[..., 1].T.contiguous())

    def _by_variant(self) -> list[list[Tensor]]:
        return [[losses[index] for losses in self._validation] for index in range(len(self._variants))]

    def _measure(self) -> None:
        validation, train = [], []
        held_losses = self.program.losses(self._examples.validation_rows)
        for held, sample in zip(held_losses, self.program.losses(self._train_rows.__getitem__), strict=True):
            exact = sample.double()
            finite = bool(held.isfinite().all() and exact.isfinite().all())
            validation.append(held.float() if finite else torch.full(held.shape, torch.nan))
            train.append((float(exact.mean()) if finite else math.nan, float(exact.std() / math.sqrt(len(exact)))))
        self._epochs.append(self.program.epoch)
        self._validation.append(validation)
        self._train.append(train)


class _StepMasks:
    """The uniform numbers that the plain loop draws: one stream a step, one draw a dropout site."""

    def __init__(self, steps_per_block: int, dtype: torch.dtype) -> None:
        self._steps_per_block, self._dtype = steps_per_block, dtype

    def draw(
        self, seed: int, block: tuple[int, int], shape: tuple[int, int], hidden: tuple[int, ...]
    ) -> Sequence[Tensor]:
        """Draw those of one block of steps, one [steps, batch, units] per site."""
        epoch, number = block
        num_steps, batch_size = shape
        generator = torch.Generator()
        sites = [torch.empty(num_steps, batch_size, units, dtype=self._dtype) for units in hidden]
        for step in range(num_steps):
            generator.manual_seed(named_seed(seed, "step", epoch, number * self._steps_per_block + step))
            for site in sites:
                site[step].uniform_(generator=generator)
        return sites


def _problem(training: Training, recognised: Recognised) -> Problem:
    examples = training.examples
    targets = examples.targets if recognised.task == "classification" else examples.targets[:, 0]
    return Problem(
        examples.inputs.flatten(1), targets, examples.fold_of_rows, recognised.task, recognised.layout.num_outputs
    )


def _recipe(training: Training, recognised: Recognised, learning_rate: float) -> Recipe:
    return Recipe(
        hidden=recognised.layout.hidden,
        activation=recognised.activation,
        epochs=training.epochs,
        batch_size=batch_size_of(training),
        learning_rate=learning_rate,
        schedule=training.schedule,
        dropped=recognised.dropped,
    )


def _plain(variant: SweepVariant, recognised: Recognised) -> Variant:
    """The variant, as a program knows it; its initial parameters are handed in."""
    asked = variant.setting.dropout
    dropout = recognised.dropout if asked is None else asked
    return Variant(
        l2=variant.setting.l2,
        dropout=dropout if any(recognised.dropped) else 0.0,
        fold=variant.fold,
        seed=variant.seed,
    )


def _initial(
    training: Training, recognised: Recognised, variants: list[SweepVariant], state: UnitState | None
) -> list[Parameters]:
    """Parameters that each variant starts from: those of the state, or of the network as built and initialized."""
    if state is not None:
        return [stored_parameters(state, recognised.layers, place) for place in range(len(variants))]
    drawn: dict[tuple[int, str | None], Parameters] = {}
    with default_generator_kept():
        for variant in variants:
            key = (variant.seed, variant.setting.init)
            if key not in drawn:
                module = built_module(training, variant)
                layers = [linear(module, name) for name in recognised.layers]
                drawn[key] = [(layer.weight.detach().t(), layer.bias.detach()) for layer in layers]
    return [drawn[(variant.seed, variant.setting.init)] for variant in variants]
