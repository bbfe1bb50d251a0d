"""Initialization: give every linear and convolution layer weights of the right size, and be able to undo it."""

from __future__ import annotations

import contextlib
import math
import secrets
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

from torch import Tensor, nn

from justfit.cures._auto import initialize_auto
from justfit.cures._initialization_draw import GAIN_SCHEMES, SCHEMES, Scheme, draw, scheme_std, stream
from justfit.cures._initialization_layers import Follower, assumed, find_followers, find_layers, find_untouched
from justfit.cures._initialization_record import Initialization, ParameterChange, write
from justfit.errors import ArgumentError
from justfit.maths import Nonlinearity, fans, gain

DEFAULT_NORMAL_STD = 0.01  # the lecture's small random numbers: too small for a deep network, which is their point


def initialize_(
    module: nn.Module,
    *inputs: Any,
    scheme: Scheme = "he",
    seed: int | None = None,
    std: float | None = None,
    nonlinearity: Nonlinearity | None = None,
    **keyword_inputs: Any,
) -> Initialization:
    r"""Initialize all Linear, Conv and ConvTranspose layers in place: weights by scheme, their biases zero.

    ========== =================================================================================
    scheme     weights
    ========== =================================================================================
    zero       0: all units of a layer stay equal for ever (to see it happen; no cure)
    normal     N(0, std²)
    xavier     N(0, 1/fan_in), for tanh; the lecture's form
    glorot     N(0, 2/(fan_in + fan_out))
    he         N(0, gain²/fan_in): 2/fan_in for ReLU, 2/((1+a²)·fan_in) for leaky slope a
    lecun      N(0, 1/fan_in)
    orthogonal Haar-orthogonal · gain · √(max(1, out/in)): variance gain²/fan_in also where it widens
    auto       measured on a batch, for any module and depth: see below
    ========== =================================================================================

    `auto` runs the module on `*inputs` at most four times, whatever its depth: twice without gradients, a third time if
    it shares weights, and with gradients to correct chains of activations that bend. It sees
    every weight that the forward pass uses, in the order of use: functional and shared weights, packed attention,
    recurrent layers. In a plain chain, layers before an activation that is not odd are drawn mirrored orthogonal,
    W = [[U, −U], [−U, U]]: an isometry through ReLU, leaky ReLU, GELU, SiLU, hard-swish and softplus, and without the
    offset of sigmoid, ELU, SELU and Mish. Convolutions that neither stride nor widen start with their centre tap there;
    transposed ones are normal; all others are orthogonal. Each weight is then scaled in flight: to output
    rms 1; to mean square slope 1 through activations that bend (χ = 1), corrected by a measured backward pass; to
    1/√R of the stream for the last weight of each of R residual branches; to 0.1 at the output, so that the loss starts
    at that of an uninformed prediction. Weights that are zero at the end of a branch stay zero. Embeddings,
    normalisation and parametrized weights are left alone and named.

    `he` and `orthogonal` take the gain of the activation that follows the layer. In an `nn.Sequential` (nested ones
    unrolled; dropout, normalisation, pooling and flattening looked through) that is the next module; gain 1 where
    another layer or a softmax follows, and for the last layer if the Sequential is the whole `module` and
    `nonlinearity` is not given. Everywhere else `nonlinearity` stands for what cannot be seen, and ReLU if that is
    not given. The record says for each layer which it was. (He et al. use √2 for the last layer too:
    pass `nonlinearity="relu"`.) Putting the gain before its activation is exact for ReLU and its leaky forms, as in
    He et al.; with GELU or SiLU the first preactivations have E[z²] = gain² and not 1, which a deep network amplifies.

    Fans are counted as the layers run (`justfit.maths.fans`): groups, strides and transposed convolutions included.
    Weights that are shared are drawn once, under their first name. Frozen layers are initialized too, and stay
    frozen; pass the part that you want initialized. The same seed gives the same values to a layer of the same name and
    shape, whatever else the module holds, on every device. Anything else is left alone and named in the record.

    Args:
        module: Changed in place; parameters keep identity, device, dtype and `requires_grad`.
        *inputs: A batch for the module, as it takes it; `auto` measures on it, the other schemes do not look.
        scheme: See above.
        seed: At least 0. If not given, fresh entropy from the operating system; the record holds it.
        std: Of the scheme `normal` only, positive; default 0.01.
        nonlinearity: As in `justfit.maths.gain`; read by `he` and `orthogonal` only.
        **keyword_inputs: For the module, by name; read by `auto` only.

    Returns:
        What was done, with `undo()`. It keeps a copy of the old values.

    Raises:
        ArgumentError: An argument lies outside its contract; nothing is changed.
        UnsupportedModuleError: A parameter has no values yet, or there is no layer to initialize; nothing is changed.

    Example:
        >>> network = nn.Sequential(nn.Linear(50, 100), nn.ReLU(), nn.BatchNorm1d(100), nn.Linear(100, 10))
        >>> record = initialize_(network, scheme="he", seed=0)
        >>> [(change.name, round(change.std**2, 4), change.reason) for change in record.changes if change.std]
        [('0.weight', 0.04, 'the module that follows'), ('3.weight', 0.01, 'the output layer')]
        >>> [name for name, reason in record.untouched]
        ['2.weight', '2.bias']
        >>> record.undo()

        Deep, and by measuring:

        >>> import torch
        >>> deep = nn.Sequential(*[part for _ in range(100) for part in (nn.Linear(32, 32), nn.GELU())])
        >>> record = initialize_(deep, torch.randn(64, 32), scheme="auto", seed=0)
        >>> record.changes[0].scheme, record.num_passes
        ('mirrored orthogonal', 2)

    References:
        The lecture, C14–C17. Saxe, McClelland, Ganguli, "Exact Solutions to the Nonlinear Dynamics of Learning in
        Deep Linear Neural Networks", 2014, section 3 (orthogonal). See also `scheme_std` for the others.
    """
    _check(module, inputs, scheme, std, nonlinearity)
    if scheme == "auto":
        return initialize_auto(module, inputs, keyword_inputs, _seed(seed))
    plan = _Plan(scheme=scheme, seed=_seed(seed), std=DEFAULT_NORMAL_STD if std is None else std)
    plan.fill(module, nonlinearity)
    record = plan.record(find_untouched(module, set(plan.steps)))
    try:
        write(tuple((parameter, value) for _, parameter, value in plan.steps.values()))
    except BaseException:  # Ctrl-C included: a half-initialized network is worse than an untouched one
        with contextlib.suppress(RuntimeError):  # the parameter that could not be written cannot be written back
            record.undo()
        raise
    return record


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """All new values, drawn before the first parameter is changed; `steps` is keyed by the parameter's id."""

    scheme: Scheme
    seed: int
    std: float
    steps: dict[int, tuple[ParameterChange, nn.Parameter, Tensor]] = field(default_factory=dict)

    def fill(self, module: nn.Module, nonlinearity: Nonlinearity | None) -> None:
        names: dict[int, list[str]] = {}
        for name, parameter in module.named_parameters(remove_duplicate=False):
            names.setdefault(id(parameter), []).append(name)
        layers = find_layers(module)
        followers = find_followers(module, nonlinearity) if self.scheme in GAIN_SCHEMES else {}
        for layer in layers.values():
            if self.scheme in GAIN_SCHEMES:
                follower = followers.get(id(layer)) or assumed(nonlinearity)
            else:
                follower = Follower(gain=1.0, nonlinearity="linear", reason=f"{self.scheme} knows no activation")
            for key in ("weight", "bias"):
                found = layer._parameters.get(key)
                if found is not None and id(found) not in self.steps:
                    self._add(layer, key, found, names[id(found)], follower)

    def _add(self, layer: nn.Module, key: str, parameter: nn.Parameter, names: list[str], follower: Follower) -> None:
        scheme: Scheme = "zero" if key == "bias" else self.scheme
        std = scheme_std(scheme, layer, follower.gain, self.std)
        fan_in, fan_out = fans(layer)
        change = ParameterChange(
            name=names[0],
            shared_with=tuple(names[1:]),
            scheme=scheme,
            fan_in=fan_in,
            fan_out=fan_out,
            std=std,
            gain=follower.gain,
            nonlinearity=follower.nonlinearity,
            reason=follower.reason,
        )
        value = draw(scheme, parameter, getattr(layer, "groups", 1), std, stream(self.seed, names[0]))
        self.steps[id(parameter)] = (change, parameter, value)

    def record(self, untouched: tuple[tuple[str, str], ...]) -> Initialization:
        return Initialization(
            scheme=self.scheme,
            seed=self.seed,
            changes=tuple(change for change, _, _ in self.steps.values()),
            untouched=untouched,
            _before=tuple((parameter, parameter.detach().clone()) for _, parameter, _ in self.steps.values()),
        )


def _check(
    module: nn.Module, inputs: tuple[Any, ...], scheme: str, std: float | None, nonlinearity: Nonlinearity | None
) -> None:
    if not isinstance(module, nn.Module):
        raise ArgumentError(
            "`module` must be a torch module.",
            found=f"a {type(module).__name__}",
            way_out="Pass the network itself, not its parameters or its class.",
        )
    if scheme != "auto" and not all(isinstance(batch, Tensor) for batch in inputs):
        raise ArgumentError(
            "`*inputs` must be tensors.",
            found=f"{', '.join(type(batch).__name__ for batch in inputs)}",
            way_out='The scheme goes by keyword: `initialize_(module, scheme="he")`.',
        )
    if scheme not in SCHEMES:
        raise ArgumentError(
            f"`scheme` must be one of {', '.join(SCHEMES)}.",
            found=f"`scheme={scheme!r}`",
            way_out="For ReLU and its variants take he, for tanh xavier.",
        )
    if std is not None and scheme != "normal":
        raise ArgumentError(
            "`std` belongs to the scheme normal only.",
            found=f"`std={std!r}` with `scheme={scheme!r}`",
            way_out='Leave it out, or say `scheme="normal"`.',
        )
    if std is not None and not (isinstance(std, Real) and 0 < std < math.inf):
        raise ArgumentError(
            "`std` must be a positive, finite number.",
            found=f"`std={std!r}`",
            way_out="It is the standard deviation of the weights; for all zeros take the scheme zero.",
        )
    if nonlinearity is not None:
        gain(nonlinearity)  # raises before anything is changed


def _seed(seed: int | None) -> int:
    if seed is None:
        return secrets.randbits(63)
    if not isinstance(seed, Integral) or isinstance(seed, bool) or seed < 0:
        raise ArgumentError(
            "`seed` must be a whole number that is at least 0, or None.",
            found=f"`seed={seed!r}`",
            way_out="Without one, the record's `seed` says what was used.",
        )
    return int(seed)
