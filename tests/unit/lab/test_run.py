"""What the lab takes, refuses, leaves alone, and keeps when it is stopped."""

import polars as pl
import pytest
import torch

from justfit.errors import ArgumentError, ColumnError
from justfit.lab import run_lab
from justfit.lab._estimate import Estimate, over_rows, positive, predicted
from justfit.lab._judge import mark_of
from justfit.records import LabMeasurement

FAST = ("C10", "C12")


@pytest.mark.parametrize(
    ("outside", "mark"),
    [
        ((), "confirmed"),
        (("condition",), "confirmed with a condition"),
        (("literal",), "refined"),
        (("condition", "literal"), "refined"),
        (("exact",), "refuted"),
        (("exact", "literal", "condition"), "refuted"),
    ],
)
def test_the_mark_follows_from_which_numbers_lie_outside(outside, mark):
    parts = ("exact", "condition", "literal")
    found = [
        LabMeasurement(name=part, value=2.0 if part in outside else 0.5, low=0.0, high=1.0, source="s", part=part)
        for part in parts
    ]
    assert mark_of(found) == mark


@pytest.mark.parametrize(
    ("value", "low", "high", "holds"),
    [
        (1.0, 1.0, 1.0, True),
        (1.0, float("nan"), 0.9, False),
        (1.0, 0.9, float("nan"), True),
        (float("nan"), 0.0, 1.0, False),
        (float("inf"), 0.0, 1.0, False),
    ],
)
def test_a_number_holds_inside_its_range_and_nan_nowhere(value, low, high, holds):
    assert LabMeasurement(name="n", value=value, low=low, high=high, source="s").holds is holds


def test_ranges_follow_from_standard_errors():
    assert positive("n", Estimate(1.0, 0.1)).low == pytest.approx(0.1645)
    assert positive("n", Estimate(1.0, 0.1, freedom=4)).low == pytest.approx(0.2132, rel=1e-3)  # t of 4 at 95 %
    measured = predicted("n", Estimate(1.0, 0.1), 2.0, "theory", slack=0.5)
    assert (measured.low, measured.high) == (pytest.approx(1.1), pytest.approx(2.9))


def test_standard_errors_of_rows_and_seeds_add_up():
    values = torch.tensor([[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]).numpy()
    found = over_rows(values)
    assert found.value == pytest.approx(3.5)
    assert found.error == pytest.approx((4 / 3 + 0.5 / 2) ** 0.5)  # rows: var 4 of 3; seeds: var 0.5 of 2


def test_torch_is_left_as_it_was():
    torch.set_num_threads(1)
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    run_lab(quick=True, claims=FAST)
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == 1


def test_progress_names_each_claim_before_it_runs():
    heard = []
    run_lab(quick=True, claims=FAST, on_progress=heard.append)
    assert [(tick.fraction, tick.detail) for tick in heard] == [
        (0.0, "C10 Dropout at test time"),
        (0.5, "C12 Vanishing and exploding"),
    ]


def test_control_c_keeps_what_is_done():
    def stop(progress):
        if progress.detail.startswith("C12"):
            raise KeyboardInterrupt

    record = run_lab(quick=True, claims=FAST, on_progress=stop)
    assert [claim.id for claim in record.claims] == ["C10"]
    assert record.interrupted == "interrupted after 1 of 2 claims"


def test_control_c_before_the_first_claim_is_raised():
    def stop(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_lab(quick=True, claims=FAST, on_progress=stop)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"claims": ("C18",)}, r"`claims` must be one or more of C1 to C17\. Found `C18`\. Leave it out"),
        ({"claims": ()}, r"`claims` must be one or more of C1 to C17\. Found none"),
        ({"seed": -1}, r"`seed` must be a whole number in \[0, 2³²\)\. Found `seed=-1`"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        run_lab(quick=True, **arguments)


def table_of(tmp_path, rows, name="rows.csv"):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(rows, 3, generator=generator)
    label = ["<b>yes</b>" if value > 0 else "no\u202e" for value in (x[:, 0] + 0.5 * x[:, 1]).tolist()]
    frame = pl.DataFrame(
        {"<script>alert(1)</script>": x[:, 0].tolist(), 'a"b': x[:, 1].tolist(), "שלום": x[:, 2].tolist(), "y": label}
    )
    path = tmp_path / name
    frame.write_csv(path)
    return path


def test_a_table_of_the_user_takes_the_place_of_digits(tmp_path):
    path = table_of(tmp_path, 300)
    record = run_lab(str(path), target="y", quick=True, claims=("C2", "C5", "C6", "C10", "C11", "C12", "C14"))
    assert "300 rows of rows" in record.data
    assert record.refuted == ()


def test_a_regression_is_measured_in_variances():
    record = run_lab("diabetes", quick=True, claims=("C2", "C5", "C6", "C10", "C11", "C13", "C14"))
    assert record.refuted == ()
    assert record.claims[0].measurements[0].unit == "variances of the target"


def test_too_few_rows_and_no_target_are_refused(tmp_path):
    with pytest.raises(ColumnError, match=r"The lab needs at least 60 rows.*Found 40 rows in `few`"):
        run_lab(str(table_of(tmp_path, 40, "few.csv")), target="y")
    with pytest.raises(
        ColumnError, match=r"A table needs a target.*Found no `--target` for `rows`.*last column is `y`"
    ):
        run_lab(str(table_of(tmp_path, 100)))
