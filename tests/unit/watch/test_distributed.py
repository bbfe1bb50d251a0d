"""Two processes under torchrun, gloo: the numbers of one, the same weights, and nobody waits for anybody."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

pytestmark = pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch was built without it")

PROGRAM = Path(__file__).with_name("two_ranks.py")
SCENARIOS = ("same_numbers", "governed", "fails_on_rank_1", "fails_on_both", "talks", "only_rank_0", "only_rank_1")
NORMS = ("weight_norm", "gradient_norm", "clipped_gradient_norm", "update_norm")
SHARDED = "The network is sharded: activations were not measured, gradients, weights and updates were."


def launch(folder, *scenarios):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*command, str(PROGRAM), str(folder), *scenarios],
        check=False, capture_output=True, text=True, timeout=90, env=environment,
    )  # fmt: skip


@pytest.fixture(scope="module", params=["ddp", "fsdp"])
def told(request, tmp_path_factory):
    """What both ranks told, of every scenario."""
    folder = tmp_path_factory.mktemp(request.param)
    done = launch(folder, *(f"{scenario}:{request.param}" for scenario in SCENARIOS))
    assert done.returncode == 0, done.stderr[-3000:]
    ranks = [json.loads((folder / f"rank{rank}.json").read_text()) for rank in (0, 1)]
    return request.param, {s: [rank[f"{s}:{request.param}"] for rank in ranks] for s in SCENARIOS}


def test_weights_are_those_of_the_unwatched_run(told):
    for rank in told[1]["same_numbers"]:
        assert rank["same_bits"]
        assert rank["close"]  # to those of one process with the whole batch


@pytest.mark.parametrize("norm", NORMS)
def test_norms_are_those_of_one_process(told, norm):
    _, found = told
    run, single = found["same_numbers"][0]["run"], found["same_numbers"][0]["single"]
    assert run["steps"] == single["steps"] == list(range(1, 13))
    for name in ("first", "middle", "last"):
        assert run["layers"][name][norm] == pytest.approx(single["layers"][name][norm], rel=1e-4)
        assert run["layers"][name][norm][0] == pytest.approx(single["layers"][name][norm][0], rel=1e-5)
    assert run["frames"] == pytest.approx(single["frames"], rel=1e-4)


def test_clipping_is_seen(told):
    layers = told[1]["same_numbers"][0]["run"]["layers"]
    before = sum(layers[name]["gradient_norm"][0] ** 2 for name in layers if layers[name]["gradient_norm"]) ** 0.5
    after = sum(layers[name]["clipped_gradient_norm"][0] ** 2 for name in layers if layers[name]["gradient_norm"])
    assert before > 0.3
    assert after**0.5 == pytest.approx(0.3, rel=1e-4)


def test_how_gradients_were_read(told):
    kind, found = told
    run = found["same_numbers"][0]["run"]
    assert run["world_size"] == 2
    assert run["notes"] == ([] if kind == "ddp" else [SHARDED])
    assert run["gradients"] == (
        "unscaled, averaged over 2 processes"
        if kind == "ddp"
        else "unscaled, averaged and sharded over 2 processes, norms over all shards of a tensor"
    )


def test_under_ddp_rank_0_reads_and_under_fsdp_all_do(told):
    kind, found = told
    first, second = (rank["run"] for rank in found["governed"])
    assert first["num_steps"] == second["num_steps"] == 60
    if kind == "ddp":
        assert second["steps"] == []
        assert len(first["steps"]) > 2
    else:
        assert first["steps"] == second["steps"]  # the same steps, though each has its own clock
        assert first["steps"][:2] == [1, 2]
        assert len(first["steps"]) > 2


def test_the_rank_that_failed_is_named(told):
    kind, found = told
    failure = found["fails_on_rank_1"][0]["run"]["failure"]
    assert (failure["rank"], failure["step"], failure["batch"], failure["cause"]) == (1, 5, 4, "nan")
    assert failure["examples"] == list(range(100, 108))
    assert (failure["stage"], failure["operation"]) == ("forward", "log")
    assert failure["layer"] == "middle"
    assert failure["weights_intact"]
    assert failure["how"].endswith("Seen first on rank 1.")
    assert ("was run again" in failure["how"]) == (kind == "ddp")


def test_both_fail(told):
    for rank, other in enumerate(told[1]["fails_on_both"]):
        failure = other["run"]["failure"]
        assert (failure["stage"], failure["operation"], failure["layer"]) == ("forward", "log", "middle")
        assert (failure["rank"], failure["step"]) == (rank, 5)
        assert other["same_bits"]


def test_a_pass_that_talks_is_not_run_again(told):
    """Nobody hangs, and the graph of the loss tells instead."""
    kind, found = told
    failure = found["talks"][0]["run"]["failure"]
    assert (failure["stage"], failure["operation"], failure["layer"], failure["rank"]) == (
        "forward",
        "log",
        "middle",
        1,
    )
    reason = "the forward pass calls `c10d.allreduce_" if kind == "ddp" else "The whole network must be in one process"
    assert reason in failure["how"]


def test_only_rank_0_watches(told):
    kind, found = told
    run, other = (rank["run"] for rank in found["only_rank_0"])
    assert other is None
    assert run["steps"] == list(range(1, 13))
    alone = "Some ranks did not answer: the norms of those steps are those of the shard of rank 0."
    assert run["notes"] == ([] if kind == "ddp" else [SHARDED, alone])
    whole, part = [
        found[name][0]["run"]["layers"]["first"]["gradient_norm"] for name in ("same_numbers", "only_rank_0")
    ]
    if kind == "ddp":
        assert part == whole
    else:
        assert all(a < b for a, b in zip(part, whole, strict=True))


def test_only_rank_1_watches(told):
    kind, found = told
    other, run = (rank["run"] for rank in found["only_rank_1"])
    assert other is None
    assert "Rank 0 does not watch: all numbers are those of rank 1." in run["notes"]
    assert run["num_steps"] == 20
    assert run["steps"][-1] == 20
    if kind == "ddp":  # averaged gradients are everybody's
        whole = found["same_numbers"][0]["run"]["layers"]["last"]["gradient_norm"]
        assert run["layers"]["last"]["gradient_norm"][: 12 - run["steps"][0] + 1] == whole[run["steps"][0] - 1 :]


def test_one_rank_raises(tmp_path):
    done = launch(tmp_path, "raises")
    assert time.time() - float((tmp_path / "raised_at").read_text()) < 30
    assert done.returncode != 0
    assert "planted on rank 1" in done.stderr
    record = json.loads((tmp_path / "raised" / "record.json").read_text())
    assert record["evidence"]["world_size"] == 2
    assert record["evidence"]["optimizers"][0]["num_steps"] >= 1
