"""Which layers lie in a branch, and what every path crosses."""

import pytest
import torch
from torch import nn

from justfit.probe import read_signals

WIDTH = 16


class Net(nn.Module):
    """Layers by name and a function that joins them."""

    def __init__(self, join, **layers):
        super().__init__()
        self.join = join
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, x):
        return self.join(self, x)


def linears(*names):
    torch.manual_seed(0)
    return {name: nn.Linear(WIDTH, WIDTH) for name in names}


def sides(net, x=None):
    evidence = read_signals(net, torch.randn(32, WIDTH) if x is None else x)
    inside = {layer.name for layer in evidence.layers if layer.in_branch}
    ends = {layer.name for layer in evidence.layers if layer.ends_branch}
    return inside, ends, evidence


def residual(m, x):
    x = m.stem(x)
    x = x + m.b(torch.relu(m.a(x)))
    return m.head(torch.relu(x))


def test_residual_block():
    inside, ends, evidence = sides(Net(residual, **linears("stem", "a", "b", "head")))
    assert inside == {"a", "b"}
    assert ends == {"b"}
    assert [(point.kind, point.name) for point in evidence.trunk] == [
        ("input", "stem"),
        ("sum", "b"),
        ("input", "head"),
        ("output", "head"),
    ]


def test_a_branch_that_starts_at_zero_is_not_on_the_trunk():
    net = Net(residual, **linears("stem", "a", "b", "head"))
    nn.init.zeros_(net.b.weight)
    nn.init.zeros_(net.b.bias)
    _, _, evidence = sides(net)
    assert all(point.rms > 0 and point.effective_rank > 1 for point in evidence.trunk)


def test_in_place_sum():
    def join(m, x):
        x = m.stem(x)
        y = m.b(torch.relu(m.a(x)))
        y += x
        return m.head(y)

    inside, ends, _ = sides(Net(join, **linears("stem", "a", "b", "head")))
    assert (inside, ends) == ({"a", "b"}, {"b"})


@pytest.mark.parametrize("pre", [True, False])
def test_transformer_blocks_before_and_after_the_norm(pre):
    def join(m, x):
        x = m.stem(x)
        x = x + m.b(nn.functional.gelu(m.a(m.norm(x)))) if pre else m.norm(x + m.b(nn.functional.gelu(m.a(x))))
        return m.head(x)

    net = Net(join, norm=nn.LayerNorm(WIDTH), **linears("stem", "a", "b", "head"))
    inside, ends, evidence = sides(net)
    assert (inside, ends) == ({"a", "b"}, {"b"})
    by_name = {layer.name: layer for layer in evidence.layers}
    assert by_name["a"].activation == "gelu"


def test_projection_shortcut_with_zero_gamma():
    def join(m, x):
        x = torch.relu(m.bn0(m.stem(x)))
        y = m.bn2(m.b(torch.relu(m.bn1(m.a(x)))))
        return m.head(torch.relu(y + m.bn3(m.short(x))))

    norms = {f"bn{i}": nn.BatchNorm1d(WIDTH) for i in range(4)}
    net = Net(join, **norms, **linears("stem", "a", "b", "short", "head"))
    nn.init.zeros_(net.bn2.weight)
    inside, ends, evidence = sides(net)
    assert {"a", "b"} <= inside
    assert "b" in ends
    assert "stem" not in inside | ends
    assert "head" not in inside | ends
    assert all(point.rms > 0 for point in evidence.trunk)
    assert all(layer.normalised for layer in evidence.layers if layer.name in {"stem", "a", "b"})


def test_dense_block():
    def join(m, x):
        x = m.stem(x)
        x = torch.cat([x, torch.relu(m.a(x))], 1)
        return m.head(torch.cat([x, torch.relu(m.b(x))], 1))

    net = Net(join, a=nn.Linear(WIDTH, 8), b=nn.Linear(24, 8), head=nn.Linear(32, 3), **linears("stem"))
    inside, _, _ = sides(net)
    assert inside == {"a", "b"}


def test_u_net():
    def join(m, x):
        high = torch.relu(m.down(x))
        low = m.deep(nn.functional.max_pool2d(high, 2))
        low = nn.functional.interpolate(torch.relu(low), scale_factor=2)
        return m.head(torch.cat([high, low], 1))

    net = Net(join, down=nn.Conv2d(3, 8, 3, padding=1), deep=nn.Conv2d(8, 8, 3, padding=1), head=nn.Conv2d(16, 2, 1))
    inside, ends, _ = sides(net, torch.randn(8, 3, 8, 8))
    assert inside == {"deep"}
    assert ends == {"deep"}


def test_squeeze_and_excite_gate():
    def join(m, x):
        x = m.stem(x)
        gate = torch.sigmoid(m.b(torch.relu(m.a(x.mean((2, 3), keepdim=True)))))
        return m.head(x * gate)

    net = Net(join, **{n: nn.Conv2d(8, 8, 1) for n in ("stem", "a", "b", "head")})
    inside, ends, _ = sides(net, torch.randn(8, 8, 4, 4))
    assert inside == {"a", "b"}
    assert ends == set()  # it scales, it does not add


def test_gated_linear_unit_is_no_branch():
    def join(m, x):
        x = m.stem(x)
        return m.head(nn.functional.silu(m.gate(x)) * m.value(x))

    inside, _, _ = sides(Net(join, **linears("stem", "gate", "value", "head")))
    assert inside == set()


def test_highway_keeps_its_stem_and_head():
    def join(m, x):
        x = m.stem(x)
        t = torch.sigmoid(m.gate(x))
        return m.head(t * torch.relu(m.value(x)) + (1 - t) * x)

    inside, _, _ = sides(Net(join, **linears("stem", "gate", "value", "head")))
    assert not {"stem", "head"} & inside


def test_parallel_towers_are_no_branches():
    def join(m, x):
        return m.head(torch.relu(m.a(x)) + torch.relu(m.b(x)))

    inside, ends, _ = sides(Net(join, **linears("a", "b", "head")))
    assert (inside, ends) == (set(), set())


def test_two_inputs_that_meet_are_no_branch():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.head = nn.Linear(4, 8), nn.Linear(6, 8), nn.Linear(8, 2)

        def forward(self, x, y):
            return self.head(torch.relu(self.a(x) + self.b(y)))

    evidence = read_signals(Two(), torch.randn(16, 4), torch.randn(16, 6))
    assert not any(layer.in_branch for layer in evidence.layers)
    assert [signal.name for signal in evidence.inputs] == ["input 0", "input 1"]
    assert [signal.read_by for signal in evidence.inputs] == ["a", "b"]


def test_normalised_outputs():
    net = nn.Sequential(
        nn.Linear(WIDTH, WIDTH), nn.LayerNorm(WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 2)
    )
    _, _, evidence = sides(net)
    assert [layer.normalised for layer in evidence.layers] == [True, False, False]
    assert [layer.activation for layer in evidence.layers] == ["relu", "relu", None]


def test_hand_written_normalisation():
    def join(m, x):
        x = m.stem(x)
        return m.head(torch.relu(x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)))

    _, _, evidence = sides(Net(join, **linears("stem", "head")))
    assert [layer.normalised for layer in evidence.layers] == [True, False]
