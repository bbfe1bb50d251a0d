"""The plain loop: one network after the other, as a user would train it; the twin of every faster tier."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from justfit.cures import initialize_
from justfit.errors import ArgumentError
from justfit.maths import l2_penalty
from justfit.sweep._dropout_mode import DropoutMode
from justfit.sweep._dropout_sites import DropoutSites
from justfit.sweep._failure import named_failure
from justfit.sweep._fused_step import FusedStep
from justfit.sweep._losses import example_losses
from justfit.sweep._penalty_gradient import penalized_weights
from justfit.sweep._problem import NO_FOLD
from justfit.sweep._streams import epoch_order, named_generator, seed_of
from justfit.sweep._training import Examples, SweepVariant, Training, Unit, UnitReport, UnitState, named_optimizers

# Rows on which training loss is measured: enough for a standard error, cheap enough for every round.
TRAIN_SAMPLE_ROWS = 2_000
EVALUATION_ROWS = 1_024


def batch_size_of(training: Training) -> int:
    """The batch size that every fold can fill."""
    return min(training.batch_size, smallest_training_part(training.examples))


def smallest_training_part(examples: Examples) -> int:
    """Rows of the smallest training part; all folds take as many steps as it allows."""
    held_out = examples.fold_of_rows[examples.fold_of_rows >= 0]
    return len(examples.fold_of_rows) - (int(torch.bincount(held_out).max()) if len(held_out) else 0)


def num_steps(training: Training, fold: int) -> int:
    """Full batches in one pass over the training rows of a fold."""
    rows = len(training.examples.fold_of_rows) if fold == NO_FOLD else smallest_training_part(training.examples)
    return rows // batch_size_of(training)


def learning_rate_factor(training: Training, step: int, total: int) -> float:
    """What the peak learning rate is multiplied by at a step in [0, total)."""
    return 1.0 if training.schedule == "constant" else 0.5 * (1.0 + math.cos(math.pi * step / total))


def named_seed(*name: int | str) -> int:
    """A seed that is a function of its name alone."""
    return seed_of(*name)


def seed_generator(seed: int, device: str) -> None:
    """Seed torch's default generators; `torch.manual_seed` alone costs a third of a small network's step on the CPU."""
    if device == "cpu":
        torch.default_generator.manual_seed(seed)
    else:
        torch.manual_seed(seed)


@contextmanager
def default_generator_kept() -> Iterator[None]:
    """Leave torch's default generators as they were, on every way out."""
    with torch.random.fork_rng():
        yield


def built_module(training: Training, variant: SweepVariant) -> nn.Module:
    """Build a variant's network: a function of its seed and scheme alone."""
    torch.manual_seed(named_seed(variant.seed, "build"))
    module = training.build()
    if variant.setting.init == "auto":
        rows = training.examples.training_rows(NO_FOLD)[: batch_size_of(training)]
        positional, keywords = call_arguments(take(training.examples.inputs, rows))
        initialize_(module, *positional, scheme="auto", seed=variant.seed, **keywords)
    elif variant.setting.init is not None:
        initialize_(module, scheme=variant.setting.init, seed=variant.seed)
    return module.to(training.device)


def build_optimizer(training: Training, variant: SweepVariant, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """Build the optimizer over some parameters, at the variant's peak learning rate."""
    wanted = variant.setting.learning_rate
    if callable(training.optimizer):
        optimizer = training.optimizer(parameters)
        if wanted is not None:
            own = optimizer.param_groups[0]["lr"]
            for group in optimizer.param_groups:
                group["lr"] *= wanted / own
        return optimizer
    known = named_optimizers()
    if training.optimizer not in known:
        raise ArgumentError(
            f"`optimizer` must be one of {', '.join(known)}, or a function of parameters that returns an optimizer.",
            found=f"`optimizer={training.optimizer!r}`",
            way_out="Give `lambda parameters: torch.optim.NAdam(parameters, lr=1e-3)` for any other.",
        )
    return known[training.optimizer](parameters, training.learning_rate if wanted is None else wanted)


def take(tree: Any, rows: Tensor) -> Any:
    """Take rows of every tensor of a tuple, list or dict of tensors."""
    if isinstance(tree, Tensor):
        return tree[rows]
    if isinstance(tree, dict):
        return {name: take(part, rows) for name, part in tree.items()}
    return tuple(take(part, rows) for part in tree)


def moved(tree: Any, device: str) -> Any:
    """Bring every tensor of a tuple, list or dict of tensors to a device."""
    if isinstance(tree, Tensor):
        return tree.to(device)
    if isinstance(tree, dict):
        return {name: moved(part, device) for name, part in tree.items()}
    return tuple(moved(part, device) for part in tree)


def batch_of(tree: Any, rows: Tensor, device: str) -> Any:
    """Take rows of a tensor, or of every tensor of a tree, to a device."""
    if isinstance(tree, Tensor) and device == "cpu" and tree.is_cpu:
        return tree[rows]
    return moved(take(tree, rows), device)


def call_arguments(inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and keyword arguments with which the network is called on these inputs."""
    if isinstance(inputs, Tensor):
        return (inputs,), {}
    return ((), dict(inputs)) if isinstance(inputs, dict) else (tuple(inputs), {})


def run_loop(training: Training, unit: Unit) -> tuple[UnitState, UnitReport]:
    """Train the unit's variants one after the other; see `run_unit`."""
    started = time.process_time()
    states, reports = [], []
    with default_generator_kept():
        for index, variant in enumerate(unit.variants):
            with named_failure([variant]):
                state = None if unit.state is None else unit.state.select([index])
                one = Network(training, variant, state)
                reports.append(one.train(unit))
                states.append(one.state())
    return UnitState.join(states), _joined(reports, time.process_time() - started)


class Network:
    """One network with its optimizer; `train` goes on from where it stands, `module` may be watched and looked at."""

    def __init__(self, training: Training, variant: SweepVariant, state: UnitState | None) -> None:
        self.training, self.variant = training, variant
        self.module = built_module(training, variant)
        self.parameters = {n: p for n, p in self.module.named_parameters() if p.requires_grad}
        self.optimizer = build_optimizer(training, variant, list(self.parameters.values()))
        self.peaks = [group["lr"] for group in self.optimizer.param_groups]
        self.step = 0
        self.steps_per_epoch = num_steps(training, variant.fold)
        self.num_examples = len(training.examples.training_rows(variant.fold))
        self.penalized = penalized_weights(self.module)
        self._trained = list(self.parameters.values())
        self._counted = [self.parameters[name] for name in self.penalized or ()]
        self._counted_values = [weight.detach() for weight in self._counted]
        self._fused_step = FusedStep(self.optimizer, self._trained, is_named=isinstance(training.optimizer, str))
        self._factor = 1.0
        self._sites: DropoutSites | None = None
        if state is not None:
            self._load(state)

    @property
    def epoch(self) -> int:
        """Whole epochs done."""
        return self.step // max(self.steps_per_epoch, 1)

    def advance(self, until: int) -> None:
        """Train on to a step, counted from the first one of the first epoch."""
        steps, size = self.steps_per_epoch, batch_size_of(self.training)
        total = steps * self.training.epochs
        self._sites = None  # the network may have been changed since
        while self.step < until:
            epoch, start = divmod(self.step, steps)
            order = epoch_order(self.variant.seed, epoch, self.variant.fold, self.training.examples.fold_of_rows)
            for step in range(start, min(steps, start + until - self.step)):
                seed_generator(named_seed(self.variant.seed, "step", epoch, step), self.training.device)
                factor = learning_rate_factor(self.training, self.step, total)
                self._step(order[step * size : (step + 1) * size], factor)
                self.step += 1

    def train(self, unit: Unit) -> UnitReport:
        validation, train, errors, epochs = [], [], [], []
        for epoch in range(self.epoch, unit.until):
            self.advance((epoch + 1) * self.steps_per_epoch)
            if self.epoch in unit.measure:
                held, loss, error = self.measure()
                epochs.append(self.epoch)
                validation.append(held)
                train.append(loss)
                errors.append(error)
        rows = len(self.training.examples.validation_rows(self.variant.fold))
        return UnitReport(
            tuple(epochs),
            [torch.stack(validation) if validation else torch.empty(0, rows)],
            torch.tensor([train], dtype=torch.float64),
            torch.tensor([errors], dtype=torch.float64),
        )

    def _step(self, rows: Tensor, factor: float) -> None:
        if not self.module.training:
            self.module.train()
        if factor != self._factor:
            self._factor = factor
            for group, peak in zip(self.optimizer.param_groups, self.peaks, strict=True):
                group["lr"] = peak * factor
        if self._sites is None:
            self._sites = DropoutSites(self.module, DropoutMode(self.variant.setting.dropout))
        self._fused_step.forget_gradients()
        positional, keywords = call_arguments(batch_of(self.training.examples.inputs, rows, self.training.device))
        with self._sites:
            outputs = self.module(*positional, **keywords)
        loss = self.training.loss_fn(outputs, batch_of(self.training.examples.targets, rows, self.training.device))
        if self.penalized is None:
            loss = loss + l2_penalty(self.module, self.variant.setting.l2, self.num_examples)
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no types here
        self._add_penalty()
        if self.training.clip_norm is not None:
            nn.utils.clip_grad_norm_(self._trained, self.training.clip_norm)
        self._fused_step()

    def _add_penalty(self) -> None:
        if not self._counted:
            return
        gradients = []
        for weight in self._counted:
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
            gradients.append(weight.grad)
        torch._foreach_add_(gradients, self._counted_values, alpha=self.variant.setting.l2 / self.num_examples)

    def measure(self) -> tuple[Tensor, float, float]:
        """Per-example validation losses, mean train loss and its standard error; NaN where it is not finite."""
        examples, fold = self.training.examples, self.variant.fold
        seed_generator(named_seed(self.variant.seed, "measure", self.epoch), self.training.device)
        held = self._losses(examples.validation_rows(fold)).float()
        rows = train_sample(examples, self.variant)
        train = self._losses(rows).double()
        finite = bool(held.isfinite().all() and train.isfinite().all())
        if not finite:
            held = torch.full_like(held, torch.nan)
        return held, float(train.mean()) if finite else math.nan, float(train.std() / math.sqrt(len(train)))

    def _losses(self, rows: Tensor) -> Tensor:
        if not len(rows):
            return torch.empty(0)
        self.module.eval()
        pieces = []
        with torch.no_grad(), DropoutMode(self.variant.setting.dropout):
            for part in torch.split(rows, EVALUATION_ROWS):
                inputs = moved(take(self.training.examples.inputs, part), self.training.device)
                positional, keywords = call_arguments(inputs)
                outputs = self.module(*positional, **keywords)
                targets = moved(take(self.training.examples.targets, part), self.training.device)
                pieces.append(example_losses(self.training.loss_fn, outputs, targets, len(part)).cpu())
        return torch.cat(pieces)

    def state(self) -> UnitState:
        tensors: dict[str, Tensor] = {f"parameter.{name}": value for name, value in self.module.named_parameters()}
        tensors |= {f"buffer.{name}": value for name, value in self.module.named_buffers()}
        for name, parameter in self.parameters.items():
            for key, value in self.optimizer.state.get(parameter, {}).items():
                if value is not None:
                    tensors[f"optimizer.{key}.{name}"] = torch.as_tensor(value)
        return UnitState(self.epoch, {n: t.detach().cpu().clone().unsqueeze(0) for n, t in tensors.items()})

    def _load(self, state: UnitState) -> None:
        self.step = state.epoch * self.steps_per_epoch
        known: dict[str, Tensor] = dict(self.module.named_parameters()) | dict(self.module.named_buffers())
        with torch.no_grad():
            for name, stacked in state.tensors.items():
                kind, _, rest = name.partition(".")
                if kind == "optimizer":
                    key, _, parameter = rest.partition(".")
                    self.optimizer.state[self.parameters[parameter]][key] = stacked[0].clone()
                else:
                    known[rest].copy_(stacked[0])


def train_sample(examples: Examples, variant: SweepVariant) -> Tensor:
    """Rows on which a variant's training loss is measured: at most 2,000, the same for all of its seed and fold."""
    rows = examples.training_rows(variant.fold)
    if len(rows) <= TRAIN_SAMPLE_ROWS:
        return rows
    generator = named_generator(variant.seed, "train sample", variant.fold)
    return rows[torch.randperm(len(rows), generator=generator)[:TRAIN_SAMPLE_ROWS]]


def _joined(reports: list[UnitReport], seconds: float) -> UnitReport:
    return UnitReport(
        reports[0].epochs,
        [report.validation_losses[0] for report in reports],
        torch.cat([report.train_loss for report in reports]),
        torch.cat([report.train_loss_se for report in reports]),
        seconds,
    )
