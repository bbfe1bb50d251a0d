"""Run the experiments one after the other and keep what is done."""

from __future__ import annotations

import importlib.metadata
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from justfit.errors import ArgumentError
from justfit.lab._claims import EXPERIMENTS
from justfit.lab._judge import claim_of
from justfit.lab._samples import DEFAULT_TABLE, load_sample
from justfit.lab._texts import TEXTS
from justfit.lab._workbench import Workbench
from justfit.records import LabClaim, LabRecord, OnProgress, Progress

STAGE = "lab"


def run_lab(
    data: str | None = None,
    *,
    target: str | None = None,
    quick: bool = False,
    seed: int = 0,
    claims: Sequence[str] | None = None,
    on_progress: OnProgress | None = None,
) -> LabRecord:
    """Show the lecture's claims, each by an experiment that is run now.

    Every number stands beside the range in which it must lie; the range comes from a standard error, from theory or
    from rounding, and the mark of a claim follows from its numbers alone. torch's random state and number of threads
    are left as they were.

    Args:
        data: A table, as `justfit fit` takes it; None takes the digits. At most 600 of its rows are used.
        target: Column to predict; may be left out for a shipped set.
        quick: Fewer seeds and epochs.
        seed: In [0, 2³²); the same seed gives the same numbers on one machine.
        claims: Which to show, such as ("C12",); None shows all 17.
        on_progress: Told before each claim.

    Returns:
        The claims with their numbers; fewer where Ctrl-C ended the run.

    Raises:
        JustFitError: The table cannot be used.
        ArgumentError: A claim is unknown, or the seed lies outside its range.
        KeyboardInterrupt: Ctrl-C before the first claim was done.

    Example:
        >>> record = run_lab(quick=True, claims=("C12",))
        >>> record.claims[0].mark, record.claims[0].measurements[0].holds
        ('confirmed', True)
    """
    started = time.monotonic()
    wanted = _wanted(claims, seed)
    sample = load_sample(data or DEFAULT_TABLE, target, seed)
    bench = Workbench(sample, seed=seed, quick=quick)
    done: list[LabClaim] = []
    interrupted = ""
    with _left_alone():
        try:
            for number, id_ in enumerate(wanted):
                _tell(on_progress, number / len(wanted), f"{id_} {TEXTS[id_].topic}")
                done.append(_show(id_, bench))
        except KeyboardInterrupt:
            if not done:
                raise
            interrupted = f"interrupted after {len(done)} of {len(wanted)} claims"
    return LabRecord(
        claims=tuple(done),
        data=sample.words(),
        data_notes=sample.notes,
        seed=seed,
        quick=quick,
        interrupted=interrupted,
        versions=_versions(),
        seconds=time.monotonic() - started,
    )


def _show(id_: str, bench: Workbench) -> LabClaim:
    started = time.monotonic()
    torch.manual_seed(bench.seed)  # so that a claim shows the same whether or not others ran before it
    found = EXPERIMENTS[id_](bench)
    return claim_of(id_, TEXTS[id_], found, time.monotonic() - started)


def _wanted(claims: Sequence[str] | None, seed: int) -> tuple[str, ...]:
    if not 0 <= seed < 2**32:
        raise ArgumentError(
            "`seed` must be a whole number in [0, 2³²).", found=f"`seed={seed}`", way_out="0 is as good as any other."
        )
    if claims is None:
        return tuple(EXPERIMENTS)
    unknown = [id_ for id_ in claims if id_ not in EXPERIMENTS]
    if unknown or not claims:
        raise ArgumentError(
            "`claims` must be one or more of C1 to C17.",
            found=f"`{unknown[0]}`" if unknown else "none",
            way_out="Leave it out to see all of them.",
        )
    return tuple(claims)


@contextmanager
def _left_alone() -> Iterator[None]:
    """Run on one thread, and leave torch's random state and thread count as they were."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def _versions() -> dict[str, str]:
    packages = ("justfit", "torch", "numpy", "scikit-learn")
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in packages}}


def _tell(on_progress: OnProgress | None, fraction: float, detail: str) -> None:
    if on_progress is not None:
        on_progress(Progress(stage=STAGE, fraction=fraction, detail=detail))
