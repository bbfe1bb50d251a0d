"""Units on a Ray cluster of two actors on this machine."""

import builtins
import os
import signal
import sys
import threading

import pytest
import torch

from justfit.errors import ArgumentError, MissingExtraError, VariantError, WorkerError
from justfit.sweep._executor import SerialExecutor
from justfit.sweep._far import FarTensors
from justfit.sweep._open_executor import open_executor
from justfit.sweep._ray import RayExecutor
from tests.unit.sweep.executors import Killer, Once, assert_same, make_network, make_training, make_units, next_units


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"needs the extra `ray`\. Found .*pip install 'justfit\[ray\]'"):
        open_executor("ray", 2)


@pytest.fixture(scope="module")
def cluster():
    """A cluster that is started and ended once, as it takes seconds."""
    ray = pytest.importorskip("ray", reason="pip install 'justfit[ray]'")
    handler, printing = signal.getsignal(signal.SIGTERM), builtins.print
    with RayExecutor(2) as executor:
        assert ray.is_initialized()
        yield executor
    assert signal.getsignal(signal.SIGTERM) is handler
    assert builtins.print is printing
    assert not ray.is_initialized(), "what was started was not ended"


def run(training, units):
    with SerialExecutor() as executor:
        return list(executor.map(training, units))


def test_results_are_those_of_this_process_to_the_bit(cluster):
    training, units, done = make_training(lambda: make_network()), make_units(), []  # noqa: PLW0108  # a closure
    first, expected = list(cluster.map(training, units, done.append)), run(training, units)
    assert sorted(done) == [0, 1, 2, 3]
    assert set(cluster._actors) == {0, 1}
    assert_same(first, expected)
    assert_same(cluster.map(training, next_units(first, units)), run(training, next_units(expected, units)))


def test_nothing_is_told_to_anybody(cluster):
    import ray

    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
    assert not ray._private.worker.global_worker.node.address_info.get("webui_url")
    assert not ray._common.usage.usage_lib.usage_stats_enabled()


def test_units_too_small_to_be_sent_alone_are_merged(cluster, monkeypatch):
    sent = []
    submit = cluster.submit
    monkeypatch.setattr(cluster, "submit", lambda *given: sent.append(given[2]) or submit(*given))
    list(cluster.map(make_training(), make_units(1)))
    assert_same(cluster.map(make_training(), make_units(5)), run(make_training(), make_units(5)))
    assert [len(unit.variants) for unit in sent] == [3, 15]


def test_states_stay_in_the_store_until_they_are_looked_at(cluster, monkeypatch):
    fetched = []
    fetch = cluster._fetch
    monkeypatch.setattr(cluster, "_fetch", lambda source: fetched.append(source) or fetch(source))
    training, units = make_training(), make_units()
    cluster._epochs = 0
    results = list(cluster.map(training, units))
    going_on = next_units(results, units)
    assert all(isinstance(unit.state.tensors, FarTensors) for unit in going_on)
    list(cluster.map(training, going_on))
    assert not fetched
    assert torch.equal(
        going_on[0].state.tensors["parameter.0.weight"],
        run(training, units)[0][1].select([2, 0]).tensors["parameter.0.weight"],
    )
    assert len(fetched) == 1


def test_an_error_of_the_users_code_comes_back_once_with_the_variant(cluster):
    def build():
        raise ZeroDivisionError("by nothing")

    text = r"Found `ZeroDivisionError: by nothing` \(`test_ray\.py:\d+`\) while training .*l2=0.*fold 0"
    with pytest.raises(VariantError, match=text) as caught:
        list(cluster.map(make_training(build), make_units(1)))
    assert "In the worker:" in caught.value.__notes__[0]
    assert_same(cluster.map(make_training(), make_units(2)), run(make_training(), make_units(2)))


def test_what_cannot_be_sent_is_said(cluster):
    lock = threading.Lock()
    with pytest.raises(ArgumentError, match=r"must be sendable to another process\. Found .*lock"):
        list(cluster.map(make_training(lambda: lock and make_network()), make_units(1)))


def test_what_only_this_process_can_import_is_said(cluster, monkeypatch):
    import types

    module = types.ModuleType("only_here")
    exec("def build(): ...", module.__dict__)  # noqa: S102
    monkeypatch.setitem(sys.modules, "only_here", module)
    with pytest.raises(ArgumentError, match=r"Found `ModuleNotFoundError: No module named 'only_here'`"):
        list(cluster.map(make_training(module.build), make_units(1)))


def test_a_killed_actor_is_replaced_and_only_its_unit_done_again(cluster, tmp_path):
    cluster._epochs = 0  # nothing is known of the pace, so nothing is merged
    build = Once(tmp_path, "sleep")
    killer = Killer(tmp_path)
    results = list(cluster.map(make_training(build), make_units()))
    killer.join()
    assert_same(results, run(make_training(), make_units()))
    assert build.num_calls() == 4 * 3, "a unit that was not lost was done again"


def test_one_actor_in_a_cluster_that_is_there_gives_the_same_and_leaves_it(cluster):
    import ray

    for worker in list(cluster._actors):
        cluster.stop(worker)  # an actor holds its CPU as long as it lives, and the cluster has two
    with RayExecutor(1) as alone:
        assert alone.num_workers == 1
        assert_same(alone.map(make_training(), make_units(2)), run(make_training(), make_units(2)))
    assert ray.is_initialized()


@pytest.mark.slow
def test_a_unit_that_takes_three_actors_down_is_given_up(cluster, tmp_path):
    build = Once(tmp_path, "kill")
    with pytest.raises(WorkerError, match=r"A worker must outlive its unit\. Found 3 in a row .*l2=0"):
        list(cluster.map(make_training(build), make_units(1)))
    assert build.num_calls() == 3
