"""Does a score measured before training tell which networks train? Generated networks, their outcome, and rivals.

    python benchmarks/trainability.py labels --split dev          trains every network (ten to thirty minutes a split)
    python benchmarks/trainability.py features --split dev        what `justfit.check` measures at init
    python benchmarks/trainability.py rivals --split dev          what the others say
    python benchmarks/trainability.py freeze                      writes down formula, constants and commit
    (then the first three with --split final; features refuses the final split before the freeze)
    python benchmarks/trainability.py report --out benchmarks/results/trainability.md
    python benchmarks/trainability.py misses --split dev          networks on the wrong side of the threshold

Labels, features and rivals go to build/trainability_*.jsonl, one line a network; a run that was stopped goes on where
it was, `--again` starts over. `features` keeps the whole evidence, so that a changed formula is judged from the file.
`--quick` takes every eighth network. The networks, the rule for *trainable* and the rivals are in `benchmarks/nets/`.
One thread.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import json
import math
import sys
import time
from pathlib import Path

import torch
from torch.nn import functional

import justfit
from _machine import describe_machine
from justfit.records import SignalEvidence, from_dict
from justfit.rules import trainability
from nets import (
    FAMILIES,
    SPLITS,
    build,
    draw_all,
    formula,
    freeze,
    frozen,
    load,
    measure_references,
    misses,
    outcome,
    report,
    rival_scores,
)

BUILD = Path(os.environ.get("JUSTFIT_TRAINABILITY_BUILD", Path(__file__).resolve().parents[1] / "build"))
NUM_EXAMPLES = 128


def specs_of(split, quick, families=FAMILIES):
    """Dealt out family by family, so that a run that was stopped has some of each."""
    columns = [draw_all(family, split)[:: 8 if quick else 1] for family in families]
    longest = max(map(len, columns))
    return [column[row] for row in range(longest) for column in columns if row < len(column)]


def read_rows(name):
    path = BUILD / f"trainability_{name}.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return {row["name"]: row for row in rows}


def write_rows(name, specs, make_row, *, again):
    BUILD.mkdir(exist_ok=True)
    path, rows = BUILD / f"trainability_{name}.jsonl", read_rows(name)
    if again:
        rows = {key: row for key, row in rows.items() if key not in {spec.name for spec in specs}}
        path.write_text("".join(json.dumps(row) + "\n" for row in rows.values()))
    with path.open("a") as file:
        for spec in specs:
            if spec.name not in rows:
                started = time.perf_counter()
                row = {"name": spec.name, **make_row(spec)}
                row["seconds"] = round(time.perf_counter() - started, 2)
                print(json.dumps(row), file=file, flush=True)
                print(describe(spec, row), flush=True)


def describe(spec, row):
    shape = f"{spec.name:24s} {spec.kind:9s} L {spec.depth:3d} W {spec.width:3d} {spec.activation:7s} {spec.scheme:13s}"
    told = {key: row[key] for key in ("accuracy", "trainable", "score", "torchlens", "seconds") if key in row}
    return f"{shape} {spec.scale:7.3f} {spec.norm:5s} {spec.dataset:8s} {told}"


def first_batch(spec):
    data = load(spec.dataset, spec.kind)
    return data.inputs[:NUM_EXAMPLES], data.targets[:NUM_EXAMPLES]


def features(spec):
    inputs, targets = first_batch(spec)
    checkup = justfit.check(build(spec), inputs, targets=targets, loss_fn=functional.cross_entropy)
    told = checkup.to_dict()
    return {
        "digest": formula()["digest"], "score": told["trainability"]["score"], "trainability": told["trainability"],
        "codes": [f"{finding.code}:{finding.severity}" for finding in checkup.findings], "evidence": told["evidence"],
    }  # fmt: skip


def rivals(spec):
    return rival_scores(build(spec), spec, *first_batch(spec))


def judged_rows():
    """Labels with the score of the formula as it is today, from the stored evidence where that is newer."""
    labels, measured, others, today = read_rows("labels"), read_rows("features"), read_rows("rivals"), formula()
    for name, label in labels.items():
        if name not in measured:
            continue
        row = measured[name]
        if row["digest"] == today["digest"]:
            found = row["trainability"]
        else:
            result = trainability(from_dict(SignalEvidence, row["evidence"]))
            found = {key: getattr(result, key) for key in ("score", "probability", "threshold")}
        unjudged = found["score"] is None or math.isnan(found["score"])
        told = {"score": 0.0, "probability": 0.0} if unjudged else {k: found[k] for k in ("score", "probability")}
        yield {**others.get(name, {}), **label, **told, "threshold": found["threshold"], "unjudged": unjudged}


def main():
    arguments = parse()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    if arguments.command in ("labels", "features", "rivals"):
        record = frozen()
        if (arguments.command, arguments.split) == ("features", "final") and (
            record is None or record["digest"] != formula()["digest"]
        ):
            sys.exit("The formula is not frozen as it stands. Run `freeze` first: the final split is read after it.")
        make_row = {"labels": outcome, "features": features, "rivals": rivals}[arguments.command]
        specs = specs_of(arguments.split, arguments.quick, arguments.family or FAMILIES)
        write_rows(arguments.command, specs, make_row, again=arguments.again)
    elif arguments.command == "references":
        for key, accuracy in sorted(measure_references().items()):
            print(f"    {key}: {accuracy:.3f},")
    elif arguments.command == "freeze":
        print(json.dumps(freeze(), indent=2))
    elif arguments.command == "misses":
        print(*misses([row for row in judged_rows() if row["split"] == arguments.split]), sep="\n")
    else:
        page = report(list(judged_rows()), describe_machine("torch", "torchlens", "torchdiag"))
        arguments.out.write_text(page) if arguments.out else print(page)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("labels", "features", "rivals"):
        command = commands.add_parser(name)
        command.add_argument("--split", choices=SPLITS, required=True)
        command.add_argument("--family", choices=FAMILIES, action="append", help="only this one; may be repeated")
        command.add_argument("--quick", action="store_true", help="every eighth network")
        command.add_argument("--again", action="store_true", help="drop what the file holds of these networks")
    commands.add_parser("freeze")
    commands.add_parser("references")
    commands.add_parser("misses").add_argument("--split", choices=SPLITS, default="dev")
    commands.add_parser("report").add_argument("--out", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
