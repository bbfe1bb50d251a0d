"""Make the three-class set of fit histories: train the grid on every table, label by measured harm, choose, write.

    python benchmarks/make_fit_cases.py train --raw build/fit_cases     (about 15 minutes of one core; can be taken up)
    python benchmarks/make_fit_cases.py write --raw build/fit_cases     (labels and benchmarks/fit_cases/cases.jsonl.gz)

The method is told in `benchmarks/fit_cases/__init__.py`.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import sys
from pathlib import Path

from fit_cases import NUM_PROBLEMS, TABLES, names, train_problem, write_cases

OUT = Path(__file__).parent / "fit_cases" / "cases.jsonl.gz"
RESULTS = Path(__file__).parent / "results" / "fit_cases.md"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in ("train", "write"):
        sub = commands.add_parser(command)
        sub.add_argument("--raw", required=True, type=Path)
        if command == "write":
            sub.add_argument("--out", type=Path, default=OUT)
            sub.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    if options.command == "write":
        write_cases(options.raw, options.out, options.results)
        return
    if not TABLES.is_dir():
        sys.exit(f"the tables are not at {TABLES}")
    options.raw.mkdir(parents=True, exist_ok=True)
    for name in reversed(names()):  # the tables that may be tuned on come first
        for number in range(NUM_PROBLEMS):
            print(train_problem(name, number, options.raw), flush=True)


if __name__ == "__main__":
    main()
