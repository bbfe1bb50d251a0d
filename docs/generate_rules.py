"""Write one page per rule, from the rules' own docstrings and thresholds.

Once as Markdown to docs/rules, and once, all in one file, as the HTML that reports hold beside a finding. Run
`python docs/generate_rules.py` after a rule has changed; a test fails as long as the pages are not current.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

from latex2mathml.converter import convert

from justfit.rules import RULES, RuleDescription, describe

FOLDER = Path(__file__).with_name("rules")
IN_REPORTS = Path(__file__).parents[1] / "src" / "justfit" / "report" / "assets" / "rules.json"
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


def in_reports() -> str:
    """Make the file that reports take their rule pages from: of each code its name, severity, summary and sections."""
    described = {code: describe(code) for code in RULES}
    written = {
        code: {
            "name": rule.name,
            "severity": rule.severity,
            "summary": _html(rule.summary),
            "sections": [[heading, _html(text)] for heading, text in rule.sections.items()],
        }
        for code, rule in described.items()
    }
    return json.dumps(written, ensure_ascii=False, indent=1) + "\n"


def _html(text: str) -> str:
    r"""Turn the reStructuredText of a rule into HTML, formulas into MathML.

    >>> _html("if ``a`` < 1")
    '<p>if <code>a</code> &lt; 1</p>'
    """
    blocks = [" ".join(block.split()) for block in re.split(r"\n\s*\n", text.strip())]
    return "".join(
        _equations(block.removeprefix(".. math::").strip())
        if block.startswith(".. math::")
        else f"<p>{_prose_html(block)}</p>"
        for block in blocks
    )


def _equations(formula: str) -> str:
    """One line an equation: a page on a phone is narrower than several."""
    lines = [formula] if "\\begin" in formula else re.split(r",?\s*\\q?quad\s*", formula)
    return "".join(f'<p class="equation" tabindex="0">{_mathml(line, "block")}</p>' for line in lines if line)


def _prose_html(block: str) -> str:
    """Prose with its literals and formulas; every other piece of what :math: splits is a formula."""
    pieces = re.split(r":math:`([^`]*)`", block)
    return "".join(
        _mathml(piece, "inline")
        if k % 2
        else re.sub(r"(?::\w+:)?``?([^`]+)``?", r"<code>\1</code>", html.escape(piece, quote=False))
        for k, piece in enumerate(pieces)
    )


def _mathml(formula: str, display: str) -> str:
    # A name of several letters is a word, not a product of letters. HTML needs no namespace.
    worded = re.sub(r"_\{?([A-Za-z]{3,})\}?", r"_{\\text{\1}}", formula).replace(r"\mathrm", r"\text")
    return re.sub(r' xmlns="[^"]*"', "", convert(worded, display=display))


if __name__ == "__main__":
    IN_REPORTS.parent.mkdir(exist_ok=True)
    IN_REPORTS.write_text(in_reports(), encoding="utf-8")
    FOLDER.mkdir(exist_ok=True)
    current = pages()
    for path in FOLDER.glob("*.md"):
        if path.name not in current:
            path.unlink()
    for name, text in current.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
