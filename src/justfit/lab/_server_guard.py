"""Who may ask the lab's server: nobody without its token, from another origin, or by another name of this machine.

A page of any other site can make a browser send requests to 127.0.0.1. What stops it is checked in this order: the
`Host` (a foreign name that was made to point at this machine), the `Origin` (a foreign page), the token, which only
whoever reads the terminal knows and which is kept in a cookie that no other site's request carries.

References:
    The attacks are those that Jupyter's servers met: rebinding of names, forged requests, tokens in addresses.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from justfit.lab._server_answers import answer
from justfit.report import render_door_html

TOKEN_HEADER = "x-justfit-token"  # noqa: S105  # the name of a header
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "frame-ancestors 'none'; base-uri 'none'; object-src 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",  # with no-referrer a form would send the origin "null"
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What opens the lab.

    Attributes:
        port: Where it listens.
        token: As the printed address holds it, and as the cookie keeps it.
        tickets: Tokens that open once: the address handed to the browser can be read by other users of this machine
            while the browser starts.
    """

    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    tickets: set[str] = field(default_factory=set)

    @property
    def cookie(self) -> str:
        """Its name: cookies of 127.0.0.1 are shared by all ports, so the port is in it."""
        return f"justfit-lab-{self.port}"

    @property
    def hosts(self) -> tuple[str, ...]:
        """By which names the lab answers."""
        return (f"127.0.0.1:{self.port}", f"localhost:{self.port}")

    def new_ticket(self) -> str:
        """Make a token that opens once."""
        ticket = secrets.token_urlsafe(32)
        self.tickets.add(ticket)
        return ticket

    def opens(self, token: str | None) -> bool:
        """Whether it is the token; the time that takes tells nothing about it."""
        return token is not None and secrets.compare_digest(token.encode(), self.token.encode())

    def takes(self, ticket: str) -> bool:
        """Whether it opens; a ticket then never again."""
        for known in tuple(self.tickets):
            if secrets.compare_digest(ticket.encode(), known.encode()):
                self.tickets.discard(known)
                return True
        return self.opens(ticket)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The application behind its checks.

    Attributes:
        inner: What answers where they pass.
        keys: What opens it.
    """

    inner: ASGIApp
    keys: Keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI asks for it."""
        if scope["type"] != "http":  # start and end of the server; it is set to take no other kind
            await self.inner(scope, receive, send)
            return
        connection = HTTPConnection(scope)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                # A page names its own policy in its head; both then hold.
                message["headers"] = [*message.get("headers", ()), *_RAW_HEADERS]
            await send(message)

        refusal = self._refuse(connection)
        await (self.inner if refusal is None else refusal)(scope, receive, send_guarded)

    def _refuse(self, connection: HTTPConnection) -> Response | None:
        if connection.headers.getlist("host") not in [[host] for host in self.keys.hosts]:
            return _forbidden(connection, "The lab answers by its own name only.", "another `Host`")
        if any(origin not in self._origins() for origin in connection.headers.getlist("origin")):
            return _forbidden(connection, "The lab answers its own pages only.", "a request from another origin")
        token = connection.query_params.get("token")
        if connection.scope["path"] == "/" and connection.scope["method"] == "GET" and token is not None:
            return self._let_in(_pasted(token)) or _forbidden(
                connection, "The token must be this lab's.", "another one", asks=True
            )
        if self.keys.opens(connection.cookies.get(self.keys.cookie)):
            return None
        if self.keys.opens(connection.headers.get(TOKEN_HEADER)):
            return None
        return _forbidden(
            connection, "The lab answers only whoever knows its token.", "none, or another one", asks=True
        )

    def _origins(self) -> tuple[str, ...]:
        return tuple(f"{_SCHEME}{host}" for host in self.keys.hosts)

    def _let_in(self, token: str) -> Response | None:
        if not self.keys.takes(token):
            return None
        response = RedirectResponse("/", 303)
        response.set_cookie(self.keys.cookie, self.keys.token, httponly=True, samesite="strict", path="/")
        return response


def _pasted(token: str) -> str:
    """Take the token out of an address that was pasted whole."""
    return token.strip().rpartition("token=")[2].partition("#")[0]


def _forbidden(connection: HTTPConnection, contract: str, found: str, *, asks: bool = False) -> Response:
    way_out = "Open the address that the terminal printed."
    if "text/html" not in connection.headers.get("accept", ""):
        return answer({"error": contract, "found": found, "way_out": way_out}, 403)
    # A link on another site leads here without our cookie, by its own rules. A page of ours that loads once more
    # carries it, if there is one.
    again = "/?again" if connection.scope["path"] == "/" and not connection.scope["query_string"] else ""
    return HTMLResponse(render_door_html(contract, found, way_out, again=again, asks=asks), 403)


_SCHEME = "http:" + "//"
_RAW_HEADERS = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
