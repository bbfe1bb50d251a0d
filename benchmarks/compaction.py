"""What stopping cells early saves and loses: `justfit.sweep` against the same sweep with every cell trained out.

    python benchmarks/compaction.py run --log build/compaction.jsonl
    python benchmarks/compaction.py report build/compaction.jsonl --out benchmarks/results/compaction.md

Both get the same rows, folds, seed and grid, and spend nothing of what they save (`refill=False`). What each chose is
trained on all training rows with the same three seeds and judged on the test rows. Regret is that loss minus the loss
of the best cell of the whole grid, trained to the end.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import json
import time
from collections import defaultdict
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
from scipy import stats

from _machine import describe_machine
from _resplits import run_resplits
from _sweep_cases import table_case, test_losses
from justfit.sweep import sweep
from justfit.sweep._choice import _draws
from justfit.sweep._schedule import SchedulePlan

NAMES = ("australian.tsv.gz", "car.tsv.gz", "credit_g.tsv.gz", "phoneme.tsv.gz", "pima.tsv.gz", "sonar.tsv.gz",
         "vehicle.tsv.gz", "splice.tsv.gz")  # fmt: skip
MAX_ROWS = 600
NUM_SPLITS = 3
# When the grid stops growing was chosen on splits 60 and 61, and three tables of 62.
FIRST_SPLIT = 70


def run_sweep(case, *, stops_early):
    """The sweep, its CPU seconds, and those of its training alone."""
    plan = partial(SchedulePlan, stops_early=stops_early)
    _draws.cache_clear()  # of an earlier sweep of as many rows
    start = time.process_time()
    with mock.patch("justfit.sweep._sweep_run.SchedulePlan", plan):
        result = sweep(
            case.build, case.train, learning_rate=case.learning_rate, epochs=case.epochs, batch_size=case.batch_size,
            schedule="cosine", folds=5, executor="serial", refill=False, seed=case.split, tier="batched",
        )  # fmt: skip
    return result, time.process_time() - start


def run_one(name, split):
    case = table_case(name, split, MAX_ROWS)
    row = {"table": case.name, "split": split, "num_rows": len(case.train[1])}
    picks = {}
    for mode, stops_early in (("full", False), ("early", True)):
        result, seconds = run_sweep(case, stops_early=stops_early)
        record, chosen = result.record, result.chosen
        picks[mode] = (chosen.l2, chosen.dropout, chosen.epochs)
        row["load"] = os.getloadavg()[0]
        row[mode] = {
            "pick": picks[mode], "seconds": seconds, "training_seconds": record.cpu_seconds,
            "epochs": record.variant_epochs, "all_epochs": record.full_variant_epochs,
            "ridge": [(cell.l2, cell.dropout) for cell in result.ridge], "confidence": result.confidence,
        }  # fmt: skip
        if mode == "full":
            grid = result.to_frame().select("l2", "dropout").rows()
    epochs = sorted({case.epochs, *(pick[2] for pick in picks.values())})
    losses = test_losses(case, [*(pick[:2] for pick in picks.values()), *grid], epochs).mean(axis=(2, 3))
    row["oracle"] = float(losses[2:, -1].min())
    row["none"] = float(losses[2 + grid.index((0.0, 0.0)), -1])
    for k, mode in enumerate(picks):
        row[mode]["loss"] = float(losses[k, epochs.index(picks[mode][2])])
    return row


def interval(values):
    """Mean and the half-width of its 95 % interval (Student's)."""
    half = stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return float(np.mean(values)), float(half)


def report(path, out):
    rows = [json.loads(line) for line in Path(path).read_text().splitlines()]
    by_table = defaultdict(list)
    for row in rows:
        by_table[row["table"]].append(row)
    lines = [
        "| table | rows | epochs trained | CPU s | full CPU s | same choice | regret | regret, full |",
        "|---|---|---|---|---|---|---|---|",
    ]

    def cells(some):
        share = np.sum([r["early"]["epochs"] for r in some]) / np.sum([r["early"]["all_epochs"] for r in some])
        seconds = [np.mean([r[mode]["seconds"] for r in some]) for mode in ("early", "full")]
        same = np.mean([r["early"]["pick"] == r["full"]["pick"] for r in some])
        regret = [np.mean([r[mode]["loss"] - r["oracle"] for r in some]) for mode in ("early", "full")]
        return (
            f"{share:.0%} | {seconds[0]:.2f} ({seconds[0] / seconds[1]:.0%}) | {seconds[1]:.2f} | {same:.0%} | "
            f"{regret[0]:.4f} | {regret[1]:.4f} |"
        )

    lines += [f"| {table} | {some[0]['num_rows']} | {cells(some)}" for table, some in by_table.items()]
    lines.append(f"| all | | {cells(rows)}")
    regret = {m: np.mean([r[m]["loss"] - r["oracle"] for r in rows]) for m in ("early", "full")}
    mean, half = interval([r["early"]["loss"] - r["full"]["loss"] for r in rows])
    none = np.mean([r["none"] - r["oracle"] for r in rows])
    share = np.array([r["early"]["epochs"] / r["early"]["all_epochs"] for r in rows])
    seconds = np.array([r["early"]["seconds"] / r["full"]["seconds"] for r in rows])
    loads = [r["load"] for r in rows]
    worst = max(by_table, key=lambda table: np.mean([r["full"]["loss"] - r["oracle"] for r in by_table[table]]))
    others = {m: np.mean([r[m]["loss"] - r["oracle"] for r in rows if r["table"] != worst]) for m in regret}
    same = np.mean([r["early"]["pick"] == r["full"]["pick"] for r in rows])
    text = "\n".join([
        "# What stopping early saves and loses", "",
        "Produced by `benchmarks/compaction.py`, whose head says what is compared. MLP 64-64, Adam 5e-3, cosine, "
        f"30 epochs, batch 32, 5 folds, 40 cells (200 networks), at most {MAX_ROWS} training rows; {len(by_table)} "
        f"tables, {len(rows)} resplits, one thread, CPU seconds of the whole call, the search for the largest λ "
        "included in both. The rule by which the grid stops growing was chosen on other splits of these tables "
        "(60, 61 and three of 62); those of this report start at 70, and none was looked at before.", "",
        f"Regret {regret['early']:.4f} nats against {regret['full']:.4f} of the full run: "
        f"{regret['early'] / regret['full'] - 1:+.1%} (λ = 0, p = 0: {none:.4f}). Paired difference of test loss "
        f"{mean:+.4f} ± {half:.4f} (95 %); in {same:.0%} of the resplits both chose the same. One table, {worst}, "
        f"makes up most of both regrets: without it {others['early']:.4f} against {others['full']:.4f}, "
        f"{others['early'] / others['full'] - 1:+.1%}. Epochs trained: {share.mean():.0%} of the full run "
        f"({share.min():.0%}–{share.max():.0%}); CPU seconds: {seconds.mean():.0%} "
        f"({seconds.min():.0%}–{seconds.max():.0%}).", "",
        f"{describe_machine('torch')} Other work ran beside it (load {min(loads):.0f}–{max(loads):.0f} on "
        f"{os.cpu_count()} cores); both sweeps of a pair ran one after the other.", "", *lines, "",
    ])  # fmt: skip
    print(text)
    if out:
        Path(out).write_text(text, encoding="utf-8")


def describe(row):
    early, full = row["early"], row["full"]
    share = early["epochs"] / early["all_epochs"]
    return f"{share:.2f} {early['seconds']:.2f} {full['seconds']:.2f} {early['pick']} {full['pick']}"


if __name__ == "__main__":
    run_resplits(
        __doc__, "--splits", NUM_SPLITS, {name.split(".")[0]: name for name in NAMES},
        first=FIRST_SPLIT, run_one=run_one, describe=describe, report=report,
    )  # fmt: skip
