"""Does the judge see under- and overfitting? Three classes, labelled by measured harm, on tables nobody tuned on.

    python benchmarks/fit_verdict.py --split tune                            (while something is still tuned)
    python benchmarks/fit_verdict.py --out benchmarks/results/fit_verdict.md

The cases are those of `benchmarks/fit_cases` (how they were made and labelled is told there). Every judge sees one
history: train and validation loss, their standard errors where they were recorded, the constant predictor's loss and
one named reference loss. Peers:

* SageMaker Debugger's rule Overfit with its defaults: (validation − train) / train > 0.1; it has no rule for
  underfitting, so all else is just right.
* UMLAUT's rule: the validation loss rose while the train loss did not, between two consecutive epochs (anywhere, and
  between the last two).
* Threshold rules with two numbers, fitted for macro-F1 on the tune split: gap and level against the constant predictor;
  and distance to the same reference that the judge gets, and which side of it the train loss lies.
"""

import argparse
import gzip
import json
import math
import subprocess
from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np

from _machine import describe_machine
from justfit.records import History
from justfit.rules import judge_history

CASES = Path(__file__).parent / "fit_cases" / "cases.jsonl.gz"
JUDGE = ("src/justfit/rules/_history*", "src/justfit/rules/_judge*")
STATES = ("overfitting", "just_right", "underfitting")
NUM_BINS = 10
TARGET_F1, TARGET_UNDECIDED = 0.90, 0.15
NUM_RESAMPLES = 1_000
SWEEP, BOOSTING = "best of a sweep", "gradient boosting"


def load_cases(path=CASES):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


# --- the judge -------------------------------------------------------------------------------------------------------


def judge_case(case, *, reference=SWEEP, constant=True, errors=True):
    """State and probabilities by the judge; `reference` None gives it none."""

    def numbers(key):
        return tuple(math.nan if value is None else value for value in case[key])

    history = History(
        epochs=tuple(case["epochs"]), train_loss=numbers("train_loss"), validation_loss=numbers("validation_loss"),
        train_loss_se=numbers("train_loss_se") if errors else (),
        validation_loss_se=numbers("validation_loss_se") if errors else (),
        direction=case["direction"], train_mode=case["train_mode"] or None,
    )  # fmt: skip
    known = case["references"].get(reference)
    verdict = judge_history(
        history,
        reference_loss=math.nan if known is None else known,
        reference_name=reference if known is not None else "",
        constant_loss=case["constant_loss"] if constant else math.nan,
    )
    return verdict.state, verdict.probabilities


# --- peers -----------------------------------------------------------------------------------------------------------


def as_losses(case):
    """Train and validation loss; a score becomes what is missing to 1."""
    series = [np.array(case[key], dtype=float) for key in ("train_loss", "validation_loss")]
    return [1 - values for values in series] if case["direction"] == "maximize" else series


def sagemaker(case):
    train, validation = as_losses(case)
    return "overfitting" if validation[-1] - train[-1] > 0.1 * train[-1] else "just_right"


def umlaut(case, *, only_last):
    train, validation = as_losses(case)
    fired = (np.diff(validation) > 0) & (np.diff(train) <= 0)
    return "overfitting" if (fired[-1:] if only_last else fired).any() else "just_right"


def gap_and_level(case, gap, level):
    """Shares of the constant predictor's loss."""
    train, validation = as_losses(case)
    constant = 1 - case["constant_loss"] if case["direction"] == "maximize" else case["constant_loss"]
    if train[-1] > level * constant:
        return "underfitting"
    return "overfitting" if validation[-1] - train[-1] > gap * constant else "just_right"


def distance_and_side(case, distance, side):
    """Shares of what there is to learn: the constant predictor's loss − the reference."""
    sign = -1 if case["direction"] == "maximize" else 1
    constant, reference = case["constant_loss"], case["references"][SWEEP]
    scale = max(abs(constant - reference), 1e-9)
    if sign * (case["validation_loss"][-1] - reference) <= distance * scale:
        return "just_right"
    return "underfitting" if sign * (case["train_loss"][-1] - reference) > side * scale else "overfitting"


def fit_rule(rule, cases, grid):
    """The pair of thresholds with the largest macro-F1."""
    truth = [case["label"] for case in cases]
    return max(product(*grid), key=lambda pair: macro_f1(truth, [rule(case, *pair) for case in cases]))


# --- figures ---------------------------------------------------------------------------------------------------------


def macro_f1(truth, states):
    """Mean F1 of the classes that occur; an undecided case is a miss of its class and no false alarm of another."""
    pairs = Counter(zip(truth, states, strict=True))
    scores = []
    for state in set(truth):
        hits = pairs[state, state]
        missed = sum(count for (true, said), count in pairs.items() if true == state and said != state)
        false = sum(count for (true, said), count in pairs.items() if true != state and said == state)
        scores.append(2 * hits / max(1, 2 * hits + missed + false))
    return float(np.mean(scores))


def decided_f1(truth, states):
    kept = [(true, said) for true, said in zip(truth, states, strict=True) if said != "undecided"]
    return macro_f1(*zip(*kept, strict=True)) if kept else math.nan


def bootstrap_se(cases, states, figure):
    """Standard error of a figure when whole tables are drawn again: cases of one table are not independent."""
    tables = sorted({case["table"] for case in cases})
    members = [[i for i, case in enumerate(cases) if case["table"] == table] for table in tables]
    rng = np.random.default_rng(0)
    values = []
    for _ in range(NUM_RESAMPLES):
        chosen = [i for number in rng.integers(0, len(tables), len(tables)) for i in members[number]]
        values.append(figure([cases[i]["label"] for i in chosen], [states[i] for i in chosen]))
    return float(np.std(values, ddof=1))


def calibration(truth, probabilities):
    """Expected calibration error of the likeliest state, Brier score, and the bins."""
    table = np.array([[p[state] for state in STATES] for p in probabilities])
    right = np.array([STATES.index(true) for true in truth])
    confidence, correct = table.max(1), table.argmax(1) == right
    brier = float(((table - np.eye(len(STATES))[right]) ** 2).sum(1).mean())
    which = np.minimum((confidence * NUM_BINS).astype(int), NUM_BINS - 1)
    bins = [
        (int((which == b).sum()), float(confidence[which == b].mean()), float(correct[which == b].mean()))
        for b in range(NUM_BINS) if (which == b).any()
    ]  # fmt: skip
    error = sum(count * abs(said - true) for count, said, true in bins) / len(truth)
    return error, brier, bins


# --- report ----------------------------------------------------------------------------------------------------------


def row(name, cases, states, probabilities=None):
    truth = [case["label"] for case in cases]
    undecided = np.mean([state == "undecided" for state in states])
    error, brier, _ = calibration(truth, probabilities) if probabilities else (None, None, None)
    marks = ["–", "–", "–"]
    if probabilities:
        likeliest = [max(STATES, key=one.get) for one in probabilities]
        marks = [f"{macro_f1(truth, likeliest):.3f}", f"{error:.3f}", f"{brier:.3f}"]
    spread = bootstrap_se(cases, states, macro_f1)
    return (
        f"| {name} | {macro_f1(truth, states):.3f} ± {spread:.3f} | {decided_f1(truth, states):.3f} | "
        f"{undecided:.1%} | " + " | ".join(marks) + " |"
    )


HEAD = [
    "| who | macro-F1, undecided = wrong | of the decided | undecided | macro-F1 of the likeliest | ECE | Brier |",
    "|---|---|---|---|---|---|---|",
]
SETTINGS = {
    "justfit, reference: best of a sweep": {},
    "justfit, reference: gradient boosting": {"reference": BOOSTING},
    "justfit, constant predictor only": {"reference": None},
    "justfit, curves only": {"reference": None, "constant": False},
    "justfit, best of a sweep, no standard errors": {"errors": False},
}


def compare(cases, tuned):
    lines = list(HEAD)
    kept = {}
    for name, setting in SETTINGS.items():
        judged = [judge_case(case, **setting) for case in cases]
        kept[name] = judged
        lines.append(row(name, cases, [state for state, _ in judged], [p for _, p in judged]))
    gap, distance = tuned
    rivals = {
        f"distance to the best of a sweep > {distance[0]:.2f}, side {distance[1]:.2f} (fitted)":
            lambda case: distance_and_side(case, *distance),
        f"gap > {gap[0]:.2f}, level > {gap[1]:.2f} of the constant's loss (fitted)":
            lambda case: gap_and_level(case, *gap),
        "SageMaker Overfit 0.1": sagemaker,
        "UMLAUT, any two epochs": lambda case: umlaut(case, only_last=False),
        "UMLAUT, the last two epochs": lambda case: umlaut(case, only_last=True),
    }  # fmt: skip
    for name, rule in rivals.items():
        lines.append(row(name, cases, [rule(case) for case in cases]))
    return lines, kept[next(iter(SETTINGS))]


def confusion(cases, states):
    columns = (*STATES, "undecided")
    pairs = Counter((case["label"], state) for case, state in zip(cases, states, strict=True))
    lines = ["| measured \\ said | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    return lines + [f"| {true} | " + " | ".join(str(pairs[true, said]) for said in columns) + " |" for true in STATES]


def breakdown(cases, judged, key):
    lines = [f"| {key} | cases | macro-F1, undecided = wrong | macro-F1 of the decided | undecided |", "|---" * 5 + "|"]
    for value in sorted({group(case, key) for case in cases}):
        some = [(case, state) for case, (state, _) in zip(cases, judged, strict=True) if group(case, key) == value]
        truth, states = [case["label"] for case, _ in some], [state for _, state in some]
        undecided = np.mean([state == "undecided" for state in states])
        lines.append(f"| {value} | {len(some)} | {macro_f1(truth, states):.3f} | {decided_f1(truth, states):.3f} | "
                     f"{undecided:.1%} |")  # fmt: skip
    return lines


def group(case, key):
    if key == "table":
        return case["table"]
    if case["form"]["score"]:
        return "score (" + case["form"]["score"] + ")"
    if case["form"]["running"]:
        return "train loss averaged while training"
    if case["epochs"][-1] <= 20:
        return "at most 20 epochs"
    return "small validation set" if case["form"]["validation"] == "small" else "ordinary"


def bins_table(cases, judged):
    _, _, bins = calibration([case["label"] for case in cases], [p for _, p in judged])
    lines = ["| cases | mean probability of the likeliest state | share right |", "|---|---|---|"]
    return lines + [f"| {count} | {said:.3f} | {right:.3f} |" for count, said, right in bins]


def target(cases, judged):
    """Held against the target, at the judge's own threshold and at exactly the share that may be left undecided."""
    truth, states = [case["label"] for case in cases], [state for state, _ in judged]
    share = np.mean([state == "undecided" for state in states])
    reached = decided_f1(truth, states)
    met = "met" if reached >= TARGET_F1 and share <= TARGET_UNDECIDED else "missed"
    order = np.argsort([max(p.values()) for _, p in judged], kind="stable")[int(TARGET_UNDECIDED * len(cases)) :]
    rest = macro_f1([truth[i] for i in order], [max(judged[i][1], key=judged[i][1].get) for i in order])
    return (
        f"Target: macro-F1 of the decided at least {TARGET_F1:.2f} with at most {TARGET_UNDECIDED:.0%} undecided. "
        f"Reached: {reached:.3f} with {share:.1%}: **{met}**. Were the least certain {TARGET_UNDECIDED:.0%} left "
        f"undecided, instead of all below the judge's own threshold, the others' macro-F1 would be {rest:.3f}."
    )


def part(title, cases, tuned):
    clear = [case for case in cases if not case["ambiguous"]]
    unclear = [case for case in cases if case["ambiguous"]]
    lines, judged = compare(clear, tuned)
    states = [state for state, _ in judged]
    vague = [judge_case(case) for case in unclear]
    counts = Counter(case["label"] for case in clear)
    return [
        f"## {title}", "",
        f"{len({case['table'] for case in cases})} tables, {len(clear)} clear cases ("
        + ", ".join(f"{counts[state]} {state}" for state in STATES) + f"), {len(unclear)} ambiguous ones.", "",
        *lines, "", target(clear, judged), "",
        "Confusion, reference: best of a sweep", "", *confusion(clear, states), "",
        *bins_table(clear, judged), "", *breakdown(clear, judged, "table"), "", *breakdown(clear, judged, "form"), "",
        "Ambiguous cases, reference: best of a sweep", "", *HEAD,
        row("justfit", unclear, [state for state, _ in vague], [p for _, p in vague]), "",
    ]  # fmt: skip


def judge_version():
    """The commit that last touched the judge of histories, and whether it was changed since."""

    def git(*words):
        command = ["git", "-C", str(Path(__file__).parents[1]), *words, "--", *JUDGE]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    return f"commit {git('log', '-1', '--format=%h')}" + (
        ", with changes since" if git("status", "--porcelain") else ""
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=Path, default=CASES)
    parser.add_argument("--split", choices=("tune", "both"), default="both")
    parser.add_argument("--out")
    options = parser.parse_args()
    cases = load_cases(options.cases)
    tune, final = ([case for case in cases if case["split"] == split] for split in ("tune", "final"))
    clear = [case for case in tune if not case["ambiguous"]]
    steps = np.linspace(0.02, 1.0, 50)
    tuned = (
        fit_rule(gap_and_level, clear, (steps, steps)),
        fit_rule(distance_and_side, clear, (np.linspace(0.02, 0.4, 20), np.linspace(-0.3, 0.3, 31))),
    )
    text = "\n".join([
        "# The verdict on fit histories", "",
        "Produced by `benchmarks/fit_verdict.py`; how the cases were made and labelled is told in "
        "`benchmarks/fit_cases/__init__.py`. ± is one standard error over tables. An undecided verdict counts as a "
        "miss in the first figure and is left out of the second. ECE: of the likeliest state, 10 bins; Brier: sum over "
        "the states. Both are over all cases, the undecided among them.", "",
        describe_machine("numpy", "torch", "scikit-learn") + f" Judge: {judge_version()}.", "",
        *(part("Final split: tables on which nothing was tuned", final, tuned) if options.split == "both" else ()),
        *part("Tune split", tune, tuned),
    ])  # fmt: skip
    print(text)
    if options.out:
        Path(options.out).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
