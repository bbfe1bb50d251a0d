"""Planted faults that a watched training shows, and false alarms on its healthy twins.

    python benchmarks/watch_faults.py [--half tune|final|fresh] [--quick] [--out benchmarks/results/watch_faults.md]

Each fault of `tests/patients/watched` is planted in each architecture that can have it, with several seeds; its twin is
the same network on the same rows with the same seed and without the fault. A fault counts only where it does harm: the
network ends worse than its twin on unseen rows by more than 5 % of what the twin learned (constant prediction − twin)
and by more than three standard deviations of the twins over the seeds. It is found if a finding of severity warning or
error was made when the run was closed; `fitting` asks that its code names the fault or its direct effect, as the fault
lists them. A false alarm is a healthy run with any finding of severity warning or error, at the end or, in the second
column, at any of five moments on the way.

The parts differ in tasks, networks, optimizers, schedules and seeds. Rules were written on `tune` alone, then adjusted
once to what `final` showed; `fresh` was written after that and read once. The first readings are told in the results.
Runs are kept under build/patients; delete it to repeat them.
"""

import argparse
import collections
import dataclasses
import math
import os
import statistics
import sys
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import torch

from _machine import describe_machine
from justfit.records import WatchEvidence, from_json, to_json
from justfit.rules import judge_history, judge_watch
from justfit.watch import watch
from tests.patients.watched import ARCHITECTURES, FAULTS, HALVES, HEALTHY, SPECIAL, Recipe, base, train

CACHE = ROOT / "build" / "patients"
EXTRAS = ("resnet", "rnn")
MOMENTS = (0.2, 0.35, 0.5, 0.65, 0.8)


@dataclasses.dataclass(frozen=True)
class Case:
    """One run: what was planted, how it ended, and what was measured."""

    half: str
    architecture: str
    name: str
    seed: int
    validation_loss: float
    constant_loss: float
    evidence: WatchEvidence
    seconds: float

    @classmethod
    def run(cls, half: str, architecture: str, name: str, seed: int, make) -> "Case":
        """Take a case from the cache, or train it; `make` returns outcome and evidence."""
        path = CACHE / half / f"{architecture} {name} {seed}.json".replace("/", "÷")
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            start = time.perf_counter()
            made = cls(half, architecture, name, seed, *make(), time.perf_counter() - start)
            path.write_text(to_json(made))
        return from_json(cls, path.read_text())


def watched(recipe: Recipe):
    outcome = train(recipe, lambda module, optimizer: watch(module, optimizer, live=False))
    return outcome.validation_loss, outcome.constant_loss, outcome.run.record.evidence


def special(make, seed: int):
    run = make(seed, lambda module, optimizer: watch(module, optimizer, live=False))
    return float("nan"), float("nan"), run.record.evidence


def alarms(evidence: WatchEvidence) -> set[str]:
    """Codes of warnings and errors, of the watch rules and of the verdict on the history."""
    found = list(judge_watch(evidence)[0])
    return {finding.code for finding in found if finding.severity != "info"}


def overfits(evidence: WatchEvidence) -> bool:
    known = any(loss == loss for loss in evidence.history.validation_loss)
    return known and any(one.code == "JF105" for one in judge_history(evidence.history).findings)


def until(evidence: WatchEvidence, share: float) -> WatchEvidence:
    """What was measured up to a moment of the run."""
    stop = share * max((one.num_steps for one in evidence.optimizers), default=0)
    losses = evidence.losses
    kept = sum(step <= stop for step in losses.first_step)
    counts = [sum(step <= stop for step in one.steps) for one in evidence.optimizers]
    failure = evidence.first_failure
    return dataclasses.replace(
        evidence,
        losses=cut(losses, kept),
        optimizers=tuple(
            dataclasses.replace(cut(one, count), num_steps=int(stop), last_learning_rate=math.nan)
            for one, count in zip(evidence.optimizers, counts, strict=True)
        ),
        layers=tuple(cut(one, counts[max(one.optimizer, 0)]) for one in evidence.layers),
        first_failure=failure if failure is not None and failure.step <= stop else None,
    )


def cut(record, count: int):
    """A record whose series are cut to their first `count` entries."""
    series = {f.name: getattr(record, f.name) for f in dataclasses.fields(record)}
    return dataclasses.replace(record, **{n: v[:count] for n, v in series.items() if isinstance(v, tuple)})


def harmful(case: Case, twins: list[Case], twin: Case) -> bool:
    learned = max(case.constant_loss - twin.validation_loss, 0.0)
    spread = statistics.stdev(one.validation_loss for one in twins) if len(twins) > 1 else 0.0
    return not case.validation_loss - twin.validation_loss <= max(0.05 * learned, 3 * spread)


class Table:
    """Runs of one half, and the counts of each fault."""

    def __init__(self, half: str, num_seeds: int, extra_seeds: int, architectures) -> None:
        self.half, self.healthy, self.rows = half, [], []
        for architecture in architectures:
            seeds = range(extra_seeds if architecture in EXTRAS else num_seeds)
            for seed in seeds:
                self.healthy += self._healthy(architecture, seed)
            for fault in FAULTS:
                pairs = [pair for seed in seeds if (pair := self._pair(fault, architecture, seed)) is not None]
                twins = [twin for _, twin in pairs]
                self.rows += [(fault, case, harmful(case, twins, twin)) for case, twin in pairs]
                self.healthy += [twin for twin in twins if twin not in self.healthy]
            print(half, architecture, f"{len(self.rows)} faulty runs, {len(self.healthy)} healthy", flush=True)

    def _case(self, architecture: str, name: str, seed: int, recipe: Recipe) -> Case:
        return Case.run(self.half, architecture, name, seed, lambda: watched(recipe))

    def _healthy(self, architecture: str, seed: int) -> list[Case]:
        recipe = base(self.half, architecture, seed)
        made = {name: change(recipe) for name, change in HEALTHY.items()}
        first = {recipe: name for name, recipe in reversed(made.items())}
        return [self._case(architecture, name, seed, one) for one, name in first.items()]

    def _pair(self, fault, architecture: str, seed: int) -> tuple[Case, Case] | None:
        recipe = base(self.half, architecture, seed)
        healthy = fault.twin(recipe)
        sick = fault.plant(healthy)
        if sick is None:
            return None
        names = {change(recipe): name for name, change in reversed(HEALTHY.items())}
        names = {**{one.twin(recipe): f"twin of {one.name}" for one in reversed(FAULTS)}, **names}
        twin = self._case(architecture, names[healthy], seed, healthy)
        return self._case(architecture, fault.name, seed, sick), twin


def fault_lines(table: Table) -> tuple[list[str], collections.Counter]:
    lines = ["| fault | runs | harmful | found | fitting | codes of the harmful |", "|---|---|---|---|---|---|"]
    total: collections.Counter = collections.Counter()
    for fault in FAULTS:
        rows = [(case, harm) for one, case, harm in table.rows if one is fault]
        codes: collections.Counter = collections.Counter()
        count = collections.Counter(runs=len(rows))
        for case, harm in rows:
            if harm:
                found = alarms(case.evidence) | ({"JF105"} if overfits(case.evidence) else set())
                fitting = found & set(fault.codes)
                found -= {"JF105"} if "JF105" not in fault.codes else set()
                count += collections.Counter(harmful=1, found=bool(found), fitting=bool(fitting))
                codes.update(found)
        named = ", ".join(f"{code} {number}" for code, number in codes.most_common(5))
        lines.append(f"| {fault.name} | " + " | ".join(str(count[name]) for name in COLUMNS) + f" | {named} |")
        total += count
    lines.append("| **all** | " + " | ".join(str(total[name]) for name in COLUMNS) + " | |")
    return lines, total


COLUMNS = ("runs", "harmful", "found", "fitting")


def architecture_lines(table: Table) -> list[str]:
    lines = [
        "| architecture | harmful | found | healthy runs | false alarms | on the way |",
        "|---|---|---|---|---|---|",
    ]
    for architecture in ARCHITECTURES:
        harmful_runs = [case for _, case, harm in table.rows if harm and case.architecture == architecture]
        found = sum(bool(alarms(case.evidence) or overfits(case.evidence)) for case in harmful_runs)
        mine = [case for case in table.healthy if case.architecture == architecture]
        ended, way = false_alarms(mine)
        if mine:
            row = (architecture, len(harmful_runs), found, len(mine), len(ended), len(way))
            lines.append("| " + " | ".join(map(str, row)) + " |")
    return lines


def false_alarms(cases: list[Case]) -> tuple[list[str], list[str]]:
    """Healthy runs with an alarm at the end, and with one on the way."""
    ended, way = [], []
    for case in cases:
        name = f"{case.architecture} {case.name} {case.seed}"
        codes = alarms(case.evidence)
        early = set().union(*(alarms(until(case.evidence, share)) for share in MOMENTS))
        ended += [f"{name}: {', '.join(sorted(codes))}"] if codes else []
        way += [f"{name}: {', '.join(sorted(early))}"] if early else []
    return ended, way


def special_cases(num_seeds: int) -> list[Case]:
    return [
        Case.run("special", "special", name, seed, lambda make=make, seed=seed: special(make, seed))
        for name, make in SPECIAL.items()
        for seed in range(num_seeds)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--half", choices=(*HALVES, "all"), default="all")
    parser.add_argument("--quick", action="store_true", help="one seed, three architectures")
    parser.add_argument("--only-train", action="store_true", help="fill the cache, judge nothing")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    architectures = ARCHITECTURES[:3] if arguments.quick else ARCHITECTURES
    seeds = (1, 1) if arguments.quick else (5, 2)
    text = ["# Planted faults and their healthy twins", "", __doc__.split("\n\n", 2)[2].strip(), ""]
    for half in HALVES if arguments.half == "all" else (arguments.half,):
        table = Table(half, *((3, 2) if half == "fresh" and not arguments.quick else seeds), architectures)
        if not arguments.only_train:
            text += report(half, table)
    others = special_cases(1 if arguments.quick else 3)
    if arguments.only_train:
        return
    ended, way = false_alarms(others)
    text += ["## Healthy runs of kinds that often raise false alarms", ""]
    text += [f"{', '.join(SPECIAL)}: {len(others)} runs, {len(ended)} with an alarm at the end, {len(way)} on the way."]
    text += ["", *(f"- {one}" for one in sorted({*ended, *way})), "", describe_machine("torch")]
    print("\n".join(text))
    if arguments.out:
        arguments.out.write_text("\n".join(text) + "\n")


def report(half: str, table: Table) -> list[str]:
    lines, total = fault_lines(table)
    ended, way = false_alarms(table.healthy)
    many = max(len(table.healthy), 1)
    seconds = sum(case.seconds for _, case, _ in table.rows) + sum(case.seconds for case in table.healthy)
    return [
        f"## Half `{half}`",
        "",
        f"Found {total['found']} of {total['harmful']} harmful runs ({total['found'] / max(total['harmful'], 1):.1%}), "
        f"with a fitting code {total['fitting']} ({total['fitting'] / max(total['harmful'], 1):.1%}). False alarms on "
        f"{len(ended)} of {len(table.healthy)} healthy runs ({len(ended) / many:.1%}), on the way on {len(way)} "
        f"({len(way) / many:.1%}). All trainings together took {seconds / 60:.0f} minutes.",
        "",
        *lines,
        "",
        *architecture_lines(table),
        "",
        *(f"- false alarm: {one}" for one in sorted({*ended, *way})),
        "",
    ]


if __name__ == "__main__":
    main()
