"""The settings of one playground, read from what a page or a caller sends."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from justfit.errors import ArgumentError
from justfit.lab._playground_options import ACTIVATIONS, INITS, OPTIMIZERS, RANGES, SHAPES, TABLE
from justfit.report import shown

ALL = "all"
CHOICES: dict[str, tuple[str, ...]] = {
    "data": (*SHAPES, TABLE),
    "activation": tuple(ACTIVATIONS),
    "init": INITS,
    "optimizer": OPTIMIZERS,
}
REAL = ("noise", "learning_rate")  # all other numbers are whole
LONGEST = 60  # letters of a wrong value that an error repeats


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is trained, and on what.

    Attributes:
        data: A shape, or `table`.
        noise: Of a shape, 0–0.5; without effect on a table.
        num_train: Rows to learn from; lowered where a table has fewer.
        seed: Decides data, initialization, batch order and masks.
        depth: Hidden layers.
        width: Units of each.
        activation, init, optimizer: By name.
        learning_rate: The same at every step.
        batch_size: Rows per step; the last step of an epoch takes what is left.
        dropout_layers: Hidden layers, from 1, that dropout follows; `all` of them, or those listed.

    Example:
        >>> settings = Settings.read({"data": "spiral", "depth": 4, "dropout_layers": [1, 2]})
        >>> settings.width, settings.is_dropped
        (8, (True, True, False, False))
    """

    data: str = "moons"
    noise: float = 0.2
    num_train: int = 100
    seed: int = 0
    depth: int = 3
    width: int = 8
    activation: str = "relu"
    init: str = "he"
    learning_rate: float = 0.01
    optimizer: str = "adam"
    batch_size: int = 20
    dropout_layers: str | tuple[int, ...] = ALL

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            _require_choice(name, getattr(self, name), choices)
        for name in RANGES:
            object.__setattr__(self, name, _number(name, getattr(self, name)))
        object.__setattr__(self, "dropout_layers", _layers(self.dropout_layers, self.depth))

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Settings:
        """Read settings by name; what is not given keeps its default.

        Raises:
            ArgumentError: It is no mapping, a name is unknown, or a value lies outside its contract.
        """
        if not isinstance(given, Mapping):
            raise ArgumentError(
                "Settings must be names with values.",
                found=f"a {type(given).__name__}",
                way_out='Send for example `{"data": "moons", "depth": 3}`.',
            )
        names = [field.name for field in dataclasses.fields(cls)]
        for name in given:
            if name not in names:
                near = difflib.get_close_matches(str(name), names, n=1)
                raise ArgumentError(
                    "A setting must have a known name.",
                    found=f"`{shown(str(name), LONGEST)}`",
                    way_out=f"Did you mean `{near[0]}`?" if near else f"The names are {', '.join(names)}.",
                )
        return cls(**given)

    def plain(self) -> dict[str, Any]:
        """Write the settings as `read` takes them, fit for JSON."""
        plain = dataclasses.asdict(self)
        layers = self.dropout_layers
        return {**plain, "dropout_layers": layers if isinstance(layers, str) else list(layers)}

    @property
    def is_dropped(self) -> tuple[bool, ...]:
        """For each hidden layer, whether dropout follows it."""
        return tuple(self.dropout_layers == ALL or layer in self.dropout_layers for layer in range(1, self.depth + 1))


def _require_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in choices:
        raise ArgumentError(
            f"`{name}` must be one of {', '.join(choices)}.",
            found=_found(name, value),
            way_out=f"Leave it out to have `{Settings.__dataclass_fields__[name].default}`.",
        )


def _number(name: str, value: Any) -> float | int:
    low, high = RANGES[name]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value <= high or (name not in REAL and value != int(value)):  # NaN is in no range
        kind = "a number" if name in REAL else "a whole number"
        raise ArgumentError(
            f"`{name}` must be {kind} from {low:,g} to {high:,.10g}.",
            found=_found(name, value),
            way_out=f"Leave it out to have {Settings.__dataclass_fields__[name].default}.",
        )
    return float(value) if name in REAL else int(value)


def _layers(given: Any, depth: int) -> str | tuple[int, ...]:
    if given == ALL:
        return ALL
    is_list = isinstance(given, Sequence) and not isinstance(given, str | bytes)
    if not is_list or not all(type(layer) is int and 1 <= layer <= depth for layer in given):
        raise ArgumentError(
            f"`dropout_layers` must be `all`, or a list of hidden layers from 1 to `depth`, here {depth}.",
            found=_found("dropout_layers", given),
            way_out="Say `[]` for no dropout at all.",
        )
    return tuple(sorted(set(given)))


def _found(name: str, value: Any) -> str:
    return f"`{name}={shown(repr(value), LONGEST)}`"
