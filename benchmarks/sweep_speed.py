"""How fast is one program that trains K networks? Paired rounds against real peers, one thread.

    python benchmarks/sweep_speed.py [--quick] [--out benchmarks/results/sweep_speed.md]

Every round times every engine once, in shuffled order, in CPU seconds; a ratio is formed inside a round, and the table
shows the median ratio with its range. The sequential engines train a few models and are scaled up (their cost is
linear in the number of models). The matrix-product peak of the machine is measured in every round too.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import argparse
import random
import statistics
import time
import warnings
from pathlib import Path

import torch
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.preprocessing import StandardScaler

from _machine import describe_machine
from _peers import DROPOUTS, LEARNING_RATE, Jax, SequentialFused, SklearnMLP, Vmap, settings
from justfit.sweep._problem import NEVER_HELD_OUT, Problem, Recipe, Variant
from justfit.sweep._program import Program

CASES = {
    "digits 64-128-128-10, batch 128": (load_digits, 1437, 128, 128),
    "breast_cancer 30-32-32-2, batch 32": (load_breast_cancer, 455, 32, 32),
}


class JustFit:
    """The engine of this project."""

    name = "justfit"

    def __init__(self, inputs, targets, width, batch_size, num_models):
        self.num_models = num_models
        self.name = f"justfit, K = {num_models}"
        problem = Problem(
            inputs, targets, torch.full((len(inputs),), NEVER_HELD_OUT), "classification", int(targets.max()) + 1
        )
        recipe = Recipe(hidden=(width, width), batch_size=batch_size, epochs=10_000, learning_rate=LEARNING_RATE)
        variants = [Variant(l2=l2, dropout=dropout) for l2, dropout in settings(num_models)]
        self.program = Program(problem, recipe, variants)

    def epoch(self):
        self.program.advance(1)


def cpu_seconds(function):
    start = time.process_time()
    function()
    return time.process_time() - start


def peak_gflops(repeats=2):
    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    return 2 * 2048**3 / min(cpu_seconds(lambda: torch.mm(a, b)) for _ in range(repeats)) / 1e9


def flops_per_model_step(num_features, width, num_outputs, batch_size):
    forward = 2 * batch_size * (num_features * width + width * width + width * num_outputs)
    return 2 * forward + 2 * batch_size * (width * width + width * num_outputs)


def run_case(load, num_rows, width, batch_size, rounds):
    inputs, targets = load(return_X_y=True)
    inputs = torch.tensor(StandardScaler().fit_transform(inputs)[:num_rows], dtype=torch.float32)
    targets = torch.tensor(targets[:num_rows], dtype=torch.int64)
    arguments = (inputs, targets, width, batch_size)
    engines = [
        SequentialFused(*arguments, 8, out_of=128),
        SklearnMLP(*arguments, 8, out_of=128),
        Vmap(*arguments, 128),
        Jax(*arguments, 128),
        JustFit(*arguments, 128),
        JustFit(*arguments, 512),
    ]
    first = {engine.name: cpu_seconds(engine.epoch) for engine in engines}
    peaks, seconds = [], {engine.name: [] for engine in engines}
    for _ in range(rounds):
        peaks.append(peak_gflops())
        for engine in random.sample(engines, len(engines)):
            seconds[engine.name].append(cpu_seconds(engine.epoch) / engine.num_models)
    steps = num_rows // batch_size
    work = flops_per_model_step(inputs.shape[1], width, int(targets.max()) + 1, batch_size) * steps
    baseline = seconds[engines[0].name]
    rows = []
    for engine in engines:
        ratios = [base / mine for base, mine in zip(baseline, seconds[engine.name], strict=True)]
        share = [work / mine / 1e9 / peak for mine, peak in zip(seconds[engine.name], peaks, strict=True)]
        rows.append(
            (
                engine.name,
                1 / statistics.median(seconds[engine.name]),
                statistics.median(ratios),
                min(ratios),
                max(ratios),
                statistics.median(share),
                first[engine.name],
            )
        )
    return rows, peaks


def markdown(case, rows, peaks):
    lines = [
        f"### {case}",
        "",
        f"Matrix-product peak (2048², float32) in the same rounds: {statistics.median(peaks):.0f} GFLOP/s "
        f"({min(peaks):.0f} to {max(peaks):.0f}).",
        "",
        "| engine | model-epochs per CPU s | median ratio to the baseline | range | share of peak | first epoch, s |",
        "|---|---|---|---|---|---|",
    ]
    for name, speed, ratio, low, high, share, first in rows:
        lines.append(
            f"| {name} | {speed:.0f} | **{ratio:.2f}** | {low:.2f} to {high:.2f} | {share:.0%} | {first:.2f} |"
        )
    small, large = (row[1] for row in rows[-2:])
    lines += ["", f"K = 512 runs at {large / small:.2f} times the speed per model of K = 128.", ""]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2 rounds")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    parts = [
        "# Speed of the sweep engine",
        "",
        "Produced by `benchmarks/sweep_speed.py`. Baseline: sequential PyTorch with fused Adam. Every engine trains "
        f"networks with their own λ and dropout from {DROPOUTS} (MLPClassifier: no dropout). One thread, CPU seconds.",
        "",
        describe_machine("torch", "jax", "scikit-learn", "numpy"),
        "",
    ]
    for case, arguments in CASES.items():
        rows, peaks = run_case(*arguments, rounds=2 if options.quick else options.rounds)
        parts.append(markdown(case, rows, peaks))
        print(parts[-1], flush=True)
    if options.out:
        Path(options.out).write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
