"""Ctrl-C at any moment: the best so far with exit code 130, or nothing at all; never half of something."""

import itertools
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from justfit.estimators import fit_table, predict_table
from justfit.records import FitResult, from_json
from justfit.sweep import _decide, _plan

ROOT = Path(__file__).resolve().parents[3]
FILES = 7


class Raise:
    """A progress callback that raises when a stage has come so far."""

    def __init__(self, stage, fraction=0.0, error=KeyboardInterrupt):
        self.stage, self.fraction, self.error = stage, fraction, error
        self.threads, self.done = set(), False

    def __call__(self, progress):
        self.threads.add(threading.current_thread().name)
        if progress.stage.startswith(self.stage) and progress.fraction >= self.fraction and not self.done:
            self.done = True
            raise self.error


@pytest.fixture(autouse=True)
def no_thread_is_left():
    """Whatever a test does: the threads that it started have ended."""
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@pytest.fixture(params=[1, 3], ids=["one thread", "three threads"])
def cores(request, monkeypatch):
    """Several chunks on one core and on three: a callback then runs in this thread or in another."""
    monkeypatch.setattr("os.cpu_count", lambda: request.param)
    monkeypatch.setattr("justfit.sweep._program.variants_per_chunk", lambda *_: 2)
    monkeypatch.setattr(_plan, "LADDER", (_plan.Effort(2, 1, 4, 2, 90),))
    return request.param


def test_interrupt_in_the_sweep_keeps_the_best_so_far(cores, patients, tmp_path):
    stop = Raise("sweep", fraction=0.6)
    done = fit_table(patients, target="diagnosis", out=tmp_path / "out", on_progress=stop)
    assert stop.done
    assert (len(stop.threads) > 1) == (cores > 1)
    assert done.interrupted_by_user
    assert done.result.interrupted
    last = done.result.sweep.num_epochs
    assert 1 <= last < done.result.network.epochs
    assert done.result.sweep.curves[0].epochs[-1] == last
    assert done.result.interruption.startswith(f"interrupted after epoch {last} of")
    assert len(list((tmp_path / "out").iterdir())) == FILES
    assert from_json(FitResult, (tmp_path / "out" / "result.json").read_text("utf-8")) == done.result
    assert "interrupted after epoch" in (tmp_path / "out" / "report.html").read_text("utf-8").replace("\u00a0", " ")
    assert predict_table(tmp_path / "out", patients).frame.height == 120


@pytest.mark.parametrize("stage", ["reading", "looking", "sweep"])
def test_interrupt_before_the_first_round_leaves_nothing(stage, cores, patients, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        fit_table(patients, target="diagnosis", out=tmp_path / "out", on_progress=Raise(stage))
    assert not list(tmp_path.iterdir())


def test_interrupt_while_judging_keeps_the_sweep(patients, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(_decide, "boosting_losses", interrupted)
    done = fit_table(patients, target="diagnosis", out=tmp_path / "out")
    assert done.interrupted_by_user
    assert done.result.verdict.reference_name == "the best network of the sweep"
    assert done.result.interruption == "interrupted while judging"


def test_interrupt_in_the_refit_keeps_its_epochs(cores, patients, tmp_path):
    stop = Raise("refit", fraction=0.3)
    done = fit_table(patients, target="diagnosis", out=tmp_path / "out", on_progress=stop)
    assert done.interrupted_by_user
    assert 1 <= done.result.network.epochs < done.result.sweep.num_epochs
    assert done.result.network.epochs == done.estimator.n_iter_
    assert done.result.interruption.endswith("of the refit")


def test_interrupt_counts_also_where_the_clock_ended_the_sweep(patients, tmp_path, monkeypatch):
    """Both reasons are said, and the exit code is that of the interrupt."""
    clock = itertools.count(0, 1000)  # leaps by more than the whole limit at every look
    monkeypatch.setattr(_decide.time, "monotonic", lambda: next(clock))
    stop = Raise("refit", fraction=0.3)
    done = fit_table(patients, target="stay", out=tmp_path / "out", on_progress=stop, budget_seconds=500)
    assert done.interrupted_by_user
    sweep, refit = done.result.interruption.split("; ")
    assert sweep.startswith("the time budget ended after epoch 1 of")
    assert refit.startswith("interrupted after epoch")


def test_interrupt_while_writing_leaves_no_half(patients, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        fit_table(patients, target="diagnosis", out=tmp_path / "out", on_progress=Raise("writing"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("stage", ["reading", "sweep", "judging", "refit"])
def test_a_callback_that_fails_ends_the_run(stage, cores, patients, tmp_path):
    """An error is an error, in whatever thread it is raised: it comes through as it is, and nothing keeps running."""
    fraction = 0.5 if stage in ("sweep", "refit") else 0.0
    with pytest.raises(ZeroDivisionError):
        fit_table(patients, target="stay", out=tmp_path / "out", on_progress=Raise(stage, fraction, ZeroDivisionError))
    assert not list(tmp_path.iterdir())


def test_the_clock_does_not_cut_the_refit(patients, tmp_path, monkeypatch):
    """A sweep that took longer than the whole limit must not leave a network of one epoch."""
    start = time.monotonic()
    told = []
    monkeypatch.setattr(_decide.time, "monotonic", lambda: start + (500 if "judging" in told else 0))

    def watch(progress):
        told.append(progress.stage)

    done = fit_table(patients, target="stay", out=tmp_path / "out", on_progress=watch, budget_seconds=100)
    assert not done.result.interrupted
    assert done.result.network.epochs == done.result.sweep.num_epochs > 1


# --- the real signal, in a process of its own ----------------------------------------------------------------------

START = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a terminal; a background process ignores it
from justfit.sweep import _plan, _search
_plan.LADDER = (_plan.Effort(5, 1, 10, 4, 1_500),)
measure = _search.Search._measure
def say(search, result):
    measure(search, result)
    print("measured", len(result.epochs), file=sys.stderr, flush=True)
_search.Search._measure = say
from justfit.cli import main
main(sys.argv[1:])
"""


def interrupt(line, out, number):
    """Start `justfit fit digits`, send a signal when `line` is said, and wait for the end."""
    words = [sys.executable, "-c", START, "fit", "digits", "--out", str(out), "--hidden", "16"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8"}
    with subprocess.Popen(words, cwd=ROOT, **pipes) as process:
        said = []
        for text in process.stderr:
            said.append(text.strip())
            if text.startswith(line):
                process.send_signal(number)
                break
        rest, error = process.communicate(timeout=120)
    return process.returncode, rest, "\n".join([*said, error])


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGINT, id="ctrl-c"),
        pytest.param(signal.SIGTERM, id="terminated", marks=pytest.mark.slow),
    ],
)
def test_the_command_line_delivers_the_best_so_far(number, tmp_path):
    code, shown, said = interrupt("measured 2", tmp_path / "out", number)
    assert code == 130, said
    assert "Traceback" not in said
    assert "interrupted: This is the best network so far" in said
    result = json.loads((tmp_path / "out" / "result.json").read_text("utf-8"))
    assert result["interrupted"] is True
    assert result["interruption"].startswith("interrupted after epoch")
    assert result["test"]["delivered_score"] > 0.8
    assert "interrupted after epoch" in " ".join(shown.split())
    assert len(list((tmp_path / "out").iterdir())) == FILES


def test_the_command_line_leaves_nothing_of_an_early_interrupt(tmp_path):
    code, shown, said = interrupt("sweep", tmp_path / "out", signal.SIGINT)
    assert code == 130, said
    assert "interrupted: " in said
    assert "othing was written" in said
    assert "Traceback" not in said
    assert not shown
    assert not list(tmp_path.iterdir())
