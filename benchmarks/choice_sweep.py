"""`justfit.sweep` against Optuna 5 at choosing λ and dropout: what is lost, and what it costs.

    python benchmarks/choice_sweep.py peers tables --log build/sweep-peers.jsonl
    python benchmarks/choice_sweep.py peers mnist --log build/sweep-peers-mnist.jsonl
    python benchmarks/choice_sweep.py sweep tables --peers build/sweep-peers*.jsonl --log build/sweep-own.jsonl
    python benchmarks/choice_sweep.py sweep mnist --peers build/sweep-peers*.jsonl --log build/sweep-own.jsonl
    python benchmarks/choice_sweep.py check tables --log build/sweep-check.jsonl
    python benchmarks/choice_sweep.py report build/sweep-*.jsonl --out benchmarks/results/choice_sweep.md

Each method sees the same training rows, and picks λ and dropout. Its pick is trained on all of them with the same
three seeds, and judged by its mean loss on the test rows; `justfit.sweep` picks the number of epochs too.

* TPE: Optuna's sampler, 100 trials, one holdout (fold 0 of five).
* Wilcoxon: the same with its Wilcoxon pruner over five folds, in a new order for every trial.

On tables, Optuna's networks are trained by this project's engine, which is quicker and gives the same networks
(tests/unit/sweep/test_batched.py); its cost is counted in plain PyTorch trainings, timed beside every sweep. `check`
trains them all by the plain loop on two tables, and holds the seconds that were counted against those that it took.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import json
import math
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from scipy import stats

from _machine import describe_machine
from _optuna_peers import tpe_on_holdout, wilcoxon_over_folds
from _sweep_cases import (
    conv_case,
    fold_losses,
    folds_of,
    loss_on,
    plain_seconds,
    plain_training,
    table_case,
    test_losses,
)
from justfit.sweep import NEVER_HELD_OUT, Problem, Recipe, find_largest_l2, sweep
from justfit.sweep._choice import _draws

NAMES = ("australian.tsv.gz", "car.tsv.gz", "credit_g.tsv.gz", "phoneme.tsv.gz", "pima.tsv.gz", "sonar.tsv.gz",
         "vehicle.tsv.gz", "splice.tsv.gz")  # fmt: skip
FILES = {name.split(".")[0]: name for name in NAMES}
MAX_ROWS = 600
CHECKED = ("sonar.tsv.gz", "australian.tsv.gz")
# The conv net is slow enough for every cell to count: a coarse grid, and three folds.
CONV_L2, CONV_DROPOUT, CONV_LARGEST = (0.0, 1.0, 10.0, 100.0), (0.0, 0.25, 0.5), 1_000.0


def largest_l2(case):
    """The largest useful λ, by the probe of `justfit fit`; both sides are told it."""
    if case.name == "mnist":
        return CONV_LARGEST
    inputs, targets = case.train
    never = torch.full((len(targets),), NEVER_HELD_OUT)
    problem = Problem(inputs, targets, never, "classification", int(targets.max()) + 1)
    return find_largest_l2(problem, Recipe(hidden=(case.width, case.width)), seed=0)


def peers_table(name, split):
    case = table_case(name, split, MAX_ROWS)
    folds, largest = folds_of(case, 5, split), largest_l2(case)

    def losses(l2, dropout, wanted):
        return fold_losses(case, folds, l2, dropout, wanted, seed=split)

    row = {"kind": "peers", "table": case.name, "split": split, "largest_l2": largest, "each": [plain_seconds(case)]}
    for method, run in (("TPE", tpe_on_holdout), ("Wilcoxon", lambda *a: wilcoxon_over_folds(*a, at_once=True))):
        pick, study = run(largest, split, losses)
        row[method] = {"pick": pick, "trainings": study.trainings, "own_seconds": study.own_seconds}
    row["each"].append(plain_seconds(case))
    return row


def peers_plain(case, method, split):
    """The study as a user would run it, every network trained by the plain loop; its CPU seconds are measured."""
    folds, largest = folds_of(case, 5, split), largest_l2(case)

    def losses(l2, dropout, wanted):
        return [
            loss_on(
                plain_training(case, l2, dropout, torch.nonzero(folds != fold).flatten(), seed=split),
                case, torch.nonzero(folds == fold).flatten(),
            )
            for fold in wanted
        ]  # fmt: skip

    start = time.process_time()
    if method == "TPE":
        pick, study = tpe_on_holdout(largest, split, losses)
    else:
        pick, study = wilcoxon_over_folds(largest, split, losses, at_once=False)
    seconds = time.process_time() - start
    return {"kind": "plain", "table": case.name, "split": split, "largest_l2": largest, "method": method,
            "pick": pick, "trainings": study.trainings, "own_seconds": study.own_seconds, "seconds": seconds,
            "each": plain_seconds(case)}  # fmt: skip


def checked(name, method, split):
    """Seconds of a study that trained every network itself, and those that its cost is counted as."""
    case = table_case(name, split, MAX_ROWS)
    before = plain_seconds(case)
    row = peers_plain(case, method, split)
    each = np.mean([before, row["each"]])
    return {**row, "kind": "check", "counted": row["trainings"] * each + row["own_seconds"]}


# How `justfit.sweep` is asked; the first is its default but for `refill`, which only spends what was saved.
MODES = {"5 folds": {"folds": 5, "tier": "batched"}, "3 folds": {"folds": 3, "tier": "batched"}}
CONV_MODES = {"3 folds": {"folds": 3, "l2": CONV_L2, "dropout": CONV_DROPOUT, "tier": "loop"}}


def run_sweep(case, split, mode):
    """One call of `justfit.sweep` with what both sides are given; its CPU seconds, the search for the largest λ in."""
    _draws.cache_clear()  # of an earlier sweep of as many rows
    start = time.process_time()
    result = sweep(
        case.build, case.train, learning_rate=case.learning_rate, epochs=case.epochs, batch_size=case.batch_size,
        schedule="cosine", executor="serial", refill=False, seed=split, **mode,
    )  # fmt: skip
    return result, time.process_time() - start


def swept(case, split, modes):
    """Picks and costs of every mode; a plain training is timed before and after each, for the ratio to Optuna."""
    row = {
        "kind": "sweep",
        "table": case.name,
        "split": split,
        "load": os.getloadavg()[0],
        "each": [plain_seconds(case)],
        "modes": {},
    }
    for name, mode in modes.items():
        result, seconds = run_sweep(case, split, mode)
        row["each"].append(plain_seconds(case))
        frame = result.to_frame()
        chosen = result.chosen
        row["modes"][name] = {
            "pick": (chosen.l2, chosen.dropout, chosen.epochs), "seconds": seconds, "helps": result.helps,
            "confidence": result.confidence, "tier": result.tier, "num_cells": len(frame),
        }  # fmt: skip
        if "cells" not in row:
            row["cells"] = frame.select("l2", "dropout").rows()
    return row


def judged(case, row, peers):
    """Test losses of every pick and of the whole grid, on networks trained on all training rows."""
    last = case.epochs
    picks = {name: mode["pick"] for name, mode in row["modes"].items()}
    picks |= {name: (*peer, last) for name, peer in peers.items()} | {"none": (0.0, 0.0, last)}
    epochs = sorted({epochs for *_, epochs in picks.values()})
    cells = [tuple(pick[:2]) for pick in picks.values()]
    grid = [] if case.name == "mnist" else row["cells"]
    losses = test_losses(case, cells + grid, epochs).mean(axis=(2, 3))
    row["loss"] = {
        name: float(losses[k, epochs.index(pick[2])]) for k, (name, pick) in enumerate(picks.items())
    }  # fmt: skip
    row["oracle"] = float(losses[:, -1].min())
    row["picks"] = picks
    return row


def peers_of(rows, table, split):
    """(λ, dropout) of each peer for one case."""
    picks = {}
    for row in rows:
        if (row["table"], row["split"]) != (table, split):
            continue
        if row["kind"] == "plain":
            picks[row["method"]] = row["pick"]
        elif row["kind"] == "peers":
            picks |= {method: row[method]["pick"] for method in ("TPE", "Wilcoxon")}
    return picks


def report(paths, out):
    rows = [json.loads(line) for path in paths for line in Path(path).read_text().splitlines()]
    own = [row for row in rows if row["kind"] == "sweep"]
    loads = [row["load"] for row in own if "load" in row]
    checks = [
        f"{row['table']}, {row['method']}: {row['seconds']:.1f} s measured, {row['counted']:.1f} s counted"
        for row in rows if row["kind"] == "check"
    ]  # fmt: skip
    tables = [row for row in own if row["table"] != "mnist"]
    text = "\n".join([
        "# `justfit.sweep` against Optuna 5 at choosing λ and dropout", "",
        "Produced by `benchmarks/choice_sweep.py`, whose head says what is compared; one thread, CPU seconds.", "",
        f"{describe_machine('torch', 'optuna')} Other work ran beside it (load {min(loads):.0f}–{max(loads):.0f} on "
        f"{os.cpu_count()} cores); CPU seconds are compared.", "",
        f"## MLP 64-64 on {len({row['table'] for row in tables})} tables", "",
        f"Adam 5e-3, cosine, 30 epochs, batch 32, at most {MAX_ROWS} training rows. Optuna: 100 trials, λ over "
        "4.5 decades below the largest useful one (it is told; `justfit.sweep` has to find it), p in 0 … 0.6; "
        "its CPU seconds are trainings × one plain PyTorch training (fused Adam, coupled weight decay), timed around "
        "each sweep, and what Optuna itself took. Checked on studies that trained all of their networks by the plain "
        f"loop: {'; '.join(checks) or 'none'}. The rule by which the grid stops growing was chosen on splits 60 to 62 "
        "of these tables; the split here is 0. One split of each table was measured, so intervals are over tables. "
        "Optuna's picks are those of an earlier run: they do not depend on `justfit.sweep`.", "",
        *compared(rows, tables), "",
        "## Small conv net on MNIST, 5,000 rows", "",
        "Conv 6 and 16, Linear 64, two dropouts; Adam 4e-3, cosine, 5 epochs, batch 50. Optuna trains its networks "
        "itself; its seconds are measured, and scaled by what one plain training took then and beside the sweep. "
        "`justfit.sweep` gets λ in 0, 1, 10, 100, p in 0, .25, .5, three folds; the loop trains it.", "",
        *compared(rows, [row for row in own if row["table"] == "mnist"]), "",
    ])  # fmt: skip
    print(text)
    if out:
        Path(out).write_text(text, encoding="utf-8")


def compared(rows, own):
    """Loss and cost of every method; paired differences and ratios of cost of every mode to each peer."""
    if not own:
        return ["Not measured."]
    peers = [name for name in ("TPE", "Wilcoxon") if all(name in row["loss"] for row in own)]
    modes = list(own[0]["modes"])
    cost = {mode: np.array([row["modes"][mode]["seconds"] for row in own]) for mode in modes}
    cost |= {peer: np.array([peer_seconds(rows, row, peer) for row in own]) for peer in peers}
    loss = {name: np.array([row["loss"][name] for row in own]) for name in (*modes, *peers, "none")}
    oracle = np.array([row["oracle"] for row in own])
    lines = ["| method | test loss, nats | above the best tried | CPU s |", "|---|---|---|---|"]
    for name, values in loss.items():
        seconds = f"{cost[name].mean():.1f}" if name in cost else "0"
        lines.append(f"| {name} | {values.mean():.4f} | {(values - oracle).mean():+.4f} | {seconds} |")
    lines += [
        "",
        "| sweep against | difference of test loss, 95 % interval | CPU, median ratio (range) |",
        "|---|---|---|",
    ]
    for mode in modes:
        for peer in peers:
            mean, half = interval(loss[mode] - loss[peer])
            ratio = cost[peer] / cost[mode]
            error = f" ± {half:.4f}" if len(own) > 1 else " (one split: no interval)"
            lines.append(
                f"| {mode} − {peer} | {mean:+.4f}{error} | 1/{np.median(ratio):.1f} "
                f"(1/{ratio.min():.1f} … 1/{ratio.max():.1f}) |"
            )
    names = [*modes, *peers, "none"]
    lines += ["", "| case | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for row in own:
        lines.append(f"| {row['table']} {row['split']} | " + " | ".join(f"{row['loss'][n]:.4f}" for n in names) + " |")
    return lines


def peer_seconds(rows, own, peer):
    """CPU seconds of a peer at the speed of the machine when the sweep ran, told by one plain training then and now."""
    for row in rows:
        if (row["table"], row["split"]) != (own["table"], own["split"]):
            continue
        if row["kind"] == "plain" and row["method"] == peer:
            return row["seconds"] * float(np.mean(own["each"])) / row["each"]
        if row["kind"] == "peers":
            return row[peer]["trainings"] * float(np.mean(own["each"])) + row[peer]["own_seconds"]
    raise LookupError(peer, own["table"])


def interval(values):
    """Mean and the half-width of its 95 % interval (Student's)."""
    if len(values) == 1:
        return float(values[0]), math.nan
    half = stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return float(np.mean(values)), float(half)


def run_peers(options):
    if options.what == "tables":
        for split in range(options.splits):
            for name in NAMES:
                append(options.log, peers_table(name, split))
        return
    for method in options.methods.split(","):
        for split in range(options.splits):
            append(options.log, peers_plain(conv_case(split), method, split))


def run_own(options):
    plain_seconds(table_case(NAMES[0], 0, MAX_ROWS))  # torch's first calls are slow
    peers = [json.loads(line) for path in options.peers for line in Path(path).read_text().splitlines()]
    for table, split in dict.fromkeys((row["table"], row["split"]) for row in peers):
        is_conv = table == "mnist"
        if is_conv == (options.what == "mnist"):
            case = conv_case(split) if is_conv else table_case(FILES[table], split, MAX_ROWS)
            row = swept(case, split, CONV_MODES if is_conv else MODES)
            append(options.log, judged(case, row, peers_of(peers, table, split)))


def append(log, row):
    with Path(log).open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    print(json.dumps(row)[:300], flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in ("peers", "sweep", "check"):
        one = commands.add_parser(command)
        one.add_argument("what", choices=("tables", "mnist"))
        one.add_argument("--log", required=True)
        one.add_argument("--splits", type=int, default=2)
        one.add_argument("--peers", nargs="*", default=[])
        one.add_argument("--methods", default="TPE,Wilcoxon")
    show = commands.add_parser("report")
    show.add_argument("logs", nargs="+")
    show.add_argument("--out")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    if options.command == "report":
        report(options.logs, options.out)
    elif options.command == "peers":
        run_peers(options)
    elif options.command == "check":
        plain_seconds(table_case(NAMES[0], 0, MAX_ROWS))  # torch's first calls are slow
        for name in CHECKED:
            for method in options.methods.split(","):
                append(options.log, checked(name, method, 0))
    else:
        run_own(options)


if __name__ == "__main__":
    main()
