"""The L2 penalty: the lecture's eq. 1 and eq. 2, to the factor of two."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from justfit.errors import ArgumentError, UnsupportedModuleError
from justfit.maths import l2_penalty, sum_squares


def make_network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3)).double()


def weights_of(network):
    return [network[0].weight, network[3].weight]


def dice_loss(logits, targets):
    probabilities, wanted = logits.softmax(1), nn.functional.one_hot(targets, 3)
    return 1 - 2 * (probabilities * wanted).sum() / (probabilities.sum() + wanted.sum())


LOSSES = {
    "cross entropy": nn.functional.cross_entropy,
    "squared error": lambda logits, targets: nn.functional.mse_loss(logits[:, 0], targets.double()),
    "dice": dice_loss,
}


def test_c5_value_by_hand():
    layer = nn.Linear(2, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 2.0], [3.0, -4.0]]))
    assert l2_penalty(layer, l2=0.5, num_examples=5).item() == pytest.approx(0.5 / 10 * 30)
    assert l2_penalty(layer, l2=0.5, num_examples=5).item() != pytest.approx(0.5 / 5 * 30)
    assert sum_squares(layer).item() == 30.0


@pytest.mark.parametrize("name", LOSSES)
def test_c5_adds_to_any_loss(name):
    network = make_network()
    x, y = torch.randn(16, 4, dtype=torch.float64), torch.arange(16) % 3
    loss = LOSSES[name](network(x), y)
    objective = loss + l2_penalty(network, l2=0.3, num_examples=16)
    assert (objective - loss).item() == pytest.approx(
        0.3 / 32 * sum(float(w.detach().square().sum()) for w in weights_of(network))
    )
    plain = torch.autograd.grad(loss, weights_of(network), retain_graph=True)
    penalized = torch.autograd.grad(objective, weights_of(network))
    for weight, before, after in zip(weights_of(network), plain, penalized, strict=True):
        assert torch.allclose(after - before, 0.3 / 16 * weight, rtol=1e-12, atol=1e-14)


def assert_gradient_is(multiple, network):
    penalty = l2_penalty(network, l2=0.3, num_examples=7)
    for weight, gradient in zip(weights_of(network), torch.autograd.grad(penalty, weights_of(network)), strict=True):
        assert torch.allclose(gradient, multiple * weight, rtol=1e-14, atol=0)


def test_c6_gradient_is_l2_over_n_times_the_weights():
    assert_gradient_is(0.3 / 7, make_network())
    for wrong in (0.3 / 14, 0.6 / 7):
        with pytest.raises(AssertionError):
            assert_gradient_is(wrong, make_network())


def train_with_sgd(network, *, l2_in_loss, weight_decay, num_examples=12):
    decayed = weights_of(network)
    others = [p for p in network.parameters() if all(p is not w for w in decayed)]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": others}]
    optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9)
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(num_examples, 4, dtype=torch.float64, generator=generator)
    steps = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(x), torch.arange(num_examples) % 3)
        (loss + l2_penalty(network, l2_in_loss, num_examples)).backward()
        optimizer.step()
        steps.append([p.detach().clone() for p in network.parameters()])
    return steps


def assert_same_steps(some, others):
    for step, other_step in zip(some, others, strict=True):
        for parameter, other in zip(step, other_step, strict=True):
            assert torch.allclose(parameter, other, rtol=1e-10, atol=1e-12)


def test_c6_equals_sgd_weight_decay_step_for_step():
    network = make_network()
    penalized = train_with_sgd(copy.deepcopy(network), l2_in_loss=2.4, weight_decay=0.0)
    assert_same_steps(penalized, train_with_sgd(copy.deepcopy(network), l2_in_loss=0.0, weight_decay=2.4 / 12))
    with pytest.raises(AssertionError):
        assert_same_steps(penalized, train_with_sgd(copy.deepcopy(network), l2_in_loss=0.0, weight_decay=2.4 / 24))


class Odd(nn.Module):
    """An embedding tied to a head, an attention, a foreign norm, a recurrent layer, a bare parameter."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(5, 4)
        self.head = nn.Linear(4, 5)
        self.head.weight = self.embedding.weight
        self.attention = nn.MultiheadAttention(4, 2, add_bias_kv=True)
        self.norm = TinyRMSNorm()
        self.instance = nn.InstanceNorm1d(4, affine=True)
        self.gru = nn.GRU(4, 4)
        self.scale = nn.Parameter(torch.full((3,), 2.0))


class TinyRMSNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4))


def test_what_counts():
    model = Odd()
    names = {
        "embedding.weight",
        "attention.in_proj_weight",
        "attention.out_proj.weight",
        "gru.weight_ih_l0",
        "gru.weight_hh_l0",
        "scale",
    }
    norms = {"norm.weight", "instance.weight"}
    values = {name: float(p.detach().square().sum()) for name, p in model.named_parameters()}
    total = sum(values.values())

    def expect(chosen):
        return pytest.approx(sum(values[name] for name in chosen), rel=1e-5)

    assert sum_squares(model).item() == expect(names)
    assert sum_squares(model, include_normalization=True).item() == expect(names | norms)
    biases = {name for name in values if "bias" in name and name.split(".")[0] not in ("norm", "instance")}
    assert {"attention.bias_k", "attention.in_proj_bias", "gru.bias_hh_l0", "head.bias"} <= biases
    assert sum_squares(model, include_biases=True).item() == expect(names | biases)
    both = sum_squares(model, include_biases=True, include_normalization=True)
    assert both.item() == pytest.approx(total, rel=1e-5)
    assert sum_squares(model.parameters()).item() == pytest.approx(total, rel=1e-5)


def test_frozen_weights_count_and_get_no_gradient():
    network = make_network()
    before = sum_squares(network).item()
    network[0].weight.requires_grad_(False)
    penalty = sum_squares(network)
    assert penalty.item() == before
    penalty.backward()
    assert network[0].weight.grad is None
    assert torch.equal(network[3].weight.grad, 2 * network[3].weight)


def test_a_parametrized_weight_counts_as_the_layer_computes_with_it():
    layer = parametrizations.weight_norm(nn.Linear(5, 3))
    with torch.no_grad():
        layer.parametrizations.weight.original1.mul_(7.0)  # the direction's length does not matter
    assert sum_squares(layer).item() == pytest.approx(float(layer.weight.detach().square().sum()), rel=1e-6)
    sum_squares(layer).backward()
    magnitude = layer.parametrizations.weight.original0
    assert torch.allclose(magnitude.grad, 2 * magnitude.detach(), rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_device_and_dtype_are_the_parameters(dtype):
    layer = nn.Linear(300, 300).to(dtype)
    nn.init.constant_(layer.weight, 2.0)  # Σw² = 360,000 overflows float16
    penalty = l2_penalty(layer, l2=0.1, num_examples=1000)
    assert penalty.dtype == dtype
    assert penalty.shape == ()
    assert penalty.item() == pytest.approx(18.0, rel=1e-2)
    penalty.backward()
    assert torch.allclose(layer.weight.grad.double(), torch.tensor(2e-4, dtype=torch.float64), rtol=1e-2)


def test_complex_weights_count_both_parts():
    weight = torch.tensor([3 + 4j], requires_grad=True)
    assert sum_squares(weight).item() == 25.0
    assert l2_penalty([weight], 1.0, 1).dtype == torch.float32


def test_works_under_functional_call_and_grad():
    network = make_network().eval()
    parameters = {name: p.detach() for name, p in network.named_parameters()}

    class Penalty(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self):
            return l2_penalty(self.network, 0.3, 7)

    gradient = torch.func.grad(
        lambda values: torch.func.functional_call(Penalty(), {f"network.{k}": v for k, v in values.items()}, ())
    )(parameters)
    assert torch.allclose(gradient["0.weight"], 0.3 / 7 * parameters["0.weight"])
    assert not gradient["0.bias"].any()


def test_numbers_of_numpy_are_numbers():
    layer = nn.Linear(2, 1)
    assert torch.equal(l2_penalty(layer, np.float32(0.5), np.int64(3)), l2_penalty(layer, 0.5, 3))


@pytest.mark.parametrize("l2", [-0.1, math.nan, math.inf, "0.1"])
def test_l2_out_of_range(l2):
    with pytest.raises(ArgumentError, match="`l2` must be a finite number that is at least 0"):
        l2_penalty(nn.Linear(1, 1), l2, 10)


@pytest.mark.parametrize("num_examples", [0, -3, 2.5])
def test_num_examples_out_of_range(num_examples):
    with pytest.raises(ArgumentError, match="`num_examples` must be a whole number that is at least 1"):
        l2_penalty(nn.Linear(1, 1), 0.1, num_examples)


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (nn.ReLU(), ArgumentError, "at least one weight to penalize"),
        (nn.BatchNorm1d(3), ArgumentError, "include_normalization"),
        ([], ArgumentError, "at least one weight to penalize"),
        ([torch.ones(2, dtype=torch.int64)], ArgumentError, r"Found a tensor of torch\.int64"),
        (nn.Linear(1, 1).named_parameters(), ArgumentError, r"Found a tuple.*not `named_parameters\(\)`"),
        (nn.LazyLinear(3), UnsupportedModuleError, "an uninitialized parameter of a lazy layer"),
    ],
)
def test_nothing_to_penalize(source, error, message):
    with pytest.raises(error, match=message):
        sum_squares(source)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_weights_made_by_a_hook_are_refused():
    network = nn.Sequential(torch.nn.utils.weight_norm(nn.Linear(2, 2)))
    with pytest.raises(UnsupportedModuleError, match="a hook that recomputes the weight of `0`"):
        sum_squares(network)
