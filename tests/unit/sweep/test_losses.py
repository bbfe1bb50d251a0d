"""One loss per example, whose mean is the loss of the batch; anything else is refused."""

import functools

import pytest
import torch
from torch import nn
from torch.func import vmap
from torch.nn import functional

from justfit.errors import ArgumentError
from justfit.sweep import Examples, Training
from justfit.sweep._loss_check import check_mean
from justfit.sweep._losses import _without_reduction, example_losses

B, C, T = 7, 4, 5
GENERATOR = torch.Generator().manual_seed(0)
LOGITS = torch.randn(B, C, generator=GENERATOR)
CODES = torch.randint(C, (B,), generator=GENERATOR)
SEQUENCE = torch.randn(B, C, T, generator=GENERATOR)
TOKENS = torch.randint(C, (B, T), generator=GENERATOR)
TOKENS[0, :3] = -100
OTHER = torch.rand(B, C, generator=GENERATOR)
WEIGHT = torch.tensor([1.0, 2.0, 0.5, 4.0])

TORCH = {
    "cross entropy": (nn.CrossEntropyLoss(), LOGITS, CODES),
    "class weights": (nn.CrossEntropyLoss(weight=WEIGHT), LOGITS, CODES),
    "ignored class": (nn.CrossEntropyLoss(ignore_index=1), LOGITS, CODES),
    "all at once": (nn.CrossEntropyLoss(weight=WEIGHT, ignore_index=2, label_smoothing=0.1), LOGITS, CODES),
    "sequences": (nn.CrossEntropyLoss(weight=WEIGHT), SEQUENCE, TOKENS),
    "probabilities": (nn.CrossEntropyLoss(weight=WEIGHT), LOGITS, OTHER.softmax(1)),
    "nll": (nn.NLLLoss(weight=WEIGHT), LOGITS.log_softmax(1), CODES),
    "mse": (nn.MSELoss(), LOGITS, OTHER),
    "huber": (nn.HuberLoss(), LOGITS, OTHER),
    "bce": (nn.BCEWithLogitsLoss(pos_weight=WEIGHT), LOGITS, OTHER.round()),
    "kl": (nn.KLDivLoss(reduction="batchmean"), LOGITS.log_softmax(1), OTHER.softmax(1)),
    "kl mean": (nn.KLDivLoss(), LOGITS.log_softmax(1), OTHER.softmax(1)),
    "multi-margin": (nn.MultiMarginLoss(weight=WEIGHT), LOGITS, CODES),
    "F.cross_entropy": (functional.cross_entropy, LOGITS, CODES),
    "F.cross_entropy, weights": (functools.partial(functional.cross_entropy, weight=WEIGHT), LOGITS, CODES),
    "F.nll_loss": (functional.nll_loss, SEQUENCE.log_softmax(1), TOKENS),
    "F.l1_loss": (functional.l1_loss, LOGITS, OTHER),
}


class Subclass(nn.MSELoss):
    def forward(self, outputs, targets):
        return super().forward(outputs, targets) + outputs.abs().mean()


OWN = {
    "function": (lambda o, t: ((o - t) ** 2).mean(), LOGITS, OTHER),
    "subclass": (Subclass(), LOGITS, OTHER),
    "branch": (lambda o, t: (o - t).abs().mean() if o.sum() > 0 else (t - o).abs().mean(), LOGITS, OTHER),
    "several outputs": (lambda o, t: functional.cross_entropy(o[0], t) + o[1].square().mean(), (LOGITS, OTHER), CODES),
    "named": (lambda o, t: functional.mse_loss(o["a"], t["b"]), {"a": LOGITS}, {"b": OTHER}),
}


@pytest.mark.parametrize(("loss_fn", "outputs", "targets"), [*TORCH.values(), *OWN.values()], ids=[*TORCH, *OWN])
def test_the_mean_of_the_examples_is_the_loss_of_the_batch(loss_fn, outputs, targets):
    before = dict(vars(loss_fn)) if isinstance(loss_fn, nn.Module) else {}
    losses = example_losses(loss_fn, outputs, targets, B)
    assert losses.shape == (B,)
    torch.testing.assert_close(losses.mean(), loss_fn(outputs, targets))
    assert losses.std() > 0
    assert before == (dict(vars(loss_fn)) if isinstance(loss_fn, nn.Module) else {})


@pytest.mark.parametrize("name", ["cross entropy", "mse", "F.l1_loss", "function"])
def test_each_is_the_loss_of_its_example(name):
    loss_fn, outputs, targets = (TORCH | OWN)[name]
    losses = example_losses(loss_fn, outputs, targets, B)
    for row in range(B):
        torch.testing.assert_close(losses[row], loss_fn(outputs[row : row + 1], targets[row : row + 1]))


@pytest.mark.parametrize(("loss_fn", "outputs", "targets"), TORCH.values(), ids=TORCH)
def test_torchs_own_are_fast_and_can_be_stacked(loss_fn, outputs, targets):
    assert _without_reduction(loss_fn) is not None
    stacked = vmap(lambda o: example_losses(loss_fn, o, targets, B))(torch.stack([outputs, outputs + 1]))
    torch.testing.assert_close(stacked[0], example_losses(loss_fn, outputs, targets, B))


def checked(loss_fn, targets=OTHER, width=C):
    inputs = torch.randn(B, 3, generator=GENERATOR)
    training = Training(
        build=lambda: nn.Linear(3, width),
        examples=Examples(inputs, targets, torch.zeros(B, dtype=torch.int64) - 2),
        loss_fn=loss_fn,
    )
    check_mean(training, training.build())


@pytest.mark.parametrize("name", ["class weights", "ignored class", "cross entropy", "function", "branch"])
def test_a_mean_passes(name):
    loss_fn, _, targets = (TORCH | OWN)[name]
    checked(loss_fn, targets)


def contrastive(outputs, targets):
    return functional.cross_entropy(outputs @ targets.T, torch.arange(len(outputs)))


def test_a_loss_that_compares_examples_is_refused():
    with pytest.raises(ArgumentError, match=r"must be the mean of the losses of single examples\. Found .* on average"):
        checked(contrastive)


def test_a_sum_is_refused_and_named():
    with pytest.raises(ArgumentError, match=r"for 7 examples whose own losses sum to that \(.* on average\)"):
        checked(nn.MSELoss(reduction="sum"))


def test_shapes_that_broadcast_are_refused():
    with pytest.raises(ArgumentError, match=r"outputs \(7, 1\) and targets \(7,\), which are broadcast"):
        checked(nn.MSELoss(), OTHER[:, 0], width=1)
    with pytest.raises(ArgumentError, match=r"outputs \(7, 1\) and targets \(7,\), which are broadcast"):
        checked(lambda o, t: ((o - t) ** 2).mean(), OTHER[:, 0], width=1)


def test_a_loss_that_needs_a_batch_is_refused():
    def correlation(outputs, targets):
        if len(outputs) < 2:
            raise ValueError("needs two")
        return -torch.corrcoef(torch.stack([outputs.flatten(), targets.flatten()]))[0, 1]

    with pytest.raises(ArgumentError, match=r"cannot be taken of a single example \(needs two\)"):
        checked(correlation)
