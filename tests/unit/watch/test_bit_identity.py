"""Watching changes nothing: weights, optimizer state and random numbers are those of the unwatched run, bit for bit."""

import pytest
import torch

from tests.unit.watch.loops import CASES, NUM_STEPS, Case

SETTINGS = {"every step": {"every": 1}, "governed": {}, "without replay": {"every": 2, "replay": False}}


def same_bits(first: torch.Tensor, second: torch.Tensor) -> bool:
    return torch.equal(first.reshape(-1).view(torch.uint8), second.reshape(-1).view(torch.uint8))


def hooks_of(module: torch.nn.Module, optimizer: torch.optim.Optimizer) -> list[dict]:
    found = [part.__dict__[name] for part in module.modules() for name in sorted(part.__dict__) if "hooks" in name]
    found += [optimizer.__dict__[name] for name in sorted(optimizer.__dict__) if "hooks" in name]
    return found + [p._post_accumulate_grad_hooks for p in module.parameters()]


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_weights_and_random_state_are_the_same(case, settings):
    backward = torch.autograd.backward
    module, optimizer, state, _ = case.train(watched=False)
    watched, watched_optimizer, watched_state, run = case.train(watched=True, **settings)

    assert all(
        same_bits(a, b) for a, b in zip(module.state_dict().values(), watched.state_dict().values(), strict=True)
    )
    kept, watched_kept = optimizer.state_dict()["state"], watched_optimizer.state_dict()["state"]
    for index in kept:
        for name, value in kept[index].items():
            if isinstance(value, torch.Tensor):
                assert same_bits(value, watched_kept[index][name])
    assert torch.equal(state, watched_state)

    assert torch.autograd.backward is backward
    assert [dict(hooks or {}) for hooks in hooks_of(watched, watched_optimizer)] == [
        dict(hooks or {}) for hooks in hooks_of(module, optimizer)
    ]
    assert not any("stopped" in note for note in run.record.evidence.notes)
    assert run.record.evidence.optimizers[0].num_steps > 0


def test_a_watch_that_changed_a_weight_would_be_seen():
    plain, _, _, _ = Case().train(watched=False)
    other, _, _, _ = Case(optimizer=lambda p: torch.optim.SGD(p, lr=0.1000001)).train(watched=False)
    assert not all(
        same_bits(a, b) for a, b in zip(plain.state_dict().values(), other.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize("name", ["scaler that skips", "scaler", "SGD"])
def test_skipped_steps_are_counted(name):
    _, _, _, run = CASES[name].train(watched=True, every=1)
    trace = run.record.evidence.optimizers[0]
    assert trace.num_steps + trace.num_skipped == NUM_STEPS
    assert (trace.num_skipped > 0) == (name == "scaler that skips")
    assert run.record.evidence.first_failure is None
