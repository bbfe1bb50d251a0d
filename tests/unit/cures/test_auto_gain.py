"""`scheme="auto"` keeps signal, gradient and rank through 100 real layers; He beside it does not."""

import math
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn import functional

from justfit.cures import initialize_

DEPTH, WIDTH, ROWS = 100, 64, 256


class Elementwise(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


LINEAR_PAIRS = {
    "relu": nn.ReLU,
    "leaky": lambda: nn.LeakyReLU(0.2),
    "prelu": nn.PReLU,
    "gelu": nn.GELU,
    "gelu tanh": lambda: nn.GELU(approximate="tanh"),
    "silu": nn.SiLU,
    "hardswish": nn.Hardswish,
    "softplus": nn.Softplus,
    "logsigmoid": nn.LogSigmoid,
    "relu6": nn.ReLU6,
}
BENDING = {
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "hardsigmoid": nn.Hardsigmoid,
    "hardtanh": nn.Hardtanh,
    "softsign": nn.Softsign,
    "erf": lambda: Elementwise(torch.erf),
    "sin": lambda: Elementwise(torch.sin),
    "elu": nn.ELU,
    "selu": nn.SELU,
    "celu": nn.CELU,
    "mish": nn.Mish,
}


def batch(seed, width=WIDTH):
    return torch.randn(ROWS, width, generator=torch.Generator().manual_seed(seed))


def chain(activation, depth=DEPTH, width=WIDTH):
    torch.manual_seed(0)
    hidden = [part for _ in range(depth) for part in (nn.Linear(width, width), activation())]
    return nn.Sequential(*hidden, nn.Linear(width, 10))


def effective_rank(values):
    spectrum = torch.linalg.svdvals((values - values.mean(0)).double()).square()
    return (spectrum.sum().square() / spectrum.square().sum()).item()


def measure(network, x):
    """Preactivation rms, last over first; activation gradient, first over last; effective rank, last over first."""
    seen, activations, signal = [], [], x
    for part in network:
        signal = part(signal)
        if isinstance(part, nn.Linear | nn.Conv2d):
            seen.append(signal)
        elif not isinstance(part, nn.Flatten):
            signal.retain_grad()
            activations.append(signal)
    functional.cross_entropy(signal.flatten(1), torch.arange(len(x)) % 10).backward()
    first, last = seen[0], seen[-2]
    rms = [z.detach().square().mean().sqrt().item() for z in (first, last)]
    gradient = [a.grad.norm().item() for a in (activations[0], activations[-1])]
    rank = [effective_rank(z.detach().flatten(1)) for z in (first, last)]
    return rms[1] / rms[0], gradient[0] / max(gradient[1], 1e-300), rank[1] / rank[0]


def initialized(network, x, scheme="auto", **options):
    initialize_(network, x, scheme=scheme, seed=0, **options)
    return network


@pytest.mark.parametrize("name", LINEAR_PAIRS)
def test_a_chain_whose_pairs_are_linear_starts_as_an_isometry(name):
    signal, gradient, rank = measure(initialized(chain(LINEAR_PAIRS[name]), batch(0)), batch(1))
    assert signal == pytest.approx(1, abs=0.03)
    assert gradient == pytest.approx(1, abs=0.03)
    assert rank > 0.97


@pytest.mark.parametrize("name", BENDING)
@pytest.mark.parametrize("depth", [50, 100])
def test_a_chain_that_bends_keeps_its_gradient_within_a_factor_two_and_its_rank(name, depth):
    signal, gradient, rank = measure(initialized(chain(BENDING[name], depth), batch(0)), batch(1))
    assert 0.5 <= gradient <= 2
    assert 0.03 < signal < 1.3  # the price of a kept gradient: the signal shrinks by a power of depth, not per layer
    assert rank > 0.8


@pytest.mark.parametrize("name", ["relu", "gelu", "silu", "softplus", "sigmoid", "elu", "mish"])
def test_he_loses_rank_or_gradient_in_the_same_chain(name):
    """The negative control: the measurement sees what goes wrong."""
    activation = {**LINEAR_PAIRS, **BENDING}[name]
    _, gradient, rank = measure(initialized(chain(activation), batch(0), scheme="he"), batch(1))
    assert rank < 0.3 or not 0.1 < gradient < 10


def test_he_explodes_tanh():
    assert measure(initialized(chain(nn.Tanh), batch(0), scheme="he", nonlinearity="tanh"), batch(1))[1] > 100


@pytest.mark.parametrize("width", [17, 33, 63])
def test_odd_widths(width):
    signal, gradient, rank = measure(initialized(chain(nn.ReLU, width=width), batch(0, width)), batch(1, width))
    assert signal == pytest.approx(1, abs=0.1)
    assert gradient == pytest.approx(1, abs=0.3)
    assert rank > 0.8


def test_convolutions_keep_signal_gradient_and_rank():
    torch.manual_seed(0)
    hidden = [part for _ in range(49) for part in (nn.Conv2d(8, 8, 3, padding=1), nn.GELU())]
    network = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.GELU(), *hidden, nn.Flatten(), nn.Linear(512, 10))
    images = torch.randn(2, 64, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    signal, gradient, rank = measure(initialized(network, images[0]), images[1])
    assert signal == pytest.approx(1, abs=0.3)
    assert gradient == pytest.approx(1, abs=0.3)
    assert rank > 0.8


def second_moments(layers, x):
    gains = []
    with torch.no_grad():
        for layer in layers:
            y = layer(x)
            gains.append((y[..., 2:-2] if y.dim() > 2 else y).square().mean().item() / x.square().mean().item())
            x = y
    return gains


def assert_gains_are_one(layers, x, num_calibration):
    # the scale is fixed on other rows: its own error and that of the measurement, each sqrt(2 / rows) of a sum
    tolerance = 4 * math.sqrt(2 / min(num_calibration, len(x))) + 0.05
    for gain in second_moments(layers, x):
        assert gain == pytest.approx(1, abs=tolerance)


@pytest.mark.parametrize("sizes", [(784, 64, 784), (64, 256) * 25 + (64,)])
def test_linear_layers_that_narrow_and_widen(sizes):
    def build():
        torch.manual_seed(0)
        return nn.Sequential(*(nn.Linear(a, b, bias=False) for a, b in pairwise(sizes)), nn.Linear(sizes[-1], 10))

    x = torch.randn(4096, sizes[0])
    network = initialized(build(), torch.randn(2048, sizes[0]))
    assert_gains_are_one(network[:-1], x, 2048)
    control = build()
    for layer in control:
        nn.init.orthogonal_(layer.weight)
    with pytest.raises(AssertionError):
        assert_gains_are_one(control[:-1], x, 2048)


CONVOLUTIONS = {
    "stride": lambda: nn.Conv1d(16, 24, 3, stride=2),
    "dilation": lambda: nn.Conv1d(16, 16, 3, dilation=3),
    "groups": lambda: nn.Conv1d(16, 32, 3, groups=4),
    "depthwise": lambda: nn.Conv1d(16, 16, 5, groups=16),
    "transposed": lambda: nn.ConvTranspose1d(16, 24, 4, stride=2, padding=1),
    "transposed groups": lambda: nn.ConvTranspose1d(16, 8, 3, stride=3, groups=4),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions_of_every_kind(name):
    torch.manual_seed(0)
    layer = CONVOLUTIONS[name]()
    head = nn.Sequential(nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(layer.out_channels, 3))
    network = initialized(nn.Sequential(layer, *head), torch.randn(256, 16, 40))
    assert second_moments([layer], torch.randn(256, 16, 40))[0] == pytest.approx(1, abs=0.1)
    nn.init.orthogonal_(layer.weight)
    assert abs(second_moments(network[:1], torch.randn(256, 16, 40))[0] - 1) > 0.1 or name in (
        "stride",
        "depthwise",
        "dilation",
    )


def test_convolutions_of_two_and_three_dimensions_that_are_transposed():
    for kind, dimensions in ((nn.ConvTranspose2d, 2), (nn.ConvTranspose3d, 3)):
        layer = kind(4, 6, 2, stride=2)
        network = nn.Sequential(layer, nn.Flatten(), nn.Linear(6 * 8**dimensions, 3))
        x = torch.randn(64, 4, *[4] * dimensions)
        initialized(network, x)
        assert layer(x).square().mean().item() == pytest.approx(1, abs=0.1)


def test_a_strided_convolution_reads_its_whole_window_and_a_widening_one_too():
    network = nn.Sequential(
        nn.Conv2d(3, 32, 4, stride=4), nn.ReLU(), nn.Conv2d(32, 128, 3, padding=1), nn.ReLU(),
        nn.Conv2d(128, 64, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(64 * 16, 10),
    )  # fmt: skip
    record = initialize_(network, torch.randn(16, 3, 16, 16), scheme="auto", seed=0)
    words = [change.scheme for change in record.changes if change.scheme != "zero"]
    assert words == [*["mirrored orthogonal"] * 2, "mirrored delta orthogonal", "mirrored orthogonal"]
    assert (network[0].weight != 0).all()
    assert (network[4].weight.flatten(2) != 0).any((0, 1)).tolist() == [False] * 4 + [True] + [False] * 4


def test_the_loss_starts_at_that_of_an_uninformed_prediction():
    for head in ((), (nn.LogSoftmax(-1),)):
        network = nn.Sequential(*chain(nn.ReLU, depth=20), *head)
        logits = initialized(network, batch(0))(batch(1))
        loss = functional.nll_loss if head else functional.cross_entropy
        assert loss(logits, torch.arange(ROWS) % 10).item() == pytest.approx(math.log(10), abs=0.05)
