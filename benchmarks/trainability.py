"""Does a score measured before training tell which networks train? Generated networks, their outcome, and rivals.

    python benchmarks/trainability.py labels --split dev          trains every network (minutes to half an hour a split)
    python benchmarks/trainability.py features --split dev        what `justfit check` and the rivals say at init
    python benchmarks/trainability.py freeze                      before the held-out run: writes down formula and commit
    python benchmarks/trainability.py labels --split held_out     and features --split held_out
    python benchmarks/trainability.py report --out benchmarks/results/trainability.md

Labels and features go to build/trainability_labels.jsonl and build/trainability_features.jsonl, one line a network; a
run that was stopped goes on where it was. `--quick` takes every eighth network. The networks, the rule for *trainable*
and the rivals are in `benchmarks/nets/`. One thread.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import json
from pathlib import Path

import torch

from nets import FAMILIES, SPLITS, draw_all, measure_references, outcome

BUILD = Path(os.environ.get("JUSTFIT_TRAINABILITY_BUILD", Path(__file__).resolve().parents[1] / "build"))
LABELS, FEATURES = BUILD / "trainability_labels.jsonl", BUILD / "trainability_features.jsonl"


def specs_of(split, quick, families=FAMILIES):
    """Dealt out family by family, so that a run that was stopped has some of each."""
    columns = [draw_all(family, split)[:: 8 if quick else 1] for family in families]
    longest = max(map(len, columns))
    return [column[row] for row in range(longest) for column in columns if row < len(column)]


def write_rows(path, specs, make_row):
    path.parent.mkdir(exist_ok=True)
    done = {json.loads(line)["name"] for line in path.read_text().splitlines()} if path.exists() else set()
    with path.open("a") as file:
        for spec in specs:
            if spec.name in done:
                continue
            row = make_row(spec)
            print(json.dumps(row), file=file, flush=True)
            print(describe(spec, row), flush=True)


def describe(spec, row):
    shape = f"{spec.name:24s} {spec.kind:9s} L {spec.depth:3d} W {spec.width:3d} {spec.activation:7s} {spec.scheme:13s}"
    scales = f"{spec.scale:7.3f} {spec.norm:5s} {spec.dataset:8s}"
    return f"{shape} {scales} {row.get('accuracy', float('nan')):.3f} {row.get('trainable', '')} {row['seconds']} s"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("references")
    for name in ("labels", "features"):
        command = commands.add_parser(name)
        command.add_argument("--split", choices=SPLITS, required=True)
        command.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    if arguments.command == "references":
        for key, accuracy in sorted(measure_references().items()):
            print(f"    {key}: {accuracy:.3f},")
    elif arguments.command == "labels":
        write_rows(LABELS, specs_of(arguments.split, arguments.quick), outcome)


if __name__ == "__main__":
    main()
