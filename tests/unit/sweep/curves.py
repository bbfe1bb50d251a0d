"""A sweep without training: an executor whose networks have the learning curves that a test gives them."""

import zlib

import numpy as np
import torch

from justfit.sweep import Examples, Training, UnitReport, UnitState
from justfit.sweep._axes import Axes
from justfit.sweep._cell_table import CellLog, Measured, add_piece
from justfit.sweep._pieces import Pieces
from justfit.sweep._schedule import Clock, Schedule, SchedulePlan

NUM_ROWS = 40


def examples(num_folds=2, num_rows=NUM_ROWS):
    return Examples(torch.zeros(num_rows, 1), torch.zeros(num_rows), torch.arange(num_rows) % num_folds)


def noise(seed, fold, *, scale=0.05, num_rows=NUM_ROWS // 2):
    """What a row and a seed add to every cell's losses."""
    return scale * torch.randn(num_rows, generator=torch.Generator().manual_seed(17 * seed + fold))


class CurveExecutor:
    """Every network has the loss `curve(setting, epoch)`, plus noise that all cells share and a little that is its own.

    Attributes:
        trained: (variant, from, to) of everything done, in order.
        units: All units, in order.
    """

    num_workers = 1

    def __init__(self, curve, train=None, *, own_scale=0.01, seed_scale=0.0):
        self.curve = curve
        self.train = train or curve
        self.own_scale = own_scale
        self.seed_scale = seed_scale
        self.trained = []
        self.units = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def map(self, training, units, on_done=None):
        for index, unit in enumerate(units):
            self.units.append(unit)
            start = 0 if unit.state is None else unit.state.epoch
            self.trained += [(variant, start, unit.until) for variant in unit.variants]
            losses = [torch.stack([self._losses(v, e) for e in unit.measure]).float() for v in unit.variants]
            train = torch.tensor([[self.train(v.setting, e) for e in unit.measure] for v in unit.variants])
            state = UnitState(unit.until, {"name": torch.tensor([_number(v) for v in unit.variants])})
            if unit.state is not None:
                expected = torch.tensor([_number(v) for v in unit.variants])
                assert torch.equal(unit.state.tensors["name"], expected), "a variant got another one's state"
            yield index, state, UnitReport(unit.measure, losses, train.double(), 0.01 * torch.ones(train.shape), 0.5)

    def _losses(self, variant, epoch):
        own = self.own_scale * torch.randn(
            NUM_ROWS // 2, generator=torch.Generator().manual_seed(_number(variant) + 7 * epoch)
        )
        shift = self.seed_scale * np.random.default_rng([variant.seed, _number(variant) % 9973]).normal()
        return self.curve(variant.setting, epoch) + noise(variant.seed, variant.fold) + own + shift


def _number(variant):
    setting = variant.setting
    return zlib.crc32(repr((setting, variant.seed, variant.fold)).encode())


def make_schedule(executor, axes, *, num_epochs=12, seeds=(0,), constant=None, store=None, clock=None, **more):
    """A schedule over an executor's curves, 2 folds."""
    data = examples()
    training = Training(build=lambda: None, examples=data, loss_fn=torch.nn.MSELoss(), epochs=num_epochs)
    plan = SchedulePlan(
        cells=tuple(axes.cells()), seeds=seeds, num_folds=2, num_epochs=num_epochs, constant=constant, **more
    )
    pieces = Pieces(training, executor, "loop", variant_bytes=1, store=store)
    return Schedule(plan, pieces, clock or Clock())


def grid(l2=(0.0,), dropout=(None,), learning_rate=(None,), init=(None,)):
    return Axes(tuple(l2), tuple(dropout), tuple(learning_rate), tuple(init))


def log_of(cell, curves, *, seed=0, train=None):
    """A cell with one seed and one fold: `curves` is {epoch: [n] losses}."""
    log = CellLog(cell)
    epochs = tuple(sorted(curves))
    losses = np.stack([np.asarray(curves[epoch], np.float32) for epoch in epochs])
    train = tuple(train or losses.mean(1).tolist())
    add_piece(log, seed, [Measured(epochs, losses, train, tuple(0.01 for _ in epochs))])
    return log
