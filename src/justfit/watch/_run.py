"""A training run while it is watched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from torch import Tensor, nn
from torch.optim import Optimizer

from justfit.errors import ArgumentError
from justfit.records import Finding, FirstFailure, FitVerdict, History, OverheadFigures, WatchEvidence, WatchRecord
from justfit.watch._backward import listen, stop_listening
from justfit.watch._epochs import Epochs
from justfit.watch._evidence import read_evidence, read_frames
from justfit.watch._failure import FailedStep, find_first_failure
from justfit.watch._flight import called_part
from justfit.watch._folder import RunFolder
from justfit.watch._governor import Governor
from justfit.watch._hooks import InputHook, OptimizerHooks
from justfit.watch._judging import Announcer, Judgement, judge
from justfit.watch._layers import LayerTable
from justfit.watch._loop import Loop, Reports, Trouble
from justfit.watch._mailbox import open_mailbox
from justfit.watch._ranks import Ranks
from justfit.watch._sampler import Sampler
from justfit.watch._series import Frames
from justfit.watch._settings import Settings

if TYPE_CHECKING:
    from justfit.records import Advice


class Run:
    """A watched run; made by `justfit.watch`, used as a context manager or by `start` and `close`.

    Args:
        module: The network.
        optimizers: Those that train it; empty if the host calls `before_step` and `after_step`.
        settings: The arguments of `justfit.watch`.

    Example:
        >>> import torch
        >>> from justfit.watch import watch
        >>> network = torch.nn.Linear(4, 1)
        >>> optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
        >>> with watch(network, optimizer) as run:
        ...     for _ in range(3):
        ...         optimizer.zero_grad()
        ...         network(torch.ones(2, 4)).square().mean().backward()
        ...         optimizer.step()
        >>> run.record.evidence.optimizers[0].num_steps
        3
    """

    def __init__(self, module: nn.Module, optimizers: Sequence[Optimizer], settings: Settings) -> None:
        self._module = module
        self._settings = settings
        self._table = LayerTable(module)
        given: Sequence[Optimizer | None] = optimizers or (None,)
        names = ["optimizer"] if len(given) == 1 else [f"optimizer[{index}]" for index in range(len(given))]
        samplers = [Sampler(o, i, names[i], module, self._table) for i, o in enumerate(given)]
        self._governor = Governor(overhead=settings.overhead, every=settings.every)
        reports = Reports(sampled=self._sampled, trouble=self._on_nonfinite, idle=self._idle, broken=self._broken, note=self._note)
        self._ranks = Ranks(module, open_mailbox(f"{type(module).__name__}/{len(self._table.layers)}"))
        for sampler in samplers:
            sampler.share = self._ranks.share
        self._loop = Loop(module, samplers, self._table, self._governor, reports)
        self._loop.ranks = self._ranks
        self._loop.frames = Frames(settings.frames)
        self._loop.step_losses.scaler = settings.scaler
        self._loop.reads_activations = settings.activations and self._ranks.together != "sharded"
        self._loop.step_losses.reads_backward = settings.loss_from_backward
        self._loop.step_losses.adds = settings.micro_batch_losses == "sum"
        self._epochs = Epochs()
        first = self._ranks.is_first
        self._folder = RunFolder(settings.out) if settings.out is not None and first else None
        tell = [] if settings.on_finding is None or not first else [settings.on_finding]
        tell += [sink.finding for sink in settings.sinks if hasattr(sink, "finding") and first]
        tell += [] if self._folder is None else [self._folder.add_finding]
        self._announcer = Announcer(tell)
        self._judgement = Judgement()
        self._first_failure: FirstFailure | None = None
        self._notes: dict[str, None] = {}
        self._handles: list[Any] = []
        self._is_open = False
        self._finished = False
        self._last_flush = 0.0
        self._flush_cost = 0.0

    # --- open and close

    def start(self) -> Self:
        """Begin to watch.

        Raises:
            ArgumentError: The run was started before.
        """
        if self._is_open or self._finished:
            raise ArgumentError(
                "A run is started once.",
                found="a run that was started before",
                way_out="Call `justfit.watch` again, and `load_state_dict` to go on where it ended.",
            )
        self._is_open = True
        for sampler in self._loop.samplers:
            if sampler.optimizer is not None:
                before, after = self._bound(sampler)
                self._handles.append(OptimizerHooks(sampler.optimizer, before, after))
        if self._settings.replay:
            hook = InputHook(self._see_inputs)
            self._handles.append(called_part(self._module).register_forward_pre_hook(hook, with_kwargs=True))
        listen(self._loop)
        self._last_flush = perf_counter()
        self._loop.start()
        return self

    def close(self) -> None:
        """Take every hook away, judge once more, and write the record. Calling it again does nothing."""
        if not self._is_open:
            return
        self._is_open = False
        stop_listening(self._loop)
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._loop.stop()
        self._ranks.finish(self._loop)
        self._finished = True
        self._flush()
        for sink in self._settings.sinks:
            if hasattr(sink, "close"):
                sink.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if error is not None:
            self._note(f"The loop ended with {type(error).__name__}: {error}")
        self.close()

    # --- what the loop may tell

    def log_loss(self, loss: float | Tensor) -> None:
        """Tell the loss of the step that comes or was just done; it stands before the one that backward showed.

        Args:
            loss: One number; a tensor on a device is not waited for. Called several times before a step, the mean.
        """
        self._loop.log_loss(loss)

    def log_batch(self, index: int | None = None, examples: Sequence[int] | None = None) -> None:
        """Tell which batch the next step uses, so that a failure can name it.

        Args:
            index: Number of the batch within the epoch, from 0.
            examples: Indices of its examples in the data set.
        """
        self._loop.log_batch(index, examples)

    def end_epoch(
        self,
        *,
        train_loss: float | Tensor | None = None,
        validation_loss: float | Tensor | None = None,
        train_loss_se: float | None = None,
        validation_loss_se: float | None = None,
        epoch: int | None = None,
        metrics: Mapping[str, float] | None = None,
    ) -> Advice | None:
        """Tell that an epoch ended, and with which losses.

        Args:
            train_loss, validation_loss: Means per example, of the epoch.
            train_loss_se, validation_loss_se: One standard error each.
            epoch: Its number; counted from 1 by default.
            metrics: Further numbers, which go to the sinks.

        Returns:
            Whether to stop, and whether this epoch's network is the best; None without a validation loss.

        Raises:
            ArgumentError: `epoch` does not rise.
        """
        self._loop.losses.end_epoch()
        advice = self._epochs.end(
            epoch,
            train_loss=train_loss,
            validation_loss=validation_loss,
            train_loss_se=train_loss_se,
            validation_loss_se=validation_loss_se,
        )
        self._loop.epoch = self._epochs.number + 1
        told = {"train_loss": train_loss, "validation_loss": validation_loss, **(metrics or {})}
        self._log({name: float(value) for name, value in told.items() if value is not None})
        if self._is_open:
            self._judge_if_paid()
        return advice

    @property
    def reads_next_step(self) -> bool:
        """The step that comes is sampled."""
        return any(sampler.due for sampler in self._loop.samplers)

    def read_gradients(self, optimizer_index: int = 0) -> None:
        """Tell that `.grad` holds what the step is made from, where backward does not leave it there.

        The gradients must be unscaled, of all micro-batches, and not yet clipped; only a sampled step reads them.

        Args:
            optimizer_index: Of which optimizer, if there are several.
        """
        sampler = self._loop.samplers[optimizer_index]
        if sampler.due:
            sampler.read_gradients(lambda norms: norms)

    def before_step(self, optimizer_index: int = 0) -> None:
        """Tell that an optimizer is about to update the weights, where no hook can know.

        Args:
            optimizer_index: Which one, if there are several.
        """
        self._loop.before_step(self._loop.samplers[optimizer_index])

    def after_step(self, optimizer_index: int = 0) -> None:
        """Tell that an optimizer has updated the weights, where no hook can know.

        Args:
            optimizer_index: Which one, if there are several.
        """
        self._loop.after_step(self._loop.samplers[optimizer_index])

    # --- what it showed

    @property
    def record(self) -> WatchRecord:
        """Everything so far, judged."""
        if not self._finished:
            self._judge()
        return self._record()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the rules find so far, worst first."""
        if not self._finished:
            self._judge()
        return self._judgement.findings

    @property
    def verdict(self) -> FitVerdict | None:
        """Whether the network fits, by the history so far; None without a validation loss."""
        if not self._finished:
            self._judge()
        return self._judgement.verdict

    @property
    def epoch_loss(self) -> float:
        """Mean of the losses of the steps since the last epoch ended, as they were while training; NaN of none."""
        return self._loop.losses.epoch_mean()

    @property
    def history(self) -> History:
        """The epochs so far."""
        return self._epochs.history()

    @property
    def overhead(self) -> OverheadFigures:
        """What watching cost so far."""
        self._governor.peak_bytes = max(self._governor.peak_bytes, self._loop.num_bytes())
        return self._governor.figures()

    def state_dict(self) -> dict[str, Any]:
        """Return everything needed to go on later: numbers, strings, lists and dicts of them."""
        return {"loop": self._loop.state_dict(), "epochs": self._epochs.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a stored run ended; call it before the first step."""
        self._loop.load_state_dict(state["loop"])
        self._epochs.load_state_dict(state["epochs"])
        self._loop.epoch = self._epochs.number + 1

    # --- what the loop tells

    def _sampled(self, sampler: Sampler, loss: float, layers: list[float]) -> None:
        """Pass a sampled step on to the sinks."""

    def _on_nonfinite(self, trouble: Trouble) -> None:
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
            rank=self._ranks.rank,
            why_not="" if self._settings.replay else "`replay=False`",
        )
        self._first_failure = self._ranks.settle(find_first_failure(self._module, failed))
        self._flush()

    def _merge_ranks(self, evidence: WatchEvidence) -> WatchEvidence:
        """Say how processes that train together were watched, and take in what only another one saw."""
        self._first_failure = self._first_failure or self._ranks.failure_elsewhere()
        return replace(
            evidence,
            first_failure=self._first_failure,
            world_size=self._ranks.world_size,
            gradients=self._ranks.gradients,
            notes=(*evidence.notes, *self._ranks.notes),
        )

    def _idle(self, now: float) -> None:
        """Judge and write if it is time and the budget pays for it."""
        if now - self._last_flush >= self._settings.flush_seconds and self._governor.can_pay(self._flush_cost):
            self._flush()

    def _broken(self, error: Exception) -> None:
        self._loop.stop()
        self._note(f"Watching stopped: {type(error).__name__}: {error}")

    # --- inside

    def _bound(self, sampler: Sampler) -> tuple[Any, Any]:
        loop = self._loop
        return (lambda: loop.before_step(sampler)), (lambda: loop.after_step(sampler))

    def _see_inputs(self, inputs: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        if not self._loop.failed:
            self._loop.flight.see_forward(inputs, keywords)

    def _note(self, sentence: str) -> None:
        self._notes[sentence] = None

    def _log(self, values: Mapping[str, float]) -> None:
        for sink in self._settings.sinks:
            sink.log(values, self._loop.samplers[self._loop.leader()].num_steps)

    def _judge_if_paid(self) -> None:
        if self._governor.can_pay(self._flush_cost):
            start = perf_counter()
            self._judge()
            self._governor.pay(perf_counter() - start)

    def _judge(self) -> None:
        self._judgement = judge(self._evidence())
        self._announcer.announce(self._judgement.findings)

    def _flush(self) -> None:
        start = perf_counter()
        self._judge()
        if self._folder is not None:
            self._folder.write_record(self._record())
        self._last_flush = perf_counter()
        self._flush_cost = self._last_flush - start
        self._governor.pay(self._flush_cost)

    def _evidence(self) -> WatchEvidence:
        evidence = read_evidence(
            self._module,
            self._loop,
            self._table,
            self._epochs.history(),
            first_failure=self._first_failure,
            notes=self._notes,
        )
        return self._merge_ranks(evidence)

    def _record(self) -> WatchRecord:
        return WatchRecord(
            evidence=self._evidence(),
            findings=self._judgement.findings,
            unjudged=self._judgement.unjudged,
            verdict=self._judgement.verdict,
            frames=read_frames(self._loop, self._table),
            overhead=self.overhead,
            finished=self._finished,
            version=version("justfit"),
        )
