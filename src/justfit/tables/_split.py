"""Rows to learn from, and rows that no network sees before the end."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from justfit.errors import ArgumentError, TargetError
from justfit.tables._table import Task


def split_rows(
    codes: NDArray[Any], *, task: Task, test_fraction: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split rows into training and test rows; classes keep their shares and every class is on both sides.

    Args:
        codes: [rows] encoded target; for classification every class has two rows or more.
        task: Whether to keep the shares of the classes.
        test_fraction: Share of test rows, in (0, 1); rounded per class, so that either side has at least one
            row of it.
        seed: Same seed, same split.

    Returns:
        Row numbers of the training and of the test rows, each ascending.

    Raises:
        ArgumentError: `test_fraction` lies outside (0, 1).
        TargetError: A class has a single row, or there are fewer than two rows.

    >>> train, test = split_rows(np.array([0, 0, 0, 1, 1, 1]), task="classification", test_fraction=0.3, seed=0)
    >>> len(train), len(test)
    (4, 2)
    """
    if not 0.0 < test_fraction < 1.0:
        raise ArgumentError(
            "`test_fraction` must lie in (0, 1).",
            found=f"`test_fraction={test_fraction}`",
            way_out="It is the share of rows kept for the final test, 0.2 for one row in five.",
        )
    groups = np.asarray(codes) if task == "classification" else np.zeros(len(codes), dtype=np.int64)
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if sizes.size == 0 or sizes.min() < 2:
        raise TargetError(
            "There must be two rows or more, of every class, one to learn from and one to test on.",
            found=f"{0 if sizes.size == 0 else sizes.min()}",
            way_out="Add rows, or leave rare classes out.",
        )
    # scikit-learn's stratified split can leave a rare class without a test row; this one counts per class.
    num_test = np.clip(np.round(test_fraction * sizes), 1, sizes - 1)
    shuffled = np.random.default_rng(seed).permutation(len(group))
    by_group = shuffled[np.argsort(group[shuffled], kind="stable")]
    rank = np.arange(len(group)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    is_test = rank < np.repeat(num_test, sizes)
    return np.sort(by_group[~is_test]), np.sort(by_group[is_test])
