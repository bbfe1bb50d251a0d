"""Generated networks whose training outcome `benchmarks/trainability.py` measures and predicts.

Two splits that share neither data nor widths nor depths nor seeds: `dev`, on which a formula may be fitted, and
`held_out`, which is only read once formula and threshold are fixed. Nothing is selected by outcome.

    draw("plain", "dev", 0)          -> Spec
    build(spec)                      -> nn.Module, initialized as the spec says
    load(spec.dataset, spec.family)  -> Data(inputs, targets, num_classes, chance)
"""

from nets._build import build
from nets._data import Data, load
from nets._freeze import formula, freeze, frozen
from nets._outcome import measure_references, outcome
from nets._report import misses, report
from nets._rivals import rival_scores
from nets._spec import FAMILIES, SPLITS, Spec, draw, draw_all, reference

__all__ = [
    "FAMILIES", "SPLITS", "Data", "Spec", "build", "draw", "draw_all", "formula", "freeze", "frozen", "load",
    "measure_references", "misses", "outcome", "reference", "report", "rival_scores",
]  # fmt: skip
