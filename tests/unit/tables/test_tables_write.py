"""Writing: what is written reads back, and a failure leaves nothing behind."""

import polars as pl
import pytest

from justfit.errors import OutputError
from justfit.tables import read_table, write_table

FRAME = pl.DataFrame({"a": [1, None, 3], "b": ["x", "y,z", 'q"'], "c": [0.1, 1e-9, 3.0]})


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet", "csv.gz", "tsv.gz", "parquet.gz"])
def test_what_is_written_reads_back(tmp_path, ending):
    path = tmp_path / f"out.{ending}"
    path.write_bytes(b"old")
    write_table(FRAME, path)
    assert read_table(path).frame.equals(FRAME)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_endings_that_name_no_format(tmp_path):
    with pytest.raises(OutputError, match=r"ends in \.csv, .*Found `out\.xlsx`\. Add one of these endings"):
        write_table(FRAME, tmp_path / "out.xlsx")


def test_places_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in ("nowhere", "file"):
        with pytest.raises(
            OutputError, match=r"must be writable.*Found `.*out\.csv`: .*Name a file in an existing dir"
        ):
            write_table(FRAME, tmp_path / folder / "out.csv")


def test_failure_keeps_the_old_file_and_no_half_of_the_new(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old")
    with pytest.raises(OutputError, match=r"Found `.*out\.csv`: "):
        write_table(pl.DataFrame({"a": [[1, 2]]}), path)  # lists do not go into CSV
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.csv"]
