"""The tier: never a wrong gradient, never slower than the loop, and the reason in plain words."""

import itertools
import re
import warnings

import pytest
import torch
from torch import nn

from justfit.errors import ArgumentError
from justfit.sweep import Setting, SweepVariant
from justfit.sweep import _probe as probe
from justfit.sweep._elementwise import why_not_elementwise
from justfit.sweep._parity import GRADIENT_TOLERANCE, stacking_errors
from justfit.sweep._probe import NEEDED_SPEEDUP, choose_tier
from justfit.sweep._unreached import unreached_dropouts
from tests.unit.sweep.networks import NETWORKS, ROWS, Noisy, training


def variants(dropouts=(0.0, 0.5), l2=(0.0, 1.0, 10.0), folds=(0, 1, 2)):
    return [
        SweepVariant(setting=Setting(l2=value, dropout=p), fold=fold)
        for value, p, fold in itertools.product(l2, dropouts, folds)
    ]


class Reading(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(10, 3)

    def forward(self, x):
        return self.out(x) * (1.0 + 0.0 * self.out.weight.sum().item())


class Branching(Reading):
    def forward(self, x):
        z = self.out(x)
        return z if z.sum() > 0 else 2 * z


class Same(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient


class WrongInAStack(torch.autograd.Function):
    """A rule for vmap that computes something else."""

    @staticmethod
    def forward(x):
        return x.clone()

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(ctx, gradient):
        return gradient

    @staticmethod
    def vmap(info, in_dims, x):
        return x * 1.001, in_dims[0]


class Custom(Reading):
    def forward(self, x):
        return Same.apply(self.out(x))


class Wrong(Reading):
    def forward(self, x):
        return WrongInAStack.apply(self.out(x))


class Unused(Reading):
    def __init__(self):
        super().__init__()
        self.spare = nn.Linear(3, 3)

    def forward(self, x):
        return self.out(x)


class CountsWhenEvaluated(Reading):
    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        self.calls += 1
        return self.out(x)


def mixed_dtypes():
    module = nn.Sequential(nn.Linear(10, 3), nn.Linear(3, 3))
    module[1].register_parameter("extra", nn.Parameter(torch.zeros(2, dtype=torch.float64)))
    return module


def spectral():
    return nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(10, 3)))


LOOP = {
    "item": (Reading, r"It reads a number out of a tensor \(`\.item\(\)`\), which differs from network to network"),
    "branch": (Branching, r"Its path depends on the data \(an `if` on a tensor\)\."),
    "custom": (Custom, r"It has an autograd\.Function without a rule for vmap\."),
    "spectral norm": (spectral, r"It uses an operation that torch cannot stack\."),
    "wrong rule": (Wrong, r"(Gradients|Losses) are off by .* of their size in a stack\."),
    "unused": (Unused, r"`spare\.bias` gets no gradient from the loss\."),
    "dtypes": (mixed_dtypes, r"Its parameters are of several dtypes\."),
    "buffers": (CountsWhenEvaluated, r"Buffers are off by .* of their size in a stack\."),
}


@pytest.mark.parametrize(("build", "reason"), LOOP.values(), ids=LOOP)
def test_what_cannot_be_stacked_goes_to_the_loop_and_says_why(build, reason):
    choice = choose_tier(training(build), variants())
    assert choice.tier == "loop"
    assert re.search(reason, choice.reason), choice.reason


@pytest.mark.parametrize("build", [Reading, Wrong], ids=["item", "wrong rule"])
def test_asking_for_a_stack_that_is_impossible_or_wrong_is_refused(build):
    with pytest.raises(ArgumentError, match=r'`tier="vectorised"` needs a training that this tier can do\. Found one'):
        choose_tier(training(build), variants(), wanted="vectorised")


def test_asking_for_the_kernels_where_they_do_not_fit_is_refused():
    with pytest.raises(ArgumentError, match=r'`tier="batched"` needs .* Leave `tier` out'):
        choose_tier(training("LayerNorm"), variants(), wanted="batched")


def test_what_is_asked_for_is_taken():
    assert choose_tier(training("LayerNorm"), variants(), wanted="loop").tier == "loop"
    choice = choose_tier(training("LayerNorm"), variants()[:1], wanted="vectorised")
    assert (choice.tier, choice.reason) == ("vectorised", "It was asked for.")
    assert choice.gradient_error <= GRADIENT_TOLERANCE


def test_a_plain_multilayer_perceptron_goes_to_the_kernels():
    build = lambda: nn.Sequential(nn.Linear(10, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 3))  # noqa: E731
    assert choose_tier(training(build, optimizer="adam"), variants()).tier == "batched"


def test_many_networks_are_stacked_and_the_figures_are_given():
    choice = choose_tier(training("LayerNorm"), variants() * 3)
    assert choice.tier == "vectorised"
    assert choice.gradient_error <= GRADIENT_TOLERANCE
    assert choice.seconds_per_step["loop"] > NEEDED_SPEEDUP * choice.seconds_per_step["vectorised"]
    assert choice.reason.startswith("A stack of ")


def test_a_stack_that_is_not_faster_is_not_taken(monkeypatch):
    monkeypatch.setattr(probe, "_seconds_per_step", lambda *_: {"loop": 1.1, "vectorised": 1.0})
    choice = choose_tier(training("LayerNorm"), variants())
    assert (choice.tier, choice.reason) == ("loop", "A stack of 18 networks trains at 1.1 times the loop's speed.")


def test_a_handful_is_not_stacked():
    choice = choose_tier(training("LayerNorm"), variants()[:3])
    assert (choice.tier, choice.reason) == ("loop", "3 networks at a time are too few to stack.")


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_of_a_stack_are_the_loops(name):
    assert max(stacking_errors(training(name), variants()).values()) <= GRADIENT_TOLERANCE


def test_an_optimizer_that_mixes_numbers_goes_to_the_loop():
    some = training("LayerNorm", optimizer=lambda parameters: torch.optim.Adafactor(parameters, lr=1e-2))
    choice = choose_tier(some, variants())
    assert (choice.tier, choice.reason) == ("loop", "The optimizer Adafactor does not treat each number by itself.")


def grouped(parameters):
    parameters = list(parameters)
    groups = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": 0.1},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]])


def test_an_optimizer_that_looks_at_shapes_is_found_out():
    assert why_not_elementwise(grouped, [torch.ones(3, 2), torch.ones(3)]).endswith("each number by itself")
    assert why_not_elementwise(torch.optim.Adam, [torch.ones(3, 2), torch.ones(3)]) is None
    reason = why_not_elementwise(torch.optim.Muon, [torch.ones(3, 2)])
    assert reason.startswith("the optimizer Muon does not take all parameters as one vector (")


def test_an_optimizer_with_a_closure_is_refused():
    with pytest.raises(ArgumentError, match=r"must step from a gradient alone\. Found `LBFGS`"):
        choose_tier(training("LayerNorm", optimizer=torch.optim.LBFGS), variants())


def test_an_optimizer_of_other_parameters_is_refused():
    others = [nn.Parameter(torch.ones(2))]
    with pytest.raises(ArgumentError, match=r"must move the parameters that it is given\. Found `SGD`"):
        choose_tier(training("LayerNorm", optimizer=lambda _: torch.optim.SGD(others, lr=0.1)), variants())


def test_a_loss_that_is_no_mean_is_refused():
    with pytest.raises(ArgumentError, match="must be the mean of the losses of single examples"):
        choose_tier(training("LayerNorm", loss_fn=nn.CrossEntropyLoss(reduction="sum")), variants())


class OwnMask(nn.Module):
    def forward(self, x):
        return x * torch.bernoulli(torch.full_like(x, 0.5)) if self.training else x


@pytest.mark.parametrize("name", sorted(set(NETWORKS) - {"noise"}))
def test_every_dropout_of_torch_is_reached(name):
    assert choose_tier(training(name), variants(), wanted="loop").unreached_dropouts == ()


def test_masks_and_noise_of_ones_own_are_named():
    def own():
        inner = nn.Sequential(OwnMask(), nn.Dropout(0.5))
        return nn.Sequential(nn.Linear(10, 4), inner, nn.Linear(4, 3))

    assert choose_tier(training(own), variants()).unreached_dropouts == ("1.0",)
    assert unreached_dropouts(Noisy, lambda network: network(ROWS)) == ("",)


def test_nothing_of_the_callers_is_changed():
    state, filters, threads = torch.random.get_rng_state(), list(warnings.filters), torch.get_num_threads()
    choose_tier(training("BatchNorm"), variants())
    assert torch.equal(state, torch.random.get_rng_state())
    assert (filters, threads) == (list(warnings.filters), torch.get_num_threads())
