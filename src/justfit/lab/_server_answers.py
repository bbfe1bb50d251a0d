"""Answers of the lab's server: JSON out, JSON in, and every refusal in three parts as elsewhere in the program."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from justfit.errors import JustFitError
from justfit.report import shown

MOST_BODY_BYTES = 16_384
BODY_SECONDS = 5.0
_NUMBER = re.compile(r"[0-9]{1,4}", re.ASCII)


class Refused(Exception):  # noqa: N818  # an answer, not an error of the program
    """A request that is answered with a refusal.

    Args:
        status: Of the answer.
        contract: What must hold, as one sentence.
        found: What was found instead.
        way_out: What to do, as one sentence.
    """

    def __init__(self, status: int, contract: str, *, found: str, way_out: str) -> None:
        super().__init__(contract)
        self.status = status
        self.reason = {"error": contract, "found": found, "way_out": way_out}


def answer(content: Any, status: int = 200) -> Response:
    """Answer with JSON; NaN and infinity, which JSON does not know, are a fault."""
    body = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(body.encode("utf-8", errors="replace"), status, media_type="application/json")


def answer_refusal(_request: Request, refused: Exception) -> Response:
    """Answer a refusal, or an error of the program that the request caused."""
    if isinstance(refused, Refused):
        return answer(refused.reason, refused.status)
    if isinstance(refused, JustFitError):
        return answer({"error": refused.contract, "found": refused.found, "way_out": refused.way_out}, 400)
    raise refused


def answer_fault(_request: Request, fault: Exception) -> Response:
    """Answer what is no fault of the request; the server writes the traceback to stderr and goes on."""
    reason = {
        "error": "The lab must answer this request.",
        "found": f"a fault of justfit: {type(fault).__name__}",
        "way_out": "Reset the run; the terminal shows where it happened.",
    }
    return answer(reason, 500)


def answer_unknown(request: Request, _error: Exception) -> Response:
    """Answer a path that leads nowhere."""
    reason = {
        "error": "A path must be one of the lab's.",
        "found": f"`{shown(request.url.path, 80)}`",
        "way_out": "Start at `/`.",
    }
    return answer(reason, 404)


def answer_method(request: Request, _error: Exception) -> Response:
    """Answer a method that the path does not take."""
    reason = {
        "error": "A request must use the method of its path.",
        "found": f"`{shown(request.method, 20)}`",
        "way_out": "Read with GET, change with POST.",
    }
    return answer(reason, 405)


async def read_object(request: Request) -> dict[str, Any]:
    """Read the body of a request: a JSON object of at most 16 kB; an empty body is an empty object.

    Raises:
        Refused: It is longer (413), comes too slowly (408), or is no JSON object (400).
    """
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _read_body(request)
    except TimeoutError:
        raise Refused(
            408,
            f"A body must arrive within {BODY_SECONDS:.0f} seconds.",
            found="a part of it",
            way_out="Send it again.",
        ) from None
    except ClientDisconnect:
        _refuse_body("a body that ends before its end")
    return _parsed(body)


def read_whole(value: Any, name: str, low: int, high: int) -> int:
    """Read a whole number from `low` to `high`, from JSON or from the words of a query.

    Raises:
        Refused: It is none.
    """
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return value
    raise Refused(
        400,
        f"`{name}` must be a whole number from {low} to {high}.",
        found=f"`{shown(str(value)[:200], 40)}`",
        way_out="Of a slider it is the place, from 0; `/api/options` lists the values.",
    )


def refuse_large_body() -> NoReturn:
    """Refuse a body above the limit.

    Raises:
        Refused: Always.
    """
    raise Refused(
        413,
        f"A body must not exceed {MOST_BODY_BYTES // 1024} kB.",
        found="a longer one",
        way_out="Send the settings only.",
    )


async def _read_body(request: Request) -> bytes:
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or len(announced) > 9 or int(announced) > MOST_BODY_BYTES:
        refuse_large_body()
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY_BYTES:
            refuse_large_body()
    return body


def _parsed(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        content = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):  # a UnicodeDecodeError is a ValueError too, and so is a number of 5,000 digits
        _refuse_body("bytes that are no JSON")
    if not isinstance(content, Mapping):
        _refuse_body(f"JSON of another kind, `{type(content).__name__}`")
    return dict(content)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _refuse_body(found: str) -> NoReturn:
    raise Refused(
        400, "A body must be a JSON object in UTF-8.", found=found, way_out='Send something like `{"epochs": 1}`.'
    )
