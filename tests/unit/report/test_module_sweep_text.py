"""What a sweep over any network looks like in a terminal."""

import dataclasses
import io

import pytest
from rich.console import Console

from justfit.report import render_module_sweep_text
from tests.unit.records.test_module_sweep import make_cell, make_record


def printed(record, width=160, encoding=None):
    buffer = io.StringIO() if encoding is None else io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    render_module_sweep_text(record, Console(file=buffer, width=width))
    if encoding is None:
        return buffer.getvalue()
    buffer.flush()
    return buffer.buffer.getvalue().decode(encoding)


def test_the_choice_its_worth_and_its_cost():
    text = printed(make_record())
    assert "Train with λ = 1, dropout 0.2: 0.100 ± 0.020 nats better than λ = 0, dropout 0." in text
    assert "Validation loss 0.400 ± 0.020 nats after epoch 2 of 3 (5 folds, 1 seed, 200 examples)." in text
    assert (
        "Confidence 0.80 that it is as good as the best; 2 of the 5 settings trained cannot be told from the best"
        in text
    )
    assert "(grid: 8)" in text
    assert "Stopped early: 1 could not catch up, 1 was not finite." in text
    assert (
        "25 networks of Net in 3.50 CPU s, 58.3 % of the epochs of the whole grid; loop tier: It was asked for." in text
    )
    assert "Note: A note." in text
    assert "ended early" not in text


def test_keeping_the_corner():
    record = make_record(chosen=0, helps=False)
    assert "Keep λ = 0, dropout 0: nothing tried is distinguishably better (the nearest by 0.100 ± 0.020" in printed(
        record
    )


def test_only_what_differs_is_named():
    cells = (make_cell(0.0), make_cell(1.0, loss=0.4, ridge=True, share=1.0))
    text = printed(make_record(cells=cells, best=1, chosen=1))
    assert "Train with λ = 1: " in text
    assert "dropout" not in text
    setting = dataclasses.replace(cells[1].setting, learning_rate=0.01, init="he")
    mixed = (cells[0], dataclasses.replace(cells[1], setting=setting))
    text = printed(make_record(cells=mixed, best=1, chosen=1))
    assert "Train with λ = 1, learning rate 0.01, init he: " in text
    assert "better than λ = 0, learning rate as built, init as built." in text


def test_a_corner_that_diverged_is_not_called_worse_by_a_number():
    text = printed(make_record(improvement=float("nan"), improvement_se=float("nan")))
    assert "Train with λ = 1, dropout 0.2: with λ = 0, dropout 0 networks did not stay finite." in text


def test_an_early_end_is_said():
    assert "The sweep ended early: the time budget ended after epoch 1." in printed(
        make_record(interrupted="the time budget ended after epoch 1")
    )


@pytest.mark.parametrize("width", [40, 80])
def test_a_narrow_or_plain_terminal_shows_it_too(width):
    assert "dropout 0.2" in " ".join(printed(make_record(), width=width).split())
    text = printed(make_record(), encoding="ascii")
    assert "l2 = 1" in text
    assert "+-" in text
