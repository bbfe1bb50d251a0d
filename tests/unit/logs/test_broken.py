"""Files that cannot be read: one clear error each, and never a traceback."""

import contextlib
import gzip
import io
import json
import os
import pickle
import re
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from justfit.errors import JustFitError, LogColumnError, LogFormatError, LogNotFoundError, MissingExtraError
from justfit.logs import _json, _source, read_histories, read_history
from tests.unit.logs import texts

KINDS = "A log must be CSV, JSON, JSON lines, Parquet, SQLite or TensorBoard event files. Found {} in `{}`. {}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "A log must hold at least one row. Found nothing in `{}`."),
        (b" \n\t\n", "A log must hold at least one row. Found nothing in `{}`."),
        (b"epoch,loss,val_loss\n", "A log must hold at least one row. Found only a header in `{}`."),
        (b"1,0.5,0.6\n2,0.4,0.5\n", "The first line of a log must name its columns. Found the numbers `1,0.5,0.6` in"),
        (b"a,a,b\n1,2,3\n", "Every column of a log must have a name of its own. Found `a` 2 times in `{}`."),
        (b"loss,val_loss\n1,2\n1,2,3\n", "no line with more fields than the header. Found 3 fields on line 3 of `{}`, "
         "and 2 names. Correct that line, or check that every quote is closed."),
        (b'loss,val_loss\n1,"2\n', "A CSV or TSV log must be lines of fields"),
        (b"loss,val_loss\n1,\xff\xfe\n", "A log must be UTF-8 text. Found byte 0xff at position 16 of `{}`. Save it"),
        ("loss,val_loss\n1,2\n".encode("utf-16"), KINDS.format("UTF-16 text", "{}", "Save it as UTF-8.")),
        (b"\x7fELF\x00\x00\x01", KINDS.format("bytes that are no text", "{}", "Name the log of a training run")),
        (b"PK\x03\x04....", KINDS.format("a zip archive", "{}", "Name the log of a training run, not a")),
        (b":W&B\xe1\xbe\x00", KINDS.format("a W&B run that was not yet uploaded", "{}", "Run `wandb sync`")),
        (pickle.dumps({"loss": [1.0], "val_loss": [2.0]}),
         KINDS.format("a pickle, which may run any program when it is opened", "{}",
                      "Write the numbers with `json.dump(history.history, file)` instead.")),
        (b"PAR1 and no more", "A Parquet log must be intact. Found `{}`"),
        (b"\x1f\x8bgarbage", "Found damaged gzip"),
        # mtime: the name of the test must be the same in every process, so the hour may not stand in it
        (gzip.compress(texts.KERAS_CSV.encode(), mtime=0)[:-12], "Found damaged gzip"),
        (b"SQLite format 3\x00 and no more", "A database must be intact and readable. Found `{}`"),
        (b"{", "A log that begins with a brace or a bracket must be JSON, or JSON lines. Found `{}`"),
        (b'{"loss": 1}\n{"loss": \n{"loss": 2}\n', "Found `{}`: line 2:"),
        (b"[" * 100_000, "Found `{}`: values nested too deeply."),
        (b"[1, 2, 3]", "A JSON log must be a list of rows, or an object of lists. Found neither in `{}`."),
        (b'{"a": {"b": 1}}', "A JSON log must be a list of rows, or an object of lists. Found neither in `{}`."),
        (b'{"log_history": []}', "A JSON log must be a list of rows, or an object of lists. Found neither in `{}`."),
        (b'{"evidence": {}, "findings": [], "overhead": {}}',
         "A record of justfit must have the form that this version writes. Found `{}`: missing or unknown fields"),
    ],
)  # fmt: skip
def test_broken_files(tmp_path, content, message):
    path = tmp_path / "log"
    path.write_bytes(content)
    with pytest.raises(LogFormatError, match=re.escape(message.format(path))):
        read_history(path)


def test_what_is_not_there(tmp_path):
    (tmp_path / "metrics.csv").write_text(texts.LIGHTNING)
    with pytest.raises(
        LogNotFoundError, match=r"A log must be an existing file or folder\. .*Did you mean `metrics.csv`\?"
    ):
        read_history(tmp_path / "metric.csv")
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        read_history(tmp_path / "no" / "log.csv")
    for name in ("x" * 5000, "a\x00b", "~nobody-of-this-name/log.csv"):
        with pytest.raises(LogNotFoundError, match="A log must be an existing file"):
            read_history(name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_of_a_user(tmp_path):  # pragma: no cover - in CI, which is no root
    path = tmp_path / "log.csv"
    path.write_text(texts.KERAS_CSV)
    path.chmod(0)
    with pytest.raises(LogFormatError, match=r"A log must be readable.*Check its permissions"):
        read_history(path)


def test_a_file_without_permission(tmp_path, monkeypatch):
    path = tmp_path / "log.csv"
    path.write_text(texts.KERAS_CSV)
    opened = type(path).open

    def refuse(self, *arguments, **options):
        if self == path:
            raise PermissionError(13, "Permission denied")
        return opened(self, *arguments, **options)

    monkeypatch.setattr(type(path), "open", refuse)
    with pytest.raises(
        LogFormatError, match=r"must be readable\. Found .*: Permission denied\. Check its permissions\."
    ):
        read_history(path)


def test_gigantic_files(tmp_path, monkeypatch):
    path = tmp_path / "log.csv"
    path.write_text(texts.KERAS_CSV)
    monkeypatch.setattr(_source, "MOST_BYTES", 40)
    with pytest.raises(LogFormatError, match=r"A log must have at most 40 bytes\. Found 41 or more in"):
        read_history(path)
    with pytest.raises(LogFormatError, match=r"A log must have at most 40 bytes\. Found .* in `stream`"):
        read_history(io.BytesIO(texts.KERAS_CSV.encode()))
    monkeypatch.setattr(_json, "MOST_JSON_BYTES", 30)
    path.write_text(texts.KERAS_JSON)
    with pytest.raises(LogFormatError, match="A log must have at most 30 bytes"):
        read_history(path)


def test_a_packed_bomb_stops_at_the_limit(tmp_path, monkeypatch):
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress(b"epoch,loss\n" + b"1,2\n" * 1_000_000))
    assert path.stat().st_size < 50_000
    monkeypatch.setattr(_source, "MOST_BYTES", 100_000)
    with pytest.raises(LogFormatError, match="A log must have at most 100,000 bytes"):
        read_history(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name here")
def test_a_pipe_is_read_once(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with subprocess.Popen([sys.executable, "-c", f"open({str(path)!r}, 'w').write({texts.KERAS_CSV!r})"]) as writer:
        assert read_history(path).validation_loss == (1.0, 0.9, 0.8)
    assert writer.returncode == 0


def test_a_killed_writer_leaves_a_readable_log(tmp_path):
    path = tmp_path / "log"
    path.write_text(texts.JSON_LINES[:-5])
    assert read_history(path).epochs == (20,)
    path.write_text(texts.KERAS_CSV + "3,0.8")
    assert read_history(path).validation_loss == (1.0, 0.9, 0.8)


def test_event_files_need_tensorboard(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.backend.event_processing", None)
    (tmp_path / "events.out.tfevents.1.host").write_bytes(b"\x18" + b"\x00" * 20 + b"brain.Event:2")
    with pytest.raises(MissingExtraError, match=r"Install it with `pip install 'justfit\[tensorboard\]'`"):
        read_history(tmp_path)


def test_names_cannot_break_a_line(tmp_path):
    path = tmp_path / "a\nb.csv"
    path.write_text("x,y\n1,2\n")
    with pytest.raises(LogColumnError) as caught:
        read_history(path)
    assert "\n" not in str(caught.value)


WORDS = st.sampled_from(
    ["epoch", "step", "loss", "val_loss", "train_loss", ",", ";", "\t", "\n", "\r\n", "nan", "1", "-0.5", "1e999", "ä",
     '"', "{", "}", "[", "]", ":", '"loss"', '"val_loss"', '{"loss": [1, 2], "val_loss": [', "]}", " - ",
     "\ufeff", "\x00"]
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(
        st.binary(max_size=300),
        st.lists(WORDS, max_size=40).map(lambda words: "".join(words).encode()),
        st.tuples(
            st.sampled_from(
                [
                    b"PAR1",
                    b"SQLite format 3\x00",
                    b"\x1f\x8b",
                    b"\x80\x04",
                    b"\x18" + b"\x00" * 20 + b"brain.Event:2",
                    b"{",
                    b"[",
                ]
            ),
            st.binary(max_size=100),
        ).map(b"".join),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.sampled_from(["loss", "val_loss", "NaN"]),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(
                    st.sampled_from(
                        ["loss", "val_loss", "log_history", "history", "epoch", "batches", "evidence", "key"]
                    ),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=20,
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_no_content_whatever_is_a_traceback(tmp_path, content):
    path = tmp_path / "log"
    path.write_bytes(content)
    with contextlib.suppress(JustFitError):
        histories = read_histories(path)
        assert all(history.epochs for history in histories)


NUMBERS = st.one_of(st.none(), st.floats(), st.integers(-5, 40))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=25))
def test_any_numbers_make_a_rising_history_or_an_error(tmp_path, rows):
    path = tmp_path / "log.csv"
    cells = [",".join("" if value is None else str(value) for value in row) for row in rows]
    path.write_text("\n".join(["epoch,step,train_loss,val_loss", *cells]))
    with contextlib.suppress(LogColumnError):
        history = read_history(path)  # the record itself refuses epochs that do not rise
        finite = {value for row in rows for value in row[3:] if value is not None}
        assert {value for value in history.validation_loss if value == value} <= {float(value) for value in finite}
