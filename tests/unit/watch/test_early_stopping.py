"""The best network is kept and given back."""

import pytest
import torch
from torch import nn

from justfit.errors import ArgumentError, OutputError
from justfit.watch import EarlyStopping


def curve(epoch: int) -> tuple[float, float]:
    """Train loss falls; validation loss turns at epoch 12."""
    return 2.0 * 0.85**epoch, 0.5 + 0.01 * (epoch - 12) ** 2


@pytest.mark.parametrize("in_file", [False, True])
def test_best_state_is_kept_and_restored(tmp_path, in_file):
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    module[1].num_batches_tracked += 0
    stopping = EarlyStopping(module, path=tmp_path / "best.safetensors" if in_file else None)
    for epoch in range(1, 101):
        with torch.no_grad():
            module[0].weight.fill_(epoch)
            module[1].num_batches_tracked.fill_(epoch)
        train_loss, validation_loss = curve(epoch)
        advice = stopping.update(train_loss=train_loss, validation_loss=validation_loss)
        if advice.stop:
            break
    assert stopping.best_epoch == 12
    assert 12 < epoch < 60
    weight = module[0].weight
    stopping.restore_()
    assert module[0].weight is weight
    assert float(weight.detach()[0, 0]) == 12
    assert int(module[1].num_batches_tracked) == 12
    assert [path.name for path in tmp_path.iterdir()] == (["best.safetensors"] if in_file else [])


def test_scores_are_maximized():
    stopping = EarlyStopping(direction="maximize")
    for epoch in range(1, 101):
        train_loss, validation_loss = curve(epoch)
        if stopping.update(train_loss=1 - train_loss, validation_loss=1 - validation_loss).stop:
            break
    assert stopping.best_epoch == 12
    assert epoch < 60


def test_a_curve_that_goes_on_falling_is_not_stopped():
    stopping = EarlyStopping()
    for epoch in range(1, 41):
        loss = 2.0 * 0.9**epoch
        assert not stopping.update(train_loss=loss, validation_loss=loss + 0.05).stop
    assert stopping.best_epoch == 40


def test_contract(tmp_path):
    with pytest.raises(ArgumentError, match=r"`path` is where the best state of a module is kept\."):
        EarlyStopping(path=tmp_path / "best.safetensors")
    with pytest.raises(OutputError, match=r"`path` must lie in a folder that is there\."):
        EarlyStopping(nn.Linear(1, 1), path=tmp_path / "no" / "best.safetensors")
    with pytest.raises(ArgumentError, match=r"There must be a best state to restore\. Found no `module`\."):
        EarlyStopping().restore_()
    with pytest.raises(ArgumentError, match=r"There must be a best state to restore\. Found no epoch\."):
        EarlyStopping(nn.Linear(1, 1)).restore_()


@pytest.mark.parametrize("in_file", [False, True])
def test_without_a_best_network_nothing_is_restored(tmp_path, in_file):
    path = tmp_path / "best.safetensors"
    module = nn.Linear(1, 1)
    EarlyStopping(module, path=path).update(validation_loss=1.0)  # an earlier run leaves its file
    with torch.no_grad():
        module.weight.fill_(7.0)
    stopping = EarlyStopping(module, path=path if in_file else None)
    stopping.update(validation_loss=float("nan"))
    with pytest.raises(ArgumentError, match=r"Found no epoch with a validation loss that is a number\."):
        stopping.restore_()
    assert module.weight.item() == 7.0


def test_a_file_takes_tensors_only(tmp_path):
    class Counting(nn.Linear):
        def get_extra_state(self):
            return {"calls": 3}

        def set_extra_state(self, state):
            self.calls = state["calls"]

    module = Counting(1, 1)
    with pytest.raises(
        ArgumentError,
        match=r"kept in a file must hold tensors only\. Found dict as `_extra_state`\. Leave `path` out, and the best",
    ):
        EarlyStopping(module, path=tmp_path / "best.safetensors").update(validation_loss=1.0)
    stopping = EarlyStopping(module)
    stopping.update(validation_loss=1.0)
    stopping.restore_()
    assert module.calls == 3
