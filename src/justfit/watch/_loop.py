"""What happens in every step of a watched loop: a few microseconds, unless the step is sampled."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from threading import get_ident
from time import perf_counter
from typing import Any

from torch import Tensor

from justfit.watch._activations import ActivationReader, Activations
from justfit.watch._backward import forget_losses, has_losses, losses_of_step
from justfit.watch._flight import Flight
from justfit.watch._governor import Governor
from justfit.watch._layers import LayerTable
from justfit.watch._loss_trail import LossTrail
from justfit.watch._ranks import Ranks
from justfit.watch._reading import unscaled
from justfit.watch._reports import Reports, Trouble
from justfit.watch._sampler import Sampler
from justfit.watch._series import Frame, Frames, LossSeries, on_host
from justfit.watch._step_losses import StepLosses

Passed = tuple[int, float, float, tuple[float | Tensor, ...], tuple[int, tuple[int, ...]]]
NO_BATCH: tuple[int, tuple[int, ...]] = (-1, ())
HIDDEN = "Parts of the network are compiled or checkpointed; activations inside them were not measured, gradients were."


class Loop:
    """Counts steps, keeps losses and last steps, and lets samplers read when the governor says so.

    Args:
        samplers: One for each optimizer.
        flight: What is held of a step.
        table: The layers.
        governor: Decides which steps are sampled.
        reports: Whom to tell.
        num_frames: How many of the last steps are kept.
    """

    def __init__(
        self,
        samplers: Sequence[Sampler],
        flight: Flight,
        table: LayerTable,
        governor: Governor,
        reports: Reports,
        *,
        num_frames: int = 256,
    ) -> None:
        self.samplers = tuple(samplers)
        self.thread = get_ident()
        self.is_attentive = True
        self.spent = 0.0
        self.epoch = 1
        self.step_losses = StepLosses()
        self.failed = False
        self.looks_for_trouble = True
        self.reads_activations = True
        self.flight = flight
        self.ranks: Ranks | None = None
        self._table = table
        self._governor = governor
        self._reports = reports
        self._stopped = False
        self._within = False  # before_step was called, after_step not yet
        self._late = False  # backward ran within the step
        self._losses = LossSeries()
        self._frames = Frames(num_frames)
        self._passed: list[Passed] = []  # plain steps, entered many at once: code that is run rarely is slow to run
        self._num_ahead = 0  # plain steps to come before anything is decided
        self._last = 0.0
        self._batch = NO_BATCH
        self._leader: int | None = None
        self._scale_version = 0
        self._update_due = 0
        self._reader = ActivationReader(table)
        self._activations = Activations()
        self._previous_loss: float | Tensor = math.nan

    def start(self) -> None:
        """Get ready for the first step."""
        self.thread = get_ident()
        if self.ranks is None or self.ranks.reads:
            self.choose_samples()
        self.flight.start()
        self.flight.freezes = self.step_losses.scaler is None
        scale = self.step_losses.scale()
        self._scale_version = 0 if scale is None else scale._version
        self._last = perf_counter()

    @property
    def losses(self) -> LossSeries:
        """The loss of every step."""
        self._settle()
        return self._losses

    @property
    def frames(self) -> Frames:
        """The last steps."""
        self._settle()
        return self._frames

    # --- told by backward

    def backward_begins(self, losses: tuple[Tensor, ...]) -> None:
        """See the graph before it is used up."""
        try:
            self.step_losses.backward_begins(len(losses))
            if self.reads_activations and not self._activations and self._is_sampling():
                self._activations, hidden = self._reader.read(losses)
                if hidden:
                    self._reports.note(HIDDEN)
            if not self.failed:
                self.flight.backward_begins(losses)
        except Exception as error:
            self._reports.broken(error)

    def backward_ended(self, losses: tuple[Tensor, ...]) -> None:
        """See the gradients before anything clips them."""
        try:
            self._late = self._within
            for sampler in self.samplers:
                if sampler.due:
                    sampler.read_gradients(self._unscaled)
            if not self.failed:
                self.flight.backward_ended(losses)
                if self.flight.is_lost and self.step_losses.scaler is not None:
                    self._confirm(self.samplers[self.leader()], weights_intact=True)  # the scaler skips the step
        except Exception as error:
            self._reports.broken(error)

    # --- told by the optimizer, or by the host

    def before_step(self, sampler: Sampler) -> None:
        """See weights and gradients as the optimizer will use them."""
        again, self._within = self._within, True  # a host may call it once more, after a backward within the step
        self._late = again and self._late
        if not (self.flight.is_suspicious or sampler.due):
            return
        start = perf_counter()
        try:
            if self.flight.is_suspicious:
                self._confirm(sampler, weights_intact=True)
            if sampler.due and not self._late:
                sampler.before_step()
        except Exception as error:
            self._reports.broken(error)
        self.spent += perf_counter() - start

    def after_step(self, sampler: Sampler) -> None:
        """Count the step, and decide now and then whether the next one is sampled."""
        start = perf_counter()
        sampler.num_steps += 1
        self.thread = get_ident()  # where steps are taken backward is called
        self._within = False
        leads = sampler.index == self._leader
        if leads and self._num_ahead > 0 and not (sampler.due or self.flight.is_suspicious):
            self._num_ahead -= 1
            self._passed.append((sampler.num_steps, start, self.spent, losses_of_step(), self._batch))
            self._batch = NO_BATCH
            self.flight.forwards.clear()
            if sampler.optimizer is None:
                forget_losses()
            self.spent = perf_counter() - start
            return
        self._settle()
        sampled = self._is_sampling()
        try:
            if self._leader is None:
                self._leader, leads = sampler.index, True
            self._count(sampler, leads=leads)
        except Exception as error:
            self._reports.broken(error)
        if not leads:
            self.spent += perf_counter() - start
            return
        try:
            self._decide(start, sampled=sampled)
        except Exception as error:
            self._reports.broken(error)

    def _decide(self, start: float, *, sampled: bool) -> None:
        """Enter a step that was looked at, and choose what comes next."""
        end = perf_counter()
        self._governor.step_done(start - self._last - self.spent, self.spent + end - start, sampled=sampled)
        self._last = end
        if not self._stopped:
            if self._wants_sample():
                self.choose_samples()
            elif self._governor.is_too_much():
                self._reports.expensive()
            self._reports.idle(end)
        several = self.ranks is not None and self.ranks.world_size > 1
        self._num_ahead = 0 if several or self.step_losses.scaler is not None else self._governor.num_ahead()
        self.attend()
        self.spent = perf_counter() - end

    def attend(self) -> None:
        """Choose whether backward is to be told of, every time."""
        looks = self.looks_for_trouble and not self.failed
        self.is_attentive = looks or self.step_losses.scaler is not None or self._is_sampling()

    def _settle(self) -> None:
        """Enter the plain steps that have passed."""
        passed, self._passed = self._passed, []
        for step, start, spent, losses, batch in passed:
            loss = self.step_losses.mean(losses)
            self._losses.add(step, loss)
            self._frames.add(Frame(step, loss, *batch))
            self._previous_loss = loss
            self._governor.step_done(start - self._last - spent, spent, sampled=False)
            self._last = start

    def choose_samples(self) -> None:
        """Let the next step of every optimizer be sampled."""
        main = self._main_optimizers() if len(self.samplers) > 1 else {}
        for sampler in self.samplers:
            sampler.refresh(main)
            sampler.due = True
        self.attend()

    def stop(self) -> None:
        """Read nothing more, and let go of the batch."""
        self._settle()
        self.failed = self._stopped = True
        self.flight.step_done()
        for sampler in self.samplers:
            sampler.due = False

    def num_bytes(self) -> int:
        """Count what is kept in memory."""
        return sum(sampler.num_bytes() for sampler in self.samplers)

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` takes: numbers, strings, lists and dicts of them."""
        return {
            "samplers": [sampler.state_dict() for sampler in self.samplers],
            "losses": self.losses.state_dict(),
            "governor": self._governor.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a stored run ended."""
        for sampler, stored in zip(self.samplers, state["samplers"], strict=True):
            sampler.load_state_dict(stored)
        self.losses.load_state_dict(state["losses"])
        self._governor.load_state_dict(state["governor"])

    # --- told by the user

    def log_loss(self, loss: float | Tensor) -> None:
        """Take a loss for the step that comes, or for the one just done if that is how this loop logs."""
        value = loss.detach() if isinstance(loss, Tensor) else float(loss)
        if isinstance(value, Tensor) and value.device.type == "cpu":
            value = value.item()
        num_steps = self.samplers[self.leader()].num_steps
        if self.step_losses.log(value, num_steps=num_steps, fresh=has_losses()):
            self.losses.replace_last(value)
            frame = self._frames.find(num_steps)
            if frame is not None:
                frame.loss = value
        self._num_ahead = 0

    def log_batch(self, index: int | None, examples: Sequence[int] | None) -> None:
        """Take what the next step is made from."""
        self._batch = (-1 if index is None else int(index), () if examples is None else tuple(map(int, examples)))

    # --- inside

    def _is_sampling(self) -> bool:
        return any(sampler.due for sampler in self.samplers)

    def _count(self, sampler: Sampler, *, leads: bool) -> None:
        if self.step_losses.scaler is not None or "found_inf" in getattr(sampler.optimizer, "__dict__", ()):
            self._count_skipped(sampler)
        frame = None
        if leads:
            loss = self.step_losses.take()
            frame = Frame(sampler.num_steps, loss, *self._batch)
            self._losses.add(sampler.num_steps, loss)
            self._frames.add(frame)
        if self.flight.is_suspicious:
            self._confirm(sampler, weights_intact=False)
        if frame is not None:
            self._batch, self._previous_loss = NO_BATCH, frame.loss
        if sampler.due:
            self._sample(sampler, frame)
        if sampler.optimizer is None:
            forget_losses()
        self.flight.step_done()

    def _sample(self, sampler: Sampler, frame: Frame | None) -> None:
        sampler.due = False
        rate = sampler.learning_rate()
        layers = sampler.after_step(learning_rate=rate, activations=self._activations, late=self._late)
        self._activations = Activations()
        self._losses.fold(but=1)  # the device is waited for anyway
        if frame is not None and layers:
            frame.loss = on_host([frame.loss])[0]
            frame.layers = tuple(layers)
            frame.gradient_norm = math.hypot(*(norm for norm in layers if not math.isnan(norm)))
        if self.ranks is not None and layers:
            self.ranks.give(sampler.index, sampler.num_steps, sampler.last_norms())
            self.ranks.collect(self)
        if sampler.is_broken and not self.failed and "found_inf" not in getattr(sampler.optimizer, "__dict__", ()):
            self._find_late(sampler)
        self._reports.sampled(sampler, math.nan if frame is None else float(frame.loss))

    def _find_late(self, sampler: Sampler) -> None:
        """Tell of NaN or infinity that nothing saw when it arose: on an accelerator only samples are waited for."""
        self.failed = True
        seen = [frame for frame in self._frames if not math.isnan(frame.loss) or self.step_losses.reads_backward]
        broken = next((frame for frame in seen if not math.isfinite(frame.loss)), seen[-1] if seen else None)
        self._reports.trouble(
            Trouble(
                step=sampler.num_steps if broken is None else broken.step,
                epoch=self.epoch,
                loss=None if broken is None else float(broken.loss),
                batch=-1 if broken is None else broken.batch,
                examples=() if broken is None else broken.examples,
                weights_intact=False,
                forwards=(),
                trail=LossTrail(),
                previous_loss=None,
                optimizer=type(sampler.optimizer).__name__ if sampler.optimizer is not None else "",
            )
        )

    def leader(self) -> int:
        """Return the optimizer whose steps are the run's: the one that steps first."""
        return self._leader or 0

    def replace_norms(self, optimizer: int, step: int, norms: Sequence[float]) -> None:
        """Put the norms over all ranks in the place of those of this one."""
        sampler = self.samplers[optimizer]
        sampler.series.replace(step, norms)
        frame = self.frames.find(step)
        if frame is not None and optimizer == self.leader() and frame.layers:
            num = len(frame.layers)
            frame.layers = tuple(norms[num : 2 * num])
            frame.gradient_norm = math.hypot(*(norm for norm in frame.layers if not math.isnan(norm)))

    def _wants_sample(self) -> bool:
        if self.ranks is None:
            return self._governor.wants_sample()
        return self.ranks.wants_sample(self._governor.num_steps, self._governor)

    def _unscaled(self, norms: Tensor) -> Tensor:
        return unscaled(norms, self.step_losses.scale())

    def _count_skipped(self, sampler: Sampler) -> None:
        found = sampler.optimizer.__dict__.get("found_inf")  # set while a fused optimizer steps under AMP
        if isinstance(found, Tensor) and found.is_cpu and found.item():
            sampler.num_skipped += 1
        scale = self.step_losses.scale()
        if scale is not None and sampler.index == self.leader():
            # Each update of the scaler writes into its scale: one belongs to the step before, the others to none.
            updates = scale._version - self._scale_version
            sampler.num_skipped += max(updates - self._update_due, 0)
            self._scale_version, self._update_due = scale._version, 1

    def _main_optimizers(self) -> dict[int, int]:
        """Find for each layer the optimizer that moves most of it."""
        sizes: dict[int, dict[int, int]] = {}
        for sampler in self.samplers:
            for parameter in sampler.all_parameters():
                of_layer = sizes.setdefault(self._table.layer_of(parameter).index, {})
                of_layer[sampler.index] = of_layer.get(sampler.index, 0) + parameter.numel()
        return {layer: max(of_layer, key=lambda index: of_layer[index]) for layer, of_layer in sizes.items()}

    def _confirm(self, sampler: Sampler, *, weights_intact: bool) -> None:
        """Tell of NaN or infinity unless it was the gradient scaler's, which has been dealt with by now."""
        losses = losses_of_step()
        if getattr(sampler.optimizer, "found_inf", None) is not None or not self.flight.is_broken(losses):
            self.flight.step_done()
            return
        self.failed = True
        self._reports.trouble(
            Trouble(
                step=sampler.num_steps + weights_intact,
                epoch=self.epoch,
                loss=float(losses[-1]) if losses else None,
                batch=self._batch[0],
                examples=self._batch[1],
                weights_intact=weights_intact,
                forwards=tuple(self.flight.forwards),
                trail=self.flight.trail,
                previous_loss=None if math.isnan(before := float(self._previous_loss)) else before,
                optimizer=type(sampler.optimizer).__name__ if sampler.optimizer is not None else "",
            )
        )
        self.flight.step_done()
