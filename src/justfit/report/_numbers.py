"""Numbers as a reader wants them: as many digits as they deserve, a true minus sign, never `nan`."""

from __future__ import annotations

import math

MISSING = "not measured"
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def number(value: float, digits: int = 3) -> str:
    """Write a measured number with `digits` significant digits, trailing zeros among them.

    Args:
        value: Any float; NaN and infinity are written in words.
        digits: Significant digits, at least 1.

    Returns:
        Plain notation between 0.0001 and a million, powers of ten beyond.

    >>> number(0.012345), number(-1234567.0), number(1797, 3), number(0.14), number(float("nan"))
    ('0.0123', '−1.23·10⁶', '1797', '0.140', 'not measured')
    """
    if not math.isfinite(value):
        return MISSING if math.isnan(value) else _signed("infinity", value)
    if abs(value) < 1e-300:  # its power of ten would be 0
        return "0"
    size = abs(float(f"{value:.{digits - 1}e}"))
    size = abs(value) if math.isinf(size) else size  # rounded up beyond the largest float
    exponent = math.floor(math.log10(size))
    if exponent >= 6 or exponent < -4:
        return _signed(f"{size / 10.0**exponent:.{digits - 1}f}{_power(exponent)}", value)
    return _signed(f"{abs(value):.{max(digits - 1 - exponent, 0)}f}", value)


def setting(value: float, digits: int = 3) -> str:
    """Write a number that was set, not measured: without trailing zeros.

    >>> setting(3.0), setting(0.35), setting(1e-5), setting(20_000_000)
    ('3', '0.35', '10⁻⁵', '2·10⁷')
    """
    mantissa, point, power = number(value, digits).partition("·")
    trimmed = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return power if point and trimmed == "1" else trimmed + point + power


def with_se(value: float, standard_error: float, unit: str = "") -> str:
    """Write a number with its standard error, rounded to the digits that the error leaves.

    The error keeps two digits if its first three lie in 100–354, else one (the rule of the Particle Data Group).

    >>> with_se(0.2934, 0.0213, "nats"), with_se(0.2934, 0.0871)
    ('0.293 ± 0.021 nats', '0.29 ± 0.09')
    >>> with_se(4.123e9, 8e7)
    '(4.12 ± 0.08)·10⁹'
    """
    if not math.isfinite(value) or not math.isfinite(standard_error) or standard_error <= 0:
        return with_unit(number(value), unit)
    size = math.floor(math.log10(max(abs(value), standard_error)))
    if size >= 6 or size < -4:
        scale = 10.0**size
        return with_unit(f"({with_se(value / scale, standard_error / scale)}){_power(size)}", unit)
    exponent = math.floor(math.log10(standard_error))
    decimals = max(0, -exponent + (standard_error / 10.0**exponent < 3.55))
    shown = f"{abs(value):.{decimals}f}"
    sign = value if float(shown) else 1.0
    return with_unit(f"{_signed(shown, sign)} ± {standard_error:.{decimals}f}", unit)


def change_interval(low: float, high: float, unit: str = "") -> str:
    """Write an interval of a change, both ends signed and to the same digit.

    >>> change_interval(-0.1381, -0.0689, "nats"), change_interval(-5.6e8, 2.8e8)
    ('−0.138 to −0.069 nats', '(−5.6 to +2.8)·10⁸')
    """
    if not math.isfinite(low) or not math.isfinite(high):
        return MISSING
    if high <= low:
        return with_unit(signed(number(low)), unit)
    if max(abs(low), abs(high)) < 1e-300:  # its power of ten would be 0
        return with_unit("0", unit)
    size = math.floor(math.log10(max(abs(low), abs(high))))
    if size >= 6 or size < -4:
        return with_unit(f"({change_interval(low / 10.0**size, high / 10.0**size)}){_power(size)}", unit)
    decimals = max(0, 1 - math.floor(math.log10(high - low)))
    ends = (f"{abs(end):.{decimals}f}" for end in (low, high))
    below, above = (signed(_signed(text, end)) for text, end in zip(ends, (low, high), strict=True))
    return with_unit(f"{below} to {above}", unit)


def with_unit(text: str, unit: str) -> str:
    """Append the unit with a space, unless there is none or there is no number."""
    return f"{text} {unit}" if unit and text != MISSING else text


def signed(text: str) -> str:
    """Put a plus before a written number that is neither negative nor zero."""
    return text if text.startswith(("−", MISSING)) or not text.strip("0.") else f"+{text}"


def percent(fraction: float) -> str:
    """Write a share as a percentage with one decimal.

    >>> percent(0.9812), percent(float("nan"))
    ('98.1 %', 'not measured')
    """
    return f"{_signed(f'{abs(fraction) * 100:.1f}', fraction)} %" if math.isfinite(fraction) else MISSING


def probability(value: float) -> str:
    """Write a probability with two decimals, and never as a certainty that was not measured.

    >>> probability(0.994), probability(0.9991), probability(0.0003)
    ('0.99', '> 0.99', '< 0.01')
    """
    if not math.isfinite(value):
        return MISSING
    return "> 0.99" if value >= 0.995 else "< 0.01" if value < 0.005 else f"{value:.2f}"


def count(value: int, noun: str) -> str:
    """Write a count with its noun, singular or plural, thousands parted by a comma.

    >>> count(1, "epoch"), count(12345, "row")
    ('1 epoch', '12,345 rows')
    """
    return f"{value:,} {noun}" if value == 1 else f"{value:,} {noun}s"


def _signed(text: str, value: float) -> str:
    return f"−{text}" if value < 0 else text


def _power(exponent: int) -> str:
    return "·10" + str(exponent).translate(_SUPERSCRIPTS)
