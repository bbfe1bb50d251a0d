"""Cutting and joining units: survivors of any cutting are the same to the bit."""

import contextlib
import itertools
from dataclasses import replace

import pytest
import torch
from torch import nn

from justfit.sweep import Examples, Setting, SweepVariant, Training, Unit, UnitState, run_unit
from justfit.sweep._executor import SerialExecutor
from justfit.sweep._folds import assign_folds
from justfit.sweep._pieces import Pieces
from justfit.sweep._store import Store
from tests.unit.sweep.modules import build, make_data

VARIANTS = [
    SweepVariant(setting=Setting(l2=l2, dropout=p), seed=seed, fold=fold)
    for l2, p, seed, fold in itertools.product((0.0, 1.0, 30.0), (0.0, 0.4), (0, 1), (0, 1))
]
SURVIVORS = [v for v in VARIANTS if v.setting.l2 < 30.0 and (v.seed, v.setting.dropout) != (1, 0.4)]
STOPS = ((0, 1, (1,)), (1, 3, (2, 3)), (3, 5, (5,)))


@pytest.fixture(scope="module")
def training():
    inputs, targets = make_data()
    examples = Examples(inputs, targets, assign_folds(targets, "classification", 2, 0))
    return Training(build=build, examples=examples, loss_fn=torch.nn.CrossEntropyLoss(), epochs=5, batch_size=8)


def trained_alone(training, tier):
    """Every variant trained by itself in one go."""
    reports = {}
    for variant in VARIANTS:
        unit = Unit(variants=(variant,), tier=tier, until=5, measure=(1, 2, 3, 5))
        reports[variant] = run_unit(training, unit)[1]
    return reports


@pytest.fixture(scope="module")
def alone(training):
    return trained_alone(training, "loop")


class Workers(SerialExecutor):
    """As many workers as one says, in this process."""

    def __init__(self, num_workers):
        self.num_workers = num_workers
        self.sizes = []

    def map(self, training, units, on_done=None):
        self.sizes += [len(unit.variants) for unit in units]
        return super().map(training, units, on_done)


def run(pieces):
    """All variants to epoch 1, then the survivors; what each showed, put together."""
    shown = {variant: [] for variant in VARIANTS}
    for start, until, measure in STOPS:
        variants = VARIANTS if start == 0 else SURVIVORS
        for variant, measured in pieces.advance(variants, start, until, measure).items():
            shown[variant].append(measured)
    return shown


def assert_same_bits(shown, alone):
    for variant in SURVIVORS:
        validation = torch.cat([torch.from_numpy(measured.validation) for measured in shown[variant]])
        assert torch.equal(validation, alone[variant].validation_losses[0])
        train = [loss for measured in shown[variant] for loss in measured.train]
        assert train == alone[variant].train_loss[0].tolist()


@pytest.mark.parametrize("num_workers", [1, 3])
@pytest.mark.parametrize("max_unit_variants", [1, 5, None])
def test_survivors_are_what_they_are_alone(training, alone, num_workers, max_unit_variants):
    executor = Workers(num_workers)
    pieces = Pieces(training, executor, "loop", variant_bytes=1000, max_unit_variants=max_unit_variants)
    assert_same_bits(run(pieces), alone)
    assert max(executor.sizes) <= (max_unit_variants or 16)
    assert pieces.cpu_seconds > 0


@pytest.mark.parametrize("tier", ["vectorised", "batched"])
@pytest.mark.parametrize("num_workers", [1, 3])
def test_survivors_of_the_faster_tiers_too(training, tier, num_workers):
    alone = trained_alone(training, tier)
    for max_unit_variants in (1, 5, None):
        pieces = Pieces(training, Workers(num_workers), tier, variant_bytes=1, max_unit_variants=max_unit_variants)
        assert_same_bits(run(pieces), alone)


def test_a_few_variants_are_not_shared_out_where_a_unit_costs_as_much_as_a_larger_one(training):
    sizes = {}
    for tier in ("batched", "loop"):
        executor = Workers(3)
        Pieces(training, executor, tier, variant_bytes=1).advance([v for v in VARIANTS if v.seed == 0], 0, 1, (1,))
        sizes[tier] = executor.sizes
    assert sizes["batched"] == [12]
    assert max(sizes["loop"]) == 1


def test_memory_bounds_a_unit(training):
    executor = Workers(1)
    Pieces(training, executor, "loop", variant_bytes=2**27).advance(VARIANTS, 0, 1, (1,))
    assert max(executor.sizes) == 2


def test_units_are_of_one_seed(training):
    class Watching(SerialExecutor):
        def map(self, training, units, on_done=None):
            assert all(len({variant.seed for variant in unit.variants}) == 1 for unit in units)
            return super().map(training, units, on_done)

    Pieces(training, Watching(), "loop", variant_bytes=1).advance(VARIANTS, 0, 1, (1,))


class Counting(Workers):
    """Counts the epochs that are really trained; stops after so many units."""

    def __init__(self, most=10**9, num_workers=1):
        super().__init__(num_workers)
        self.most = most
        self.units = 0

    def map(self, training, units, on_done=None):
        for result in super().map(training, units, on_done):
            if self.units == self.most:
                raise KeyboardInterrupt
            self.units += 1
            yield result


@pytest.mark.parametrize("most", [0, 1, 4, 7, 9, 12, 15])
@pytest.mark.parametrize("num_workers", [1, 2])
def test_a_store_goes_on_where_it_was_left(tmp_path, training, alone, most, num_workers):
    """Interrupted after any unit, and gone on with by another number of workers."""
    first = Counting(most)
    with contextlib.suppress(KeyboardInterrupt):
        run(Pieces(training, first, "loop", variant_bytes=1, store=Store(tmp_path)))
    second = Counting(num_workers=num_workers)
    pieces = Pieces(training, second, "loop", variant_bytes=1, store=Store(tmp_path))
    assert_same_bits(run(pieces), alone)
    third = Counting()
    again = Pieces(training, third, "loop", variant_bytes=1, store=Store(tmp_path))
    assert_same_bits(run(again), alone)
    assert third.units == 0, "a finished sweep trains nothing"
    assert again.cpu_seconds == pytest.approx(pieces.cpu_seconds)


def test_a_damaged_or_half_kept_piece_is_done_again(tmp_path, training, alone):
    run(Pieces(training, SerialExecutor(), "loop", variant_bytes=1, store=Store(tmp_path)))
    files = sorted(tmp_path.glob("*.measured.safetensors"))
    files[0].write_bytes(files[0].read_bytes()[:40])
    files[1].write_bytes(b"")
    for state in tmp_path.glob("*.state.safetensors"):
        state.unlink()
    executor = Counting()
    assert_same_bits(run(Pieces(training, executor, "loop", variant_bytes=1, store=Store(tmp_path))), alone)
    assert executor.units >= 2


def test_where_networks_stood_is_forgotten_once_all_are_further(tmp_path, training):
    store = Store(tmp_path)
    pieces = Pieces(training, SerialExecutor(), "loop", variant_bytes=1, store=store)
    pieces.advance(SURVIVORS, 0, 1, (1,))
    early = set(tmp_path.glob("*.state.safetensors"))
    pieces.advance(SURVIVORS, 1, 3, (3,))
    assert early
    assert not early & set(tmp_path.glob("*.state.safetensors"))
    assert set(tmp_path.glob("*.state.safetensors"))
    store.forget_all_states()
    assert not set(tmp_path.glob("*.state.safetensors"))


def test_with_a_store_large_networks_are_not_held_in_memory(tmp_path, training, alone):
    pieces = Pieces(training, SerialExecutor(), "loop", variant_bytes=2**28, store=Store(tmp_path))
    shown = {variant: [] for variant in VARIANTS}
    for start, until, measure in STOPS:
        for variant, measured in pieces.advance(VARIANTS if start == 0 else SURVIVORS, start, until, measure).items():
            shown[variant].append(measured)
        assert not pieces._states
    assert_same_bits(shown, alone)


class OneUnused(nn.Module):
    """A network with a weight that no output depends on."""

    def __init__(self):
        super().__init__()
        self.used, self.unused = nn.Linear(6, 2), nn.Linear(6, 6)

    def forward(self, inputs):
        return self.used(inputs)


def test_variants_with_and_without_penalty_go_on_together_where_a_weight_is_unused(training):
    training = replace(training, build=OneUnused)
    variants = [SweepVariant(setting=Setting(l2=l2), fold=0) for l2 in (1.0, 0.0)]
    whole = run_unit(training, Unit(variants=tuple(variants), tier="loop", until=3))[0].tensors
    parts = [run_unit(training, Unit(variants=(variant,), tier="loop", until=1))[0] for variant in variants]
    later = Unit(variants=tuple(variants), tier="loop", until=3, state=UnitState.join(parts))
    gone_on = run_unit(training, later)[0].tensors
    assert whole.keys() == gone_on.keys()
    assert all(torch.equal(whole[name], gone_on[name]) for name in whole)


def test_a_damaged_state_is_trained_again(tmp_path, training, alone):
    pieces = Pieces(training, SerialExecutor(), "loop", variant_bytes=1, store=Store(tmp_path))
    pieces.advance(VARIANTS, *STOPS[0])
    for state in tmp_path.glob("*.state.safetensors"):
        state.write_bytes(state.read_bytes()[:-8])
    assert_same_bits(run(Pieces(training, SerialExecutor(), "loop", variant_bytes=1, store=Store(tmp_path))), alone)
