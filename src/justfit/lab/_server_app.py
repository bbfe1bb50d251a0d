"""The paths of the live lab: its pages, and what they ask for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from justfit.errors import JustFitError
from justfit.lab._server_answers import (
    Refused,
    answer,
    answer_fault,
    answer_method,
    answer_refusal,
    answer_unknown,
    read_object,
    read_whole,
)
from justfit.lab._server_claims import Claims
from justfit.lab._server_guard import Guard, Keys
from justfit.lab._server_runs import MOST_EPOCHS, Place, Runs
from justfit.lab._texts import TEXTS
from justfit.report import ClaimShown, render_claims_html, render_lab_html, render_playground_html

_CLAIMS = tuple(ClaimShown(id=id_, topic=text.topic, says=text.claim) for id_, text in TEXTS.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """What the paths lead to.

    Attributes:
        options: What the playground can be set to, ready for JSON; `l2` and `dropout` are the places of the sliders.
        runs: Of the playground.
        claims: The seventeen.
    """

    options: Mapping[str, Any]
    runs: Runs
    claims: Claims

    async def show_playground(self, request: Request) -> Response:
        """GET /."""
        if request.scope["query_string"]:
            return RedirectResponse("/", 303)
        return HTMLResponse(render_playground_html())

    async def show_claims(self, _request: Request) -> Response:
        """GET /claims: what was found, or the button that finds it."""
        if self.claims.state == "done" and self.claims.record is not None:
            record = self.claims.record
            return HTMLResponse(await asyncio.to_thread(lambda: render_lab_html(record, served=True)))
        return self._waiting_page(self.claims.state)

    async def offer_claims(self, _request: Request) -> Response:
        """GET /claims/again: the button, although they were measured."""
        return self._waiting_page(self.claims.state)

    async def press_claims(self, request: Request) -> Response:
        """POST /claims: the button itself."""
        self.claims.start(quick=request.query_params.get("quick") != "0")
        return RedirectResponse("/claims", 303)

    async def tell_options(self, _request: Request) -> Response:
        """GET /api/options."""
        return answer(self.options)

    async def tell_claims(self, _request: Request) -> Response:
        """GET /api/claims."""
        return answer(self.claims.progress())

    async def start_claims(self, request: Request) -> Response:
        """POST /api/claims."""
        quick = (await read_object(request)).get("quick", True)
        if not isinstance(quick, bool):
            raise Refused(
                400, "`quick` must be true or false.", found="another value", way_out="Leave it out for true."
            )
        self.claims.start(quick=quick)
        return answer(self.claims.progress())

    async def open_run(self, request: Request) -> Response:
        """POST /api/runs."""
        asked = await read_object(request)
        settings = asked["settings"] if set(asked) == {"settings"} else asked
        place = self._place(request.query_params)
        return answer(await self.runs.open(settings, place, request.is_disconnected))

    async def look_at_run(self, request: Request) -> Response:
        """GET /api/runs/ID."""
        return answer(await self.runs.look(request.path_params["id"], self._place(request.query_params)))

    async def advance_run(self, request: Request) -> Response:
        """POST /api/runs/ID/advance."""
        asked = await read_object(request)
        epochs = read_whole(asked.get("epochs", 1), "epochs", 1, MOST_EPOCHS)
        state = await self.runs.advance(request.path_params["id"], epochs, self._place(asked), request.is_disconnected)
        return answer(state)

    def _place(self, asked: Mapping[str, Any]) -> Place:
        l2, dropout = (
            read_whole(asked.get(name, 0), name, 0, len(self.options[name]) - 1) for name in ("l2", "dropout")
        )
        return l2, dropout

    def _waiting_page(self, state: str) -> Response:
        return HTMLResponse(render_claims_html(_CLAIMS, **{**self.claims.progress(), "state": state}))


def build_app(lab: Lab, keys: Keys) -> ASGIApp:
    """Put the paths together, behind the guard."""
    handlers: Any = {
        404: answer_unknown,
        405: answer_method,
        Refused: answer_refusal,
        JustFitError: answer_refusal,
        Exception: answer_fault,
    }
    app = Starlette(routes=_routes(lab), exception_handlers=handlers, lifespan=_closing(lab))
    return Guard(inner=app, keys=keys)


def _routes(lab: Lab) -> list[Route]:
    return [
        Route("/", lab.show_playground),
        Route("/favicon.ico", _no_icon),
        Route("/claims", lab.show_claims),
        Route("/claims", lab.press_claims, methods=["POST"]),
        Route("/claims/again", lab.offer_claims),
        Route("/api/options", lab.tell_options),
        Route("/api/claims", lab.tell_claims),
        Route("/api/claims", lab.start_claims, methods=["POST"]),
        Route("/api/runs", lab.open_run, methods=["POST"]),
        Route("/api/runs/{id}", lab.look_at_run),
        Route("/api/runs/{id}/advance", lab.advance_run, methods=["POST"]),
    ]


async def _no_icon(_request: Request) -> Response:
    return Response(status_code=204)


def _closing(lab: Lab) -> Any:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        lab.runs.close()
        await lab.claims.close()

    return lifespan
