"""The figures of whole networks, against hooks and sums written out by hand."""

import math

import pytest
import torch
from torch import nn

from justfit.probe import read_signals
from tests.unit.probe import naive

BATCH = 32


def layers_of(module, *inputs, **options):
    return {layer.name: layer for layer in read_signals(module, *inputs, **options).layers}


def mlp(act=nn.ReLU, *, width=24, depth=3, **options):
    torch.manual_seed(0)
    body = [part for _ in range(depth) for part in (nn.Linear(width, width), act(**options))]
    return nn.Sequential(nn.Linear(10, width), act(**options), *body, nn.Linear(width, 3))


def batch(size=BATCH, width=10):
    torch.manual_seed(1)
    return torch.randn(size, width), torch.arange(size) % 3


@pytest.mark.parametrize("inplace", [False, True])
def test_every_figure_of_a_plain_network(inplace):
    net, (x, y) = mlp(inplace=inplace), batch()
    evidence = read_signals(net, x, targets=y)
    plain = mlp()
    signals, a = [], x.clone().requires_grad_()
    places = [(a, a)]
    for part in plain:
        a = part(a)
        a.retain_grad()
        if isinstance(part, nn.Linear):
            z = a
        else:
            places.append((z, a))
    places.append((z, a))
    loss = nn.functional.cross_entropy(a, y)
    loss.backward(inputs=[place[1] for place in places] + list(plain.parameters()))
    linears = [part for part in plain if isinstance(part, nn.Linear)]
    assert len(evidence.layers) == len(linears) == len(places) - 1
    for found, part, (_, before), (z, after) in zip(evidence.layers, linears, places, places[1:], strict=False):
        signals.append(found.name)
        assert found.input_rms == pytest.approx(naive.rms(before), rel=1e-6)
        assert found.output_rms == pytest.approx(naive.rms(z), rel=1e-6)
        assert found.activation_rms == pytest.approx(naive.rms(after), rel=1e-6)
        assert found.forward_gain == pytest.approx(naive.rms(after) / naive.rms(before), rel=1e-6)
        assert found.gradient_norm == pytest.approx(naive.norm(after.grad), rel=1e-5)
        assert found.backward_gain == pytest.approx(naive.norm(before.grad) / naive.norm(after.grad), rel=1e-5)
        assert found.effective_rank == pytest.approx(naive.effective_rank(after), rel=1e-5)
        assert found.input_effective_rank == pytest.approx(naive.effective_rank(before), rel=1e-5)
        assert found.cosine == pytest.approx(naive.cosine(after), rel=1e-5)
        assert found.sample_energy == pytest.approx(naive.energy(after), rel=1e-5)
        assert found.num_samples == BATCH
        assert found.weight_rms == pytest.approx(naive.rms(part.weight), rel=1e-6)
        assert found.weight_gradient_rms == pytest.approx(naive.rms(part.weight.grad), rel=1e-5)
        assert (found.fan_in, found.fan_out) == (part.in_features, part.out_features)
        if not found.is_output:
            dead = float((z <= 0).all(0).double().mean())
            assert found.dead_fraction == pytest.approx(dead)
            assert math.isnan(found.saturated_fraction)
    assert [layer.is_output for layer in evidence.layers] == [False] * 4 + [True]
    assert evidence.loss.value == pytest.approx(loss.item())
    assert evidence.loss.expected == pytest.approx(math.log(3))
    assert evidence.num_parameters == sum(p.numel() for p in net.parameters())


@pytest.mark.parametrize("act", [nn.Tanh, nn.Sigmoid])
def test_saturation(act):
    net, (x, y) = mlp(act), batch()
    with torch.no_grad():
        net[0].weight.mul_(10)
    found = layers_of(net, x, targets=y)["0"]
    z = net[0](x).double()
    slope = 1 - z.tanh() ** 2 if act is nn.Tanh else 4 * z.sigmoid() * (1 - z.sigmoid())
    assert found.saturated_fraction == pytest.approx(float((slope <= 0.05).double().mean()), abs=1e-3)
    assert math.isnan(found.dead_fraction)


def test_dead_units():
    net, (x, y) = mlp(), batch()
    with torch.no_grad():
        net[2].bias[:6] = -100.0
    assert layers_of(net, x, targets=y)["2"].dead_fraction >= 0.25


@pytest.mark.parametrize("act", [nn.GELU, nn.SiLU, nn.LeakyReLU, nn.Softplus])
def test_gates_without_a_flat_side_have_no_dead_units(act):
    found = layers_of(mlp(act), batch()[0])["0"]
    assert math.isnan(found.dead_fraction)
    assert found.activation == {nn.GELU: "gelu", nn.SiLU: "silu", nn.LeakyReLU: "leaky_relu"}.get(act, "softplus")


@pytest.mark.parametrize("value", [0.0, 0.1])
def test_constant_weights_make_twins(value):
    net, (x, y) = mlp(), batch()
    for part in net[:-1]:
        if isinstance(part, nn.Linear):
            nn.init.constant_(part.weight, value)
            nn.init.constant_(part.bias, 0.01)
    found = layers_of(net, x, targets=y)
    if value:  # what the last layer sends back differs between units: they part at the first step
        assert found["2"].identical_fraction == 1.0
    assert found["8"].identical_fraction == 0.0
    assert found["2"].distribution == ("constant" if value else "zero")


def test_a_constant_network_never_parts():
    net, (x, y) = mlp(), batch()
    for parameter in net.parameters():
        nn.init.constant_(parameter, 0.1)
    found = layers_of(net, x, targets=y)
    assert all(layer.identical_fraction == 1.0 for name, layer in found.items() if name != "8")


def test_mirrored_units_are_no_twins():
    net, (x, y) = mlp(), batch()
    with torch.no_grad():
        net[2].weight[12:] = -net[2].weight[:12]
        net[2].bias.zero_()
    assert layers_of(net, x, targets=y)["2"].identical_fraction == 0.0


def test_convolutions():
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=4), nn.ReLU(), nn.ConvTranspose2d(8, 4, 2, 2)
    )
    x = torch.randn(16, 3, 12, 12)
    found = layers_of(net, x)
    assert (found["0"].fan_in, found["0"].fan_out) == (27, 8 * 9 / 4)
    assert (found["2"].fan_in, found["2"].fan_out) == (18, 2 * 9)
    assert (found["4"].fan_in, found["4"].fan_out) == (8, 16)
    activation = net[:2](x)
    assert found["0"].activation_rms == pytest.approx(naive.rms(activation), rel=1e-6)
    assert found["0"].effective_rank == pytest.approx(naive.effective_rank(activation.flatten(1)), rel=1e-5)
    dead = (net[0](x) <= 0).all(0).all(-1).all(-1)
    assert found["0"].dead_fraction == float(dead.double().mean())


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_number_formats(dtype):
    net, (x, y) = mlp().to(dtype), batch()
    evidence = read_signals(net, x.to(dtype), targets=y)
    usual = read_signals(mlp(), x, targets=y)
    tolerance = 1e-4 if dtype == torch.float64 else 0.1
    for found, expected in zip(evidence.layers, usual.layers, strict=True):
        assert found.forward_gain == pytest.approx(expected.forward_gain, rel=tolerance)
        assert found.backward_gain == pytest.approx(expected.backward_gain, rel=tolerance)
        assert found.effective_rank == pytest.approx(expected.effective_rank, rel=3 * tolerance)
    assert evidence.unit_roundoff == torch.finfo(dtype).eps


def test_random_projection_without_a_loss():
    evidence = read_signals(mlp(), batch()[0])
    assert evidence.loss.name == "random projection"
    assert math.isnan(evidence.loss.value)
    assert any("No loss" in note for note in evidence.notes)
    assert all(layer.gradient_norm > 0 for layer in evidence.layers)


def test_frozen_first_layers_keep_their_gradients():
    net, (x, y) = mlp(), batch()
    for parameter in net[:3].parameters():
        parameter.requires_grad_(False)
    found = layers_of(net, x, targets=y)
    usual = layers_of(mlp(), x, targets=y)
    assert found["0"].frozen
    assert not found["4"].frozen
    assert found["0"].backward_gain == pytest.approx(usual["0"].backward_gain, rel=1e-6)
    assert math.isnan(found["0"].weight_gradient_rms)


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.again, self.last = nn.Linear(10, 16), nn.Linear(16, 16), nn.Linear(16, 3)

    def forward(self, x):
        x = torch.relu(self.first(x))
        for _ in range(3):
            x = torch.relu(self.again(x))
        return self.last(x)


def test_shared_weights_are_one_layer():
    net, (x, y) = Shared(), batch()
    found = layers_of(net, x, targets=y)
    assert {name: layer.num_calls for name, layer in found.items()} == {"first": 1, "again": 3, "last": 1}
    sizes = [naive.rms(a) for a in states(net, x)]
    expected = math.sqrt(sum(size**2 for size in sizes[1:]) / sum(size**2 for size in sizes[:-1]))
    assert found["again"].forward_gain == pytest.approx(expected, rel=1e-6)


def states(net, x):
    found = [torch.relu(net.first(x))]
    for _ in range(3):
        found.append(torch.relu(net.again(found[-1])))
    return found


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_gradients_far_out_of_range_are_measured(scale):
    net, (x, _) = mlp(), batch()
    usual = layers_of(mlp(), x, loss_fn=lambda out: out.square().mean())
    found = layers_of(net, x, loss_fn=lambda out: out.square().mean() * scale**2)
    for name, layer in found.items():
        assert layer.gradient_norm == pytest.approx(usual[name].gradient_norm * scale**2, rel=1e-3)


def test_cost_is_linear_and_gradients_of_deep_networks_are_complete():
    evidence = read_signals(mlp(depth=400, width=8), *batch()[:1])
    assert len(evidence.layers) == 402
    assert sum(layer.gradient_norm >= 0 for layer in evidence.layers) == 402
