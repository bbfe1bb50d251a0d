"""A cluster of several nodes on this machine, one of which goes, with what it held."""

import pytest
import torch
from torch import nn

from justfit.sweep._executor import SerialExecutor
from justfit.sweep._ray import RayExecutor
from tests.unit.sweep.executors import assert_same, make_training, make_units, next_units

ray = pytest.importorskip("ray", reason="pip install 'justfit[ray]'")
pytestmark = pytest.mark.slow


@pytest.fixture
def cluster():
    """A head that does no units, and connects this process; nodes are added by the test."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def make_wide():
    """States of more than 100 kB; smaller objects Ray keeps with the caller, where they outlive their node."""
    return nn.Sequential(nn.Linear(6, 4096), nn.ReLU(), nn.Linear(4096, 2))


def run(training, units):
    with SerialExecutor() as executor:
        return list(executor.map(training, units))


def test_a_node_that_goes_takes_nothing_with_it(cluster):
    node = cluster.add_node(num_cpus=1)
    training, units = make_training(make_wide), make_units(2)
    expected = run(training, units)
    with RayExecutor() as executor:
        assert executor.num_workers == 1
        results = list(executor.map(training, units))
        going_on = next_units(results, units)
        cluster.remove_node(node, allow_graceful=False)
        cluster.add_node(num_cpus=1)
        assert_same(executor.map(training, going_on), run(training, next_units(expected, units)))
        weights = {index: state.tensors["parameter.0.weight"] for index, state, _ in results}  # of the lost node
        assert all(torch.equal(weights[k], expected[k][1].tensors["parameter.0.weight"]) for k in weights)
    assert ray.is_initialized(), "a cluster that was there was ended"
