"""How rows are dealt into folds."""

import pytest
import torch

from justfit.sweep import assign_folds


@pytest.mark.parametrize("num_folds", [2, 3, 5])
@pytest.mark.parametrize("num_rows", [5, 23, 200])
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_folds_are_equally_large(task, num_rows, num_folds):
    targets = torch.arange(num_rows) // 7 if task == "classification" else torch.randn(num_rows)
    sizes = torch.bincount(assign_folds(targets, task, num_folds, 0), minlength=num_folds)
    assert len(sizes) == num_folds
    assert sizes.sum() == num_rows
    assert sizes.max() - sizes.min() <= 1


def test_every_fold_holds_its_share_of_each_class():
    targets = torch.randint(6, (203,), generator=torch.Generator().manual_seed(0))
    folds = assign_folds(targets, "classification", 5, 0)
    shares = torch.stack([torch.bincount(folds[targets == code], minlength=5) for code in range(6)])
    assert (shares.max(1).values - shares.min(1).values).max() <= 1
    careless = assign_folds(targets.double(), "regression", 5, 0)
    shares = torch.stack([torch.bincount(careless[targets == code], minlength=5) for code in range(6)])
    assert (shares.max(1).values - shares.min(1).values).max() > 1, "negative control: without strata it is uneven"


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_deal_is_random_and_decided_by_the_seed(task):
    targets = torch.arange(60) // 30
    deal = assign_folds(targets, task, 3, 4)
    torch.manual_seed(99)
    assert torch.equal(deal, assign_folds(targets, task, 3, 4))
    assert not torch.equal(deal, assign_folds(targets, task, 3, 5))
    assert not torch.equal(deal, torch.arange(60) % 3)


def test_more_folds_than_rows_leaves_some_empty():
    assert assign_folds(torch.tensor([0, 1, 1]), "classification", 5, 0).sort().values.tolist() == [0, 1, 2]
