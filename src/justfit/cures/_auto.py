"""`initialize_(scheme="auto")`: a basis for each weight by what surrounds it, and its size by what flows through it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from justfit.cures._auto_basis import Basis, choose_basis, draw_basis
from justfit.cures._auto_fit import Fit, fit_sizes
from justfit.cures._auto_recurrent import recurrent_values
from justfit.cures._initialization_draw import stream
from justfit.cures._initialization_record import Initialization, ParameterChange, write
from justfit.errors import ArgumentError, UnsupportedModuleError
from justfit.maths import gain
from justfit.probe import (
    Batch,
    Structure,
    WeightUse,
    eager,
    read_signals,
    read_structure,
    untouched,
    unwrap,
)

MAX_CORRECTIONS = 2
TOLERATED_LOG_GAIN = math.log(2.0)  # of ∂L/∂activation between the ends of the trunk
FIRST_STEP = 4.0  # log-scale per log-gain per layer, until two measurements give a secant


def initialize_auto(module: nn.Module, inputs: tuple[Any, ...], keywords: Mapping[str, Any], seed: int) -> Initialization:
    """Initialize by measuring; see `initialize_` for what it does.

    Raises:
        ArgumentError: No batch was given.
        UnsupportedModuleError: No operation of the forward pass uses a weight that can be initialized.
    """
    if not inputs and not keywords:
        raise ArgumentError(
            'The scheme "auto" must see a batch, since it measures what flows through the network.',
            found="no inputs",
            way_out="Pass one batch, as the module takes it: `initialize_(module, inputs, scheme=\"auto\")`.",
        )
    bare = unwrap(module)
    batch = Batch(inputs=inputs, keywords=keywords)
    with untouched(bare), eager(bare):
        structure = read_structure(bare, batch)
        plan = AutoPlan(bare, structure, seed)
        if not plan.steps and not plan.recurrent:
            raise UnsupportedModuleError(
                "The forward pass must use a linear, convolution or recurrent weight.",
                found=f"a {type(bare).__name__} whose forward pass used none",
                way_out="Check that the inputs reach the layers; embeddings and norms keep their values.",
            )
        plan.draw()
        plan.write()
        fit = fit_sizes(bare, batch, structure, {name: step.basis for name, step in plan.steps.items()})
    before = plan.values()
    try:
        plan.write(fit.factors)
        num_corrections = plan.correct(batch)
    except BaseException:  # Ctrl-C included: a half-initialized network is worse than an untouched one
        write(before)
        raise
    return plan.record(before, fit, num_corrections)


@dataclass(slots=True)
class Step:
    """One weight that is initialized: its first use, how it is drawn, and its values until they are written."""

    use: WeightUse
    basis: Basis
    values: Tensor | None = None


class AutoPlan:
    """Which parameters of a network are given which values.

    Args:
        module: Unwrapped.
        structure: What stands where.
        seed: Of every random stream.
    """

    def __init__(self, module: nn.Module, structure: Structure, seed: int) -> None:
        self.module = module
        self.seed = seed
        self.parameters = dict(module.named_parameters())
        self.recurrent = recurrent_values(module, seed)
        self.untouched: dict[str, str] = {}
        self.steps: dict[str, Step] = {}
        self.biases: dict[str, nn.Parameter] = {}
        self.names: dict[int, list[str]] = {}
        names = {id(parameter): name for name, parameter in self.parameters.items()}
        for use in structure.uses:
            name = use.call.owner.parameter
            reason = self._obstacle(use)
            if name in self.recurrent or name in self.steps:
                continue
            if reason:
                self.untouched.setdefault(name, reason)
                continue
            self.steps[name] = Step(use, choose_basis(use, structure, self.steps))
            bias = use.call.bias
            if bias is not None and id(bias) in names:
                self.biases[names[id(bias)]] = self.parameters[names[id(bias)]]
        for name in set(self.untouched) & set(self.steps):  # tied to an embedding: leave it alone
            del self.steps[name]

    def values(self) -> tuple[tuple[nn.Parameter, Tensor], ...]:
        """Copy the present values of everything that will change."""
        named = [*self.steps, *self.biases, *self.recurrent]
        return tuple((self.parameters[name], self.parameters[name].detach().clone()) for name in named)

    def draw(self) -> None:
        """Draw the basis of every weight; nothing is written."""
        for name, step in self.steps.items():
            step.values = draw_basis(step.basis, step.use.call, stream(self.seed, name))

    @torch.no_grad()
    def write(self, factors: Mapping[str, float] | None = None) -> None:
        """Give every weight its basis, times its factor, and every bias zero."""
        for name, step in self.steps.items():
            if step.values is not None:
                step.use.call.weight.copy_(step.values)
            if factors is not None:
                self.parameters[name].mul_(factors.get(name, 1.0))
                step.values = None
        for bias in self.biases.values():
            bias.zero_()
        for name, value in self.recurrent.items():
            self.parameters[name].copy_(value)

    def correct(self, batch: Batch) -> int:
        """Close the loop: measure the gradient's gain, and scale all saturating weights of the trunk by one factor.

        Returns:
            How many forward and backward passes it took.
        """
        names = [name for name, step in self.steps.items() if step.basis.is_balanced]
        if len(names) < 2:
            return 0
        done: list[tuple[float, float]] = []
        total = 0.0
        for _ in range(MAX_CORRECTIONS):
            per_layer, whole = self._log_gain(batch)
            done.append((total, per_layer))
            if not math.isfinite(whole) or abs(whole) < TOLERATED_LOG_GAIN:
                break
            wanted = _next(done)
            with torch.no_grad():
                for name in names:
                    self.parameters[name].mul_(math.exp(wanted - total))
            total = wanted
        return len(done)

    def record(self, before: tuple[tuple[nn.Parameter, Tensor], ...], fit: Fit, num_corrections: int) -> Initialization:
        """Say what was done."""
        changes = [self._change(name, step, fit) for name, step in self.steps.items()]
        changes += [self._plain(name, "bias", "zero") for name in self.biases]
        changes += [self._plain(name, "recurrent", "orthogonal per gate, biases zero") for name in self.recurrent]
        changed = {change.name for change in changes}
        rest = [(name, self._why_untouched(name)) for name in self.parameters if name not in changed]
        return Initialization(
            scheme="auto",
            seed=self.seed,
            changes=tuple(changes),
            untouched=tuple(rest),
            num_passes=1 + fit.num_passes + num_corrections,
            _before=before,
        )

    def _other_names(self, parameter: nn.Parameter) -> tuple[str, ...]:
        if not self.names:
            for name, found in self.module.named_parameters(remove_duplicate=False):
                self.names.setdefault(id(found), []).append(name)
        return tuple(self.names[id(parameter)][1:])

    def _why_untouched(self, name: str) -> str:
        owner, _, last = name.rpartition(".")
        if name in self.untouched:
            return self.untouched[name]
        if last == "bias" and f"{owner}.weight" in self.untouched:
            return "the bias of a weight that is left alone"
        kind = type(self.module.get_submodule(owner)).__name__
        return f"belongs to {kind}, and the forward pass does not multiply the signal by it as by a matrix"

    def _log_gain(self, batch: Batch) -> tuple[float, float]:
        evidence = read_signals(self.module, *batch.inputs, keywords=batch.keywords)
        norms = [
            point.gradient_norm
            for point in evidence.trunk
            if point.kind != "output" and 0 < point.gradient_norm < math.inf
        ]
        if len(norms) < 3:
            return math.nan, math.nan
        whole = math.log(norms[1] / norms[-1])  # the first is the network's input: a layer of another size reads it
        return whole / (len(norms) - 2), whole

    def _obstacle(self, use: WeightUse) -> str:
        call = use.call
        parameter = self.parameters[call.owner.parameter]
        if call.operation.startswith("embedding"):
            return "an embedding keeps its values, and so does what is tied to it"
        base = call.weight if call.weight._base is None else call.weight._base
        if base is not parameter:
            return "its layer's weight is computed from other parameters (parametrized, weight-normalised or pruned)"
        if not call.owner.is_whole:
            return "only a part of it is used at a time"
        if not parameter.is_floating_point() or call.weight.dim() < 2:
            return "it is no matrix of real numbers"
        if bool((parameter == 0).all()) and (use.skip is not None or use.is_output):
            return "it is zero at the end of a branch or of the network, on purpose: it learns from there"
        return ""

    def _change(self, name: str, step: Step, fit: Fit) -> ParameterChange:
        use = step.use
        value = self.parameters[name].detach()
        activation = use.activation or "linear"
        try:
            factor = gain(activation)
        except ArgumentError:
            factor = 1.0
        return ParameterChange(
            name=name,
            shared_with=self._other_names(self.parameters[name]),
            scheme=step.basis.words,
            fan_in=step.basis.fan_in,
            fan_out=step.basis.fan_out,
            std=float(value.double().square().mean().sqrt()),
            gain=factor,
            nonlinearity=activation,
            reason=fit.reasons.get(name, "the forward pass did not reach it"),
        )

    def _plain(self, name: str, kind: str, words: str) -> ParameterChange:
        value = self.parameters[name].detach()
        return ParameterChange(
            name=name,
            shared_with=(),
            scheme="zero" if kind == "bias" else "orthogonal",
            fan_in=float(value.shape[-1]) if value.dim() > 1 else math.nan,
            fan_out=float(value.shape[0]) if value.dim() > 1 else math.nan,
            std=float(value.double().square().mean().sqrt()),
            gain=1.0,
            nonlinearity="linear",
            reason=words,
        )


def _next(done: list[tuple[float, float]]) -> float:
    """Find the next log-scale: a fixed step first, then a secant."""
    scale, slope = done[-1]
    if len(done) == 1:
        return scale - FIRST_STEP * slope
    (scale_0, slope_0), (scale_1, slope_1) = done[-2:]
    if abs(slope_1 - slope_0) < 1e-12:
        return scale_1 - slope_1
    return scale_1 - slope_1 * (scale_1 - scale_0) / (slope_1 - slope_0)

