"""The command line of a benchmark that keeps one line per resplit of a table, and can go on where it was stopped."""

import argparse
import json
import warnings
from pathlib import Path

import torch


def run_resplits(doc, option, splits, tables, *, first=0, run_one, describe, report):
    """Serve `run --log FILE` and `report FILE`.

    Args:
        doc: What the benchmark is, for --help.
        option: Name of the option that says how many splits, such as "--splits".
        splits: Its default.
        tables: File name of each table, by the name that its rows bear.
        first: Number of the first split.
        run_one: From a table's file name and a split to a row for the log.
        describe: From a row to the words that are printed of it.
        report: From the log and the output file, or None, to the table of results.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run")
    run.add_argument("--log", required=True)
    run.add_argument(option, dest="splits", type=int, default=splits)
    show = commands.add_parser("report")
    show.add_argument("log")
    show.add_argument("--out")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    if options.command == "report":
        report(options.log, options.out)
        return
    log = Path(options.log)
    done = {(r["table"], r["split"]) for r in map(json.loads, log.read_text().splitlines())} if log.exists() else ()
    for split in range(first, first + options.splits):
        for table, name in tables.items():
            if (table, split) in done:
                continue
            row = run_one(name, split)
            with log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            print(table, split, describe(row), flush=True)
