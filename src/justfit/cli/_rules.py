"""``justfit rules``: all rules, one line each."""

from __future__ import annotations

import json

from justfit.cli._exits import exit_codes
from justfit.cli._explain import PageFormat
from justfit.cli._output import open_console, print_data


def rules(*, output_format: PageFormat = "text") -> None:
    """List the rules: code, severity, name, and what each finds."""
    with exit_codes(if_interrupted="Nothing was printed."):
        from justfit.rules import RULES, describe

        described = [describe(code) for code in RULES]
        if output_format == "json":
            rows = [{key: getattr(r, key) for key in ("code", "name", "severity", "summary")} for r in described]
            print_data(json.dumps(rows, ensure_ascii=False, indent=2))
            return
        from rich.table import Table
        from rich.text import Text

        with open_console() as console:
            table = Table.grid(padding=(0, 2, 0, 0))
            for rule in described:
                table.add_row(rule.code, rule.severity, Text(f"{rule.name}: {rule.summary}"))
            console.print(table)
            console.print("\n`justfit explain CODE` tells more about one.", markup=False)
            words = "Names of SageMaker Debugger's rules are understood too: `justfit explain VanishingGradient`."
            console.print(words, markup=False)
