"""What a column's name says: on which rows it was measured, which metric it is, and which way is better.

>>> meaning("val/MeanSquaredError").role, meaning("val/MeanSquaredError").metric
('validation', ('squared', 'error'))
>>> meaning("train_loss_epoch").grain, direction_of(meaning("eval_accuracy").metric)
('epoch', 'maximize')
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from justfit.records import Direction

Role = Literal["train", "validation", "test"]

_ROLES: dict[str, Role] = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "validate", "eval", "evaluation", "dev", "holdout"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_NOISE = frozenset(("avg", "average", "mean", "total", "overall", "running", "metric", "metrics", "scalar", "scalars"))
_LOSSES = frozenset(
    ("loss", "losses", "nll", "ce", "crossentropy", "xent", "bce", "logloss", "cost", "objective", "criterion", "kl")
)
_ERRORS = frozenset(
    ("mse", "mae", "rmse", "rmsle", "mape", "smape", "error", "errors", "err", "perplexity", "ppl", "wer", "cer", "fid",
     "brier", "hinge", "deviance", "bpc", "bpb", "ece", "entropy", "misclassification", "regret")
)  # fmt: skip
_SCORES = frozenset(
    ("acc", "accuracy", "f1", "fbeta", "auc", "auroc", "roc", "auprc", "ap", "map", "map50", "r2", "iou", "miou",
     "dice", "jaccard", "bleu", "rouge", "rouge1", "rouge2", "rougel", "meteor", "precision", "recall", "sensitivity",
     "specificity", "kappa", "mcc", "matthews", "ndcg", "mrr", "reward", "psnr", "ssim", "score", "pearson", "spearman",
     "correlation", "likelihood", "elbo", "top1", "top5", "em")
)  # fmt: skip
_NEGATED = frozenset(("neg", "negative"))
_NO_METRIC = frozenset(
    ("lr", "rate", "runtime", "time", "seconds", "second", "samples", "steps", "flos", "norm", "grad", "memory",
     "epoch", "timestamp", "walltime", "wall", "speed", "size", "count", "best", "patience", "weight", "bounds",
     "tokens")
)  # fmt: skip
_EPOCHS = frozenset(("epoch", "epochs"))
_STEPS = frozenset(("step", "steps", "iteration", "iterations", "iter", "iters", "update", "updates"))
_CLOCK_WORDS = frozenset(("global", "trainer", "current", "num", "training", "train", "optimizer", "batch"))


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a name says.

    Attributes:
        role: Rows it was measured on; None where the name does not say.
        metric: The words that are left, such as `("box", "loss")`.
        grain: Whether a value is said to stand for an epoch or a step.
    """

    role: Role | None
    metric: tuple[str, ...]
    grain: Literal["epoch", "step"] | None


def meaning(name: str) -> Meaning:
    """Take a name apart."""
    words = _words(name)
    roles = [_ROLES[word] for word in words if word in _ROLES]
    rest = [word for word in words if word not in _ROLES]
    grain: Literal["epoch", "step"] | None = None
    if len(rest) > 1 and {rest[-1], rest[0]} & (_EPOCHS | _STEPS):  # loss_epoch, and epoch_loss of TensorFlow
        grain = "epoch" if {rest[-1], rest[0]} & _EPOCHS else "step"
        rest = [word for word in rest if word not in _EPOCHS | _STEPS]
    kept = [word for word in rest if word not in _NOISE] or rest
    return Meaning(roles[0] if roles else None, tuple(dict.fromkeys(kept)), grain)


def direction_of(metric: Sequence[str]) -> Direction | None:
    """Say which way the metric is better; None where its name does not say.

    A loss or an error stays one whatever else the name says, so `dice_loss` is minimized; `neg` turns it round.
    """
    words = set(metric)
    found: Direction | None = None
    if words & (_LOSSES | _ERRORS):
        found = "minimize"
    elif words & _SCORES:
        found = "maximize"
    if found is not None and words & _NEGATED:
        return "minimize" if found == "maximize" else "maximize"
    return found


def rank_of(metric: Sequence[str]) -> int | None:
    """Say how well the metric serves for a verdict, 0 best; None for what is no metric, such as a learning rate.

    0 the loss itself, 1 a loss by its own name, 2 a part of a loss, 3 an error, 4 a score, 5 unknown.
    """
    words = set(metric)
    if not words or (words & _NO_METRIC and not words & (_LOSSES | _ERRORS | _SCORES)):
        return None
    if words == {"loss"} or words == {"losses"}:
        return 0
    if words & _LOSSES:
        return 1 if words <= _LOSSES | {"cross", "entropy", "log", "negative", "likelihood"} else 2
    return 3 if words & _ERRORS else 4 if words & _SCORES else 5


def clock_of(name: str) -> Literal["epoch", "step"] | None:
    """Say whether a column counts epochs or steps; None for all others.

    >>> clock_of("train/epoch"), clock_of("trainer/global_step"), clock_of("steps_per_second")
    ('epoch', 'step', None)
    """
    words = set(_words(name)) - _CLOCK_WORDS
    return "epoch" if words and words <= _EPOCHS else "step" if words and words <= _STEPS else None


def has_role(name: str) -> bool:
    """Say whether a name says on which rows something was measured."""
    return any(word in _ROLES for word in _words(name))


def _words(name: str) -> list[str]:
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "_", name.replace("mAP", "map"))
    words = re.findall(r"[a-z0-9]+", parted.lower())
    return [part for word in words for part in _glued(word)]


def _glued(word: str) -> tuple[str, ...]:
    """Part `trainloss` and `valacc`, which are written without anything between."""
    if word in _ROLES or word in _LOSSES | _ERRORS | _SCORES:
        return (word,)
    for role in ("training", "train", "validation", "valid", "val", "eval", "test", "dev"):
        rest = word.removeprefix(role)
        if rest != word and rest in _LOSSES | _ERRORS | _SCORES:
            return role, rest
    return (word,)
