"""The seventeen claims, measured on demand by a process of their own: the playground goes on while they run."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from justfit.lab._claims import EXPERIMENTS
from justfit.records import LabRecord, from_dict

ClaimsState = Literal["idle", "running", "done", "failed"]
_LONGEST_LINE = 64 * 2**20  # the record of a run is one line
_PROGRAM = "justfit.lab._claims_process"


@dataclass(slots=True, kw_only=True)
class Claims:
    """One run of the claims at a time, and what the last one found.

    Attributes:
        data, target, seed: As `run_lab` takes them.
        command: The program that runs them; by -P the folder in which the lab was opened, whose files may come from
            anywhere, is not where it looks for modules.
        state: "idle" before the first run.
        done: Claims measured so far.
        sentence: What is under way, or how it ended.
        record: What the last complete run found.
    """

    data: str | None = None
    target: str | None = None
    seed: int = 0
    command: tuple[str, ...] = (sys.executable, "-P", "-m", _PROGRAM)
    state: ClaimsState = "idle"
    done: int = 0
    sentence: str = "The claims have not been measured yet."
    record: LabRecord | None = None
    _outcome: LabRecord | str = field(default="", repr=False)  # a record, or why there is none
    _process: asyncio.subprocess.Process | None = field(default=None, repr=False)
    _task: asyncio.Task[None] | None = field(default=None, repr=False)

    def progress(self) -> dict[str, Any]:
        """How far they are, ready for JSON."""
        return {"state": self.state, "done": self.done, "total": len(EXPERIMENTS), "sentence": self.sentence}

    def start(self, *, quick: bool) -> None:
        """Start them; where they run already, they go on."""
        if self.state == "running":
            return
        self.state, self.done, self.sentence = "running", 0, "Reading the table."
        self._task = asyncio.get_running_loop().create_task(self._run(quick))

    async def close(self) -> None:
        """End a run that is under way."""
        self._kill()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=2.0)

    async def _run(self, quick: bool) -> None:
        asked = json.dumps({"data": self.data, "target": self.target, "quick": quick, "seed": self.seed})
        self._outcome = "The process that measures them ended before its time."
        try:
            await self._listen(asked)
        except (OSError, ValueError, LookupError, TypeError) as error:
            self._outcome = f"The process that measures them could not be heard: {error}."
        finally:
            self._kill()
        if isinstance(self._outcome, str):
            self.state, self.sentence = "failed", self._outcome
        else:
            self.record = self._outcome
            total, refuted = len(self.record.claims), len(self.record.refuted)
            self.state, self.done, self.sentence = "done", total, f"{total - refuted} of {total} claims hold."

    async def _listen(self, asked: str) -> None:
        self._process = process = await asyncio.create_subprocess_exec(
            *self.command,
            asked,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            limit=_LONGEST_LINE,
            start_new_session=True,  # Ctrl-C at the terminal reaches the server, which ends it
        )
        lines = cast("asyncio.StreamReader", process.stdout)  # there is one: it was asked for
        async for line in lines:
            self._hear(json.loads(line))
        await process.wait()

    def _hear(self, message: dict[str, Any]) -> None:
        if "record" in message:
            self._outcome = from_dict(LabRecord, message["record"])
        elif "error" in message:
            self._outcome = message["error"]
        else:
            self.done, self.sentence = message["done"], message["sentence"]

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
