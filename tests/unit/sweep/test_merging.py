"""Units that are done as one give what each gives alone."""

from dataclasses import replace

import pytest

from justfit.sweep._merging import MAX_VARIANTS, join_units, merge, split_result
from justfit.sweep._training import SweepVariant
from justfit.sweep._worker import do_unit
from tests.unit.sweep.executors import assert_same, make_training, make_units, next_units


def test_a_merged_unit_gives_what_its_parts_give():
    training, units = make_training(), make_units(3)
    alone = [(index, *do_unit(training, unit)) for index, unit in enumerate(units)]
    merged = join_units(units)
    together = [(index, *part) for index, part in enumerate(split_result(units, *do_unit(training, merged)))]
    assert_same(together, alone)
    going_on = next_units(alone, units)
    parts = split_result(going_on, *do_unit(training, join_units(going_on)))
    assert_same(
        [(index, *part) for index, part in enumerate(parts)],
        [(index, *do_unit(training, unit)) for index, unit in enumerate(going_on)],
    )


def test_seconds_are_shared():
    units = [make_units(1)[0], replace(make_units(1)[0], variants=make_units(1)[0].variants[:1])]
    state, report = do_unit(make_training(), join_units(units))
    shares = [part.seconds for _, part in split_result(units, state, report)]
    assert shares == pytest.approx([0.75 * report.seconds, 0.25 * report.seconds])


@pytest.mark.parametrize(
    ("least_seconds", "groups"), [(0, [[0], [1], [2], [3]]), (12, [[0, 1], [2, 3]]), (99, [[0, 1, 2, 3]])]
)
def test_units_are_merged_until_they_take_long_enough(least_seconds, groups):
    assert merge(make_units(4), 1.0, least_seconds) == groups  # 3 variants × 2 epochs = 6 s each


def test_only_units_that_are_alike_are_merged():
    one, two, three = make_units(3)
    other_seed = tuple(SweepVariant(setting=variant.setting, seed=1, fold=variant.fold) for variant in two.variants)
    assert merge([one, replace(two, variants=other_seed), three], 1.0, 99) == [[0], [1], [2]]
    assert merge([one, replace(two, until=3), three], 1.0, 99) == [[0], [1], [2]]
    assert merge([one, replace(two, tier="vectorised"), three], 1.0, 99) == [[0], [1], [2]]


def test_a_merged_unit_is_not_too_large():
    groups = merge(make_units(100), 1e-6, 99)
    assert [len(group) for group in groups] == [MAX_VARIANTS // 3] * 2 + [100 - 2 * (MAX_VARIANTS // 3)]
    assert sorted(index for group in groups for index in group) == list(range(100))
