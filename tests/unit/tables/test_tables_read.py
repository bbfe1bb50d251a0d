"""Reading: every format gives the same table, and every doubtful file is refused with a way out."""

import gzip
from datetime import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest

from justfit.errors import ArgumentError, ColumnError, TableFormatError, TableNotFoundError
from justfit.tables import SHIPPED_SETS, read_table

FRAME = pl.DataFrame({"age": [30, 41, None], "height": [1.7, 1.8, 1.65], "city": ["Rome", "Oslo, N", None]})


def put(tmp_path, content, name="rows.csv"):
    path = tmp_path / name
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def parquet(frame):
    from io import BytesIO

    buffer = BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet", "csv.gz", "tsv.gz", "parquet.gz", "CSV"])
def test_every_format_gives_the_same_table(tmp_path, ending):
    kind = ending.lower().removesuffix(".gz")
    data = parquet(FRAME) if kind == "parquet" else FRAME.write_csv(separator="\t" if kind == "tsv" else ",").encode()
    table = read_table(put(tmp_path, data, f"people.{ending}"))
    assert table.frame.equals(FRAME)
    assert (table.name, table.target, table.notes) == ("people", None, ())


@pytest.mark.parametrize(
    ("name", "shape"),
    [("digits", (1797, 65)), ("breast_cancer", (569, 31)), ("wine", (178, 14)), ("diabetes", (442, 11))],
)
def test_shipped_sets(name, shape):
    assert name in SHIPPED_SETS
    table = read_table(name)
    assert table.frame.shape == shape
    assert (table.name, table.target, table.frame.columns[-1]) == (name, "target", "target")
    assert table.frame.null_count().sum_horizontal().item() == 0


def test_an_existing_file_wins_over_a_set_and_a_directory_does_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wine").mkdir()
    assert read_table("wine").frame.height == 178
    (tmp_path / "wine").rmdir()
    put(tmp_path, "a\n1\n", "wine")
    with pytest.raises(TableFormatError, match=r"must end in \.csv.* Found `wine`"):
        read_table("wine")


def test_gzip_files_of_several_members_are_read_whole(tmp_path):
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n"))
    assert read_table(path).frame.rows() == [(1, 2), (3, 4)]


def test_names_with_brackets_are_names_not_patterns(tmp_path):
    assert read_table(put(tmp_path, "a,b\n1,2\n", "x[1]*.csv")).frame.rows() == [(1, 2)]
    assert read_table(put(tmp_path, parquet(FRAME), "x[1]*.parquet")).frame.height == 3


@pytest.mark.parametrize("word", ["", "?", "NA", "N/A", "nan", "NaN", "NULL", " ?", "<NA>"])
def test_words_for_missing_leave_numbers_numeric(tmp_path, word):
    frame = read_table(put(tmp_path, f"a,b\n1,x\n{word},y\n3,z\n")).frame
    assert frame["a"].to_list() == [1, None, 3]
    assert frame["a"].dtype == pl.Int64


@pytest.mark.parametrize(
    ("cells", "values", "dtype"),
    [
        (["1"] * 20_000 + ["1.5"], [1.0] * 20_000 + [1.5], pl.Float64),
        (["1"] * 20_000 + ["x"], ["1"] * 20_000 + ["x"], pl.String),
        (["2024-01-02"] * 20_000 + ["unknown"], ["2024-01-02"] * 20_000 + ["unknown"], pl.String),
        (["9" * 45, "1"], [1e45, 1.0], pl.Float64),
        (["1", "inf", "-inf"], [1.0, float("inf"), float("-inf")], pl.Float64),
        (["2024-01-02 10:30:00", "2024-01-03 00:00:00"], [datetime(2024, 1, 2, 10, 30), datetime(2024, 1, 3)], None),
        ([" 7", "8 "], [7, 8], pl.Int64),
        ([" x", "y "], ["x", "y"], pl.String),
    ],
    ids=["late fraction", "late word", "late no date", "45 digits", "infinity", "times", "spaced", "spaced words"],
)
def test_types_fit_all_rows(tmp_path, cells, values, dtype):
    frame = read_table(put(tmp_path, "a,b\n" + "".join(f"{cell},1\n" for cell in cells))).frame
    assert frame["a"].to_list() == values
    assert dtype is None or frame["a"].dtype == dtype


def test_byte_order_mark_crlf_and_spaces_around_names(tmp_path):
    assert read_table(put(tmp_path, b"\xef\xbb\xbfa, b\r\n1, 2\r\n")).frame.to_dicts() == [{"a": 1, "b": 2}]


def test_another_separator_is_taken_and_said(tmp_path):
    table = read_table(put(tmp_path, '"fixed acidity";"sugar"\n7.4;1,9\n7.8;2,6\n'))
    assert table.frame.to_dicts() == [{"fixed acidity": 7.4, "sugar": 1.9}, {"fixed acidity": 7.8, "sugar": 2.6}]
    assert table.notes == ("The columns are separated by a semicolon.",)


def test_quotes_hold_separators_and_newlines(tmp_path):
    frame = read_table(put(tmp_path, 'a,b\n1,"x, ""y""\nz"\n2,\n')).frame
    assert frame.rows() == [(1, 'x, "y"\nz'), (2, None)]


def test_empty_rows_are_left_out_and_said(tmp_path):
    table = read_table(put(tmp_path, "a,b\n1,2\n\n3,4\n\n"))
    assert table.frame.rows() == [(1, 2), (3, 4)]
    assert table.notes == ("2 rows without any value were left out.",)


def test_blank_lines_of_one_column_are_missing_values(tmp_path):
    assert read_table(put(tmp_path, "a\n1\n\n2\n")).frame["a"].to_list() == [1, None, 2]


def test_unnamed_columns(tmp_path):
    saved_index = read_table(put(tmp_path, ",a\n0,5\n1,6\n2,8\n"))
    assert saved_index.frame.columns == ["a"]
    assert saved_index.notes == ("Column 1 has no name and counts the rows; it was left out.",)
    trailing = read_table(put(tmp_path, "a,b,\n1,2,\n3,4,\n"))
    assert trailing.frame.columns == ["a", "b"]
    assert trailing.notes == ("Column 3 has no name and holds nothing; it was left out.",)
    real = read_table(put(tmp_path, "a,,\n1,2,x\n3,9,y\n"))
    assert real.frame.columns == ["a", "column_2", "column_3"]
    assert real.notes[0] == "Column 2 has no name; it is called `column_2` here."


def test_columns_are_selected_in_order(tmp_path):
    path = put(tmp_path, "a,b,c\n1,2,3\n")
    assert read_table(path, columns=["c", "a"]).frame.to_dicts() == [{"c": 3, "a": 1}]
    with pytest.raises(ColumnError, match=r"Found no column `A_`, `zz`\. Did you mean `a`\?"):
        read_table(path, columns=["A_", "b", "zz"])


def pandas_frame():
    return pd.DataFrame(
        {
            "number": [1.0, 2.0, np.nan],
            "word": ["x", None, "y"],
            "category": pd.Categorical(["u", "v", "u"]),
            "day": pd.to_datetime(["2020-01-01"] * 3),
            "mixed": [1, "x", None],
            "flag": pd.array([True, False, None], dtype="boolean"),
            3: [1, 2, 3],
        }
    )


def test_pandas_frames_need_no_pyarrow():
    frame = read_table(pandas_frame()).frame
    assert frame.columns == ["number", "word", "category", "day", "mixed", "flag", "3"]
    assert frame["number"].to_list() == [1.0, 2.0, None]
    assert frame["word"].to_list() == ["x", None, "y"]
    assert frame["category"].to_list() == ["u", "v", "u"]
    assert frame["day"].dtype.is_temporal()
    assert frame["mixed"].to_list() == ["1", "x", None]
    assert frame["flag"].to_list() == [True, False, None]


def test_polars_frames_pass_through():
    assert read_table(FRAME).frame is FRAME
    assert read_table(FRAME.lazy()).frame.equals(FRAME)


# --- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"at least one row\. Found the empty file `rows\.csv`\. Write the table again\."),
        ("\n \n", r"Found the empty file `rows\.csv`"),
        ("a,b\n", r"must have at least one row\. Found 2 columns and no rows in `rows`\. Check that the program"),
        ("a,b\n1,2\n3\n", r"as many fields as the first, 2\. Found 1 fields on line 3\. Complete that line"),
        ("a,b\n1,2,3\n", r"as many fields as the first, 2\. Found 3 fields on line 2\."),
        ('a,b\n1,"x\ny"\n3\n', r"Found 1 fields on line 4"),
        ('a,b\n1,"unclosed\n2,3\n', r"Every line must have as many|lines of separated fields"),
        (b"a,b\n1,\x00\n", r"must be text\. Found zero bytes in `rows\.csv`\. Give it the ending of what it is"),
        (
            "naïve,b\n1,2\n".encode("latin1"),
            r"must be UTF-8\. Found the byte 0xef at position 2 in `rows\.csv`\. .*iconv",
        ),
        ("a,b\n1,2\n".encode("utf-16"), r"must be UTF-8\. Found the byte 0xff at position 0"),
        (
            "540.0,0.0,0.0\n1,2,3\n",
            r"must name its columns\. Found only numbers, `540\.0`, .*Put a line of column names",
        ),
    ],
)
def test_files_that_are_no_table(tmp_path, content, message):
    with pytest.raises(TableFormatError, match=message):
        read_table(put(tmp_path, content))


def test_late_bytes_in_another_encoding(tmp_path):
    late = ("a,b\n" + "x,1\n" * 2_000_000 + "José,1\n").encode("latin1")
    assert len(late) > 1 << 22  # beyond what the header's check sees
    with pytest.raises(TableFormatError, match=r"must be UTF-8\. Found an invalid byte in `rows\.csv`"):
        read_table(put(tmp_path, late))


def test_numbered_columns_are_names(tmp_path):
    assert read_table(put(tmp_path, "0,1,2\n5,6,7\n")).frame.columns == ["0", "1", "2"]


@pytest.mark.parametrize("source", ["file", "frame"])
def test_repeated_names_are_named(tmp_path, source):
    table = put(tmp_path, "a,b,a\n1,2,3\n")
    if source == "frame":
        table = pd.DataFrame([[1, 2, 3]], columns=["a", "b", "a"])
    with pytest.raises(ColumnError, match=r"its own name\. Found `a` more than once\. Rename or remove"):
        read_table(table)


def test_missing_files_suggest_near_names(tmp_path):
    put(tmp_path, "a\n1\n", "customers.csv")
    with pytest.raises(
        TableNotFoundError, match=r"existing file.*Found no file `.*costumers.csv`\. Did you mean `customers.csv`\?"
    ):
        read_table(tmp_path / "costumers.csv")
    with pytest.raises(TableNotFoundError, match=r"Found no file `breast-cancer`\. Did you mean `breast_cancer`\?"):
        read_table("breast-cancer")
    with pytest.raises(TableNotFoundError, match=r"The shipped sets are breast_cancer, diabetes, digits, wine\."):
        read_table("qqqqq")
    with pytest.raises(TableNotFoundError, match=r"The directory `.*nowhere` cannot be read: No such file"):
        read_table(tmp_path / "nowhere" / "rows.csv")
    with pytest.raises(TableNotFoundError, match=r"Found no file `x{5000}`"):
        read_table("x" * 5000)


def test_directories_list_their_tables(tmp_path):
    with pytest.raises(
        TableFormatError, match=r"must be one file\. Found the directory `.*`\. Name a file that ends in"
    ):
        read_table(tmp_path)
    put(tmp_path, "a\n1\n", "b.csv")
    put(tmp_path, "a\n1\n", "notes.txt")
    with pytest.raises(TableFormatError, match=r"It holds `b.csv`\."):
        read_table(tmp_path)


def test_unknown_endings(tmp_path):
    with pytest.raises(TableFormatError, match=r"must end in \.csv, \.tsv, \.parquet.* Found `rows\.xlsx`\. Rename it"):
        read_table(put(tmp_path, "a\n1\n", "rows.xlsx"))


def test_damaged_gzip(tmp_path):
    whole = gzip.compress(b"a,b\n" + b"".join(b"%d,2\n" % i for i in range(500_000)))
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    wrong_sum = bytearray(whole)
    wrong_sum[-6] ^= 0xFF
    damaged = {
        "short": whole[:40],
        "half": whole[: len(whole) // 2],
        "flipped": flipped,
        "sum": wrong_sum,
        "no": b"a,b\n",
    }
    for name, data in damaged.items():
        path = tmp_path / f"{name}.csv.gz"
        path.write_bytes(bytes(data))
        with pytest.raises(
            TableFormatError, match=rf"must be an intact gzip file\. Found `{name}\.csv\.gz`: .* cut short"
        ):
            read_table(path)


@pytest.mark.parametrize("ending", ["parquet", "parquet.gz"])
def test_damaged_parquet(tmp_path, ending):
    whole = parquet(FRAME)
    for data in (b"", b"PAR1xxxx", whole[:-20], b"a,b\n1,2\n"):
        with pytest.raises(
            TableFormatError, match=r"must be an intact Parquet file\. Found `rows\.parquet.*write it again"
        ):
            read_table(put(tmp_path, data, f"rows.{ending}"))


@pytest.mark.parametrize("source", [3, None, np.ones((2, 2)), {"a": [1]}])
def test_what_is_no_table_at_all(source):
    with pytest.raises(
        ArgumentError, match=r"a path, the name of a shipped set, or a data frame\. Found a value of type"
    ):
        read_table(source)


def test_frames_without_rows():
    with pytest.raises(TableFormatError, match=r"at least one row\. Found 1 columns and no rows in `table`"):
        read_table(pl.DataFrame({"a": []}))


def test_real_tables(shared_data):
    for path in sorted(shared_data.glob("*.gz")):
        if path.name.startswith("gal_"):  # published without a header
            with pytest.raises((TableFormatError, ColumnError), match="name"):
                read_table(path)
        else:
            table = read_table(path)
            assert table.frame.height > 200
            assert table.notes == ()
    assert set(read_table(shared_data / "a_arrhythmia.csv.gz").frame.dtypes) <= {pl.Int64, pl.Float64}
