"""`justfit explain` and `justfit rules`, with the real rules."""

import json
import subprocess
import sys

import pytest

from justfit.rules import RULES, describe


@pytest.mark.parametrize("code", RULES)
def test_a_page_has_every_section_of_the_rule(run, code):
    done = run("explain", code.lower())
    assert done.exit_code == 0
    assert done.stdout.startswith(f"{code}  {describe(code).name} ({describe(code).severity})\n")
    assert all(f"\n{heading}\n" in done.stdout for heading in describe(code).sections)
    assert ".. math::" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_json_is_the_description(run):
    page = json.loads(run("explain", "JF204", "--output-format", "json").stdout)
    assert page["code"] == "JF204"
    assert page["sections"] == describe("JF204").sections


def test_an_unknown_code_is_exit_2_with_the_nearest(run):
    done = run("explain", "JF2O4")
    assert done.exit_code == 2
    assert done.stderr.startswith("error: `code` must be that of a rule. Found `code='JF2O4'`. The nearest is JF2")
    assert done.stdout == ""


def test_rules_lists_every_rule_once(run):
    text = run("rules").stdout
    assert [line[:5] for line in text.splitlines() if line.startswith("JF")] == list(RULES)
    listed = json.loads(run("rules", "--output-format", "json").stdout)
    assert [rule["code"] for rule in listed] == list(RULES)
    assert set(listed[0]) == {"code", "name", "severity", "summary"}


@pytest.mark.parametrize(
    "words", [["explain", "JF204"], ["rules"], ["check", "--help"], ["explain", "-h"], ["rules", "-h"]]
)
def test_neither_loads_torch(words):
    script = (
        "import sys\nfrom justfit.cli import main\ntry:\n    main(sys.argv[1:])\nfinally:\n"
        "    print(sorted({'torch', 'sklearn', 'polars', 'scipy'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


@pytest.mark.parametrize("command", ["check", "explain", "rules"])
def test_help_has_an_example_and_fits_the_terminal(run, command):
    done = run(command, "--help")
    assert done.exit_code == 0
    assert f"  justfit {command}" in done.stdout.split("Options:")[1]
    assert max(map(len, done.stdout.splitlines())) <= 80
