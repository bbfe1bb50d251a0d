from pathlib import Path


def test_predictions_go_to_stdout_as_csv_and_notes_to_stderr(install, run):
    calls = install()
    done = run("predict", "digits-fit", "new.csv")
    assert done.exit_code == 0
    assert done.stdout == "prediction,p_ü\nü,0.75\nb,0.25\n"
    assert done.stderr == "note: 2 unknown categories in `town`\n"
    assert calls == [(Path("digits-fit"), "new.csv", {"out": None})]


def test_with_a_file_stdout_stays_empty(install, run):
    calls = install()
    done = run("predict", "digits-fit", "new.csv", "--out", "p.parquet")
    assert done.exit_code == 0
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1] == "2 predictions written to p.parquet"
    assert calls[0][2] == {"out": Path("p.parquet")}


def test_quiet_leaves_the_notes_out(install, run):
    install()
    assert run("predict", "digits-fit", "new.csv", "-q").stderr == ""


def test_both_words_are_needed(install, run):
    calls = install()
    done = run("predict", "digits-fit")
    assert done.exit_code == 2
    assert "Missing argument 'TABLE'" in done.stderr
    assert calls == []
