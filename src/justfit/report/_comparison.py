"""The held-out test part in words: before and after, with paired intervals."""

from __future__ import annotations

import math

from justfit.records import FitResult, SweepRecord, TestComparison
from justfit.report._choice import cell_name
from justfit.report._document import Section, Table
from justfit.report._names import shown
from justfit.report._numbers import change_interval, count, number, percent, signed, with_unit
from justfit.report._verdict import loss_unit

_HEADING = "On rows no network has seen"


def test_section(result: FitResult) -> Section:
    """Compare the test part before (no regularization) and after (the choice)."""
    test = result.test
    if test is None:
        return Section(key="test", heading=_HEADING, sentences=("No rows were held out, so this was not measured.",))
    kept = result.sweep.chosen == (0, 0)
    sentences = (_delivered_sentence(test, result.sweep),) if kept else (_loss_sentence(test), _score_sentence(test))
    return Section(key="test", heading=_HEADING, sentences=sentences, tables=(_test_table(test, result.sweep),))


test_section.__test__ = False  # type: ignore[attr-defined]  # pytest would otherwise collect it where it is imported


def score(test: TestComparison, value: float) -> str:
    """Write a score as its name asks: an accuracy in percent, anything else as a number."""
    return percent(value) if test.score_name == "accuracy" else number(value)


def _loss_sentence(test: TestComparison) -> str:
    return _change_sentence(
        f"On {count(test.num_examples, 'held-out test example')} the loss",
        (number(test.loss_before), with_unit(number(test.loss_after), loss_unit(test.unit))),
        test.loss_interval,
        change_interval(*test.loss_interval, loss_unit(test.unit)),
    )


def _score_sentence(test: TestComparison) -> str:
    return _change_sentence(
        f"The {shown(test.score_name, 30)}",
        (score(test, test.score_before), score(test, test.score_after)),
        test.score_interval,
        _score_interval(test),
    )


def _change_sentence(what: str, values: tuple[str, str], interval: tuple[float, float], written: str) -> str:
    before, after = values
    moves = f"{what} goes from {before} to {after}"
    if not all(math.isfinite(end) for end in interval):
        return f"{what} is {after} with the choice and {before} without regularization, so the change is not known."
    told = "is" if interval[0] > 0 or interval[1] < 0 else "is not"
    return f"{moves}; the 95 % interval of the change is {written}, so the change {told} distinguishable from chance."


def _delivered_sentence(test: TestComparison, record: SweepRecord) -> str:
    return (
        f"{cell_name(record.l2[0], record.dropout[0])} is kept, so before and after are the same. On "
        f"{count(test.num_examples, 'held-out test example')} the delivered network has loss "
        f"{with_unit(number(test.delivered_loss), loss_unit(test.unit))} and "
        f"{shown(test.score_name, 30)} {score(test, test.delivered_score)}."
    )


def _test_table(test: TestComparison, record: SweepRecord) -> Table:
    before = cell_name(record.l2[0], record.dropout[0])
    after = cell_name(record.chosen_l2, record.chosen_dropout)
    return Table(
        caption=f"Test part, {count(test.num_examples, 'example')}: means over {count(test.num_seeds, 'network')} on "
        f"each side; loss in {loss_unit(test.unit)}; intervals paired by example.",
        columns=("Network", "Loss", shown(test.score_name, 30).capitalize()),
        rows=(
            (f"Before: {before}", number(test.loss_before), score(test, test.score_before)),
            (f"After: {after}", number(test.loss_after), score(test, test.score_after)),
            ("Change", signed(number(test.loss_difference)), _score_change(test)),
            (
                "95 % interval of the change",
                change_interval(*test.loss_interval),
                _score_interval(test),
            ),
            ("The one network delivered", number(test.delivered_loss), score(test, test.delivered_score)),
            (
                "Best constant prediction",
                number(test.constant_loss),
                score(test, test.constant_score) if math.isfinite(test.constant_score) else "—",
            ),
        ),
    )


def _score_change(test: TestComparison) -> str:
    change = test.score_after - test.score_before
    if test.score_name == "accuracy":
        return with_unit(signed(percent(change).removesuffix(" %")), "points")
    return signed(number(change, 2))


def _score_interval(test: TestComparison) -> str:
    low, high = test.score_interval
    if test.score_name == "accuracy":
        return change_interval(100 * low, 100 * high, "points")
    return change_interval(low, high)
