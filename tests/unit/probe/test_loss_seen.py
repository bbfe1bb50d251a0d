"""The loss that was run, what an uninformed guess would cost, and pairings that train on something else."""

import math

import pytest
import torch
from torch import nn

from justfit.errors import ArgumentError
from justfit.probe import read_signals

X = torch.randn(32, 10, generator=torch.Generator().manual_seed(0))
CLASSES = torch.arange(32) % 4
NUMBERS = torch.randn(32, 1, generator=torch.Generator().manual_seed(1))


def net(*tail, out=4):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, out), *tail)


def loss_of(module, targets, loss_fn=None):
    return read_signals(module, X, targets=targets, loss_fn=loss_fn).loss


def test_class_numbers_mean_cross_entropy():
    loss = loss_of(net(), CLASSES)
    assert (loss.name, loss.num_classes, loss.expected_words) == ("cross_entropy", 4, "ln 4")
    assert loss.value == pytest.approx(nn.functional.cross_entropy(net()(X), CLASSES).item())
    assert loss.faults == ()


def test_numbers_mean_squared_error():
    loss = loss_of(net(out=1), NUMBERS)
    assert loss.name == "mse_loss"
    assert loss.expected == pytest.approx(float(NUMBERS.var()))
    assert loss.faults == ()


def test_language_models_put_classes_last():
    module = nn.Sequential(nn.Embedding(20, 8), nn.Linear(8, 20))
    ids = torch.randint(0, 20, (8, 6))
    assert read_signals(module, ids, targets=ids).loss.num_classes == 20


@pytest.mark.parametrize(
    ("tail", "out", "targets", "loss_fn", "fault"),
    [
        ((nn.Softmax(1),), 4, CLASSES, nn.CrossEntropyLoss(), "softmax_before_cross_entropy"),
        ((nn.LogSoftmax(1),), 4, CLASSES, nn.CrossEntropyLoss(), "log_softmax_before_cross_entropy"),
        ((nn.Sigmoid(),), 1, (NUMBERS > 0).float(), nn.BCEWithLogitsLoss(), "sigmoid_before_bce_with_logits"),
        ((), 4, CLASSES, nn.NLLLoss(), "no_log_softmax_before_nll"),
        ((), 1, NUMBERS[:, 0], nn.MSELoss(), "broadcast_in_regression_loss"),
        ((), 1, NUMBERS[:, 0], lambda out, y: ((out - y) ** 2).mean(), "broadcast_in_regression_loss"),
        ((nn.Sigmoid(),), 1, 5 + NUMBERS, nn.MSELoss(), "targets_outside_output_range"),
        ((nn.Tanh(),), 1, 5 + NUMBERS, nn.L1Loss(), "targets_outside_output_range"),
        ((nn.ReLU(),), 1, NUMBERS, nn.MSELoss(), "targets_outside_output_range"),
        ((), 1, torch.zeros(32, dtype=torch.long), nn.CrossEntropyLoss(), "one_output_for_cross_entropy"),
    ],
)
@pytest.mark.filterwarnings("ignore:Using a target size")
def test_wrong_pairings(tail, out, targets, loss_fn, fault):
    assert fault in [found.kind for found in loss_of(net(*tail, out=out), targets, loss_fn).faults]


def test_no_sigmoid_before_binary_cross_entropy():
    module = net(out=1)
    with torch.no_grad():  # inside (0, 1) by luck: otherwise torch itself refuses
        module[2].weight.mul_(0.01)
        module[2].bias.fill_(0.5)
    faults = loss_of(module, (NUMBERS > 0).float(), nn.BCELoss()).faults
    assert [found.kind for found in faults] == ["no_sigmoid_before_bce"]


@pytest.mark.parametrize(
    ("tail", "out", "targets", "loss_fn"),
    [
        ((), 4, CLASSES, nn.CrossEntropyLoss()),
        ((), 4, CLASSES, nn.CrossEntropyLoss(label_smoothing=0.1)),
        ((nn.LogSoftmax(1),), 4, CLASSES, nn.NLLLoss()),
        ((nn.Sigmoid(),), 1, (NUMBERS > 0).float(), nn.BCELoss()),
        ((), 1, (NUMBERS > 0).float(), nn.BCEWithLogitsLoss()),
        ((), 1, NUMBERS, nn.MSELoss()),
        ((), 1, NUMBERS, nn.SmoothL1Loss()),
        ((nn.Flatten(0),), 1, NUMBERS[:, 0], nn.MSELoss()),
        ((nn.Tanh(),), 1, NUMBERS.tanh(), nn.MSELoss()),
        ((nn.Sigmoid(),), 1, NUMBERS.sigmoid(), nn.MSELoss()),
        ((), 1, NUMBERS, lambda out, y: ((out - y) ** 2).mean()),
    ],
)
def test_right_pairings(tail, out, targets, loss_fn):
    assert loss_of(net(*tail, out=out), targets, loss_fn).faults == ()


def test_a_loss_of_the_output_alone():
    loss = loss_of(net(), None, lambda out: out.square().mean())
    assert loss.value == pytest.approx(net()(X).square().mean().item())


@pytest.mark.parametrize(
    ("targets", "loss_fn", "message"),
    [
        (CLASSES.view(4, 8), None, "targets must be class numbers"),
        (CLASSES, lambda out, y: 1.0, "must be a floating-point tensor"),
        (CLASSES, lambda out, y: out.detach().mean(), "must depend on the parameters"),
    ],
)
def test_losses_that_cannot_be_used(targets, loss_fn, message):
    with pytest.raises(ArgumentError, match=message):
        loss_of(net(), targets, loss_fn)


def test_targets_need_a_loss_where_the_output_is_no_tensor():
    class Two(nn.Linear):
        def forward(self, x):
            return super().forward(x), x

    with pytest.raises(ArgumentError, match="a loss must be given where the output is not one tensor"):
        loss_of(Two(10, 4), CLASSES)


def test_a_loss_that_is_not_reduced_is_averaged():
    loss = loss_of(net(), CLASSES, nn.CrossEntropyLoss(reduction="none"))
    assert math.isfinite(loss.value)
