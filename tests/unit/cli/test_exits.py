import signal
import sys

import pytest

COMMANDS = [("fit", "digits"), ("predict", "digits-fit", "new.csv")]


@pytest.mark.parametrize("words", COMMANDS, ids=["fit", "predict"])
def test_bad_input_is_one_message_and_exit_2(install, run, words):
    install("refuse")
    done = run(*words)
    assert done.exit_code == 2
    assert done.stderr == "error: `--target` must name a column. Found `diagnose`. Did you mean `diagnosis`?\n"
    assert done.stdout == ""


@pytest.mark.parametrize("words", COMMANDS, ids=["fit", "predict"])
def test_a_fault_of_the_program_is_exit_3_and_says_how_to_see_it(install, run, words):
    install("break")
    done = run(*words)
    assert done.exit_code == 3
    assert done.stderr.startswith("internal error: KeyError: 'layer 3'. This is a fault of justfit, not of your input;")
    assert "JUSTFIT_DEBUG=1" in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize(("behaviour", "code"), [("refuse", 2), ("break", 3)])
def test_debug_shows_the_traceback_and_keeps_the_exit_code(install, run, monkeypatch, behaviour, code):
    install(behaviour)
    monkeypatch.setenv("JUSTFIT_DEBUG", "1")
    done = run("fit", "digits")
    assert done.exit_code == code
    assert f"in _{behaviour}\n    raise " in done.stderr


def test_too_little_memory_says_what_to_do(install, run):
    install("exhaust")
    done = run("fit", "digits")
    assert done.exit_code == 3
    assert "Use `--quick`" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (COMMANDS[0], "Nothing was written."),
        (COMMANDS[1], "No predictions were written."),
    ],
    ids=["fit", "predict"],
)
def test_ctrl_c_with_nothing_usable_says_so(install, run, words, message):
    install("interrupt")
    done = run(*words)
    assert done.exit_code == 130
    assert done.stderr == f"interrupted: {message}\n"
    assert done.stdout == ""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_delivers_the_best_so_far(start, number):
    process = start("wait_for_a_signal", "fit", "digits")
    assert process.stderr.readline() == "sweep: 60 networks\n"  # so it is waiting by now
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert stdout.startswith("verdict: overfitting")
    assert stderr.startswith("interrupted: This is the best network so far")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_too_early_leaves_nothing(start, number):
    process = start("wait_and_give_up", "fit", "digits")
    assert process.stderr.readline() == "reading\n"
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert stdout == ""
    assert stderr == "interrupted: Nothing was written.\n"
