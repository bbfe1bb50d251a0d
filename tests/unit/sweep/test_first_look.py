"""What is seen of a network, and refused, before anything is trained."""

import pytest
import torch
from torch import nn

from justfit.errors import ArgumentError, VariantError
from justfit.sweep import Examples, Training
from justfit.sweep._first_look import first_look
from tests.unit.sweep.modules import build, build_plain, make_data


def look(make, loss_fn=None, task="classification"):
    inputs, targets = make_data(task=task)
    examples = Examples(inputs, targets, torch.arange(len(targets)) % 2)
    return first_look(Training(build=make, examples=examples, loss_fn=loss_fn or nn.CrossEntropyLoss()), 0)


def test_dropout_is_seen_where_it_reaches_the_outputs():
    assert look(build).has_dropout
    assert look(lambda: nn.Sequential(nn.Linear(6, 4), nn.Dropout(0.0), nn.Linear(4, 2))).has_dropout
    assert not look(build_plain, nn.MSELoss(), "regression").has_dropout


def test_size_and_name():
    seen = look(build)
    assert (seen.name, seen.num_parameters) == ("Sequential", 6 * 8 + 8 + 8 * 2 + 2)
    assert seen.variant_bytes == 4 * 4 * seen.num_parameters


def test_the_random_state_is_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    look(build)
    assert torch.equal(torch.rand(3), expected)


SHARED = build()


@pytest.mark.parametrize(
    ("make", "loss_fn", "message"),
    [
        (
            lambda: "net",
            None,
            r"`build\(\)` must return a torch\.nn\.Module\. Found an object of type str\. Give a function",
        ),
        (
            lambda: SHARED,
            None,
            r"`build\(\)` must make a new network at each call\. Found the same object twice\. Build it",
        ),
        (
            lambda: nn.Linear(6, 2).requires_grad_(False),
            None,
            r"The network must have parameters to train\. Found `Linear`",
        ),
        (
            build,
            nn.CrossEntropyLoss(reduction="none"),
            r"must return one number, the mean over a batch\. Found shape \(30,\)",
        ),
        (build, lambda outputs, targets: 1.0, r"must return one number, the mean over a batch\. Found float\. Average"),
    ],
)
def test_what_cannot_be_swept_is_refused(make, loss_fn, message):
    with pytest.raises(ArgumentError, match=message):
        look(make, loss_fn)


def fail():
    raise KeyError("hidden")


@pytest.mark.parametrize(
    ("make", "loss_fn", "found"),
    [
        (lambda: nn.Linear(5, 2), None, "RuntimeError: mat1 and mat2 shapes cannot be multiplied"),
        (build, lambda outputs, targets: outputs[:, 2].mean(), "IndexError: index 2 is out of bounds"),
        (fail, None, "KeyError: 'hidden'"),
    ],
)
def test_code_that_fails_is_named(make, loss_fn, found):
    message = rf"the network, `loss_fn` and the optimizer must run on the examples\. Found `{found}.*`.* while training"
    with pytest.raises(VariantError, match=message):
        look(make, loss_fn)


def test_examples_are_brought_to_the_device(monkeypatch):
    moves = []
    monkeypatch.setattr("justfit.sweep._first_look.moved", lambda tree, device: (moves.append(device), tree)[1])
    look(build)
    assert moves == ["cpu", "cpu"], "inputs and targets"
