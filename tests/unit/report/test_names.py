"""Names from the user's table: short, on one line, without controls."""

import unicodedata

import pytest

from justfit.report._names import quoted, shown


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("price [EUR]", "price [EUR]"),
        ("  a\n\tb  ", "a b"),
        ("", "(empty)"),
        ("\x1b[31mred\x00", "�[31mred�"),
        ("\u202eevil\u202c", "�evil�"),
        ("\udcff.csv", "�.csv"),
        ("<b>", "<b>"),
        ("שלום", "\u2068שלום\u2069"),
    ],
)
def test_shown(name, expected):
    assert shown(name) == expected


def test_a_long_name_keeps_both_ends():
    assert shown("start" + "x" * 10_000 + "end.csv", limit=20) == "startxxxxx…xxend.csv"
    assert shown("x" * 60) == "x" * 60
    assert len(shown("x" * 61)) == 60
    assert shown("start" + " " * 100_000 + "end", limit=20).startswith("start")


def test_every_control_character_is_replaced():
    for code in (*range(32), *range(127, 160), 0x200E, 0x2028, 0x202E, 0x2066, 0xD800):
        assert all(unicodedata.category(c) not in ("Cc", "Cs") for c in shown(f"a{chr(code)}b"))
        assert chr(code) not in shown(f"a{chr(code)}b") or chr(code) == " "


def test_quoted():
    assert quoted("age") == "“age”"
