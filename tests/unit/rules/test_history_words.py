"""Shares of what was learned, as a reader says them."""

import pytest

from justfit.records import History
from justfit.rules import judge_history
from justfit.rules._history_learned import of_learned


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "0.0%"),
        (0.0613, "6.1%"),
        (0.999, "99.9%"),
        (1.7, "170%"),
        (7.98, "8 times"),
        (12.34, "12 times"),
        (99.7, "100 times"),
        (1234.5, "1,230 times"),
        (99_949.0, "99,900 times"),
        (1e30, "over 100,000 times"),
    ],
)
def test_a_large_share_is_told_in_times(share, words):
    one = of_learned(share)
    assert one.startswith(f"{words} ")
    assert "what was learned" in one
    assert ("of what" in one) == ("%" in words)


def test_a_rise_of_many_times_what_was_learned_is_no_percentage():
    fall = [0.70 - 0.005 * step for step in range(20)]
    rise = [0.60 + 0.045 * step for step in range(20)]
    train = [0.70 - 0.0025 * step for step in range(40)]
    verdict = judge_history(
        History(epochs=tuple(range(1, 41)), train_loss=tuple(train), validation_loss=tuple(fall + rise))
    )
    sentence = next(words for words in verdict.reasons if "became worse again" in words)
    assert sentence.endswith(" times what was learned.")
    assert "%" not in sentence
