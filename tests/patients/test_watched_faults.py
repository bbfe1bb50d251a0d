"""Planted faults are found while the same network trains healthily beside them, and healthy loops raise no alarm.

A quick part of `benchmarks/watch_faults.py`, whose results tell of the whole.
"""

import pytest

from justfit.watch import watch
from tests.patients.watched import ARCHITECTURES, FAULTS, HEALTHY, SPECIAL, base, train

# fault, architecture, a code that must be among the findings
PLANTED = [
    ("learning rate x100", "mlp", "JF402"),
    ("learning rate x100", "cnn", "JF413"),
    ("learning rate /1000", "mlp", "JF407"),
    ("learning rate /1000", "cnn", "JF414"),
    ("learning rate /100", "resnet", "JF414"),
    ("weights x12", "cnn", "JF404"),
    ("weights zero", "mlp", "JF415"),
    ("deep sigmoid", "mlp", "JF403"),
    ("dead units", "cnn", "JF405"),
    ("saturated tanh", "mlp", "JF406"),
    ("NaN from log", "mlp", "JF402"),
    ("infinity from division", "rnn", "JF402"),
    ("labels shuffled", "mlp", "JF410"),
    ("labels shuffled", "transformer", "JF409"),
    ("forgotten zero_grad", "rnn", "JF412"),
    ("frozen by mistake", "mlp", "JF415"),
    ("frozen by mistake", "transformer", "JF415"),
    ("sign of the loss", "cnn", "JF412"),
    ("momentum 0.999", "mlp", "JF412"),
    ("weight decay far too large", "mlp", "JF409"),
    ("50 rows", "mlp", "JF105"),
    ("gradient clipped to nothing", "mlp", "JF407"),
]
BY_NAME = {fault.name: fault for fault in FAULTS}


def observe(module, optimizer):
    return watch(module, optimizer, live=False)


def alarms(run):
    return {finding.code for finding in run.findings if finding.severity != "info"}


@pytest.mark.parametrize(("name", "architecture", "code"), PLANTED)
def test_a_planted_fault_is_found(name, architecture, code):
    fault = BY_NAME[name]
    recipe = fault.plant(fault.twin(base("tune", architecture, 7)))
    run = train(recipe, observe).run
    verdict = {finding.code for finding in run.verdict.findings}
    assert code in fault.codes
    assert code in alarms(run) | verdict


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_healthy_twin_raises_no_alarm(architecture):
    outcome = train(base("tune", architecture, 7), observe)
    assert outcome.validation_loss < 0.7 * outcome.constant_loss
    assert alarms(outcome.run) == set()


@pytest.mark.parametrize("name", ["adversarial", "converged", "low rank", "policy gradient", "polishing", "siamese"])
def test_healthy_loops_raise_no_alarm(name):
    told = []
    run = SPECIAL[name](3, lambda module, optimizer: watch(module, optimizer, on_finding=told.append, live=False))
    assert alarms(run) == set()
    assert [finding for finding in told if finding.severity != "info"] == []


@pytest.mark.slow
@pytest.mark.parametrize("variation", HEALTHY)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_healthy_variations_raise_no_alarm(architecture, variation):
    assert alarms(train(HEALTHY[variation](base("tune", architecture, 8)), observe).run) == set()


@pytest.mark.slow
@pytest.mark.parametrize("name", SPECIAL)
def test_all_healthy_loops_raise_no_alarm(name):
    assert alarms(SPECIAL[name](4, observe)) == set()
