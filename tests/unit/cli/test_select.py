import dataclasses

import pytest

import justfit.rules
from justfit.cli._select import Selection, fails, keep_findings, read_codes
from justfit.errors import ArgumentError
from justfit.rules import RULES
from tests.unit.cli.checkups import checkup, judge
from tests.unit.rules.signals import evidence


@pytest.fixture
def _stand_in(monkeypatch):
    monkeypatch.setattr(justfit.rules, "judge_signals", judge())


@pytest.mark.usefixtures("_stand_in")
@pytest.mark.parametrize(
    ("selection", "kept"),
    [
        (Selection(), ["JF206", "JF302", "JF205"]),
        (Selection(select=("JF2",)), ["JF206", "JF205"]),
        (Selection(ignore=("JF2",)), ["JF302"]),
        (Selection(select=("JF206",), ignore=("JF2",)), ["JF206"]),
        (Selection(select=("JF2",), ignore=("JF2",)), []),
        (Selection(per_layer_ignores={"encoder.*": ("JF3",)}), ["JF206", "JF205"]),
        (Selection(per_layer_ignores={"encoder": ("JF3",), "hea?": ("JF205",)}), ["JF206", "JF302"]),
    ],
)
def test_findings_are_kept_by_code_and_layer(selection, kept):
    before = checkup()
    after = keep_findings(before, selection)
    assert [finding.code for finding in after.findings] == kept
    assert after.evidence is before.evidence
    assert len(after.unjudged) == selection.keeps("JF207")


def test_an_ignored_layer_takes_no_other_layers_place():
    dead = evidence(8, at={index: {"dead_fraction": 0.85 + index / 100} for index in range(8)})
    selection = Selection(per_layer_ignores={"layer[5-7]": ("JF304",)})
    kept = keep_findings(dataclasses.replace(checkup(), evidence=dead), selection)
    assert [finding.where for finding in kept.findings] == ["layer2", "layer3", "layer4"]
    assert kept.findings[-1].evidence.endswith("; and 2 more layers")


@pytest.mark.usefixtures("_stand_in")
def test_severities_are_ordered():
    worst_is_info = keep_findings(checkup(), Selection(select=("JF205",)))
    assert fails(worst_is_info, "info")
    assert not fails(worst_is_info, "warning")
    assert fails(checkup(), "error")
    assert not fails(checkup(), "never")


def test_codes_are_read_in_any_case_and_refused_when_unknown():
    assert read_codes(["jf2, JF301", "JF"], tuple(RULES), "`--select`") == ("JF2", "JF301", "JF")
    with pytest.raises(
        ArgumentError, match=r"`--select` must hold rule codes .* Found `XX`. `justfit rules` lists them"
    ):
        read_codes(["XX"], tuple(RULES), "`--select`")
