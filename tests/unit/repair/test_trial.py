from types import SimpleNamespace

from justfit.repair._alteration import Alteration, Hypothesis
from justfit.repair._compare import Gain
from justfit.repair._rates import rate, words_of
from justfit.repair._trial import Trial, both, combined

INIT = Hypothesis(name="initialize", alteration=Alteration(init="auto"), because=("JF201",), weight=0.7)
RELU = Hypothesis(name="relu", alteration=Alteration(activation="relu"), because=("JF201",), weight=0.5)
NORM = Hypothesis(name="norm", alteration=Alteration(normalization="layer"), weight=0.1)


def tried(hypothesis, mean, lower, step=100):
    gain = Gain(mean=mean, se=0.01, lower=lower, upper=2 * mean - lower)
    return Trial(hypothesis, SimpleNamespace(num_steps=100), step, gain)


def test_what_is_wrong_by_construction_needs_a_whole_training_and_a_material_gain():
    by_construction = Hypothesis(name="logits", alteration=Alteration(), named=True, structural=True)
    assert tried(by_construction, 0.025, -0.005).is_proven
    assert not tried(by_construction, 0.025, -0.005, step=50).is_proven
    assert not tried(by_construction, 0.015, -0.005).is_proven
    assert not tried(by_construction, 0.025, -0.03).is_proven  # it may be worse
    assert not tried(INIT, 0.025, -0.005).is_proven
    assert not Trial(by_construction).is_proven


def test_a_remedy_is_combined_with_what_a_finding_points_to_though_it_did_nothing_alone():
    first = tried(INIT, 0.3, 0.2)
    found = combined(first, [first, tried(RELU, 0.0, -0.1), tried(NORM, 0.0, -0.1)])
    assert found[0].name == "initialize, and relu"
    assert all(h.cause == "initialization" for h in found)
    assert not any("norm" in h.name for h in found)
    assert found[0].alteration == Alteration(init="auto", activation="relu")


def test_two_learning_rates_are_one():
    together = both(rate(100.0), rate(10.0))
    assert together.name == "1,000 times the learning rate"
    assert together.alteration.learning_rate == 1000.0
    assert words_of(1e-4) == "1/10,000 of the learning rate"
    assert both(INIT, rate(0.1)).name == "initialize, and 1/10 of the learning rate"
