"""Remedies of overfitting: an earlier end, L2, dropout."""

from __future__ import annotations

from torch import nn

from justfit.repair._alteration import OVERFITTING, Alteration, Hypothesis
from justfit.repair._case import Case
from justfit.repair._proposals import largest_dropout
from justfit.repair._symptoms import Symptoms

# λ/n, the decay of the weights per unit of learning rate: of ten times less nothing is seen in small nets, ten times
# more makes them linear.
DECAY = 0.03
# p of dropout where there was none, and what is added to a smaller one.
DROPOUT = 0.3
MOST_DROPOUT = 0.6


def regularizers(case: Case, symptoms: Symptoms, module: nn.Module | None) -> list[Hypothesis]:
    """List what may cure a network that overfits, the smallest change first.

    Args:
        case: The user's recipe.
        symptoms: The verdict on its history knows the best epoch.
        module: A network as built.
    """
    num = len(case.examples.training_rows(0))
    l2 = float(f"{max(DECAY * num, 10 * case.setting.l2):.2g}")
    largest = largest_dropout(module)
    p = min(largest + DROPOUT, MOST_DROPOUT)
    more = Alteration(dropout=p) if largest > 0 else Alteration(added_dropout=p)
    found = [
        Hypothesis(name=f"l2 = {l2:g}", alteration=Alteration(l2=l2), because=OVERFITTING, weight=0.6),
        Hypothesis(name=f"dropout {p:g}", alteration=more, because=OVERFITTING, weight=0.6),
    ]
    best = symptoms.verdict.best_epoch if symptoms.verdict is not None else None
    if best is not None and best < case.training.epochs:
        early = Alteration(epochs=best / case.training.epochs)
        found.insert(0, Hypothesis(name=f"stop after epoch {best}", alteration=early, because=OVERFITTING, weight=0.6))
    return found
