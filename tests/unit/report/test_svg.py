"""Scales, ticks and broken lines."""

import math

import pytest

from justfit.report._axes import L2Scale, Scale, loss_scale, power_of_ten, value_ticks
from justfit.report._svg import band, drawing, label, log_ticks, nice_ticks, polyline, readable, thinned

NAN = math.nan


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 10.0, (0, 2, 4, 6, 8, 10)),
        (0.0, 1.0, (0, 0.2, 0.4, 0.6, 0.8, 1.0)),
        (-3.0, 7.0, (-2, 0, 2, 4, 6)),
        (0.0, 0.034, (0, 0.01, 0.02, 0.03)),
        (1.1e9, 3.9e9, (2e9, 3e9)),
    ],
)
def test_nice_ticks_are_round_and_inside(low, high, expected):
    assert nice_ticks(low, high) == pytest.approx(expected)


def test_log_ticks_thin_out_as_the_decades_grow():
    assert log_ticks(0.1, 1.0) == (0.1, 0.2, 0.5, 1.0)
    assert log_ticks(0.02, 4.0) == (0.03, 0.1, 0.3, 1.0, 3.0)
    assert log_ticks(1e-3, 1e2) == (1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0)
    assert len(log_ticks(1e-9, 1e9)) <= 6


def test_scale_maps_ends_to_ends_and_gaps_to_nan():
    linear = Scale(low=1.0, high=3.0, start=100.0, end=0.0)
    assert [linear(v) for v in (1.0, 2.0, 3.0)] == [100.0, 50.0, 0.0]
    log = Scale(low=0.01, high=1.0, start=0.0, end=200.0, log=True)
    assert log(0.1) == pytest.approx(100.0)
    assert log(0.0) < 0.0  # below the plot, not an error
    assert math.isnan(log(NAN))
    assert math.isnan(linear(math.inf))


def test_loss_axis_is_logarithmic_only_where_the_losses_span_much():
    assert not loss_scale([0.1, 0.5], [0.1, 0.5], start=100.0, end=0.0).log
    assert loss_scale([0.01, 2.0], [0.2, 2.0], start=100.0, end=0.0).log
    assert not loss_scale([NAN, NAN], [NAN], start=100.0, end=0.0).log
    assert not loss_scale([-5.0, 200.0], [-5.0, 200.0], start=100.0, end=0.0).log  # a log-density may be negative
    collapsed = loss_scale([1e-12, 2.0], [0.2, 2.0], start=100.0, end=0.0)
    assert collapsed.low > 1e-3, "a training loss of nearly 0 must not flatten the validation loss"


@pytest.mark.parametrize(("size", "power"), [(1.0, ""), (4e9, "10⁹"), (2e-8, "10⁻⁹")])
def test_tick_labels_stay_short(size, power):
    scale = Scale(low=0.0, high=size, start=0.0, end=100.0)
    assert all(len(text) <= 4 for _, text in value_ticks(scale))


def test_zero_has_its_own_slot_left_of_the_logarithmic_part():
    l2 = L2Scale(values=(0.0, 0.1, 1.0, 10.0), start=0.0, end=300.0)
    positions = [l2(value) for value in l2.values]
    assert positions[0] == 0.0
    assert positions[1] > 30.0
    assert positions[3] == 300.0
    assert positions[2] - positions[1] == pytest.approx(positions[3] - positions[2])
    for i in range(3):
        assert l2.edges(i)[1] == pytest.approx(l2.edges(i + 1)[0]), "strips touch"


@pytest.mark.parametrize("values", [(0.0,), (0.0, 1.0), (1.0,), (0.5, 2.0)])
def test_short_l2_grids_stay_inside(values):
    l2 = L2Scale(values=values, start=10.0, end=90.0)
    assert all(10.0 <= l2(value) <= 90.0 for value in values)
    assert len({l2(value) for value in values}) == len(values)
    assert l2.ticks()


def test_l2_labels_never_overlap():
    dense = L2Scale(values=(0.0, *(10 ** (-6 + 0.1 * k) for k in range(121))), start=0.0, end=300.0)
    ticks = dense.ticks()
    assert len(ticks) > 2
    assert all(right[0] - left[0] > 6.6 * max(len(left[1]), len(right[1])) for left, right in zip(ticks, ticks[1:]))  # noqa: B905, RUF007


def test_a_line_breaks_at_a_missing_value():
    whole = polyline([(0.0, 0.0), (1.0, 1.0), (2.0, 2.0)], "train")
    broken = polyline([(0.0, 0.0), (1.0, 1.0), (2.0, NAN), (3.0, 1.0), (4.0, 1.0), (5.0, NAN), (6.0, 1.0)], "train")
    assert whole.count("<path") == 1
    assert broken.count("<path") == 2
    assert broken.count("<circle") == 1, "a lone point would be invisible as a line"
    assert "nan" not in broken
    assert polyline([(0.0, NAN)], "train") == ""
    assert band([0.0, 1.0, 2.0, 3.0, 4.0], [0, 0, NAN, 0, 0], [1, 1, 1, 1, 1], "train").count("<polygon") == 2


def test_thinning_keeps_the_ends_and_the_cap():
    assert thinned(10) == list(range(10))
    kept = thinned(12_345)
    assert len(kept) == 1000
    assert (kept[0], kept[-1]) == (0, 12_344)
    assert sorted(set(kept)) == kept


def test_text_and_attributes_are_escaped():
    assert label("<b>&", 0.0, 0.0) == '<text x="0" y="0">&lt;b&gt;&amp;</text>'
    image = drawing(1.0, 1.0, "", title='"><script>', description="<i>")
    assert "<script" not in image
    assert "<i>" not in image


def test_readable_lines_say_their_axes():
    across = Scale(low=0.0, high=60.0, start=46.0, end=322.0)
    up = Scale(low=0.01, high=1.0, start=246.0, end=86.0, log=True)
    marked = readable("<path/>", across, up, '<i>"epoch"')
    assert marked.startswith('<g data-read="&lt;i&gt;&quot;epoch&quot;" data-x="0 60 46 322" ')
    assert marked.endswith('data-y="0.01 1 246 86 log"><path/></g>')


def test_a_long_logarithmic_axis_has_its_own_powers_of_ten():
    long = loss_scale([1.0, 1e30], [1.0, 1e30], start=100.0, end=0.0)
    assert power_of_ten(long) == 0
    assert value_ticks(long)[0][1] == "1"
    short = loss_scale([1e6, 1e8], [1e6, 1e8], start=100.0, end=0.0)
    assert short.log
    assert power_of_ten(short) == 6
