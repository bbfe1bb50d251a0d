"""`scheme="auto"` where networks write into parameters, fuse sums, differentiate, or see a batch that says nothing."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations

from justfit.cures import initialize_
from justfit.cures._auto_fit import sample_rms
from justfit.errors import ArgumentError, UnsupportedModuleError
from justfit.probe._snapshot import Snapshot


def auto(network, *inputs, **keywords):
    return initialize_(network, *inputs, scheme="auto", seed=0, **keywords)


def rms(values):
    return values.detach().double().square().mean().sqrt().item()


def state(network):
    return copy.deepcopy(network.state_dict())


def assert_same(network, before):
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name


class Writes(nn.Module):
    """Changes parameters in place at each forward pass; fails at one of them."""

    def __init__(self, fails_at=0):
        super().__init__()
        self.first, self.last = nn.Linear(16, 16), nn.Linear(16, 4)
        self.scale = nn.Parameter(torch.randn(16))
        self.passes, self.fails_at = [], fails_at

    def forward(self, x):
        PASSES.append(1)
        if len(PASSES) == self.fails_at:
            raise KeyError("second")
        with torch.no_grad():
            self.first.weight.mul_(1.01)
            self.scale.mul_(1.01)
        return self.last(torch.relu(self.first(x)) * self.scale)


PASSES = []


@pytest.fixture(params=[256 * 2**20, 0], ids=["small", "large"])
def copied(request, monkeypatch):
    """Networks that `untouched` copies, and those too large for it."""
    monkeypatch.setattr(Snapshot, "copy_bytes", request.param)
    PASSES.clear()


class TestInPlace:
    def test_undo_is_exact(self, copied):
        network = Writes()
        before = state(network)
        auto(network, torch.randn(32, 16)).undo()
        assert_same(network, before)

    @pytest.mark.parametrize("fails_at", [1, 2])
    def test_an_error_leaves_it_exact(self, copied, fails_at):
        network = Writes(fails_at)
        before = state(network)
        with pytest.raises(KeyError):
            auto(network, torch.randn(32, 16))
        assert len(PASSES) == fails_at
        assert_same(network, before)


class Residual(nn.Module):
    def __init__(self, add):
        super().__init__()
        self.weights = nn.ParameterList(nn.Parameter(torch.randn(64, 64)) for _ in range(30))
        self.add = add

    def forward(self, x):
        for weight in self.weights:
            x = self.add(x, weight)
        return x


def fused(x, weight):
    return torch.addmm(x, torch.relu(x), weight)


def doubled(x, weight):
    return torch.addmm(x, torch.relu(x), weight, beta=0.5, alpha=3.0)


class ComputedBias(nn.Module):
    def __init__(self, is_convolution):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(16, 8, 3) if is_convolution else torch.randn(16, 8))
        self.offset = nn.Parameter(torch.randn(16))
        self.last = nn.Linear(16, 4)
        self.run = functional.conv1d if is_convolution else functional.linear

    def forward(self, x):
        y = torch.relu(self.run(x, self.weight, 3.0 * self.offset.exp()))
        return self.last(y.mean(-1) if y.dim() == 3 else y)


class TestAddends:
    def test_addmm_starts_as_the_sum_it_computes(self):
        x = torch.randn(64, 64)
        plain, joined = Residual(lambda x, weight: x + torch.relu(x) @ weight), Residual(fused)
        auto(plain, x)
        record = auto(joined, x)
        assert rms(joined(x)) == pytest.approx(rms(plain(x)), rel=1e-3)
        assert "one of 30 branches" in record.changes[0].reason

    def test_its_factors_count(self):
        x = torch.randn(64, 64)
        network = Residual(doubled)
        auto(network, x)
        weight = network.weights[0]
        assert rms(3.0 * torch.relu(x) @ weight) == pytest.approx(30**-0.5, rel=0.1)

    @pytest.mark.parametrize("is_convolution", [False, True])
    def test_a_computed_bias_is_not_scaled(self, is_convolution):
        x = 100.0 * (torch.randn(64, 8, 9) if is_convolution else torch.randn(64, 8))
        network = ComputedBias(is_convolution)
        auto(network, x)
        assert rms(network.run(x, network.weight)) == pytest.approx(1.0, rel=0.1)

    def test_what_is_added_in_place_is_named(self):
        network = Residual(lambda x, weight: x.clone().addmm_(torch.relu(x), weight))
        record = auto(network, torch.randn(64, 64))
        assert record.changes[0].reason == "added in place, so its size could not be measured"


def mlp():
    return nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4))


class TestBatch:
    @pytest.mark.parametrize(
        ("x", "found"),
        [
            (torch.empty(0, 16), "a tensor of shape (0, 16)"),
            (torch.full((8, 16), torch.nan), "NaN or infinity"),
            (torch.full((8, 16), torch.inf), "NaN or infinity"),
        ],
    )
    def test_empty_or_broken_is_refused(self, x, found):
        network = mlp()
        before = state(network)
        with pytest.raises(
            ArgumentError, match=r"The batch must hold at least one example of finite numbers\."
        ) as caught:
            auto(network, x)
        assert found in str(caught.value)
        assert_same(network, before)

    def test_a_mask_may_hold_minus_infinity(self):
        layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        auto(layer, torch.randn(4, 5, 16), src_mask=nn.Transformer.generate_square_subsequent_mask(5))

    @pytest.mark.parametrize("scale", [1e30, 1e-30])
    def test_squares_do_not_leave_the_range(self, scale):
        x = scale * torch.randn(64, 16)
        assert sample_rms(x) == pytest.approx(scale * sample_rms(x / scale), rel=1e-5)
        network, ordinary = mlp(), mlp()
        auto(network, x)
        auto(ordinary, x / scale)
        assert rms(network(x)) == pytest.approx(rms(ordinary(x / scale)), rel=1e-4)
        assert rms(network(x)) == pytest.approx(0.1, rel=0.5)  # 0.1 is the median over examples

    def test_nan_inside_is_called_nan(self):
        class Broken(nn.Linear):
            def forward(self, x):
                return super().forward(x * torch.nan)

        record = auto(nn.Sequential(Broken(16, 4)), torch.randn(8, 16))
        assert record.changes[0].reason.startswith("NaN or infinity flowed through it")


class Energy(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))

    def forward(self, x):
        x = x.detach().requires_grad_()
        (force,) = torch.autograd.grad(self.net(x).sum(), x, create_graph=True)
        return force


class TestGradientInForward:
    def test_it_is_measured_with_gradients(self):
        network, x = Energy(), torch.randn(32, 16)
        before = state(network)
        record = auto(network, x)
        assert {"net.0.weight", "net.2.weight", "net.4.weight"} <= {change.name for change in record.changes}
        assert torch.is_grad_enabled()
        assert not network._forward_pre_hooks
        assert all(parameter.grad is None and parameter.is_leaf for parameter in network.parameters())
        assert not any("could not be measured" in change.reason for change in record.changes)
        record.undo()
        assert_same(network, before)


def test_obstacles_of_every_weight_are_named():
    network = nn.Sequential(parametrizations.weight_norm(nn.Linear(8, 4)))
    with pytest.raises(UnsupportedModuleError) as caught:
        auto(network, torch.randn(8, 8))
    message = str(caught.value)
    assert "The forward pass must use a linear, convolution or recurrent weight that may be changed." in message
    assert "is computed from other parameters (parametrized, weight-normalised or pruned)" in message
    assert "used none" not in message


def test_an_embedding_alone_is_no_obstacle():
    with pytest.raises(UnsupportedModuleError, match="whose forward pass used none"):
        auto(nn.Embedding(4, 4), torch.zeros(2, dtype=torch.long))


def test_a_head_tied_to_an_embedding_is_named():
    class Tied(nn.Embedding):
        def forward(self, ids):
            return functional.linear(super().forward(ids), self.weight)

    with pytest.raises(UnsupportedModuleError, match="an embedding keeps its values, and so does what is tied to it"):
        auto(Tied(8, 4), torch.arange(8))
