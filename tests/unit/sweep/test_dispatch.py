"""Units onto workers that are lost in every way: what is done again, what is given up, who is stopped."""

import pytest
import torch

from justfit.errors import ArgumentError, VariantError, WorkerError
from justfit.sweep._dispatch import Dispatch, StateLostError, WorkerLostError
from justfit.sweep._training import UnitState
from justfit.sweep._worker import Failure
from tests.unit.sweep.executors import make_units

STATE = UnitState(1, {"w": torch.zeros(3)})


class Workers:
    """Workers that do what a script says: one word, or error, per result of a unit (by its l2)."""

    def __init__(self, num_workers=2, script=None, starts=None):
        self.num_workers = num_workers
        self.script = {key: list(words) for key, words in (script or {}).items()}
        self.starts = starts
        self.running = {}
        self.ready = set()
        self.log = []

    def start(self, worker):
        if self.starts is None or worker in self.ready:
            return None
        self.log.append(f"start {worker}")
        return "start", worker

    def started(self, worker, handle):
        if self.starts and self.starts.pop(0) == "lost":
            raise WorkerLostError("no torch here")
        self.ready.add(worker)

    def submit(self, worker, training, unit):
        name = int(unit.variants[0].setting.l2)
        assert worker not in self.running.values(), "a worker does one unit at a time"
        words = self.script.get(name, [])
        if words and words[0] == "gone":
            words.pop(0)
            raise WorkerLostError("gone", counted=False)
        self.running[(name, len(self.log))] = worker
        self.log.append(f"unit {name}")
        return name, len(self.log) - 1

    def wait(self, handles):
        return [handles[-1]]  # the last first: the order in which units end must not matter

    def result(self, handle, unit):
        del self.running[handle]
        words = self.script.get(handle[0], [])
        word = words.pop(0) if words else "done"
        if word == "done":
            return unit.state, handle[0]
        if isinstance(word, Failure):
            return word
        raise word

    def stop(self, worker):
        self.log.append(f"stop {worker}")
        self.ready.discard(worker)
        self.running = {handle: other for handle, other in self.running.items() if other != worker}


def do(workers, units):
    return sorted((index, report) for index, _, report in Dispatch(workers, None, units).run())


def lost(counted=True):
    return WorkerLostError("exit code -9", counted=counted)


@pytest.mark.parametrize("num_workers", [1, 2, 7])
@pytest.mark.parametrize("starts", [None, []])
def test_every_unit_is_done_once(num_workers, starts):
    workers = Workers(num_workers, starts=starts)
    assert do(workers, make_units(5)) == [(k, k) for k in range(5)]
    assert sorted(entry for entry in workers.log if entry.startswith("unit")) == [f"unit {k}" for k in range(5)]
    assert not workers.running


def test_no_units_need_no_worker():
    workers = Workers()
    assert do(workers, []) == []
    assert workers.log == []


def test_no_more_workers_are_started_than_there_are_units():
    workers = Workers(7, starts=[])
    do(workers, make_units(2))
    assert sum(entry.startswith("start") for entry in workers.log) == 2


def test_a_lost_unit_is_done_again_elsewhere_and_no_other():
    workers = Workers(script={1: [lost(), lost()]})
    assert do(workers, make_units(4)) == [(k, k) for k in range(4)]
    assert [workers.log.count(f"unit {k}") for k in range(4)] == [1, 3, 1, 1]
    assert sum(entry.startswith("stop") for entry in workers.log) == 2


def test_a_unit_is_given_up_after_three_and_the_others_are_stopped():
    workers = Workers(script={1: [lost()] * 3})
    text = (
        r"Found 3 in a row that ended while training one of 3 variants, from l2=1.*; the last one: exit code -9\. Most"
    )
    with pytest.raises(WorkerError, match=text):
        do(workers, make_units(4))
    assert not workers.running


def test_a_loss_that_is_not_the_units_fault_does_not_count():
    workers = Workers(script={1: [lost(counted=False)] * 5, 2: ["gone", "gone"]})
    assert do(workers, make_units(4)) == [(k, k) for k in range(4)]


def test_a_lost_state_starts_its_variants_again():
    workers = Workers(script={0: [StateLostError("node gone")]})
    units = make_units(2, state=STATE)
    states = {index: state for index, state, _ in Dispatch(workers, None, units).run()}
    assert states == {0: None, 1: STATE}
    assert units[0].state is STATE, "the caller's unit was changed"


def test_a_start_that_fails_is_tried_again():
    assert do(Workers(starts=["lost", "lost", "there", "lost"]), make_units(3)) == [(0, 0), (1, 1), (2, 2)]


def test_workers_that_cannot_start_are_given_up():
    with pytest.raises(
        WorkerError, match=r"must be able to start\. Found 3 in a row that did not: no torch here\. Every"
    ):
        do(Workers(starts=["lost"] * 3), make_units(3))


def test_a_failure_ends_the_rest():
    error = VariantError("`build` must run.", found="`ValueError`", way_out="Mend it.")
    workers = Workers(script={1: [Failure(error, "Traceback of the worker")]})
    with pytest.raises(VariantError, match="`build` must run") as caught:
        do(workers, make_units(4))
    assert caught.value.__notes__ == ["In the worker:\nTraceback of the worker"]
    assert not workers.running


def test_an_unknown_error_stops_its_worker_too():
    workers = Workers(1, script={0: [ArgumentError("a", found="b", way_out="c")]})
    with pytest.raises(ArgumentError):
        do(workers, make_units(2))
    assert "stop 0" in workers.log


def test_who_closes_the_results_stops_what_runs():
    workers = Workers(2)
    results = Dispatch(workers, None, make_units(4)).run()
    next(results)
    assert len(workers.running) == 2
    results.close()
    assert not workers.running
