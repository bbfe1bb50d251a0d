"""What two processes under torchrun do in `test_distributed.py`: train a small network, watched, and tell what came.

torchrun --standalone --nproc-per-node 2 two_ranks.py FOLDER SCENARIO…
"""

import json
import math
import sys
import time
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from justfit.watch import watch

ROWS, STEPS, POISON = 8, 12, 100.0


class Network(nn.Module):
    """Takes the logarithm of negative numbers where the first input says so."""

    def __init__(self):
        super().__init__()
        self.first, self.middle, self.last = nn.Linear(6, 9), nn.Linear(9, 9), nn.Linear(9, 3)

    def forward(self, x):
        h = torch.tanh(self.middle(torch.relu(self.first(x))))
        if x[0, 0] > POISON / 2:
            h = torch.log(h - 2)
        return self.last(h)


class Talking(Network):
    """Averages something over the ranks inside its forward pass."""

    def forward(self, x):
        h = super().forward(x)
        mean = h.detach().mean(0)
        dist.all_reduce(mean)
        return h - mean * 1e-3


def batch(step, rank):
    x = torch.randn(2 * ROWS, 6, generator=torch.Generator().manual_seed(step))
    y = (x[:, 0] > 0).long() + (x[:, 1] > 0).long()
    part = slice(None) if rank is None else slice(rank * ROWS, (rank + 1) * ROWS)
    return x[part], y[part]


def wrap(net, how):
    if how == "ddp":
        return DistributedDataParallel(net)
    if how == "fsdp":
        from torch.distributed.fsdp import fully_shard

        for part in (net.first, net.middle, net.last):
            fully_shard(part)
        fully_shard(net)
    return net


def train(how, *, watched, steps=STEPS, net=Network, raises_at=-1, poisoned=(), **options):
    """Train, and return the weights and the run; ranks in `poisoned` get a batch that fails in step 5."""
    rank = None if how == "single" else dist.get_rank()
    torch.manual_seed(0)
    net = wrap(net(), how)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    run = watch(net, optimizer, **options) if watched else None
    if run is not None:
        run.start()
    try:
        for step in range(steps):
            x, y = batch(step, rank)
            if step == 4 and rank in poisoned:
                x[0, 0] = POISON
            optimizer.zero_grad()
            if run is not None:
                run.log_batch(step, range(100 * (rank or 0), 100 * (rank or 0) + len(x)))
            functional.cross_entropy(net(x), y).backward()
            nn.utils.clip_grad_norm_(net.parameters(), 0.3)
            if step == raises_at and rank == 1:
                Path(sys.argv[1], "raised_at").write_text(str(time.time()))
                raise ValueError("planted on rank 1")
            optimizer.step()
    finally:
        if run is not None:
            run.close()
    return [whole(p.detach()) for p in net.parameters()], run


def whole(tensor):
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor


def bits(weights):
    return [w.view(torch.int32).flatten().tolist() for w in weights]


def told(run):
    """What the test looks at, of one run."""
    record = run.record
    evidence = record.evidence
    return {
        "steps": evidence.optimizers[0].steps,
        "num_steps": evidence.optimizers[0].num_steps,
        "layers": {
            layer.name: {
                name: getattr(layer, name)
                for name in ("weight_norm", "gradient_norm", "clipped_gradient_norm", "update_norm")
            }
            for layer in evidence.layers
        },
        "frames": [frame.gradient_norm for frame in record.frames],
        "gradients": evidence.gradients,
        "world_size": evidence.world_size,
        "notes": evidence.notes,
        "failure": None if evidence.first_failure is None else record.to_dict()["evidence"]["first_failure"],
    }


def same_numbers(how):
    """Every step is read; beside it one process with the whole batch, and the same run unwatched."""
    plain, _ = train(how, watched=False)
    weights, run = train(how, watched=True, every=1)
    single, single_run = train("single", watched=True, every=1)
    return {
        "run": told(run),
        "single": told(single_run),
        "same_bits": bits(plain) == bits(weights),
        "close": all(torch.allclose(a, b, rtol=1e-4, atol=1e-6) for a, b in zip(weights, single, strict=True)),
    }


def governed(how):
    """The budget decides when to sample; it is large, so that it happens often."""
    _, run = train(how, watched=True, steps=60, overhead=1.0)
    return {"run": told(run)}


def fails_on_rank_1(how):
    _, run = train(how, watched=True, poisoned=(1,), steps=8)
    return {"run": told(run)}


def fails_on_both(how):
    plain, _ = train(how, watched=False, poisoned=(0, 1), steps=8)
    weights, run = train(how, watched=True, poisoned=(0, 1), steps=8)
    return {"run": told(run), "same_bits": bits(plain) == bits(weights)}


def talks(how):
    """The forward pass holds a collective: it cannot be run again on one rank."""
    _, run = train(how, watched=True, net=Talking, poisoned=(1,), steps=8)
    return {"run": told(run)}


def only_rank_0(how):
    _, run = train(how, watched=dist.get_rank() == 0, every=1)
    return {"run": None if run is None else told(run)}


def only_rank_1(how):
    _, run = train(how, watched=dist.get_rank() == 1, every=1, steps=20)
    return {"run": None if run is None else told(run)}


def main():
    folder, *scenarios = sys.argv[1:]
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    if scenarios == ["raises"]:
        train("ddp", watched=True, every=1, raises_at=6, out=f"{folder}/raised", flush_seconds=0.0, overhead=1.0)
    found = {}
    for scenario in scenarios:
        name, how = scenario.split(":")
        found[scenario] = globals()[name](how)
    text = json.dumps(found, default=lambda value: None if isinstance(value, float) and math.isnan(value) else value)
    Path(folder, f"rank{rank}.json").write_text(text)
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
