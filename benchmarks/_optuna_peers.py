"""Optuna 5 as its documentation has it: TPE on one holdout, and TPE with the Wilcoxon pruner over folds."""

import time

import numpy as np
import optuna

NUM_TRIALS = 100
NUM_FOLDS = 5
# What is searched: λ over four and a half decades up to the largest useful one, which is given; and dropout.
DECADES = 4.5
MAX_DROPOUT = 0.6


class Study:
    """A study that counts what it cost: trainings done, and CPU seconds of Optuna itself."""

    def __init__(self, largest_l2, seed, pruner=None):
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed), pruner=pruner)
        self.largest_l2 = largest_l2
        self.trainings = 0
        self.own_seconds = 0.0
        self.best_after = []

    def run(self, evaluate):
        """`evaluate(l2, dropout, trial)` gives the value of a trial and adds to `trainings`."""
        for _ in range(NUM_TRIALS):
            trial = self.timed(self.study.ask)
            l2 = self.timed(
                trial.suggest_float, "l2", self.largest_l2 * 10**-DECADES, self.largest_l2, log=True
            )  # fmt: skip
            dropout = self.timed(trial.suggest_float, "dropout", 0.0, MAX_DROPOUT)
            value = evaluate(l2, dropout, trial)
            self.timed(self.study.tell, trial, value)
        best = self.study.best_params
        return best["l2"], best["dropout"]

    def timed(self, function, *arguments, **keywords):
        start = time.process_time()
        result = function(*arguments, **keywords)
        self.own_seconds += time.process_time() - start
        return result


def tpe_on_holdout(largest_l2, seed, fold_losses):
    """One holdout: fold 0 of five. `fold_losses(l2, dropout, folds)` gives validation losses."""
    study = Study(largest_l2, seed)

    def evaluate(l2, dropout, _trial):
        study.trainings += 1
        return fold_losses(l2, dropout, [0])[0]

    return study.run(evaluate), study


def wilcoxon_over_folds(largest_l2, seed, fold_losses, *, at_once):
    """Five folds, in a new order for every trial; a trial that is pruned returns the mean so far, as the docs advise.

    Args:
        at_once: Compute all folds in one call and only count those that the pruner let through: the same study, since a
            fold's loss does not depend on the others.
    """
    study = Study(largest_l2, seed, optuna.pruners.WilcoxonPruner())
    generator = np.random.default_rng(seed)

    def evaluate(l2, dropout, trial):
        order = generator.permutation(NUM_FOLDS).tolist()
        ready = dict(zip(order, fold_losses(l2, dropout, order), strict=True)) if at_once else {}
        results = []
        for fold in order:
            loss = ready[fold] if at_once else fold_losses(l2, dropout, [fold])[0]
            study.trainings += 1
            results.append(loss)
            study.timed(trial.report, loss, fold)
            if study.timed(trial.should_prune):
                break
        return float(np.mean(results))

    return study.run(evaluate), study
