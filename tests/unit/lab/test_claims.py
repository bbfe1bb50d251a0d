"""Every claim on the quick settings, and every claim again with a formula of the product broken."""

import math
import random
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import justfit
from justfit import cures, maths
from justfit.cli import app
from justfit.lab import run_lab
from justfit.lab._claims import EXPERIMENTS
from justfit.lab._texts import TEXTS
from justfit.records import to_json

MARKS = {
    **dict.fromkeys(EXPERIMENTS, "confirmed"),
    **dict.fromkeys(("C3", "C6"), "confirmed with a condition"),
    **dict.fromkeys(("C7", "C14", "C16"), "refined"),
}


@pytest.fixture(scope="module")
def record():
    return run_lab(quick=True)


@pytest.mark.parametrize("id_", EXPERIMENTS)
def test_the_claim_holds_with_its_numbers_in_range(record, id_):
    claim = next(claim for claim in record.claims if claim.id == id_)
    outside = [m for m in claim.measurements if m.part == "exact" and not m.holds]
    assert not outside
    assert claim.mark == MARKS[id_]
    assert bool(claim.remark) == (claim.mark != "confirmed")
    assert all(math.isfinite(m.value) for m in claim.measurements)
    assert all(m.low == m.low or m.high == m.high for m in claim.measurements), "a range without an end is none"
    assert all(m.source for m in claim.measurements)
    figure = claim.figure
    assert figure.plots or figure.surfaces or figure.wirings
    assert figure.title
    assert figure.caption


def test_the_record_knows_how_it_was_made(record):
    assert [claim.id for claim in record.claims] == [f"C{number}" for number in range(1, 18)]
    assert record.refuted == ()
    assert record.quick
    assert record.interrupted == ""
    assert {"justfit", "torch", "python"} <= set(record.versions)
    assert record.seconds >= sum(claim.seconds for claim in record.claims)


def test_the_same_seed_gives_the_same_numbers_alone_or_among_others(record):
    ids = ("C17", "C6", "C9", "C10", "C11", "C13", "C14")
    alone = run_lab(quick=True, claims=ids)
    for claim in alone.claims:
        twin = next(other for other in record.claims if other.id == claim.id)
        assert to_json(replace(claim, seconds=0.0)) == to_json(replace(twin, seconds=0.0))


def test_another_seed_gives_other_numbers(record):
    other = run_lab(quick=True, seed=1, claims=("C9", "C17"))
    for claim in other.claims:
        twin = next(each for each in record.claims if each.id == claim.id)
        assert claim.mark == "confirmed"
        assert claim.measurements != twin.measurements


# --- broken formulas -----------------------------------------------------------------------------------------------

LINEARITY = maths.linearity_r2
PENALTY, GAIN, STD, DRAW = maths.l2_penalty, maths.gain, cures._initialization.scheme_std, cures._initialization.draw


class Unscaled(cures.Dropout):
    def forward(self, activations):
        return (
            super().forward(activations) * (1 - self.p if isinstance(self.p, float) else 1)
            if self.training
            else activations
        )


class Keeping(cures.Dropout):
    def __init__(self, p=0.5):
        super().__init__(1 - p if isinstance(p, float) else [1 - q for q in p])


class OneMask(cures.Dropout):
    def forward(self, activations):
        return activations * super().forward(torch.ones_like(activations[:1]))


class AlwaysOn(cures.Dropout):
    def forward(self, activations):
        self.training = True
        return super().forward(activations)


class ScaledAtTest(cures.Dropout):
    def forward(self, activations):
        return super().forward(activations) if self.training else activations * (1 - self.p)


class Leaking(cures.Dropout):
    def forward(self, activations):
        thinned = super().forward(activations)
        return thinned + 1e-3 * (activations - activations.detach())


def torchs_gain(nonlinearity):
    return 5 / 3 if isinstance(nonlinearity, nn.Tanh) else GAIN(nonlinearity)


def printed_root(scheme, layer, gain, normal_std):
    std = STD(scheme, layer, gain, normal_std)
    return std**0.5 if scheme == "xavier" else std


def noisy_zeros(scheme, weight, *rest):
    return torch.randn(weight.shape) * 1e-3 if scheme == "zero" else DRAW(scheme, weight, *rest)


def shifted_power(inputs, factor, depth, last=None):
    return inputs * factor**depth


def wrong_gradient(inputs, outputs, factor, layer_and_depth):
    return factor ** (layer_and_depth[1] - 1) * outputs.T @ inputs


BROKEN = {
    "C5 twice the penalty": ("C5", maths, "l2_penalty", lambda *a, **k: 2 * PENALTY(*a, **k)),
    "C5 biases counted": ("C5", maths, "l2_penalty", lambda *a: PENALTY(*a, include_biases=True)),
    "C5 n of a batch": ("C5", maths, "l2_penalty", lambda m, l2, n: PENALTY(m, l2, 32)),
    "C6 no half": ("C6", maths, "l2_penalty", lambda *a, **k: 2 * PENALTY(*a, **k)),
    "C6 root of the sum": ("C6", maths, "sum_squares", lambda m: sum(p.square().sum() for p in m.parameters()).sqrt()),
    "C7 linearity upside down": ("C7", maths, "linearity_r2", lambda x, y: 1 - LINEARITY(x, y)),
    "C9 no scaling": ("C9", cures, "Dropout", Unscaled),
    "C9 p of keeping": ("C9", cures, "Dropout", Keeping),
    "C9 one mask a batch": ("C9", cures, "Dropout", OneMask),
    "C10 dropout at test time": ("C10", cures, "Dropout", AlwaysOn),
    "C10 scaled at test time": ("C10", cures, "Dropout", ScaledAtTest),
    "C11 no scaling": ("C11", cures, "Dropout", Unscaled),
    "C11 a gradient leaks": ("C11", cures, "Dropout", Leaking),
    "C12 one power too many": ("C12", maths, "scaled_identity_output", shifted_power),
    "C12 gradient": ("C12", maths, "scaled_identity_gradient", wrong_gradient),
    "C12 base 2": ("C12", maths, "e_folding_depth", lambda factor: 1 / abs(math.log2(factor))),
    "C12 singular values": (
        "C12",
        maths,
        "chain_log_singular_values",
        lambda w: w[0].logdet() / 8 * len(w) * torch.ones(8),
    ),
    "C13 no gain": ("C13", cures._initialization_layers, "gain", lambda nonlinearity: 1.0),
    "C13 base 2": ("C13", maths, "e_folding_depth", lambda factor: 1 / abs(math.log2(factor))),
    "C14 zeros are not zero": ("C14", cures._initialization, "draw", noisy_zeros),
    "C15 torch's gain of tanh": ("C15", maths, "gain", torchs_gain),
    "C16 variance √(1/n)": ("C16", cures._initialization, "scheme_std", printed_root),
    "C17 no gain": ("C17", cures._initialization_layers, "gain", lambda nonlinearity: 1.0),
    "C17 fan_out": ("C17", cures._initialization_draw, "fans", lambda layer: maths.fans(layer)[::-1]),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_formula_turns_its_claim_red(monkeypatch, case):
    id_, place, name, broken = BROKEN[case]
    monkeypatch.setattr(place, name, broken)
    (claim,) = run_lab(quick=True, claims=(id_,)).claims
    assert claim.mark == "refuted"
    assert claim.title.startswith("Not confirmed here")
    assert "Outside the range in which it must lie" in claim.remark


def test_a_penalty_without_effect_turns_the_claims_of_the_path_red(monkeypatch):
    monkeypatch.setattr(
        "justfit.lab._workbench.l2_values", lambda largest, number: tuple(k * 1e-9 for k in range(number))
    )
    found = run_lab(quick=True, claims=("C2", "C4", "C7", "C8"))
    assert found.refuted == ("C2", "C4", "C7", "C8")


@pytest.mark.parametrize(("id_", "module"), [("C1", "_memorising"), ("C3", "_capacity")])
def test_a_validation_on_training_rows_turns_the_claim_red(monkeypatch, id_, module):
    monkeypatch.setattr(f"justfit.lab.{module}.validation_losses", np_train_losses)
    assert run_lab(quick=True, claims=(id_,)).refuted == (id_,)


def test_a_table_on_which_a_claim_need_not_hold_is_told_kindly(tmp_path):
    draw = random.Random(0)  # noqa: S311  # examples, not secrets
    rows = (f"{draw.gauss(6 * (row % 2), 1)},{draw.gauss(0, 1)},{row % 2}" for row in range(200))
    (tmp_path / "plain.csv").write_text("\n".join(["a,b,class", *rows]))
    found = run_lab(str(tmp_path / "plain.csv"), target="class", quick=True, claims=("C1", "C14"))
    assert found.refuted == ("C1",)  # and not C14, although the loss of a constant has no error where classes are even
    assert found.claims[0].remark == (
        "Outside the range in which it must lie: generalization gap after 200 epochs. Where the rows are many, or "
        "so plain that nobody could mistake them, there is little to overfit: good news about the table, not a fault "
        "of it."
    )


def np_train_losses(program, num_settings, num_seeds):
    from justfit.lab._workbench import train_losses

    return np.array(train_losses(program, num_settings, num_seeds))


# --- what the reader is told to try --------------------------------------------------------------------------------


@pytest.mark.parametrize("id_", TEXTS)
def test_what_is_to_be_tried_exists(id_):
    words = TEXTS[id_].try_it
    commands = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert set(re.findall(r"justfit\.([a-zA-Z_]\w*)", words)) <= set(justfit.__all__)
    assert set(re.findall(r"\bjustfit (\w+)", words)) <= commands
    assert "justfit" in words
