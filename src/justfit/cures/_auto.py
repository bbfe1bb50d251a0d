"""`initialize_(scheme="auto")`: a basis for each weight by what surrounds it, and its size by what flows through it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from justfit.cures._auto_addend import split_sums
from justfit.cures._auto_basis import Step, choose_basis, key_of
from justfit.cures._auto_batch import needs_gradient, require_batch, running
from justfit.cures._auto_draw import draw_bases
from justfit.cures._auto_fit import Fit, fit_sizes
from justfit.cures._auto_recurrent import recurrent_values
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

Values = tuple[tuple[nn.Parameter, Tensor], ...]
COMPUTED = "its layer's weight is computed from other parameters (parametrized, weight-normalised or pruned)"
MAX_OBSTACLES = 3  # named in an error
MAX_PASSES = 4  # forward passes in all
TOLERATED_LOG_GAIN = math.log(2.0)  # of ∂L/∂activation between the ends of the trunk
FIRST_STEP = 4.0  # log-scale per log-gain per layer, until two measurements give a secant


def initialize_auto(
    module: nn.Module, inputs: tuple[Any, ...], keywords: Mapping[str, Any], seed: int
) -> Initialization:
    """Initialize by measuring; see `initialize_` for what it does.

    Raises:
        ArgumentError: No batch was given, it is empty, or it holds NaN or infinity.
        UnsupportedModuleError: No operation of the forward pass uses a weight that can be initialized.
    """
    require_batch(inputs, keywords)
    bare = unwrap(module)
    batch = Batch(inputs=inputs, keywords=keywords)
    # A forward pass may write into parameters, and `untouched` copies small networks only.
    before = tuple((parameter, parameter.detach().clone()) for parameter in _real(bare))
    try:
        try:
            return _initialize(bare, batch, seed, before, with_gradient=False)
        except RuntimeError as error:
            if not needs_gradient(error):
                raise
        _restore(before)
        return _initialize(bare, batch, seed, before, with_gradient=True)
    except BaseException:  # Ctrl-C included: a half-initialized network is worse than an untouched one
        _restore(before)
        raise


def _real(module: nn.Module) -> list[nn.Parameter]:
    return [p for p in module.parameters() if not isinstance(p, UninitializedParameter) and not p.is_meta]


def _restore(before: Values) -> None:
    """Write back what differs in any bit; memory may be mapped from a file that must not be written."""
    write(tuple((parameter, value) for parameter, value in before if not torch.equal(_bits(parameter), _bits(value))))


def _bits(values: Tensor) -> Tensor:
    return values.detach().reshape(-1).view(torch.uint8) if values.layout == torch.strided else values.detach()


def _initialize(module: nn.Module, batch: Batch, seed: int, before: Values, *, with_gradient: bool) -> Initialization:
    with untouched(module), eager(module), running(module, with_gradient=with_gradient):
        named = list(module.named_parameters(remove_duplicate=False))  # the forward pass may put others in their place
        structure = split_sums(read_structure(module, batch))
        _restore(before)
        plan = AutoPlan(module, structure, seed, named)
        if not plan.steps and not plan.recurrent:
            is_multiplied = any(not use.call.operation.startswith("embedding") for use in structure.uses)
            raise _nothing_to_do(module, plan.untouched if is_multiplied else {})
        drawn = draw_bases(plan.steps, seed)
        plan.write(drawn)
        fit = fit_sizes(module, batch, structure, plan.steps)
    _restore(before)
    plan.write(drawn, fit.factors)
    num_passes = 1 + fit.num_passes
    num_passes += plan.correct(batch, MAX_PASSES - num_passes)
    old = {id(parameter): value for parameter, value in before}
    return plan.record(tuple((parameter, old[id(parameter)]) for parameter in plan.changed()), fit, num_passes)


def _nothing_to_do(module: nn.Module, obstacles: Mapping[str, str]) -> UnsupportedModuleError:
    kind = type(module).__name__
    if not obstacles:
        return UnsupportedModuleError(
            "The forward pass must use a linear, convolution or recurrent weight.",
            found=f"a {kind} whose forward pass used none",
            way_out="Check that the inputs reach the layers; embeddings and norms keep their values.",
        )
    shown = "; ".join(f"`{name}`: {reason}" for name, reason in list(obstacles.items())[:MAX_OBSTACLES])
    more = len(obstacles) - MAX_OBSTACLES
    return UnsupportedModuleError(
        "The forward pass must use a linear, convolution or recurrent weight that may be changed.",
        found=f"a {kind} that uses none but {shown}" + (f"; and {more} more" if more > 0 else ""),
        way_out="Initialize before parametrizing, pruning or tying; weights that are zero on purpose need nothing.",
    )


class AutoPlan:
    """Which parameters of a network are given which values.

    Args:
        module: Unwrapped.
        structure: What stands where.
        seed: Of every random stream.
        named: Every parameter by each of its names, as before the first forward pass.
    """

    def __init__(
        self, module: nn.Module, structure: Structure, seed: int, named: list[tuple[str, nn.Parameter]]
    ) -> None:
        self.module = module
        self.seed = seed
        self.names: dict[int, list[str]] = {}
        for name, parameter in named:
            self.names.setdefault(id(parameter), []).append(name)
        whole = dict(named)
        self.parameters = {names[0]: whole[names[0]] for names in self.names.values()}
        self.recurrent = recurrent_values(module, seed)
        self.untouched: dict[str, str] = {}
        self.steps: dict[str, Step] = {}
        self.keys: dict[str, list[str]] = {}  # of each weight: itself, or the parts of it that are used
        self.biases: dict[str, list[Tensor]] = {}
        for use in structure.uses:
            self._plan(use, structure)
        for name in set(self.keys):
            if overlaps(self.keys[name]):
                self.untouched.setdefault(name, "parts of it that overlap are used")
            if name in self.untouched:  # by another use, as an embedding for one
                for key in self.keys.pop(name):
                    del self.steps[key]

    def _plan(self, use: WeightUse, structure: Structure) -> None:
        call = use.call
        name = call.owner.parameter
        if name in self.recurrent:
            return
        key = key_of(call)
        reason = self._obstacle(use, key)
        if reason:
            self.untouched.setdefault(name, reason)
        elif key not in self.steps:
            self.steps[key] = Step(use=use, basis=choose_basis(use, structure, self.steps))
            self.keys.setdefault(name, []).append(key)
            if call.bias is not None:
                whole = call.bias if call.bias._base is None else call.bias._base
                if id(whole) in self.names:
                    self.biases.setdefault(self.names[id(whole)][0], []).append(call.bias)

    def changed(self) -> list[nn.Parameter]:
        """List everything that changes, in the order of the record."""
        return [self.parameters[name] for name in (*self.keys, *self.biases, *self.recurrent)]

    @torch.no_grad()
    def write(self, drawn: Mapping[str, Tensor], factors: Mapping[str, float] | None = None) -> None:
        """Give every weight its basis, times its factor, and every bias zero."""
        for key, values in drawn.items():
            factor = 1.0 if factors is None else factors.get(key, 1.0)
            self.steps[key].use.call.weight.copy_(values if factor == 1.0 else values * factor)
        for biases in self.biases.values():
            for bias in biases:
                bias.zero_()
        for name, value in self.recurrent.items():
            self.parameters[name].copy_(value)

    def correct(self, batch: Batch, max_passes: int) -> int:
        """Close the loop: measure the gradient's gain, and scale all balanced weights of the trunk by one factor.

        Returns:
            How many forward and backward passes it took.
        """
        balanced = [step.use.call.weight for step in self.steps.values() if step.basis.is_balanced]
        if len(balanced) < 2:
            return 0
        done: list[tuple[float, float]] = []
        total = 0.0
        for _ in range(max_passes):
            per_layer, whole = self._log_gain(batch)
            done.append((total, per_layer))
            if not math.isfinite(whole) or abs(whole) < TOLERATED_LOG_GAIN:
                break
            wanted = _next(done)
            with torch.no_grad():
                for weight in balanced:
                    weight.mul_(math.exp(wanted - total))
            total = wanted
        return len(done)

    def record(self, before: Values, fit: Fit, num_passes: int) -> Initialization:
        """Say what was done."""
        changes = [
            self._change(name, [(key, self.steps[key]) for key in keys], fit) for name, keys in self.keys.items()
        ]
        changes += [self._plain(name, "zero", "a bias") for name in self.biases]
        changes += [self._recurrent(name) for name in self.recurrent]
        changed = {change.name for change in changes}
        return Initialization(
            scheme="auto",
            seed=self.seed,
            changes=tuple(changes),
            untouched=tuple((name, self._why_untouched(name)) for name in self.parameters if name not in changed),
            num_passes=num_passes,
            _before=before,
        )

    def _why_untouched(self, name: str) -> str:
        owner, _, last = name.rpartition(".")
        if name in self.untouched:
            return self.untouched[name]
        if ".parametrizations." in name or last.endswith(("_g", "_v", "_orig")):
            return COMPUTED
        if last == "bias" and any(weight.startswith(f"{owner}." if owner else "weight") for weight in self.untouched):
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

    def _obstacle(self, use: WeightUse, key: str) -> str:
        call = use.call
        parameter = self.parameters[call.owner.parameter]
        if call.operation.startswith("embedding"):
            return "an embedding keeps its values, and so does what is tied to it"
        base = call.weight if call.weight._base is None else call.weight._base
        if base is not parameter:
            return COMPUTED
        if not key:
            return "only a part of it is used at a time, and no block of rows"
        if not parameter.is_floating_point() or call.weight.dim() < 2:
            return "it is no matrix of real numbers"
        if (use.skip is not None or use.is_output) and not bool(parameter.any()):
            return "it is zero at the end of a branch or of the network, on purpose: it learns from there"
        return ""

    def _change(self, name: str, steps: list[tuple[str, Step]], fit: Fit) -> ParameterChange:
        step = steps[0][1]
        activation = step.use.activation or "linear"
        reasons = [fit.reasons.get(key, "the forward pass did not reach it a second time") for key, _ in steps]
        if len(steps) > 1:
            reasons = [f"{key.removeprefix(name)}: {reason}" for (key, _), reason in zip(steps, reasons, strict=True)]
        parameter = self.parameters[name]
        return ParameterChange(
            name=name,
            shared_with=tuple(self.names[id(parameter)][1:]),
            scheme=step.basis.words,
            fan_in=step.basis.fan_in,
            fan_out=step.basis.fan_out,
            std=_rms(parameter),
            gain=_gain(activation),
            nonlinearity=activation,
            reason="; ".join(reasons),
        )

    def _recurrent(self, name: str) -> ParameterChange:
        value = self.parameters[name]
        if value.dim() > 1:
            return self._plain(name, "orthogonal", "a recurrent layer: each gate a block of its own")
        if bool(value.any()):
            return self._plain(name, "zero, forget gate 1", "the bias of an LSTM")
        return self._plain(name, "zero", "the bias of a recurrent layer")

    def _plain(self, name: str, scheme: str, reason: str) -> ParameterChange:
        value = self.parameters[name]
        is_matrix = value.dim() > 1
        return ParameterChange(
            name=name,
            shared_with=tuple(self.names[id(value)][1:]),
            scheme=scheme,
            fan_in=float(value.shape[-1]) if is_matrix else math.nan,
            fan_out=float(value.shape[0]) if is_matrix else math.nan,
            std=0.0 if scheme == "zero" else _rms(value),
            gain=1.0,
            nonlinearity="linear",
            reason=reason,
        )


def overlaps(keys: list[str]) -> bool:
    """Tell whether parts of a parameter overlap: rows `name[0:4]` and `name[2:6]`, or a part and the whole.

    >>> overlaps(["w[0:4]", "w[4:6]"]), overlaps(["w[0:4]", "w[2:6]"]), overlaps(["w", "w[2:6]"]), overlaps(["w"])
    (False, True, True, False)
    """
    if len(keys) == 1:
        return False
    rows = sorted(tuple(map(int, key[:-1].rpartition("[")[2].split(":"))) if key[-1] == "]" else (0, 0) for key in keys)
    return (0, 0) in rows or any(before[1] > after[0] for before, after in pairwise(rows))


def _rms(value: Tensor) -> float:
    return float(torch.linalg.vector_norm(value.detach(), dtype=torch.float64)) / math.sqrt(max(1, value.numel()))


@lru_cache(maxsize=64)
def _gain(activation: str) -> float:
    try:
        return gain(activation)
    except ArgumentError:  # softmax and the like
        return 1.0


def _next(done: list[tuple[float, float]]) -> float:
    """Find the next log-scale: a fixed step first, then a secant."""
    scale, slope = done[-1]
    if len(done) == 1:
        return scale - FIRST_STEP * slope
    (scale_0, slope_0), (scale_1, slope_1) = done[-2:]
    if abs(slope_1 - slope_0) < 1e-12:
        return scale_1 - slope_1
    return scale_1 - slope_1 * (scale_1 - scale_0) / (slope_1 - slope_0)
