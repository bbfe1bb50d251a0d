"""The grid of a sweep over any module."""

import math

import pytest

from justfit.errors import ArgumentError
from justfit.sweep import Setting
from justfit.sweep._axes import (
    Axes,
    Cell,
    are_neighbours,
    between,
    read_dropout,
    read_init,
    read_l2,
    read_learning_rate,
)


def test_the_first_cell_is_the_corner():
    axes = Axes((0.0, 1.0), (0.1, 0.4), (1e-2, 1e-3), (None, "he"))
    cells = axes.cells()
    assert cells[0].setting == Setting(l2=0.0, dropout=0.1, learning_rate=1e-2, init=None)
    assert len(cells) == len({cell.setting for cell in cells}) == 16
    assert cells[0].place == (0.0, 0.0, 1.0), "learning rates stand in the order given, places in ascending order"


def test_neighbours_are_one_step_away_on_every_axis_and_of_one_init():
    cells = {cell.setting: cell for cell in Axes((0.0, 1.0, 10.0), (0.0, 0.2, 0.4), (None,), (None, "he")).cells()}
    here = cells[Setting(l2=1.0, dropout=0.2)]
    near = [cell for cell in cells.values() if are_neighbours(here, cell)]
    assert len(near) == 9
    assert not are_neighbours(here, cells[Setting(l2=1.0, dropout=0.2, init="he")])
    assert not are_neighbours(cells[Setting(l2=0.0, dropout=0.0)], cells[Setting(l2=10.0, dropout=0.0)])


def test_between_is_the_geometric_mean():
    cells = Axes((0.0, 1.0, 10.0), (0.0, 0.2), (None,), (None,)).cells()
    zero, one, ten = cells[0], cells[2], cells[4]
    made = between(one, ten)
    assert made.setting.l2 == pytest.approx(math.sqrt(10))
    assert made.place == (1.5, 0.0, 0.0)
    assert between(zero, one) is None, "there is no half of the way to zero"
    assert between(one, Cell(Setting(l2=10.0, dropout=0.2), (2, 1, 0))) is None


def test_arguments_are_sorted_and_made_unique():
    assert read_l2(None) is None
    assert read_l2(2) == (2.0,)
    assert read_l2([1, 0, 1.0]) == (0.0, 1.0)
    assert read_dropout((0.5, 0)) == (0.0, 0.5)
    assert read_learning_rate(None) == (None,)
    assert read_learning_rate([0.1, 0.01, 0.1]) == (0.1, 0.01), "the first is the one used so far"
    assert read_init("he") == ("he",)
    assert read_init([None, "he"]) == (None, "he")


@pytest.mark.parametrize(
    ("read", "given", "message"),
    [
        (read_l2, [], r"`l2` must hold at least one value to try\. Found `l2=\[\]`\. Leave `l2` out"),
        (read_dropout, (), r"`dropout` must hold at least one value to try"),
        (read_l2, -1, r"`l2` must be finite and at least 0\. Found `l2=-1\.0`\. It is the λ"),
        (read_l2, [0, float("nan")], r"`l2` must be finite and at least 0\. Found `l2=nan`"),
        (read_dropout, 1.0, r"`dropout` must lie in \[0, 1\)\. Found `dropout=1\.0`"),
        (read_learning_rate, 0.0, r"`learning_rate` must be positive and finite\. Found `learning_rate=0\.0`"),
        (read_l2, "much", r"`l2` must be a number or a sequence of numbers\. Found `l2='much'`\. Give for example"),
        (read_l2, [None], r"`l2` must be a number or a sequence of numbers\. Found `l2=None`"),
        (
            read_init,
            "warm",
            r"`init` must be one of zero, .*auto, or None for the network as built\. Found `init='warm'`",
        ),
        (read_init, [], r"`init` must hold at least one value to try"),
    ],
)
def test_arguments_outside_their_contract(read, given, message):
    with pytest.raises(ArgumentError, match=message):
        read(given)
