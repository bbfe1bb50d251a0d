"""The measuring that `justfit check` asks for, with the user's own faults told apart."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING

from justfit.errors import JustFitError
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
    from justfit import checkup

    with _users_faults_first(subject):
        return checkup.compare(
            subject.build,
            *subject.inputs.positional,
            schemes=tuple(word.strip() for word in schemes.split(",") if word.strip()),
            targets=subject.targets,
            loss_fn=subject.loss_fn,
            seed=seed,
            keywords=subject.inputs.keyword,
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
