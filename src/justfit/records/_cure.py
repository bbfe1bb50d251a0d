"""What a repair tried, what it found, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from justfit.records._change import Change
from justfit.records._history import History
from justfit.records._shown import Shown
from justfit.records._verdict import Finding, FitVerdict

CureState = Literal[
    "cured", "nothing to repair", "no cure found", "more data, not more regularization", "undecided"
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedChange:
    """One counterfactual run: the user's training with something done differently.

    Gains are shares of what can be learned: 0 is the best constant prediction, 1 a perfect one.

    Attributes:
        name: The change in words.
        cause: What would have been the cause if this is the cure.
        because: What pointed to it: codes of findings.
        epochs: For how many epochs it was trained, and held against the user's training.
        share: Of the learnable that it learned by then; NaN where it could not be trained.
        gain: share − that of the user's training at the same epoch, paired by example.
        gain_se: Its standard error.
        gain_lower, gain_upper: One-sided intervals on each side, corrected for the number of changes tried.
        num_seeds: Pairs of runs.
        trouble: What it raised where it could not be trained; "" otherwise.
        chosen: This is the cure.
    """

    name: str
    cause: str
    because: tuple[str, ...]
    epochs: float
    share: float
    gain: float
    gain_se: float
    gain_lower: float
    gain_upper: float
    num_seeds: int
    trouble: str = ""
    chosen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What share of the learnable a network had learned along its training, on the validation rows.

    Attributes:
        epochs: When it was looked at, with fractions, rising.
        share: 0 is the best constant prediction, 1 a perfect one; below 0 is worse than a constant.
        share_se: One standard error each, over the rows.
    """

    epochs: tuple[float, ...]
    share: tuple[float, ...]
    share_se: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CureCost:
    """What a repair cost.

    Attributes:
        network_epochs: Epochs trained in all networks together.
        trainings: Training steps in all networks, as a multiple of those of one training of the user's.
        seconds: CPU seconds in all, checks, looks and the watch among them; in the first call of a process also what
            loading parts of torch takes.
        training_seconds: CPU seconds of one plain training, measured on the run itself.
        budget: Trainings that might be spent.
    """

    network_epochs: float
    trainings: float
    seconds: float
    training_seconds: float
    budget: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CureRecord(Shown):
    """Everything a repair found out.

    Attributes:
        state: What came of it.
        cause: Category of the proven change; "" where none was proven.
        module: Class of the user's network.
        reasons: What spoke for a fault, in words.
        changes: What the cure does.
        patch: The same as text for people: words and code.
        tried: Every change that was tried, also the rejected ones.
        findings: Of the check before training and of the rules while the user's training ran.
        verdict: On the user's training; None where it could not be trained.
        share_before, share_after: Of the learnable, at the last epoch that each was trained to.
        error_before, error_after: Wrongly classified share, or mean squared error, on the rows judged on.
        reference_share: Of a closed-form fit to the same rows; NaN where there is none.
        epochs_before, epochs_after: To which each was trained.
        gain: Of the cure, as in `TriedChange`; None where nothing was chosen.
        notes: What else was seen, such as faults of the data, one sentence each.
        repeated: The cure with two draws of weights, batches and masks together, at the epoch that the rest of the
            budget reached; None where it did not suffice. It is told, and decides nothing.
        interrupted: It was cut short, and this is the best so far.
        cost: What it cost; its seconds are the only entries that differ from run to run.
        version: Of justfit.
        history_before, history_after: Losses of the user's training and of the cured one, epoch by epoch, each in the
            unit of its own loss; None where it was not trained for an epoch, or where nothing was cured.
        learned_before, learned_after: The same on one scale; None where it was never looked at.
        layers_before, layers_after: Name and make of each layer of the user's network and of the repaired one, in
            order, the first ones of a very deep network; empty where they are the same.
    """

    state: CureState
    cause: str
    module: str
    reasons: tuple[str, ...]
    changes: tuple[Change, ...]
    patch: str
    tried: tuple[TriedChange, ...]
    findings: tuple[Finding, ...]
    verdict: FitVerdict | None
    share_before: float
    share_after: float
    error_before: float
    error_after: float
    reference_share: float
    epochs_before: float
    epochs_after: float
    gain: TriedChange | None
    notes: tuple[str, ...]
    interrupted: bool
    cost: CureCost
    version: str = ""
    repeated: TriedChange | None = None
    history_before: History | None = None
    history_after: History | None = None
    learned_before: Learned | None = None
    learned_after: Learned | None = None
    layers_before: tuple[str, ...] = ()
    layers_after: tuple[str, ...] = ()
