"""Connections that say nothing: however many there are, an honest request is still answered.

uvicorn limits what happens at once and how long a connection rests between two requests, but waits for the first
request, for the rest of one, or until an answer is taken, for ever. A thousand connections that send half a line, or
fifty that read nothing, would lock everybody out.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_CONNECTIONS = 48
PATIENCE_SECONDS = 10.0

Client = tuple[str, int]


class Hall:
    """All open connections, and which of them are being answered.

    Args:
        most: Connections that may be open at once; one more closes the one that has been silent longest.
        patience: Seconds that one may be silent.
    """

    def __init__(self, *, most: int = MOST_CONNECTIONS, patience: float = PATIENCE_SECONDS) -> None:
        self.most = most
        self.patience = patience
        self.open: dict[Connection, float] = {}  # when each was last active; the first entry is the oldest
        self.answering: Counter[Client] = Counter()

    def welcome(self, newcomer: Connection, now: float) -> None:
        """Take a connection in; where there are too many, close the longest silent one, or else the new one."""
        self.open[newcomer] = now
        if len(self.open) > self.most:
            silent = [one for one in self.open if not self.is_answered(one)]
            min(silent, key=self.open.__getitem__).close()

    def close_silent(self, now: float) -> None:
        """Close every connection that has been silent for longer than the patience lasts."""
        for connection, since in tuple(self.open.items()):
            if not self.is_answered(connection) and now - since > self.patience:
                connection.close()

    def is_answered(self, connection: Connection) -> bool:
        """Whether it awaits an answer and takes it: who asks again and again and reads nothing is silent too."""
        return self.answering[connection.client] > 0 and not connection.is_stalled

    def active(self, client: Client, now: float) -> None:
        """Remember that a connection was answered just now."""
        for connection in self.open:
            if connection.client == client:
                self.open[connection] = now

    def behind(self, inner: ASGIApp) -> ASGIApp:
        """Wrap the application, so that the hall knows who is being answered."""

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":  # start and end of the server
                await inner(scope, receive, send)
                return
            client = scope["client"]
            self.answering[client] += 1
            try:
                await inner(scope, receive, send)
            finally:
                self.answering[client] -= 1
                self.answering += Counter()  # drops the zeros
                self.active(client, asyncio.get_running_loop().time())

        return application


class Connection(asyncio.Protocol):
    """One connection: uvicorn's own protocol, watched by the hall.

    Args:
        hall: Which it stands in.
        arguments: What uvicorn hands to a protocol.

    Attributes:
        is_stalled: Whether what is sent to it is not taken.
    """

    def __init__(self, hall: Hall, **arguments: Any) -> None:
        self.hall = hall
        self.inner = H11Protocol(**arguments)
        self.client: Client = ("", 0)
        self.transport: asyncio.Transport | None = None
        self.is_stalled = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as TCP gives it
        """Take it in."""
        self.transport = transport
        self.client = transport.get_extra_info("peername")
        self.inner.connection_made(transport)
        now = asyncio.get_running_loop().time()
        self.hall.close_silent(now)
        self.hall.welcome(self, now)

    def close(self) -> None:
        """End it at once, whatever is under way."""
        if self.transport is not None:
            self.transport.abort()
        self.hall.open.pop(self, None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let it go."""
        self.hall.open.pop(self, None)
        self.inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Hand on."""
        self.inner.data_received(data)

    def eof_received(self) -> None:
        """Hand on."""
        self.inner.eof_received()

    def pause_writing(self) -> None:
        """Hand on, and note since when nothing is taken."""
        self.is_stalled = True
        if self in self.hall.open:
            self.hall.open[self] = asyncio.get_running_loop().time()
        self.inner.pause_writing()

    def resume_writing(self) -> None:
        """Hand on."""
        self.is_stalled = False
        self.inner.resume_writing()
