"""From raw numbers to the file of cases: stops, forms, labels, a balanced draw, and thin curves."""

from __future__ import annotations

import gzip
import json
import math
from collections import defaultdict

import numpy as np

from fit_cases._describe import describe
from fit_cases._grid import CELLS, PLANS, SEEDS, recipe_of
from fit_cases._label import TOLERANCE, Grid
from fit_cases._tables import digest, split_of

CLEAR_PER_CLASS, AMBIGUOUS_PER_CLASS = 12, 4  # at most, of each problem
MOST_POINTS = 120
FEW_EPOCHS = (5, 20)
SHARE_SMALL, SHARE_RUNNING, SHARE_SCORE = 0.35, 0.6, 0.15


def write_cases(folder, out, results):
    """Label every problem in `folder`, draw cases, write them as gzipped JSON lines and a table of what they are."""
    cases, facts = [], []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as file:
            drawn, known = _draw({key: file[key] for key in file.files})
        cases += drawn
        facts.append(known)
    text = "".join(json.dumps(case, separators=(",", ":")) + "\n" for case in cases)
    out.write_bytes(gzip.compress(text.encode(), mtime=0))
    print(f"{len(cases)} cases, {out.stat().st_size / 1e6:.2f} MB")
    results.write_text(describe(cases, facts), encoding="utf-8")


def _draw(raw):
    facts = json.loads(str(raw["facts"]))
    rng = np.random.default_rng(digest("draw", facts["table"], facts["number"]))
    grids, pools, known = _grids(raw, facts), defaultdict(list), []
    candidates = rng.permutation(np.array(list(_candidates(raw, rng))))
    for place in map(tuple, candidates.tolist()) if grids else ():
        form = _form(facts, PLANS[place[0]], rng, has_score="accuracy" in grids)
        grid = grids["accuracy" if form["score"] == "accuracy" else "loss"]
        if not grid.finite[grid.index[place[:3]]]:
            continue
        label = grid.label(*place[:3])
        of_seeds = [grid.label(*place[:3], seed=seed).state for seed in SEEDS]
        ambiguous = label.ambiguous or of_seeds[place[3]] != label.state
        twin = grids["narrow"].label(*place[:3]) if grid is grids["loss"] else label
        known.append((label.state, ambiguous, of_seeds.count(label.state) / len(SEEDS), twin.state == label.state))
        pool = pools[label.state, ambiguous]
        if len(pool) < (AMBIGUOUS_PER_CLASS if ambiguous else CLEAR_PER_CLASS):
            pool.append(_case(raw, facts, place, form) | _labels(label, ambiguous, of_seeds[place[3]], grid))
    facts |= {"known": known, "constant": float(raw["constant_H"].mean()), "best": Grid(raw).best}
    return [case for pool in pools.values() for case in pool], facts


def _grids(raw, facts):
    grid = Grid(raw)
    if not grid.measurable:
        return {}
    grids = {"loss": grid, "narrow": Grid(raw, tolerance=TOLERANCE / 2)}
    if facts["task"] == "classification" and facts["num_outputs"] == 2:
        accuracy = Grid(raw, score=True)
        if accuracy.measurable:
            grids["accuracy"] = accuracy
    return grids


def _labels(label, ambiguous, seed_state, grid):
    return {
        "label": label.state, "ambiguous": ambiguous, "seed_label": seed_state,
        "excess": _short(label.excess), "excess_se": _short(label.excess_se, 3), "tolerance": _short(label.tolerance),
        "learnable": _short(grid.learnable), "train_part": _short(label.train_part), "gap_part": _short(label.gap_part),
        "restraint_helps": _short(label.restraint), "freedom_helps": _short(label.freedom),
    }  # fmt: skip


def _candidates(raw, rng):
    """Every configuration at its end and, where the learning rate is constant, cut off earlier too."""
    for plan, planned in enumerate(PLANS):
        test = raw[f"{plan}/test"]
        few = [t for t in test[:-1] if FEW_EPOCHS[0] <= t <= FEW_EPOCHS[1]]
        middle = [t for t in test[:-1] if t > FEW_EPOCHS[1]]
        for cell in range(len(CELLS)):
            stops = [test[-1]]
            if not planned.cosine:
                stops += [rng.choice(some) for some in (few, middle) if some]
            for stop in stops:
                yield plan, cell, stop, rng.choice(SEEDS)


def _form(facts, plan, rng, *, has_score):
    small, running, score = rng.random(3) < (SHARE_SMALL, SHARE_RUNNING, SHARE_SCORE)
    running = bool(running and plan.running)
    kind = ""
    if score and facts["task"] == "regression":
        kind = "r2"
    elif score and has_score and not running:
        kind = "accuracy"
    return {"validation": "small" if small else "full", "running": running, "score": kind}


def _case(raw, facts, place, form):
    plan, cell, stop, seed = place
    recipe, _ = recipe_of(PLANS[plan], facts["num_train"])
    record = raw[f"{plan}/record"]
    kept = _thin(record, stop)
    which = 0 if form["validation"] == "full" else 1
    column = 2 if form["score"] == "accuracy" else 0
    train = raw[f"{plan}/train"][cell, seed][kept]
    validation = raw[f"{plan}/{'small' if which else 'validation'}"][cell, seed][kept]
    num_validation = facts["num_small"] if which else facts["num_validation"]
    series = {
        "train_loss": train[:, column], "validation_loss": validation[:, column],
        "train_loss_se": train[:, 1], "validation_loss_se": validation[:, 1],
    }  # fmt: skip
    if form["running"]:
        series["train_loss"] = raw[f"{plan}/running"][cell, seed][kept]
        series["train_loss_se"] = np.full(len(kept), math.nan)
    constant, references = float(raw["constant"][which]), _references(raw, which, column)
    if form["score"] == "accuracy":
        constant = float(raw["constant_right"][which])
        for part, rows in (("train", facts["num_train"]), ("validation", num_validation)):
            right = series[f"{part}_loss"]
            series[f"{part}_loss_se"] = np.sqrt(np.maximum(right * (1 - right), 0.5 / rows) / rows)
    elif form["score"] == "r2":
        for name, values in series.items():
            series[name] = values / constant if name.endswith("_se") else 1 - values / constant
        references = {name: 1 - value / constant for name, value in references.items()}
        constant = 0.0
    name = min(references, key=references.get) if not form["score"] else max(references, key=references.get)
    return {
        "table": facts["table"], "split": split_of(facts["table"]), "problem": facts["number"], "task": facts["task"],
        "noise": facts["noise"], "seed": seed,
        "config": {
            "hidden": recipe.hidden, "activation": recipe.activation, "batch_size": recipe.batch_size,
            "learning_rate": recipe.learning_rate, "schedule": "cosine" if PLANS[plan].cosine else "constant",
            "optimizer": "adam" if recipe.eps < 1 else "adam with eps 1, close to sgd with momentum 0.9",
            "l2": CELLS[cell][0], "dropout": CELLS[cell][1],
        },
        "form": form, "epochs": record[kept].tolist(),
        **{key: [_short(x, 3 if key.endswith("_se") else 5) for x in values] for key, values in series.items()},
        "direction": "maximize" if form["score"] else "minimize", "train_mode": form["running"],
        "constant_loss": _short(constant), "reference_loss": _short(references[name]), "reference_name": name,
        "references": {key: _short(value) for key, value in references.items()},
        "num_train": facts["num_train"], "num_validation": num_validation,
    }  # fmt: skip


def _references(raw, which, column):
    """On the rows of the case's own validation set: the best (plan, cell, epoch) by mean over seeds, and boosting."""
    kind = "small" if which else "validation"
    best = max if column == 2 else min
    means = [raw[f"{plan}/{kind}"][..., column].mean(1) for plan in range(len(PLANS))]
    references = {"best of a sweep": float(best(best(mean[np.isfinite(mean)]) for mean in means))}
    if "boosting" in raw:
        references["gradient boosting"] = float(raw["boosting_right" if column == 2 else "boosting"][which])
    return references


def _thin(record, stop):
    """Positions of at most 120 recorded epochs up to `stop`, evenly spread, the last one among them."""
    upto = np.flatnonzero(record <= stop)
    if len(upto) <= MOST_POINTS:
        return upto
    return np.unique(np.round(np.linspace(0, upto[-1], MOST_POINTS)).astype(int))


def _short(value, digits=5):
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None
