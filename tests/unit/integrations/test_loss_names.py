import warnings

import pytest

from justfit.integrations._loss_names import find_loss


@pytest.mark.parametrize(
    ("metrics", "name", "found"),
    [
        ({"val_acc": 0.9, "val_loss": 0.5}, None, 0.5),
        ({"val/loss": 0.5, "train/loss": 0.1}, None, 0.5),
        ({"val_loss": 1.0, "validation_loss": 0.5}, None, 0.5),  # the house's own name first
        ({"val_loss/dataloader_idx_0": 0.5, "val_loss/dataloader_idx_1": 0.6}, None, 0.5),
        ({"val_loss/dataloader_idx_0": 0.5, "val_loss/dataloader_idx_1": 0.6}, "val_loss/dataloader_idx_1", 0.6),
        ({"mine": 0.5, "val_loss": 1.0}, "mine", 0.5),
        ({"test_loss": 0.5, "loss": 1.0, "train_loss": 2.0, "val_loss_scaled": 3.0}, None, None),
        ({}, None, None),
    ],
)
def test_a_loss_is_found_by_its_name(metrics, name, found):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert find_loss(metrics, name) == found


def test_a_name_that_nothing_has():
    with pytest.warns(
        UserWarning,
        match=r"^A metric named `mine` must be logged\. Found `val_loss`, `loss`\. Give the callback the name of one",
    ):
        assert find_loss({"val_loss": 1.0, "loss": 2.0}, "mine") is None
