"""What the tests of the executors share: a small training, its units, a build that does something on its first call."""

import os
import signal
import threading
import time
from pathlib import Path

import torch
from torch import nn

from justfit.sweep._training import Examples, Setting, SweepVariant, Training, Unit, UnitState

EPOCHS = 4


def make_network():
    return nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 2))


def make_training(build=make_network, **changes):
    inputs = torch.randn(90, 6, generator=torch.Generator().manual_seed(0))
    examples = Examples(inputs, (inputs[:, 0] > 0).long(), torch.arange(90) % 3)
    return Training(
        **{"build": build, "examples": examples, "loss_fn": nn.functional.cross_entropy, "epochs": EPOCHS} | changes
    )


def make_units(num_units=4, until=2, **changes):
    """Units of three folds each; units differ in l2."""
    return [
        Unit(
            variants=tuple(SweepVariant(setting=Setting(l2=float(k), dropout=0.2), fold=fold) for fold in range(3)),
            **{"tier": "loop", "until": until, "measure": (1, until)} | changes,
        )
        for k in range(num_units)
    ]


def next_units(results, units):
    """Go on with some variants of each unit, those of the last two units side by side."""
    states = {index: state for index, state, _ in results}
    *alone, last, very_last = range(len(units))
    groups = [[(index, [2, 0])] for index in alone] + [[(very_last, [1]), (last, [0, 2])]]
    return [
        Unit(
            variants=tuple(units[index].variants[k] for index, rows in group for k in rows),
            tier="loop",
            until=EPOCHS,
            measure=(EPOCHS,),
            state=UnitState.join([states[index].select(rows) for index, rows in group]),
        )
        for group in groups
    ]


def assert_same(results, others):
    """The same units with the same numbers, to the bit, in any order."""
    results, others = (sorted(each, key=lambda result: result[0]) for each in (results, others))
    assert [index for index, _, _ in results] == [index for index, _, _ in others]
    for (_, state, report), (_, other_state, other) in zip(results, others, strict=True):
        assert state.epoch == other_state.epoch
        assert state.tensors.keys() == other_state.tensors.keys()
        assert all(torch.equal(state.tensors[name], other_state.tensors[name]) for name in state.tensors)
        assert report.epochs == other.epochs
        for mine, theirs in zip(report.validation_losses, other.validation_losses, strict=True):
            assert torch.equal(mine, theirs)
        assert torch.equal(report.train_loss, other.train_loss)
        assert torch.equal(report.train_loss_se, other.train_loss_se)


class Once:
    """A build that writes down who calls it, and does something more the first time, in whichever process.

    Args:
        folder: Where it writes.
        what: "sleep": waits to be killed; "exit": ends its process; "kill": the same, every time.
    """

    def __init__(self, folder, what):
        self.folder, self.what = Path(folder), what

    def __call__(self):
        first = self.folder / "first"
        if self.what == "kill":
            (self.folder / f"call-{time.time_ns()}").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            first.touch(exist_ok=False)
        except FileExistsError:
            (self.folder / f"call-{time.time_ns()}").touch()
            return make_network()
        (self.folder / "pid.new").write_text(str(os.getpid()))
        (self.folder / "pid.new").rename(self.folder / "pid")
        if self.what == "sleep":
            time.sleep(600)
        os._exit(3)

    def num_calls(self):
        return len(list(self.folder.glob("call-*")))


def read_pid(folder, seconds=120):
    """Wait for the first call to say which process it is in."""
    deadline = time.monotonic() + seconds
    while not (folder / "pid").exists():
        assert time.monotonic() < deadline, "the unit has not begun"
        time.sleep(0.05)
    return int((folder / "pid").read_text())


class Killer(threading.Thread):
    """Kills, as the kernel does when memory is short, the process that the first call is in."""

    def __init__(self, folder):
        super().__init__(daemon=True)
        self.folder = folder
        self.start()

    def run(self):
        os.kill(read_pid(self.folder), signal.SIGKILL)


def wait_until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it has not happened"
        time.sleep(0.1)


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
