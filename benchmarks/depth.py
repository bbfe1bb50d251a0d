"""Which initialization lets a plain network of 100, 1,000 or 10,000 layers learn? No skip, no normalisation.

    python benchmarks/depth.py --quick              (what CI runs: half a minute, fails if auto does)
    python benchmarks/depth.py --log build/depth.jsonl --out benchmarks/results/depth.md

Every network is an ordinary `nn.Sequential`, trained by ordinary autograd and `torch.optim.SGD`. Every scheme gets the
same learning rates, seeds and batches; the learning rate with the best mean train accuracy counts. Results
are appended to the log, and what is there already is not run again (`--again auto` runs those of one scheme again).
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import json
import statistics
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from _depth_nets import (
    CALIBRATION_ROWS,
    INITIALIZERS,
    circles,
    convolutional,
    digits,
    images,
    initialized,
    multilayer_perceptron,
    train,
)
from _machine import describe_machine


@dataclass(frozen=True)
class Case:
    """One row of the table. `target` is the train accuracy that `auto` was to reach, written down before the runs."""

    name: str
    build: object
    data: object
    activation: str
    num_steps: int
    learning_rates: tuple
    target: float
    num_seeds: int = 1
    skip: tuple = ()


def perceptron(depth, activation, num_steps, learning_rates, target, *, num_seeds=1, skip=("delta",)):
    build = partial(multilayer_perceptron, depth, activation)
    name = f"MLP, {depth:,} × {activation}"
    return Case(name, build, digits, activation, num_steps, learning_rates, target, num_seeds, skip)


# lsuv runs 2L-1 forwards: its time grows with L², by the log 25 times from 200 to 1,000 and 100 times to 10,000.
TOO_DEEP = ("delta", "lsuv")
SHALLOW, DEEP = (0.03, 0.01), (0.003,)
CASES = [
    *(perceptron(100, name, 150, SHALLOW, 0.93, num_seeds=3) for name in ("ReLU", "GELU", "SiLU", "tanh")),
    Case("two circles, 100 × ReLU", partial(multilayer_perceptron, 100, "ReLU", 2), circles, "ReLU", 300, SHALLOW,
         0.995, 3, ("delta",)),
    Case("CNN, 100 × ReLU", partial(convolutional, 100, "ReLU"), images, "ReLU", 80, SHALLOW, 0.93, 3),
    *(perceptron(1000, name, 150, DEEP, 0.93) for name in ("ReLU", "GELU", "SiLU")),
    perceptron(1000, "tanh", 300, DEEP, 0.85),
    Case("CNN, 400 × ReLU", partial(convolutional, 400, "ReLU"), images, "ReLU", 80, DEEP, 0.85, skip=("lsuv",)),
    perceptron(10_000, "ReLU", 150, DEEP, 0.90, skip=TOO_DEEP),
]  # fmt: skip


def run_cell(case, scheme, seed, learning_rates):
    """One initialization, trained anew with every learning rate."""
    data = case.data()
    network, seconds = initialized(case.build, scheme, data[0][:CALIBRATION_ROWS], case.activation, seed)
    start = {name: value.clone() for name, value in network.state_dict().items()}
    for learning_rate in learning_rates:
        network.load_state_dict(start)
        done = train(network, data, learning_rate=learning_rate, num_steps=case.num_steps, seed=seed)
        yield {
            "case": case.name, "scheme": scheme, "seed": seed, "learning_rate": learning_rate,
            "num_steps": case.num_steps, "initialize_seconds": round(seconds, 3), **done,
        }  # fmt: skip


def key(row):
    return row["case"], row["scheme"], row["seed"], row["learning_rate"], row["num_steps"]


def read_log(path):
    """The last row of every cell."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return {key(row): row for row in map(json.loads, lines)}


def run_missing(cases, schemes, log, again):
    """Run what the log lacks, in the order of the table."""
    have = {cell for cell in read_log(log) if cell[1] not in again}
    log.parent.mkdir(parents=True, exist_ok=True)
    for case in cases:
        for scheme in schemes:
            if scheme in case.skip:
                continue
            for seed in range(case.num_seeds):
                missing = [
                    rate for rate in case.learning_rates if (case.name, scheme, seed, rate, case.num_steps) not in have
                ]
                for row in run_cell(case, scheme, seed, missing) if missing else ():
                    with log.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(row) + "\n")
                    print(*row.values(), sep="  ", flush=True)


def best(case, scheme, rows):
    """The rows of the learning rate with the best mean train accuracy; None where a cell was not run."""
    options = []
    for rate in case.learning_rates:
        cells = [(case.name, scheme, seed, rate, case.num_steps) for seed in range(case.num_seeds)]
        if not all(cell in rows for cell in cells):
            return None
        options.append([rows[cell] for cell in cells])
    return max(options, key=lambda option: statistics.mean(row["train_accuracy"] for row in option))


def describe(case, scheme, rows):
    if scheme in case.skip:
        return "–"
    found = best(case, scheme, rows)
    if not found:
        return "not run"
    train_accuracy, test_accuracy = (
        statistics.mean(row[name] for row in found) for name in ("train_accuracy", "test_accuracy")
    )
    text = f"{train_accuracy:.3f} / {test_accuracy:.3f}"
    return f"**{text}**" if scheme == "auto" and worst(found) >= case.target else text


def worst(found):
    return min(row["train_accuracy"] for row in found)


def markdown(cases, rows, schemes):
    lines = [
        "| network | steps | lr | " + " | ".join(schemes) + " | target | auto, worst seed |",
        "|---" * (len(schemes) + 5) + "|",
    ]
    for case in cases:
        found = best(case, "auto", rows)
        cells = [describe(case, scheme, rows) for scheme in schemes]
        rates = ", ".join(f"{rate:g}" for rate in case.learning_rates)
        low = f"{worst(found):.3f}" if found else "not run"
        lines.append(f"| {case.name} | {case.num_steps} | {rates} | {' | '.join(cells)} | ≥ {case.target:g} | {low} |")
    lines += ["", "CPU seconds to initialize (mean over the seeds):", "", "| network | lsuv | auto |", "|---|---|---|"]
    for case in cases:
        seconds = []
        for scheme in ("lsuv", "auto"):
            found = best(case, scheme, rows)
            seconds.append(f"{statistics.mean(row['initialize_seconds'] for row in found):.2f}" if found else "–")
        lines.append(f"| {case.name} | {' | '.join(seconds)} |")
    return "\n".join(lines)


def lsuv_seconds(depth=200):
    data = digits()
    return initialized(partial(multilayer_perceptron, depth, "ReLU"), "lsuv", data[0][:CALIBRATION_ROWS], "ReLU", 0)[1]


def write_results(path, rows):
    text = f"""# Depth: what trains

Produced by `benchmarks/depth.py`. Plain networks: no skip connection, no normalisation. MLPs of width 64 on
scikit-learn's digits (1,400 / 397 rows, standardised), CNNs of 16 channels, 3×3, on the same digits at 8×8.
`torch.optim.SGD`, momentum 0.9, batch 32, gradient norm clipped to 1, no schedule; the same learning rates, seeds and
batches for every scheme.
Train / test accuracy of the learning rate with the best train accuracy; mean of 3 seeds at 100 layers,
1 seed deeper. Bold: every seed of `auto` reaches the target, which was fixed before.

default: as torch builds its layers. xavier, he, orthogonal: `torch.nn.init`, zero biases, orthogonal with gain √2
(tanh: 1).
delta: `jax.nn.initializers.delta_orthogonal`, same gain, after a first layer as he.
lsuv: `lsuv_with_singlebatch`, 256 rows, as `auto`.

One thread. {describe_machine("torch", "lsuv", "jax", "scikit-learn", "numpy")}

{markdown(CASES, rows, list(INITIALIZERS))}

– : delta is for convolutions. lsuv runs 2L - 1 forwards of L layers: {lsuv_seconds():.1f} s for an MLP of 200 layers
and 2,500 times that for 10,000, so it was not run there, nor on the CNN of 400 layers.
Two circles in 64 dimensions: no linear map does better than chance (0.5). Being linear at the start, as mirrored
weights are, does not mean staying so.
"""
    path.write_text(text, encoding="utf-8")


def quick(schemes):
    """100 layers, ReLU and tanh, one seed and one learning rate; exit status 1 if `auto` misses its target."""
    status = 0
    for case in (CASES[0], CASES[3]):
        for scheme in schemes:
            start = time.perf_counter()
            row = next(run_cell(case, scheme, 0, case.learning_rates[1:]))
            missed = scheme == "auto" and row["train_accuracy"] < case.target
            status |= missed
            print(
                f"{case.name}  {scheme:8} train {row['train_accuracy']:.3f} test {row['test_accuracy']:.3f} "
                f"{time.perf_counter() - start:.1f} s{f'  MISSED {case.target}' if missed else ''}",
                flush=True,
            )
    return status


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="100 layers of ReLU and tanh only; nothing is kept")
    parser.add_argument("--schemes", help=f"comma-separated, of {', '.join(INITIALIZERS)}; default all")
    parser.add_argument("--cases", default="", help="only cases with this text in their name")
    parser.add_argument("--again", default="", help="comma-separated schemes to run although the log has them")
    parser.add_argument("--log", type=Path, default=Path("build/depth.jsonl"))
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    schemes = options.schemes.split(",") if options.schemes else None
    if options.quick:
        sys.exit(quick(schemes or ("default", "he", "lsuv", "auto")))
    cases = [case for case in CASES if options.cases in case.name]
    run_missing(cases, schemes or list(INITIALIZERS), options.log, options.again.split(","))
    if options.out:
        write_results(options.out, read_log(options.log))


if __name__ == "__main__":
    main()
