"""The gain of any activation, against closed forms and against a slow quadrature by scipy."""

import math

import pytest
import torch
from scipy.integrate import quad
from torch import nn

from justfit.errors import ArgumentError
from justfit.maths import gain

CLOSED_FORMS = {
    "linear": (nn.Identity(), 1.0),
    "relu": (nn.ReLU(), 0.5),
    "torch.relu": (torch.relu, 0.5),
    "leaky relu": (nn.LeakyReLU(0.2), (1 + 0.2**2) / 2),
    "leaky relu as a function": (lambda z: torch.where(z > 0, z, 0.2 * z), (1 + 0.2**2) / 2),
    "prelu per channel": (nn.PReLU(3, init=0.5), (1 + 0.5**2) / 2),
    "rrelu": (nn.RReLU(0.1, 0.3), (1 + (0.01 + 0.03 + 0.09) / 3) / 2),
    "gelu": ("gelu", 1 / 3 + 1 / (2 * math.pi * math.sqrt(3))),
    "erf": (torch.erf, 2 / math.pi * math.asin(2 / 3)),
    "sin": ("sin", (1 - math.exp(-2)) / 2),
    "exp": (torch.exp, math.exp(2)),
    "square": (torch.square, 3.0),
    "selu": (nn.SELU(), 1.0),
    "step at 0.1234, a jump inside a panel": (
        lambda z: (z > 0.1234).double(),
        math.erfc(0.1234 / math.sqrt(2)) / 2,
    ),
    "step right beside a panel border": (lambda z: (z > 1e-6).double(), math.erfc(1e-6 / math.sqrt(2)) / 2),
    "kink at 1/3": (
        lambda z: (z - 1 / 3).clamp_min(0),
        (1 + 1 / 9) * math.erfc(1 / 3 / math.sqrt(2)) / 2 - math.exp(-1 / 18) / 3 / math.sqrt(2 * math.pi),
    ),
}


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_closed_forms(name):
    nonlinearity, second_moment = CLOSED_FORMS[name]
    assert gain(nonlinearity) == pytest.approx(1 / math.sqrt(second_moment), rel=1e-10)
    assert gain(nonlinearity) != pytest.approx(1 / math.sqrt(2 * second_moment), rel=1e-2)


@pytest.mark.parametrize(
    "name", ["tanh", "sigmoid", "silu", "mish", "elu", "hardswish", "softplus", "relu6", "hardtanh"]
)
def test_against_scipy(name):
    module = {"silu": nn.SiLU, "elu": nn.ELU, "relu6": nn.ReLU6}.get(name) or getattr(nn, name.capitalize())

    def integrand(z):
        activation = float(module()(torch.tensor([z], dtype=torch.float64)))
        return activation**2 * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

    second_moment = sum(
        quad(integrand, a, b, epsabs=1e-13, epsrel=1e-13)[0]
        for a, b in [(-12, -3), (-3, -1), (-1, 0), (0, 1), (1, 3), (3, 6), (6, 12)]
    )
    assert gain(name) == pytest.approx(1 / math.sqrt(second_moment), rel=1e-8)


def test_two_names_of_the_field_differ_on_purpose():
    assert gain("tanh") == pytest.approx(1.5925374, rel=1e-7)
    assert nn.init.calculate_gain("tanh") == pytest.approx(5 / 3)
    assert gain("selu") == pytest.approx(1.0, abs=1e-6)
    assert nn.init.calculate_gain("selu") == 0.75


def test_every_name_has_a_gain():
    for name in ("conv2d", "conv_transpose3d", "celu", "gelu_tanh", "swish", "softsign", "logsigmoid", "tanhshrink"):
        assert 0.5 < gain(name) < 6.0


def test_the_gain_keeps_the_second_moment_of_a_deep_network():
    generator = torch.Generator().manual_seed(0)
    for name, module in {"relu": nn.ReLU(), "elu": nn.ELU(), "leaky_relu": nn.LeakyReLU(0.2)}.items():
        z = torch.randn(64, 1000, generator=generator)
        for _ in range(5):
            weight = torch.randn(1000, 1000, generator=generator) * gain(module) / math.sqrt(1000)
            z = module(z) @ weight.T
        assert 0.7 < z.square().mean() < 1.4, name  # a factor of two a layer would be 32


def test_neither_the_module_nor_the_random_state_is_touched():
    module = nn.PReLU(init=0.1).train()
    state = torch.random.get_rng_state()
    gain(nn.Mish(inplace=True))
    gain(module)
    with pytest.raises(ArgumentError):
        gain(nn.Dropout(0.5))
    assert torch.equal(state, torch.random.get_rng_state())
    assert module.weight.dtype == torch.float32
    assert module.training


class Swish(nn.Module):
    def __init__(self, beta):
        super().__init__()
        self.beta = nn.Parameter(torch.tensor(beta))

    def forward(self, z):
        return z * torch.sigmoid(self.beta * z)


def test_a_module_of_the_user():
    assert gain(Swish(1.0)) == pytest.approx(gain("silu"), rel=1e-8)
    assert gain(Swish(2.0)) != pytest.approx(gain("silu"), rel=1e-2)


@pytest.mark.parametrize(
    ("nonlinearity", "message"),
    [
        ("relu7", "`nonlinearity='relu7'`"),
        (3.0, "Found a float"),
        (nn.Softmax(-1), "Softmax, where a value depends on its neighbours or on chance"),
        (nn.Dropout(0.5), "Dropout, where a value depends"),
        (lambda z: z.cumsum(0), "depends on its neighbours"),
        (lambda z: z.sum(), "failing with|depends on its neighbours"),
        (nn.Linear(3, 3), "Linear failing with RuntimeError"),
        (lambda z: 0 * z, "positive and finite.*Found 0 for"),
        (torch.log, "Found nan for"),
        (lambda z: torch.exp(z * z / 4), r"grows like exp\(z²/4\)"),
    ],
)
def test_errors(nonlinearity, message):
    with pytest.raises(ArgumentError, match=message):
        gain(nonlinearity)
