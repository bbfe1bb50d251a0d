"""The live lab: what it answers, what it holds, and that what it answers is what the playground itself says."""

import asyncio
import base64
import hashlib
import re
import socket
import sys
import threading
import time
from urllib.parse import quote

import pytest

from justfit.errors import ArgumentError, ColumnError, MissingExtraError, WorkerError
from justfit.lab import LabServer, Playground, Settings
from justfit.lab._server_answers import Refused
from justfit.lab._server_runs import MOST_RUNS, Runs
from tests.unit.lab.asking import ask_inside, run_alone, token_of

SMALL = {"depth": 1, "width": 2, "num_train": 20}


@pytest.fixture(scope="module")
def lab():
    with LabServer() as lab:
        yield lab


def test_a_run_is_the_playground_of_its_settings(lab):
    settings = {**SMALL, "data": "xor", "seed": 3}
    opened = ask_inside(lab, "POST", "/api/runs?l2=1&dropout=2", settings).json
    path = f"/api/runs/{opened['id']}"
    twin = Playground(Settings.read(settings))
    assert opened["state"] == twin.state(1, 2, plane=True)
    assert opened["settings"] == Settings.read(settings).plain()
    for _ in range(2):
        advanced = ask_inside(lab, "POST", f"{path}/advance", {"epochs": 3, "l2": 2, "dropout": 1})
        assert advanced.status == 200
    twin.advance(6)
    assert advanced.json == twin.state(2, 1)
    assert ask_inside(lab, "GET", f"{path}?l2=5&dropout=4").json == twin.state(5, 4)
    assert ask_inside(lab, "GET", path).json == twin.state(0, 0)


def test_settings_may_also_come_under_their_own_name(lab):
    assert ask_inside(lab, "POST", "/api/runs", {"settings": SMALL}).json["settings"]["width"] == 2


def test_without_a_body_the_defaults_run(lab):
    assert ask_inside(lab, "POST", "/api/runs").json["settings"] == Settings().plain()


def test_options_are_what_a_page_needs(lab):
    options = ask_inside(lab, "GET", "/api/options").json
    assert {"name": "moons", "label": "Two moons"} in options["data"]
    assert options["defaults"] == Settings().plain()
    assert "table" not in [data["name"] for data in options["data"]]
    state = ask_inside(lab, "POST", "/api/runs", SMALL).json["state"]
    assert [len(state["grid"]["train"]), len(state["grid"]["train"][0])] == [
        len(options["l2"]),
        len(options["dropout"]),
    ]


def test_the_table_of_the_user_is_offered_and_played_with(tmp_path):
    name = '<script>alert("x")</script>'
    rows = [f"{i % 7 - 3},{i % 5},{'a<b' if i % 7 > 3 else 'c&d'}" for i in range(90)]
    (tmp_path / "t.csv").write_text("\n".join([f'"{name.replace(chr(34), chr(34) * 2)}",two,y', *rows]))
    with LabServer(str(tmp_path / "t.csv"), target="y") as lab:
        options = ask_inside(lab, "GET", "/api/options").json
        assert options["data"][0] == {"name": "table", "label": "t", "x": name, "y": "two"}
        assert options["defaults"]["data"] == "table"
        plane = ask_inside(lab, "POST", "/api/runs", {**SMALL, "data": "table"}).json["state"]["plane"]
        assert plane["xName"] == name
        assert sorted(plane["classes"]) == ["a<b", "c&d"]
        assert 'alert("x")' not in ask_inside(lab, "GET", "/").text  # names come as data only
    with LabServer(str(tmp_path / "t.csv"), target="y", columns=("two", name)) as lab:
        assert ask_inside(lab, "GET", "/api/options").json["data"][0]["x"] == "two"


def test_columns_without_a_table_are_refused():
    with pytest.raises(ArgumentError, match=r"`columns` are two of a table\. Found no table\. Add `--data TABLE`"):
        LabServer(columns=("a", "b"))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"depth": 101}, r"`depth` must be a whole number from 1 to 100\. Found `depth=101`\."),
        ({"data": "../../etc/passwd"}, r"`data` must be one of .* Found `data='../../etc/passwd'`\."),
        ({"data": "table"}, r"`data=table` needs a table\. Found none\. Start with `justfit lab --serve --data TABLE`"),
        ({"settings": 3}, r"Settings must be names with values\. Found a int\."),
        ({"__class__": 1}, r"A setting must have a known name\. Found `__class__`\."),
        ({"num_train": 1e999}, r"A body must be a JSON object in UTF-8\. Found bytes that are no JSON\."),
        ({"noise": float("nan")}, r"A body must be a JSON object in UTF-8\. Found bytes that are no JSON\."),
        (b"{", r"Found bytes that are no JSON\. Send something like `\{\"epochs\": 1\}`\."),
        (b"[1, 2]", r"Found JSON of another kind, `list`\."),
        (b"null", r"Found JSON of another kind, `NoneType`\."),
        (b"\xff\xfe{}", r"Found bytes that are no JSON\."),
        (b"[" * 16_000, r"Found bytes that are no JSON\."),
        (b'{"depth": ' + b"9" * 5_000 + b"}", r"Found bytes that are no JSON\."),
        (b"\x00" * 100, r"Found bytes that are no JSON\."),
    ],
)
def test_settings_that_cannot_be_are_refused_in_words(lab, body, message):
    refused = ask_inside(lab, "POST", "/api/runs", body)
    assert refused.status == 400
    assert set(refused.json) == {"error", "found", "way_out"}
    assert re.search(message, "{error} Found {found}. {way_out}".format(**refused.json))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"epochs": 0}, r"`epochs` must be a whole number from 1 to 50\. Found `0`\."),
        ({"epochs": 51}, r"`epochs` must be a whole number from 1 to 50\. Found `51`\."),
        ({"epochs": True}, r"`epochs` must be .* Found `True`\."),
        ({"epochs": 1.5}, r"`epochs` must be .* Found `1\.5`\."),
        ({"epochs": "x" * 10_000}, r"`epochs` must be .* Found `x{20}…x{19}`\."),
        ({"epochs": 1, "l2": 6}, r"`l2` must be a whole number from 0 to 5\. Found `6`\. Of a slider it is the place"),
        ({"epochs": 1, "dropout": -1}, r"`dropout` must be a whole number from 0 to 4\. Found `-1`\."),
        ({"epochs": 1, "dropout": [[]]}, r"`dropout` must be .* Found `\[\[\]\]`\."),
    ],
)
def test_steps_that_cannot_be_are_refused_in_words(lab, asked, message):
    id_ = ask_inside(lab, "POST", "/api/runs", SMALL).json["id"]
    refused = ask_inside(lab, "POST", f"/api/runs/{id_}/advance", asked)
    assert refused.status == 400
    assert re.search(message, "{error} Found {found}. {way_out}".format(**refused.json))
    assert ask_inside(lab, "GET", f"/api/runs/{id_}").json["epoch"] == 0


@pytest.mark.parametrize("query", ["l2=6", "l2=-1", "dropout=x", "l2=1e0", "l2=٣", "dropout=99999999999999999999"])
def test_places_that_are_none_are_refused(lab, query):
    id_ = ask_inside(lab, "POST", "/api/runs", SMALL).json["id"]
    assert ask_inside(lab, "GET", f"/api/runs/{id_}?{quote(query, safe='=')}").status == 400


def test_at_most_eight_runs_are_held_and_the_one_in_use_is_not_forgotten(lab):
    first, second = (ask_inside(lab, "POST", "/api/runs", SMALL).json["id"] for _ in range(2))
    for _ in range(MOST_RUNS - 1):
        ask_inside(lab, "GET", f"/api/runs/{first}")
        assert ask_inside(lab, "POST", "/api/runs", SMALL).status == 200
    assert ask_inside(lab, "GET", f"/api/runs/{first}").status == 200
    forgotten = ask_inside(lab, "POST", f"/api/runs/{second}/advance", {"epochs": 1})
    assert forgotten.status == 404
    assert forgotten.json == {
        "error": "A run must be one of the 8 that the lab holds; the one unused longest is forgotten.",
        "found": f"`{second}`",
        "way_out": "Start it again: the same settings and seed give the same run.",
    }


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_other_methods_are_refused(lab, method):
    refused = ask_inside(lab, method, "/api/runs")
    assert refused.status == 405
    assert refused.json["found"] == f"`{method}`"


def test_a_long_advance_ends_after_its_slice_and_says_how_far_it_came(lab, monkeypatch):
    monkeypatch.setattr(lab._lab.runs, "slice_seconds", 0.1)
    id_ = ask_inside(lab, "POST", "/api/runs", {"depth": 100, "width": 16, "num_train": 500}).json["id"]
    started = time.monotonic()
    advanced = ask_inside(lab, "POST", f"/api/runs/{id_}/advance", {"epochs": 50}).json
    assert 0 <= advanced["epoch"] < 50  # 0: paused within the first, which the next advance goes on with
    assert time.monotonic() - started < 10


def test_every_page_runs_our_script_alone(lab):
    page = ask_inside(lab, "GET", "/")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page.text).group(1)
    script = re.search(r'<script type="module">(.*?)</script>', page.text, re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src &#39;sha256-{digest}&#39;" in policy
    assert "default-src &#39;none&#39;" in policy
    assert "connect-src &#39;self&#39;" in policy
    assert page.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cache-control"] == "no-store"
    assert "server" not in page.headers
    assert token_of(lab) not in page.text


def test_only_this_machine_can_connect(lab):
    assert lab._socket.getsockname()[0] == "127.0.0.1"


def test_a_port_that_is_taken_is_named():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(
            ArgumentError, match=rf"may listen on\. Found `port={port}`, which is taken\. Choose another, or leave"
        ):
            LabServer(port=port)


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_out_of_range_is_refused(port):
    with pytest.raises(ArgumentError, match=rf"`port` must lie in \[0, 65535\]\. Found `port={port}`\. 0 takes any"):
        LabServer(port=port)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # the planted fault itself
def test_a_lab_that_does_not_open_says_so(capfd):
    closed = LabServer()
    closed._socket.close()
    with pytest.raises(
        WorkerError, match=r"must open within 30 seconds\. Found a server that does not answer\. Look at"
    ):
        closed.__enter__()


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(MissingExtraError, match=r"needs starlette and uvicorn\. Found no package `.*justfit\[lab\]'`"):
        LabServer()


def test_a_table_that_cannot_be_used_is_refused_before_anything_listens(tmp_path):
    (tmp_path / "t.csv").write_text("a,y\n" + "1,b\n2,c\n" * 60)
    with pytest.raises(ColumnError, match="shows two numeric columns"):
        LabServer(str(tmp_path / "t.csv"), target="y")


def test_a_fault_is_told_and_the_lab_goes_on(monkeypatch, capfd):
    def broken(self, epochs, most_seconds):
        raise RuntimeError("planted")

    with LabServer() as lab:
        id_ = ask_inside(lab, "POST", "/api/runs", SMALL).json["id"]
        with monkeypatch.context() as patch:
            patch.setattr(Playground, "advance", broken)
            reply = ask_inside(lab, "POST", f"/api/runs/{id_}/advance")
        assert reply.status == 500
        assert reply.json["found"] == "a fault of justfit: RuntimeError"
        assert "planted" not in reply.text
        assert ask_inside(lab, "POST", f"/api/runs/{id_}/advance").json["epoch"] == 1


# --- runs without HTTP ----------------------------------------------------------------------------------------------


class Slow:
    """An engine that is busy until it is let go, and notices a second thread inside."""

    def __init__(self, settings):
        self.settings = Settings()
        self.go, self.trained, self.inside, self.overlapped = threading.Event(), 0, 0, False

    def advance(self, epochs, most_seconds):
        self.inside += 1
        self.overlapped |= self.inside > 1
        self.go.wait(5)
        self.trained += epochs
        self.inside -= 1

    def state(self, l2, dropout, *, plane=False):
        self.overlapped |= self.inside > 0
        return {"trained": self.trained}


async def stays():
    return False


async def is_gone():
    return True


def test_one_run_is_never_used_by_two_at_once_and_others_go_on_meanwhile():
    async def scene():
        engines = []
        runs = Runs(lambda settings: engines.append(Slow(settings)) or engines[-1])
        busy, other = [(await runs.open({}, (0, 0), stays))["id"] for _ in range(2)]
        steps = [asyncio.create_task(runs.advance(busy, 1, (0, 0), stays)) for _ in range(4)]
        looks = [asyncio.create_task(runs.look(busy, (0, 0))) for _ in range(4)]
        await asyncio.sleep(0.05)
        assert await asyncio.wait_for(runs.look(other, (0, 0)), 1.0) == {"trained": 0}
        engines[0].go.set()
        assert [(await step)["trained"] for step in steps] == [1, 2, 3, 4]
        assert [(await look)["trained"] for look in looks] == [4] * 4
        assert not engines[0].overlapped
        runs.close()

    run_alone(scene())


def test_nothing_is_opened_for_whoever_left_while_others_were_served():
    async def scene():
        made, go = [], threading.Event()
        runs = Runs(lambda settings: made.append(settings) or (go.wait(5) and Slow(settings)))
        served = [asyncio.create_task(runs.open({"k": k}, (0, 0), stays)) for k in range(2)]
        left = [asyncio.create_task(runs.open({"k": k}, (0, 0), is_gone)) for k in range(2, 6)]
        last = asyncio.create_task(runs.open({"k": 6}, (0, 0), stays))
        await asyncio.sleep(0.05)
        go.set()
        for refused in left:
            with pytest.raises(Refused, match="must wait for the answer"):
                await refused
        assert len({(await run)["id"] for run in (*served, last)}) == 3
        assert made == [{"k": 0}, {"k": 1}, {"k": 6}]
        runs.close()

    run_alone(scene())


def test_nothing_is_trained_for_whoever_has_left():
    async def scene():
        engines = []
        runs = Runs(lambda settings: engines.append(Slow(settings)) or engines[-1])
        id_ = (await runs.open({}, (0, 0), stays))["id"]
        with pytest.raises(Refused, match="must wait for the answer"):
            await runs.advance(id_, 1, (0, 0), is_gone)
        assert engines[0].trained == 0
        runs.close()

    run_alone(scene())
