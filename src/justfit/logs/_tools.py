"""The tools whose logs are read, and how a log is told to be theirs: by what it holds, not by its name.

>>> recognise(("epoch", "accuracy", "loss", "val_accuracy", "val_loss"), "csv")
'keras'
>>> recognise(("step", "train", "test"), "csv")
'table'
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from justfit.errors import ArgumentError

Form = Literal["csv", "json", "json lines", "parquet", "event files", "sqlite", "folder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One tool.

    Attributes:
        words: Its name and that of what it writes.
        forms: Kinds of file it writes.
        train_mode: Its train loss is averaged while the network trains; None where the user's own code decides.
        epoch_name: What a row is where no column counts.
    """

    words: str
    forms: tuple[Form, ...]
    train_mode: bool | None = None
    epoch_name: str = "row"


_TEXT: tuple[Form, ...] = ("csv", "json", "json lines", "parquet")

TOOLS: Final[MappingProxyType[str, Tool]] = MappingProxyType(
    {
        "fastai": Tool(words="fastai CSVLogger", forms=("csv",), train_mode=True),
        "huggingface": Tool(words="Hugging Face trainer state", forms=("json",), train_mode=True),
        "justfit": Tool(words="justfit record", forms=("json",)),
        "keras": Tool(words="Keras history", forms=_TEXT, train_mode=True, epoch_name="epoch"),
        "lightning": Tool(words="Lightning CSVLogger", forms=("csv",), train_mode=True),
        "mlflow": Tool(words="MLflow metrics", forms=("folder", "sqlite", *_TEXT)),
        "skorch": Tool(words="skorch history", forms=("json",), train_mode=True, epoch_name="epoch"),
        "table": Tool(words="table", forms=_TEXT),
        "tensorboard": Tool(words="TensorBoard scalars", forms=("event files",)),
        "trackio": Tool(words="Trackio metrics", forms=("sqlite", *_TEXT)),
        "ultralytics": Tool(words="Ultralytics results", forms=("csv",), train_mode=True),
        "wandb": Tool(words="W&B history", forms=_TEXT),
    }
)


def recognise(columns: Sequence[str], form: Form) -> str:
    """Say which tool writes such columns; `table` where none is known to."""
    names = set(columns)
    if {"_step", "_runtime"} & names or {"_step", "_timestamp"} <= names:
        return "wandb"
    if {"key", "value", "step", "run_id"} <= names:
        return "mlflow"
    if {"run_name", "timestamp", "step"} <= names:
        return "trackio"
    if form == "csv":
        if "metrics/precision(B)" in names or any(name.startswith("lr/pg") for name in names):
            return "ultralytics"
        if {"epoch", "train_loss", "valid_loss", "time"} <= names:
            return "fastai"
        if {"epoch", "step"} <= names:
            return "lightning"
    if any(f"val_{name}" in names for name in names) and names.isdisjoint({"step", "train_loss"}):
        return "keras"
    return "table"


def checked_tool(kind: str | None) -> str | None:
    """Accept the name of a tool, in any letters.

    Raises:
        ArgumentError: It is none of `TOOLS`.
    """
    if kind is not None and kind.lower() not in TOOLS:
        raise ArgumentError(
            f"`kind` must be one of {', '.join(TOOLS)}.",
            found=f"`kind={kind!r}`",
            way_out="Leave it out: logs are recognised by what they hold.",
        )
    return None if kind is None else kind.lower()
