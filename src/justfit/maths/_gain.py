"""The gain of any elementwise activation: what the next weight must make up for.

Notation: z ~ N(0, 1) a preactivation, φ the activation, g the gain.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from functools import cache, partial

import numpy as np
import torch
from torch import Tensor, nn

from justfit.errors import ArgumentError

Activation = Callable[[Tensor], Tensor]
Nonlinearity = str | nn.Module | Activation

ACTIVATIONS: dict[str, Callable[[], Activation]] = {
    **dict.fromkeys(("linear", "identity", "conv1d", "conv2d", "conv3d"), nn.Identity),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), nn.Identity),
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "prelu": nn.PReLU,
    "rrelu": nn.RReLU,
    "relu6": nn.ReLU6,
    "elu": nn.ELU,
    "celu": nn.CELU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "gelu_tanh": partial(nn.GELU, approximate="tanh"),
    "silu": nn.SiLU,
    "swish": nn.SiLU,
    "mish": nn.Mish,
    "softplus": nn.Softplus,
    "softsign": nn.Softsign,
    "sigmoid": nn.Sigmoid,
    "logsigmoid": nn.LogSigmoid,
    "tanh": nn.Tanh,
    "hardtanh": nn.Hardtanh,
    "hardsigmoid": nn.Hardsigmoid,
    "hardswish": nn.Hardswish,
    "tanhshrink": nn.Tanhshrink,
    "erf": lambda: torch.erf,
    "sin": lambda: torch.sin,
}

HALF_RANGE = 20.0  # the normal density is 6e-88 there
NUM_PANELS = 80  # of width 1/2: the kinks of the usual activations (0, ±1/2, ±1, ±3, 6) are panel borders
MAX_BISECTIONS = 45  # around a jump elsewhere: 0.5 · 2⁻⁴⁵ = 1.4e-14 wide


def gain(nonlinearity: Nonlinearity) -> float:
    r"""Compute the gain g with which weights of variance g²/fan_in keep the preactivations at E[z²] = 1.

    .. math:: g = \frac{1}{\sqrt{E[\varphi(z)^2]}}, \qquad z \sim N(0, 1)

    Linear: 1. ReLU: √2. Leaky ReLU of slope a: √(2/(1+a²)). Every other activation is integrated in float64
    by Gauss–Lobatto panels that are bisected around kinks and jumps; the relative error is below 1e-8.

    This is the forward gain, and two names in the field differ from it on purpose. For tanh it is 1.593,
    `torch.nn.init.calculate_gain("tanh")` is 5/3, and the lecture's Xavier initialization uses 1: forward
    variance one puts a deep tanh network into its chaotic phase, where gradients grow by 1.178 per layer in the
    mean square (1.209 with 5/3), so do not use either for a deep tanh network. For SELU it is 1, the value SELU
    was built for, where `calculate_gain` says 3/4.

    Args:
        nonlinearity: A name ("linear", "relu", "leaky_relu", "tanh", "gelu", "silu", …), an activation module
            such as `nn.LeakyReLU(0.2)`, or any deterministic elementwise function of a tensor.

    Returns:
        The gain, dimensionless, positive.

    Raises:
        ArgumentError: The name is unknown, the function is not elementwise or not deterministic, fails on a
            one-dimensional float64 tensor, or E[φ(z)²] is zero or not finite.

    Example:
        >>> round(gain("relu"), 6)
        1.414214
        >>> round(gain(nn.GELU()), 6)
        1.53353

    References:
        He, Zhang, Ren, Sun, "Delving Deep into Rectifiers", 2015, eq. 10 and eq. 15.
        Schoenholz, Gilmer, Ganguli, Sohl-Dickstein, "Deep Information Propagation", 2017, section 3 (χ).
    """
    activation = _activation(nonlinearity)
    closed_form = _closed_second_moment(activation)
    second_moment = _integrate(_Density(activation)) if closed_form is None else closed_form
    return 1.0 / math.sqrt(second_moment)


def _activation(nonlinearity: Nonlinearity) -> Activation:
    if isinstance(nonlinearity, str):
        if nonlinearity not in ACTIVATIONS:
            raise ArgumentError(
                f"`nonlinearity` must be one of {', '.join(ACTIVATIONS)}, an activation module or a function.",
                found=f"`nonlinearity={nonlinearity!r}`",
                way_out="Pass the activation itself, such as `torch.cos` or `nn.LeakyReLU(0.2)`.",
            )
        return ACTIVATIONS[nonlinearity]()
    if not callable(nonlinearity):
        raise ArgumentError(
            "`nonlinearity` must be a name, an activation module or a function.",
            found=f"a {type(nonlinearity).__name__}",
            way_out='Pass, for example, "relu", `nn.ReLU()` or `torch.relu`.',
        )
    return nonlinearity


def _closed_second_moment(activation: Activation) -> float | None:
    """Return E[φ(z)²] where it is known exactly; exact types only, a subclass may compute something else."""
    if type(activation) is nn.Identity:
        return 1.0
    if type(activation) is nn.ReLU:
        return 0.5
    if type(activation) is nn.LeakyReLU:
        return (1.0 + activation.negative_slope**2) / 2.0
    if type(activation) is nn.PReLU and not activation.weight.is_meta:
        return (1.0 + float(activation.weight.detach().double().square().mean())) / 2.0
    if type(activation) is nn.RReLU:  # initialization is for training, where the slope is uniform on [lower, upper]
        low, high = activation.lower, activation.upper
        return (1.0 + (low * low + low * high + high * high) / 3.0) / 2.0
    return None


class _Density:
    """φ(z)² times the normal density, evaluated without touching the activation or the random state."""

    def __init__(self, activation: Activation) -> None:
        self.name = type(activation).__name__ if isinstance(activation, nn.Module) else repr(activation)
        self.activation = activation
        try:
            if isinstance(activation, nn.Module):
                self.activation = copy.deepcopy(activation).to(device="cpu", dtype=torch.float64)
            z = torch.linspace(-4.0, 4.0, 61, dtype=torch.float64, device="cpu")
            whole, part = self._apply(z), self._apply(z[20:].flip(0)).flip(0)
        except Exception as error:  # whatever a foreign function raises, the user hears what it must be able to do
            raise self._refusal(f"{self.name} failing with {type(error).__name__}: {error}") from error
        if whole.shape != z.shape or not torch.allclose(whole[20:], part, rtol=1e-6, atol=1e-12, equal_nan=True):
            raise self._refusal(f"{self.name}, where a value depends on its neighbours or on chance")

    def __call__(self, z: Tensor) -> Tensor:
        return self._apply(z).square() * torch.exp(-0.5 * z.square()) / math.sqrt(2.0 * math.pi)

    def _apply(self, z: Tensor) -> Tensor:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            return self.activation(z.clone()).double()

    def _refusal(self, found: str) -> ArgumentError:
        return ArgumentError(
            "`nonlinearity` must be a deterministic elementwise function of a one-dimensional tensor.",
            found=found,
            way_out="Softmax, GLU, pooling and dropout have no gain; pass the elementwise activation instead.",
        )


def _integrate(density: _Density) -> float:
    """Integrate over [−20, 20]: 16-point panels, bisected until both halves agree with the whole."""
    ends = density(torch.tensor([-HALF_RANGE, HALF_RANGE], dtype=torch.float64, device="cpu"))
    width = 2.0 * HALF_RANGE / NUM_PANELS
    left = torch.arange(NUM_PANELS, dtype=torch.float64, device="cpu") * width - HALF_RANGE
    total, tolerance = 0.0, 0.0
    for bisection in range(MAX_BISECTIONS):
        whole = _panels(density, left, width)
        width /= 2.0
        children = torch.stack([left, left + width])
        halves = _panels(density, children.flatten(), width).view(2, -1)
        if bisection == 0:
            tolerance = 1e-14 * float(halves.sum())
        open_panels = (halves.sum(0) - whole).abs() > tolerance
        total += float(halves[:, ~open_panels].sum())
        left = children[:, open_panels].flatten()
        if left.numel() == 0:
            break
    else:
        total += float(halves[:, open_panels].sum())
    if not 0.0 < total < math.inf or float(ends.max()) > 1e-12 * total:
        raise ArgumentError(
            "E[φ(z)²] under a standard normal z must be positive and finite.",
            found=f"{total:g} for {density.name}",
            way_out="An activation that is zero everywhere, or grows like exp(z²/4), has no gain.",
        )
    return total


def _panels(density: _Density, left: Tensor, width: float) -> Tensor:
    nodes, weights = _lobatto(16)
    z = left[:, None] + 0.5 * width * (nodes + 1.0)
    return 0.5 * width * (density(z.flatten()).view_as(z) * weights).sum(1)


@cache
def _lobatto(num_nodes: int) -> tuple[Tensor, Tensor]:
    """Return Gauss–Lobatto nodes and weights on [−1, 1]: they see a jump right beside a border, Gauss's do not."""
    polynomial = np.polynomial.Legendre.basis(num_nodes - 1)
    nodes = np.concatenate([[-1.0], np.sort(polynomial.deriv().roots().real), [1.0]])
    weights = 2.0 / (num_nodes * (num_nodes - 1) * polynomial(nodes) ** 2)
    return torch.from_numpy(nodes), torch.from_numpy(weights)
