"""A whole sweep, one of whose workers is killed: the same final table as without workers."""

import os

import pytest
import torch

from justfit.sweep import sweep
from justfit.sweep._pool import PoolExecutor
from justfit.sweep._ray import RayExecutor
from tests.unit.sweep.executors import Killer, Once, make_network

INPUTS = torch.randn(90, 6, generator=torch.Generator().manual_seed(0))
DATA = (INPUTS, (INPUTS[:, 0] + 0.5 * INPUTS[:, 1] > 0).long())


def final(build, executor):
    asked = {"l2": [0, 1, 100], "dropout": [0, 0.2], "folds": 2, "epochs": 6, "learning_rate": 0.02, "tier": "loop"}
    return sweep(build, DATA, executor=executor, **asked)


@pytest.mark.parametrize(
    "make_executor",
    [
        PoolExecutor,
        pytest.param(lambda num: pytest.importorskip("ray") and RayExecutor(num), marks=pytest.mark.slow, id="Ray"),
    ],
)
def test_kill_9_of_a_worker_changes_nothing(tmp_path, make_executor):
    here, once = os.getpid(), Once(tmp_path, "sleep")

    def build():  # the first worker to call it waits to be killed; this process also builds, for its first look
        return make_network() if os.getpid() == here else once()

    killer = Killer(tmp_path)
    killed = final(build, make_executor(2))
    killer.join(timeout=1)
    assert not killer.is_alive(), "nobody was killed"
    alone = final(make_network, "serial")
    assert killed.chosen == alone.chosen
    assert killed.ridge == alone.ridge
    assert killed.confidence == alone.confidence
    assert killed.to_frame().equals(alone.to_frame())
