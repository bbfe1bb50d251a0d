import subprocess
import sys
from importlib.metadata import version

import pytest

import justfit
from justfit.cli import main


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["fit", "--help"], ["predict", "--help"]])
def test_every_help_text_has_an_example_and_fits_the_terminal(run, words):
    done = run(*words)
    assert done.exit_code == 0
    assert "  justfit " in done.stdout.split("Options:")[1]
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_help_lists_the_commands_without_cutting_their_words(run):
    text = run("--help").stdout
    assert "fit      Find the network that fits your table.\n" in text
    assert "predict  Predict new rows with the network in DIR.\n" in text


def test_no_words_show_the_help(run):
    assert run().output == run("--help").output


def test_version_is_that_of_the_distribution(run):
    assert run("--version").stdout == f"justfit {version('justfit')}\n"
    assert justfit.__version__ == version("justfit")


@pytest.mark.parametrize("words", [["--version"], ["fit"], ["nothing"]])
def test_main_always_ends_the_process(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == (0 if words == ["--version"] else 2)
    assert "justfit" in "".join(capsys.readouterr())


def test_the_module_runs_as_the_program_does():
    done = subprocess.run([sys.executable, "-m", "justfit", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"justfit {version('justfit')}\n"


def test_the_package_shows_its_public_names_and_no_others():
    assert set(justfit.__all__) <= set(dir(justfit))
    assert issubclass(justfit.JustFitError, Exception)
    with pytest.raises(AttributeError, match="module 'justfit' has no attribute 'lambd'"):
        _ = justfit.lambd


@pytest.mark.parametrize("name", justfit.__all__)
def test_every_public_name_can_be_had(name):
    value = getattr(justfit, name)
    assert vars(justfit)[name] is value  # kept, so that the next access is an ordinary one


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "report x --output-format github",
            "'--output-format': 'github' is not one of 'html', 'text', 'json', 'sarif'.",
        ),
        ("fit digits --task Ranking", "'--task': 'Ranking' is not one of 'auto', 'classification', 'regression'."),
        ("fit digits --seed one", "'--seed': "),
    ],
)
def test_a_wrong_word_is_told_in_plain_words(run, words, message):
    done = run(*words.split())
    assert done.exit_code == 2
    assert f"Error: Invalid value for {message}" in done.stderr
    assert "Value error" not in done.stderr
