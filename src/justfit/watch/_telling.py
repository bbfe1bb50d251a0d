"""Who hears of a run while it goes on: the user's function, the sinks, the folder, the live view."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from justfit.records import Finding
from justfit.watch._layers import LayerTable
from justfit.watch._sampler import Sampler
from justfit.watch._sinks import Sink


class Telling:
    """Tells of each finding once, by its code and place, and of numbers as they arise.

    A sink that fails is left out from then on, and training goes on. What the user's own function raises is raised
    in the loop, which may stop it that way.

    Args:
        on_finding: The user's function; None for none.
        sinks: Where numbers go.
        note: Told of a sink that failed.
    """

    def __init__(
        self, on_finding: Callable[[Finding], None] | None, sinks: Sequence[Sink], note: Callable[[str], None]
    ) -> None:
        self.listeners: list[Callable[[Finding], None]] = []  # of justfit's own
        self.told: set[tuple[str, str]] = set()
        self.raised: Exception | None = None
        self._on_finding = on_finding
        self._sinks = list(sinks)
        self._note = note

    @property
    def has_sinks(self) -> bool:
        """There is somebody to tell numbers."""
        return bool(self._sinks)

    def announce(self, findings: Sequence[Finding]) -> None:
        """Tell of the findings that are new."""
        new = [finding for finding in findings if (finding.code, finding.where) not in self.told]
        for finding in new:
            self.told.add((finding.code, finding.where))
            for listener in self.listeners:
                try:
                    listener(finding)
                except OSError as error:
                    self._note(f"A finding could not be written: {error.strerror or error}")
            self._each("finding", finding)
            if self._on_finding is not None:
                try:
                    self._on_finding(finding)
                except Exception as error:
                    self.raised = error
                    raise

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Pass numbers on, those that were measured."""
        measured = {name: value for name, value in values.items() if not math.isnan(value)}
        if measured:
            self._each("log", measured, step)

    def close(self) -> None:
        """Close the sinks that can be closed."""
        self._each("close")
        self._sinks.clear()

    def _each(self, method: str, *arguments: Any) -> None:
        for sink in tuple(self._sinks):
            try:
                if hasattr(sink, method):
                    getattr(sink, method)(*arguments)
            except Exception as error:
                self._sinks.remove(sink)
                self._note(f"The sink {type(sink).__name__} was left out: {type(error).__name__}: {error}")


def sampled_values(sampler: Sampler, loss: float, table: LayerTable) -> dict[str, float]:
    """Name the numbers of one sampled step, as sinks show them.

    Returns:
        `loss`, `learning_rate`, `gradient_norm`, and of each layer `gradient_norm/…`, `update_ratio/…` and so on, with
        `optimizer[1]/` in front for the second optimizer.
    """
    front = "" if sampler.index == 0 else f"{sampler.name}/"
    rows = sampler.last_by_quantity()
    gradients = [norm for norm in rows["gradient_norm"] if not math.isnan(norm)]
    values = {
        f"{front}loss": loss,
        f"{front}learning_rate": sampler.series.learning_rates[-1],
        f"{front}gradient_norm": math.hypot(*gradients) if gradients else math.nan,
    }
    for place, index in enumerate(sampler.layers):
        name = table.layers[index].name or table.layers[index].kind
        weight, update = rows["weight_norm"][place], rows["update_norm"][place]
        values[f"{front}gradient_norm/{name}"] = rows["gradient_norm"][place]
        values[f"{front}update_ratio/{name}"] = update / weight if weight else math.nan
        for quantity in ("activation_rms", "dead_fraction", "saturated_fraction"):
            values[f"{front}{quantity}/{name}"] = rows[quantity][place]
    return values
