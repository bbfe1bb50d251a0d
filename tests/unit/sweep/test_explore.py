"""The networks of a sweep, opened: every number held against a slow obvious twin on the network itself."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
import torch

from justfit.records import from_json, to_json
from justfit.sweep import Grid, Problem, Program, Recipe, Search, Variant, Wishes, assign_folds, decide, make_plan
from justfit.sweep import _decide as decide_module
from justfit.sweep._explore import MAX_ROWS, NUM_BINS, explore
from tests.unit.sweep.samples import linears, make_problem

L2, DROPOUTS = (0.0, 1.0, 100.0), (0.0, 0.4)
CELLS = list(itertools.product(L2, DROPOUTS))


def train(activation="relu", hidden=(12, 8), problem=None, num_epochs=12):
    problem = problem or make_problem()
    recipe = Recipe(hidden=hidden, activation=activation, epochs=num_epochs, batch_size=16, learning_rate=1e-2)
    search = Search(problem, recipe, Grid(L2, DROPOUTS, 3, 2), seed=0, num_threads=1)
    search.program.advance(num_epochs)
    return search.program


def module_of(program, l2, dropout, *, fold=0, seed=0):
    variant = Variant(l2=l2, dropout=dropout, fold=fold, seed=seed)
    return program.module(program.variants.index(variant))


@pytest.fixture(scope="module")
def program():
    return train()


@pytest.fixture(scope="module")
def explored(program):
    return explore(program, 0.4)


def naive_counts(weights, low, high):
    """Count weights bin by bin, one by one; beyond the ends they count in the first and the last bin."""
    counts = [0] * NUM_BINS
    for weight in weights:
        place = math.floor((weight - low) / (high - low) * NUM_BINS)
        counts[min(max(place, 0), NUM_BINS - 1)] += 1
    return tuple(counts)


def naive_view(module, inputs, low, high):
    weights = [float(w) for layer in linears(module) for w in layer.weight.detach().flatten()]
    values, fractions, num_active, num_pairs = inputs, [], 0, 0
    for layer in module[:-1]:
        values = layer(values).detach()
        if isinstance(layer, torch.nn.ReLU):
            active = sum(float(value) != 0 for row in values for value in row)
            fractions.append(active / values.numel())
            num_active, num_pairs = num_active + active, num_pairs + values.numel()
    outputs = module(inputs).detach().double().numpy()
    design = np.column_stack([inputs.double().numpy(), np.ones(len(inputs))])
    misfit = outputs - design @ np.linalg.lstsq(design, outputs, rcond=None)[0]
    variance = outputs.var(axis=0).sum() * len(inputs) / (len(inputs) - 1)
    r2 = 1 - (misfit**2).sum() / (len(inputs) - design.shape[1]) / variance
    return {
        "weight_sum_squares": math.fsum(w * w for w in weights),
        "weight_counts": naive_counts(weights, low, high),
        "active_fraction": num_active / num_pairs,
        "active_by_layer": tuple(fractions),
        "linearity_r2": max(0.0, r2),
    }


def test_every_number_is_that_of_the_network_itself(program, explored):
    assert [(view.l2, view.dropout) for view in explored.views] == CELLS
    for view in explored.views:
        module = module_of(program, view.l2, view.dropout)
        naive = naive_view(module, program.problem.inputs, explored.weight_low, explored.weight_high)
        assert view.weight_counts == naive.pop("weight_counts")
        for name, value in naive.items():
            assert getattr(view, name) == pytest.approx(value, rel=1e-6, abs=1e-9), name
        assert view.surface == view.likeliest == ()


def test_the_twin_would_notice_another_network(program, explored):
    other = naive_view(
        module_of(program, 0.0, 0.0, fold=1), program.problem.inputs, explored.weight_low, explored.weight_high
    )
    assert explored.views[0].weight_counts != other["weight_counts"]
    assert explored.views[0].weight_sum_squares != pytest.approx(other["weight_sum_squares"], rel=1e-6)
    assert explored.views[0].linearity_r2 != pytest.approx(other["linearity_r2"], rel=1e-6)


def test_histograms_share_ends_and_show_what_l2_does(explored):
    assert explored.weight_low == -explored.weight_high < 0
    assert {len(view.weight_counts) for view in explored.views} == {NUM_BINS}
    assert len({sum(view.weight_counts) for view in explored.views}) == 1
    middle = NUM_BINS // 2
    held = [sum(view.weight_counts[middle - 2 : middle + 3]) for view in explored.views]
    assert held[0] < held[-2] / 2, "λ = 100 gathers the weights around 0"
    assert sum(explored.views[0].weight_counts[k] for k in (0, -1)) < 0.1 * sum(explored.views[0].weight_counts)


def test_one_network_that_nearly_diverged_does_not_spoil_the_histograms_of_the_others(program, explored):
    chunk, place = program._place[program.variants.index(Variant(l2=0.0, dropout=0.0, fold=0, seed=0))]
    weight = program._chunks[chunk].kernel.weights[0][place]
    kept = weight.clone()
    weight.mul_(1e4)
    try:
        spoiled = explore(program, 0.0)
    finally:
        weight.copy_(kept)
    assert spoiled.weight_high <= explored.weight_high
    assert sum(spoiled.views[0].weight_counts[k] for k in (0, -1)) > 0.6 * 12 * 7, "its own weights lie beyond"


@pytest.mark.parametrize("part", ["weights", "biases"])
def test_a_diverged_network_is_left_out_and_without_any_there_is_nothing(program, part):
    places = [program._place[k] for k, v in enumerate(program.variants) if (v.fold, v.seed) == (0, 0)]
    tensors = [getattr(program._chunks[chunk].kernel, part)[0][place] for chunk, place in places]
    kept = [tensor.clone() for tensor in tensors]
    try:
        tensors[1].fill_(torch.inf if part == "weights" else -torch.inf)
        left = [(view.l2, view.dropout) for view in explore(program, 0.4).views]
        assert left == ([cell for cell in CELLS if cell != CELLS[1]] if part == "weights" else CELLS), part
        for tensor in tensors:
            tensor.fill_(torch.nan)
        assert explore(program, 0.4) is None
    finally:
        for tensor, before in zip(tensors, kept, strict=True):
            tensor.copy_(before)


def test_a_linear_network_has_no_hidden_layer_to_open():
    linear = explore(train(hidden=()), 0.4)
    assert linear.thinned == ()
    assert math.isnan(linear.thinned_dropout)
    assert {view.active_by_layer for view in linear.views} == {()}
    assert {(view.active_fraction, view.linearity_r2) for view in linear.views} == {(1.0, 1.0)}


def test_a_long_table_is_looked_at_in_evenly_spaced_rows():
    problem = make_problem(num_rows=MAX_ROWS + 501)
    program = train(problem=problem, num_epochs=1)
    rows = torch.tensor([k * (len(problem.inputs) - 1) // (MAX_ROWS - 1) for k in range(MAX_ROWS)])
    view = explore(program, 0.0).views[0]
    few = torch.relu(linears(module_of(program, 0.0, 0.0))[0](problem.inputs[rows]))
    every = torch.relu(linears(module_of(program, 0.0, 0.0))[0](problem.inputs))
    assert view.active_by_layer[0] == pytest.approx((few > 0).double().mean().item(), abs=2e-4)
    assert view.active_by_layer[0] != (every > 0).double().mean().item()


def test_packing_changes_nothing():
    problem, recipe = make_problem(), Recipe(hidden=(9,), epochs=2, batch_size=16)
    variants = Grid(L2, DROPOUTS, 3, 2).variants(0)
    programs = [Program(problem, recipe, variants, max_chunk_variants=limit) for limit in (None, 5, 1)]
    for program in programs:
        program.advance(2)
    first, *others = [explore(program, 0.4) for program in programs]
    assert all(other == first for other in others)


# --- through the decision ------------------------------------------------------------------------------------------

WISHES = Wishes(hidden=(8,), epochs=4, num_folds=3, num_seeds=1, budget_seconds=0.02)


def decided(problem, wishes=WISHES, **changes):
    plan = make_plan(*problem.inputs.shape, problem.num_outputs, wishes)
    settings = {"fixed_l2": wishes.l2, "seed": 0, "unit": "nats", "num_threads": 1, "deadline": math.inf}
    return decide(problem, plan, **{**settings, **changes})


def test_a_decision_has_all_curves_all_views_and_the_old_path():
    record = decided(make_problem()).record
    cells = set(itertools.product(record.l2, record.dropout))
    assert {(curve.l2, curve.dropout) for curve in record.curves} == cells
    assert len(record.curves) == len(record.explored.views) == len(cells)
    assert (record.curves[0].l2, record.curves[0].dropout) == (0.0, 0.0)
    column = [view for view in record.explored.views if view.dropout == record.chosen_dropout]
    assert [dataclasses.asdict(point) for point in record.path] == [
        {name: getattr(view, name) for name in ("l2", "weight_sum_squares", "active_fraction", "linearity_r2")}
        for view in column
    ]
    assert record.explored.thinned_dropout in record.dropout[1:]
    assert from_json(type(record), to_json(record)) == record


def test_without_dropout_no_mask_is_shown():
    explored = decided(make_problem(), dataclasses.replace(WISHES, dropout=0.0)).record.explored
    assert explored.thinned == ()
    assert math.isnan(explored.thinned_dropout)


def test_an_interrupt_while_opening_keeps_the_decision(monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    whole = decided(make_problem())
    monkeypatch.setattr(decide_module, "explore", interrupt)
    decision = decided(make_problem())
    assert decision.interrupted == "interrupted while judging"
    assert decision.record == dataclasses.replace(whole.record, explored=None, path=())
    assert to_json(decision.verdict) == to_json(whole.verdict)


def test_opening_changes_nothing_else(monkeypatch):
    problem = make_problem()
    opened = decided(problem).record
    monkeypatch.setattr(decide_module, "explore", lambda *args: None)
    assert dataclasses.replace(opened, explored=None, path=()) == decided(problem).record


def test_thousands_of_outputs_are_held_against_the_linear_map_in_parts(monkeypatch):
    from justfit.sweep import _explore

    program = train(num_epochs=1)
    whole = [view.linearity_r2 for view in explore(program, 0.0).views]
    asked = []
    of_each = _explore.linearity_r2_of_each
    monkeypatch.setattr(_explore, "MAX_OUTPUTS", 7)
    monkeypatch.setattr(
        _explore, "linearity_r2_of_each", lambda inputs, outputs: asked.append(len(outputs)) or of_each(inputs, outputs)
    )
    assert [view.linearity_r2 for view in explore(program, 0.0).views] == pytest.approx(whole, rel=1e-12)
    assert asked == [2, 2, 2]


def test_wide_inputs_have_no_linearity():
    generator = torch.Generator().manual_seed(0)
    inputs, targets = torch.randn(30, 40, generator=generator), torch.arange(30) % 2
    program = train(
        problem=Problem(inputs, targets, assign_folds(targets, "classification", 3, 0), "classification", 2)
    )
    assert all(math.isnan(view.linearity_r2) for view in explore(program, 0.0).views)
