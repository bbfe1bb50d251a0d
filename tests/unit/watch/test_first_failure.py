"""Where NaN or infinity came from: layer, operation, rows, and everything left as it was."""

import copy
import math

import pytest
import torch
import torch.utils.checkpoint
from torch import nn
from torch.nn import functional

from justfit.watch._failure import FailedStep, find_first_failure
from justfit.watch._kept import keep_forward
from justfit.watch._loss_trail import trail_of


class Middle(nn.Module):
    """Computes what it is told to, between two layers."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, h):
        return self.function(h)


class Perceptron(nn.Module):
    faulty, behind = "first", "last"

    def __init__(self, function):
        super().__init__()
        self.first, self.middle, self.last = nn.Linear(10, 12), Middle(function), nn.Linear(12, 4)

    def forward(self, x):
        return self.last(self.middle(self.first(x)))

    @staticmethod
    def batch():
        return torch.randn(16, 10)


class Convolutional(nn.Module):
    faulty, behind = "norm", "head"

    def __init__(self, function):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.conv, self.middle = nn.Conv2d(4, 8, 3, padding=1), Middle(function)
        self.head = nn.Linear(8, 4)
        self.faulty = "conv"

    def forward(self, x):
        h = functional.relu(self.norm(self.stem(x)))
        return self.head(self.middle(self.conv(h)).mean((2, 3)))

    @staticmethod
    def batch():
        return torch.randn(16, 1, 6, 6)


class Transformer(nn.Module):
    faulty, behind = "blocks.1.linear2", "head"

    def __init__(self, function):
        super().__init__()
        self.token = nn.Embedding(20, 16)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(16, 2, 32, 0.1, batch_first=True, norm_first=True) for _ in range(2)
        )
        self.middle, self.head = Middle(function), nn.Linear(16, 4)

    def forward(self, tokens):
        h = self.token(tokens)
        for block in self.blocks:
            h = block(h)
        return self.head(self.middle(h).mean(1))

    @staticmethod
    def batch():
        return torch.randint(0, 20, (16, 5))


KINDS = (Perceptron, Convolutional, Transformer)
TARGETS = torch.arange(16) % 4


def failing_step(net, x, loss_fn=functional.cross_entropy, **known):
    """Run forward and backward as a loop does, and ask where it went wrong."""
    kept = keep_forward((x,), {})
    loss = loss_fn(net(x), TARGETS)
    before = trail_of(loss)
    loss.backward()
    trail = before if not math.isfinite(loss.item()) else trail_of(loss)
    failed = FailedStep(step=7, epoch=2, batch=3, forwards=(kept,), loss=loss.item(), loss_trail=trail, **known)
    return find_first_failure(net, failed)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("function", "operation", "cause"),
    [
        (lambda h: torch.log(h - h.abs() - 1), "log", "nan"),
        (lambda h: torch.sqrt(-h.abs() - 1), "sqrt", "nan"),
        (lambda h: h / (h * 0), "div", "inf"),
        (lambda h: torch.exp(200 + h), "exp", "inf"),
        (lambda h: (torch.exp(200 + h)) * 0, "exp", "inf"),
        (lambda h: torch.exp(200 + h) - torch.exp(200 + h), "exp", "inf"),
    ],
    ids=["log", "sqrt", "div", "exp", "exp times 0", "inf minus inf"],
)
def test_forward_operations(kind, function, operation, cause):
    torch.manual_seed(0)
    net = kind(function)
    found = failing_step(net, kind.batch())
    assert (found.stage, found.operation, found.cause) == ("forward", operation, cause)
    assert found.layer == net.faulty
    assert (found.step, found.epoch, found.batch, found.weights_intact) == (7, 2, 3, True)
    assert "test_first_failure.py:" in found.source  # the line that ran the operation
    assert "was run again" in found.how


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("function", "operation"),
    [
        (lambda h: h + torch.sqrt((h * 0).square()), "sqrt"),
        (lambda h: h + (h * 0).norm(dim=-1, keepdim=True).pow(0.5), "pow"),
        (lambda h: h + torch.where(h * 0 > 0, (h * 0).abs().pow(0.25), h), "pow"),
        (lambda h: h + torch.acos(torch.ones_like(h) + h * 0), "acos"),
    ],
    ids=["sqrt", "norm", "where", "acos"],
)
def test_backward_operations(kind, function, operation):
    torch.manual_seed(0)
    net = kind(function)
    found = failing_step(net, kind.batch())
    assert (found.stage, found.operation, found.layer) == ("backward", operation, net.faulty)


@pytest.mark.parametrize("kind", KINDS)
def test_an_infinite_gradient_that_nobody_gets_is_none(kind):
    """The root's gradient at 0 is infinite, and `relu` lets nothing through there."""
    torch.manual_seed(0)
    net = kind(lambda h: h + torch.sqrt((h * 0).relu()))
    assert failing_step(net, kind.batch()).stage == "unknown"


@pytest.mark.parametrize("kind", KINDS)
def test_loss(kind):
    torch.manual_seed(0)
    found = failing_step(kind(torch.relu), kind.batch(), lambda out, y: torch.log(out.softmax(1) * 0).mean())
    assert (found.stage, found.operation, found.layer, found.cause) == ("loss", "log", "", "inf")
    assert found.how == (
        "The batch was run again and the output is finite, the loss is not: `log` in it made the first value that is "
        "not finite."
    )


@pytest.mark.parametrize("kind", KINDS)
def test_targets(kind):
    torch.manual_seed(0)
    target = torch.full((16, 4), math.nan)
    found = failing_step(kind(torch.relu), kind.batch(), lambda out, y: functional.mse_loss(out, target))
    assert (found.stage, found.operation, found.cause) == ("loss", "mse_loss", "nan")
    assert "what `mse_loss` compares with or multiplies by is not finite" in found.how


@pytest.mark.parametrize("kind", KINDS)
def test_backward_of_the_loss(kind):
    torch.manual_seed(0)
    found = failing_step(kind(torch.relu), kind.batch(), lambda out, y: torch.sqrt((out * 0).square().sum()) + 1)
    assert (found.stage, found.operation, found.layer) == ("backward", "gradient of sqrt", "")
    assert "behind the last layer" in found.how


@pytest.mark.parametrize("kind", KINDS)
def test_parameters(kind):
    torch.manual_seed(0)
    net = kind(torch.relu)
    with torch.no_grad():
        net.get_submodule(net.behind).weight[0, :2] = math.nan
    found = failing_step(net, kind.batch())
    assert (found.stage, found.operation, found.layer) == ("parameter", f"{net.behind}.weight", net.behind)
    assert not found.weights_intact
    assert found.how.startswith("2 of ")


@pytest.mark.parametrize("kind", KINDS)
def test_the_optimizer_wrote_it(kind):
    torch.manual_seed(0)
    net = kind(torch.relu)
    with torch.no_grad():
        net.get_submodule(net.behind).weight[0, 0] = math.inf
    found = failing_step(net, kind.batch(), previous_loss=0.5, optimizer="Adam", gradient_was_seen=True)
    assert (found.stage, found.operation, found.layer, found.step) == ("optimizer", "Adam", net.behind, 6)
    assert (found.batch, found.weights_intact, found.cause) == (-1, False, "inf")


@pytest.mark.parametrize("kind", [Perceptron, Convolutional])
@pytest.mark.parametrize("value", [math.nan, -math.inf])
def test_inputs(kind, value):
    torch.manual_seed(0)
    x = kind.batch()
    x[3].view(-1)[1] = x[11].view(-1)[2] = value
    found = failing_step(kind(torch.relu), x, examples=(5, 6))
    assert (found.stage, found.operation) == ("input", "input 0")
    assert found.cause == ("nan" if math.isnan(value) else "inf")
    assert found.how == "Rows 3, 11 of the batch are not finite before the network sees it."
    assert (found.examples, found.rows) == ((5, 6), (3, 11))


def test_a_buffer_that_holds_nan_and_one_that_holds_a_mask():
    net = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 4)).eval()
    net.register_buffer("mask", torch.full((3, 3), -math.inf).triu(1))
    net[0].running_var[2] = math.nan
    found = failing_step(net, torch.randn(16, 4))
    assert (found.stage, found.operation, found.layer) == ("parameter", "0.running_var", "0")


def test_rows_that_broke_are_named():
    net = Perceptron(lambda h: torch.where(torch.arange(16)[:, None] == 9, h / 0, h))
    assert "in row 9 of 16" in failing_step(net, Perceptron.batch()).how


def test_in_a_sequential_the_line_that_builds_the_layer():
    class Stack(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))

        def forward(self, x):
            return self.layers(x)

    net = Stack()
    nn.init.constant_(net.layers[0].weight, 1e30)
    nn.init.constant_(net.layers[1].weight, 1e30)
    found = failing_step(net, torch.ones(16, 4))
    assert (found.stage, found.operation, found.layer) == ("forward", "linear", "layers.1")
    line = int(found.source.rsplit(":", 1)[1])
    from pathlib import Path

    assert "nn.Sequential(nn.Linear(4, 4)" in Path(__file__).read_text().splitlines()[line - 1]


def test_inside_attention():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Embedding(20, 8), nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), nn.Flatten())
    with torch.no_grad():
        net[1].self_attn.in_proj_weight[:8] = 1e30
        net[1].self_attn.in_proj_weight[8:16] = 1e30
    found = failing_step(net, torch.randint(0, 20, (16, 3)), lambda out, y: out.sum())
    assert (found.stage, found.layer) == ("forward", "1.self_attn")
    assert found.operation == "scaled_dot_product_attention"


def test_inside_a_normalisation_that_owns_weights():
    net = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4, eps=0.0), nn.Linear(4, 4))
    nn.init.zeros_(net[0].weight)
    nn.init.zeros_(net[0].bias)
    found = failing_step(net, torch.randn(16, 4))
    assert (found.stage, found.operation, found.layer) == ("forward", "layer_norm", "1")


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.drop, self.head = nn.LSTM(4, 6, 2, dropout=0.2, batch_first=True), nn.Dropout(), nn.Linear(6, 4)

    def forward(self, x):
        return self.head((self.drop(self.cell(x)[0][:, -1]) - 2).log())


def test_behind_a_recurrent_layer():
    found = failing_step(Recurrent(), torch.randn(16, 5, 4))
    assert (found.stage, found.operation, found.layer) == ("forward", "log", "cell")


def test_in_a_normalised_weight():
    net = nn.Sequential(nn.Linear(4, 4), nn.utils.parametrizations.weight_norm(nn.Linear(4, 4)), nn.ReLU(inplace=True))
    with torch.no_grad():
        net[1].parametrizations.weight.original1[2] = 0.0  # a direction of length zero
    found = failing_step(net, torch.randn(16, 4))
    assert (found.stage, found.layer) == ("forward", "1")


def test_inside_a_checkpoint():
    class Saving(Perceptron):
        def forward(self, x):
            return self.last(torch.utils.checkpoint.checkpoint(self.part, x, use_reentrant=False))

        def part(self, x):
            return self.middle(self.first(x))

    found = failing_step(Saving(lambda h: torch.log(h - h.abs() - 1)), Perceptron.batch())
    assert (found.stage, found.operation, found.layer) == ("forward", "log", "first")


def test_in_a_branch_beside_a_residual_path():
    class Residual(Perceptron):
        def forward(self, x):
            h = self.first(x)
            return self.last(h + self.middle(h))

    found = failing_step(Residual(lambda h: torch.sqrt(-h.abs() - 1)), Perceptron.batch())
    assert (found.stage, found.operation, found.layer) == ("forward", "sqrt", "first")


@pytest.mark.parametrize("probability", [0.3, 0.6])
def test_dropout_has_the_same_mask(probability):
    """Only the mask that was drawn makes it fail, in one row that no other mask would give."""
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(4, 4), nn.Dropout(probability), Middle(lambda h: h / (h != 0).sum(1, keepdim=True)))
    nn.init.ones_(net[0].weight)
    nn.init.ones_(net[0].bias)
    x = torch.ones(512, 4)
    kept = keep_forward((x,), {})
    out = net(x)
    bad = (~out.isfinite().all(1)).nonzero().flatten().tolist()
    assert 0 < len(bad) < 512
    torch.rand(100)
    found = find_first_failure(net, FailedStep(step=1, forwards=(kept,)))
    listed = ", ".join(map(str, bad[:8])) + (f" and {len(bad) - 8} more" if len(bad) > 8 else "")
    assert (found.operation, found.stage) == ("div", "forward")
    assert f"in row{'s' * (len(bad) > 1)} {listed} of 512" in found.how


def test_autocast_is_the_same():
    net = Perceptron(lambda h: h * 1e4 * h.new_tensor(10.0))
    nn.init.constant_(net.first.weight, 1.0)
    x = torch.ones(16, 10)
    with torch.autocast("cpu", torch.float16):
        kept = keep_forward((x,), {})
        net(x)
    found = find_first_failure(net, FailedStep(step=1, forwards=(kept,)))
    assert (found.stage, found.operation, found.layer, found.cause) == ("forward", "mul", "first", "inf")
    plain = keep_forward((x,), {})
    assert find_first_failure(net, FailedStep(step=1, forwards=(plain,))).stage == "unknown"


def test_of_several_calls_the_one_that_failed():
    net = Perceptron(lambda h: torch.log(h - h.amin() + (0.1 if h.shape[0] == 16 else -1)))
    kept = tuple(keep_forward((torch.randn(rows, 10),), {}) for rows in (16, 5, 16))
    found = find_first_failure(net, FailedStep(step=1, forwards=kept))
    assert (found.stage, found.operation) == ("forward", "log")
    assert "of 5" in found.how


def test_everything_is_left_as_it_was():
    torch.manual_seed(0)
    net = Convolutional(lambda h: torch.log(-h.abs()))
    net.middle.drop = nn.Dropout()
    x = Convolutional.batch()
    kept = keep_forward((x,), {})
    functional.cross_entropy(net(x), TARGETS).backward()
    gradients = [p.grad for p in net.parameters()]
    copies = [g.clone() for g in gradients]
    state, random = copy.deepcopy(net.state_dict()), torch.get_rng_state()
    hooks = [dict(part._forward_hooks) for part in net.modules()]
    find_first_failure(net, FailedStep(step=1, forwards=(kept,)))
    assert all(p.grad is g for p, g in zip(net.parameters(), gradients, strict=True))
    assert all(torch.equal(a.view(torch.int32), b.view(torch.int32)) for a, b in zip(gradients, copies, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), state.values(), strict=True))
    assert torch.equal(torch.get_rng_state(), random)
    assert [dict(part._forward_hooks) for part in net.modules()] == hooks
    assert not torch.is_autocast_enabled("cpu")


def test_without_the_batch_the_gradients_tell():
    """The gradient overflows between the two layers: what is behind stays finite."""
    net = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4))
    for part, finite in zip(net, (False, False, True), strict=True):
        for parameter in part.parameters():
            parameter.grad = torch.full_like(parameter, 1.0 if finite else math.nan)
    found = find_first_failure(net, FailedStep(step=4, why_not="replay=False", loss=1.0))
    assert (found.stage, found.layer, found.operation) == ("backward", "1", "gradient between `1` and `2`")
    assert found.how == (
        "Told from what the step left behind, not by running it again (replay=False): the gradient of `1` is not "
        "finite, that of `2` behind it is."
    )


def test_without_the_batch_a_broken_loss_is_named():
    net = nn.Linear(2, 1)
    net.weight.grad = torch.full_like(net.weight, math.nan)
    found = find_first_failure(net, FailedStep(step=4, loss=math.nan))
    assert (found.stage, found.layer) == ("loss", "")
    assert "its inputs were not kept" in found.how


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("function", "operation"),
    [
        (lambda h: torch.log(h - h.abs() - 1), "log"),
        (lambda h: torch.sqrt(-h.abs() - 1), "sqrt"),
        (lambda h: torch.exp(200 + h), "exp"),
        (lambda h: h / (h * 0), "div"),
        (lambda h: (h - 3).pow(0.5), "pow"),
    ],
)
def test_without_the_batch_the_graph_of_the_loss_tells(kind, function, operation):
    torch.manual_seed(0)
    net = kind(function)
    found = failing_step(net, kind.batch(), why_not="the network is sharded")
    assert (found.stage, found.operation, found.layer) == ("forward", operation, net.faulty)
    assert found.how == (
        "Told from what the step left behind, not by running it again (the network is sharded): in the graph of the "
        f"loss `{operation}` is the first operation whose result is not finite, after layer `{net.faulty}`."
    )
    assert found.source is None  # the line that builds the layer is not at fault


def test_large_finite_gradients_are_finite():
    """The square of 1e30 is no float32."""
    net = nn.Linear(2, 1)
    net.weight.grad = torch.full_like(net.weight, 1e30)
    assert find_first_failure(net, FailedStep(step=4, loss=1.0)).stage == "unknown"


def test_a_network_that_raises_is_told_from_its_gradients():
    net = Perceptron(torch.relu)
    kept = keep_forward((torch.randn(16, 11),), {})
    for parameter in net.parameters():
        parameter.grad = torch.full_like(parameter, math.nan)
    found = find_first_failure(net, FailedStep(step=1, forwards=(kept,), loss=1.0))
    assert (found.stage, found.layer) == ("backward", "")
    assert "not by running it again (mat1 and mat2 shapes" in found.how


def test_inputs_written_to_are_told():
    net = Perceptron(lambda h: h / 0)
    x = torch.randn(16, 10)
    kept = keep_forward((x,), {})
    x += 1
    assert "had been written to since" in find_first_failure(net, FailedStep(step=1, forwards=(kept,))).how
