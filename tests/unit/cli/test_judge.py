"""The command line of the judge: what reaches it, what is printed, how it ends; the judge itself is a stand-in."""

import json
import math
from xml.etree import ElementTree as ET

import pytest

import justfit.rules
from justfit.records import History, Judgement, from_dict, to_json
from tests.unit.logs import texts
from tests.unit.logs.records import finding, record, verdict


class Judging:
    """Takes the place of `justfit.rules.judge_history`; the calls are kept."""

    def __init__(self):
        self.calls = []
        self.findings = (finding(), finding("JF106", "info"))
        self.error = None

    def judge(self, history, **arguments):
        self.calls.append((history, arguments))
        if self.error is not None:
            raise self.error
        return verdict(findings=self.findings, notes=history.notes, last_epoch=history.epochs[-1])


@pytest.fixture
def judging(tmp_path, monkeypatch):
    (tmp_path / "log.csv").write_text(texts.KERAS_CSV)
    (tmp_path / "metrics.csv").write_text(texts.LIGHTNING)
    monkeypatch.chdir(tmp_path)
    stand_in = Judging()
    monkeypatch.setattr(justfit.rules, "judge_history", stand_in.judge)
    return stand_in


def test_the_history_and_every_option_arrive(judging, run):
    done = run(
        "judge", "log.csv", "--train", "accuracy", "--validation", "val_accuracy", "--epoch", "epoch", "--direction",
        "minimize", "--reference", "0.3", "--reference-name", "boosting", "--constant", "0.7", "--unit", "nats",
        "--kind", "table",
    )  # fmt: skip
    assert done.exit_code == 1
    ((history, arguments),) = judging.calls
    assert (history.train_loss, history.validation_loss) == ((0.5, 0.6, 0.7), (0.4, 0.5, 0.6))
    assert (history.direction, history.kind) == ("minimize", "table (csv)")
    assert arguments == {"reference_loss": 0.3, "reference_name": "boosting", "constant_loss": 0.7, "unit": "nats"}
    run("judge", "log.csv")
    _, arguments = judging.calls[-1]
    assert math.isnan(arguments["reference_loss"])
    assert math.isnan(arguments["constant_loss"])


def test_text_says_the_verdict_the_columns_and_the_cure(judging, run):
    text = " ".join(run("judge", "log.csv").stdout.split())
    assert text.startswith("The network overfits from epoch 3 on (probability 0.90). The last epoch, 2, has the best")
    assert "JF105 warning network a disease" in text
    assert "cure: Change it." in text
    assert (
        "Read from log.csv, Keras history (csv): training is loss, validation is val_loss; 3 entries by epoch" in text
    )
    assert "Note: Columns not taken: accuracy, val_accuracy." in text
    assert "wrong when: Seldom." not in text
    assert "wrong when: Seldom." in run("judge", "log.csv", "--verbose").stdout


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("", 1),
        ("--fail-on error", 0),
        ("--fail-on never", 0),
        ("--fail-on info", 1),
        ("--ignore JF105", 0),
        ("--ignore JF105 --fail-on info", 1),
        ("--ignore JF1 --fail-on info", 0),
        ("--select JF106", 0),
        ("--select JF1", 1),
    ],
)
def test_exit_codes_are_those_of_check(judging, run, words, code):
    done = run("judge", "log.csv", *words.split())
    assert done.exit_code == code, done.stderr


@pytest.mark.parametrize(
    ("state", "words", "code"),
    [
        ("overfitting", "", 1),
        ("underfitting", "", 1),
        ("underfitting", "--fail-on info", 1),
        ("underfitting", "--fail-on error", 0),
        ("underfitting", "--fail-on never", 0),
        ("underfitting", "--ignore JF107", 0),
        ("underfitting", "--ignore JF105", 1),
        ("just_right", "--fail-on info", 0),
        ("undecided", "--fail-on info", 0),
    ],
)
def test_a_wrong_fit_fails_without_a_finding(judging, run, monkeypatch, state, words, code):
    monkeypatch.setattr(justfit.rules, "judge_history", lambda history, **arguments: verdict(state, findings=()))
    assert run("judge", "log.csv", *words.split()).exit_code == code


def test_notes_name_the_options_of_the_command_line(judging, run, monkeypatch):
    notes = ("Without a reference (`reference_loss`), …", "If these are scores, pass `direction='maximize'`.")
    monkeypatch.setattr(justfit.rules, "judge_history", lambda history, **arguments: verdict(notes=notes))
    text = " ".join(run("judge", "log.csv").stdout.split())
    assert "reference (`--reference`)" in text
    assert "pass `--direction maximize`" in text


def test_the_worst_of_several_logs_decides(judging, run, tmp_path):
    (tmp_path / "right.csv").write_text(texts.KERAS_CSV)
    judged = judging.judge
    justfit.rules.judge_history = lambda history, **arguments: (
        judged(history, **arguments)
        if history.source == "log.csv"
        else verdict("just_right", overfitting_since=None, best_epoch=2, last_epoch=2)
    )
    assert run("judge", "right.csv").exit_code == 0
    done = run("judge", "right.csv", "log.csv")
    assert done.exit_code == 1
    assert done.stdout.index("right.csv -") < done.stdout.index("The network fits") < done.stdout.index("log.csv -")
    assert run("judge", "right.csv", "log.csv", "--fail-on", "error").exit_code == 0


def test_patterns_and_folders(judging, run, tmp_path):
    for version in "01":
        folder = tmp_path / "runs" / f"version_{version}"
        folder.mkdir(parents=True)
        (folder / "metrics.csv").write_text(texts.LIGHTNING)
    run("judge", "runs/*/metrics.csv", "log.csv", "log.csv")
    assert [history.source for history, _ in judging.calls] == [
        "runs/version_0/metrics.csv", "runs/version_1/metrics.csv", "log.csv",
    ]  # fmt: skip
    judging.calls.clear()
    run("judge", "runs")
    assert [history.source for history, _ in judging.calls] == ["runs: version_0", "runs: version_1"]
    (tmp_path / "odd[1].csv").write_text(texts.KERAS_CSV)
    assert run("judge", "odd[1].csv").exit_code == 1  # a file of that name goes before the pattern


def test_stdin(judging, monkeypatch):
    from typer.testing import CliRunner

    from justfit.cli import app

    done = CliRunner().invoke(app, ["judge", "-"], input=texts.KERAS_CSV)
    assert done.exit_code == 1, done.stderr
    ((history, _),) = judging.calls
    assert history.validation_loss == (1.0, 0.9, 0.8)


def test_formats_for_programs_are_whole(judging, run):
    def read(form, *words):
        return run("judge", "log.csv", "--output-format", form, *words).stdout

    judged = json.loads(read("json"))
    assert set(judged) == {"history", "verdict"}
    assert [entry["code"] for entry in judged["verdict"]["findings"]] == ["JF105", "JF106"]
    assert from_dict(Judgement, judged).history.train_name == "loss"
    (log,) = json.loads(read("sarif"))["runs"]
    (place,) = log["results"][0]["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "log.csv"
    assert (log["properties"]["log"], log["properties"]["state"], log["properties"]["bestEpoch"]) == (
        "log.csv", "overfitting", 2,
    )  # fmt: skip
    listed = {rule["id"] for rule in log["tool"]["driver"]["rules"]}
    assert {"JF105", "JF106", "JF107", "JF108"} <= listed
    assert not {"JF101", "JF204"} & listed
    suite = ET.fromstring(read("junit")).find("testsuite")  # noqa: S314 - our own text
    assert suite.get("name") == "justfit judge log.csv"
    assert (len(suite.findall("testcase")), len(suite.findall(".//failure"))) == (len(listed), 1)
    assert read("github").splitlines()[0].startswith("::warning file=log.csv,title=JF105 a disease::network: ")


def test_several_runs_for_programs(judging, run):
    words = ("judge", "log.csv", "metrics.csv", "--output-format")
    assert [entry["history"]["source"] for entry in json.loads(run(*words, "json").stdout)] == [
        "log.csv",
        "metrics.csv",
    ]
    assert len(json.loads(run(*words, "sarif").stdout)["runs"]) == 2
    root = ET.fromstring(run(*words, "junit").stdout)  # noqa: S314 - our own text
    assert len(root.findall("testsuite")) == 2
    assert root.get("failures") == "2"
    assert len(run(*words, "github").stdout.splitlines()) == 4


def test_files_are_written_and_stdout_stays_empty(judging, run, tmp_path):
    done = run("judge", "log.csv", "--output-format", "json", "--out", "v.json", "--html", "v.html")
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.endswith("written: v.json\nwritten: v.html\n")
    assert "The network overfits from epoch 3 on" in (tmp_path / "v.html").read_text("utf-8")
    assert run("judge", "v.json").exit_code == 1  # what was judged may be judged again
    assert to_json(judging.calls[-1][0]) == to_json(judging.calls[0][0])


def test_a_watch_record_brings_its_findings(judging, run, tmp_path):
    history = History(epochs=(1, 2), train_loss=(0.9, 0.7), validation_loss=(1.0, 0.9))
    twice = finding("JF105", "warning", "network")
    kept = finding("JF402", "error", "encoder.0")
    (tmp_path / "record.json").write_text(to_json(record(history, findings=(kept, twice))))
    done = run("judge", "record.json", "--output-format", "json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)["verdict"]["findings"]
    assert [(entry["code"], entry["where"]) for entry in found] == [
        ("JF402", "encoder.0"), ("JF105", "network"), ("JF106", "network"),
    ]  # fmt: skip
    assert run("judge", "record.json", "--ignore", "JF1", "--fail-on", "error").exit_code == 1
    assert run("judge", "record.json", "--ignore", "JF1,JF4").exit_code == 0


def test_the_projects_settings_hold_where_the_command_line_is_silent(judging, run, tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[tool.justfit]\nignore = ["JF106"]\nfail-on = "error"\noutput-format = "json"\n'
    )
    done = run("judge", "log.csv")
    assert done.exit_code == 0
    assert [entry["code"] for entry in json.loads(done.stdout)["verdict"]["findings"]] == ["JF105"]
    assert run("judge", "log.csv", "--fail-on", "warning").exit_code == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "A log must be named. Found none. Write `justfit judge metrics.csv`"),
        (
            "nowhere.csv",
            "A log must be an existing file or folder. Found no `nowhere.csv` (No such file or directory).",
        ),
        ("lag.csv", "Did you mean `log.csv`?"),
        ("no/*.csv", "A pattern must match at least one log. Found none for `no/*.csv`."),
        ("log.csv --train los", "`--train` must name a column of numbers. Found `los`. Did you mean `loss`?"),
        ("log.csv --kind torch", "`kind` must be one of fastai,"),
        ("log.csv --select JF9", "`--select` must hold rule codes such as JF204"),
        ("log.csv --direction up", "'up' is not one of"),
        ("log.csv --reference high", "Invalid value for '--reference'"),
        ("log.csv metrics.csv --html v.html", "`--html` makes the page of one run. Found 2 runs. Name one log with"),
        ("log.csv --out nowhere/v.txt", "`nowhere/v.txt` must be a place where a file can be written"),
    ],
)
def test_wrong_usage_is_exit_2(judging, run, words, message):
    done = run("judge", *words.split())
    assert done.exit_code == 2
    assert message in " ".join(done.stderr.split())
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_a_broken_log_among_whole_ones_is_exit_2(judging, run, tmp_path):
    (tmp_path / "broken.csv").write_bytes(b"\x00")
    done = run("judge", "log.csv", "broken.csv")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert "error: A log must be CSV, JSON" in done.stderr


def test_a_fault_of_justfit_is_exit_3(judging, run):
    judging.error = KeyError("epoch")
    assert run("judge", "log.csv").exit_code == 3
    judging.error = MemoryError()
    assert "Export only the columns of the losses" in run("judge", "log.csv").stderr
