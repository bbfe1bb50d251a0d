"""What an executor costs: its start, each unit, and what a second worker gains; beside bare Ray calls.

Run: OMP_NUM_THREADS=1 python benchmarks/executors.py > benchmarks/results/executors.md
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import statistics
import time

import numpy as np
import torch
from torch import nn

from _machine import describe_machine
from justfit.sweep import SerialExecutor, Setting, SweepVariant, Training, Unit
from justfit.sweep._pool import PoolExecutor
from justfit.sweep._ray import RayExecutor, import_ray
from justfit.sweep._training import Examples

ROUNDS = 5
NUM_SMALL = 40


def make_training(num_rows, hidden):
    inputs = torch.randn(num_rows, 32, generator=torch.Generator().manual_seed(0))
    examples = Examples(inputs, (inputs[:, 0] > 0).long(), torch.arange(num_rows) % 2)

    def build():
        return nn.Sequential(
            nn.Linear(32, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 2)
        )

    return Training(build=build, examples=examples, loss_fn=nn.functional.cross_entropy, epochs=1_000)


def make_units(number, until):
    return [
        Unit(variants=(SweepVariant(setting=Setting(l2=float(k))),), tier="loop", until=until, measure=(until,))
        for k in range(number)
    ]


def seconds(executor, training, units):
    began = time.perf_counter()
    results = list(executor.map(training, units))
    return time.perf_counter() - began, results


def median(values):
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


def main():
    load = os.getloadavg()
    small, large = make_training(64, 16), make_training(1_024, 128)
    small_units = make_units(NUM_SMALL, 1)
    probe, _ = seconds(SerialExecutor(), large, make_units(1, 1))  # the first also imports what the optimizers need
    probe, _ = seconds(SerialExecutor(), large, make_units(1, 2))
    large_units = make_units(4, max(2, round(2 * 3.0 / probe)))
    rows = {}
    began = time.perf_counter()
    pool, ray_workers = PoolExecutor(2).__enter__(), RayExecutor(2)
    ray_open = time.perf_counter()
    ray_workers.__enter__()
    ray_opened = time.perf_counter() - ray_open
    try:
        starts = {}
        for name, executor in (("pool", pool), ("Ray", ray_workers)):
            starts[name], _ = seconds(executor, small, small_units[:2])
            seconds(executor, small, small_units[:4])
        overhead = {"pool": [], "Ray": []}
        gain = {"pool": [], "Ray": []}
        for _ in range(ROUNDS):  # interleaved, so that what else the machine does falls on all alike
            alone, expected = seconds(SerialExecutor(), small, small_units)
            alone_large, expected_large = seconds(SerialExecutor(), large, large_units)
            for name, executor in (("pool", pool), ("Ray", ray_workers)):
                taken, results = seconds(executor, small, small_units)
                assert_same(results, expected)
                overhead[name].append(1e3 * (2 * taken - alone) / NUM_SMALL)
                taken, results = seconds(executor, large, large_units)
                assert_same(results, expected_large)
                gain[name].append(alone_large / taken)
        bare = bare_ray(import_ray())
    finally:
        pool.__exit__(None, None, None)
        ray_close = time.perf_counter()
        ray_workers.__exit__(None, None, None)
        ray_closed = time.perf_counter() - ray_close
    rows = [
        ("first result of two workers, from nothing, s", f"{starts['pool']:.1f}", f"{starts['Ray']:.1f}"),
        ("opening and closing the executor, s", "0.0", f"{ray_opened:.1f} and {ray_closed:.1f}"),
        ("worker time per unit beyond the unit's own, ms", median(overhead["pool"]), median(overhead["Ray"])),
        (f"speed-up of 2 workers, 4 units of about {alone_large / 4:.1f} s", median(gain["pool"]), median(gain["Ray"])),
    ]
    print("# What executors cost\n")
    print(f"{describe_machine('torch', 'joblib', 'ray')} {os.cpu_count()} cores; load before {load[0]:.1f}, after")
    print(f"{os.getloadavg()[0]:.1f} (1 minute; of which 2 its own). {ROUNDS} interleaved rounds, median (min to max).")
    print("Every result was compared with that of the plain loop in this process: equal to the bit.\n")
    print("| | pool | Ray |\n|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print("\n| bare Ray, 2 actors, no work | |\n|---|---|")
    for name, value in bare.items():
        print(f"| {name} | {value} |")
    print(f"\nTook {time.perf_counter() - began:.0f} s.")


def bare_ray(ray):
    """What Ray itself does in a second, without us."""

    @ray.remote(num_cpus=0)
    class Nothing:
        def do(self, *_):
            return None

        def sleep(self):
            time.sleep(600)

    actors = [Nothing.remote() for _ in range(2)]
    ray.get([actor.do.remote() for actor in actors])
    calls, one_by_one, put, get = [], [], [], []
    array = np.ones(64 * 2**20, dtype=np.uint8)
    for _ in range(ROUNDS):
        began = time.perf_counter()
        ray.get([actors[k % 2].do.remote() for k in range(2_000)])
        calls.append(2_000 / (time.perf_counter() - began))
        began = time.perf_counter()
        for _ in range(200):
            ray.get(actors[0].do.remote())
        one_by_one.append(200 / (time.perf_counter() - began))
        began = time.perf_counter()
        reference = ray.put(array)
        put.append(array.nbytes / 1e9 / (time.perf_counter() - began))
        began = time.perf_counter()
        ray.get(reference).copy()
        get.append(array.nbytes / 1e9 / (time.perf_counter() - began))
    waiting = [actors[1].sleep.remote() for _ in range(10_000)]
    looks = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        ray.wait(waiting, num_returns=1, timeout=0)
        looks.append(1e3 * (time.perf_counter() - began))
    for actor in actors:
        ray.kill(actor)
    return {
        "one look at 10,000 running calls, ms": median(looks),
        "calls per second, all sent at once": median(calls),
        "calls per second, one after the other": median(one_by_one),
        "object store, writing 64 MiB, GB/s": median(put),
        "object store, reading and copying 64 MiB, GB/s": median(get),
    }


def assert_same(results, others):
    others = {index: (state, report) for index, state, report in others}
    for index, state, report in results:
        other_state, other = others[index]
        assert all(torch.equal(state.tensors[name], other_state.tensors[name]) for name in other_state.tensors)
        assert torch.equal(report.train_loss, other.train_loss)


if __name__ == "__main__":
    main()
