"""The lecture, live: its seventeen claims, each an experiment that is run now.

Every experiment calls the product's own functions on real rows (digits, or the user's table), measures, and holds each
number against a range from standard errors, theory or rounding. A wrong factor anywhere in the product turns its claim
red.

>>> from justfit.lab import run_lab
>>> record = run_lab(quick=True, claims=("C10", "C17"))
>>> [(claim.id, claim.mark) for claim in record.claims]
[('C10', 'confirmed'), ('C17', 'confirmed')]
>>> heading = record.claims[1].measurements[0]
>>> heading.low < heading.value < heading.high
True

The modules inside: `_samples` and `_workbench` hold the data and what was trained on it, `_estimate` means, standard
errors and ranges, `_texts` the lecture's words, `_judge` the mark, `_run` the run; the others are one experiment, or a
few that belong together, each.
"""

from __future__ import annotations

from justfit.lab._playground import Playground
from justfit.lab._playground_options import Options
from justfit.lab._playground_settings import Settings
from justfit.lab._playground_table import PlaygroundTable
from justfit.lab._run import run_lab
from justfit.lab._server import LabServer

__all__ = ["LabServer", "Options", "Playground", "PlaygroundTable", "Settings", "run_lab"]
