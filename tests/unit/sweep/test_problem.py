"""Contracts of what is trained."""

import math

import pytest
import torch

from justfit.errors import ArgumentError
from justfit.sweep import NEVER_HELD_OUT, Layout, Problem, Recipe, Variant, build_module
from justfit.sweep._layout import PADDED_LOGIT


def test_training_and_validation_rows_share_nothing_and_miss_nothing():
    folds = torch.tensor([0, 1, NEVER_HELD_OUT, 0, 1, 1])
    problem = Problem(torch.zeros(6, 1), torch.zeros(6), folds, "regression", 1)
    assert problem.training_rows(0).tolist() == [1, 2, 4, 5]
    assert problem.validation_rows(0).tolist() == [0, 3]
    assert problem.training_rows(-1).tolist() == [0, 1, 2, 3, 4, 5]
    assert problem.validation_rows(-1).tolist() == []


@pytest.mark.parametrize("l2", [-1.0, math.inf, math.nan])
def test_l2_outside_its_contract(l2):
    with pytest.raises(
        ArgumentError,
        match=rf"^`l2` must be finite and at least 0\. Found `l2={l2}`\. It is the λ of λ/\(2n\)·Σw²; 0 means no",
    ):
        Variant(l2=l2, dropout=0.0)


@pytest.mark.parametrize("dropout", [-0.1, 1.0, 1.2, math.nan])
def test_dropout_outside_its_contract(dropout):
    with pytest.raises(
        ArgumentError,
        match=rf"^`dropout` must lie in \[0, 1\)\. Found `dropout={dropout}`\. It is the probability of dropping a "
        r"unit, not of keeping it\.$",
    ):
        Variant(l2=0.0, dropout=dropout)


@pytest.mark.parametrize("init", ["auto", "magic"])
def test_a_scheme_that_measures_or_is_none(init):
    with pytest.raises(
        ArgumentError,
        match=rf"^`init` must be one of zero, normal, xavier, glorot, he, lecun, orthogonal\. Found `init='{init}'`\. "
        r"Networks of a sweep are drawn before they see data; auto measures on a batch\.$",
    ):
        Variant(l2=0.0, dropout=0.0, init=init)


@pytest.mark.parametrize("sizes", [{"epochs": 0}, {"batch_size": 0}, {"hidden": (8, 0)}])
def test_sizes_outside_their_contract(sizes):
    with pytest.raises(
        ArgumentError,
        match=r"^`epochs`, `batch_size` and every hidden width must be at least 1\. Found .*\. Leave them out to have",
    ):
        Recipe(**sizes)


@pytest.mark.parametrize("rate", [0.0, -1.0, math.inf, math.nan])
def test_learning_rate_outside_its_contract(rate):
    with pytest.raises(
        ArgumentError, match=r"^`learning_rate` must be positive and finite\. Found .*\. Adam's usual 1e-3 is a safe"
    ):
        Recipe(learning_rate=rate)


def test_unknown_activation():
    with pytest.raises(
        ArgumentError,
        match=r"^`activation` must be one of relu, tanh, logistic, identity\. Found `activation='swish'`\. ",
    ):
        Recipe(activation="swish")


@pytest.mark.parametrize(("num_outputs", "padded"), [(1, 16), (2, 16), (16, 16), (17, 32)])
@pytest.mark.parametrize("hidden", [(), (5,), (5, 4)])
def test_layout_counts_what_torch_counts(hidden, num_outputs, padded):
    layout = Layout(3, hidden, num_outputs)
    module = build_module(layout, "relu", 0.3, torch.float32)
    assert layout.num_parameters == sum(parameter.numel() for parameter in module.parameters())
    assert layout.padded_outputs == padded
    weights, biases = layout.views(layout.blank(4, torch.float32), 4)
    assert sum(view.numel() for view in (*weights, *biases)) == 4 * layout.num_stored
    expected = PADDED_LOGIT if num_outputs > 1 else 0.0
    assert (biases[-1][..., num_outputs:] == expected).all()
    assert (biases[-1][..., :num_outputs] == 0).all()
    assert all(view.is_contiguous() for view in (*weights, *biases))


def test_building_a_module_draws_nothing():
    torch.manual_seed(0)
    state = torch.get_rng_state()
    build_module(Layout(3, (8,), 2), "tanh", 0.2, torch.float64)
    assert torch.equal(state, torch.get_rng_state())
