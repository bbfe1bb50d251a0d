import math

import pytest
from rich.console import Console

from justfit.records import CureCost, CureRecord, TriedChange
from justfit.report import render_cure_text

CAUSES = ("normalization/depth", "initialization", "learning rate", "input scaling")


def tried(gain=0.3, *, cause="initialization", chosen=False, name="initialize with scheme auto", epochs=30.0):
    return TriedChange(
        name=name, cause=cause, because=(), epochs=epochs, share=0.5, gain=gain, gain_se=0.01, gain_lower=gain - 0.02,
        gain_upper=gain + 0.02, num_seeds=1, trouble="", chosen=chosen,
    )  # fmt: skip


def record(**given):
    gain = tried(chosen=True)
    values = {
        "state": "cured", "cause": "initialization", "module": "Net", "reasons": (), "changes": (), "patch": "",
        "tried": (gain,), "findings": (), "verdict": None, "share_before": 0.2, "share_after": 0.9,
        "error_before": 0.5, "error_after": 0.1, "reference_share": 0.92, "epochs_before": 30.0, "epochs_after": 30.0,
        "gain": gain, "notes": (), "interrupted": False,
        "cost": CureCost(network_epochs=60.0, trainings=2.0, seconds=1.0, training_seconds=0.5, budget=3.0),
    }  # fmt: skip
    return CureRecord(**(values | given))


def text_of(one, width=80):
    console = Console(width=width)
    with console.capture() as printed:
        render_cure_text(one, console)
    return printed.get()


def flat(text):
    return " ".join(text.split())


def test_the_headline_of_a_cure_names_the_cause():
    assert text_of(record()).startswith("Net is cured; the cause: initialization.")
    assert text_of(record(reference_share=math.nan)).startswith("Net is cured")


def test_what_is_still_far_below_the_reference_is_not_called_cured_in_words():
    text = flat(text_of(record(share_after=0.228, reference_share=0.99)))
    words = "Net is better, and still 76.2 % of the learnable short of a closed-form fit of the same rows."
    assert text.startswith(f"{words} What helped: initialization.")
    text = flat(text_of(record(share_before=-3.0, share_after=-0.12, reference_share=0.39, gain=tried(2.7))))
    assert "still 39.0 % of the learnable short" in text
    assert "and worse than the best constant prediction. What helped" in text
    assert "Before: 0 % of the learnable, worse than the best constant prediction, after 30 epochs;" in text
    assert "(over 100 % more at epoch 30, at least over 100 %)" in text


def test_gains_are_told_without_noise():
    gains = (-8.91e-17, -314.11, 3.686, 0.2519, -0.2724)
    text = text_of(record(tried=tuple(tried(gain) for gain in gains)))
    for shown in ("0 %", "far worse", "> 100 %", "25.2 %", "−27.2 %"):
        assert f" {shown} " in text
    assert "It is above 100 % where your training is worse than the best constant prediction." in flat(text)
    assert "10⁻" not in text
    assert "e-" not in text


def test_no_word_is_broken_in_eighty_columns():
    name = "standardise the inputs, and layer normalisation before the hidden activations"
    rows = tuple(tried(-0.2724, cause=cause, name=name, chosen=True, epochs=3.7333) for cause in CAUSES)
    lines = text_of(record(tried=rows)).splitlines()
    words = {word for line in lines for word in line.split()}
    assert {"normalization/depth", "initialization", "normalisation", "activations"} <= words
    assert max(map(len, lines)) <= 80


def test_what_leaves_nothing_to_do_is_the_headline():
    notes = ("All examples have the same inputs: there is nothing to learn from.", "Your training was stopped.")
    text = flat(text_of(record(state="no cure found", cause="", tried=(), gain=None, notes=notes)))
    assert text.startswith(f"No cure found for Net, and nothing was tried. {notes[0]}")
    assert text.count(notes[0]) == 1
    assert f"Note: {notes[1]}" in text


@pytest.mark.parametrize("state", ["cured", "no cure found", "undecided"])
def test_a_likely_cause_stands_before_all_numbers(state):
    note = "The likely cause: `2.weight` is frozen (requires_grad=False) with all its entries alike."
    text = flat(text_of(record(state=state, notes=("One thing.", note))))
    assert text.index(note) < text.index("Before:")
    assert text.count(note) == 1
    assert "Note: One thing." in text
