"""A checkup and a comparison in a terminal."""

import io
import re
import time
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from justfit.records import SchemeCheckup, Unjudged
from justfit.report import render_checkup_text, render_comparison_text
from justfit.report._checkup_layers import chosen_layers
from justfit.report._checkup_words import trainability_sentence, verdict
from justfit.report._scheme_words import best_sentence, comparison_title, what_to_do
from justfit.report._schemes import build_comparison_document
from justfit.report._schemes_text import sparkline
from justfit.report._terminal import writer
from tests.unit.report import checkups


def printed(render, record, *, width=100, encoding="utf-8", **options):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
    render(record, Console(file=stream, width=width, highlight=False), **options)
    stream.flush()
    return stream.buffer.getvalue().decode(encoding)


def squeezed(text):
    return " ".join(text.split())


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("name", checkups.ALL)
def test_every_checkup_fits_every_width(name, width):
    text = printed(render_checkup_text, checkups.ALL[name](), width=width, verbose=True)
    assert max(cell_len(line) for line in text.splitlines()) <= width
    assert "nan" not in text
    assert "\x1b" not in text


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("name", checkups.COMPARISONS)
def test_every_comparison_fits_every_width(name, width):
    text = printed(render_comparison_text, checkups.COMPARISONS[name](), width=width)
    assert max(cell_len(line) for line in text.splitlines()) <= width
    assert "nan" not in text
    assert "\x1b" not in text


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_without_greek_gets_letters_it_has(encoding):
    for name, patient in checkups.ALL.items():
        text = printed(render_checkup_text, patient(), encoding=encoding, verbose=True)
        assert name == "hostile" or "?" not in text
    for name, schemes in checkups.COMPARISONS.items():
        text = printed(render_comparison_text, schemes(), encoding=encoding)
        assert name == "hostile" or "?" not in text
    text = printed(render_comparison_text, checkups.comparison(), encoding=encoding)
    assert "1.2*10^74" in text, "1.2*1074 would be another number"
    assert "1.2*10^-124" in text
    assert "########" in text
    assert re.search(r"\binf\b", printed(render_checkup_text, checkups.unmeasured(), encoding=encoding))


def test_each_block_of_a_plot_and_a_gap_has_a_letter_of_its_own():
    console = Console(file=io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert writer(console)("▁▂▃▄▅▆▇█· ").plain == "_.-~=+%#* "


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("healthy", "No findings: signals and gradients pass through all 52 layers of MyNet."),
        ("empty", "No findings: MyNet has no layers with weights."),
        ("vanishing", "3 errors, 1 warning, 1 note in MyNet (100 layers): vanishing gradient, dead units, unscaled"),
        ("unmeasured", "1 error in MyNet (2 layers): vanishing gradient."),
    ],
)
def test_the_first_line_is_the_verdict(name, words):
    assert printed(render_checkup_text, checkups.ALL[name](), width=200).splitlines()[0].startswith(words)


def test_no_findings_promises_only_what_was_measured():
    blind = replace(checkups.unmeasured(), findings=())
    assert verdict(blind) == "No findings in MyNet (2 layers), but whether it will train could not be told."
    low = checkups.checkup(3, score=0.05)
    assert verdict(low) == "No findings in MyNet (3 layers), but its trainability, 0.050, is below 0.5."
    open_question = checkups.checkup(3, score=0.2)
    assert "trainability" not in verdict(open_question), "one in five trains: no reason to warn unasked"
    one = checkups.checkup(1)
    assert verdict(one) == "No findings: signals and gradients pass through the one layer of MyNet."
    trunk = tuple(replace(point, gradient_norm=float("nan")) for point in one.evidence.trunk)
    forward = replace(one, evidence=replace(one.evidence, trunk=trunk))
    assert verdict(forward) == "No findings: signals pass through the one layer of MyNet."
    bare = replace(one, evidence=replace(one.evidence, trunk=()))
    assert verdict(bare) == "No findings in MyNet (1 layer)."


def test_a_finding_is_a_block_as_a_linter_prints_it():
    lines = printed(render_checkup_text, checkups.vanishing(), width=200).splitlines()
    k = lines.index(
        "net.py:44: JF201 error  features.3  vanishing gradient — ∂L/∂activation falls by e^14.2 back to `features.3`"
    )
    assert lines[k + 1].rstrip() == "    cure: Run justfit.initialize_(module, *inputs, scheme='auto')."
    assert lines[k + 2] == ""
    assert any(line.startswith("JF306 info  input 0  unscaled input — ") for line in lines), "no source, no place"


def test_trainability_and_loss_are_said():
    text = squeezed(printed(render_checkup_text, checkups.vanishing()))
    assert "Trainability 0.030 of 1, below the threshold 0.5: such networks trained with probability 0.03" in text
    assert "Limited by: the gradient falls 10⁻³⁰-fold." in text
    assert "Loss cross_entropy: 2.41 nats; an uninformed prediction costs 2.30 (ln 10)." in text
    text = squeezed(printed(render_checkup_text, checkups.unmeasured()))
    assert "Trainability could not be told. Limited by: infinite activations." in text
    assert "No loss was given; the gradients are those of a random projection of the output." in text
    assert "Note: The backward pass was not run: the output does not require a gradient." in text


def test_unjudged_rules_are_never_silent():
    text = squeezed(printed(render_checkup_text, checkups.vanishing()))
    assert "1 rule could not judge. Verbose output says why." in text
    assert "no attention" not in text
    text = squeezed(printed(render_checkup_text, checkups.vanishing(), verbose=True))
    assert "Rules that could not judge • JF210: the network has no attention" in text
    assert "wrong when: Adam makes up" in text
    twice = replace(
        checkups.healthy(), unjudged=(Unjudged(code="JF210", reason="a"), Unjudged(code="JF210", reason="b"))
    )
    assert "1 rule could not judge." in printed(render_checkup_text, twice)


def test_the_layers_of_a_deep_network_are_those_worth_a_look():
    made = checkups.checkup(1000, findings=[checkups.finding(k=437)])
    layers = list(made.layers)
    for k, changes in {611: {"forward_gain": 40.0}, 612: {"backward_gain": 0.0}, 613: {"forward_gain": 1e-9}}.items():
        layers[k] = replace(layers[k], **changes)
    made = replace(made, evidence=replace(made.evidence, layers=tuple(layers)))
    chosen = chosen_layers(made)
    assert len(chosen) <= 16
    assert chosen == sorted(set(chosen))
    assert {0, 999, 437, 611, 612, 613} <= set(chosen)
    text = squeezed(printed(render_checkup_text, made))
    assert f"{len(chosen)} of 1,000 layers in order of execution, {1000 - len(chosen)} left out" in text
    assert chosen_layers(checkups.checkup(16)) == list(range(16))
    assert "left out" not in printed(render_checkup_text, checkups.checkup(16))


def test_names_are_text_not_markup():
    text = printed(render_checkup_text, checkups.hostile(), verbose=True, width=300)
    assert "[bold red]markup[/] [link=x]" in text
    assert "\x00" not in text
    assert "�[31mred" in text


def test_ten_thousand_layers_take_less_than_a_second():
    findings = [checkups.finding(k=k) for k in range(10_000)]
    made = checkups.checkup(10_000, findings=findings)
    printed(render_checkup_text, checkups.healthy())  # imports rich
    start = time.process_time()
    text = printed(render_checkup_text, made)
    assert time.process_time() - start < 1.0
    assert "9,900 more findings; verbose output has all." in text


def test_a_comparison_says_who_loses_and_who_keeps():
    lines = printed(render_comparison_text, checkups.xavier_and_auto()).splitlines()  # 0.7^99: without the output
    assert lines[0] == "Most trainable: auto, 0.98 of 1; 1 of 2 reaches the threshold 0.5.", "what to take stands first"
    assert lines[1] == "xavier loses the gradient: 4.6·10⁻¹⁶ of it is left after 100 layers; auto keeps it."
    assert lines[2] == "xavier loses the signal: 4.6·10⁻¹⁶ of it is left after 100 layers; auto keeps it."
    blind = printed(render_comparison_text, checkups.COMPARISONS["unmeasured"]()).splitlines()
    assert blind[0] == "The gradient was not measured under any scheme."
    assert blind[2] == "Trainability could not be told under any scheme."
    zero = comparison_title(checkups.comparison(), "gradient")
    assert zero == "zero loses the gradient: nothing is left after 100 layers; auto keeps it."
    text = printed(render_comparison_text, checkups.comparison())
    assert "typo could not be applied: `typo` is not a scheme." in text


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        (("normal:1.0", "he"), "normal:1.0 blows up the gradient: 1.2·10⁷⁴ times after 100 layers; he keeps it."),
        (("xavier", "zero"), "zero loses the gradient: nothing is left after 100 layers; no scheme keeps it."),
        (("he", "auto"), "No scheme loses the gradient: he changes it most, 0.37 times."),
        ((), "The gradient was not measured under any scheme."),
    ],
)
def test_titles_of_comparisons(kept, words):
    made = checkups.comparison()
    made = replace(made, schemes=tuple(entry for entry in made.schemes if entry.scheme in kept))
    assert comparison_title(made, "gradient") == words


@pytest.mark.parametrize(
    ("score", "probability", "words"),
    [
        (
            0.0641,
            0.28,
            "Trainability 0.064 of 1, below the threshold 0.117: such networks trained with probability 0.28",
        ),
        (0.117, 0.5, "Trainability 0.12 of 1, at or above the threshold 0.117: such"),
        (0.1169, 0.5, "Trainability 0.1169 of 1, below the threshold 0.117: such"),
        (0.1171, 0.5, "Trainability 0.12 of 1, at or above the threshold 0.117: such"),
        (1e-300, 0.0, "Trainability 1.0·10⁻³⁰⁰ of 1, below the threshold 0.117: such"),
    ],
)
def test_the_score_that_is_shown_lies_on_the_side_of_its_threshold_that_is_said(score, probability, words):
    made = checkups.checkup(3).trainability
    assert trainability_sentence(replace(made, score=score, probability=probability, threshold=0.117)).startswith(words)


def test_a_scheme_reaches_the_threshold_by_its_score_alone():
    doubtful = checkups.checkup(3, score=0.28)
    hopeless, good = checkups.checkup(3, score=0.02), checkups.checkup(3, score=0.9)
    schemes = tuple(
        SchemeCheckup(scheme=name, checkup=made)
        for name, made in (("he", doubtful), ("zero", hopeless), ("auto", good))
    )
    made = replace(checkups.comparison(), schemes=schemes)
    assert best_sentence(made) == "Most trainable: auto, 0.90 of 1; 1 of 3 reaches the threshold 0.5."
    document = build_comparison_document(made)
    assert document.tone == "good"
    assert [card.note for card in document.cards] == [
        "below 0.5, in doubt",
        "below 0.5, should not train",
        "should train",
    ]
    built = replace(made, schemes=(*schemes[:2], replace(schemes[2], scheme="as built")))
    assert what_to_do(built) == ("Nothing: the network is best as it is built.",)
    made = replace(made, schemes=schemes[:2])
    assert best_sentence(made) == "Most trainable: he, 0.28 of 1; none of 2 reaches the threshold 0.5."
    assert build_comparison_document(made).tone == "open"
    assert build_comparison_document(replace(made, schemes=schemes[1:2])).tone == "bad"


def test_sparklines_share_one_scale():
    assert sparkline([1e-7, 1e-3, 1.0], 1e-7, 1.0, 40) == "▁▅█"
    assert sparkline([1e-9, 0.0, float("nan"), float("inf")], 1e-7, 1.0, 40) == "▁ ·█"
    assert len(sparkline([1.0] * 1000, 0.1, 1.0, 32)) == 32
    assert sparkline([], 0.1, 1.0, 32) == ""


def test_a_network_of_which_nothing_was_seen_is_not_called_clear():
    made = checkups.checkup(3)
    unseen = replace(made, evidence=replace(made.evidence, layers=(), trunk=(), num_parameters=1234), findings=())
    text = squeezed(printed(render_checkup_text, unseen))
    assert f"Nothing could be judged: none of the 1,234 parameters of {made.evidence.module} was seen." in text
    assert "No findings" not in text
