"""Requests to a live lab as a browser, a script or an attacker would send them: nothing is tidied up on the way."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from justfit.lab import LabServer


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def token_of(lab: LabServer) -> str:
    return lab.url.partition("token=")[2]


def cookie_of(lab: LabServer) -> str:
    return f"justfit-lab-{lab.port}={token_of(lab)}"


def ask(lab, method, path, body=None, *, headers=None, host=None) -> Reply:
    """Send one request with exactly these headers and no others."""
    connection = http.client.HTTPConnection("127.0.0.1", lab.port, timeout=20)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        sent = {"Host": host or f"127.0.0.1:{lab.port}", **(headers or {})}
        if content is not None and not {"Transfer-Encoding", "Content-Length"} & set(sent):
            sent["Content-Length"] = str(len(content))
        for name, value in sent.items():
            connection.putheader(name, value)
        connection.endheaders()
        if content:
            connection.send(content)
        response = connection.getresponse()
        text = response.read().decode()
        return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, text)
    finally:
        connection.close()


def ask_inside(lab, method, path, body=None, **options) -> Reply:
    """Send one request with the token."""
    headers = {"X-JustFit-Token": token_of(lab), **options.pop("headers", {})}
    return ask(lab, method, path, body, headers=headers, **options)


def run_alone(scene: Coroutine[Any, Any, Any]) -> Any:
    """Run in a loop of another thread: a browser of the same session keeps one running in this thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, scene).result()
