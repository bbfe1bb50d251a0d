"""Where NaN came from when steps are so short that neither batch nor gradient is held."""

import io
import math

import pytest
import torch
from rich.console import Console
from torch import nn
from torch.nn import functional

from justfit import watch
from justfit.watch import _loss_trail
from justfit.watch._activations import NORMS, WEIGHTED
from justfit.watch._broken_weights import was_gradient_finite
from justfit.watch._failure import FailedStep, find_first_failure
from justfit.watch._kept import keep_forward
from justfit.watch._loss_trail import trail_of
from justfit.watch._operations import WITH_WEIGHTS


class Net(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function
        self.first, self.second, self.last = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 1)

    def forward(self, x, bad=False):
        h = self.second(torch.tanh(self.first(x)))
        return self.last(self.function(h) if bad else h)


def root(h):
    return h + torch.sqrt(h * 0)


def log(h):
    return torch.log(h - 1e3)


def train(*, function=root, fails=True, spoil=None, optimizer=None, **options):
    """Five steps as a loop with short ones takes them; the fourth goes wrong."""
    torch.manual_seed(0)
    net = Net(function)
    optimizer = optimizer(net) if optimizer else torch.optim.Adam(net.parameters())
    with watch(net, optimizer, live=False, **options) as run:
        if not options:
            run._save()  # gradients are looked at in sampled steps only
            run._save()  # the batch is not held
        for step in range(1, 6):
            x, y = torch.randn(16, 6), torch.randn(16, 1)
            if step == 4 and spoil is not None:
                spoil(x, y)
            run.log_batch(step, range(100 * step, 100 * step + 16))
            optimizer.zero_grad()
            functional.mse_loss(net(x, bad=fails and step >= 4), y).backward()
            optimizer.step()
            if step <= 3 and not options:
                run._loop.samplers[0].due = False
                run._loop.attend()
    (finding,) = (one for one in run.findings if one.code == "JF402")
    console = Console(file=io.StringIO(), width=1000)
    run.summary(console)
    return run.record.evidence.first_failure, finding, console.file.getvalue()


def test_a_gradient_that_adam_passed_on_is_not_blamed_on_adam():
    found, finding, _ = train()
    assert (found.stage, found.step, found.layer, found.source) == ("backward", 4, "second", None)
    assert found.operation == "gradient between `second` and `last` (perhaps of `sqrt`)"
    assert found.how == (
        "48 of 48 values of `first.weight` are not finite after the update of step 4, whose loss was finite: its "
        "gradient was not, as the optimizer's average of the gradients shows. The last layer with such weights is "
        "`second`; `last` behind it has none. In the graph of the loss the derivative of `sqrt` can be infinite."
    )
    assert "when the step began" not in found.how
    assert finding.cure.startswith("Look for a root")
    assert "`replay=True` and `every=1`" in finding.cure


def test_without_an_average_of_the_gradients_neither_is_named():
    found, finding, _ = train(optimizer=lambda net: torch.optim.SGD(net.parameters(), lr=0.01))
    assert (found.stage, found.step, found.layer) == ("unknown", 4, "second")
    assert found.operation == "gradient (perhaps of `sqrt`) or update"
    assert "SGD" not in finding.evidence + found.how
    assert "stage unknown" in finding.evidence
    assert finding.cure.startswith("Look for a root")


def test_what_the_cure_promises_is_kept():
    found, finding, _ = train(replay=True, every=1)
    assert (found.stage, found.operation, found.layer, found.step) == ("backward", "sqrt", "second", 4)
    assert "every=1" not in finding.cure


def test_an_update_that_breaks_weights_is_still_the_optimizers():
    made = []

    def optimizer(net):
        made.append(torch.optim.Adam(net.parameters()))
        return made[0]

    def spoil(x, y):
        made[0].param_groups[0]["lr"] = math.nan

    found, finding, _ = train(fails=False, spoil=spoil, optimizer=optimizer)
    assert (found.stage, found.operation, found.step) == ("optimizer", "Adam", 4)
    assert "whose gradient was finite: the update made them" in found.how
    assert finding.cure.startswith("Clip the gradient")


def test_the_average_tells_of_the_gradient():
    weight = torch.zeros(2)
    assert was_gradient_finite(weight, {}) is None
    assert was_gradient_finite(weight, {weight: {"exp_avg": torch.tensor([0.0, math.inf])}}) is False
    assert was_gradient_finite(weight, {weight: {"momentum_buffer": torch.ones(2)}}) is True
    assert was_gradient_finite(weight, {weight: {"step": 3}}) is None


def test_weights_read_after_the_update_are_not_said_to_have_been_broken_before():
    net = Net(root)
    with torch.no_grad():
        net.second.weight[0] = math.nan
    found = find_first_failure(net, FailedStep(step=7, weights_intact=False))
    assert (found.stage, found.step, found.weights_intact) == ("unknown", 7, False)
    assert "after the update of step 7" in found.how


def test_an_operation_after_a_layer_is_not_the_layers_line():
    found, finding, text = train(function=log)
    assert (found.stage, found.operation, found.layer, found.source) == ("forward", "log", "second", None)
    assert found.how.endswith("whose result is not finite, after layer `second`.")
    assert finding.source is None
    assert "`log` (forward) after `second` at step 4" in finding.evidence
    assert "after second, operation log" in text


def test_rows_of_the_input_without_the_batch():
    def spoil(x, y):
        x[3, 2] = math.nan

    found, finding, text = train(fails=False, spoil=spoil)
    assert (found.stage, found.operation, found.layer, found.rows) == ("input", "input of first", "", (3,))
    assert "what layer `first` reads is not finite in row 3 of 16, and no layer before it made that" in found.how
    assert finding.cure.startswith("Clean the data")
    assert "example 403;" in finding.evidence
    assert ", example 403, operation" in text


def test_rows_of_the_target():
    def spoil(x, y):
        y[5] = y[7] = math.nan

    found, finding, text = train(fails=False, spoil=spoil)
    assert (found.stage, found.operation, found.rows, found.is_target) == ("loss", "mse_loss", (5, 7), True)
    assert "is not finite in rows 5, 7 of 16" in found.how
    assert finding.cure.startswith("Clean the targets")
    assert "examples 405, 407;" in finding.evidence
    assert ", examples 405, 407, operation" in text


def test_of_a_whole_batch_the_first_examples_are_named():
    _, finding, text = train(function=log)
    assert "examples 400, 401, 402, 403, 404 and 11 more (the batch)" in finding.evidence
    assert "examples 400, 401, 402, 403, 404 and 11 more (the batch)" in text


@pytest.mark.parametrize(
    ("number", "told"), [(-2.0, "from inputs of -2."), ((-3.0, -0.5), "from inputs between -3 and -0.5.")]
)
def test_inputs_keep_their_sign(number, told):
    values = torch.tensor(number).expand(4, 2) if isinstance(number, tuple) else torch.full((4, 2), number)
    kept = keep_forward((values,), {})

    class Log(nn.Module):
        def forward(self, x):
            return torch.log(x)

    assert find_first_failure(Log(), FailedStep(step=1, forwards=(kept,))).how.endswith(told)


def test_statistics_that_the_failing_pass_wrote_are_not_its_cause():
    net = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    x = torch.randn(8, 4)
    x[2] = math.nan
    loss = net(x).sum()
    assert net[1].running_mean.isnan().any()
    failed = FailedStep(step=3, loss=loss.item(), loss_trail=trail_of(loss), previous_loss=1.0)
    found = find_first_failure(net, failed)
    assert (found.stage, found.rows) == ("input", (2,))


def test_a_square_and_a_fixed_divisor_have_no_infinite_derivative():
    h = torch.ones(3, requires_grad=True)
    assert trail_of((h.pow(2) / 2).sum()).candidates == ()
    assert trail_of((h.pow(0.5) / h).sum()).candidates == ("div", "pow")


def test_one_table_of_weighted_operations():
    assert {"mv", "linear", "mkldnn_linear", "cudnn_rnn", "native_layer_norm", "native_batch_norm"} <= WITH_WEIGHTS
    assert len(WITH_WEIGHTS) == len(WEIGHTED | NORMS)
    assert not any(hasattr(_loss_trail, name) for name in ("WEIGHTED", "NORMS"))


def test_a_layer_norm_lies_between_network_and_loss():
    net = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4))
    trail = trail_of(torch.sqrt(net(torch.sqrt(torch.rand(2, 4))).square()).sum())
    assert trail.singular == ("sqrt",)
    inner = nn.LayerNorm(4)(torch.sqrt(nn.Linear(4, 4)(torch.rand(2, 4)).abs())).sum()
    assert trail_of(inner).singular == ()
