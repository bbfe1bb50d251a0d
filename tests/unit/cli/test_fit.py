import json
from pathlib import Path

import pytest


def test_the_defaults_are_those_of_fit_table(install, run):
    calls = install()
    done = run("fit", "digits")
    assert done.exit_code == 0
    ((source, arguments),) = calls
    assert callable(arguments.pop("on_progress"))
    assert source == "digits"
    assert arguments == {
        "target": None,
        "task": "auto",
        "out": None,
        "overwrite": False,
        "quick": False,
        "budget_seconds": None,
        "seed": 0,
        "hidden_layer_sizes": None,
    }


def test_every_option_arrives(install, run):
    calls = install()
    words = "--target y --out d --overwrite --task regression --quick --budget 2.5 --seed 7 --hidden 128,64,32 -q"
    done = run("fit", "rows.csv.gz", *words.split())
    assert done.exit_code == 0
    assert calls == [
        (
            "rows.csv.gz",
            {
                "target": "y",
                "task": "regression",
                "out": Path("d"),
                "overwrite": True,
                "quick": True,
                "budget_seconds": 2.5,
                "seed": 7,
                "hidden_layer_sizes": (128, 64, 32),
                "on_progress": None,
            },
        )
    ]


def test_report_and_files_go_to_stdout_and_stages_to_stderr(install, run):
    install()
    done = run("fit", "digits")
    assert done.stdout.splitlines() == [
        "verdict: overfitting λ",
        "",
        f"report         {Path('digits-fit/report.html')}",
        f"result         {Path('digits-fit/result.json')}",
    ]
    assert done.stderr.splitlines() == ["reading", "sweep: 60 networks"]


def test_json_is_all_there_is_on_stdout(install, run):
    install()
    done = run("fit", "digits", "--json")
    assert json.loads(done.stdout) == {"verdict": "overfitting", "note": "λ"}
    assert done.stdout.endswith("}\n")


def test_quiet_says_nothing_but_prints_the_json_that_was_asked_for(install, run):
    install()
    assert run("fit", "digits", "--quiet").output == ""
    assert json.loads(run("fit", "digits", "--quiet", "--json").output)["verdict"] == "overfitting"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("fit", "Missing argument 'TABLE'"),
        ("fit digits wine", "unexpected extra argument"),
        ("fit digits --task ranking", "'ranking' is not one of 'auto', 'classification', 'regression'"),
        ("fit digits --hidden 64,", "'64,' is not a list of layer sizes such as 64,64"),
        ("fit digits --hidden 64,-1", "'64,-1' is not a list of layer sizes such as 64,64"),
        ("fit digits --hidden wide", "'wide' is not a list of layer sizes such as 64,64"),
        ("fit digits --budget 0", "Invalid value for '--budget'"),
        ("fit digits --budget nan", "Invalid value for '--budget'"),
        ("fit digits --seed -1", "Invalid value for '--seed'"),
        ("fit digits --seed 1.5", "Invalid value for '--seed'"),
        ("fit digits --l2 1", "No such option"),
        ("fti digits", "No such command 'fti'"),
    ],
)
def test_wrong_usage_is_exit_2_and_trains_nothing(install, run, words, message):
    calls = install()
    done = run(*words.split())
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stdout == ""
    assert calls == []


def test_a_budget_that_ran_out_is_a_success(install, run):
    install("run_out_of_time")
    assert run("fit", "digits").exit_code == 0


def test_an_interrupted_fit_is_reported_and_is_exit_130(install, run):
    install("stop_early")
    done = run("fit", "digits")
    assert done.exit_code == 130
    assert done.stdout.startswith("verdict: overfitting")
    assert done.stderr == "interrupted: This is the best network so far; a full run may choose differently.\n"
