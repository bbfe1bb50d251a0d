"""Write the formulas of the lab's claims as MathML, which a page shows as they stand in a book.

Run `python docs/generate_formulas.py` after a formula in `lab/_texts.py` has changed; a test fails as long as the file
is not current. A record keeps the plain text of its formula, which is the key here: a page finds the MathML by it, and
shows the text itself where there is none.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from latex2mathml.converter import convert

from justfit.lab._texts import TEXTS

IN_REPORTS = Path(__file__).parents[1] / "src" / "justfit" / "report" / "assets" / "formulas.json"


def in_reports() -> str:
    """Make the file: of each formula in plain text its lines in MathML."""
    written = {text.formula: [_mathml(line) for line in text.latex] for text in TEXTS.values() if text.latex}
    return json.dumps(written, ensure_ascii=False, indent=1) + "\n"


def _mathml(latex: str) -> str:
    distributed = convert(latex, display="block").replace("<mi>&#x0007E;</mi>", "<mo>&#x0223C;</mo>")  # z ∼ N(0, 1)
    return re.sub(r' xmlns="[^"]*"', "", distributed)  # HTML needs no namespace


if __name__ == "__main__":
    IN_REPORTS.write_text(in_reports(), encoding="utf-8")
