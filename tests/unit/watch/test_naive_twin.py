"""What a watch records is what plain torch in the loop computes."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from justfit.watch import watch
from tests.unit.watch.loops import batches, network


def norm(tensors) -> float:
    return math.sqrt(sum(float(t.detach().double().pow(2).sum()) for t in tensors))


def own(module: nn.Module) -> dict[str, list[nn.Parameter]]:
    """The trainable parameters of every module that has some."""
    parts = {name: list(part.parameters(recurse=False)) for name, part in module.named_modules()}
    return {name: held for name, held in parts.items() if held}


def train_with_twin(module, optimizer, *, clip=None, data=None):
    """Train watched at every step, and compute everything once more by hand."""
    layers = own(module)
    twin = {name: {"weight": [], "gradient": [], "clipped": [], "update": []} for name in layers}
    losses = []
    with watch(module, optimizer, every=1, live=False) as run:
        for x, y in data or batches():
            loss = functional.cross_entropy(module(x), y)
            optimizer.zero_grad()
            loss.backward()
            losses.append(loss.item())
            before = {name: [p.detach().clone() for p in held] for name, held in layers.items()}
            for name, held in layers.items():
                twin[name]["weight"].append(norm(held))
                twin[name]["gradient"].append(norm([p.grad for p in held]))
            if clip is not None:
                nn.utils.clip_grad_norm_(module.parameters(), clip)
            for name, held in layers.items():
                twin[name]["clipped"].append(norm([p.grad for p in held]))
            optimizer.step()
            for name, held in layers.items():
                twin[name]["update"].append(norm([p - b for p, b in zip(held, before[name], strict=True)]))
    return run.record, twin, losses


@pytest.mark.parametrize("clip", [None, 0.05])
@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.AdamW])
def test_norms(kind, clip):
    module = network(norm=True)
    record, twin, losses = train_with_twin(module, kind(module.parameters(), lr=0.05), clip=clip)
    assert {layer.name for layer in record.evidence.layers} == set(twin)
    for layer in record.evidence.layers:
        expected = twin[layer.name]
        assert layer.weight_norm == pytest.approx(expected["weight"], rel=1e-5)
        assert layer.gradient_norm == pytest.approx(expected["gradient"], rel=1e-5)
        assert layer.clipped_gradient_norm == pytest.approx(expected["clipped"], rel=1e-5)
        assert layer.update_norm == pytest.approx(expected["update"], rel=1e-4)
    assert record.evidence.losses.mean == pytest.approx(losses, rel=1e-6)
    assert [frame.train_loss for frame in record.frames] == pytest.approx(losses, rel=1e-6)
    total = [math.hypot(*norms) for norms in zip(*(twin[name]["gradient"] for name in twin), strict=True)]
    assert [frame.gradient_norm for frame in record.frames] == pytest.approx(total, rel=1e-5)
    if clip is not None:
        assert any(a > 2 * b for a, b in zip(twin["0"]["gradient"], twin["0"]["clipped"], strict=True))


def test_update_of_a_large_layer_is_estimated_within_its_standard_error():
    torch.manual_seed(0)
    module = nn.Linear(700, 300)  # 210,000 weights, of which 4,096 are taken
    data = [(torch.randn(16, 700), torch.randint(0, 300, (16,))) for _ in range(10)]
    before = module.weight.detach().clone()
    record, twin, _ = train_with_twin(module, torch.optim.SGD(module.parameters(), lr=0.1), data=data)
    squares = (module.weight.detach() - before).pow(2).flatten()
    relative = float(squares.std() / squares.mean()) / math.sqrt(4096) / 2  # of a norm, half that of the mean square
    errors = [a / b - 1 for a, b in zip(record.evidence.layers[0].update_norm, twin[""]["update"], strict=True)]
    assert all(abs(error) < 6 * relative for error in errors)
    assert any(error != 0 for error in errors)
    assert relative < 0.1


@pytest.mark.parametrize("bend", [torch.relu, functional.relu, nn.ReLU(inplace=True), nn.ReLU()])
def test_dead_fraction_and_size_of_activations(bend):
    torch.manual_seed(0)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(5, 40), nn.Linear(40, 2)
            with torch.no_grad():
                self.first.bias[:13] = -100.0

        def forward(self, x):
            self.seen = bend(self.first(x))
            return self.second(self.seen)

    module = Net()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.01)
    sizes, dead = [], []
    with watch(module, optimizer, every=1, live=False) as run:
        for _ in range(4):
            module(torch.randn(64, 5)).square().mean().backward()
            sizes.append(float(module.seen.detach().pow(2).mean().sqrt()))
            dead.append(float((module.seen.detach() <= 0).all(0).double().mean()))
            optimizer.step()
    first, second = run.record.evidence.layers
    assert (first.activation, second.activation) == ("relu", None)
    assert (first.is_output, second.is_output) == (False, True)
    assert first.dead_fraction == pytest.approx(dead)
    assert min(dead) >= 13 / 40
    assert first.activation_rms == pytest.approx(sizes, rel=1e-5)


def test_convolution_units_are_channels():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(2, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.LazyLinear(3))
    module(torch.randn(2, 2, 6, 6))
    with torch.no_grad():
        module[1].bias[:2] = -100.0
    module = module.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-3)
    with watch(module, optimizer, every=1, live=False) as run:
        module(torch.randn(4, 2, 6, 6).to(memory_format=torch.channels_last)).square().mean().backward()
        optimizer.step()
    conv, norm_layer, _ = run.record.evidence.layers
    assert conv.normalised
    assert conv.dead_fraction == norm_layer.dead_fraction == (0.25,)
    assert conv.update_norm[0] > 0


@pytest.mark.parametrize(
    ("bend", "flat"),
    [
        (torch.tanh, lambda a: 1 - a**2 < 0.05),
        (torch.sigmoid, lambda a: a * (1 - a) < 0.05 / 4),
        (nn.Hardtanh(), lambda a: a.abs() >= 1),
        (nn.ReLU6(), lambda a: a >= 6),
    ],
)
def test_saturated_fraction(bend, flat):
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(5, 40), nn.Linear(40, 2))
    module[0].weight.data *= 10
    x = torch.randn(64, 5)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.0)
    with watch(module, optimizer, every=1, live=False) as run:
        activation = bend(module[0](x))
        module[1](activation).square().mean().backward()
        optimizer.step()
    expected = float(flat(activation.detach()).double().mean())
    assert run.record.evidence.layers[0].saturated_fraction == pytest.approx((expected,))
    assert 0.05 < expected < 0.95


def test_gradients_too_small_for_float32_squares_are_not_zero():
    module = nn.Linear(3, 3)
    optimizer = torch.optim.SGD(module.parameters(), lr=1.0)
    with watch(module, optimizer, every=1, live=False) as run:
        (module(torch.ones(1, 3)).sum() * 1e-25).backward()
        optimizer.step()
    assert run.record.evidence.layers[0].gradient_norm[0] == pytest.approx(1e-25 * math.sqrt(12), rel=1e-5)


def test_gradients_under_a_scaler_are_unscaled():
    module = network()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=512.0)
    with watch(module, optimizer, every=1, scaler=scaler, live=False) as run:
        for x, y in batches(3):
            loss = functional.cross_entropy(module(x), y)
            expected = torch.autograd.grad(loss, list(module[0].parameters()), retain_graph=True)
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
    layer = run.record.evidence.layers[0]
    assert layer.gradient_norm[-1] == pytest.approx(norm(expected), rel=1e-4)
    assert layer.clipped_gradient_norm[-1] == pytest.approx(norm(expected), rel=1e-4)
    assert run.record.evidence.losses.mean[-1] == pytest.approx(loss.item(), rel=1e-5)
