"""Settings as a page sends them: what is taken, and what is refused with which words."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from justfit.errors import ArgumentError
from justfit.lab import Settings
from justfit.lab._playground_options import RANGES

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(sorted(Settings.__dataclass_fields__))


def test_what_is_not_given_keeps_its_default():
    assert Settings.read({}) == Settings()
    assert Settings.read({"depth": 5}).depth == 5


def test_settings_come_back_from_json():
    settings = Settings.read({"data": "xor", "dropout_layers": [3, 1, 1], "noise": 0, "learning_rate": 1})
    assert settings.dropout_layers == (1, 3)
    assert (type(settings.noise), type(settings.learning_rate)) == (float, float)
    assert Settings.read(json.loads(json.dumps(settings.plain()))) == settings


def test_whole_numbers_may_come_with_a_point():
    assert Settings.read({"depth": 4.0}).depth == 4
    assert type(Settings.read({"depth": 4.0}).depth) is int


@pytest.mark.parametrize("name", RANGES)
def test_both_ends_of_every_range_are_taken_and_no_more(name):
    low, high = RANGES[name]
    for value in (low, high):
        assert getattr(Settings.read({name: value}), name) == value
    for value in (low - 1, high + 1):
        with pytest.raises(ArgumentError, match=f"`{name}` must be a"):
            Settings.read({name: value})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "Settings must be names with values. Found a list"),
        ({"dept": 3}, "A setting must have a known name. Found `dept`. Did you mean `depth`"),
        ({"<script>": 3}, "Found `<script>`. The names are data, noise"),
        ({"depth": 0}, "`depth` must be a whole number from 1 to 100. Found `depth=0`. Leave it out to have 3"),
        ({"depth": 2.5}, "`depth` must be a whole number from 1 to 100. Found `depth=2.5`"),
        ({"depth": True}, "Found `depth=True`"),
        ({"depth": "3"}, "Found `depth='3'`"),
        ({"depth": 10**400}, "`depth` must be a whole number from 1 to 100. Found `depth=1000"),
        ({"noise": float("nan")}, "`noise` must be a number from 0 to 0.5. Found `noise=nan`"),
        (
            {"learning_rate": float("inf")},
            "`learning_rate` must be a number from 1e-05 to 10. Found `learning_rate=inf`",
        ),
        ({"seed": -1}, "`seed` must be a whole number from 0 to 4,294,967,295. Found `seed=-1`"),
        ({"data": "moon"}, "`data` must be one of moons, circles, xor, spiral, gauss, table. Found `data='moon'`"),
        ({"activation": ["relu"]}, r"`activation` must be one of relu, .* Found `activation=\['relu'\]`"),
        ({"init": None}, "`init` must be one of zero, normal:0.01, .* Found `init=None`. Leave it out to have `he`"),
        ({"dropout_layers": [0]}, r"from 1 to `depth`, here 3. Found `dropout_layers=\[0\]`. Say `\[\]`"),
        ({"dropout_layers": [4]}, r"here 3. Found `dropout_layers=\[4\]`"),
        ({"dropout_layers": [True]}, "`dropout_layers` must be `all`, or a list"),
        ({"dropout_layers": "12"}, "`dropout_layers` must be `all`, or a list"),
        ({"dropout_layers": None}, "`dropout_layers` must be `all`, or a list"),
    ],
)
def test_what_is_refused_and_how(given, message):
    with pytest.raises(ArgumentError, match=message):
        Settings.read(given)


def test_a_wrong_value_is_repeated_short_and_safe():
    with pytest.raises(ArgumentError) as caught:
        Settings.read({"data": "\x1b[31m" + "a" * 100_000})
    assert len(str(caught.value)) < 300
    assert "\x1b" not in str(caught.value)


@given(st.dictionaries(NAMES | st.text(max_size=8), JSON_VALUES, max_size=4))
def test_whatever_comes_is_read_or_refused(given):
    try:
        settings = Settings.read(given)
    except ArgumentError:
        return
    assert Settings.read(settings.plain()) == settings
