"""A training run while it is watched."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from torch import Tensor, nn
from torch.optim import Optimizer

from justfit.errors import ArgumentError
from justfit.records import (
    Finding,
    FitVerdict,
    History,
    OverheadFigures,
    Shown,
    WatchRecord,
)
from justfit.report import render_watch_text
from justfit.watch._backward import listen, stop_listening
from justfit.watch._epochs import number_of
from justfit.watch._flight import Flight, called_part
from justfit.watch._folder import RunFolder
from justfit.watch._governor import Governor
from justfit.watch._hooks import InputHook, OptimizerHooks
from justfit.watch._judging import Judgement
from justfit.watch._layers import LayerTable
from justfit.watch._loop import Loop
from justfit.watch._mailbox import open_mailbox
from justfit.watch._minutes import Minutes
from justfit.watch._ranks import Ranks
from justfit.watch._reports import Reports
from justfit.watch._run_state import load_run_state, run_state
from justfit.watch._sampler import Sampler
from justfit.watch._settings import Settings
from justfit.watch._telling import Telling

if TYPE_CHECKING:
    from rich.console import Console

    from justfit.records import Advice


class Run(Shown):
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
        self._ranks = Ranks(module, open_mailbox(f"{type(module).__name__}/{len(self._table.layers)}"))
        for sampler in samplers:
            sampler.share = self._ranks.share
        flight = Flight(module, self._table)
        reports = self._reports()
        self._loop = Loop(samplers, flight, self._table, self._governor, reports, num_frames=settings.frames)
        self._loop.ranks = self._ranks
        self._loop.reads_activations = settings.activations and self._ranks.together != "sharded"
        self._loop.step_losses.scaler = settings.scaler
        self._loop.step_losses.reads_backward = settings.loss_from_backward
        self._loop.step_losses.adds = settings.micro_batch_losses == "sum"
        self._minutes = self._take_minutes()
        self._handles: list[Any] = []
        self._replay_handle: Any = None
        self._is_open = False

    def _take_minutes(self) -> Minutes:
        settings, first = self._settings, self._ranks.is_first
        told = Telling(settings.on_finding if first else None, settings.sinks if first else (), self._note)
        folder = RunFolder(settings.out) if settings.out is not None and first else None
        minutes = Minutes(
            module=self._module,
            table=self._table,
            loop=self._loop,
            governor=self._governor,
            ranks=self._ranks,
            telling=told,
            folder=folder,
            flush_seconds=settings.flush_seconds,
            replay=settings.replay,
        )
        told.listeners += [minutes.live.add_finding, *([] if folder is None else [folder.add_finding])]
        return minutes

    def _reports(self) -> Reports:
        return Reports(
            # the minutes are made after the loop
            sampled=lambda sampler, loss: self._minutes.sampled(sampler, loss),  # noqa: PLW0108
            trouble=lambda trouble: self._minutes.failed(trouble),  # noqa: PLW0108
            expensive=self._save,
            idle=lambda now: self._minutes.idle(now),  # noqa: PLW0108
            broken=self._broken,
            note=self._note,
        )

    # --- open and close

    def start(self) -> Self:
        """Begin to watch.

        Raises:
            ArgumentError: The run was started before.
        """
        if self._is_open or self._minutes.finished:
            raise ArgumentError(
                "A run is started once.",
                found="a run that was started before",
                way_out="Call `justfit.watch` again, and `load_state_dict` to go on where it ended.",
            )
        self._is_open = True
        try:
            self._attach()
        except BaseException:
            self._detach()
            self._is_open = False
            raise
        return self

    def _attach(self) -> None:
        for sampler in self._loop.samplers:
            if sampler.optimizer is not None:
                before, after = self._bound(sampler)
                self._handles.append(OptimizerHooks(sampler.optimizer, before, after))
        if self._settings.replay:
            part = called_part(self._module)
            self._replay_handle = part.register_forward_pre_hook(InputHook(self._see_inputs), with_kwargs=True)
        listen(self._loop)
        if self._settings.live is not False and self._ranks.is_first:
            self._minutes.live.start()
        self._minutes.begin()
        self._loop.start()

    def _detach(self) -> None:
        stop_listening(self._loop)
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._drop_replay()
        self._minutes.live.stop()

    def close(self) -> None:
        """Take every hook away, judge once more, and write record and page. Calling it again does nothing."""
        if not self._is_open:
            return
        self._is_open = False
        with ExitStack() as stack:  # whatever fails, the record is written and the sinks are closed
            stack.callback(self._minutes.telling.close)
            stack.callback(self._finish)
            stack.callback(self._detach)
            self._loop.stop()
            self._ranks.finish(self._loop)

    def _finish(self) -> None:
        self._minutes.finished = True
        try:
            self._minutes.flush()
        finally:  # the user's function, which hears of findings, may raise
            self._minutes.write_page()

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
        train_mode: bool | None = None,
    ) -> Advice | None:
        """Tell that an epoch ended, and with which losses.

        Args:
            train_loss: Mean per example, of the epoch; the mean of its steps by default.
            validation_loss: The same on data the network is not trained on.
            train_loss_se: One standard error of the train loss, if it is known.
            validation_loss_se: One standard error of the validation loss.
            epoch: Its number; counted from 1 by default.
            metrics: Further numbers, which go to the sinks.
            train_mode: The train loss was averaged while training; None if that is not known.

        Returns:
            Whether to stop, and whether this epoch's network is the best; None without a validation loss.

        Raises:
            ArgumentError: `epoch` does not rise.
        """
        train, validation = number_of(train_loss), number_of(validation_loss)
        running = self._loop.losses.epoch_mean()
        self._loop.losses.end_epoch()
        epochs = self._minutes.epochs
        if train is None and not math.isnan(running):
            train, train_mode = running, True
        losses = {"train_loss": train, "validation_loss": validation}
        errors = {"train_loss_se": train_loss_se, "validation_loss_se": validation_loss_se}
        advice = epochs.end(epoch, train_mode, **losses, **errors)
        self._loop.epoch = epochs.number + 1
        told = {**losses, **(metrics or {})}
        self._minutes.log({name: float(value) for name, value in told.items() if value is not None})
        if self._is_open:
            self._minutes.judge_if_paid()
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
        self._judged()
        return self._minutes.record()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the rules find so far, worst first."""
        return self._judged().findings

    @property
    def verdict(self) -> FitVerdict | None:
        """Whether the network fits, by the history so far; None without a validation loss."""
        return self._judged().verdict

    @property
    def epoch_loss(self) -> float:
        """Mean of the losses of the steps since the last epoch ended, as they were while training; NaN of none."""
        return self._loop.losses.epoch_mean()

    @property
    def history(self) -> History:
        """The epochs so far."""
        return self._minutes.epochs.history()

    @property
    def overhead(self) -> OverheadFigures:
        """What watching cost so far."""
        self._governor.peak_bytes = max(self._governor.peak_bytes, self._loop.num_bytes())
        return self._governor.figures()

    def summary(self, console: Console | None = None, *, verbose: bool = False) -> None:
        """Print findings, verdict and overhead.

        Args:
            console: Where; standard output by default.
            verbose: Say of each finding why it matters and when it is wrong, and which rules could not judge.
        """
        from rich.console import Console

        render_watch_text(self.record, console or Console(), verbose=verbose)

    def state_dict(self) -> dict[str, Any]:
        """Return everything needed to go on later: numbers, strings, lists and dicts of them."""
        return run_state(self._loop, self._minutes)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a stored run ended: steps, samples, losses and epochs are counted on.

        Args:
            state: What `state_dict` returned, of a run with as many optimizers.

        Raises:
            ArgumentError: It is of a run with another number of optimizers, or the run has made steps already.
        """
        if any(sampler.num_steps for sampler in self._loop.samplers):
            raise ArgumentError(
                "A state is loaded before the first step.",
                found=f"{self._loop.samplers[self._loop.leader()].num_steps} steps done",
                way_out="Call `run.load_state_dict` right after `justfit.watch`.",
            )
        load_run_state(self._loop, self._minutes, state)

    # --- inside

    def _judged(self) -> Judgement:
        if not self._minutes.finished:
            self._minutes.judge()
        return self._minutes.judgement

    def _broken(self, error: Exception) -> None:
        if error is self._minutes.telling.raised:
            raise error
        self._loop.stop()
        self._note(f"Watching stopped: {type(error).__name__}: {error}")

    def _save(self) -> None:
        """Leave out what a step without a sample spends most on."""
        if self._loop.looks_for_trouble:
            self._loop.looks_for_trouble = False
            self._note("Gradients were searched for NaN in sampled steps only, losses in every step: steps are short.")
        elif self._replay_handle is not None:
            self._drop_replay()
            self._minutes.replay = False
            self._note("The last batch was not held for a replay: steps are short.")

    def _drop_replay(self) -> None:
        if self._replay_handle is not None:
            self._replay_handle.remove()
            self._replay_handle = None

    def _bound(self, sampler: Sampler) -> tuple[Any, Any]:
        loop = self._loop
        return (lambda: loop.before_step(sampler)), (lambda: loop.after_step(sampler))

    def _see_inputs(self, inputs: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        if not self._loop.failed:
            start = perf_counter()
            self._loop.flight.see_forward(inputs, keywords)
            self._loop.spent += perf_counter() - start

    def _note(self, sentence: str) -> None:
        self._minutes.note(sentence)
