"""Planted faults repaired: `justfit.cure` beside random search, Optuna and AutoTrainer's repairs, on the same rows.

    python benchmarks/repair.py [--part tune|final|all] [--methods …] [--out benchmarks/results/repair.md]

**Cases.** Each fault of `repair_cases` is planted in a small training on MNIST, blob, circle or a table, with three
seeds; its twin is the same training on the same rows with the same seed and without the fault. Points are accuracy in
percent, or R² · 100 (at least 0); a network that is not finite is worth 0. A fault counts only if it does measurable
harm: twin − sick on the test rows is at least 2 points in the mean over the seeds. A run is repaired if its network
ends within 2 points of its own twin on the test rows, which no method ever reads. The case is repaired if most of its
seeds are. A twin has the batch order of the method that it is held against: `cure` keeps the validation rows among the
examples, so it visits the training rows in another order than a plain loop, and on the small sets two orders of one
healthy training lie up to nine points apart.

**Methods.** `justfit.cure` is given what a user has: build, data, loss, optimizer, epochs; it may spend three
trainings, the user's own among them. The rivals may spend three or six trainings on top of the user's own, and alter
the recipe itself (see `_repair_rivals.py`); they run on `final` only. The cause is right if the word of `Cure.cause`
names what was planted.

**Healthy runs.** All twins and further healthy trainings, each seed; any proposed change counts against `cure`.

**How the cases came about.** The faults were planted apart from `cure`, from a list of what goes wrong in practice,
before any version of it had run. After plain trainings of one seed, twins that trained badly were mended, about thirty
near duplicates were dropped. After the first reading of `tune` the bar of harm became the plain two points (two
standard errors had left out a fault that ruins one seed of three) and fifteen healthy trainings were added; after the
second, twins were paired in their batch order. A hash of the name splits faults and healthy trainings into `tune`,
which was looked at as often as wished while `cure` was written, and `final`, which was read once, with the version
named below. The two share data sets and healthy twins, so `final` says how far the rules carry to other faults of the
same trainings, not to other trainings. Both hands knew the categories.

Runs are kept in build/repair, one line each; delete it to repeat them.
"""

import argparse
import collections
import dataclasses
import hashlib
import json
import os
import statistics
import sys
import time
import traceback
import warnings
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import torch

import _repair_report as report
import _repair_rivals as rivals
import repair_cases
from _machine import describe_machine
from repair_cases import FAULTS, HEALTHY, Recipe

CACHE = ROOT / "build" / "repair"
SEEDS = (0, 1, 2)
WITHIN = 2.0  # points of the twin
HARM = 2.0  # points below the twin
BUDGET = 3.0
CURE = "justfit.cure"
SEARCHES = {
    "random search": rivals.random_search,
    "Optuna 5 TPE": rivals.optuna_search,
    "AutoTrainer": rivals.auto_trainer,
}


class Kept:
    """Results on disk, one JSON line each; the last line of a key counts."""

    def __init__(self, name):
        self.path = CACHE / f"{name}.jsonl"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        self.rows = {row["key"]: row for row in map(json.loads, lines)}

    def get(self, key, make):
        if key not in self.rows:
            row = {"key": key, **make()}
            with self.path.open("a") as file:
                file.write(json.dumps(row) + "\n")
            self.rows[key] = row
        return self.rows[key]


def fingerprint(recipe: Recipe) -> str:
    changed = {f.name: getattr(recipe, f.name) for f in dataclasses.fields(recipe)}
    return hashlib.sha256(repr(sorted(changed.items())).encode()).hexdigest()[:16]


class Bench:
    """Trains what has not been trained yet."""

    def __init__(self, version):
        self.trained, self.with_symptoms = Kept("trained"), Kept("symptoms")
        self.searches = {name: Kept(name.replace(" ", "_")) for name in SEARCHES}
        self.cures, self.version = Kept("cure"), version

    def train(self, recipe, seed, as_cure=False):
        key = f"{fingerprint(recipe)} {seed}" + (" as cure" if as_cure else "")
        return self.trained.get(key, lambda: self._train(recipe, seed, as_cure=as_cure))

    def _train(self, recipe, seed, after_epoch=None, as_cure=False):
        try:
            one = repair_cases.train(recipe, seed, after_epoch, as_cure)
        except (RuntimeError, ValueError) as error:  # a drawn recipe that cannot be trained is a failed trial
            return {"validation": 0.0, "test": 0.0, "seconds": 0.0, "error": str(error)[:200]}
        return {"validation": one.validation, "test": one.test, "seconds": round(one.cpu_seconds, 4)}

    def train_with_symptoms(self, recipe, seed):
        def make():
            symptoms = rivals.Symptoms(rivals.TARGET)
            row = self._train(recipe, seed, symptoms.see)
            return {**row, "symptoms": symptoms.verdict() if symptoms.accuracies else []}

        row = self.with_symptoms.get(f"{fingerprint(recipe)} {seed}", make)
        return row, row["symptoms"]

    def search(self, method, name, recipe, seed):
        train = self.train_with_symptoms if method == "AutoTrainer" else self.train

        def make():
            trials = SEARCHES[method](recipe, seed, train, name)
            keep = ("validation", "test", "seconds")
            return {"trials": [{key: one[key] for key in keep} for one in trials]}

        return self.searches[method].get(f"{name} {fingerprint(recipe)} {seed}", make)["trials"]

    def cure(self, name, recipe, seed):
        key = f"{self.version} {name} {fingerprint(recipe)} {seed}"
        return self.cures.get(key, lambda: cured(recipe, seed))


def cured(recipe, seed):
    """What `justfit.cure` makes of a recipe."""
    import justfit

    arguments = repair_cases.cure_arguments(recipe, seed)
    *_, test = repair_cases.load(recipe, seed)
    build, train, validation = (arguments.pop(name) for name in ("build", "train", "validation"))
    started, wall = time.process_time(), time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cure = justfit.cure(build, train, validation, budget=BUDGET, **arguments)
            spent = time.process_time() - started, time.perf_counter() - wall
            score = repair_cases.points(cure.model(), *test, repair_cases.task_of(recipe.data))
    except Exception as error:  # a crash is a miss, and is listed
        where = traceback.format_exc().strip().splitlines()[-3:]
        return {"state": "error", "cause": "", "changes": f"{error!r} {where}"[:600], "test": 0.0, "trainings": 0.0,
                "epochs": 0, "cpu_seconds": time.process_time() - started, "seconds": 0.0, "patch": ""}  # fmt: skip
    return {
        "state": cure.state,
        "cause": cure.cause,
        "changes": "; ".join(f"{one.where}: {one.before} → {one.after}" for one in cure.changes)[:400],
        "test": score,
        "trainings": float(cure.cost.trainings),
        "epochs": int(cure.cost.network_epochs),
        "cpu_seconds": round(spent[0], 4),
        "seconds": round(spent[1], 4),
        "patch": str(cure.patch)[:600],
    }


def version_of_cure():
    """Digest of the repair room: a new version of it is a new reading."""
    digest = hashlib.sha256()
    import justfit.repair

    for path in sorted(Path(justfit.repair.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


# --- what is faulty ------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Labelled:
    """A fault with what it does to the test points, seed by seed."""

    fault: repair_cases.Fault
    twin: list[float]
    sick: list[float]

    @property
    def harm(self):
        return [healthy - sick for healthy, sick in zip(self.twin, self.sick, strict=True)]

    @property
    def is_harmful(self):
        return statistics.fmean(self.harm) >= HARM


def label(bench, faults, seeds):
    labelled = []
    for fault in faults:
        pairs = [(bench.train(fault.twin, seed), bench.train(fault.sick, seed)) for seed in seeds]
        one = Labelled(fault, [twin["test"] for twin, _ in pairs], [sick["test"] for _, sick in pairs])
        labelled.append(one)
        mark = "" if one.is_harmful else "  harmless"
        ends = f"twin {statistics.fmean(one.twin):5.1f}  sick {statistics.fmean(one.sick):5.1f}"
        print(f"{fault.part:5} {ends}  {fault.name}{mark}", flush=True)
    return labelled


def healthy_recipes(quick):
    """(part, name, recipe) of each healthy training: twins, named after the first fault they are of, and others.

    A twin of any fault of `tune` was looked at with it; of the others the hash of the name decides.
    """
    named = {}
    for fault in sorted(FAULTS, key=lambda fault: fault.part, reverse=True):
        named.setdefault(fault.twin, (fault.part, f"twin of {fault.name}"))
    for name, recipe in HEALTHY.items():
        named.setdefault(recipe, (repair_cases.part_of(name), name))
    return [(*place, recipe) for recipe, place in named.items()][:: 6 if quick else 1]


# --- what each method makes of it ----------------------------------------------------------------------------------


@dataclasses.dataclass
class Outcome:
    """One method on one sick run.

    Attributes:
        short: Points that the final network lacks to its twin on the test rows.
        gained: Points that it is above the sick network there.
        trainings: CPU seconds over those of the user's own training, which is one of them.
        seconds: CPU seconds of that training.
        cure: The whole row of `justfit.cure`; empty for the others.
    """

    labelled: Labelled
    seed: int
    short: float
    gained: float
    trainings: float
    seconds: float
    cure: dict

    @property
    def is_repaired(self):
        return self.short <= WITHIN

    @property
    def name(self):
        return f"{self.labelled.fault.name}, seed {self.seed}"


def outcomes_of(bench, method, one, seed):
    """Outcomes of a method on one sick run, by budget."""
    fault = one.fault
    own, twin = (bench.train(recipe, seed, as_cure=method == CURE) for recipe in (fault.sick, fault.twin))
    twin = twin["test"]
    seconds = max(own["seconds"], 1e-9)
    if method == "nothing":
        yield "", Outcome(one, seed, twin - own["test"], 0.0, 1.0, seconds, {})
    elif method == CURE:
        row = bench.cure(fault.name, fault.sick, seed)
        test = own["test"] if row["state"] == "error" else row["test"]
        yield "", Outcome(one, seed, twin - test, test - own["test"], row["trainings"], seconds, row)
    else:
        trials = bench.search(method, fault.name, fault.sick, seed)
        for budget in (3, 6):
            spent = trials[:budget]
            best = max([own, *spent], key=lambda trial: trial["validation"])
            cost = 1 + sum(trial["seconds"] for trial in spent) / seconds
            yield (
                f", {budget} trainings",
                Outcome(one, seed, twin - best["test"], best["test"] - own["test"], cost, seconds, {}),
            )


def run(bench, labelled, methods, seeds):
    found = collections.defaultdict(list)
    for seed in seeds:  # all cases of a seed first, so that a run cut short has seen each
        for method in methods:
            for one in labelled:
                for budget, outcome in outcomes_of(bench, method, one, seed):
                    found[method + budget].append(outcome)
                    if method == CURE:
                        tell(outcome)
    return found


def tell(outcome):
    row = outcome.cure
    mark = "repaired" if outcome.is_repaired else f"{outcome.short:.1f} points short"
    print(
        f"{outcome.name}: {row['state']}, {row['cause'] or '–'}, {row['trainings']:.1f} trainings, {mark}", flush=True
    )


def run_healthy(bench, recipes, seeds):
    """Rows of `cure` on healthy trainings, with the points that its network gains on the test rows."""
    rows = []
    for _, name, recipe in recipes:
        for seed in seeds:
            row = bench.cure(name, recipe, seed)
            rows.append((f"{name}, seed {seed}", row, row["test"] - bench.train(recipe, seed, as_cure=True)["test"]))
            print(f"healthy {rows[-1][0]}: {row['state']}, {row['cause'] or '–'}, {row['trainings']:.1f}", flush=True)
    return rows


def part_report(bench, part, arguments):
    faults = [fault for fault in FAULTS if fault.part == part][:: arguments.every]
    seeds = SEEDS[:1] if arguments.quick else SEEDS
    labelled = label(bench, faults, seeds)
    harmful = [one for one in labelled if one.is_harmful]
    found = run(bench, harmful, [m for m in arguments.methods if m not in SEARCHES], seeds)
    few = seeds[: arguments.rival_seeds]
    searches = [m for m in arguments.methods if m in SEARCHES and part == "final"]
    rivals_found = run(bench, harmful, searches, few)
    if CURE in found and rivals_found and few != seeds:
        found[f"{CURE}, the rivals' runs"] = [outcome for outcome in found[CURE] if outcome.seed in few]
    found |= rivals_found
    text = [f"## Part `{part}`", "", f"{len(faults)} planted, {len(harmful)} harmful, {len(seeds)} seeds each.", ""]
    text += [*report.harmless_lines(labelled), "", *report.method_lines(found), ""]
    text += ["Runs repaired, by what was planted:", "", *report.category_lines(found), ""]
    if CURE in found:
        text += ["### Cause", "", *report.cause_lines(found[CURE]), ""]
        text += ["### Cost", "", *report.cost_lines(found[CURE]), ""]
        text += ["### Not repaired", "", *report.miss_lines(found[CURE]), ""]
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    methods = ["nothing", CURE, *SEARCHES]
    parser.add_argument("--part", choices=("tune", "final", "all"), default="all")
    parser.add_argument("--methods", nargs="+", choices=methods, default=methods)
    parser.add_argument("--every", type=int, default=1, help="only every so manieth fault")
    parser.add_argument("--quick", action="store_true", help="one seed, a sixth of the healthy runs")
    parser.add_argument(
        "--rival-seeds", type=int, default=len(SEEDS), help="the rivals are many trainings: fewer seeds"
    )
    parser.add_argument("--no-healthy", action="store_true")
    parser.add_argument("--version", help="take kept runs of `cure` of this version, instead of the present one")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    bench = Bench(arguments.version or version_of_cure())
    text = ["# Planted faults, repaired", "", __doc__.split("\n\n", 2)[2].strip(), ""]
    parts = ("tune", "final") if arguments.part == "all" else (arguments.part,)
    for part in parts:
        text += part_report(bench, part, arguments)
    if CURE in arguments.methods and not arguments.no_healthy:
        seeds = SEEDS[:1] if arguments.quick else SEEDS
        for part in parts:
            recipes = [one for one in healthy_recipes(arguments.quick) if one[0] == part]
            text += [f"## Healthy trainings, part `{part}`", "", f"{len(recipes)} trainings, {len(seeds)} seeds each."]
            text += ["", *report.healthy_lines(run_healthy(bench, recipes, seeds), WITHIN), ""]
    text += [f"Version of the repair room: {bench.version}. {describe_machine('torch', 'optuna')}"]
    print("\n".join(text))
    if arguments.out:
        arguments.out.write_text("\n".join(text) + "\n")


if __name__ == "__main__":
    main()
