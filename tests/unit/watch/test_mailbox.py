"""Messages between processes, and what is made of them, without starting any."""

import json
import math
from dataclasses import asdict
from time import monotonic
from types import SimpleNamespace

import pytest
import torch
import torch.distributed as dist
from torch import nn

from justfit.records import FirstFailure
from justfit.watch import _mailbox
from justfit.watch._governor import Governor
from justfit.watch._mailbox import Mailbox, open_mailbox
from justfit.watch._ranks import MAX_OPEN, PERIOD, Ranks


def pair():
    store = dist.HashStore()
    return Mailbox(store, 0, 2), Mailbox(store, 1, 2)


class Broken:
    """A store whose host is gone."""

    def _fail(self, *_):
        raise dist.DistNetworkError("connection reset")

    set = get = check = delete_key = _fail


class Sharded(nn.Module):
    """Its parameter says where it lies, as a DTensor does."""

    def __init__(self, *placements, mesh=(2,)):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))
        self.weight.placements = placements
        self.weight.device_mesh = SimpleNamespace(
            size=lambda dimension=None: math.prod(mesh) if dimension is None else mesh[dimension]
        )


def shard(*, whole=False):
    return SimpleNamespace(is_replicate=lambda: whole)


class Kept(list):
    def replace_norms(self, optimizer, step, norms):
        self.append((optimizer, step, tuple(norms)))


def test_a_message_is_read_once():
    first, second = pair()
    first.post("a", {"b": [1, 2]})
    assert second.has("a")
    assert second.take("a") == {"b": [1, 2]}
    assert second.take("a") is None
    first.post_numbers("v", [1.5, math.nan])
    found = second.take_numbers("v")
    assert found[0] == 1.5
    assert math.isnan(found[1])


def test_nobody_answers():
    first, _ = pair()
    start = monotonic()
    assert not first.wait_for(["nothing"], 0.1)
    assert 0.1 <= monotonic() - start < 2
    assert first.is_open


def test_a_store_that_fails_is_not_asked_again():
    box = Mailbox(Broken(), 0, 2)
    assert not box.has("a")
    assert not box.is_open
    box.post("a", 1)
    assert box.take("a") is None
    assert not box.wait_for(["a"], 5.0)  # at once


def test_one_process_has_none():
    box = open_mailbox("x")
    assert not box.is_open
    assert (box.rank, box.world_size) == (0, 1)


def test_a_store_in_a_file_is_not_used(tmp_path, monkeypatch):
    """Its file would grow without end."""
    store = dist.FileStore(str(tmp_path / "store"), 1)
    dist.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        assert _mailbox._store(dist, "x") is None
    finally:
        dist.destroy_process_group()


def test_squares_are_added_over_ranks():
    boxes = pair()
    first, second = (Ranks(Sharded(shard()), box) for box in boxes)
    kept = Kept()
    first.give(0, 7, [3.0, 1.0])
    first.collect(kept)
    assert kept == []
    second.give(0, 7, [4.0, 0.0])
    first.collect(kept)
    assert kept == [(0, 7, (5.0, 1.0))]
    assert "all shards" in first.gradients


def test_ranks_that_do_not_answer_are_given_up():
    first = Ranks(Sharded(shard()), pair()[0])
    kept = Kept()
    for step in range(1, 3 * MAX_OPEN):
        first.give(0, step, [1.0])
        first.collect(kept)
    first.finish(kept)
    assert kept == []
    assert "Some ranks did not answer: the norms of those steps are those of the shard of rank 0." in first.notes
    assert "one shard of" in first.gradients


def test_other_layers_are_not_added():
    first, second = (Ranks(Sharded(shard()), box) for box in pair())
    kept = Kept()
    first.give(0, 1, [1.0, 2.0])
    second.give(0, 1, [1.0])
    first.collect(kept)
    assert kept == []
    assert "The processes do not watch the same layers: some norms are those of rank 0 alone." in first.notes


@pytest.mark.parametrize(
    ("placements", "mesh", "world_size", "share"),
    [
        ((shard(),), (2,), 2, 1.0),
        ((shard(whole=True), shard()), (2, 2), 4, 0.5),  # copies of shards
        ((shard(whole=True),), (4,), 4, 0.25),
        ((shard(),), (2,), 4, 0.5),  # two meshes beside each other
    ],
)
def test_copies_count_once(placements, mesh, world_size, share):
    module = Sharded(*placements, mesh=mesh)
    ranks = Ranks(module, Mailbox(dist.HashStore(), 0, world_size))
    assert ranks.share(module.weight) == share
    plain = nn.Parameter(torch.ones(1))
    assert ranks.share(plain) == 1 / world_size


def test_all_ranks_sample_the_same_steps():
    """Rank 0 alone has a budget; the other one's clock says never."""
    first, second = (Ranks(Sharded(shard()), box) for box in pair())
    rich, poor = Governor(overhead=1.0, every=None), Governor(overhead=1e-9, every=None)
    sampled = ([], [])
    for step in range(1, 20 * PERIOD):
        for place, (ranks, governor) in enumerate(((first, rich), (second, poor))):
            governor.step_done(0.01, 1e-4, sampled=step in sampled[place])
            if ranks.wants_sample(step, governor):
                sampled[place].append(step + 1)
    assert sampled[0] == sampled[1]
    assert len(sampled[0]) > 10


def test_announced_samples_do_not_pile_up():
    store = dist.HashStore()
    ranks = Ranks(Sharded(shard()), Mailbox(store, 0, 2))
    before = store.num_keys()
    asked = [8, 32, 40, 80, 112, 192, 200, 240]  # of samples, at most two of them one period apart
    governor = SimpleNamespace(every=None, wants_sample=lambda: step in asked)
    most = 0
    for step in range(2, 260):
        ranks.wants_sample(step, governor)
        most = max(most, store.num_keys() - before)
    assert most == 2
    ranks.finish(Kept())
    assert store.num_keys() < before + 1


def failure(**given):
    return FirstFailure(**{"cause": "nan", "stage": "backward", "step": 5, "epoch": 1, **given})


@pytest.mark.parametrize(
    ("own", "other", "wins"),
    [
        ({"operation": "gradient of the loss"}, {"stage": "forward", "operation": "log"}, 1),
        ({"stage": "forward"}, {"operation": "gradient of the loss"}, 0),
        ({"stage": "loss"}, {"stage": "forward"}, 1),
        ({"stage": "input"}, {"stage": "input"}, 0),
        ({"stage": "forward", "step": 6}, {"stage": "parameter", "step": 5}, 1),
        ({"operation": "gradient of the loss"}, {"operation": "sqrt"}, 1),
    ],
)
def test_what_came_first_wins(own, other, wins):
    first, second = (Ranks(Sharded(shard()), box) for box in pair())
    second.settle(failure(rank=1, examples=(1, 2), **other))
    found = first.settle(failure(rank=0, **own))
    assert found.rank == wins
    if wins:
        assert found.examples == (1, 2)


def test_what_only_another_rank_saw():
    first, second = (Ranks(Sharded(shard()), box) for box in pair())
    assert first.failure_elsewhere() is None
    told = failure(rank=1, stage="loss", how="It was.")
    assert json.dumps(asdict(told))
    second.settle(told)
    assert first.failure_elsewhere() == told
    assert first.failure_elsewhere() is None
