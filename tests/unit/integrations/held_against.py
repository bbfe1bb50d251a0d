"""What a watched host shows, held against the plain training; and what it must leave as it was."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from justfit.records import WatchRecord, from_dict, to_dict
from tests.unit.integrations.reference import Trace

TOLERANCE = 1e-6


def assert_same_weights(one: nn.Module, other: nn.Module) -> None:
    """Bit for bit, by position: hosts give the parameters names of their own."""
    ours, theirs = list(one.parameters()), list(other.parameters())
    assert len(ours) == len(theirs) > 0
    for mine, yours in zip(ours, theirs, strict=True):
        assert torch.equal(mine.detach(), yours.detach())


def assert_shows(
    record: WatchRecord, trace: Trace, *, names: dict[str, str], update_tolerance: float = TOLERANCE
) -> None:
    """The norms of every step are those of the plain training, and so are losses and epochs.

    Args:
        record: Of a training watched at every step.
        trace: Of the plain training.
        names: Of each layer in the trace its name in the record.
        update_tolerance: Relative; an update is a small difference of weights, and other sums round it otherwise.
    """
    evidence = record.evidence
    (optimizer,) = evidence.optimizers
    assert optimizer.num_steps == len(trace.loss)
    assert list(optimizer.steps) == list(range(1, len(trace.loss) + 1))
    layers = {layer.name: layer for layer in evidence.layers}
    assert set(names.values()) <= set(layers)
    for plain, shown in names.items():
        layer = layers[shown]
        for series, expected, tolerance in (
            (layer.gradient_norm, trace.gradient, TOLERANCE),
            (layer.clipped_gradient_norm, trace.clipped, TOLERANCE),
            (layer.update_norm, trace.update, update_tolerance),
        ):
            assert list(series) == pytest.approx([step[plain] for step in expected], rel=tolerance)
            assert len(series) == len(expected)
        ratios = [used[plain] / whole[plain] for used, whole in zip(trace.clipped, trace.gradient, strict=True)]
        assert max(ratios) < 0.9, "nothing was clipped, so the two norms could not be mistaken for one another"
    first, last = (layers[name] for name in names.values())
    assert (first.activation, first.is_output, last.is_output) == ("tanh", False, True)
    for seen, micro_batches in zip(first.activation_rms, trace.hidden, strict=True):  # of one of them
        assert any(seen == pytest.approx(rms, rel=1e-5) for rms in micro_batches)
    assert list(evidence.losses.mean) == pytest.approx(trace.loss, rel=TOLERANCE)
    history = evidence.history
    assert list(history.epochs) == list(range(1, len(trace.train_loss) + 1))
    assert list(history.train_loss) == pytest.approx(trace.train_loss, rel=TOLERANCE)
    assert list(history.validation_loss) == pytest.approx(trace.validation_loss, rel=TOLERANCE)


def assert_written(folder: Path, record: WatchRecord) -> None:
    """The record on disk is the run's."""
    stored = from_dict(WatchRecord, json.loads((folder / "record.json").read_text()))
    assert stored.finished
    assert record.finished
    assert stored.evidence.optimizers == record.evidence.optimizers


def assert_same_run(resumed: WatchRecord, whole: WatchRecord) -> None:
    """A training in two parts is recorded like one that was not interrupted."""
    for name in ("optimizers", "layers", "losses", "history"):
        assert to_dict(getattr(resumed.evidence, name)) == to_dict(getattr(whole.evidence, name)), name


def hooks_of(network: nn.Module, *optimizers: torch.optim.Optimizer) -> list[int]:
    """Count every kind of hook that a watch could leave behind."""
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    counts = [len(getattr(part, kind)) for part in network.modules() for kind in kinds]
    counts += [len(p._post_accumulate_grad_hooks or ()) for p in network.parameters()]
    counts += [len(p._backward_hooks or ()) for p in network.parameters()]
    for optimizer in optimizers:
        counts += [len(optimizer._optimizer_step_pre_hooks), len(optimizer._optimizer_step_post_hooks)]
    return counts


def assert_nothing_left(network: nn.Module, *optimizers: torch.optim.Optimizer) -> None:
    """No hook is left, and `backward` is torch's own."""
    assert not any(hooks_of(network, *optimizers))
    assert torch.autograd.backward.__module__ == "torch.autograd"
    assert not hasattr(torch.autograd.backward, "__wrapped__")
