"""Peak memory of two large jobs, each in a process of its own.

    python benchmarks/memory.py [--out benchmarks/results/memory.md]

1. A decision over 40 cells × 5 folds × 2 seeds on 100,000 rows × 100 columns (limit 4 GiB).
2. `justfit fit` on a CSV of 1,000,000 rows × 50 columns (numbers, categories, missing values), `--budget 300`
   (limit 8 GiB). The file is made under the temporary directory and removed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from _machine import describe_machine

GIB = 2**30


def decision():
    import math

    import torch

    from justfit.sweep import Problem, Wishes, assign_folds, decide, make_plan

    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(100_000, 100, generator=generator)
    targets = (inputs[:, :10].sum(1) + torch.randn(100_000, generator=generator) > 0).long()
    wishes = Wishes(num_folds=5, num_seeds=2, epochs=1, num_threads=2, budget_seconds=1e9)
    plan = make_plan(100_000, 100, 2, wishes)
    problem = Problem(inputs, targets, assign_folds(targets, "classification", 5, 0), "classification", 2)
    record = decide(problem, plan, fixed_l2=None, seed=0, unit="nats", num_threads=2, deadline=math.inf).record
    assert record.num_variants == 400
    assert record.num_examples == 100_000


def table(path):
    import polars as pl

    draw = np.random.default_rng(0)
    rows = 1_000_000
    columns = {f"number_{k}": draw.standard_normal(rows).round(5) for k in range(40)}
    columns |= {f"count_{k}": draw.integers(0, 1000, rows) for k in range(5)}
    columns |= {f"category_{k}": draw.choice(list("abcdefgh"), rows) for k in range(4)}
    signal = columns["number_0"] + columns["number_1"] * columns["number_2"] + (columns["category_0"] == "a")
    frame = pl.DataFrame(columns | {"label": np.where(signal + draw.standard_normal(rows) > 0.3, "yes", "no")})
    holes = pl.when(pl.int_range(pl.len()) % 17 == 3).then(None).otherwise(pl.col("number_3"))
    frame.with_columns(holes.alias("number_3")).write_csv(path)


def measured(arguments):
    """Run a process; return its wall seconds and peak resident bytes."""
    start = time.monotonic()
    code = (
        "import resource, subprocess, sys, json\n"
        "done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)\n"
        "print(json.dumps([done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], check=True, stdout=subprocess.PIPE, text=True)
    status, peak_kib = json.loads(done.stdout)
    assert status == 0, arguments
    return time.monotonic() - start, peak_kib * 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decision", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--out")
    options = parser.parse_args()
    if options.decision:
        decision()
        return
    lines = ["# Peak memory", "", "Produced by `benchmarks/memory.py`.", "",
             describe_machine("torch", "polars", "scikit-learn"), "",
             "| job | limit, GiB | peak, GiB | wall, s |", "|---|---|---|---|"]  # fmt: skip
    seconds, peak = measured([sys.executable, __file__, "--decision"])
    lines.append(f"| 40 cells × 5 folds × 2 seeds, 100,000 × 100 | 4 | {peak / GIB:.2f} | {seconds:.0f} |")
    print(lines[-1], flush=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.csv"
        table(path)
        size = path.stat().st_size / 1e6
        command = [sys.executable, "-m", "justfit", "fit", str(path), "--target", "label", "--budget", "300"]
        seconds, peak = measured([*command, "--out", str(Path(folder) / "out")])
    job = f"`justfit fit` on a CSV of 1,000,000 × 50 ({size:.0f} MB), `--budget 300`"
    lines.append(f"| {job} | 8 | {peak / GIB:.2f} | {seconds:.0f} |")
    print(lines[-1])
    if options.out:
        Path(options.out).write_text("\n".join([*lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
