"""The loss that belongs to outputs and targets: each wrong pairing found, its cure exact, the right ones left alone."""

import pytest
import torch
from torch import nn
from torch.nn import functional

import justfit
from justfit.cures import PairedLoss, pair_loss, remove_output_activation_

GENERATOR = torch.Generator().manual_seed(0)
LOGITS = torch.randn(12, 4, generator=GENERATOR)
CLASSES = torch.arange(12) % 4
ONE_HOT = functional.one_hot(CLASSES).float()
LOGIT = torch.randn(12, 1, generator=GENERATOR)
YES = torch.arange(12) % 2
NUMBERS = torch.randn(12, generator=GENERATOR)
PIXELS = torch.randn(6, 3, 5, 5, generator=GENERATOR)
LABELS = torch.randint(0, 3, (6, 5, 5), generator=GENERATOR)
CROSS_ENTROPY = functional.cross_entropy(LOGITS, CLASSES)
BINARY = functional.binary_cross_entropy_with_logits(LOGIT[:, 0], YES.float())
SQUARED = functional.mse_loss(LOGIT[:, 0], NUMBERS)


def by_hand(outputs, targets):
    return ((outputs - targets) ** 2).mean()


# kind, outputs, targets, loss, output activation, what the cured loss must be
FAULTS = {
    "softmax": ("softmax_before_cross_entropy", LOGITS.softmax(1), CLASSES, nn.CrossEntropyLoss(), None, CROSS_ENTROPY),
    "softmax per pixel": (
        *("softmax_before_cross_entropy", PIXELS.softmax(1), LABELS, functional.cross_entropy, None),
        functional.cross_entropy(PIXELS, LABELS),
    ),
    "softmax, soft targets": (
        *("softmax_before_cross_entropy", LOGITS.softmax(1), ONE_HOT, nn.CrossEntropyLoss(), None, CROSS_ENTROPY),
    ),
    "weighted": (
        *("softmax_before_cross_entropy", LOGITS.softmax(1), CLASSES),
        *(nn.CrossEntropyLoss(weight=torch.arange(4) + 1.0, label_smoothing=0.1), None),
        functional.cross_entropy(LOGITS, CLASSES, weight=torch.arange(4) + 1.0, label_smoothing=0.1),
    ),
    "sigmoid": (
        *("sigmoid_before_cross_entropy", LOGITS.sigmoid(), CLASSES, nn.CrossEntropyLoss(), "sigmoid", CROSS_ENTROPY),
    ),
    "nll of logits": ("no_log_softmax_before_nll", LOGITS, CLASSES, nn.NLLLoss(), None, CROSS_ENTROPY),
    "nll of probabilities": (
        *("no_log_softmax_before_nll", LOGITS.softmax(1), CLASSES, functional.nll_loss, None, CROSS_ENTROPY),
    ),
    "float classes": ("targets_of_wrong_dtype", LOGITS, CLASSES.float(), nn.CrossEntropyLoss(), None, CROSS_ENTROPY),
    "int32 classes": ("targets_of_wrong_dtype", LOGITS, CLASSES.int(), nn.CrossEntropyLoss(), None, CROSS_ENTROPY),
    "column of classes": (
        *("targets_of_wrong_shape", LOGITS, CLASSES[:, None], nn.CrossEntropyLoss(), None, CROSS_ENTROPY),
    ),
    "classes from 1": ("targets_not_from_zero", LOGITS, CLASSES + 1, nn.CrossEntropyLoss(), None, CROSS_ENTROPY),
    "one output": ("one_output_for_cross_entropy", LOGIT, YES, nn.CrossEntropyLoss(), None, BINARY),
    "one output, classes 1 and 2": (
        *("one_output_for_cross_entropy", LOGIT, YES + 1, nn.CrossEntropyLoss(), None, BINARY),
    ),
    "bce of logits": ("no_sigmoid_before_bce", LOGIT[:, 0], YES.float(), nn.BCELoss(), None, BINARY),
    "bce of logits, whole numbers": ("no_sigmoid_before_bce", LOGIT, YES, nn.BCELoss(), None, BINARY),
    "bce with logits of a sigmoid": (
        *("sigmoid_before_bce_with_logits", LOGIT[:, 0].sigmoid(), YES.float(), nn.BCEWithLogitsLoss(), "sigmoid"),
        BINARY,
    ),
    "bce, whole numbers": ("targets_of_wrong_dtype", LOGIT[:, 0], YES, nn.BCEWithLogitsLoss(), None, BINARY),
    "bce, column": ("targets_of_wrong_shape", LOGIT, YES.float(), nn.BCEWithLogitsLoss(), None, BINARY),
    "bce, −1 and 1": (
        *("targets_outside_output_range", LOGIT[:, 0], YES * 2.0 - 1, nn.BCEWithLogitsLoss(), None, BINARY),
    ),
    "squared error of classes": ("regression_loss_for_classes", LOGITS, CLASSES, nn.MSELoss(), None, CROSS_ENTROPY),
    "squared error of one-hot": ("regression_loss_for_classes", LOGITS, ONE_HOT, nn.MSELoss(), None, CROSS_ENTROPY),
    "squared error of one-hot, softmax": (
        *("regression_loss_for_classes", LOGITS.softmax(1), ONE_HOT, nn.MSELoss(), None, CROSS_ENTROPY),
    ),
    "absolute error of yes and no": ("regression_loss_for_classes", LOGIT, YES[:, None], nn.L1Loss(), None, BINARY),
    "squared error, column": ("broadcast_in_regression_loss", LOGIT, NUMBERS, nn.MSELoss(), None, SQUARED),
    "squared error by hand": ("broadcast_in_regression_loss", LOGIT, NUMBERS, by_hand, None, SQUARED),
    "squared error, targets as a column": (
        *("broadcast_in_regression_loss", LOGIT[:, 0], NUMBERS[:, None], functional.mse_loss, None, SQUARED),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_each_wrong_pairing_is_found_and_its_cure_is_exact(name):
    kind, outputs, targets, loss_fn, activation, right = FAULTS[name]
    advice = pair_loss(outputs, targets, loss_fn, output_activation=activation)
    assert advice.kind == kind
    assert torch.allclose(advice.loss_fn(outputs, targets), right, atol=1e-5)
    change = advice.change
    assert all((change.before, change.after, change.code, change.why))
    assert (change.kind, change.where) == ("loss", "loss")


@pytest.mark.parametrize("name", FAULTS)
def test_the_cured_can_be_trained_with(name):
    _, outputs, targets, loss_fn, activation, _ = FAULTS[name]
    advice = pair_loss(outputs, targets, loss_fn, output_activation=activation)
    leaf = outputs.clone().requires_grad_()
    advice.loss_fn(leaf, targets).backward()
    assert bool(leaf.grad.isfinite().all())
    assert bool(leaf.grad.any())


@pytest.mark.parametrize("name", ["softmax", "sigmoid", "bce with logits of a sigmoid"])
def test_behind_removal_the_logits_have_their_loss(name):
    _, outputs, targets, loss_fn, activation, right = FAULTS[name]
    advice = pair_loss(outputs, targets, loss_fn, output_activation=activation)
    logits = LOGIT[:, 0] if outputs.dim() == 1 else LOGITS
    assert torch.allclose(advice.logits_loss_fn(logits, targets), right)
    assert pair_loss(logits, targets, advice.logits_loss_fn) is None


@pytest.mark.parametrize(
    ("outputs", "targets", "loss_fn"),
    [
        (LOGITS, CLASSES, nn.CrossEntropyLoss()),
        (LOGITS, CLASSES, functional.cross_entropy),
        (LOGITS, ONE_HOT, nn.CrossEntropyLoss()),
        (LOGITS, CLASSES.where(CLASSES > 0, -100), nn.CrossEntropyLoss()),
        (LOGITS.log_softmax(1), CLASSES, nn.NLLLoss()),
        (LOGITS.log_softmax(1), CLASSES, nn.CrossEntropyLoss()),
        (LOGITS.sigmoid(), CLASSES, nn.CrossEntropyLoss()),  # may be logits: nobody said it is a sigmoid
        (PIXELS, LABELS, nn.CrossEntropyLoss()),
        (LOGIT.sigmoid(), YES[:, None].float(), nn.BCELoss()),
        (LOGIT, YES[:, None].float(), nn.BCEWithLogitsLoss()),
        (LOGIT.sigmoid(), YES[:, None].float(), nn.BCEWithLogitsLoss()),
        (LOGITS, (LOGITS > 0).float(), nn.BCEWithLogitsLoss()),
        (LOGIT, NUMBERS[:, None], nn.MSELoss()),
        (NUMBERS, NUMBERS + 1, nn.HuberLoss()),
        (LOGITS, LOGITS + 1, by_hand),
        (LOGIT, YES[:, None].float(), nn.MSELoss()),
        (LOGITS, CLASSES, lambda outputs, targets: outputs.square().mean()),
        ({"logits": LOGITS}, CLASSES, lambda outputs, targets: outputs["logits"].mean()),
        (LOGIT, NUMBERS, lambda outputs, targets: functional.mse_loss(outputs.squeeze(1), targets)),
    ],
)
def test_right_pairings_are_left_alone(outputs, targets, loss_fn):
    random = torch.get_rng_state()
    assert pair_loss(outputs, targets, loss_fn) is None
    assert torch.equal(torch.get_rng_state(), random)


def test_targets_beyond_the_output_are_reached_by_the_network_alone():
    advice = pair_loss(LOGIT.tanh(), NUMBERS[:, None] * 5, nn.MSELoss(), output_activation="tanh")
    assert (advice.kind, advice.loss_fn) == ("targets_outside_output_range", None)
    assert isinstance(advice.logits_loss_fn, nn.MSELoss)
    assert advice.change.after == "the same loss on outputs without tanh"
    assert pair_loss(LOGIT.tanh(), NUMBERS[:, None].clamp(-1, 1), nn.MSELoss(), output_activation="tanh") is None
    three = pair_loss(LOGIT, CLASSES, nn.CrossEntropyLoss())
    assert (three.kind, three.loss_fn, three.change.after) == (
        "one_output_for_cross_entropy", None, "one output per class: 4",
    )  # fmt: skip


def test_loss_per_example_goes_through():
    paired = pair_loss(LOGITS.softmax(1), CLASSES, nn.CrossEntropyLoss()).loss_fn
    assert paired.reduction == "mean"
    paired.reduction = "none"
    losses = paired(LOGITS.softmax(1), CLASSES)
    assert torch.allclose(losses, functional.cross_entropy(LOGITS, CLASSES, reduction="none"), atol=1e-5)
    assert PairedLoss(by_hand).reduction == ""


def test_the_finding_is_gone():
    """JF502 on a network: with the paired loss on the output as it is, and on the logits once softmax is out."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4), nn.Softmax(dim=1))
    x = torch.randn(12, 8)

    def codes(loss_fn):
        return {finding.code for finding in justfit.check(network, x, targets=CLASSES, loss_fn=loss_fn).findings}

    assert "JF502" in codes(nn.CrossEntropyLoss())
    advice = pair_loss(network(x), CLASSES, nn.CrossEntropyLoss())
    remove_output_activation_(network)
    assert "JF502" not in codes(advice.logits_loss_fn)
