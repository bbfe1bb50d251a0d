"""JSON that comes back, and files that are whole or absent."""

import json
import stat
import subprocess
import sys

import pytest

from justfit.errors import OutputError
from justfit.records import FitResult, from_json, to_json
from justfit.report import render_json, write_atomically
from tests.unit.report import patients


def names(folder):
    return [path.name for path in folder.iterdir()]


def test_json_comes_back():
    result = patients.overfitting()
    assert render_json(result) == to_json(result)
    assert from_json(FitResult, render_json(result)) == result


def test_json_of_a_lone_surrogate_can_be_written_and_comes_back():
    text = render_json(patients.hostile())
    text.encode("utf-8")
    assert patients.HOSTILE[9] in json.loads(text)["dataset"]["classes"]


def test_a_file_is_written_whole_and_alone(tmp_path):
    path = tmp_path / "report.html"
    write_atomically(path, "first")
    write_atomically(str(path), "λ = 3 \udcff")
    assert path.read_text("utf-8") == "λ = 3 \\udcff"
    assert names(tmp_path) == ["report.html"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04\r\n\xff\x00"])
def test_bytes_are_written_as_they_are(tmp_path, content):
    write_atomically(tmp_path / "model", content)
    assert (tmp_path / "model").read_bytes() == content
    assert names(tmp_path) == ["model"]


def test_a_new_file_has_the_permissions_that_new_files_have(tmp_path):
    write_atomically(tmp_path / "a", "x")
    (tmp_path / "b").write_text("x")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE((tmp_path / "b").stat().st_mode)


def test_a_name_as_long_as_the_file_system_allows(tmp_path):
    write_atomically(tmp_path / ("n" * 255), "x")
    assert names(tmp_path) == ["n" * 255]


def test_a_symbolic_link_is_followed(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_atomically(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_no_such_folder(tmp_path):
    with pytest.raises(
        OutputError, match=r"must be a place where a file can be written\. Found `No such file or direc"
    ):
        write_atomically(tmp_path / "missing" / "report.html", "x")


def test_a_folder_of_that_name(tmp_path):
    (tmp_path / "report.html").mkdir()
    with pytest.raises(OutputError, match=r"Found `Is a directory`\. Choose another place, or make room"):
        write_atomically(tmp_path / "report.html", "x")
    assert names(tmp_path) == ["report.html"]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    write_atomically(path, "old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutputError, match="Found `No space left on device`"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["report.html"]


def test_an_interrupt_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    write_atomically(path, "old")

    def interrupt(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["report.html"]


def test_a_stored_result_renders_without_torch(tmp_path):
    (tmp_path / "result.json").write_text(render_json(patients.overfitting()), "utf-8")
    program = (
        "import sys, pathlib; from justfit.records import FitResult, from_json; from justfit.report import render_html;"
        "page = render_html(from_json(FitResult, pathlib.Path(sys.argv[1]).read_text('utf-8')));"
        "assert '</html>' in page;"
        "heavy = {'torch', 'sklearn', 'polars', 'scipy'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "result.json")], check=True)
