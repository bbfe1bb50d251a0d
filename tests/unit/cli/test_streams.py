"""Terminals, pipes and encodings, each with a real one."""

import os
import re
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX terminals and pipes")


def read_terminal(descriptor):
    """Read what a program wrote to a pseudo-terminal until it closed it."""
    chunks = []
    while True:
        try:
            chunk = os.read(descriptor, 4096)
        except OSError:  # Linux says so when the other side is gone
            break
        if not chunk:
            break
        chunks.append(chunk)
    return b"".join(chunks).decode()


def fit_in_a_terminal(start, **environment):
    import pty

    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", **environment}
    process = start("train", "fit", "digits", stderr=theirs, env=environment)
    os.close(theirs)
    shown = read_terminal(ours)
    os.close(ours)
    assert process.wait(timeout=30) == 0
    return shown


def test_a_terminal_gets_a_bar_per_stage(start):
    shown = fit_in_a_terminal(start)
    assert re.search(r"reading .*━.*100%.*\d\d:\d\d", shown)
    assert re.search(r"sweep: 60 networks .*━.*100%.*\d\d:\d\d", shown)
    assert "epoch 30 of [60]" in shown
    assert "\x1b[?25h" in shown  # the cursor is back


def test_no_color_is_obeyed(start):
    colour = re.compile(r"\x1b\[[0-9;]*3[0-9][0-9;]*m")
    assert colour.search(fit_in_a_terminal(start))
    assert not colour.search(fit_in_a_terminal(start, NO_COLOR="1"))


def test_a_dumb_terminal_gets_lines(start):
    assert fit_in_a_terminal(start, TERM="dumb").split("\r\n") == ["reading", "sweep: 60 networks", ""]


def test_columns_set_the_width_of_help(start):
    narrow, _ = start("train", "fit", "--help", env={**os.environ, "COLUMNS": "60"}).communicate(timeout=30)
    assert max(map(len, narrow.splitlines())) <= 60


def test_an_ascii_stdout_gets_a_question_mark_in_text_and_utf8_in_data(start):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    text, _ = start("train", "fit", "digits", env=environment).communicate(timeout=30)
    data, _ = start("train", "fit", "digits", "--json", env=environment).communicate(timeout=30)
    assert text.startswith("verdict: overfitting ?\n")
    assert "λ" in data


@pytest.mark.parametrize("words", [("fit", "digits"), ("fit", "digits", "--json"), ("predict", "digits-fit", "x.csv")])
def test_a_reader_that_went_away_is_not_an_error(start, words):
    reader, writer = os.pipe()
    os.close(reader)
    process = start("train", *words, stdout=writer)
    os.close(writer)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == -13  # SIGPIPE, as cat
    assert "Traceback" not in stderr
    assert "error" not in stderr.lower()


def test_a_lost_stderr_does_not_stop_a_fit(start):
    reader, writer = os.pipe()
    os.close(reader)
    process = start("train", "fit", "digits", stderr=writer)
    os.close(writer)
    stdout, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert stdout.startswith("verdict: overfitting")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", [("fit", "digits"), ("fit", "digits", "--json"), ("predict", "digits-fit", "x.csv")])
def test_a_full_disk_behind_stdout_is_said(start, words):
    with Path("/dev/full").open("w") as full:
        process = start("train", *words, stdout=full)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "error: The result must fit where stdout leads. Found `No space left on device`." in stderr
    assert "Traceback" not in stderr
