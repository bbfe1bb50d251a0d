"""The measuring that `justfit check` asks for, with the user's own faults told apart."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from inspect import signature
from typing import TYPE_CHECKING

from justfit.errors import ArgumentError, JustFitError
from justfit.records import Checkup, SchemeComparison

if TYPE_CHECKING:
    from justfit.checkup import Subject


@contextmanager
def prints_to_stderr() -> Iterator[None]:
    """Lead what the user's code prints away from stdout, which is for the result."""
    with redirect_stdout(sys.stderr):
        yield


def run_check(subject: Subject) -> Checkup:
    """Check the network on its batch."""
    from justfit import checkup

    _refuse_taken_names(subject, checkup.check)
    with _users_faults_first(subject):
        return checkup.check(
            subject.module,
            *subject.inputs.positional,
            targets=subject.targets,
            loss_fn=subject.loss_fn,
            **subject.inputs.keyword,
        )


def run_compare(subject: Subject, schemes: str, seed: int) -> SchemeComparison:
    """Compare initializations of the network; `schemes` are separated by commas."""
    from justfit import checkup, initialize_

    _refuse_taken_names(subject, checkup.check, checkup.compare, initialize_)
    with _users_faults_first(subject):
        return checkup.compare(
            subject.build,
            *subject.inputs.positional,
            schemes=tuple(word.strip() for word in schemes.split(",") if word.strip()),
            targets=subject.targets,
            loss_fn=subject.loss_fn,
            seed=seed,
            **subject.inputs.keyword,
        )


def _refuse_taken_names(subject: Subject, *functions: Callable[..., object]) -> None:
    # `check` and `compare` hand keyword inputs on, so that those with the names of their own arguments never arrive.
    for function in functions:
        taken = [
            p.name for p in signature(function).parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        ]
        for name in subject.inputs.keyword:
            if name in taken:
                raise ArgumentError(
                    f"A keyword input must not be named {', '.join(f'`{word}`' for word in taken)}.",
                    found=f"`{name}`",
                    way_out="Give it by position, or check a module whose forward names it differently.",
                )


@contextmanager
def _users_faults_first(subject: Subject) -> Iterator[None]:
    # A network that does not run is the user's to correct, and fails without justfit as well.
    with prints_to_stderr():
        try:
            yield
        except JustFitError:
            raise
        except (Exception, SystemExit):
            subject.rehearse()
            raise
