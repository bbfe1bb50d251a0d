"""What the cases are, as a table: the sanity check of the labels."""

from __future__ import annotations

from collections import Counter

import numpy as np

from _machine import describe_machine
from fit_cases._grid import CELLS, PLANS, SEEDS
from fit_cases._label import TOLERANCE
from fit_cases._tables import split_of

STATES = ("overfitting", "just_right", "underfitting")


def describe(cases, problems):
    """Markdown: each problem, its grid's labels, and what was drawn."""
    labelled = [facts for facts in problems if facts["known"]]
    known = [one for facts in labelled for one in facts["known"]]
    clear = [one for one in known if not one[1]]
    trained = len(problems) * len(PLANS) * len(CELLS) * len(SEEDS)
    drawn = Counter((case["split"], case["label"]) for case in cases if not case["ambiguous"])
    lines = [
        "# Fit histories in three classes", "",
        "Produced by `benchmarks/make_fit_cases.py`; the method is told in `benchmarks/fit_cases/__init__.py`.", "",
        describe_machine("torch", "numpy", "scikit-learn"), "",
        f"{trained:,} networks were trained on {len(problems)} problems of "
        f"{len({facts['table'] for facts in problems})} tables ({len(PLANS)} recipes × {len(CELLS)} cells of λ and "
        f"dropout × {len(SEEDS)} seeds) in {sum(facts['cpu_seconds'] for facts in problems) / 60:.0f} minutes of one "
        f"core. {len(problems) - len(labelled)} problems, whose test rows are too few to tell what there is to learn, "
        "were left out. "
        f"{len(cases):,} histories were drawn, {sum(case['ambiguous'] for case in cases)} of them ambiguous.", "",
        f"Of all {len(known):,} candidates {np.mean([one[1] for one in known]):.0%} are ambiguous. A single seed's own "
        f"label agrees with that of the seeds' mean in {np.mean([one[2] for one in known]):.1%} of cases, among clear "
        f"ones in {np.mean([one[2] for one in clear]):.1%}. With half the tolerance ({TOLERANCE / 2:.0%}) "
        f"{np.mean([one[3] for one in known]):.1%} of the labels stay, of the clear ones "
        f"{np.mean([one[3] for one in clear]):.1%}.", "",
        "Clear cases drawn: " + "; ".join(
            f"{split}: " + ", ".join(f"{drawn[split, state]} {state}" for state in STATES)
            for split in ("tune", "final")) + ".", "",
        "| table | split | training rows | noise | constant's risk | best risk | candidates: over / right / under | "
        "ambiguous | seeds agree | drawn clear: over / right / under |", "|---" * 10 + "|",
    ]  # fmt: skip
    return "\n".join([*lines, *(_line(facts, cases) for facts in sorted(problems, key=_order)), ""])


def _order(facts):
    return split_of(facts["table"]), facts["table"], facts["number"]


def _line(facts, cases):
    head = (
        f"| {facts['table']} | {split_of(facts['table'])} | {facts['num_train']} | {facts['noise']:g} | "
        f"{facts['constant']:.3f} | {facts['best']:.3f} | "
    )
    if not facts["known"]:
        return head + "left out | – | – | – |"
    states = Counter(one[0] for one in facts["known"])
    total = len(facts["known"])
    own = [case for case in cases if (case["table"], case["problem"]) == (facts["table"], facts["number"])]
    drawn = Counter(case["label"] for case in own if not case["ambiguous"])
    return (
        head + " / ".join(f"{states[state] / total:.0%}" for state in STATES)
        + f" | {np.mean([one[1] for one in facts['known']]):.0%} | {np.mean([one[2] for one in facts['known']]):.0%} | "
        + " / ".join(str(drawn[state]) for state in STATES) + " |"
    )  # fmt: skip
