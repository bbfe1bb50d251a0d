"""The claims on demand: a process of their own, told as it goes, and the pages before, while and after."""

import asyncio
import base64
import hashlib
import json
import subprocess
import sys
import time

import pytest

from justfit.lab import LabServer, _claims_process
from justfit.lab._server_claims import Claims
from justfit.lab._texts import TEXTS
from justfit.records import LabRecord, from_dict, to_dict
from tests.unit.lab.asking import ask_inside, run_alone
from tests.unit.report import labs
from tests.unit.report.page import Page, assert_references_resolve


def saying(tmp_path, *lines, then="pass"):
    """A program that says these lines and then waits for the file `go` where it is told to."""
    said = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    script = tmp_path / "claims.py"
    script.write_text(
        "import pathlib, sys, time\n"
        f"pathlib.Path({str(tmp_path / 'asked')!r}).write_text(sys.argv[1])\n"
        f"for line in {said!r}:\n"
        f"    while line == 'wait' and not pathlib.Path({str(tmp_path / 'go')!r}).exists(): time.sleep(0.01)\n"
        "    print(line, flush=True) if line != 'wait' else None\n"
        f"{then}\n"
    )
    return (sys.executable, str(script))


RECORD = {"record": to_dict(labs.healthy())}
HALF_WAY = {"done": 5, "sentence": "Measuring C6 <b>L2</b> norm."}


@pytest.fixture
def lab():
    with LabServer(seed=7) as lab:
        yield lab


def wait_for(lab, state):
    until = time.monotonic() + 10
    while (progress := ask_inside(lab, "GET", "/api/claims").json)["state"] != state:
        assert time.monotonic() < until, progress
        time.sleep(0.02)
    return progress


def test_claims_are_started_told_and_shown(lab, tmp_path):
    lab._lab.claims.command = saying(tmp_path, HALF_WAY, "wait", RECORD)
    idle = ask_inside(lab, "GET", "/api/claims").json
    assert idle == {"state": "idle", "done": 0, "total": 17, "sentence": "The claims have not been measured yet."}
    page = Page(ask_inside(lab, "GET", "/claims").text)
    assert [form.attributes["action"] for form in page.all("form")] == ["/claims?quick=1", "/claims?quick=0"]

    assert ask_inside(lab, "POST", "/api/claims", {"quick": False}).json["state"] == "running"
    until = time.monotonic() + 10
    while ask_inside(lab, "GET", "/api/claims").json["done"] != 5 and time.monotonic() < until:
        time.sleep(0.02)
    running = ask_inside(lab, "GET", "/claims").text
    assert "Measuring C6 &lt;b&gt;L2&lt;/b&gt; norm." in running
    assert 'max="17" value="5"' in running
    assert running.count('class="done">') == 5

    assert ask_inside(lab, "POST", "/api/claims", {"quick": True}).json["done"] == 5  # goes on, does not start again
    (tmp_path / "go").touch()
    assert wait_for(lab, "done")["sentence"].endswith("claims hold.")
    assert json.loads((tmp_path / "asked").read_text()) == {"data": None, "target": None, "quick": False, "seed": 7}
    shown = Page(ask_inside(lab, "GET", "/claims").text)
    assert [a.attributes["href"] for a in shown.all("a") if a.attributes["href"][0] == "/"] == ["/", "/claims/again"]
    assert labs.healthy().claims[0].title in "".join(e.words for e in shown.all("h2"))
    assert "Measure the claims again" in ask_inside(lab, "GET", "/claims/again").text


def test_the_button_itself_starts_them(lab, tmp_path):
    lab._lab.claims.command = saying(tmp_path, RECORD)
    pressed = ask_inside(lab, "POST", "/claims?quick=1")
    assert (pressed.status, pressed.headers["location"]) == (303, "/claims")
    wait_for(lab, "done")
    assert json.loads((tmp_path / "asked").read_text())["quick"] is True


@pytest.mark.parametrize(
    ("lines", "then", "sentence"),
    [
        ([{"error": "The table is <gone>."}], "pass", "The table is <gone>."),
        ([HALF_WAY], "sys.exit(3)", "The process that measures them ended before its time."),
        (["no JSON"], "time.sleep(60)", "The process that measures them could not be heard: "),
        ([{"record": {}}], "pass", "The process that measures them could not be heard: "),
        ([[1]], "pass", "The process that measures them could not be heard: "),
    ],
)
def test_a_failure_is_told_in_words_and_can_be_repeated(lab, tmp_path, lines, then, sentence):
    lab._lab.claims.command = saying(tmp_path, *lines, then=then)
    ask_inside(lab, "POST", "/api/claims")
    assert wait_for(lab, "failed")["sentence"].startswith(sentence)
    page = ask_inside(lab, "GET", "/claims").text
    assert sentence.replace("<", "&lt;").replace(">", "&gt;") in page
    assert "The claims could not be measured" in page
    (tmp_path / "second").mkdir()
    lab._lab.claims.command = saying(tmp_path / "second", RECORD)
    ask_inside(lab, "POST", "/api/claims")
    wait_for(lab, "done")


def test_a_program_that_cannot_be_started_is_a_failure(lab, tmp_path):
    lab._lab.claims.command = (str(tmp_path / "nothing"),)
    ask_inside(lab, "POST", "/api/claims")
    assert "could not be heard" in wait_for(lab, "failed")["sentence"]


def test_what_is_asked_must_be_true_or_false(lab):
    refused = ask_inside(lab, "POST", "/api/claims", {"quick": "no"})
    assert refused.status == 400
    assert refused.json["error"] == "`quick` must be true or false."


def test_closing_ends_the_process(tmp_path):
    async def scene():
        claims = Claims(command=saying(tmp_path, HALF_WAY, "wait", RECORD))
        claims.start(quick=True)
        until = time.monotonic() + 10
        while claims.done != 5 and time.monotonic() < until:
            await asyncio.sleep(0.02)
        await claims.close()
        return claims._process.returncode

    assert run_alone(scene()) == -9


@pytest.mark.parametrize("state", ["idle", "running", "failed", "done"])
def test_pages_that_wait_are_whole(lab, state):
    lab._lab.claims.state = state
    page = Page(ask_inside(lab, "GET", "/claims").text)
    assert len(list(page.all("li"))) == len(TEXTS)
    assert [heading.name for heading in page.elements if heading.name in ("h1", "h2")] == ["h1", "h2"]
    ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    policy = next(e.attributes["content"] for e in page.all("meta") if "http-equiv" in e.attributes)
    scripts = ["".join(e.text) for e in page.all("script") if e.attributes.get("type") != "application/json"]
    assert len(scripts) == (2 if state == "running" else 1)  # the choice of colours, and one that looks again
    for script in scripts:
        assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in policy
    assert "form-action 'self'" in policy


def test_a_served_page_of_hostile_words_leads_only_inside():
    from justfit.report import render_lab_html

    page = Page(render_lab_html(labs.hostile(), served=True))
    links = [a.attributes["href"] for a in page.all("a")]
    assert all(link.startswith(("#", "/")) and not link.startswith("//") for link in links)
    assert_references_resolve(Page(render_lab_html(labs.hostile())))


# --- the program behind the button ----------------------------------------------------------------------------------


def test_the_program_tells_each_claim_and_ends_with_the_record(capsys):
    _claims_process.main('{"quick": true, "seed": 0, "claims": ["C12", "C17"]}')
    first, second, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == {"done": 0, "sentence": "Measuring C12 Vanishing and exploding."}
    assert second["sentence"] == "Measuring C17 He."
    record = from_dict(LabRecord, last["record"])
    assert [claim.id for claim in record.claims] == ["C12", "C17"]
    assert record.refuted == ()


def test_the_program_tells_bad_input(capsys, tmp_path):
    _claims_process.main(json.dumps({"data": str(tmp_path / "no.csv"), "target": "y"}))
    assert "no.csv" in json.loads(capsys.readouterr().out)["error"]


def test_the_command_is_that_program():
    command = Claims().command
    assert command[0] == sys.executable
    assert command[-2:] == ("-m", _claims_process.__name__)


def test_files_of_the_folder_that_it_is_opened_in_are_not_run(tmp_path):
    (tmp_path / "planted.py").write_text("print('from the folder')")
    *before, _ = Claims().command
    ran = subprocess.run([*before, "planted"], cwd=tmp_path, check=False, capture_output=True, text=True, timeout=30)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "No module named planted" in ran.stderr
