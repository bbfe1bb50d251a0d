"""One run in several processes: who records, when all of them sample, and how their numbers come together.

Under DDP every process holds the same averaged gradients: rank 0 records, the others only look for a NaN of their own.
Under FSDP2 (`fully_shard`) each process holds a part of every tensor: all of them read the norms of their part in the
same steps, post the squares, and rank 0 adds them up later. Nothing here is a collective, nothing waits in a step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, Literal, Protocol

from torch import nn
from torch.nn.parallel import DistributedDataParallel

from justfit.records import FirstFailure
from justfit.watch._governor import Governor
from justfit.watch._mailbox import Mailbox

Together = Literal["alone", "replicated", "sharded", "unknown"]
PERIOD = 8  # steps: at multiples of it rank 0 announces a sample that lies one period ahead, so that all have heard
MAX_OPEN = 3  # samples whose parts rank 0 waits for
CLOSE_SECONDS = 1.0  # that closing waits for the last parts
FAILURE_SECONDS = 2.0  # that rank 0 waits for what other ranks found, once, after NaN
_STAGES = ("input", "parameter", "forward", "loss", "backward", "optimizer", "unknown")
_CERTAIN = ("input", "forward", "loss", "optimizer")  # stages that a rank finds in its own batch or not at all


class Keeper(Protocol):
    """What holds the samples of this rank."""

    def replace_norms(self, optimizer: int, step: int, norms: Sequence[float], /) -> None:
        """Put the norms over all ranks in the place of those of this one."""


class Ranks:
    """How this process and the others watch together.

    Args:
        module: The network, in its wrappers.
        mailbox: Between the processes.

    Attributes:
        together: How they train: `alone`, `replicated` (DDP), `sharded` (FSDP2), or in a way that is not known.
        notes: What could not be put together, one sentence each.
    """

    def __init__(self, module: nn.Module, mailbox: Mailbox) -> None:
        self.together: Together = _kind_of(module) if mailbox.world_size > 1 else "alone"
        self.notes: dict[str, None] = {}
        self._mail = mailbox
        self._announced = 0  # the step that all ranks sample next
        self._posted: list[int] = []  # announced steps whose messages still lie in the store
        self._open: dict[tuple[int, int], tuple[float, ...]] = {}
        self._unanswered = 0
        self._is_single = self.together in ("alone", "unknown") or not mailbox.is_open
        if self.is_first:
            mailbox.post("watches", True)
        if self.together == "unknown":
            self._note(
                "Several processes train together, but neither by DDP nor by FSDP2: all numbers are those of rank "
                f"{self.rank}."
            )
        if self.together == "sharded":
            self._note("The network is sharded: activations were not measured, gradients, weights and updates were.")
        if self.together == "sharded" and not mailbox.is_open:
            self._note(f"The processes have no store to share norms through: norms are those of rank {self.rank}.")

    @property
    def rank(self) -> int:
        """Of this process."""
        return self._mail.rank

    @property
    def world_size(self) -> int:
        """Number of processes that train together."""
        return self._mail.world_size

    @property
    def is_first(self) -> bool:
        """This process writes the record and tells of findings."""
        return self._mail.rank == 0

    @property
    def reads(self) -> bool:
        """This process reads norms at all: under DDP those of rank 0 are everybody's."""
        return self.is_first or self.together != "replicated" or self._is_single

    @property
    def gradients(self) -> str:
        """How gradients were read, for the record."""
        if self.together == "replicated":
            return f"unscaled, averaged over {self.world_size} processes"
        if self.together == "sharded":
            every = "one shard of" if self._is_single else "all shards of"
            return f"unscaled, averaged and sharded over {self.world_size} processes, norms over {every} a tensor"
        return "unscaled" if self.together == "alone" else f"unscaled, local to rank {self.rank}"

    def share(self, parameter: nn.Parameter) -> float:
        """Tell how much of the squared norm that this rank reads counts in the sum over ranks."""
        if self.together != "sharded" or self._is_single:
            return 1.0
        mesh, placements = getattr(parameter, "device_mesh", None), getattr(parameter, "placements", None)
        if mesh is None or placements is None:
            return 1.0 / self.world_size  # whole on every rank
        copies = self.world_size // int(mesh.size())
        for dimension, placement in enumerate(placements):
            copies *= int(mesh.size(dimension)) if placement.is_replicate() else 1
        return 1.0 / max(copies, 1)

    def wants_sample(self, num_steps: int, governor: Governor) -> bool:
        """Say whether the step after `num_steps` is sampled; the same on every rank that must take part."""
        if num_steps == 1 and not self.is_first and self.together != "unknown":
            self._look_for_first()
        if not self.reads:
            return False
        if self._is_single or self.together == "replicated" or governor.every is not None or num_steps < 2:
            return governor.wants_sample()
        if self.is_first:
            if num_steps % PERIOD == 0 and governor.wants_sample():
                self._announced = num_steps + PERIOD
                self._mail.post(f"sample/{self._announced}", True)
                self._posted.append(self._announced)
                while self._posted[0] <= num_steps - PERIOD:  # others may lag behind, by less than a period
                    self._mail.drop(f"sample/{self._posted.pop(0)}")
            return num_steps + 1 == self._announced
        return (num_steps + 1) % PERIOD == 0 and self._mail.has(f"sample/{num_steps + 1}")

    def give(self, optimizer: int, step: int, norms: Sequence[float]) -> None:
        """Hand in what this rank read in a sampled step.

        Args:
            optimizer: Its index.
            step: Its number.
            norms: Of the parts that lie here, weighted by `share`.
        """
        if self.together != "sharded" or self._is_single:
            return
        squares = tuple([norm * norm for norm in norms])
        if not self.is_first:
            self._mail.post_numbers(_part(optimizer, step, self.rank), squares)
            return
        self._open[optimizer, step] = squares
        if len(self._open) > MAX_OPEN:
            optimizer, step = next(iter(self._open))
            del self._open[optimizer, step]
            self._give_up(optimizer, step)

    def collect(self, keeper: Keeper, seconds: float = 0.0) -> None:
        """Complete the samples for which all ranks have handed in their part.

        Args:
            keeper: Gets the norms over all ranks.
            seconds: How long to wait for what is missing, in all.
        """
        others = range(1, self.world_size)
        for (optimizer, step), squares in list(self._open.items()):
            keys = [_part(optimizer, step, rank) for rank in others]
            if not (self._mail.wait_for(keys, seconds) if seconds else self._mail.has(*keys)):
                seconds = 0.0
                continue
            del self._open[optimizer, step]
            parts = [self._mail.take_numbers(key) for key in keys]
            if all(part is not None and len(part) == len(squares) for part in parts):
                self._unanswered = 0
                sums = [sum(values) for values in zip(squares, *parts, strict=True)]
                keeper.replace_norms(optimizer, step, [math.sqrt(total) for total in sums])
            else:
                self._note("The processes do not watch the same layers: some norms are those of rank 0 alone.")

    def finish(self, keeper: Keeper) -> None:
        """Take in what came at the end, and say what did not."""
        self.collect(keeper, 0.0 if self._is_single else CLOSE_SECONDS)
        for optimizer, step in list(self._open):
            self._give_up(optimizer, step)
        self._open.clear()
        if self.is_first:
            self._mail.drop("watches")
            for step in self._posted:
                self._mail.drop(f"sample/{step}")
            self._posted.clear()

    def settle(self, own: FirstFailure) -> FirstFailure:
        """Tell the others what this rank found, and on rank 0 choose between what all found.

        Args:
            own: What this rank found in its own batch.
        """
        if self._is_single or self.world_size < 2:
            return own
        if not self.is_first:
            self._mail.post(f"failure/{self.rank}", asdict(own))
            return own
        keys = [f"failure/{rank}" for rank in range(1, self.world_size)]
        self._mail.wait_for(keys, FAILURE_SECONDS)
        found = [own, *(_failure_from(message) for key in keys if (message := self._mail.take(key)) is not None)]
        return _first_of(found)

    def failure_elsewhere(self) -> FirstFailure | None:
        """Return what another rank found that rank 0 has not seen itself."""
        if self._is_single or not self.is_first:
            return None
        keys = [f"failure/{rank}" for rank in range(1, self.world_size)]
        found = [_failure_from(message) for key in keys if (message := self._mail.take(key)) is not None]
        return _first_of(found) if found else None

    def _look_for_first(self) -> None:
        """Without rank 0 this one watches for itself."""
        if not self._mail.has("watches"):
            self._is_single = True
            self._note(f"Rank 0 does not watch: all numbers are those of rank {self.rank}.")

    def _give_up(self, optimizer: int, step: int) -> None:
        for rank in range(1, self.world_size):
            self._mail.drop(_part(optimizer, step, rank))
        self._unanswered += 1
        self._note("Some ranks did not answer: the norms of those steps are those of the shard of rank 0.")
        if self._unanswered >= MAX_OPEN:
            self._is_single = True
            self._open.clear()

    def _note(self, sentence: str) -> None:
        self.notes[sentence] = None


def _part(optimizer: int, step: int, rank: int) -> str:
    return f"part/{optimizer}/{step}/{rank}"


def _kind_of(module: nn.Module) -> Together:
    if any(isinstance(part, DistributedDataParallel) for part in module.modules()):
        return "replicated"
    if any(hasattr(parameter, "placements") for parameter in module.parameters()):
        return "sharded"
    return "unknown"


def _failure_from(message: dict[str, Any]) -> FirstFailure:
    return FirstFailure(**{**message, **{name: tuple(message[name]) for name in ("examples", "rows")}})


def _first_of(found: Sequence[FirstFailure]) -> FirstFailure:
    """Choose what came first: the earliest step, what a rank found in its own batch, the earliest stage, the rank."""

    def place(failure: FirstFailure) -> tuple[int, bool, int, int]:
        own = failure.stage in _CERTAIN or (
            failure.stage == "backward" and not failure.operation.startswith("gradient")
        )
        return failure.step, not own, _STAGES.index(failure.stage), failure.rank

    first = min(found, key=place)
    many = len({failure.rank for failure in found}) > 1
    same = sum(place(failure)[:3] == place(first)[:3] for failure in found)
    return replace(first, how=f"{first.how} Seen first on rank {first.rank}.") if many and same == 1 else first
