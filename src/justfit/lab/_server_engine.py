"""What the server's playground can be set to, and the making of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from justfit.errors import ArgumentError
from justfit.lab._playground import Playground
from justfit.lab._playground_options import TABLE, Options
from justfit.lab._playground_settings import Settings
from justfit.lab._playground_table import PlaygroundTable

_LABELS = {
    "moons": "Two moons",
    "circles": "Circle in a ring",
    "xor": "Four corners (XOR)",
    "spiral": "Two spirals",
    "gauss": "Two clouds",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Playgrounds:
    """Playgrounds with or without the user's table."""

    table: PlaygroundTable | None = None

    @classmethod
    def read(cls, data: str | None, target: str | None = None, columns: Sequence[str] | None = None) -> Playgrounds:
        """Read the table, if there is one.

        Raises:
            DataError: It cannot be used.
            ArgumentError: Columns are named, but no table.
        """
        if data is not None:
            return cls(table=PlaygroundTable.read(data, target=target, columns=columns))
        if columns is not None:
            raise ArgumentError(
                "`columns` are two of a table.",
                found="no table",
                way_out="Add `--data TABLE`, or leave `--columns` out to play with shapes.",
            )
        return cls()

    def options(self) -> dict[str, Any]:
        """List choices, ranges and defaults, ready for JSON; of each data set also what it is called."""
        options = Options.of(has_table=self.table is not None).plain()
        defaults = Settings() if self.table is None else Settings(data=TABLE)
        return {**options, "data": [self._data(name) for name in options["data"]], "defaults": defaults.plain()}

    def make(self, settings: Mapping[str, Any]) -> Playground:
        """Make one.

        Raises:
            ArgumentError: A setting is unknown or out of range.
        """
        return Playground(Settings.read(settings), self.table)

    def _data(self, name: str) -> dict[str, str]:
        if name == TABLE and self.table is not None:
            x, y = self.table.names
            return {"name": name, "label": self.table.name, "x": x, "y": y}
        return {"name": name, "label": _LABELS.get(name, name)}
