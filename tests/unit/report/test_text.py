"""The terminal: in order, in its width, without colour, and deaf to escapes."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from justfit.report import build_document, render_text
from tests.unit.report import patients


def printed(result, *, width=80, encoding="utf-8", **options):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
    console = Console(file=stream, width=width, highlight=False, **options)
    render_text(result, console, files={"Report": "out/report.html"})
    stream.flush()
    return stream.buffer.getvalue().decode(encoding)


def squeezed(text):
    return " ".join(text.replace("│", " ").split())


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("name", patients.ALL)
def test_every_patient_fits_every_width(name, width):
    text = printed(patients.ALL[name](), width=width)
    assert max(cell_len(line) for line in text.splitlines()) <= width
    assert "nan" not in text.replace("nances", "")
    assert "\x1b" not in text, "not a terminal, so no escapes"


def test_the_order_is_verdict_choice_test_next_steps_files():
    text = squeezed(printed(patients.interrupted()))
    landmarks = [
        "Note: This run was cut short: interrupted after epoch 7 of 60",
        "The network overfits",
        "Without regularization the network overfits (probability > 0.99)",
        "Use λ = 3",
        "On 450 held-out test examples",
        "JF101 overfitting in network",
        "Next steps",
        "Report: out/report.html",
    ]
    assert [text.index(words) for words in landmarks] == sorted(text.index(words) for words in landmarks)


def test_the_terminal_says_what_the_document_says():
    for patient in (patients.overfitting, patients.not_helping, patients.regression, patients.undecided):
        document = build_document(patient())
        text = squeezed(printed(patient()))
        for sentence in (document.headline, document.verdict, *document.choice, *document.test.sentences):
            assert sentence in text


def test_the_grid_shows_every_cell_and_its_marks():
    text = printed(patients.diverged())
    assert "★0.145" in text
    assert "◆0.147" in text
    assert text.count("≈") == 3  # two more near-best cells, and the key
    assert text.count(" diverged ") == 5
    assert "★" not in printed(patients.large_grid(), width=60), "a grid wider than the terminal is left to the page"


def test_a_terminal_gets_colour_unless_it_says_no(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[1;33m" in printed(patients.overfitting(), force_terminal=True)
    assert "\x1b[1;33m" not in printed(patients.overfitting(), force_terminal=True, no_color=True)


def test_hostile_names_are_printed_as_they_are():
    text = printed(patients.hostile())
    assert "[bold red]markup[/] [link=x]" in text
    assert "\x00" not in text
    assert "�[31mred" in text


@pytest.mark.parametrize(
    ("encoding", "words"), [("ascii", "Use l2 = 3"), ("cp1252", "Use l2 = 3"), ("utf-8", "Use λ = 3")]
)
def test_a_terminal_without_greek_gets_letters_it_has(encoding, words):
    text = printed(patients.overfitting(), encoding=encoding)
    assert words in text
    assert "?" not in text
    printed(patients.hostile(), encoding=encoding)
