"""What holds of the report for any name and any number."""

import math
import re
import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from justfit.report._names import shown
from justfit.report._numbers import change_interval, number, setting, with_se
from justfit.report._svg import label, nice_ticks
from tests.unit.report.page import Page

SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
finite = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e200, max_value=1e200)


def value_of(written: str) -> float:
    mantissa, _, power = written.replace("−", "-").partition("·10")
    return float(mantissa) * 10.0 ** int(power.translate(SUPERSCRIPTS) or 0)


@given(st.text(max_size=400), st.integers(5, 80))
def test_a_shown_name_is_one_short_line_without_controls(name, limit):
    line = shown(name, limit)
    assert 1 <= len(line.strip("\u2068\u2069")) <= max(limit, len("(empty)"))
    assert "\n" not in line
    line.encode("utf-8")
    assert all(unicodedata.category(letter) != "Cc" for letter in line)


@given(st.text())
def test_no_text_becomes_markup(text):
    page = Page(label(shown(text, 1000), 0.0, 0.0))
    assert [element.name for element in page.elements] == ["text"]


@given(finite)
@example(5e-324)
def test_a_written_number_is_the_number_to_three_digits(value):
    assert math.isclose(value_of(number(value)), value, rel_tol=0.0051, abs_tol=1e-300)


@given(st.floats(1e-12, 1e12))
def test_a_setting_loses_no_digit_that_matters(value):
    written = setting(value)
    full = f"1·{written}" if re.fullmatch("10[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", written) else written
    assert math.isclose(value_of(full), value, rel_tol=0.0051)


@given(st.floats(-1e12, 1e12), st.floats(1e-9, 1e12))
def test_a_number_with_its_error_is_rounded_to_one_digit(value, error):
    written = with_se(value, error)
    scale = 1.0
    if written.startswith("("):
        written, _, power = written[1:].partition(")·10")
        scale = 10.0 ** int(power.translate(SUPERSCRIPTS))
    shown_value, shown_error = (float(part.replace("−", "-")) * scale for part in written.split(" ± "))
    last_digit = scale * 10.0 ** -len(written.split(" ± ")[1].partition(".")[2])
    assert abs(shown_value - value) <= 0.51 * last_digit + 1e-9 * abs(value)
    assert abs(shown_error - error) <= 0.51 * last_digit + 1e-9 * abs(value)
    assert last_digit <= 0.36 * error or last_digit == 1.0 or error < 1e-6 * abs(value), "a digit that matters is kept"


@given(finite, finite)
@example(0.0, 5e-324)
def test_an_interval_never_fails(low, high):
    assert change_interval(min(low, high), max(low, high))


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9), st.integers(2, 12))
def test_ticks_lie_inside_and_are_evenly_spaced(low, span, most):
    high = low + span
    if high - low < 1e-9 * max(abs(low), 1.0):
        return
    ticks = nice_ticks(low, high, most)
    slack = 1e-6 * (high - low)
    assert all(low - slack <= tick <= high + slack for tick in ticks)
    assert len(ticks) <= most + 1
