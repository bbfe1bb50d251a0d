"""The watch measures what a slow, obvious one measures, and both lead the rules to the same findings."""

import dataclasses

import pytest
import torch

from justfit.rules import judge_watch
from justfit.watch import watch
from tests.patients.watched import FAULTS, base, train
from tests.references.plain_watch import PlainWatch

BY_NAME = {fault.name: fault for fault in FAULTS}
SERIES = ("weight_norm", "gradient_norm", "clipped_gradient_norm", "update_norm")
SICK = [("learning rate /1000", "cnn"), ("dead units", "mlp"), ("gradient clipped to nothing", "rnn")]


def both(recipe):
    """Evidence of the two on the same training, each step sampled."""
    recipe = dataclasses.replace(recipe, num_steps=120)
    plain = train(recipe, PlainWatch).run.evidence()
    watched = train(recipe, lambda module, optimizer: watch(module, optimizer, every=1, live=False)).run.record.evidence
    return plain, watched


@pytest.mark.parametrize("architecture", ["mlp", "cnn", "transformer", "resnet"])
def test_the_numbers_are_the_same(architecture):
    plain, watched = both(base("tune", architecture, 3))
    assert watched.losses.mean == pytest.approx(plain.losses.mean)
    assert watched.optimizers[0].steps == plain.optimizers[0].steps
    layers = {one.name: one for one in watched.layers}
    assert set(layers) == {one.name for one in plain.layers}
    for expected in plain.layers:
        found = layers[expected.name]
        assert (found.num_trainable, found.optimizer) == (expected.num_trainable, expected.optimizer)
        for name in SERIES:
            # float32 sums; an update is the difference of two nearly equal numbers
            tolerance = {"rel": 1e-2, "abs": 1e-5} if name == "update_norm" else {"rel": 1e-4, "abs": 1e-7}
            assert getattr(found, name) == pytest.approx(getattr(expected, name), **tolerance), (found.name, name)


def test_dead_units_are_counted_the_same():
    recipe = BY_NAME["dead units"].plant(base("tune", "mlp", 3))
    plain, watched = both(recipe)
    fractions = [{one.name: one.dead_fraction for one in each.layers if one.dead_fraction} for each in (plain, watched)]
    for name, series in fractions[0].items():
        known = torch.tensor(series)
        if not bool(known.isnan().any()):
            assert fractions[1][name] == pytest.approx(series, abs=1e-6)


@pytest.mark.parametrize(("name", "architecture"), SICK)
def test_the_findings_are_the_same(name, architecture):
    fault = BY_NAME[name]
    plain, watched = both(fault.plant(fault.twin(base("tune", architecture, 3))))
    codes = [
        {finding.code for finding in judge_watch(one)[0] if finding.severity != "info"} for one in (plain, watched)
    ]
    assert codes[0] == codes[1] != set()
