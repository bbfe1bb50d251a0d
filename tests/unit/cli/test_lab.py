"""``justfit lab``: what arrives, what is written, how it ends."""

import json
import socket
from dataclasses import replace

import pytest

import justfit.lab
from justfit.cli import _lab_serve
from justfit.records import LabRecord, from_json
from tests.unit.report.labs import CLAIM, healthy


@pytest.fixture
def lab(monkeypatch, tmp_path):
    """Put a stand-in in place of the experiments; it remembers its arguments."""
    monkeypatch.chdir(tmp_path)
    calls = []
    answer = {"record": replace(healthy(), claims=(CLAIM,))}

    def run_lab(data, **arguments):
        calls.append((data, arguments))
        if isinstance(answer["record"], BaseException):
            raise answer["record"]
        return answer["record"]

    monkeypatch.setattr(justfit.lab, "run_lab", run_lab)
    return calls, answer, tmp_path


def test_without_options_the_page_lies_here(lab, run):
    calls, _, folder = lab
    done = run("lab")
    assert done.exit_code == 0
    assert calls[0][0] is None
    assert {key: calls[0][1][key] for key in ("target", "quick", "seed")} == {"target": None, "quick": False, "seed": 0}
    assert "<h1>" in (folder / "justfit-lab.html").read_text("utf-8")
    assert "Page: justfit-lab.html" in done.stdout
    assert "The gap is 0.31 nats" in done.stdout


def test_every_option_arrives(lab, run):
    calls, _, folder = lab
    done = run(
        "lab", "--data", "wine", "--target", "class", "--quick", "--seed", "5", "--out", folder / "a.html", "--quiet"
    )
    assert done.exit_code == 0
    assert done.stdout == ""
    data, arguments = calls[0]
    assert (data, arguments["target"], arguments["quick"], arguments["seed"]) == ("wine", "class", True, 5)
    assert arguments["on_progress"] is None
    assert (folder / "a.html").exists()


def test_json_is_the_record_and_no_page_is_written_unless_asked_for(lab, run):
    _, _, folder = lab
    done = run("lab", "--json")
    assert from_json(LabRecord, done.stdout).claims[0].id == "C1"
    assert json.loads(done.stdout)["schema_version"] == "justfit.lab/1"
    assert list(folder.iterdir()) == []
    run("lab", "--json", "--out", "lab.html")
    assert (folder / "lab.html").exists()


def test_a_refuted_claim_ends_with_1_and_the_page_is_written(lab, run):
    _, answer, folder = lab
    answer["record"] = healthy()
    done = run("lab")
    assert done.exit_code == 1
    assert (folder / "justfit-lab.html").exists()


def test_a_stopped_run_keeps_what_is_done(lab, run):
    _, answer, folder = lab
    answer["record"] = replace(healthy(), interrupted="interrupted after 2 of 17 claims")
    done = run("lab")
    assert done.exit_code == 130
    assert "interrupted: 2 claims are done and kept." in done.stderr
    assert "interrupted after 2 of 17 claims" in (folder / "justfit-lab.html").read_text("utf-8")


def test_a_run_stopped_at_once_writes_nothing(lab, run):
    _, answer, folder = lab
    answer["record"] = KeyboardInterrupt()
    done = run("lab")
    assert done.exit_code == 130
    assert "Nothing was written." in done.stderr
    assert list(folder.iterdir()) == []


def test_a_file_that_exists_is_kept_unless_overwritten(lab, run):
    calls, _, folder = lab
    (folder / "justfit-lab.html").write_text("mine")
    done = run("lab")
    assert done.exit_code == 2
    assert "`justfit-lab.html` must not exist yet. Found a file. Add `--overwrite`" in done.stderr
    assert calls == []
    assert run("lab", "--overwrite").exit_code == 0
    assert (folder / "justfit-lab.html").read_text("utf-8") != "mine"


@pytest.mark.parametrize(
    ("out", "message"),
    [
        (".", "`.` must not exist yet. Found a folder. Choose another FILE"),
        ("no/where.html", "`no/where.html` must lie in a folder that exists. Found no folder `"),
    ],
)
def test_places_that_cannot_be_written_are_refused_before_anything_runs(lab, run, out, message):
    calls, _, _ = lab
    done = run("lab", "--out", out, "--overwrite")
    assert done.exit_code == 2
    assert message in done.stderr
    assert calls == []


def test_a_table_that_is_not_there_is_bad_input(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run("lab", "--data", "no.csv", "--target", "y", "--quick")
    assert done.exit_code == 2
    assert "no.csv" in done.stderr
    assert list(tmp_path.iterdir()) == []


# --- the live lab ---------------------------------------------------------------------------------------------------


class AtOnce:
    """A timer that does not wait."""

    def __init__(self, _seconds, call, words):
        self.start = lambda: call(*words)


@pytest.fixture
def served(monkeypatch):
    """Put a stand-in in place of the server; it remembers how it was opened."""
    opened = []

    class Stand:
        url = "here/?token=always"

        def __init__(self, data, **arguments):
            opened.append((data, arguments))

        def new_url(self):
            return "here/?token=once"

        def run(self):
            opened.append("ran")

    monkeypatch.setattr(justfit.lab, "LabServer", Stand)
    monkeypatch.setattr(_lab_serve.webbrowser, "open", opened.append)
    monkeypatch.setattr(_lab_serve.threading, "Timer", AtOnce)
    monkeypatch.setenv("DISPLAY", ":0")
    return opened


def test_serve_opens_the_lab_says_where_and_hands_the_browser_an_address_that_opens_once(served, run):
    done = run(
        "lab", "--serve", "--data", "t.csv", "--target", "y", "--seed", "3", "--port", "8901", "--columns", "a, b"
    )
    assert done.exit_code == 0
    arguments = {"target": "y", "columns": ["a", "b"], "seed": 3, "port": 8901}
    assert served == [("t.csv", arguments), "here/?token=once", "ran"]
    assert done.stdout == "The lab is open at\n\n    here/?token=always\n\nOnly this machine reaches it.\n"
    assert done.stderr == "Ctrl-C ends it.\nThe lab is closed.\n"


def test_quiet_serving_prints_the_address_alone(served, run):
    done = run("lab", "--serve", "--no-browser", "--quiet")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "here/?token=always\n", "")
    assert served == [(None, {"target": None, "columns": None, "seed": 0, "port": 0}), "ran"]


def test_without_a_screen_no_browser_is_started_in_the_terminal(served, run, monkeypatch):
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(_lab_serve.sys, "platform", "linux")
    assert run("lab", "--serve").exit_code == 0
    assert served[1:] == ["ran"]


@pytest.mark.parametrize("words", [("--out", "a.html"), ("--overwrite",), ("--json",), ("--quick",)])
def test_options_of_the_page_do_not_go_with_serve(served, run, words):
    done = run("lab", "--serve", *words)
    assert done.exit_code == 2
    assert (
        "`--serve` goes with `--data`, `--target`, `--columns`, `--seed`, `--port`, `--no-browser` and `--quiet` only."
        in done.stderr
    )
    assert f"Found `{words[0]}`. Leave it out: the live page has a button for the claims" in done.stderr
    assert served == []


@pytest.mark.parametrize("words", [("--port", "80"), ("--no-browser",), ("--columns", "a,b")])
def test_options_of_the_server_need_serve(lab, run, words):
    done = run("lab", *words)
    assert done.exit_code == 2
    assert f"`{words[0]}` belongs to the live lab. Found no `--serve`. Add `--serve`, or leave it out." in done.stderr
    assert lab[0] == []


def test_columns_are_looked_for_before_the_lab_opens(run):
    done = run("lab", "--serve", "--no-browser", "--data", "wine", "--columns", "alcohol,proline,ash")
    assert done.exit_code == 2
    assert "Found 3: `alcohol`, `proline`, `ash`. Name two, like `--columns A,B`." in done.stderr
    done = run("lab", "--serve", "--no-browser", "--columns", '"a,b",c')
    assert done.exit_code == 2
    assert "`columns` are two of a table. Found no table. Add `--data TABLE`, or leave `--columns` out" in done.stderr


def test_a_port_that_is_taken_ends_with_2(run):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = run("lab", "--serve", "--no-browser", "--port", other.getsockname()[1])
    assert done.exit_code == 2
    assert "which is taken. Choose another, or leave it out" in done.stderr
