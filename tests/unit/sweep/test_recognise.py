"""What the batched tier takes, and the reason it gives for everything else."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from justfit.sweep._recognise import recognise
from justfit.sweep._training import Examples, Setting, SweepVariant, Training

FOLDS = torch.arange(40) % 2
INPUTS = torch.randn(40, 6, generator=torch.Generator().manual_seed(0))
CODES = torch.arange(40) % 3


def plain():
    return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Dropout(0.2), nn.Linear(5, 3))


def training(build=plain, *, inputs=INPUTS, targets=CODES, loss_fn=functional.cross_entropy, **others):
    return Training(build=build, examples=Examples(inputs, targets, FOLDS), loss_fn=loss_fn, **others)


def read(some, **setting):
    return recognise(some, (SweepVariant(setting=Setting(**setting)),))


class Renamed(nn.Sequential):
    """A subclass that changes nothing."""


class Doubled(nn.Sequential):
    """A subclass that computes something else."""

    def forward(self, x):
        return 2 * super().forward(x)


def shared_activation():
    relu = nn.ReLU()
    return nn.Sequential(nn.Linear(6, 5), relu, nn.Linear(5, 5), relu, nn.Linear(5, 3))


def test_what_is_read():
    found = read(training())
    assert (found.layout.num_features, found.layout.hidden, found.layout.num_outputs) == (6, (5,), 3)
    assert (found.activation, found.task, found.layers) == ("relu", "classification", ("0", "3"))
    assert (found.dropped, found.dropout) == ((True,), 0.2)


@pytest.mark.parametrize(
    ("build", "hidden", "activation", "dropped"),
    [
        (lambda: nn.Linear(6, 3), (), "identity", ()),
        (lambda: nn.Sequential(nn.Linear(6, 4), nn.Identity(), nn.Linear(4, 3)), (4,), "identity", (False,)),
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 3)), (4,), "tanh", (False,)),
        (
            lambda: Renamed(
                nn.Sequential(nn.Linear(6, 4), nn.Sigmoid()),
                nn.Sequential(nn.Linear(4, 2), nn.Sigmoid(), nn.Dropout()),
                nn.Linear(2, 3),
            ),
            (4, 2),
            "logistic",
            (False, True),
        ),
        (shared_activation, (5, 5), "relu", (False, False)),
    ],
)
def test_shapes_of_plain_stacks(build, hidden, activation, dropped):
    found = read(training(build))
    assert (found.layout.hidden, found.activation, found.dropped) == (hidden, activation, dropped)


def test_images_behind_a_flatten_and_one_output():
    build = lambda: nn.Sequential(nn.Flatten(), nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 1))  # noqa: E731
    some = training(build, inputs=INPUTS.view(40, 2, 3), targets=INPUTS[:, :1], loss_fn=nn.MSELoss())
    assert read(some).task == "regression"


def one_used_twice():
    layer = nn.Linear(6, 6)
    return nn.Sequential(layer, nn.ReLU(), layer, nn.ReLU(), nn.Linear(6, 3))


def frozen():
    module = plain()
    module[0].weight.requires_grad_(False)
    return module


def hooked():
    module = plain()
    module[1].register_forward_hook(lambda *_: None)
    return module


def with_a_buffer():
    module = plain()
    module.register_buffer("scale", torch.ones(()))
    return module


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (lambda: Doubled(nn.Linear(6, 3)), "it starts with Doubled"),
        (lambda: nn.Sequential(nn.ReLU(), nn.Linear(6, 3)), "it starts with ReLU"),
        (lambda: nn.Sequential(nn.Dropout(), nn.Linear(6, 3)), "it starts with Dropout"),
        (
            lambda: nn.Sequential(nn.Linear(6, 3), nn.Softmax(-1)),
            "1 is a Softmax, which the batched kernels do not have",
        ),
        (lambda: nn.Sequential(nn.Linear(6, 3), nn.ReLU()), "it does not end in a Linear layer"),
        (lambda: nn.Sequential(nn.Linear(6, 4), nn.GELU(), nn.Linear(4, 3)), "1 is a GELU"),
        (lambda: nn.Sequential(nn.Linear(6, 4), nn.LayerNorm(4), nn.Linear(4, 3)), "1 is a LayerNorm"),
        (lambda: nn.Sequential(nn.Linear(6, 4), nn.Dropout(), nn.ReLU(), nn.Linear(4, 3)), "2 is a ReLU"),
        (lambda: nn.Sequential(nn.Linear(6, 4, bias=False), nn.ReLU(), nn.Linear(4, 3)), "0 has no bias"),
        (lambda: nn.Sequential(nn.Linear(5, 3)), "the first layer takes 5 numbers, an example has 6"),
        (lambda: nn.Sequential(nn.Linear(6, 3).double()), r"0 is torch\.float64 on cpu"),
        (
            lambda: nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 3)),
            "its activations differ from layer to layer",
        ),
        (one_used_twice, "a layer is used twice"),
        (frozen, "0 is frozen"),
        (hooked, "1 carries hooks"),
        (with_a_buffer, "the network has tensors of its own"),
        (lambda: nn.Sequential(nn.Linear(6, 2)), r"targets are not class codes in 0 … 1"),
    ],
)
def test_another_network_is_left_to_other_tiers(build, reason):
    found = read(training(build))
    assert isinstance(found, str)
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(found)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"optimizer": "sgd"}, "the optimizer is 'sgd', not 'adam'"),
        ({"optimizer": torch.optim.Adam}, "the optimizer is a Adam, not 'adam'"),
        ({"clip_norm": 1.0}, "gradients are clipped"),
        ({"device": "cuda"}, "it trains on cuda"),
        ({"loss_fn": nn.CrossEntropyLoss(label_smoothing=0.1)}, "the loss is a CrossEntropyLoss, neither plain"),
        ({"loss_fn": nn.CrossEntropyLoss(weight=torch.ones(3))}, "the loss is a CrossEntropyLoss, neither plain"),
        ({"loss_fn": functional.nll_loss}, "the loss is a nll_loss, neither plain"),
        ({"loss_fn": functional.mse_loss}, r"not that of one output and targets of one column \[n, 1\]"),
        ({"examples": Examples((INPUTS,), CODES, FOLDS)}, "the network takes a tuple of tensors"),
        ({"examples": Examples(INPUTS.half(), CODES, FOLDS)}, r"inputs are 2-dimensional torch\.float16"),
        ({"examples": Examples(INPUTS.view(40, 2, 3), CODES, FOLDS)}, "inputs have 3 dimensions and nothing flattens"),
        ({"examples": Examples(INPUTS, (CODES,), FOLDS)}, "targets are a tuple of tensors"),
        ({"examples": Examples(INPUTS, CODES - 100, FOLDS)}, r"targets are not class codes in 0 … 2"),
    ],
)
def test_another_training_is_left_to_other_tiers(change, reason):
    found = read(replace(training(), **change))
    assert isinstance(found, str)
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(found)


def test_rates_that_differ_matter_only_where_they_are_kept():
    some = training(
        lambda: nn.Sequential(
            nn.Linear(6, 5), nn.ReLU(), nn.Dropout(0.1), nn.Linear(5, 5), nn.ReLU(), nn.Dropout(0.5), nn.Linear(5, 3)
        )
    )
    assert read(some) == "its dropout rates differ from layer to layer"
    assert read(some, dropout=0.3).dropped == (True, True)


def test_recognising_leaves_the_random_state_alone():
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    read(training())
    assert torch.equal(before, torch.random.get_rng_state())
