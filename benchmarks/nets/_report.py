"""The page: AUC and accuracy per family and split, rivals beside, calibration."""

from __future__ import annotations

import math

from nets._freeze import formula, frozen
from nets._measures import accuracy, auc, auc_interval, best_threshold, calibration
from nets._outcome import SHARE_OF_REFERENCE
from nets._spec import FAMILIES, SPLITS

OURS = "justfit"
RIVALS = {
    "torchlens": "TorchLens audit",
    "torchdiag": "torchdiag",
    "mean_field": "mean field 6ξ",
    "weight_gradient": "weight-gradient ratio",
    "delta": "activation-gradient ratio alone",
    "proxy": "InTrain-like proxy",
}
# What each rival itself calls an alarm; the others have no limit of their own and get the best one on the dev networks.
OWN_THRESHOLDS = {"torchlens": 1.0, "torchdiag": 1.0, "mean_field": -1.0}
# What was changed after the final split was read; empty the day it is frozen again.
AFTERWARDS = (
    "the frozen formula's AUC on it was 0.974 plain, 0.996 residual, 0.990 conv, 1.000 transformer, 0.990 all. **The "
    "code today is not the frozen one:** it takes the larger sample energy of the last two points of the trunk instead "
    "of the last one's, because healthy convolutional networks with a global average before the head, of which these "
    "families have none, were called untrainable. The tables are today's code"
)
EDGES = (0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0)


def report(rows, machine):
    """Rows hold spec, label, `score`, `probability`, `threshold` and the rivals' scores."""
    parts = [
        "# Which networks train? Predicted from one forward and one backward pass", machine, _rule(rows), _freeze(rows),
        "## Networks", _counts(rows),
        "## AUC [95 % bootstrap interval]", _table(rows, _auc_cell),
        "## Accuracy at the threshold", _thresholds(), _table(rows, _accuracy_cell),
        "## Calibration: stated probability against the share that trained", *_calibrations(rows),
        "## Final split, AUC by data", _by_dataset(rows),
        "Run again: `make` the environment, then the five commands in the head of `benchmarks/trainability.py`.",
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def misses(rows):
    """Networks on the wrong side of the threshold, worst first."""
    wrong = [row for row in rows if (row["score"] >= row["threshold"]) != row["trainable"]]
    for row in sorted(wrong, key=lambda row: -abs(math.log((row["score"] + 1e-9) / row["threshold"]))):
        shape = f"{row['kind']} {row['activation']} {row['scheme']} L {row['depth']} W {row['width']} {row['norm']}"
        scales = f"scale {row['scale']:.3g} branch {row['branch_scale']:.3g} attention {row['attention_scale']:.3g}"
        outcome = f"accuracy {row['accuracy']:.3f} of {row['level']:.3f} needed, score {row['score']:.3g}"
        yield f"{row['name']:24s} {shape}, {scales}, {row['dataset']}: {outcome}"


def _select(rows, family, split):
    return [row for row in rows if row["split"] == split and family in (row["family"], "all")]


def _scores(rows, method):
    """Scores and labels where the method applies."""
    key = "score" if method == OURS else method
    usable = [row for row in rows if row.get(key) is not None]
    return [row[key] for row in usable], [row["trainable"] for row in usable]


def _auc_cell(rows, family, split, method):
    scores, labels = _scores(_select(rows, family, split), method)
    if not scores or math.isnan(auc(scores, labels)):
        return "–"
    low, high = auc_interval(scores, labels)
    return f"{auc(scores, labels):.3f} [{low:.2f}, {high:.2f}]"


def _accuracy_cell(rows, family, split, method):
    scores, labels = _scores(_select(rows, family, split), method)
    if not scores:
        return "–"
    if method == OURS:
        return f"{accuracy(scores, labels, rows[0]['threshold']):.3f}"
    threshold = OWN_THRESHOLDS.get(method)
    if threshold is None:
        fitted = _scores(_select(rows, family, "dev"), method)
        if not fitted[0]:
            return "–"
        threshold = best_threshold(*fitted)
    return f"{accuracy(scores, labels, threshold):.3f}"


def _table(rows, cell):
    lines = ["| family | split | " + " | ".join([f"**{OURS}**", *RIVALS.values()]) + " |",
             "|---|---|" + "---|" * (1 + len(RIVALS))]  # fmt: skip
    for family in (*FAMILIES, "all"):
        for split in SPLITS:
            if _select(rows, family, split):
                cells = [cell(rows, family, split, method) for method in (OURS, *RIVALS)]
                lines.append(f"| {family} | {split} | **{cells[0]}** | " + " | ".join(cells[1:]) + " |")
    return "\n".join(lines)


def _counts(rows):
    lines = ["| family | split | networks | trainable | depths | widths | data |", "|---|---|---|---|---|---|---|"]
    for family in FAMILIES:
        for split in SPLITS:
            chosen = _select(rows, family, split)
            if chosen:
                share = sum(row["trainable"] for row in chosen) / len(chosen)
                spans = [_span(row[key] for row in chosen) for key in ("depth", "width")]
                data = ", ".join(sorted({row["dataset"] for row in chosen}))
                lines.append(f"| {family} | {split} | {len(chosen)} | {share:.0%} | {spans[0]} | {spans[1]} | {data} |")
    return "\n".join(lines)


def _span(values):
    return ", ".join(str(value) for value in sorted(set(values)))


def _by_dataset(rows):
    lines = ["| family | data | networks | AUC |", "|---|---|---|---|"]
    for family in FAMILIES:
        chosen = _select(rows, family, "final")
        for dataset in sorted({row["dataset"] for row in chosen}):
            part = [row for row in chosen if row["dataset"] == dataset]
            value = auc(*_scores(part, OURS))
            lines.append(f"| {family} | {dataset} | {len(part)} | {'–' if math.isnan(value) else f'{value:.3f}'} |")
    return "\n".join(lines)


def _calibrations(rows):
    for split in SPLITS:
        chosen = [row for row in rows if row["split"] == split]
        if chosen:
            probabilities, labels = [row["probability"] for row in chosen], [row["trainable"] for row in chosen]
            lines = [f"| {split}: stated | networks | mean stated | trained |", "|---|---|---|---|"]
            lines += [
                f"| {low:.2f} – {high:.2f} | {count} | {stated:.2f} | {trained:.2f} |"
                for low, high, count, stated, trained in calibration(probabilities, labels, EDGES)
            ]
            yield "\n".join(lines)


def _rule(rows):
    unjudged = sum(row["unjudged"] for row in rows)
    return (
        f"Generated networks, nothing selected by outcome. *Trainable*: after 100 steps of SGD (momentum 0.9, batch "
        f"32, gradient clipped to 1, better of two learning rates) the accuracy on training rows reaches chance + "
        f"{SHARE_OF_REFERENCE} · (reference − chance), the reference being a shallow healthy network of the family on "
        f"the same data; fixed before the first label. Every score is read once, at initialization, on 128 examples. "
        f"A network that could not be judged counts as score 0: {unjudged} of {len(rows)}."
    )


def _freeze(rows):
    record = frozen()
    if record is None:
        return "**Formula and threshold are not frozen yet: held-out numbers, if any, are not honest.**"
    same = record["digest"] == formula()["digest"]
    constants = ", ".join(f"{name} = {value}" for name, value in record["constants"].items())
    state = "the code today is the frozen one" if same else AFTERWARDS
    count = sum(row["split"] == "final" for row in rows)
    return (
        "Read the final split; the other two were used. A first formula, fixed on dev, was read once on held_out: AUC "
        "0.982 plain, 0.959 residual, 0.893 conv, 0.995 transformer, 0.962 all. It was then changed, held_out became a "
        "second dev split, and the networks of the final split were drawn: other data, widths, depths and seeds. "
        f"Formula and threshold were frozen on {record['date']} (commit {record['commit']}, digest {record['digest']}; "
        f"{constants}), before the score of any of the {count} final networks was computed; {state}."
    )


def _thresholds():
    return (
        "justfit at its frozen threshold; TorchLens and torchdiag: any flag is an alarm; mean field: depth ≤ 6ξ; the "
        "others at the threshold that is best on the dev networks of the same row. Mean field does not apply to skips "
        "and norms."
    )
