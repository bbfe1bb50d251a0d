"""The fast program equals K ordinary trainings, whatever the grouping."""

import _thread
import itertools
import threading
import time

import pytest
import torch
from torch import nn

from justfit.sweep import Program, Recipe, Variant, _feed, _streams
from tests.references.plain_training import train_one
from tests.unit.sweep.samples import make_problem, relative_error, same_network

VARIANTS = [
    Variant(l2=l2, dropout=dropout, fold=fold, seed=seed)
    for l2, dropout, fold, seed in itertools.product((0.0, 0.3, 10.0), (0.0, 0.4), (0, 1, -1), (0, 5))
]


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_vectorised_equals_ordinary_training_float64(task, activation):
    problem = make_problem(task, torch.float64)
    recipe = Recipe(hidden=(9, 6), activation=activation, epochs=5, batch_size=16, learning_rate=1e-2)
    program = Program(problem, recipe, VARIANTS)
    program.advance(3)
    for index, variant in enumerate(VARIANTS):
        assert relative_error(program.module(index), train_one(problem, recipe, variant, 3)) <= 1e-10


@pytest.mark.parametrize("hidden", [(), (8,), (16, 16), (12, 5, 7)])
def test_vectorised_equals_ordinary_training_float32(hidden):
    problem = make_problem()
    recipe = Recipe(hidden=hidden, epochs=3, batch_size=16, learning_rate=1e-3)
    program = Program(problem, recipe, VARIANTS)
    program.advance(3)
    for index, variant in enumerate(VARIANTS):
        assert relative_error(program.module(index), train_one(problem, recipe, variant, 3)) <= 1e-5


def test_example_weights_equal_ordinary_training():
    problem = make_problem(dtype=torch.float64, weighted=True)
    recipe = Recipe(hidden=(9,), epochs=3, batch_size=16)
    program = Program(problem, recipe, VARIANTS[:8])
    program.advance(3)
    for index in range(8):
        assert relative_error(program.module(index), train_one(problem, recipe, VARIANTS[index], 3)) <= 1e-10


def test_wrong_factor_of_two_in_l2_is_seen():
    """Negative control: the comparison above would notice λ/n against λ/(2n)."""
    problem = make_problem(dtype=torch.float64)
    recipe = Recipe(hidden=(9,), epochs=3, batch_size=16)
    program = Program(problem, recipe, [Variant(l2=5.0, dropout=0.0, fold=0)])
    program.advance(3)
    halved = Variant(l2=2.5, dropout=0.0, fold=0)
    assert relative_error(program.module(0), train_one(problem, recipe, halved, 3)) > 1e-4


@pytest.mark.parametrize("limit", [1, 2, 5, 36])
@pytest.mark.parametrize("num_threads", [1, 2])
def test_grouping_never_changes_a_bit(limit, num_threads):
    problem = make_problem()
    recipe = Recipe(hidden=(16, 12), epochs=4, batch_size=16)
    whole = Program(problem, recipe, VARIANTS)
    whole.advance(4)
    pieces = Program(problem, recipe, VARIANTS[::-1], max_chunk_variants=limit, num_threads=num_threads)
    pieces.advance(1)
    pieces.advance(3)
    for index in range(len(VARIANTS)):
        assert same_network(whole.module(index), pieces.module(len(VARIANTS) - 1 - index))


def test_diverging_variant_touches_no_other():
    problem = make_problem()
    recipe = Recipe(hidden=(16, 12), epochs=4, batch_size=16)
    healthy, sick = Program(problem, recipe, VARIANTS), Program(problem, recipe, VARIANTS)
    kernel = sick._chunks[0].kernel
    kernel.weights[0][0] = float("nan")
    kernel.weights[1][1] = 1e38
    healthy.advance(2)
    sick.advance(2)
    broken = [index for index in range(len(VARIANTS)) if not same_network(healthy.module(index), sick.module(index))]
    assert sorted(broken) == sorted(i for i, place in sick._place.items() if place in {(0, 0), (0, 1)})


def test_losses_are_those_of_the_plain_modules():
    problem = make_problem()
    recipe = Recipe(hidden=(16,), epochs=2, batch_size=16)
    program = Program(problem, recipe, VARIANTS)
    program.advance(2)
    losses = program.losses(problem.validation_rows)
    for index, variant in enumerate(VARIANTS):
        rows = problem.validation_rows(variant.fold)
        outputs = program.module(index)(problem.inputs[rows])
        expected = nn.functional.cross_entropy(outputs, problem.targets[rows], reduction="none")
        torch.testing.assert_close(losses[index], expected, rtol=1e-5, atol=1e-6)


def test_training_leaves_global_random_state_and_threads_alone():
    problem = make_problem()
    torch.manual_seed(11)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    Program(problem, Recipe(hidden=(8,), epochs=1), VARIANTS[:4], num_threads=2).advance(1)
    assert torch.equal(state, torch.get_rng_state())
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("num_threads", [1, 2])
def test_interrupt_from_within_leaves_a_usable_program_and_no_thread(num_threads):
    problem = make_problem()
    recipe = Recipe(hidden=(8,), epochs=20, batch_size=16)
    program = Program(problem, recipe, VARIANTS, max_chunk_variants=4, num_threads=num_threads)
    program.advance(2)
    finished = []
    interrupted = threading.Event()

    def interrupt():
        finished.append(program.epoch)
        if interrupted.is_set():
            time.sleep(0.2)  # the other thread: one chunk may still end, and must then find the program stopped
        elif len(finished) == 3:
            interrupted.set()
            raise KeyboardInterrupt

    threads, settings = threading.active_count(), torch.get_num_threads()
    with pytest.raises(KeyboardInterrupt):
        program.advance(18, interrupt)
    assert program.epoch == 2, "the third epoch was not finished by all"
    assert len(finished) <= 2 + num_threads, "the chunks that wait are not begun after an interrupt"
    assert threading.active_count() == threads
    assert torch.get_num_threads() == settings
    losses = torch.stack([each.mean() for each in program.losses(problem.training_rows)])
    assert losses.isfinite().all()
    assert all(isinstance(program.module(index), nn.Sequential) for index in range(len(VARIANTS)))
    program.advance(1)
    assert program.epoch == 3


def test_control_c_stops_other_threads_in_mid_epoch():
    problem = make_problem(num_rows=400)
    program = Program(problem, Recipe(hidden=(8,), epochs=500, batch_size=4), VARIANTS, num_threads=2)
    assert program.num_chunks > 2
    threads, ticks = threading.active_count(), []
    with pytest.raises(KeyboardInterrupt):
        program.advance(500, lambda: ticks.append(1) or _thread.interrupt_main())
    assert threading.active_count() == threads
    assert program.epoch < 3
    assert len(ticks) < 3 * program.num_chunks


def test_control_c_does_not_wait_for_the_end_of_an_epoch():
    problem, recipe = make_problem(num_rows=400), Recipe(hidden=(8,), epochs=1, batch_size=1)
    program = Program(problem, recipe, VARIANTS[:4], max_chunk_variants=2, num_threads=2)
    quick, slow = (chunk.kernel for chunk in program._chunks[:2])
    begun, steps = threading.Event(), []

    def slow_step(batch, learning_rate):
        steps.append(begun.set())
        time.sleep(0.01)

    def wait_for_the_other(batch, learning_rate):
        begun.wait(10)

    slow.step, quick.step = slow_step, wait_for_the_other

    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        program.advance(1, interrupt)
    assert 0 < len(steps) < 100, "of 266 steps of its epoch"


def test_an_error_in_the_callback_is_not_swallowed():
    program = Program(make_problem(), Recipe(hidden=(8,), epochs=3), VARIANTS, max_chunk_variants=4, num_threads=2)
    with pytest.raises(ZeroDivisionError):
        program.advance(1, lambda: 1 / 0)


def test_every_chunk_and_epoch_ticks_once():
    program = Program(make_problem(), Recipe(hidden=(8,), epochs=3), VARIANTS, max_chunk_variants=5, num_threads=2)
    ticks = []
    program.advance(3, lambda: ticks.append(1))
    assert len(ticks) == 3 * program.num_chunks
    assert program.epoch == 3


def test_more_blocks_than_the_cache_holds_change_nothing(monkeypatch):
    """Chunks that ask for evicted masks get them drawn again, the same."""
    problem, recipe = make_problem(), Recipe(hidden=(16, 12), epochs=3, batch_size=2)
    variants = [Variant(l2=1.0, dropout=dropout, fold=0, seed=seed) for seed in (0, 1) for dropout in (0.2, 0.5)]
    monkeypatch.setattr(_feed, "BLOCK_NUMBERS", 100)
    assert _feed.Schedule(problem, recipe).steps_per_epoch(0) > _streams.CACHED_BLOCKS
    together, apart = Program(problem, recipe, variants), Program(problem, recipe, variants, max_chunk_variants=1)
    together.advance(3)
    apart.advance(3)
    monkeypatch.setattr(_streams, "CACHED_BLOCKS", 10_000)
    remembered = Program(problem, recipe, variants, max_chunk_variants=1, num_threads=2)
    remembered.advance(3)
    for index in range(len(variants)):
        assert same_network(together.module(index), apart.module(index))
        assert same_network(together.module(index), remembered.module(index))


def test_a_copied_out_network_does_not_change_with_the_program():
    program = Program(make_problem(), Recipe(hidden=(8,), epochs=2), VARIANTS[:2])
    before = program.module(0)
    program.advance(1)
    assert not same_network(before, program.module(0))
    assert not program.module(0).training
