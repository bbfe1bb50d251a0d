"""The live lab as a program of its own: a thousand connections, and how it ends."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

resource = pytest.importorskip("resource", reason="limits of open files are those of POSIX")

NUM_CONNECTIONS = 1_000
HALF_A_REQUEST = b"POST /api/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nX-"


@pytest.fixture(scope="module", autouse=True)
def _enough_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = NUM_CONNECTIONS + 200
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip("this machine allows too few open files for a thousand connections")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Program:
    """`justfit lab --serve`, and requests to it with its token."""

    def __init__(self):
        # No more open files than shells allow by default: the thousand connections must not exhaust them.
        script = (
            "import resource, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "resource.setrlimit(resource.RLIMIT_NOFILE, (256, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))\n"
            "from justfit.cli import main; main(['lab', '--serve', '--no-browser'])"
        )
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen([sys.executable, "-c", script], env=environment, **pipes)
        alarm = threading.Timer(60, self.process.kill)
        alarm.start()
        found = None
        while found is None:
            line = self.process.stdout.readline()
            assert line, f"the lab did not open: {self.process.communicate()[1]}"
            found = re.search(r"127\.0\.0\.1:(\d+)/\?token=(\S+)", line)
        alarm.cancel()
        self.port, self.token = int(found[1]), found[2]

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, json.dumps(body), {"X-JustFit-Token": self.token})
            response = connection.getresponse()
            content = response.read()
            assert response.status == 200, content
            return json.loads(content)
        finally:
            connection.close()

    def end(self, number):
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=20)
        return self.process.returncode, said


@pytest.fixture(scope="module")
def program():
    program = Program()
    yield program
    if program.process.poll() is None:
        program.process.kill()
        program.process.communicate()


def test_a_thousand_connections_lock_nobody_out(program):
    id_ = program.ask("POST", "/api/runs", {"depth": 1, "width": 2, "num_train": 20})["id"]
    assert program.ask("POST", f"/api/runs/{id_}/advance", {"epochs": 2})["epoch"] == 2
    held = []
    try:
        for number in range(NUM_CONNECTIONS):
            held.append(socket.create_connection(("127.0.0.1", program.port), timeout=10))
            if number % 2:  # half of them say nothing at all
                held[-1].sendall(HALF_A_REQUEST)
        started = time.monotonic()
        assert program.ask("POST", f"/api/runs/{id_}/advance", {"epochs": 2})["epoch"] == 4
        assert time.monotonic() - started < 3
    finally:
        for connection in held:
            connection.close()
    assert program.ask("POST", f"/api/runs/{id_}/advance", {"epochs": 2})["epoch"] == 6


def test_a_thousand_requests_without_the_token_change_nothing(program):
    id_ = program.ask("POST", "/api/runs", {"depth": 1, "width": 2, "num_train": 20})["id"]
    held = []
    for _ in range(NUM_CONNECTIONS):
        held.append(socket.create_connection(("127.0.0.1", program.port), timeout=10))
        held[-1].sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % program.port)
    assert program.ask("POST", f"/api/runs/{id_}/advance", {"epochs": 3})["epoch"] == 3
    answers = set()
    for connection in held:
        try:
            answers.add(connection.recv(12))
        except ConnectionError:  # closed to let others in
            answers.add(b"")
        connection.close()
    assert answers <= {b"HTTP/1.1 403", b"HTTP/1.1 503", b""}
    assert b"HTTP/1.1 403" in answers


def test_control_c_ends_it_cleanly_even_with_connections_open(program):
    with socket.create_connection(("127.0.0.1", program.port)) as silent:
        silent.sendall(HALF_A_REQUEST)
        started = time.monotonic()
        code, said = program.end(signal.SIGINT)
    assert code == 0
    assert said == "Ctrl-C ends it.\nThe lab is closed.\n"
    assert time.monotonic() - started < 10
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", program.port))
