"""Who gets into the live lab: without the token, from elsewhere, by another name, or with too much, nobody."""

import base64
import hashlib
import http.client
import re
import socket
import time
from html import unescape
from urllib.parse import quote

import pytest

from justfit.lab import LabServer
from justfit.lab import _server_answers as answers
from justfit.lab._server_connections import Hall
from justfit.lab._server_guard import Keys
from tests.unit.lab.asking import ask, ask_inside, cookie_of, token_of

SMALL = {"depth": 1, "width": 2, "num_train": 20}
SCHEME = "http:" + "//"
EVERY_PATH = [
    ("GET", "/"),
    ("GET", "/?"),
    ("GET", "/?again"),
    ("GET", "/claims"),
    ("GET", "/claims/again"),
    ("POST", "/claims?quick=1"),
    ("GET", "/favicon.ico"),
    ("GET", "/api/options"),
    ("GET", "/api/claims"),
    ("POST", "/api/claims"),
    ("POST", "/api/runs"),
    ("POST", "/?token={token}"),  # the token opens by GET alone
    ("GET", "/api/options?token={token}"),  # and at the door alone
    ("GET", "/no/such/path"),
    ("OPTIONS", "/api/runs"),
    ("HEAD", "/"),
]


@pytest.fixture(scope="module")
def lab():
    with LabServer() as lab:
        yield lab


@pytest.mark.parametrize(("method", "path"), EVERY_PATH)
def test_without_the_token_no_path_says_anything(lab, method, path):
    before = lab._lab.claims.state
    refused = ask(lab, method, path.format(token=token_of(lab)))
    assert refused.status == 403
    assert token_of(lab) not in refused.text
    assert lab._lab.claims.state == before
    if method != "HEAD":
        assert refused.json == {
            "error": "The lab answers only whoever knows its token.",
            "found": "none, or another one",
            "way_out": "Open the address that the terminal printed.",
        }


@pytest.mark.parametrize(
    "headers",
    [
        {"X-JustFit-Token": ""},
        {"X-JustFit-Token": "wrong"},
        {"X-JustFit-Token": "\xe9"},
        {"Cookie": "justfit-lab-{port}="},
        {"Cookie": "justfit-lab-1={token}"},
        {"Cookie": "justfit-lab={token}"},
        {"Cookie": "\x01;;==; justfit-lab-{port}"},
        {"Authorization": "Bearer {token}"},
    ],
)
def test_a_wrong_token_opens_nothing(lab, headers):
    sent = {name: value.format(port=lab.port, token=token_of(lab)) for name, value in headers.items()}
    assert ask(lab, "GET", "/api/options", headers=sent).status == 403


def test_half_a_token_opens_nothing(lab):
    for token in (token_of(lab)[:-1], token_of(lab) + "x", token_of(lab).swapcase()):
        assert ask(lab, "GET", f"/?token={token}").status == 403


def test_the_address_sets_a_cookie_that_only_this_origin_sends(lab):
    door = ask(lab, "GET", f"/?token={token_of(lab)}")
    assert (door.status, door.headers["location"]) == (303, "/")
    cookie, *attributes = door.headers["set-cookie"].split("; ")
    assert cookie == cookie_of(lab)
    assert {attribute.lower() for attribute in attributes} == {"httponly", "samesite=strict", "path=/"}
    assert ask(lab, "GET", "/", headers={"Cookie": cookie}).status == 200
    assert ask(lab, "GET", "/?again", headers={"Cookie": cookie}).headers["location"] == "/"


def test_the_door_asks_for_the_token_at_its_own_name_alone(lab):
    """By another name, or for another origin, the form would send the token there."""
    page = {"Accept": "text/html"}
    asked = ask(lab, "GET", "/", headers=page)
    assert (asked.status, asked.text.count("<form")) == (403, 1)
    assert "form-action 'self'" in unescape(asked.text)
    foreign = ask(lab, "GET", "/", headers=page, host="attacker.example")
    other = ask(lab, "GET", "/", headers={**page, "Origin": "null"})
    for refused in (foreign, other):
        assert (refused.status, refused.text.count("<form")) == (403, 0)
        assert "form-action 'none'" in unescape(refused.text)
        assert "<script" not in refused.text


def test_an_address_that_was_pasted_whole_opens(lab):
    pasted = quote(f" {lab.url}#data=xor ", safe="")
    assert ask(lab, "GET", f"/?token={pasted}").status == 303
    refused = ask(lab, "GET", f"/?token={pasted}x", headers={"Accept": "text/html"})
    assert token_of(lab) not in ask(lab, "GET", f"/?token=x{token_of(lab)}", headers={"Accept": "text/html"}).text
    assert refused.status == 303, "what stands behind the # is no part of the token"


def test_a_ticket_opens_once(lab):
    path = "/?" + lab.new_url().partition("?")[2]
    assert token_of(lab) not in path
    assert ask(lab, "GET", path).status == 303
    again = ask(lab, "GET", path)
    assert again.status == 403
    assert again.json["error"] == "The token must be this lab's."


def test_each_lab_has_a_token_of_its_own():
    assert len({Keys(port=1).token for _ in range(50)}) == 50
    assert len(Keys(port=1).token) >= 43  # 256 random bits


@pytest.mark.parametrize(
    "host",
    [
        "attacker.example",
        "attacker.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1:{port}.attacker.example",
        "localhost.attacker.example:{port}",
        "127.0.0.2:{port}",
        "0.0.0.0:{port}",
        "[::1]:{port}",
        "2130706433:{port}",
        " ",
    ],
)
def test_a_name_that_was_made_to_point_here_opens_nothing(lab, host):
    """As after a rebinding of names: the browser believes that the page of the attacker is this lab."""
    refused = ask_inside(lab, "GET", "/api/options", host=host.format(port=lab.port))
    assert refused.status == 403
    assert refused.json["error"] == "The lab answers by its own name only."


def test_the_lab_also_answers_as_localhost(lab):
    assert ask_inside(lab, "GET", "/api/options", host=f"localhost:{lab.port}").status == 200


@pytest.mark.parametrize(
    "origin",
    [
        SCHEME + "attacker.example",
        SCHEME + "127.0.0.1",
        SCHEME + "127.0.0.1:1",
        "https:" + "//127.0.0.1:{port}",
        SCHEME + "127.0.0.1:{port}.attacker.example",
        "file:" + "//",
        "null",
        "",
    ],
)
@pytest.mark.parametrize("path", ["/api/runs", "/api/claims", "/claims?quick=1"])
def test_a_page_of_another_origin_can_do_nothing_even_with_the_cookie(lab, origin, path):
    headers = {"Cookie": cookie_of(lab), "Origin": origin.format(port=lab.port)}
    refused = ask(lab, "POST", path, {}, headers=headers)
    assert refused.status == 403
    assert refused.json["error"] == "The lab answers its own pages only."
    assert lab._lab.claims.state == "idle"
    assert "access-control-allow-origin" not in refused.headers


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_page_of_the_lab_may_ask(lab, name):
    headers = {"Cookie": cookie_of(lab), "Origin": f"{SCHEME}{name}:{lab.port}"}
    assert ask(lab, "POST", "/api/runs", SMALL, headers=headers, host=f"{name}:{lab.port}").status == 200


@pytest.mark.parametrize("headers", [{"X-Forwarded-Host": "127.0.0.1:{port}"}, {"X-Forwarded-For": "127.0.0.1"}])
def test_no_proxy_is_believed(lab, headers):
    sent = {name: value.format(port=lab.port) for name, value in headers.items()}
    assert ask(lab, "GET", "/", headers=sent, host="attacker.example").status == 403
    assert ask(lab, "GET", "/", headers=sent).status == 403


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd",
        "/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/..%5c..%5cetc%5cpasswd",
        "/....//....//etc/passwd",
        "//etc/passwd",
        "/etc/passwd%00.html",
        "/api/runs/..%2f..%2fetc%2fpasswd",
        "/api/runs/../../../etc/passwd",
        "/api/runs/%00",
        "/assets/justfit.js",
        "/templates/claims.js",
        "/pyproject.toml",
        "/.git/config",
        "/" + "a" * 8_000,
        "/%ff%fe",
        "/<script>alert(1)</script>",
    ],
)
def test_paths_lead_to_no_file(lab, path):
    reply = ask_inside(lab, "GET", path)
    assert reply.status == 404
    assert "root:" not in reply.text
    assert reply.headers["content-type"] == "application/json"  # a path that is repeated is no page
    assert len(reply.text) < 500


def test_without_the_token_paths_lead_to_nothing_either(lab):
    assert ask(lab, "GET", "/../../../../etc/passwd").status == 403


@pytest.mark.parametrize("path", ["/api/runs", "/api/claims", "/api/runs/x/advance"])
@pytest.mark.parametrize("kind", ["announced", "chunked", "announced only"])
def test_a_megabyte_of_junk_is_refused(lab, path, kind):
    junk = b"\xde\xad\xbe\xef" * 250_000
    if kind == "chunked":
        headers, body = {"Transfer-Encoding": "chunked"}, b"%x\r\n%b\r\n0\r\n\r\n" % (len(junk), junk)
    elif kind == "announced":
        headers, body = {}, junk
    else:
        headers, body = {"Content-Length": str(10**15)}, b"x"
    refused = ask_inside(lab, "POST", path, body, headers=headers)
    assert refused.status == 413
    assert refused.json["error"] == "A body must not exceed 16 kB."
    assert lab._lab.claims.state == "idle"
    assert ask_inside(lab, "GET", "/api/options").status == 200


def test_a_megabyte_of_junk_without_the_token_is_refused(lab):
    assert ask(lab, "POST", "/api/runs", b"x" * 1_000_000).status == 403


@pytest.mark.parametrize(
    "junk",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 40,
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 100_000,
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\n" * 10_000,
    ],
)
def test_what_is_no_request_ends_the_connection_and_nothing_else(lab, junk):
    with socket.create_connection(("127.0.0.1", lab.port), timeout=10) as connection:
        answer = b""
        try:
            connection.sendall(junk)
            answer = connection.recv(200)
        except OSError:
            pass  # closed while we were still sending
    assert answer == b"" or answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 403"))
    assert ask_inside(lab, "GET", "/api/options").status == 200


def test_an_upgrade_is_not_taken(lab):
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    assert ask_inside(lab, "GET", "/api/options", headers=headers).status == 200


def test_a_body_that_never_ends_is_given_up(lab, monkeypatch):
    monkeypatch.setattr(answers, "BODY_SECONDS", 0.2)
    connection = http.client.HTTPConnection("127.0.0.1", lab.port, timeout=10)
    connection.putrequest("POST", "/api/runs")
    connection.putheader("X-JustFit-Token", token_of(lab))
    connection.putheader("Content-Length", "100")
    connection.endheaders()
    connection.send(b"{")
    started = time.monotonic()
    assert connection.getresponse().status == 408
    assert time.monotonic() - started < 5
    connection.close()


def test_who_asks_and_never_reads_locks_nobody_out(monkeypatch):
    monkeypatch.setitem(Hall.__init__.__kwdefaults__, "most", 4)
    with LabServer() as lab:
        page = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{lab.port}\r\nX-JustFit-Token: {token_of(lab)}\r\n\r\n".encode()
        deaf = [socket.socket() for _ in range(6)]
        try:
            for connection in deaf:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
                connection.connect(("127.0.0.1", lab.port))
                connection.sendall(page * 100)  # ten megabytes of answers: more than the system keeps for it
            hall, until = lab._server.config.http.args[0], time.monotonic() + 10.0
            while sum(one.is_stalled for one in tuple(hall.open)) < 4:
                assert time.monotonic() < until, "nobody is deaf here"
                time.sleep(0.05)
            assert ask_inside(lab, "GET", "/api/options").status == 200
        finally:
            for connection in deaf:
                connection.close()


def test_a_browser_reads_why_it_is_refused_on_a_page_that_runs_its_own_script_alone(lab):
    refused = ask(lab, "GET", "/claims", headers={"Accept": "text/html"})
    assert refused.status == 403
    assert "Open the address that the terminal printed." in refused.text
    (script,) = re.findall(r"<script>(.*?)</script>", refused.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in unescape(refused.text)
    assert 'http-equiv="refresh"' not in refused.text
    # A link on another site carries no cookie of ours; a page of ours, loading again, does. Once, so that it ends.
    assert 'content="0;url=/?again"' in ask(lab, "GET", "/", headers={"Accept": "text/html"}).text
    assert 'http-equiv="refresh"' not in ask(lab, "GET", "/?again", headers={"Accept": "text/html"}).text
