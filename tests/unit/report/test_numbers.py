"""Numbers: digits, errors, signs, and nothing that reads `nan`."""

import math

import pytest

from justfit.report._numbers import (
    change_interval,
    count,
    number,
    percent,
    probability,
    setting,
    signed,
    with_se,
    with_unit,
)


@pytest.mark.parametrize(
    ("value", "digits", "written"),
    [
        (0.0, 3, "0"),
        (0.14, 3, "0.140"),
        (0.99996, 3, "1.00"),
        (999.9, 3, "1000"),
        (12345.0, 3, "12345"),
        (999_999.0, 3, "1.00·10⁶"),
        (-4.123e9, 3, "−4.12·10⁹"),
        (0.00002, 2, "2.0·10⁻⁵"),
        (math.nan, 3, "not measured"),
        (-math.inf, 3, "−infinity"),
    ],
)
def test_number_keeps_significant_digits(value, digits, written):
    assert number(value, digits) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [(3.0, "3"), (0.30000000000000004, "0.3"), (100.0, "100"), (0.01, "0.01"), (1e9, "10⁹"), (2e-7, "2·10⁻⁷")],
)
def test_setting_drops_trailing_zeros_but_no_others(value, written):
    assert setting(value) == written


@pytest.mark.parametrize(
    ("value", "error", "written"),
    [
        (0.827, 0.119, "0.83 ± 0.12"),  # the three examples of the Particle Data Group's introduction, section 5.3
        (0.827, 0.367, "0.8 ± 0.4"),
        (8.27, 0.954, "8.3 ± 1.0"),
        (-0.0004, 0.021, "0.000 ± 0.021"),
        (-1.5, 0.2, "−1.50 ± 0.20"),
        (1234.5, 67.0, "1234 ± 67"),
        (4.1e9, 8.8e7, "(4.10 ± 0.09)·10⁹"),
        (0.3, 0.0, "0.300"),
        (0.3, math.nan, "0.300"),
        (math.nan, 0.1, "not measured"),
    ],
)
def test_with_se_rounds_to_what_the_error_leaves(value, error, written):
    assert with_se(value, error) == written


def test_unit_stands_behind_a_number_and_never_behind_a_missing_one():
    assert with_se(0.2934, 0.0213, "nats") == "0.293 ± 0.021 nats"
    assert with_unit(number(math.nan), "nats") == "not measured"
    assert with_unit("3", "") == "3"


@pytest.mark.parametrize(
    ("low", "high", "written"),
    [
        (-0.1381, -0.0689, "−0.138 to −0.069"),
        (-0.5, 12.0, "−0 to +12"),
        (0.0, 0.0, "0"),
        (2.0e8, 5.0e8, "(+2.0 to +5.0)·10⁸"),
        (math.nan, 1.0, "not measured"),
    ],
)
def test_interval_signs_both_ends(low, high, written):
    assert change_interval(low, high) == written


def test_shares_and_probabilities_claim_no_certainty():
    assert [probability(p) for p in (0.0, 0.004, 0.5, 0.994, 0.996, 1.0)] == [
        "< 0.01", "< 0.01", "0.50", "0.99", "> 0.99", "> 0.99",
    ]  # fmt: skip
    assert probability(math.nan) == "not measured"
    assert percent(0.9812) == "98.1 %"
    assert percent(-0.012) == "−1.2 %"
    assert percent(math.nan) == "not measured"


def test_signs_and_plurals():
    assert [signed(text) for text in ("0.1", "−0.1", "0.00", "not measured")] == [
        "+0.1",
        "−0.1",
        "0.00",
        "not measured",
    ]
    assert [count(n, "row") for n in (0, 1, 12345)] == ["0 rows", "1 row", "12,345 rows"]


def test_the_largest_floats_are_written_though_rounding_them_up_overflows():
    assert number(1.797e308) == "1.80·10³⁰⁸"
    assert number(-1.797e308, 1) == "−2·10³⁰⁸"
