"""The live lab: a playground and the claims, served to this machine only."""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from collections.abc import Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from justfit.errors import ArgumentError, MissingExtraError, WorkerError

if TYPE_CHECKING:
    from justfit.lab._server_app import Lab
    from justfit.lab._server_claims import Claims
    from justfit.lab._server_engine import Playgrounds

LOOPBACK = "127.0.0.1"
HIGHEST_PORT = 65_535
MOST_AT_ONCE = 64
MOST_WAITING = 1_024  # connections that the system keeps until they are taken in
MOST_TAKEN_IN = 32  # of them at once: each is an open file before it can be closed
MOST_HEAD_BYTES = 16_384
REST_SECONDS = 8
CLOSING_SECONDS = 3
START_SECONDS = 30.0


class LabServer:
    """The live lab on a port of 127.0.0.1; nobody enters without the token in its address.

    As a context manager it serves from a thread, until the block ends.

    Args:
        data: A table whose two columns the playground offers and on which the claims are measured, as `justfit fit`
            takes it; None for neither.
        target: Column to predict; may be left out for a shipped set.
        columns: The two numeric columns that the playground shows; None for those that tell the classes apart best.
        seed: Of the claims.
        port: In [0, 65535]; 0 takes any that is free.

    Raises:
        MissingExtraError: starlette or uvicorn is not installed.
        ArgumentError: The port is taken, or out of range, or columns are named without a table.
        DataError: The table cannot be used.
        WorkerError: As a context manager: it does not open.

    Example:
        >>> import urllib.request
        >>> with LabServer() as lab:  # doctest: +SKIP
        ...     urllib.request.urlopen(lab.url).status
        200
    """

    def __init__(
        self,
        data: str | None = None,
        *,
        target: str | None = None,
        columns: Sequence[str] | None = None,
        seed: int = 0,
        port: int = 0,
    ) -> None:
        _require_packages()
        from justfit.lab._server_app import build_app
        from justfit.lab._server_claims import Claims
        from justfit.lab._server_engine import Playgrounds
        from justfit.lab._server_guard import Keys

        playgrounds = Playgrounds.read(data, target, columns)
        self._lab = _open_lab(playgrounds, Claims(data=data, target=target, seed=seed))
        self._socket = _listen(port)
        self.port: int = self._socket.getsockname()[1]
        self._keys = Keys(port=self.port)
        self._server = _new_server(build_app(self._lab, self._keys), self._socket)
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The address with the token."""
        return f"{self._origin}/?token={self._keys.token}"

    def new_url(self) -> str:
        """Make an address that opens once, to hand to a browser: other users can read how a program was started."""
        return f"{self._origin}/?token={self._keys.new_ticket()}"

    def run(self) -> None:
        """Serve until Ctrl-C or SIGTERM."""
        try:
            self._server.run(sockets=[self._socket])
        except KeyboardInterrupt:  # uvicorn raises the signal again after it has closed everything
            if not self._server.started:
                raise
        finally:
            self._socket.close()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.run, name="justfit-lab-server", daemon=True)
        self._thread.start()
        until = time.monotonic() + START_SECONDS
        while not self._server.started:
            if time.monotonic() > until or not self._thread.is_alive():
                self._server.should_exit = True  # nobody would end it later
                raise WorkerError(
                    f"The live lab must open within {START_SECONDS:.0f} seconds.",
                    found="a server that does not answer",
                    way_out="Look at stderr for why, and try again.",
                )
            time.sleep(0.01)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(CLOSING_SECONDS + 5.0)

    @property
    def _origin(self) -> str:
        return "http:" + f"//{LOOPBACK}:{self.port}"


def _require_packages() -> None:
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            "The live lab needs starlette and uvicorn.",
            found=f"no package `{error.name}`",
            way_out="Install them with `pip install 'justfit[lab]'`; `justfit lab` without `--serve` does without.",
        ) from error


def _open_lab(playgrounds: Playgrounds, claims: Claims) -> Lab:
    from justfit.lab._server_app import Lab
    from justfit.lab._server_runs import Runs

    return Lab(options=playgrounds.options(), runs=Runs(playgrounds.make), claims=claims)


def _listen(port: int) -> socket.socket:
    if not 0 <= port <= HIGHEST_PORT:
        raise ArgumentError(
            f"`port` must lie in [0, {HIGHEST_PORT}].", found=f"`port={port}`", way_out="0 takes any that is free."
        )
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere it would let another program listen on the same port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen()
    except OSError as error:
        listener.close()
        taken = error.errno == errno.EADDRINUSE
        raise ArgumentError(
            "`port` must be one that the lab may listen on.",
            found=f"`port={port}`, which is taken" if taken else f"`port={port}`: {error.strerror}",
            way_out="Choose another, or leave it out to take any that is free.",
        ) from error
    return listener


def _new_server(app: Any, listener: socket.socket) -> Any:
    """Set uvicorn up: loopback only, no proxy believed, no WebSocket, limits on everything that can grow."""
    import uvicorn

    from justfit.lab._server_connections import Connection, Hall

    async def keep_more_waiting() -> None:
        listener.listen(MOST_WAITING)  # after asyncio has set it to how many it takes in at once

    hall = Hall()
    protocol: Any = partial(Connection, hall)
    config = uvicorn.Config(
        hall.behind(app),
        http=protocol,
        ws="none",
        lifespan="on",
        loop="asyncio",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MOST_AT_ONCE,
        backlog=MOST_TAKEN_IN,
        callback_notify=keep_more_waiting,
        timeout_keep_alive=REST_SECONDS,
        timeout_graceful_shutdown=CLOSING_SECONDS,
        h11_max_incomplete_event_size=MOST_HEAD_BYTES,
    )
    return uvicorn.Server(config)
