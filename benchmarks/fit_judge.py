"""Fit the constants of the judge of histories on the tune part of the three-class set, and write them.

    python benchmarks/fit_judge.py                 leave-one-table-out figures on the tune part
    python benchmarks/fit_judge.py --write         and write src/justfit/rules/_history_constants.py

Only cases of split "tune" are read, and of these only those whose label is not ambiguous. Each case is used twice:
with its reference ("referenced": the best of a sweep) and without reference and constant predictor ("plain"). The
model and what it looks at are in `src/justfit/rules/_history_model.py`; its weights maximize the likelihood of the
labels, classes weighted to be as frequent as `PRIORS` says, with a small ridge. `STOPPING` (of `OnlineJudge`) is fitted
to prefixes of the same histories: is a later epoch better than the best so far by more than a hundredth of what was
learned?
One thread; a minute or two.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import gzip
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from sklearn.metrics import f1_score

from justfit.records import History
from justfit.rules import HistoryEvidence, OnlineJudge
from justfit.rules._history_constants import SIZES
from justfit.rules._history_model import meant, shares
from justfit.rules._history_read import read
from justfit.rules._online_judge import FEWEST, MARGIN, SURE, looks

HERE = Path(__file__).parent
CASES = HERE / "fit_cases" / "cases.jsonl.gz"
CONSTANTS = HERE.parent / "src" / "justfit" / "rules" / "_history_constants.py"
STATES = ("overfitting", "underfitting", "just_right")
# What each question looks at, and between which bounds its weight must lie.
ANY, UP, DOWN = (None, None), (0, None), (None, 0)
LOOKS = {
    "plain": {
        "wrong": {"one": ANY, "rise": UP, "gap": ANY, "fall": UP},
        "overfitting": {"one": ANY, "rise": UP, "gap": UP, "fall": DOWN},
    },
    "referenced": {
        "wrong": {"one": ANY, "rise": UP, "gap": UP, "fall": UP, "descent": UP, "excess": UP, "bias": UP},
        "overfitting": {"one": ANY, "rise": UP, "gap": UP, "fall": DOWN, "descent": UP, "bias": DOWN},
    },
}
# How frequent the states are taken to be. With a reference the numbers speak; without, it matters, and a fit is taken
# to be right as often as wrong.
PRIORS = {"plain": np.array([1 / 4, 1 / 4, 1 / 2]), "referenced": np.array([1 / 3, 1 / 3, 1 / 3])}
RIDGE = 3e-4  # times the squared weights; the constants are not shrunk
PREFIXES = 8  # of each history


def load(path, split="tune"):
    with gzip.open(path, "rt") as file:
        return [case for line in file if (case := json.loads(line))["split"] == split]


def history_of(case):
    def numbers(name):
        return tuple(math.nan if value is None else value for value in case[name])

    names = ("train_loss", "validation_loss", "train_loss_se", "validation_loss_se")
    return History(
        epochs=tuple(case["epochs"]), direction=case["direction"], train_mode=case["train_mode"] or None,
        **{name: numbers(name) for name in names},
    )  # fmt: skip


def evidence_of(case, model):
    evidence = HistoryEvidence(history=history_of(case))
    if model == "plain":
        return evidence
    return replace(evidence, reference_loss=case["references"]["best of a sweep"], constant_loss=case["constant_loss"])


def looked_at(evidence, names):
    """[F, D]: what the model sees of one history."""
    drawn = shares(evidence)
    return np.stack([np.arcsinh(drawn[name] / SIZES[name]) for name in names])


def probabilities(weights, looks, rise_ND):
    """[N, 3]: overfitting, underfitting, just right; of each question weights [F] and looks [N, F, D]."""
    wrong, upward = (1 / (1 + np.exp(-np.einsum("f,nfd->nd", w, x))) for w, x in zip(weights, looks, strict=True))
    upward = meant(upward, rise_ND)
    return np.stack([(wrong * upward).mean(1), (wrong * (1 - upward)).mean(1), (1 - wrong).mean(1)], 1)


def fit(looks, labels_N, bounds, rise_ND, priors):
    """Weights [F] of each question."""
    num_looks, num_draws = len(bounds[0]), looks[0].shape[2]
    weight_N = (priors / np.bincount(labels_N, minlength=3))[labels_N]
    own_N = np.arange(len(labels_N))
    is_just_right, is_over = (labels_N == 2)[:, None], (labels_N == 0)[:, None]
    is_weight = np.concatenate([np.arange(len(of)) > 0 for of in bounds])

    def cost(flat):
        z = [np.einsum("f,nfd->nd", w, x) for w, x in zip(np.split(flat, [num_looks]), looks, strict=True)]
        wrong, own = (1 / (1 + np.exp(-one)) for one in z)
        upward = meant(own, rise_ND)
        left_ND = (1 - upward) / np.maximum(1 - own, 1e-12)  # d upward/d own
        draws_ND = np.stack([wrong * upward, wrong * (1 - upward), 1 - wrong])[labels_N, own_N]
        likelihood_N = np.maximum(draws_ND.mean(1), 1e-12)
        slopes = (  # of the draws, by z
            draws_ND * np.where(is_just_right, -wrong, 1 - wrong),
            wrong * np.where(is_just_right, 0.0, np.where(is_over, 1, -1)) * left_ND * own * (1 - own),
        )
        scaled_N = weight_N / likelihood_N / num_draws
        gradient = [-np.einsum("n,nd,nfd->f", scaled_N, slope, x) for slope, x in zip(slopes, looks, strict=True)]
        shrunk = is_weight * flat
        value = -(weight_N * np.log(likelihood_N)).sum() + RIDGE * (shrunk @ shrunk)
        return value, np.concatenate(gradient) + 2 * RIDGE * shrunk

    flat_bounds = [bound for of in bounds for bound in of]
    best = minimize(cost, np.zeros(len(flat_bounds)), jac=True, method="L-BFGS-B", bounds=flat_bounds)
    return np.split(best.x, [num_looks])


def figures(probabilities_N3, labels_N):
    """Macro-F1 of the likeliest state, of the decided cases alone; share undecided; calibration error."""
    confidence, likeliest = probabilities_N3.max(1), probabilities_N3.argmax(1)
    decided, right = confidence >= 0.8, likeliest == labels_N
    bins = np.minimum((confidence * 10).astype(int), 9)
    error = sum(
        abs(confidence[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)
    )
    return (
        f"macro-F1 {f1_score(labels_N, likeliest, average='macro'):.3f}, of the decided "
        f"{f1_score(labels_N[decided], likeliest[decided], average='macro'):.3f}; undecided {1 - decided.mean():.1%}; "
        f"calibration error {error:.3f}"
    )


def fit_states(cases):
    """Weights of both models; prints leave-one-table-out figures."""
    labels_N = np.array([STATES.index(case["label"]) for case in cases])
    tables_N = np.array([case["table"] for case in cases])
    fitted = {}
    for model, questions in LOOKS.items():
        evidences = [evidence_of(case, model) for case in cases]
        looks = [np.stack([looked_at(one, of) for one in evidences]) for of in questions.values()]
        bounds = [tuple(of.values()) for of in questions.values()]
        rise_ND = np.stack([shares(one)["rise"] for one in evidences]) * (model == "plain")
        held_out = np.zeros((len(cases), 3))
        for table in np.unique(tables_N):
            out = tables_N == table
            weights = fit([x[~out] for x in looks], labels_N[~out], bounds, rise_ND[~out], PRIORS[model])
            held_out[out] = probabilities(weights, [x[out] for x in looks], rise_ND[out])
        print(f"{model}, leave one table out: {figures(held_out, labels_N)}", flush=True)
        fitted[model] = {
            question: {name: round(float(weight), 3) for name, weight in zip(names, of, strict=True)}
            for (question, names), of in zip(
                questions.items(), fit(looks, labels_N, bounds, rise_ND, PRIORS[model]), strict=True
            )
        }
    return fitted


def fit_stopping(cases):
    """Weights of `OnlineJudge`, from prefixes whose last epoch is no new best."""
    draw = np.random.default_rng(0)
    seen, later = [], []
    for case in cases:
        history = history_of(case)
        validation = np.array(history.validation_loss) * (-1 if history.direction == "maximize" else 1)
        ends = [
            end for end in range(FEWEST - 1, int(0.8 * len(validation)) - 1)
            if np.isfinite(validation).all() and validation[end] > validation[:end].min()
        ]  # fmt: skip
        for end in draw.choice(ends, min(PREFIXES, len(ends)), replace=False) if ends else ():
            reading = read(_prefix(history, end + 1))
            seen.append(list(looks(reading, end - int(validation[: end + 1].argmin())).values()))
            better = validation[end + 1 :].min() < validation[: end + 1].min() - MARGIN * reading.unit_loss
            later.append(not better)
    looks_NF, later_N = np.array(seen), np.array(later)

    def cost(weights):
        p = 1 / (1 + np.exp(-looks_NF @ weights))
        value = -np.where(later_N, np.log(p), np.log1p(-p)).mean() + RIDGE * (weights[1:] @ weights[1:])
        return value, looks_NF.T @ (p - later_N) / len(p) + 2 * RIDGE * np.array([0, *weights[1:]])

    weights = minimize(cost, np.zeros(looks_NF.shape[1]), jac=True, method="L-BFGS-B").x
    print(f"stopping: {len(later_N)} prefixes, {later_N.mean():.0%} without a better epoch later", flush=True)
    return dict(zip(("one", "rise", "descent", "wait"), np.round(weights, 3).tolist(), strict=True))


def kept_share(cases):
    """Share of histories whose kept epoch, when `OnlineJudge` stopped them, is as good as their best; share stopped."""
    kept, stopped = [], []
    for case in cases:
        history = history_of(case)
        sign, validation = (-1 if history.direction == "maximize" else 1), np.array(history.validation_loss)
        advisor, end = OnlineJudge(direction=history.direction), len(validation)
        for epoch, losses in enumerate(zip(history.train_loss, history.validation_loss, strict=True), start=1):
            if advisor.update(*losses).stop:
                end = epoch
                break
        worse = sign * validation[:end]
        kept.append(np.nanmin(worse) <= np.nanmin(sign * validation) + MARGIN * read(history).unit_loss)
        stopped.append(end < len(validation))
    return np.mean(kept), np.mean(stopped)


def _prefix(history, length):
    names = ("epochs", "train_loss", "validation_loss", "train_loss_se", "validation_loss_se")
    return replace(history, **{name: getattr(history, name)[:length] for name in names})


def write(states, stopping, num_cases, num_tables):
    start = CONSTANTS.read_text().partition("# Fitted")[0]
    lines = [f'{start}# Fitted by `benchmarks/fit_judge.py` on {num_cases} cases of {num_tables} tables, split "tune".']
    lines += ["WEIGHTS: dict[str, dict[str, dict[str, float]]] = {"]
    for model, questions in states.items():
        lines += [f'    "{model}": {{']
        for question, weights in questions.items():
            lines += [f'        "{question}": {{']
            lines += [f'            "{name}": {weight},' for name, weight in weights.items()]
            lines += ["        },"]
        lines += ["    },"]
    lines += ["}", "# Of `OnlineJudge`.", f"STOPPING = {json.dumps(stopping)}", ""]
    CONSTANTS.write_text("\n".join(lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path, default=CASES)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    cases = load(options.cases)
    clear = [case for case in cases if not case["ambiguous"]]
    states, stopping = fit_states(clear), fit_stopping(cases)
    if options.write:
        write(states, stopping, len(clear), len({case["table"] for case in clear}))
    else:
        print("OnlineJudge at {:.2f}: best kept {:.3f}, stopped {:.0%}".format(SURE, *kept_share(cases[::3])))
    print(json.dumps({**states, "stopping": stopping}, indent=1))


if __name__ == "__main__":
    main()
