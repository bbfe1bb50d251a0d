"""Every error the user can meet, in one tree.

.. code-block:: text

    JustFitError
    ├── ArgumentError        (ValueError)        an argument lies outside its contract
    ├── DataError            (ValueError)        the table cannot be used as it is
    │   ├── TableNotFoundError (FileNotFoundError)  no such file and no such named set
    │   ├── TableFormatError                     the file is not the table its name promises
    │   ├── ColumnError      (LookupError)       a column is missing, unknown or unusable
    │   ├── TargetError                          the target column cannot be learned
    │   └── LogError                             the log of a run cannot be used as it is
    │       ├── LogNotFoundError (FileNotFoundError)  no such file, and no log in the folder
    │       ├── LogFormatError                   the file is no log that can be read
    │       └── LogColumnError (LookupError)     no column, or no single one, holds what is needed
    ├── OutputError          (OSError)           a result cannot be written
    ├── StoredModelError     (ValueError)        a stored model is missing, damaged or foreign
    ├── UnsupportedModuleError (TypeError)       a module of a kind the function does not know
    ├── DivergedError        (ArithmeticError)   every variant ended in NaN or infinity
    ├── VariantError         (RuntimeError)      the user's own code failed while a variant trained
    ├── WorkerError          (RuntimeError)      the processes that train variants cannot be started, or keep dying
    └── MissingExtraError    (ImportError)       an optional package is not installed

Each message has three parts: the contract, the value that was found, and the way out:
"`dropout` must lie in [0, 1). Found `dropout=1.2`. It is the probability of dropping a unit, not of keeping it."
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "ArgumentError",
    "ColumnError",
    "DataError",
    "DivergedError",
    "JustFitError",
    "LogColumnError",
    "LogError",
    "LogFormatError",
    "LogNotFoundError",
    "MissingExtraError",
    "OutputError",
    "StoredModelError",
    "TableFormatError",
    "TableNotFoundError",
    "TargetError",
    "UnsupportedModuleError",
    "VariantError",
    "WorkerError",
]


class JustFitError(Exception):
    """Base of all errors raised on purpose.

    Args:
        contract: What must hold, as one sentence with its full stop.
        found: What was found instead, as the words after "Found ".
        way_out: What the user can do about it, as one sentence with its full stop.
    """

    def __init__(self, contract: str, *, found: str, way_out: str) -> None:
        self.contract = contract
        self.found = found
        self.way_out = way_out
        super().__init__(f"{contract} Found {found}. {way_out}")

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.contract, self.found, self.way_out)


class ArgumentError(JustFitError, ValueError):
    """An argument lies outside its contract."""


class DataError(JustFitError, ValueError):
    """The table cannot be used as it is."""


class TableNotFoundError(DataError, FileNotFoundError):
    """There is no such file, and no shipped set of that name."""


class TableFormatError(DataError):
    """The file is not the table that its name promises."""


class ColumnError(DataError, LookupError):
    """A column is missing, unknown or unusable."""


class TargetError(DataError):
    """The target column cannot be learned."""


class LogError(DataError):
    """The log of a training run cannot be used as it is."""


class LogNotFoundError(LogError, FileNotFoundError):
    """There is no such file, or the folder holds no log."""


class LogFormatError(LogError):
    """The file is not a log that can be read."""


class LogColumnError(LogError, LookupError):
    """No column, or no single one, holds what is needed."""


class OutputError(JustFitError, OSError):
    """A result cannot be written where it was asked for."""

    def __str__(self) -> str:
        return str(self.args[0])


class StoredModelError(JustFitError, ValueError):
    """A stored model is missing, damaged, or was not written by this program."""


class UnsupportedModuleError(JustFitError, TypeError):
    """A module is of a kind the function does not know."""


class DivergedError(JustFitError, ArithmeticError):
    """Every variant ended in NaN or infinity, so nothing can be chosen."""


class VariantError(JustFitError, RuntimeError):
    """The user's own code failed while a variant trained; the message names the variant and the line."""


class WorkerError(JustFitError, RuntimeError):
    """The processes that train variants cannot be started, or died again and again."""


class MissingExtraError(JustFitError, ImportError):
    """An optional package is not installed; the message names the extra."""


def _rebuild(kind: type[JustFitError], contract: str, found: str, way_out: str) -> JustFitError:
    """Rebuild an error that crossed a process border."""
    return kind(contract, found=found, way_out=way_out)
