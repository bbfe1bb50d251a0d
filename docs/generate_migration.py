"""Write the table of docs/migrate-from-sagemaker-debugger.md, from the aliases and the rules' own thresholds.

Run `python docs/generate_migration.py` after an alias or a rule has changed; a test fails as long as the page is not
current. What stands outside of the two marks is written by hand.
"""

from __future__ import annotations

from pathlib import Path

from justfit.rules import ALIASES, Alias, describe

PAGE = Path(__file__).with_name("migrate-from-sagemaker-debugger.md")
MARKS = ("<!-- generated from here -->", "<!-- generated to here -->")


def page() -> str:
    """Make the page as it should be, from the page as it is."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    return f"{before}{MARKS[0]}\n\n{_tables()}\n\n{MARKS[1]}{after}"


def _tables() -> str:
    known = [alias for alias in ALIASES.values() if alias.codes]
    unknown = [alias for alias in ALIASES.values() if not alias.codes]
    rows = ["| in Debugger | fires when | here | the difference |", "|---|---|---|---|"]
    rows += [f"| `{a.name}` | {_cell(a.fires)} | {_counterparts(a)} | {_cell(a.note)} |" for a in known]
    rows += ["", "Without a counterpart; `justfit explain NAME` says the same:", ""]
    rows += ["| in Debugger | fires when | instead |", "|---|---|---|"]
    rows += [f"| `{a.name}` | {_cell(a.fires)} | {_cell(a.note)} |" for a in unknown]
    return "\n".join(rows)


def _counterparts(alias: Alias) -> str:
    """Name each rule, with its thresholds."""
    cells = []
    for code in alias.codes:
        rule = describe(code)
        numbers = ", ".join(f"{name} {value:g}" for name, value in rule.thresholds.items())
        cells.append(f"[{code}](rules/{code}.md) {rule.name} ({numbers})")
    return "<br>".join(cells)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
