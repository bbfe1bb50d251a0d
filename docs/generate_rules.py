"""Write one page per rule to docs/rules, from the rules' own docstrings and thresholds.

Run `python docs/generate_rules.py` after a rule has changed; a test fails as long as the pages are not current.
"""

from __future__ import annotations

import re
from pathlib import Path

from justfit.rules import RULES, RuleDescription, describe

FOLDER = Path(__file__).with_name("rules")
NOTE = "Generated from the rule by `docs/generate_rules.py`; `justfit explain {}` prints the same."


def pages() -> dict[str, str]:
    """Make all pages, by file name."""
    described = [describe(code) for code in RULES]
    return {"README.md": _index(described), **{f"{rule.code}.md": _page(rule) for rule in described}}


def _index(rules: list[RuleDescription]) -> str:
    rows = [f"| [{r.code}]({r.code}.md) | {r.name} | {r.severity} | {_markdown(r.summary)} |" for r in rules]
    return "\n".join(
        [
            "# The rules",
            "",
            "JF1xx fit, JF2xx signal and gradient, JF3xx initialization and units, JF4xx training process, JF5xx data",
            "and loss. A code is never used again for another rule. `justfit rules` prints this list.",
            "",
            "| code | name | severity | finds |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _page(rule: RuleDescription) -> str:
    parts = [f"# {rule.code}: {rule.name}", f"Severity: {rule.severity}", _markdown(rule.summary)]
    for heading, text in rule.sections.items():
        parts += [f"## {heading}", _markdown(text)]
    return "\n\n".join([*parts, "---", NOTE.format(rule.code)]) + "\n"


def _markdown(text: str) -> str:
    """Turn the reStructuredText of a rule into Markdown: formulas, roles, literals.

    >>> _markdown("with :math:`b` and ``x``")
    'with $b$ and `x`'
    """
    blocks = re.split(r"\n\s*\n", text.strip())
    return "\n\n".join(_formula(b) if b.startswith(".. math::") else _prose(b) for b in blocks)


def _formula(block: str) -> str:
    return f"```math\n{' '.join(block.removeprefix('.. math::').split())}\n```"


def _prose(block: str) -> str:
    block = re.sub(r":math:`([^`]*)`", r"$\1$", block)
    return re.sub(r":\w+:`([^`]*)`", r"`\1`", block).replace("``", "`")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    current = pages()
    for path in FOLDER.glob("*.md"):
        if path.name not in current:
            path.unlink()
    for name, text in current.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
