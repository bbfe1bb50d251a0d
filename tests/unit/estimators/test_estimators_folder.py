"""The output directory: whole or not at all, and never at the cost of someone else's files."""

import os
import shutil
from pathlib import Path

import pytest

from justfit.errors import OutputError
from justfit.estimators import _folder, fit_table
from justfit.estimators._folder import ResultFolder, default_folder


@pytest.fixture
def earlier(folder_of, tmp_path):
    """A directory that justfit wrote."""
    return Path(shutil.copytree(folder_of, tmp_path / "home" / "earlier"))


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def write(fitted, path, *, overwrite=False):
    from justfit.estimators._folder import read_target

    target = read_target(fitted.files["target.json"].parent)
    return ResultFolder(path, overwrite).write(fitted.result, fitted.estimator, fitted.encoder, target)


@pytest.mark.parametrize(
    ("table", "folder"),
    [
        ("patients", "justfit-patients"),
        ("a b/c:d", "justfit-a-b-c-d"),
        ("größe.v2", "justfit-größe.v2"),
        ("...", "justfit-table"),
        ("x" * 300, "justfit-" + "x" * 80),
    ],
)
def test_default_name(table, folder):
    assert default_folder(table) == Path(folder)


def test_makes_parents_only_when_it_writes(fitted, tmp_path):
    folder = ResultFolder(tmp_path / "a" / "b" / "out", overwrite=False)
    assert not (tmp_path / "a").exists()
    write(fitted, folder.path)
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == ["out"]


def test_refuses_what_exists(earlier, tmp_path):
    with pytest.raises(OutputError, match=r"must not exist yet. Found `.*earlier`.*add `--overwrite` to replace it"):
        ResultFolder(earlier, overwrite=False)
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match=r"must not exist yet"):
        ResultFolder(tmp_path / "file", overwrite=False)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputError, match=r"must not exist yet"):
        ResultFolder(tmp_path / "dangling", overwrite=False)


@pytest.mark.parametrize(
    "text", [None, "", "[]", "{}", '{"schema_version": "other/1"}', '{"schema_version": 3}', "[" * 100_000]
)
def test_overwrites_no_directory_of_others(text, tmp_path):
    """Many programs write a result.json: that name alone must not cost anyone a directory."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "thesis.tex").write_text("years of work")
    if text is not None:
        (tmp_path / "theirs" / "result.json").write_text(text)
    with pytest.raises(
        OutputError, match=r"`--overwrite` replaces only a directory that justfit wrote. Found `.*theirs"
    ):
        ResultFolder(tmp_path / "theirs", overwrite=True)
    assert (tmp_path / "theirs" / "thesis.tex").read_text() == "years of work"


def test_overwrites_no_file_of_others_in_its_own_directory(earlier):
    (earlier / "predictions.csv").write_text("mine")
    with pytest.raises(
        OutputError, match=r"removes only files that justfit wrote. Found `predictions.csv` in `.*earlier"
    ):
        ResultFolder(earlier, overwrite=True)
    assert (earlier / "predictions.csv").read_text() == "mine"


def test_overwrites_no_file_and_no_dangling_link(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("file", "dangling"):
        with pytest.raises(OutputError, match=r"replaces only a directory that justfit wrote"):
            ResultFolder(tmp_path / name, overwrite=True)


def test_overwrites_its_own(earlier, fitted_number):
    before = contents(earlier)
    files = write(fitted_number, earlier, overwrite=True)
    assert set(files) == set(before)
    assert contents(earlier) != before
    assert (earlier / "result.json").read_bytes() == fitted_number.files["result.json"].read_bytes()
    assert sorted(path.name for path in earlier.parent.iterdir()) == ["earlier"]


def test_follows_a_link_to_its_own_directory(earlier, fitted_number, tmp_path):
    (tmp_path / "latest").symlink_to(earlier)
    write(fitted_number, tmp_path / "latest", overwrite=True)
    assert (tmp_path / "latest").is_symlink()
    assert (earlier / "result.json").read_bytes() == fitted_number.files["result.json"].read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "latest"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["disk", "ctrl-c"])
@pytest.mark.parametrize("step", ["report.html", "result.json", "target.json", "model", "preprocessing", "rename"])
def test_a_failed_write_leaves_what_was_there(step, error, earlier, fitted_number, monkeypatch):
    def fail(*_, **__):
        raise error

    if step in ("report.html", "result.json", "target.json"):
        whole = _folder.write_atomically
        monkeypatch.setattr(
            _folder, "write_atomically", lambda path, text: fail() if path.name == step else whole(path, text)
        )
    elif step == "model":
        monkeypatch.setattr(type(fitted_number.estimator), "save", fail)
    elif step == "preprocessing":
        monkeypatch.setattr(type(fitted_number.encoder), "save", fail)
    else:
        rename = Path.rename
        monkeypatch.setattr(
            Path, "rename", lambda old, new: fail() if new == earlier and "old" not in old.name else rename(old, new)
        )
    before = contents(earlier)
    message = r"^$|The output directory `.*earlier` must be writable. Found No space left on device. Choose"
    with pytest.raises(KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else OutputError, match=message):
        write(fitted_number, earlier, overwrite=True)
    assert contents(earlier) == before
    assert sorted(path.name for path in earlier.parent.iterdir()) == ["earlier"]


def test_a_full_disk_is_named_once(fitted, tmp_path, monkeypatch):
    """Also where a library below wraps the error: the message names the user's directory, not the temporary one."""

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"`.*/out` must be writable. Found No space left on device") as caught:
        write(fitted, tmp_path / "out")
    assert ".justfit-" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("place", ["file/out", "file/deep/out"])
def test_refuses_a_place_under_a_file(place, tmp_path, patients):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match=r"The output directory `.*out` must be writable. Found Not a directory"):
        fit_table(patients, target="stay", out=tmp_path / place)


def test_refuses_a_parent_that_cannot_be_written(tmp_path, patients, monkeypatch):
    """By the answer of the system, not by permission bits: root may write anywhere, a read-only disk binds root too."""

    def read_only(**_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(_folder.tempfile, "TemporaryFile", read_only)
    with pytest.raises(OutputError, match=r"`.*out` must be writable. Found Read-only file system"):
        fit_table(patients, target="stay", out=tmp_path / "out")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write where no permission is given")
def test_refuses_a_parent_without_permission(tmp_path, patients):
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(OutputError, match=r"must be writable. Found Permission denied"):
        fit_table(patients, target="stay", out=tmp_path / "locked" / "out")


def test_a_long_name_fits_if_the_file_system_takes_it(fitted, tmp_path):
    assert write(fitted, tmp_path / ("n" * 250))
    with pytest.raises(OutputError, match=r"Found File name too long"):
        ResultFolder(tmp_path / ("n" * 300), overwrite=False)
