"""What a watch was asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from justfit.errors import ArgumentError
from justfit.records import Finding
from justfit.watch._sinks import Sink


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The arguments of `justfit.watch`, checked; each is described there."""

    scaler: Any = None
    overhead: float = 0.01
    every: int | None = None
    frames: int = 256
    activations: bool = True
    replay: bool = True
    out: str | os.PathLike[str] | None = None
    flush_seconds: float = 10.0
    sinks: Sequence[Sink] = ()
    live: bool | None = None
    on_finding: Callable[[Finding], None] | None = None
    loss_from_backward: bool = True
    micro_batch_losses: Literal["mean", "sum"] = "mean"

    def __post_init__(self) -> None:
        if not 0 < self.overhead <= 1:
            raise ArgumentError(
                "`overhead` must lie in (0, 1].",
                found=f"`overhead={self.overhead!r}`",
                way_out="It is a share of step time: 0.01 for one percent.",
            )
        for name in ("every", "frames"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
                raise ArgumentError(
                    f"`{name}` must be a whole number of steps, at least 1.",
                    found=f"`{name}={value!r}`",
                    way_out="Leave it out for the default.",
                )
        if not self.flush_seconds >= 0:
            raise ArgumentError(
                "`flush_seconds` must be at least 0.",
                found=f"`flush_seconds={self.flush_seconds!r}`",
                way_out="0 writes as often as the budget allows.",
            )
        for sink in self.sinks:
            if not isinstance(sink, Sink):
                raise ArgumentError(
                    "Each of `sinks` must have a method `log(values, step)`.",
                    found=f"a {type(sink).__name__}",
                    way_out="Wrap it in a sink of `justfit.integrations`.",
                )
