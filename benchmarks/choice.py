"""How good and how stable is the choice of λ and dropout? Ten resplits of real tables, against what people use.

    python benchmarks/choice.py run --shard 0/2 --log build/choice-0.jsonl   (one thread each; shards may run at once)
    python benchmarks/choice.py report build/choice-*.jsonl --out benchmarks/results/choice.md

Every method picks one (λ, dropout) from the same training rows. The picked cell is then trained on all training rows by
the same program with the same three seeds, and its mean loss on the test rows is compared with that of the best cell of
the whole grid (the oracle, which looks at the test rows): the difference is the regret. Methods:

* justfit: the default plan of `justfit fit`.
* none: λ = 0, dropout = 0.
* GridSearchCV(MLPClassifier): 5 folds, as many values of alpha (half-decades around the middle of the grid) as fit into
  the CPU seconds that justfit took; same widths, batch size, learning rate and number of epochs; it has no dropout.
* Optuna 5, TPE, one holdout (20 %) and one seed: as many trials, at most 100, as an ordinary PyTorch training loop
  (fused Adam, timed once per resplit) would finish in the CPU seconds that justfit took. To keep the benchmark short
  its trials are trained by this project's engine, one network at a time: the networks are the same (tests/references).

`justfit.sweep`, with 100 trials of Optuna and its Wilcoxon pruner, is in choice_sweep.py.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import json
import math
import sys
import time
import warnings
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from _machine import describe_machine
from justfit.sweep import (
    NEVER_HELD_OUT,
    NO_FOLD,
    Problem,
    Program,
    Variant,
    Wishes,
    assign_folds,
    decide,
    make_plan,
)
from justfit.tables import Encoder, drop_unlabelled, infer_target, read_table, split_rows

TABLES = Path(__file__).resolve().parents[2] / "shared" / "data" / "tables"
NAMES = ("australian.tsv.gz", "car.tsv.gz", "credit_g.tsv.gz", "phoneme.tsv.gz", "pima.tsv.gz", "sonar.tsv.gz",
         "vehicle.tsv.gz", "splice.tsv.gz")  # fmt: skip
MAX_ROWS = 1_000
NUM_RESPLITS = 10
REFIT_SEEDS = (1_000_001, 1_000_002, 1_000_003)


def load(name, resplit):
    """Training problem (folds not yet dealt) and test rows of one resplit."""
    frame, _ = drop_unlabelled(read_table(TABLES / name).frame, "target")
    target = infer_target(frame["target"], task="classification", name="target")
    codes = target.encode(frame["target"])
    train, test = split_rows(codes, task="classification", test_fraction=0.25, seed=resplit)
    train = np.random.default_rng(resplit).permutation(train)[:MAX_ROWS]
    encoder = Encoder().fit(frame[train], exclude="target")
    problem = Problem(
        torch.from_numpy(encoder.transform(frame[train])), torch.from_numpy(codes[train]),
        torch.full((len(train),), NEVER_HELD_OUT), "classification", len(target.classes),
    )  # fmt: skip
    return problem, torch.from_numpy(encoder.transform(frame[test])), torch.from_numpy(codes[test])


def test_losses(problem, recipe, cells, inputs, targets):
    """Mean test loss of each cell, trained on all rows with the refit seeds."""
    variants = [Variant(l2=l2, dropout=p, fold=NO_FOLD, seed=seed) for l2, p in cells for seed in REFIT_SEEDS]
    program = Program(problem, recipe, variants)
    program.advance(recipe.epochs)
    with torch.no_grad():
        outputs = [program.module(index)(inputs) for index in range(len(variants))]
    losses = [functional.cross_entropy(output, targets).item() for output in outputs]
    return np.array(losses).reshape(len(cells), len(REFIT_SEEDS)).mean(axis=1)


def choose_justfit(problem, seed):
    start = time.process_time()
    plan = make_plan(len(problem.targets), problem.inputs.shape[1], problem.num_outputs, Wishes())
    dealt = replace(problem, fold_of_rows=assign_folds(problem.targets, problem.task, plan.num_folds, seed))
    decision = decide(dealt, plan, fixed_l2=None, seed=seed, unit="nats", num_threads=1, deadline=math.inf)
    return decision.record, plan, time.process_time() - start


def choose_grid_search(problem, recipe, l2_values, seed, cpu_seconds):
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.neural_network import MLPClassifier

    inputs, targets = problem.inputs.numpy(), problem.targets.numpy()
    start = time.process_time()

    def network(alpha):
        return MLPClassifier(
            recipe.hidden, alpha=alpha, batch_size=recipe.batch_size, learning_rate_init=recipe.learning_rate,
            max_iter=recipe.epochs, n_iter_no_change=recipe.epochs, random_state=seed,
        )  # fmt: skip

    def alpha_of(l2):
        return l2 * recipe.batch_size / len(inputs)

    positive = [l2 for l2 in l2_values if l2 > 0]
    network(alpha_of(1.0)).fit(inputs, targets)
    each = time.process_time() - start
    count = int(np.clip((cpu_seconds / each - 1) // 5, 2, len(positive)))
    middle = np.argsort(np.abs(np.arange(len(positive)) - (len(positive) - 1) / 2), kind="stable")[:count]
    tried = [positive[index] for index in sorted(middle)]
    search = GridSearchCV(
        network(0.0), {"alpha": [alpha_of(l2) for l2 in tried]}, scoring="neg_log_loss",
        cv=StratifiedKFold(5, shuffle=True, random_state=seed), refit=False,
    )  # fmt: skip
    search.fit(inputs, targets)
    return (tried[search.best_index_], 0.0), time.process_time() - start, 5 * count


def plain_training_seconds(problem, recipe):
    """CPU seconds of one ordinary PyTorch training on four fifths of the rows."""
    rows = int(0.8 * len(problem.targets))
    widths = (problem.inputs.shape[1], *recipe.hidden)
    layers = []
    for fan_in, fan_out in pairwise(widths):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU(), nn.Dropout(0.3)]
    network = nn.Sequential(*layers, nn.Linear(widths[-1], problem.num_outputs))
    optimizer = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate, weight_decay=1 / rows, fused=True)
    start = time.process_time()
    for _ in range(recipe.epochs):
        order = torch.randperm(rows)
        for first in range(0, rows - recipe.batch_size + 1, recipe.batch_size):
            batch = order[first : first + recipe.batch_size]
            optimizer.zero_grad()
            functional.cross_entropy(network(problem.inputs[batch]), problem.targets[batch]).backward()
            optimizer.step()
    return time.process_time() - start


def choose_optuna(problem, recipe, largest_l2, seed, num_trials):
    """Return the (λ, dropout) of the best trial."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    holdout = replace(problem, fold_of_rows=assign_folds(problem.targets, problem.task, 5, seed))

    def objective(trial):
        l2 = trial.suggest_float("l2", largest_l2 * 10**-4.5, largest_l2, log=True)
        dropout = trial.suggest_float("dropout", 0.0, 0.6)
        program = Program(holdout, recipe, [Variant(l2=l2, dropout=dropout, fold=0, seed=seed)])
        program.advance(recipe.epochs)
        return program.losses(holdout.validation_rows)[0].mean().item()

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    for _ in range(num_trials):
        trial = study.ask()
        study.tell(trial, objective(trial))
    return study.best_params["l2"], study.best_params["dropout"]


def run_one(name, resplit):
    problem, inputs, targets = load(name, resplit)
    record, plan, cpu = choose_justfit(problem, resplit)
    recipe = plan.refit_recipe
    cells = [(l2, p) for l2 in record.l2 for p in record.dropout]
    grid = test_losses(problem, recipe, cells, inputs, targets)
    anchor = (0.0, 0.0)
    picks = {"justfit": (record.chosen_l2, record.chosen_dropout), "none": anchor}
    seconds = {"justfit": cpu, "none": 0.0}
    best = record.best
    picks["smallest cross-validated loss"] = (record.l2[best[0]], record.dropout[best[1]])
    seconds["smallest cross-validated loss"] = cpu
    pick, used, fits = choose_grid_search(problem, recipe, record.l2, resplit, cpu)
    picks["GridSearchCV"], seconds["GridSearchCV"] = pick, used
    each = plain_training_seconds(problem, recipe)
    trials = int(np.clip(cpu / each, 1, 100))
    picks["Optuna"], seconds["Optuna"] = choose_optuna(problem, recipe, record.l2[-1], resplit, trials), trials * each
    own = list(picks)
    losses = dict(
        zip(own, test_losses(problem, recipe, [picks[method] for method in own], inputs, targets), strict=True)
    )
    return {
        "table": name.split(".")[0], "resplit": resplit, "num_rows": len(problem.targets), "oracle": float(grid.min()),
        "l2": record.l2, "dropout": record.dropout, "ridge": record.ridge, "helps": record.helps,
        "confidence": record.confidence, "grid": grid.tolist(), "grid_search_fits": fits, "optuna_trials": trials,
        "picks": picks, "loss": {k: float(v) for k, v in losses.items()}, "cpu_seconds": seconds,
    }  # fmt: skip


def summarise(paths):
    rows = [json.loads(line) for path in paths for line in Path(path).read_text().splitlines()]
    by_table = defaultdict(list)
    for row in rows:
        by_table[row["table"]].append(row)
    methods = list(rows[0]["picks"])
    lines = ["| method | mean regret, nats | median | worst table | SD of log10 λ | worse than none | CPU s |",
             "|---|---|---|---|---|---|---|"]  # fmt: skip
    for method in methods:
        regret = {t: np.mean([r["loss"][method] - r["oracle"] for r in some]) for t, some in by_table.items()}
        spread = [np.std([log_l2(r, method) for r in some], ddof=1) for some in by_table.values() if len(some) > 1]
        worse = np.mean([r["loss"][method] > r["loss"]["none"] for r in rows])
        worst = max(regret, key=regret.get)
        cpu = np.mean([r["cpu_seconds"][method] for r in rows])
        every = np.median([r["loss"][method] - r["oracle"] for r in rows])
        lines.append(f"| {method} | {np.mean(list(regret.values())):.4f} | {every:.4f} | "
                     f"{regret[worst]:.4f} ({worst}) | "
                     f"{np.mean(spread) if spread else math.nan:.2f} | {worse:.1%} | {cpu:.1f} |")  # fmt: skip
    lines += ["", "Mean regret by table:", "", "| table | rows | " + " | ".join(methods) + " |",
              "|" + "---|" * (len(methods) + 2)]  # fmt: skip
    for table, some in by_table.items():
        cells = [f"{np.mean([r['loss'][m] - r['oracle'] for r in some]):.4f}" for m in methods]
        lines.append(f"| {table} | {some[0]['num_rows']} | " + " | ".join(cells) + " |")
    return rows, by_table, lines


def log_l2(row, method):
    """log10 λ; 0 counts as half a decade below the smallest positive λ of the grid."""
    return math.log10(max(row["picks"][method][0], row["l2"][1] / math.sqrt(10)))


def report(paths, out):
    rows, by_table, lines = summarise(paths)
    trials = np.mean([r["optuna_trials"] for r in rows])
    text = "\n".join([
        "# Quality of the choice", "",
        "Produced by `benchmarks/choice.py`, whose head says what is compared. Regret: test loss of the chosen cell − "
        "that of the best of the 40 cells, both trained on all training rows with the same three seeds. "
        f"{len(by_table)} tables × {len(rows) // len(by_table)} resplits, at most {MAX_ROWS} training rows. "
        f"Optuna gets {trials:.0f} trials on average; its CPU seconds are nominal (trials × one timed training). "
        "A pick equal to none counts as not worse.", "",
        describe_machine("torch", "optuna", "scikit-learn"), "", *lines, "",
    ])  # fmt: skip
    print(text)
    if out:
        Path(out).write_text(text, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run")
    run.add_argument("--shard", default="0/1")
    run.add_argument("--log", required=True)
    run.add_argument("--resplits", type=int, default=NUM_RESPLITS)
    show = commands.add_parser("report")
    show.add_argument("logs", nargs="+")
    show.add_argument("--out")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    if options.command == "report":
        report(options.logs, options.out)
        return
    if not TABLES.is_dir():
        sys.exit(f"the tables are not at {TABLES}")
    shard, shards = map(int, options.shard.split("/"))
    jobs = [(name, resplit) for resplit in range(options.resplits) for name in NAMES]
    log = Path(options.log)
    done = (
        {(row["table"], row["resplit"]) for row in map(json.loads, log.read_text().splitlines())}
        if log.exists()
        else ()
    )
    for name, resplit in jobs[shard::shards]:
        if (name.split(".")[0], resplit) in done:
            continue
        row = run_one(name, resplit)
        with Path(options.log).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(name, resplit, {k: round(v - row["oracle"], 4) for k, v in row["loss"].items()}, flush=True)


if __name__ == "__main__":
    main()
