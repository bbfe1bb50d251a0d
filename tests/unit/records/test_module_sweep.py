"""The record of a sweep over any network."""

import dataclasses
import math

import pytest

from justfit.errors import ArgumentError, StoredModelError
from justfit.records import CellRecord, CellSetting, ModuleSweepRecord, from_json, to_json


def make_cell(l2=0.0, dropout=None, *, loss=0.5, ridge=False, share=0.0, **more):
    values = {
        "setting": CellSetting(l2=l2, dropout=dropout, learning_rate=None, init=None),
        "loss": loss,
        "loss_se": 0.02,
        "difference": loss - 0.4,
        "difference_se": 0.01,
        "ridge": ridge,
        "bootstrap_share": share,
        "best_epoch": 2,
        "num_seeds": 1,
        "stopped_epoch": 3,
        "stopped_reason": "",
        "is_refinement": False,
        "epochs": (1, 2, 3),
        "train_loss": (0.6, 0.5, 0.4),
        "train_loss_se": (0.01, 0.01, 0.01),
        "validation_loss": (0.7, loss, 0.8),
        "validation_loss_se": (0.02, 0.02, 0.02),
    }
    return CellRecord(**{**values, **more})


def make_record(**more):
    cells = (
        make_cell(0.0, 0.0),
        make_cell(1.0, 0.0, loss=0.41, ridge=True, share=0.3),
        make_cell(1.0, 0.2, loss=0.4, ridge=True, share=0.7),
        make_cell(100.0, 0.0, loss=math.nan, stopped_reason="not finite", validation_loss=(0.7, math.nan, math.nan)),
        make_cell(10.0, 0.2, loss=0.9, stopped_reason="futility", stopped_epoch=3),
    )
    values = {
        "module": "Net",
        "cells": cells,
        "best": 2,
        "chosen": 2,
        "confidence": 0.8,
        "helps": True,
        "improvement": 0.1,
        "improvement_se": 0.02,
        "epoch_optimism": 0.001,
        "num_grid_cells": 8,
        "tier": "loop",
        "tier_reason": "It was asked for.",
        "num_folds": 5,
        "num_epochs": 3,
        "num_examples": 200,
        "num_variants": 25,
        "variant_epochs": 70,
        "full_variant_epochs": 120,
        "cpu_seconds": 3.5,
        "interrupted": "",
        "notes": ("A note.",),
        "rule": "A rule.",
        "unit": "nats",
        "versions": {"justfit": "0", "torch": "2"},
    }
    return ModuleSweepRecord(**{**values, **more})


def test_it_goes_through_json_diverged_cells_and_all():
    record = make_record()
    again = from_json(ModuleSweepRecord, to_json(record))
    assert to_json(again) == to_json(record)
    assert math.isnan(again.cells[3].loss)
    assert again.cells[0] == record.cells[0]
    assert again.cells[1].setting.dropout == 0.0
    assert again.cells[1].setting.init is None


def test_the_ridge_stands_in_the_order_of_the_resamples():
    record = make_record()
    assert record.ridge == (record.cells[2], record.cells[1])
    assert record.chosen_cell is record.cells[2]


@pytest.mark.parametrize("wrong", [{"best": 5}, {"chosen": -1}])
def test_indices_must_be_of_cells(wrong):
    with pytest.raises(ArgumentError, match=r"`best` and `chosen` must be indices of `cells`\. Found `best="):
        make_record(**wrong)


def test_an_unknown_reason_is_not_read():
    text = to_json(make_record()).replace('"futility"', '"boredom"')
    with pytest.raises(StoredModelError, match="stopped_reason"):
        from_json(ModuleSweepRecord, text)


def test_records_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        make_record().chosen = 1
