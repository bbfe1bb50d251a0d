"""What goes wrong in the user's own code, told once, with the variant in which it went wrong."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from justfit.errors import JustFitError, VariantError
from justfit.sweep._problem import NO_FOLD
from justfit.sweep._training import SweepVariant

_LIBRARIES = tuple(str(Path(file).parent) for file in (torch.__file__, __file__))


@contextmanager
def named_failure(variants: Sequence[SweepVariant]) -> Iterator[None]:
    """Name the variants in an error of the user's code; an error of ours says already what it is about.

    Raises:
        VariantError: The code inside failed, or tried to end the program.
    """
    try:
        yield
    except JustFitError:
        raise
    except (Exception, SystemExit) as error:
        raise VariantError(
            "`build`, the network, `loss_fn` and the optimizer must run on the examples.",
            found=f"`{_last_line(error)}`{_place(error)} while training {describe(variants)}",
            way_out="Take one step by hand, `loss_fn(build()(inputs[:8]), targets[:8]).backward()`, to see it fail.",
        ) from error


def describe(variants: Sequence[SweepVariant]) -> str:
    """Name one variant in full, or say which ones several are.

    Example:
        >>> from justfit.sweep import Setting, SweepVariant
        >>> describe([SweepVariant(setting=Setting(l2=0.1, dropout=0.2), seed=3, fold=1)])
        'the variant with l2=0.1, dropout=0.2, seed 3, fold 1'
    """
    if len(variants) == 1:
        return f"the variant with {_name(variants[0])}"
    return f"one of {len(variants)} variants, from {_name(variants[0])} to {_name(variants[-1])}"


def _name(variant: SweepVariant) -> str:
    setting = variant.setting
    given = {"dropout": setting.dropout, "learning_rate": setting.learning_rate, "init": setting.init}
    words = [f"l2={setting.l2:g}", *(f"{name}={value}" for name, value in given.items() if value is not None)]
    return ", ".join(
        [*words, f"seed {variant.seed}", "all rows" if variant.fold == NO_FOLD else f"fold {variant.fold}"]
    )


def first_line(error: BaseException) -> str:
    """What an error says first; its class where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _last_line(error: BaseException) -> str:
    return traceback.format_exception_only(error)[-1].strip()


def _place(error: BaseException) -> str:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(_LIBRARIES)]
    return f" (`{Path(frames[-1].filename).name}:{frames[-1].lineno}`)" if frames else ""
