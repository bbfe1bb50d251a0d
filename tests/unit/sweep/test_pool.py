"""Units in processes of this machine: the same numbers, whatever happens to the processes."""

import dataclasses
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import types
from pathlib import Path

import pytest
import torch
from torch import nn

from justfit.errors import ArgumentError, OutputError, VariantError, WorkerError
from justfit.sweep import _local
from justfit.sweep._executor import SerialExecutor
from justfit.sweep._local import LocalExecutor, pool_is_worth_it
from justfit.sweep._pool import PoolExecutor
from justfit.sweep._training import Examples
from tests.unit.sweep.executors import (
    Killer,
    Once,
    assert_same,
    is_alive,
    make_network,
    make_training,
    make_units,
    next_units,
    read_pid,
    wait_until,
)

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def pool():
    """Two workers that most tests share, as it takes seconds to start them."""
    with PoolExecutor(2) as executor:
        yield executor


def run(training, units):
    with SerialExecutor() as executor:
        return list(executor.map(training, units))


def test_results_are_those_of_this_process_to_the_bit(pool):
    offset = torch.tensor(0.25)  # a closure, which plain multiprocessing could not send
    training = make_training(lambda: nn.Sequential(*make_network(), nn.Softplus(), nn.Threshold(float(offset), 0.0)))
    units = make_units()
    done = []
    first = list(pool.map(training, units, done.append))
    expected = run(training, units)
    assert_same(first, expected)
    assert sorted(done) == [0, 1, 2, 3]
    assert_same(pool.map(training, next_units(first, units)), run(training, next_units(expected, units)))


def test_a_tree_of_inputs_and_every_kind_of_tensor_arrive(pool):
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(6, 2)

        def forward(self, x, mask):
            assert isinstance(x, torch.Tensor)
            assert mask.dtype is torch.bool
            return self.linear(x.float() * mask)

    generator = torch.Generator().manual_seed(1)
    inputs = {"x": torch.randn(60, 6, generator=generator).bfloat16(), "mask": torch.rand(60, 6) > 0.2}
    examples = Examples(inputs, torch.arange(60) % 2, torch.arange(60) % 3)
    training, units = make_training(Sum, examples=examples), make_units(2)
    assert_same(pool.map(training, units), run(training, units))


def test_settings_of_the_process_reach_the_workers(pool):
    torch.set_default_dtype(torch.float64)
    try:
        inputs = torch.randn(60, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        training = make_training(examples=Examples(inputs, torch.arange(60) % 2, torch.arange(60) % 3))
        (_, state, _), *_ = results = list(pool.map(training, make_units(2)))
        assert state.tensors["parameter.0.weight"].dtype is torch.float64
        assert_same(results, run(training, make_units(2)))
    finally:
        torch.set_default_dtype(torch.float32)


def test_the_callers_random_state_and_threads_are_left_alone(pool):
    torch.manual_seed(7)
    before, threads, handler = torch.get_rng_state(), torch.get_num_threads(), signal.getsignal(signal.SIGINT)
    list(pool.map(make_training(), make_units(1)))
    run(make_training(), make_units(1))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_killed_worker_is_replaced_and_only_its_unit_done_again(pool, tmp_path):
    build = Once(tmp_path, "sleep")
    killer = Killer(tmp_path)
    results = list(pool.map(make_training(build), make_units()))
    killer.join()
    assert_same(results, run(make_training(), make_units()))
    assert build.num_calls() == 4 * 3, "a unit that was not lost was done again"


@pytest.mark.slow
def test_a_unit_that_takes_three_workers_down_is_given_up(pool, tmp_path):
    build = Once(tmp_path, "kill")
    text = (
        r"A worker must outlive its unit\. Found 3 in a row that ended while training one of 3 variants, "
        r"from l2=0, dropout=0\.2, seed 0, fold 0 to l2=0, dropout=0\.2, seed 0, fold 2; the last one: .*SIGKILL"
    )
    with pytest.raises(WorkerError, match=text):
        list(pool.map(make_training(build), make_units(1)))
    assert build.num_calls() == 3
    assert_same(pool.map(make_training(), make_units(2)), run(make_training(), make_units(2)))


@pytest.mark.parametrize("place", ["pool", "here"])
def test_an_error_of_the_users_code_comes_back_once_with_the_variant(pool, place):
    class TwoArgumentsError(Exception):  # cannot be sent: it is rebuilt from its one message
        def __init__(self, what, where):
            super().__init__(f"{what} in {where}")

    def build():
        raise TwoArgumentsError("nothing", "sight")

    executor = pool if place == "pool" else SerialExecutor()
    text = (
        r"must run on the examples\. Found `.*TwoArgumentsError: nothing in sight` \(`test_pool\.py:\d+`\) while .*l2=0"
    )
    with pytest.raises(VariantError, match=text) as caught:
        list(executor.map(make_training(build), make_units(1)))
    if place == "pool":
        assert "In the worker:" in caught.value.__notes__[0]
        assert "raise TwoArgumentsError" in caught.value.__notes__[0]
    assert str(caught.value).count("Found") == 1


@pytest.mark.parametrize("place", ["pool", "here"])
def test_a_build_that_wants_to_end_the_program_does_not(pool, place):
    executor = pool if place == "pool" else SerialExecutor()
    with pytest.raises(VariantError, match="Found `SystemExit: 5`"):
        list(executor.map(make_training(lambda: sys.exit(5)), make_units(1)))


def test_our_own_errors_come_back_as_they_are(pool):
    with pytest.raises(ArgumentError, match="`optimizer` must be one of adam"):
        list(pool.map(make_training(optimizer="adamant"), make_units(1)))


def test_what_cannot_be_sent_is_said(pool):
    lock = threading.Lock()
    text = r"must be sendable to another process\. Found `TypeError: cannot pickle '_thread\.lock' object`\. Make what"
    with pytest.raises(ArgumentError, match=text):
        list(pool.map(make_training(lambda: lock and make_network()), make_units(1)))
    assert_same(pool.map(make_training(), make_units(2)), run(make_training(), make_units(2)))


@pytest.mark.slow
def test_what_only_this_process_can_import_is_said(pool, monkeypatch):
    module = types.ModuleType("only_here")
    exec("def build(): ...", module.__dict__)  # noqa: S102
    monkeypatch.setitem(sys.modules, "only_here", module)
    with pytest.raises(ArgumentError, match=r"Found `ModuleNotFoundError: No module named 'only_here'`"):
        list(pool.map(make_training(module.build), make_units(1)))
    assert_same(pool.map(make_training(), make_units(2)), run(make_training(), make_units(2)))


def test_who_wants_no_more_results_stops_what_still_runs(pool, tmp_path):
    training = make_training(Once(tmp_path, "sleep"))
    results = pool.map(training, make_units(3))
    next(results)  # the other worker sleeps
    pid = read_pid(tmp_path)
    assert is_alive(pid)
    results.close()
    wait_until(lambda: not is_alive(pid))
    assert_same(pool.map(make_training(), make_units(2)), run(make_training(), make_units(2)))


def test_it_works_from_a_thread(pool):
    results = []
    thread = threading.Thread(target=lambda: results.extend(pool.map(make_training(), make_units(2))))
    thread.start()
    thread.join()
    assert_same(results, run(make_training(), make_units(2)))


@pytest.mark.slow
def test_a_worker_that_died_between_two_calls_is_replaced(pool):
    list(pool.map(make_training(), make_units(1)))
    for executor in list(pool._pools.values()):
        (process,) = executor._processes.values()
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    assert_same(pool.map(make_training(), make_units(2)), run(make_training(), make_units(2)))


def test_examples_that_cannot_be_written_are_said():
    with PoolExecutor(1) as executor:
        Path(executor._folder).rmdir()  # as when the disk is full
        with pytest.raises(OutputError, match=r"folder for temporary files.*Found `.*No such file.*Set `TMPDIR`"):
            list(executor.map(make_training(), make_units(1)))


@pytest.mark.slow
def test_one_worker_gives_what_two_give_and_leaves_nothing_behind(pool):
    training, units = make_training(), make_units(2)
    with PoolExecutor(1) as executor:
        assert_same(executor.map(training, units), pool.map(training, units))
        folder = Path(executor._folder)
        (process,) = executor._pools[0]._processes.values()
        assert list(folder.iterdir())
        assert is_alive(process.pid)
        pid = process.pid
    assert not folder.exists()
    wait_until(lambda: not is_alive(pid))


SCRIPT = """
import os, sys, torch
from pathlib import Path
from torch import nn
sys.path.insert(0, {root!r})
from justfit.sweep._pool import PoolExecutor
from tests.unit.sweep.executors import Once, make_training, make_units

print("once")  # no guard: a worker that ran this file again would say so, and start workers of its own
first = Once({folder!r}, "sleep")
scale = 1.0

def build():  # of __main__, with a global of it
    module = nn.Linear(6, 2)
    module.weight.data.mul_(scale)
    return first() and module if {sleeps} else module

with PoolExecutor(1) as executor:
    print(len(list(executor.map(make_training(build), make_units(1)))))
"""


def start_script(tmp_path, *, sleeps, **keywords):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT.format(root=str(ROOT), folder=str(tmp_path), sleeps=sleeps))
    return subprocess.Popen(
        [sys.executable, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **keywords
    )


def test_a_closure_of_a_script_without_a_guard_is_sent(tmp_path):
    process = start_script(tmp_path, sleeps=False)
    output, errors = process.communicate(timeout=120)
    assert (output, process.returncode) == ("once\n1\n", 0), errors


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["control-c", "kill-9"])
def test_workers_end_with_their_parent_however_that_ends(tmp_path, how):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = start_script(tmp_path, sleeps=True, start_new_session=True, env={**os.environ, "TMPDIR": str(temporary)})
    pid = read_pid(tmp_path)
    assert list(temporary.glob("justfit-sweep-*"))
    if how is signal.SIGINT:
        os.killpg(process.pid, how)  # a terminal tells the whole group
    else:
        process.kill()
    _, errors = process.communicate(timeout=60)
    wait_until(lambda: not is_alive(pid))
    wait_until(lambda: not list(temporary.glob("justfit-sweep-*")))
    assert (how is signal.SIGINT) == ("KeyboardInterrupt" in errors)
    assert errors.count("Traceback") <= 1, "a worker speaks too"


# --- this machine -----------------------------------------------------------------------------------------------------


def test_small_work_stays_in_this_process():
    with LocalExecutor(2) as executor:
        list(executor.map(make_training(), make_units(2)))
        assert executor._pool is None


def test_what_cannot_be_sent_is_done_in_this_process(monkeypatch):
    monkeypatch.setattr(_local, "START_SECONDS", 0.0)
    lock, training, units, done = threading.Lock(), make_training(), make_units(2), []

    def build(made=training.build):
        with lock:
            return made()

    kept = dataclasses.replace(training, build=build)
    with LocalExecutor(2) as executor:
        assert_same(executor.map(kept, units, done.append), run(training, units))
        assert executor._pool is None
    assert sorted(done) == [0, 1]


@pytest.mark.slow
def test_work_that_is_worth_it_goes_on_in_a_pool(monkeypatch):
    monkeypatch.setattr(_local, "START_SECONDS", 0.0)
    training, units, done = make_training(), make_units(), []
    with LocalExecutor(2) as executor:
        assert_same(executor.map(training, units, done.append), run(training, units))
        assert sorted(done) == [0, 1, 2, 3]
        pool = executor._pool
        assert set(pool._pools) == {0, 1}
        assert_same(executor.map(training, units), run(training, units))
        assert executor._pool is pool
    assert not pool._pools


def test_one_worker_needs_no_pool(monkeypatch):
    monkeypatch.setattr(_local, "START_SECONDS", 0.0)
    monkeypatch.setattr(_local, "SerialExecutor", Recorder)
    with LocalExecutor(1) as executor:
        assert len(list(executor.map(make_training(), make_units(3)))) == 3
        assert executor._pool is None


class Recorder:
    def map(self, training, units):
        return [(0, None, None) for _ in units]


def in_daemon(connection):
    _local.START_SECONDS = 0.0
    with LocalExecutor(2) as executor:
        connection.send((len(list(executor.map(make_training(), make_units(3)))), executor._pool is None))


def test_a_daemon_process_starts_no_others():
    here, there = multiprocessing.get_context("fork").Pipe()
    process = multiprocessing.get_context("fork").Process(target=in_daemon, args=(there,), daemon=True)
    process.start()
    assert here.poll(120)
    assert here.recv() == (3, True)
    process.join()


def test_when_a_pool_is_worth_its_start():
    assert not pool_is_worth_it(1.0, 4.0, num_workers=64)
    assert pool_is_worth_it(1.0, 9.1, num_workers=2)
    assert not pool_is_worth_it(1.0, 8.9, num_workers=2)
