"""Initialization schemes beside each other, in sentences: which to take, which loses the signal or the gradient."""

from __future__ import annotations

import math

from justfit.records import Checkup, SchemeComparison, Trainability
from justfit.report._checkup_words import reaches, score, will_train
from justfit.report._names import shown
from justfit.report._numbers import count, setting
from justfit.report._trunk import LOST, Quantity, change, times

AS_BUILT = "as built"  # the scheme that leaves the network as it is


def comparison_subject(comparison: SchemeComparison) -> str:
    """Name the network and the schemes."""
    depth = max((len(checkup.layers) for _, checkup in measured(comparison)), default=0)
    num = count(len(comparison.schemes), "initialization scheme")
    return f"{shown(comparison.module)} ({count(depth, 'layer')}) under {num}, seed {comparison.seed}"


def measured(comparison: SchemeComparison) -> list[tuple[str, Checkup]]:
    """The schemes that could be applied, in the order asked for."""
    return [(entry.scheme, entry.checkup) for entry in comparison.schemes if entry.checkup is not None]


def comparison_sentences(comparison: SchemeComparison) -> tuple[str, ...]:
    """Say what the comparison shows, first which scheme to take, where that could be told."""
    changes = tuple(comparison_title(comparison, quantity) for quantity in ("gradient", "signal"))
    best = best_sentence(comparison)
    return (*changes, best) if best_scheme(comparison) is None else (best, *changes)


def comparison_title(comparison: SchemeComparison, quantity: Quantity) -> str:
    """Say which scheme changes the quantity most and which keeps it best; one sentence.

    Below a thousandth it is lost and above a thousandfold it explodes, from end to end.
    """
    ratios = {scheme: change(checkup.evidence.trunk, quantity).ratio for scheme, checkup in measured(comparison)}
    known = {scheme: ratio for scheme, ratio in ratios.items() if not math.isnan(ratio)}
    if not known:
        return f"The {quantity} was not measured under any scheme."
    worst = max(known, key=lambda scheme: _distance(known[scheme]))
    best = min(known, key=lambda scheme: _distance(known[scheme]))
    if _distance(known[worst]) <= math.log(LOST):
        return f"No scheme loses the {quantity}: {shown(worst)} changes it most, {times(known[worst])} times."
    bad = f"{shown(worst)} {_fate(known[worst], quantity, _depth(comparison))}"
    if _distance(known[best]) > math.log(LOST):
        return f"{bad}; no scheme keeps it."
    return f"{bad}; {shown(best)} keeps it."


def best_sentence(comparison: SchemeComparison) -> str:
    """Say which scheme is the most trainable."""
    best = best_scheme(comparison)
    if best is None:
        return "Trainability could not be told under any scheme."
    scheme, checkup = best
    scored = _scored(comparison)
    num = sum(reaches(c.trainability) for _, c in scored)
    return (
        f"Most trainable: {shown(scheme)}, {score(checkup.trainability)} of 1; {num or 'none'} of {len(scored)} "
        f"{'reaches' if num < 2 else 'reach'} the threshold {setting(checkup.trainability.threshold)}."
    )


def best_scheme(comparison: SchemeComparison) -> tuple[str, Checkup] | None:
    """The scheme of the highest score; None where no score could be told."""
    return max(_scored(comparison), key=lambda entry: entry[1].trainability.score, default=None)


def what_to_do(comparison: SchemeComparison) -> tuple[str, ...]:
    """Say how to get the best scheme, or what else to do where none reaches the threshold."""
    best = best_scheme(comparison)
    if best is None:
        return ()
    scheme, checkup = best
    if reaches(checkup.trainability) and scheme == AS_BUILT:
        return ("Nothing: the network is best as it is built.",)
    if reaches(checkup.trainability):
        kind, _, std = shown(scheme).partition(":")
        named = f"scheme={kind!r}" + (f", std={std}" if std else "")
        call = f"justfit.initialize_(module, *inputs, {named}, seed={comparison.seed})"
        return (f"Initialize with {shown(scheme)}: {call}.",)
    return ("Change the network or its inputs: `justfit check` without `--compare` says what is wrong with it.",)


def outlook(trainability: Trainability) -> str:
    """Say whether the score reaches its threshold, and if not, whether training is all but ruled out."""
    if math.isnan(trainability.score):
        return "could not be told"
    if reaches(trainability):
        return "should train"
    below = f"below {setting(trainability.threshold)}"
    return f"{below}, in doubt" if will_train(trainability) else f"{below}, should not train"


def _scored(comparison: SchemeComparison) -> list[tuple[str, Checkup]]:
    return [(s, c) for s, c in measured(comparison) if not math.isnan(c.trainability.score)]


def _depth(comparison: SchemeComparison) -> str:
    return count(max((len(checkup.layers) for _, checkup in measured(comparison)), default=0), "layer")


def _fate(ratio: float, quantity: Quantity, depth: str) -> str:
    if ratio == 0:
        return f"loses the {quantity}: nothing is left after {depth}"
    if ratio < 1:
        return f"loses the {quantity}: {times(ratio)} of it is left after {depth}"
    return f"blows up the {quantity}: {times(ratio)} times after {depth}"


def _distance(ratio: float) -> float:
    return abs(math.log(ratio)) if 0 < ratio < math.inf else math.inf
