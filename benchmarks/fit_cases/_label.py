"""Labels from measured risks.

Notation: G grid points (plan, cell, epoch at which the test loss was measured), S seeds, H halves of the test rows,
R test rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fit_cases._grid import CELLS, PLANS

TOLERANCE = 0.1  # of what there is to learn: the constant predictor's risk − the best risk
MARGIN = 1.5  # standard errors within which of the tolerance a case is ambiguous
DOMINANCE = 0.6  # share of the excess that one part must make up for the direction to be clear
LEARNABLE_IN_ERRORS = 5.0  # standard errors that what there is to learn must measure
CONFIRMED = 0.5  # share of the excess that a twin must remove for the direction to be confirmed


@dataclass(frozen=True)
class Label:
    """What is known of one grid point.

    Attributes:
        state: overfitting, underfitting or just_right.
        ambiguous: Within `MARGIN` standard errors of the tolerance, or without a clear or confirmed direction.
        excess, excess_se: Risk − that of the best of the grid.
        tolerance: In the unit of the risk.
        train_part, gap_part: What of the excess is a higher train risk, and what is a wider gap.
        restraint, freedom: How much better the best more (less) restrained twin is, ≥ 0.
    """

    state: str
    ambiguous: bool
    excess: float
    excess_se: float
    tolerance: float
    train_part: float
    gap_part: float
    restraint: float
    freedom: float


class Grid:
    """All measured points of one problem.

    Args:
        raw: What `train_problem` wrote, loaded.
        score: Take the share of wrong rows as the risk instead of the loss (two classes only).
        tolerance: Share of what there is to learn.
    """

    def __init__(self, raw, *, score=False, tolerance=TOLERANCE):
        self.half = raw["half"]
        points, risks, trains, rows = [], [], [], []
        for plan in range(len(PLANS)):
            record, test = raw[f"{plan}/record"], raw[f"{plan}/test"]
            at = np.searchsorted(record, test)
            risk = raw[f"{plan}/{'right' if score else 'halves'}_CSUH"]
            train = raw[f"{plan}/train"][:, :, at, 2 if score else 0]
            row = raw[f"{plan}/rows_UCR"]
            for cell in range(len(CELLS)):
                for u, epoch in enumerate(test):
                    points.append((plan, cell, int(epoch)))
                    risks.append(1 - risk[cell, :, u] if score else risk[cell, :, u])
                    trains.append(1 - train[cell, :, u] if score else train[cell, :, u])
                    rows.append(row[u, cell] >= np.log(2) if score else row[u, cell])
        self.points = np.array(points)
        self.index = {tuple(point): i for i, point in enumerate(points)}
        self.risk_GSH, self.train_GS, self.rows_GR = np.array(risks), np.array(trains), np.array(rows)
        self.finite = np.isfinite(self.risk_GSH).all((1, 2)) & np.isfinite(self.train_GS).all(1)
        self.risk, self.train = self.risk_GSH.mean((1, 2)), self.train_GS.mean(1)
        constant = 1 - raw["constant_right_H"] if score else raw["constant_H"]
        self.constant = float(constant.mean())
        self._find_best()
        self.learnable = self.constant - self.best
        self.tolerance = tolerance * self.learnable
        near = self.finite & (self.risk - self.best <= self.tolerance)
        near[self.chosen] = True
        self.near_train, self.near_gap = np.median(self.train[near]), np.median((self.risk - self.train)[near])
        # Where what there is to learn is itself hardly known, nothing can be labelled.
        errors = [self._error(at) for at in np.flatnonzero(near)]
        self.measurable = bool(self.learnable > LEARNABLE_IN_ERRORS * np.median(errors))
        self.size = np.array([sum(a * b for a, b in zip(p.hidden, (*p.hidden[1:], 8), strict=True)) for p in PLANS])

    def _find_best(self):
        """Choose the best point on one half of the rows and two seeds, read it on the other half and seed; six ways."""
        read, self.chosen, seeds = [], [], self.risk_GSH.shape[1]
        best_rows = np.zeros(self.rows_GR.shape[1])
        for half in (0, 1):
            for seed in range(seeds):
                others = [s for s in range(seeds) if s != seed]
                chosen = np.where(self.finite, self.risk_GSH[:, others, half].mean(1), np.inf).argmin()
                read.append(self.risk_GSH[chosen, seed, 1 - half])
                best_rows += np.where(self.half == 1 - half, self.rows_GR[chosen], 0) / seeds
                self.chosen.append(chosen)
        self.best, self.best_rows = float(np.mean(read)), best_rows
        # The smallest mean of the grid is too small by its own selection, the cross-fitted one too large where the
        # choice is noisy: the true best lies between them, and half their distance counts as an error of its own.
        selection = (self.best - self.risk[self.finite].min()) / 2
        of_seeds = self.risk_GSH.mean(2)[self.chosen].var(1, ddof=1).mean() / seeds
        self.best_variance = of_seeds + selection**2

    def label(self, plan, cell, epoch, *, seed=None):
        """Label a grid point by its mean over the seeds, or one seed's network alone."""
        at = self.index[plan, cell, epoch]
        risk = self.risk[at] if seed is None else self.risk_GSH[at, seed].mean()
        train = self.train[at] if seed is None else self.train_GS[at, seed]
        excess = risk - self.best
        error = self._error(at)
        train_part, gap_part = train - self.near_train, (risk - train) - self.near_gap
        restraint, freedom = self._twins(at)
        if excess <= self.tolerance:
            state, clear = "just_right", True
        else:
            over = gap_part > train_part
            state = "overfitting" if over else "underfitting"
            larger, other = max(gap_part, train_part), min(gap_part, train_part)
            helps, hinders = (restraint, freedom) if over else (freedom, restraint)
            clear = larger >= DOMINANCE * (larger + max(other, 0)) and helps >= max(hinders, CONFIRMED * excess)
        ambiguous = not clear or abs(excess - self.tolerance) < MARGIN * error
        return Label(state, bool(ambiguous), float(excess), error, float(self.tolerance), float(train_part),
                     float(gap_part), float(restraint), float(freedom))  # fmt: skip

    def _error(self, at):
        """Standard error of the excess: paired over rows, over both points' seeds, and of the choice of the best."""
        differences = self.rows_GR[at].astype(np.float64) - self.best_rows
        of_seeds = self.risk_GSH[at].mean(1).var(ddof=1) / self.risk_GSH.shape[1] + self.best_variance
        return float(np.sqrt(differences.var(ddof=1) / len(differences) + of_seeds))

    def _twins(self, at):
        """Improvement by the best twin that fits the training rows less, and by the best that fits them more.

        A twin is the same configuration at another epoch, or differs in λ and dropout in one direction only, or has
        another plan's width and the same λ and dropout.
        """
        plan, cell, epoch = self.points[at]
        plans, cells, epochs = self.points.T
        l2, dropout = np.array(CELLS).T
        same, same_plan, same_cell = (plans == plan) & (cells == cell), plans == plan, cells == cell
        more = (l2[cells] >= l2[cell]) & (dropout[cells] >= dropout[cell])
        less = (l2[cells] <= l2[cell]) & (dropout[cells] <= dropout[cell])
        size = self.size[plans]
        restrained = (same & (epochs < epoch)) | (same_plan & more & ~same) | (same_cell & (size < self.size[plan]))
        freed = (same & (epochs > epoch)) | (same_plan & less & ~same) | (same_cell & (size > self.size[plan]))
        gains = []
        for twins, fits in ((restrained, self.train >= self.train[at]), (freed, self.train <= self.train[at])):
            allowed = twins & fits & self.finite
            gains.append(max(0.0, self.risk[at] - self.risk[allowed].min()) if allowed.any() else 0.0)
        return gains
