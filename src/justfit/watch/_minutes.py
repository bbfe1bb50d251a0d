"""The minutes of a run: what was measured is judged, told and written, if it is new and has been paid for."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from time import perf_counter

from torch import nn

from justfit.errors import OutputError
from justfit.records import FirstFailure, WatchEvidence, WatchRecord
from justfit.watch._epochs import Epochs
from justfit.watch._evidence import read_evidence, read_frames
from justfit.watch._failure import FailedStep, find_first_failure
from justfit.watch._folder import RunFolder
from justfit.watch._governor import Governor
from justfit.watch._growth import find_divergence
from justfit.watch._judging import Judgement, judge
from justfit.watch._layers import LayerTable
from justfit.watch._live import LiveView
from justfit.watch._loop import Loop
from justfit.watch._ranks import Ranks
from justfit.watch._reports import Trouble
from justfit.watch._sampler import Sampler
from justfit.watch._telling import Telling, sampled_values

MIN_SECONDS = 1.0  # between two judgements
DIVERGING = "JF412"  # the rule whose finding is traced to a layer


@dataclass(slots=True, kw_only=True, eq=False)
class Minutes:
    """Judges, tells and writes.

    Attributes:
        module, table, loop, governor, ranks: Of the run.
        telling: Who hears of it.
        folder: Where the record goes; None for nowhere.
        flush_seconds: Write it at most this often.
        replay: The batch of a step is held, so that a failure can be traced.
    """

    module: nn.Module
    table: LayerTable
    loop: Loop
    governor: Governor
    ranks: Ranks
    telling: Telling
    folder: RunFolder | None
    flush_seconds: float
    replay: bool
    live: LiveView = field(default_factory=LiveView)
    epochs: Epochs = field(default_factory=Epochs)
    judgement: Judgement = field(default_factory=Judgement)
    first_failure: FirstFailure | None = None
    divergence: FirstFailure | None = None  # stands in the record as long as nothing was NaN or infinite
    notes: dict[str, None] = field(default_factory=dict)
    finished: bool = False
    next_judgement: float = 0.0
    next_flush: float = 0.0
    _num_judged: tuple[int, int] = (0, 0)

    def note(self, sentence: str) -> None:
        """Remember a sentence for the record, once."""
        self.notes[sentence] = None

    def begin(self) -> None:
        """A loop starts now."""
        if self.folder is not None:
            self.folder.begin(anew=not any(sampler.num_steps for sampler in self.loop.samplers))
        now = perf_counter()
        self.next_judgement, self.next_flush = now + MIN_SECONDS, now + self.flush_seconds

    def idle(self, now: float) -> None:
        """Show, judge and write what is due and has been paid for."""
        if self.live.is_shown:
            self.governor.pay(self.live.refresh(now, self._shown))
        if now < self.next_judgement or not self.governor.can_pay():
            return
        if self.folder is not None and now >= self.next_flush:
            self.flush()
        else:
            self.judge_if_paid()

    def judge_if_paid(self) -> None:
        """Judge if there is something new and earlier judging has been paid for."""
        news = (self.governor.num_samples, self.epochs.number)
        if self.governor.can_pay() and news != self._num_judged:
            start = perf_counter()
            self.judge()
            self._paid(start)

    def flush(self) -> None:
        """Judge, and write the record."""
        start = perf_counter()
        self._judge()
        if self.folder is not None:
            try:
                self.folder.write_record(self.record())
            except OutputError as error:  # a full disk is no reason to stop training
                self.note(f"The record could not be written: {error}")
        self._paid(start)
        self.next_flush = perf_counter() + self.flush_seconds
        self.telling.announce(self.judgement.findings)  # last: the user's function may raise

    def write_page(self) -> None:
        """Write the page of the run, and the record with the same numbers: with what the last look at it cost.

        Whatever fails there is told in the record, and raises nothing.
        """
        if self.folder is None:
            return
        record = self.record()
        with suppress(OutputError):  # the one before stays
            self.folder.write_record(record)
        try:
            self.folder.write_page(record)
        except Exception as error:  # the run is done, and its record is written: a page can be made of that later
            self.note(f"The page could not be written: {type(error).__name__}: {error}")
            with suppress(OutputError):
                self.folder.write_record(self.record())

    def judge(self) -> None:
        """Ask the rules, and tell of what they find."""
        self._judge()
        self.telling.announce(self.judgement.findings)

    def _judge(self) -> None:
        self._num_judged = (self.governor.num_samples, self.epochs.number)
        self.judgement = judge(self.evidence())
        if self.judgement.findings and self.table.find_sources():
            self.judgement = judge(self.evidence())  # now with file and line
        rising = next((f.since for f in self.judgement.findings if f.code == DIVERGING and f.since), None)
        if rising is not None and self.first_failure is None:
            self.divergence = find_divergence(self.evidence(), rising, epoch=self.loop.epoch, rank=self.ranks.rank)

    def record(self) -> WatchRecord:
        """Put everything so far together, as last judged."""
        self.governor.peak_bytes = max(self.governor.peak_bytes, self.loop.num_bytes())
        if self.finished:
            self.table.find_sources()
        return WatchRecord(
            evidence=self.evidence(),
            findings=self.judgement.findings,
            unjudged=self.judgement.unjudged,
            verdict=self.judgement.verdict,
            frames=read_frames(self.loop, self.table),
            overhead=self.governor.figures(),
            finished=self.finished,
            version=version("justfit"),
        )

    def evidence(self) -> WatchEvidence:
        """Put together what all processes measured so far."""
        history = self.epochs.history()
        own = read_evidence(self.module, self.loop, self.table, history, notes=self.notes)
        self.first_failure = self.first_failure or self.ranks.failure_elsewhere()
        return replace(
            own,
            first_failure=self.first_failure or self.divergence,
            world_size=self.ranks.world_size,
            gradients=self.ranks.gradients,
            notes=(*own.notes, *self.ranks.notes),
        )

    def sampled(self, sampler: Sampler, loss: float) -> None:
        """Pass a sampled step on to the sinks."""
        if self.telling.has_sinks:
            self.telling.log(sampled_values(sampler, loss, self.table), sampler.num_steps)

    def log(self, values: Mapping[str, float]) -> None:
        """Pass other numbers on to the sinks, at the step that was done last."""
        self.telling.log(values, self.loop.samplers[self.loop.leader()].num_steps)

    def failed(self, trouble: Trouble) -> None:
        """Find where NaN or infinity came from, and write the record before anything else happens."""
        failed = FailedStep(
            step=trouble.step,
            epoch=trouble.epoch,
            batch=trouble.batch,
            examples=trouble.examples,
            weights_intact=trouble.weights_intact,
            forwards=trouble.forwards,
            loss=trouble.loss,
            loss_trail=trouble.trail,
            previous_loss=trouble.previous_loss,
            optimizer=trouble.optimizer,
            optimizer_state=getattr(self.loop.samplers[self.loop.leader()].optimizer, "state", None) or {},
            gradient_was_seen=self.loop.looks_for_trouble,
            rank=self.ranks.rank,
            why_not="" if self.replay else "`replay=False`, or no budget to hold the batch",
        )
        self.first_failure = self.ranks.settle(find_first_failure(self.module, failed))
        self.flush()

    def _paid(self, start: float) -> None:
        end = perf_counter()
        self.governor.pay(end - start)
        self.next_judgement = end + MIN_SECONDS

    def _shown(self) -> dict[str, str]:
        frame = self.loop.frames.last()
        if frame is None:
            return {}
        loss = f"{frame.loss:.4g}" if isinstance(frame.loss, float) else "…"
        numbers = {"step": f"{frame.step:,}", "epoch": str(self.loop.epoch), "loss": loss}
        norm = self.loop.frames.last_norm()
        return {**numbers, **({} if norm is None else {"gradient norm": f"{norm:.3g}"})}
