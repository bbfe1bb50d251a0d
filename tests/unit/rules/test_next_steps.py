"""What to do next: each branch, in order, never silence."""

import dataclasses

import pytest

from justfit.rules import next_steps
from tests.unit.records.samples import FINDING, SWEEP, VERDICT

FITS = dataclasses.replace(VERDICT, state="just_right")
UNDER = dataclasses.replace(VERDICT, state="underfitting")
UNDECIDED = dataclasses.replace(VERDICT, state="undecided")
# 3 l2 × 3 dropouts; the middle is chosen, surely, and nothing diverged
GRID = ((1.0,) * 3,) * 3
MIDDLE = dataclasses.replace(
    SWEEP,
    l2=(0.0, 1.5, 15.0),
    **dict.fromkeys(
        ("validation_loss", "validation_loss_se", "train_loss", "difference", "difference_se", "bootstrap_share"), GRID
    ),
    ridge=((False,) * 3, (False, True, False), (False,) * 3),
    best=(1, 1),
    chosen=(1, 1),
    confidence=0.99,
    num_diverged=0,
)
NO_HELP = dataclasses.replace(MIDDLE, chosen=(0, 0), helps=False)


def no_signal(verdict):
    return dataclasses.replace(verdict, findings=(dataclasses.replace(FINDING, code="JF104"),))


TRAIN = "Train with l2 = 1.5 and dropout = 0.2."
MORE_DATA = (
    "Get more data, or a smaller network: of the tried l2 and dropout none is distinguishably better than none "
    "(best gain 0.1 ± 0.012)."
)
MORE_NETWORK = (
    "Give the network more: wider or more layers (--hidden 256,256), or more training (leave out --quick, or raise "
    "--budget)."
)
LOOK = "Look at the table first: no network of the sweep is distinguishably better than a constant."
LARGEST_L2 = "The chosen l2 is the largest tried; the data may hold little that this network can learn."
LARGEST_DROPOUT = "The chosen dropout is the largest tried (0.5); a smaller network may do."
MORE_ROWS = "Bring more rows, or let the run finish: the verdict is within its uncertainty."
NOTHING = "Nothing: the network fits without regularization."


@pytest.mark.parametrize(
    ("verdict", "sweep", "expected"),
    [
        (VERDICT, MIDDLE, (TRAIN,)),
        (FITS, MIDDLE, (TRAIN,)),
        (VERDICT, NO_HELP, (MORE_DATA,)),
        (FITS, NO_HELP, (NOTHING,)),
        (UNDER, NO_HELP, (MORE_NETWORK,)),
        (UNDER, MIDDLE, (TRAIN, MORE_NETWORK)),
        (UNDECIDED, NO_HELP, (MORE_ROWS,)),
        (
            VERDICT,
            dataclasses.replace(MIDDLE, chosen=(2, 1)),
            ("Train with l2 = 15 and dropout = 0.2.", LARGEST_L2),
        ),
        (
            VERDICT,
            dataclasses.replace(MIDDLE, chosen=(1, 2)),
            ("Train with l2 = 1.5 and dropout = 0.5.", LARGEST_DROPOUT),
        ),
        (
            UNDECIDED,
            dataclasses.replace(MIDDLE, chosen=(2, 2)),
            ("Train with l2 = 15 and dropout = 0.5.", LARGEST_L2, LARGEST_DROPOUT, MORE_ROWS),
        ),
        (
            FITS,
            dataclasses.replace(NO_HELP, confidence=0.412),
            ("The choice is as good as the best with probability 0.41; more rows would make it surer.",),
        ),
        (
            FITS,
            dataclasses.replace(NO_HELP, confidence=0.412, num_folds=3, num_seeds=3),
            (
                "The choice is as good as the best with probability 0.41; a larger budget (more folds and seeds) would "
                "make it surer.",
            ),
        ),
        (no_signal(VERDICT), NO_HELP, (LOOK, MORE_DATA)),
        (no_signal(FITS), MIDDLE, (LOOK, TRAIN)),
        (no_signal(FITS), NO_HELP, (LOOK,)),
        (
            FITS,
            dataclasses.replace(NO_HELP, num_diverged=10),
            ("10 of 60 networks diverged: try a smaller learning rate.",),
        ),
    ],
)
def test_steps(verdict, sweep, expected):
    assert next_steps(verdict, sweep) == expected


def one_value(sweep, name):
    """The user fixed l2, or dropout, so the grid has one row, or one column."""
    names = ("validation_loss", "validation_loss_se", "train_loss", "difference", "difference_se", "ridge")
    names = (*names, "bootstrap_share")
    if name == "l2":
        changes = {grid: getattr(sweep, grid)[:1] for grid in names}
        return dataclasses.replace(sweep, l2=(1.5,), chosen=(0, 1), **changes)
    changes = {grid: tuple(row[:1] for row in getattr(sweep, grid)) for grid in names}
    return dataclasses.replace(sweep, dropout=(0.2,), chosen=(1, 0), **changes)


@pytest.mark.parametrize("name", ["l2", "dropout"])
def test_a_value_that_the_user_fixed_is_not_called_the_largest_tried(name):
    assert next_steps(VERDICT, one_value(MIDDLE, name)) == (TRAIN,)
