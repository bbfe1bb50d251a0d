"""The names of SageMaker Debugger's rules."""

import re

import pytest

from justfit.errors import ArgumentError
from justfit.rules import ALIASES, RULES, codes_of, describe, find_alias

# every built-in rule of its documentation that fires on what a network computes, and those about the machine
WITH_COUNTERPART = {
    "AllZero", "CheckInputImages", "DeadRelu", "ExplodingTensor", "LossNotDecreasing", "Overfit", "Overtraining",
    "PoorWeightInitialization", "SaturatedActivation", "UnchangedTensor", "VanishingGradient", "WeightUpdateRatio",
}  # fmt: skip
WITHOUT = {
    "BatchSize", "ClassImbalance", "Confusion", "CPUBottleneck", "CreateXgboostReport", "FeatureImportanceOverweight",
    "GPUMemoryIncrease", "IOBottleneck", "LoadBalancing", "LowGPUUtilization", "MaxInitializationTime",
    "NLPSequenceRatio", "OverallFrameworkMetrics", "OverallSystemUsage", "ProfilerReport", "SimilarAcrossRuns",
    "StalledTrainingRule", "StepOutlier", "TensorVariance", "TreeDepth",
}  # fmt: skip


def test_every_built_in_rule_is_known():
    assert set(ALIASES) == WITH_COUNTERPART | WITHOUT
    assert {name for name, alias in ALIASES.items() if alias.codes} == WITH_COUNTERPART
    assert all(alias.name == name for name, alias in ALIASES.items())


@pytest.mark.parametrize("name", sorted(WITH_COUNTERPART))
def test_every_counterpart_is_a_rule(name):
    assert set(ALIASES[name].codes) <= set(RULES)
    assert describe(name).code == ALIASES[name].codes[0]


@pytest.mark.parametrize("alias", ALIASES.values(), ids=lambda alias: alias.name)
def test_a_note_names_rules_that_exist(alias):
    assert set(re.findall(r"JF\d+", alias.note)) <= set(RULES)
    assert alias.note.endswith(".")
    assert alias.fires


@pytest.mark.parametrize("name", ["DeadRelu", "dead_relu", " deadrelu ", "DEADRELU"])
def test_names_are_read_as_its_documentation_and_its_functions_write_them(name):
    assert codes_of(name) == ("JF405", "JF304")


def test_the_word_rule_may_be_left_out():
    assert find_alias("stalled_training_rule") is find_alias("StalledTraining") is ALIASES["StalledTrainingRule"]


def test_other_words_are_no_alias():
    assert codes_of("JF201") == codes_of("") == codes_of("rule") == codes_of("Dead") == ()
    assert find_alias("JF201") is None


@pytest.mark.parametrize("name", sorted(WITHOUT))
@pytest.mark.parametrize("ask", [codes_of, describe])
def test_a_rule_without_counterpart_says_what_to_use_instead(ask, name):
    with pytest.raises(
        ArgumentError,
        match=rf"^A rule of SageMaker Debugger must have a counterpart\. Found `{name}`, which has none here\. "
        rf"{re.escape(ALIASES[name].note)}$",
    ):
        ask(name)
