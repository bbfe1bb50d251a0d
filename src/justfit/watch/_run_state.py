"""What of a run is kept in a checkpoint, so that a resumed run counts on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from justfit.errors import ArgumentError
from justfit.records import FirstFailure, from_json, to_json
from justfit.watch._loop import Loop
from justfit.watch._minutes import Minutes


def run_state(loop: Loop, minutes: Minutes) -> dict[str, Any]:
    """Return numbers, strings, lists and dicts of them, which `torch.load(weights_only=True)` takes."""
    return {
        "loop": loop.state_dict(),
        "epochs": minutes.epochs.state_dict(),
        "told": [list(each) for each in sorted(minutes.telling.told)],
        "notes": list(minutes.notes),
        "first_failure": None if minutes.first_failure is None else to_json(minutes.first_failure),
    }


def load_run_state(loop: Loop, minutes: Minutes, state: Mapping[str, Any]) -> None:
    """Take up what `run_state` returned.

    Raises:
        ArgumentError: It is of a run with another number of optimizers.
    """
    num_stored = len(state["loop"]["samplers"])
    if num_stored != len(loop.samplers):
        raise ArgumentError(
            "A state is loaded into a run with as many optimizers.",
            found=f"{num_stored} in the state, {len(loop.samplers)} here",
            way_out="Watch the same optimizers in the same order.",
        )
    loop.load_state_dict(state["loop"])
    minutes.epochs.load_state_dict(state["epochs"])
    minutes.telling.told = {(code, where) for code, where in state["told"]}
    minutes.notes.update(dict.fromkeys(state["notes"]))
    failure = state["first_failure"]
    minutes.first_failure = None if failure is None else from_json(FirstFailure, failure)
    loop.failed = minutes.first_failure is not None
    loop.epoch = minutes.epochs.number + 1
