"""Initialization: the right variance through real layers, the right layers, and an exact way back."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

from justfit.cures import BLIND_SCHEMES, Initialization, initialize_
from justfit.errors import ArgumentError, UnsupportedModuleError
from justfit.maths import fans, gain


def assert_variance_is(expected, weights):
    """Check zero mean and the variance of normal draws within four standard errors."""
    values = torch.cat([weight.detach().double().flatten() for weight in weights])
    mean_error, variance_error = math.sqrt(expected / len(values)), expected * math.sqrt(2 / len(values))
    assert abs(values.mean()) < 4 * mean_error
    assert abs(values.square().mean() - expected) < 4 * variance_error


def check_with_control(expected, weights):
    assert_variance_is(expected, weights)
    for wrong in (expected / 2, expected * 2):
        with pytest.raises(AssertionError):
            assert_variance_is(wrong, weights)


LAYERS = {
    "wide linear": nn.Linear(100, 400),
    "narrow linear": nn.Linear(400, 100),
    "grouped, strided conv": nn.Conv2d(32, 64, 3, groups=4, stride=2),
    "conv1d": nn.Conv1d(30, 60, 5),
    "transposed conv": nn.ConvTranspose2d(16, 64, 4, stride=2),
}


@pytest.mark.parametrize("name", LAYERS)
def test_c16_xavier_is_one_over_fan_in(name):
    layer = copy.deepcopy(LAYERS[name])
    initialize_(layer, scheme="xavier", seed=1)
    check_with_control(1 / fans(layer)[0], [layer.weight])
    assert not layer.bias.any()


@pytest.mark.parametrize("name", LAYERS)
def test_c16_glorot_is_two_over_both_fans(name):
    layer = copy.deepcopy(LAYERS[name])
    initialize_(layer, scheme="glorot", seed=1)
    check_with_control(2 / sum(fans(layer)), [layer.weight])


@pytest.mark.parametrize("name", LAYERS)
def test_c17_he_is_two_over_fan_in(name):
    layer = copy.deepcopy(LAYERS[name])
    initialize_(layer, scheme="he", seed=1)
    check_with_control(2 / fans(layer)[0], [layer.weight])


def test_c17_he_for_a_leaky_slope():
    slope = 0.5
    network = nn.Sequential(nn.Linear(300, 200), nn.LeakyReLU(slope), nn.Linear(200, 300))
    initialize_(network, scheme="he", seed=1)
    check_with_control(2 / ((1 + slope**2) * 300), [network[0].weight])
    with pytest.raises(AssertionError):
        assert_variance_is(2 / 300, [network[0].weight])


def test_lecun_and_normal_and_zero():
    layer = nn.Linear(200, 300)
    initialize_(layer, scheme="lecun", seed=0)
    check_with_control(1 / 200, [layer.weight])
    initialize_(layer, scheme="normal", seed=0)
    check_with_control(0.01**2, [layer.weight])
    initialize_(layer, scheme="normal", std=0.3, seed=0)
    check_with_control(0.3**2, [layer.weight])
    initialize_(layer, scheme="zero", seed=0)
    assert not layer.weight.any()
    assert not layer.bias.any()


def mean_gains(make_layer, scheme, *, num_draws=60, **arguments):
    """Return mean and standard error of E[z²]/E[x²] and E[(∂L/∂x)²]/E[(∂L/∂z)²] over seeds."""
    generator = torch.Generator().manual_seed(0)
    layer, gains = make_layer(), []
    for seed in range(num_draws):
        initialize_(layer, scheme=scheme, seed=seed, **arguments)
        x = torch.randn(16, layer.weight.shape[1], generator=generator, requires_grad=True)
        z = layer(x)
        output_gradient = torch.randn(z.shape, generator=generator)
        (input_gradient,) = torch.autograd.grad(z, x, output_gradient)
        forward = z.detach().square().mean() / x.detach().square().mean()
        gains.append((forward, input_gradient.square().mean() / output_gradient.square().mean()))
    table = torch.tensor(gains)
    return table.mean(0), table.std(0) / math.sqrt(num_draws)


@pytest.mark.parametrize("scheme", ["xavier", "lecun", "orthogonal"])
@pytest.mark.parametrize("shape", [(100, 400), (400, 100), (200, 200)])
def test_the_forward_gain_is_one_on_layers_that_are_not_square(scheme, shape):
    mean, error = mean_gains(lambda: nn.Linear(*shape), scheme, nonlinearity="linear")
    fan_in, fan_out = shape
    expected = torch.tensor([1.0, fan_out / fan_in])
    assert (error < 0.05 * expected).all()
    assert ((mean - expected).abs() < 4 * error + 1e-6).all()


def test_torch_orthogonal_misses_where_it_widens():
    def torch_orthogonal():
        layer = nn.Linear(100, 400, bias=False)
        nn.init.orthogonal_(layer.weight)
        return layer

    z = torch_orthogonal()(torch.randn(500, 100, generator=torch.Generator().manual_seed(0)))
    assert z.detach().square().mean() == pytest.approx(0.25, rel=0.05)


@pytest.mark.parametrize("layer", [nn.Linear(30, 70), nn.Linear(70, 30), nn.Conv2d(8, 12, 3, groups=2)])
def test_orthogonal_is_orthogonal_and_exact_in_variance(layer):
    layer = copy.deepcopy(layer).double()
    initialize_(layer, scheme="orthogonal", seed=0, nonlinearity="relu")
    groups = getattr(layer, "groups", 1)
    weight_GRC = layer.weight.detach().reshape(groups, layer.weight.shape[0] // groups, -1)
    rows, columns = weight_GRC.shape[1:]
    gram = weight_GRC @ weight_GRC.mT if rows <= columns else weight_GRC.mT @ weight_GRC
    scale = 2 * max(rows, columns) / fans(layer)[0]
    assert torch.allclose(gram, scale * torch.eye(min(rows, columns), dtype=torch.float64).expand_as(gram), atol=1e-12)
    assert layer.weight.square().mean().item() == pytest.approx(2 / fans(layer)[0], rel=1e-12)


def test_orthogonal_is_haar_distributed_and_not_lapacks_choice():
    # trace of a Haar orthogonal matrix: mean 0, variance 1; QR without the sign fix has a mean far below 0
    layer = nn.Linear(6, 6)
    traces = []
    for seed in range(400):
        initialize_(layer, scheme="orthogonal", seed=seed, nonlinearity="linear")
        traces.append(layer.weight.detach().trace())
    traces = torch.stack(traces)
    assert abs(traces.mean()) < 4 / math.sqrt(400)
    assert traces.var().item() == pytest.approx(1.0, abs=4 * math.sqrt(2 / 400))
    generator = torch.Generator().manual_seed(0)
    unfixed = torch.linalg.qr(torch.randn(400, 6, 6, generator=generator))[0].diagonal(dim1=1, dim2=2).sum(1)
    assert abs(unfixed.mean()) > 4 / math.sqrt(400)


def test_he_keeps_the_signal_of_a_deep_relu_network_and_its_output_at_variance_one():
    layers = [module for _ in range(12) for module in (nn.Linear(400, 400), nn.ReLU())]
    network = nn.Sequential(*layers, nn.Linear(400, 400))
    x = torch.randn(64, 400, generator=torch.Generator().manual_seed(0))
    initialize_(network, scheme="he", seed=0)
    assert 0.5 < network(x).square().mean() < 2.0
    initialize_(network, scheme="xavier", seed=0)
    assert network(x).square().mean() < 2 * 0.5**12


def nonlinearities(record):
    return {change.name: (change.nonlinearity, change.reason) for change in record.changes if "weight" in change.name}


def test_which_activation_follows():
    network = nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Sequential()),
        nn.ModuleList([nn.ELU()])[0],
        nn.Conv2d(8, 8, 3),
        nn.MaxPool2d(2),
        nn.Dropout2d(0.1),
        nn.GELU(),
        nn.Flatten(),
        nn.Linear(8, 9),
        nn.Linear(9, 9),
        nn.LSTM(9, 9),
        nn.Linear(9, 4),
        nn.Softmax(-1),
    )
    record = initialize_(network, scheme="he", seed=0, nonlinearity="tanh")
    assert nonlinearities(record) == {
        "0.0.weight": ("ELU(alpha=1.0)", "the module that follows"),
        "2.weight": ("GELU(approximate='none')", "the module that follows"),
        "7.weight": ("linear", "another layer follows directly"),
        "8.weight": ("tanh", "the argument `nonlinearity`"),
        "10.weight": ("linear", "the output layer, before Softmax(dim=-1)"),
    }
    by_name = {change.name: change for change in record.changes}
    assert by_name["2.weight"].std == pytest.approx(gain("gelu") / math.sqrt(72))
    assert by_name["8.weight"].gain == gain("tanh")
    assert by_name["10.weight"].std == pytest.approx(1 / 3)


def test_the_last_layer_has_gain_one_unless_told():
    network = nn.Sequential(nn.Linear(10, 10), nn.ReLU(), nn.Linear(10, 10))
    default = initialize_(network, scheme="he", seed=0)
    assert nonlinearities(default)["2.weight"] == ("linear", "the output layer")
    assert [change.std**2 for change in default.changes if change.std] == pytest.approx([0.2, 0.1])
    classic = initialize_(network, scheme="he", seed=0, nonlinearity="relu")
    assert [change.std**2 for change in classic.changes if change.std] == pytest.approx([0.2, 0.2])


class Block(nn.Module):
    """Calls its activation in `forward`, where registration cannot show it."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 6))
        self.out = nn.Linear(6, 6)

    def forward(self, x):
        return self.out(torch.relu(self.body(x)))


def test_what_cannot_be_seen_is_assumed_and_says_so():
    record = initialize_(nn.Sequential(Block(), nn.Linear(6, 2)), scheme="he", seed=0)
    assert nonlinearities(record) == {
        "0.body.0.weight": ("Tanh()", "the module that follows"),
        "0.body.2.weight": ("relu", "assumed: no activation module follows"),
        "0.out.weight": ("relu", "assumed: no activation module follows"),
        "1.weight": ("linear", "the output layer"),
    }
    told = initialize_(Block(), scheme="orthogonal", seed=0, nonlinearity=torch.tanh)
    assert nonlinearities(told)["out.weight"] == ("tanh", "the argument `nonlinearity`")


class Swish(nn.Module):
    def forward(self, z):
        return z * torch.sigmoid(z)


def test_an_activation_of_the_user_is_measured():
    record = initialize_(nn.Sequential(nn.Linear(3, 3), Swish(), nn.Linear(3, 1)), seed=0)
    assert record.changes[0].gain == pytest.approx(gain("silu"), rel=1e-8)


class Zoo(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(7, 6)
        self.attention = nn.MultiheadAttention(6, 2)
        self.normed = parametrizations.weight_norm(nn.Linear(6, 6))
        self.pruned = prune.l1_unstructured(nn.Linear(6, 6), "weight", amount=0.5)
        self.norm = nn.LayerNorm(6)
        self.empty = nn.Linear(0, 3)
        self.shared = nn.ModuleList([nn.Linear(6, 6), nn.Linear(6, 6)])
        self.shared[1].weight = self.shared[0].weight
        self.head = nn.Linear(6, 7)
        self.head.weight = self.embedding.weight


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize("scheme", BLIND_SCHEMES)
def test_everything_else_is_untouched_and_named(scheme):
    zoo = Zoo()
    before = {name: p.detach().clone() for name, p in zoo.named_parameters(remove_duplicate=False)}
    record = initialize_(zoo, scheme=scheme, seed=0)
    changed = {change.name for change in record.changes} | {n for c in record.changes for n in c.shared_with}
    assert changed == {
        "attention.out_proj.weight",
        "attention.out_proj.bias",
        "shared.0.weight",
        "shared.1.weight",
        "shared.0.bias",
        "shared.1.bias",
        "embedding.weight",
        "head.weight",
        "head.bias",
    }
    untouched = dict(record.untouched)
    assert changed | set(untouched) == set(before)
    assert untouched["norm.weight"] == "belongs to LayerNorm, which is no linear or convolution layer"
    assert untouched["attention.in_proj_weight"].startswith("belongs to MultiheadAttention")
    assert "computed from other parameters" in untouched["normed.bias"]
    assert "computed from other parameters" in untouched["pruned.weight_orig"]
    assert untouched["empty.weight"] == "its layer's weight has no entries"
    for name, parameter in zoo.named_parameters(remove_duplicate=False):
        assert torch.equal(parameter, before[name]) or name in changed


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_shared_weights_are_drawn_once():
    zoo = Zoo()
    record = initialize_(zoo, scheme="xavier", seed=0)
    (shared,) = [change for change in record.changes if change.name == "shared.0.weight"]
    assert shared.shared_with == ("shared.1.weight",)
    assert zoo.shared[0].weight is zoo.shared[1].weight
    alone = nn.Sequential(nn.Linear(6, 6))
    holder = nn.ModuleDict({"shared": alone})
    initialize_(holder, scheme="xavier", seed=0)
    assert torch.equal(alone[0].weight, zoo.shared[0].weight)


def make_network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 2))


def values(module):
    return [p.detach().clone() for p in module.parameters()]


def equal(some, others):
    return all(torch.equal(a, b) for a, b in zip(some, others, strict=True))


@pytest.mark.parametrize("scheme", BLIND_SCHEMES)
def test_same_seed_same_network_and_the_global_random_state_is_untouched(scheme):
    one, two, other = make_network(), make_network(), make_network()
    state = torch.random.get_rng_state()
    initialize_(one, scheme=scheme, seed=3)
    initialize_(two, scheme=scheme, seed=3)
    initialize_(other, scheme=scheme, seed=4)
    assert torch.equal(state, torch.random.get_rng_state())
    assert equal(values(one), values(two))
    assert equal(values(one), values(other)) == (scheme == "zero")


def test_a_layer_does_not_depend_on_what_else_there_is():
    small = nn.ModuleDict({"a": nn.Linear(4, 4), "b": nn.Linear(4, 4)})
    large = nn.ModuleDict({"z": nn.Conv2d(1, 1, 3), "b": nn.Linear(4, 4), "a": nn.Linear(4, 4)})
    initialize_(small, seed=0)
    initialize_(large, seed=0)
    assert torch.equal(small["a"].weight, large["a"].weight)
    assert torch.equal(small["b"].weight, large["b"].weight)
    assert not torch.equal(small["a"].weight, small["b"].weight)


def test_the_values_of_a_seed_do_not_change_from_process_to_process():
    layer = nn.Linear(2, 2)
    initialize_(layer, scheme="xavier", seed=0)
    assert layer.weight.flatten().tolist() == pytest.approx([0.8224156, 0.2676462, -0.8988629, 0.2722839], abs=1e-6)


def test_without_a_seed_the_record_holds_the_one_that_was_drawn():
    one, two = make_network(), make_network()
    state = torch.random.get_rng_state()
    record = initialize_(one)
    assert torch.equal(state, torch.random.get_rng_state())
    assert initialize_(two).seed != record.seed
    initialize_(two, seed=record.seed)
    assert equal(values(one), values(two))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("scheme", ["he", "orthogonal"])
def test_identity_dtype_and_flags_are_kept(scheme, dtype):
    network = make_network().to(dtype)
    network[0].weight.requires_grad_(False)
    before = list(network.parameters())
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    initialize_(network, scheme=scheme, seed=0)
    after = list(network.parameters())
    assert all(a is b for a, b in zip(before, after, strict=True))
    assert all(p.dtype == dtype and p.is_leaf and p.grad_fn is None for p in after)
    assert [p.requires_grad for p in after] == [False, True, True, True]
    assert optimizer.param_groups[0]["params"][0] is network[0].weight
    assert network[0].weight.square().mean().item() == pytest.approx(0.4, rel=0.8)


@pytest.mark.parametrize("scheme", BLIND_SCHEMES)
def test_undo_is_exact_to_the_bit(scheme):
    network = make_network()
    with torch.no_grad():
        network[0].weight[0, 0] = -0.0
        network[0].weight[0, 1] = math.nan
        network[0].bias[0] = math.inf
    before = [p.detach().clone().view(torch.int32) for p in network.parameters()]
    record = initialize_(network, scheme=scheme, seed=0)
    assert not equal(before, [p.detach().view(torch.int32) for p in network.parameters()])
    record.undo()
    assert equal(before, [p.detach().view(torch.int32) for p in network.parameters()])
    initialize_(network, scheme=scheme, seed=1)
    record.undo()
    assert equal(before, [p.detach().view(torch.int32) for p in network.parameters()])


def test_undo_of_a_converted_module_is_refused():
    network = make_network()
    record = initialize_(network, seed=0)
    network.double()
    now = values(network)
    with pytest.raises(ArgumentError, match=r"bit for bit\. Found `0\.weight` with \(7, 5\) torch\.float64"):
        record.undo()
    assert equal(now, values(network))


def test_the_record_is_frozen_and_compares_by_what_was_done():
    record = initialize_(make_network(), seed=0)
    assert record == initialize_(make_network(), seed=0)
    assert record != initialize_(make_network(), seed=1)
    assert isinstance(record, Initialization)
    assert "tensor" not in repr(record)
    with pytest.raises(AttributeError):
        record.seed = 3


def test_an_error_midway_changes_nothing():
    network = make_network()
    locked = network[2].weight.detach()[:, :1].expand(2, 7)  # overlapping memory: cannot be written in place
    network[2].weight = nn.Parameter(locked)
    before = values(network)
    with pytest.raises(RuntimeError, match="single memory location"):
        initialize_(network, seed=0)
    assert equal(before, values(network))


def test_works_inside_no_grad_and_takes_inputs_without_running_the_module():
    class Explosive(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 3)

        def forward(self, x):
            raise AssertionError("must not run")

    with torch.no_grad():
        record = initialize_(Explosive(), torch.ones(2, 3), torch.ones(2), scheme="he", seed=0)
    assert len(record.changes) == 2


def test_zero_keeps_all_units_of_a_layer_equal_in_training():
    network = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2))
    x, y = torch.randn(20, 4, generator=torch.Generator().manual_seed(0)), torch.arange(20) % 2

    def distinct_units(scheme):
        initialize_(network, scheme=scheme, seed=0)
        optimizer = torch.optim.SGD(network.parameters(), lr=0.5)
        for _ in range(20):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(x), y).backward()
            optimizer.step()
        return len(torch.unique(network[0].weight.detach(), dim=0))

    assert distinct_units("zero") == 1
    assert distinct_units("he") == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scheme": "kaiming"}, r"`scheme` must be one of zero, normal, xavier.*`scheme='kaiming'`"),
        ({"std": 0.1}, "`std` belongs to the scheme normal only"),
        ({"scheme": "normal", "std": -1.0}, "`std` must be a positive, finite number"),
        ({"scheme": "normal", "std": math.nan}, "`std` must be a positive, finite number"),
        ({"seed": -1}, "`seed` must be a whole number that is at least 0"),
        ({"seed": 1.5}, "`seed` must be a whole number that is at least 0"),
        ({"seed": True}, "`seed` must be a whole number that is at least 0"),
        ({"nonlinearity": "relu7"}, "`nonlinearity='relu7'`"),
        ({"nonlinearity": nn.Softmax(-1)}, "deterministic elementwise function"),
    ],
)
def test_arguments_out_of_range_change_nothing(arguments, message):
    network = make_network()
    before = values(network)
    with pytest.raises(ArgumentError, match=message):
        initialize_(network, **arguments)
    assert equal(before, values(network))


@pytest.mark.parametrize(
    ("module", "inputs", "error", "message"),
    [
        (nn.Linear, (), ArgumentError, "`module` must be a torch module"),
        (make_network(), ("he",), ArgumentError, r"`\*inputs` must be tensors\. Found str.*goes by keyword"),
        (nn.Sequential(nn.Linear(2, 2), nn.LazyLinear(3)), (), UnsupportedModuleError, "`1.weight`, an uninitialized"),
        (nn.Linear(2, 2, device="meta"), (), UnsupportedModuleError, "`weight`, on the meta device.*to_empty"),
        (nn.ReLU(), (), UnsupportedModuleError, "Found a ReLU without one"),
        (parametrizations.weight_norm(nn.Linear(2, 2)), (), UnsupportedModuleError, "without one.*parametrizations"),
    ],
)
def test_modules_that_cannot_be_initialized(module, inputs, error, message):
    with pytest.raises(error, match=message):
        initialize_(module, *inputs)
