"""Draws depend on their names alone: not on the order of asking, the cache, threads, or global random state."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from justfit.sweep import _streams
from justfit.sweep._streams import CACHED_BLOCKS, MaskStream, epoch_order, named_generator

HIDDEN = (12, 5)
SHAPE = (3, 16)


def stream():
    return MaskStream(1.0, 0.0, torch.float32)


def kept(masks):
    return torch.cat([mask.flatten() for mask in masks])


def draw(*name):
    return torch.rand(64, generator=named_generator(*name))


def test_a_name_decides_a_draw():
    torch.manual_seed(1)
    first = draw(3, "mask", 1, 2)
    torch.manual_seed(2)
    assert torch.equal(first, draw(3, "mask", 1, 2))


@pytest.mark.parametrize(
    "other", [(4, "mask", 1, 2), (3, "order", 1, 2), (3, "mask", 2, 1), (3, "mask", 12), (31, "m")]
)
def test_another_name_is_another_draw(other):
    assert not torch.equal(draw(3, "mask", 1, 2), draw(*other))


def test_neighbouring_names_are_uncorrelated():
    draws = torch.stack([torch.rand(4_000, generator=named_generator(seed, "mask", 0, 0)) for seed in range(12)])
    correlation = torch.corrcoef(draws).fill_diagonal_(0)
    assert correlation.abs().max() < 4.5 / 4_000**0.5


def test_the_order_of_an_epoch_is_a_permutation_of_the_training_rows():
    folds = torch.arange(50) % 4
    for fold in (-1, 0, 3):
        assert torch.equal(epoch_order(7, 2, fold, folds).sort().values, torch.nonzero(folds != fold).flatten())


def test_epochs_and_seeds_have_orders_of_their_own():
    folds = torch.arange(50) % 4
    orders = {tuple(epoch_order(seed, epoch, 0, folds).tolist()) for seed in (0, 1) for epoch in (0, 1)}
    assert len(orders) == 4


def test_folds_visit_the_rows_they_share_in_one_order():
    folds = torch.arange(50) % 4
    first, second = epoch_order(7, 2, 0, folds), epoch_order(7, 2, 1, folds)
    assert torch.equal(first[folds[first] != 1], second[folds[second] != 0])


def test_masks_are_nested_across_dropout():
    rates = (0.1, 0.2, 0.5, 0.9)
    masks = [kept(stream().masks(0, p, (0, 0), SHAPE, HIDDEN)) for p in rates]
    for looser, tighter in itertools.pairwise(masks):
        assert (looser >= tighter).all()
        assert (looser > tighter).any()
    other_seed = kept(stream().masks(1, 0.5, (0, 0), SHAPE, HIDDEN))
    assert not (masks[1] >= other_seed).all(), "negative control: another seed's masks are not nested"


@pytest.mark.parametrize("dropout", [0.0, 0.05, 0.2, 0.5, 0.8, 0.99])
def test_the_share_of_kept_units_is_one_minus_dropout(dropout):
    masks = stream().masks(0, dropout, (0, 0), (40, 64), (20, 30))
    for mask in masks:
        standard_error = (dropout * (1 - dropout) / mask.numel()) ** 0.5
        assert abs(mask.mean().item() - (1 - dropout)) <= 4 * standard_error


def test_each_unit_step_and_example_has_a_mask_of_its_own():
    mask = stream().masks(0, 0.5, (0, 0), (30, 40), (20,))[0]
    for axis, size in enumerate(mask.shape):
        spread = mask.mean(dim=[a for a in range(3) if a != axis]).var().item()
        expected = 0.25 / (mask.numel() / size)  # the variance that independent draws give
        assert 0.3 * expected < spread < 2.5 * expected


def test_blocks_epochs_seeds_and_layers_differ():
    source = stream()
    blocks = [(0, (0, 0)), (0, (0, 1)), (0, (1, 0)), (1, (0, 0))]
    draws = [source.masks(seed, 0.5, block, SHAPE, (16, 16)) for seed, block in blocks]
    flat = [layer.flatten() for masks in draws for layer in masks]
    for index, first in enumerate(flat):
        for second in flat[index + 1 :]:
            agreement = (first == second).float().mean().item()
            assert abs(agreement - 0.5) < 5 * 0.5 / first.numel() ** 0.5


def test_values_of_a_mask():
    mask = MaskStream(0.0, -torch.inf, torch.float64).masks(0, 0.5, (0, 0), SHAPE, HIDDEN)[0]
    assert mask.dtype == torch.float64
    assert set(mask.unique().tolist()) == {-torch.inf, 0.0}
    assert torch.equal(mask == 0, stream().masks(0, 0.5, (0, 0), SHAPE, HIDDEN)[0] == 1)


def test_eviction_never_changes_a_mask():
    source = stream()
    names = [(seed, p, (0, block)) for block in range(CACHED_BLOCKS) for seed in (0, 1) for p in (0.2, 0.6)]
    first = [source.masks(seed, p, block, SHAPE, HIDDEN) for seed, p, block in names]
    assert len(names) > 3 * CACHED_BLOCKS
    for (seed, p, block), before in reversed(list(zip(names, first, strict=True))):
        assert torch.equal(kept(source.masks(seed, p, block, SHAPE, HIDDEN)), kept(before))
        assert torch.equal(kept(stream().masks(seed, p, block, SHAPE, HIDDEN)), kept(before))


def test_the_cache_is_bounded_and_used(monkeypatch):
    calls = []
    monkeypatch.setattr(_streams, "_draw", lambda *args, draw=_streams._draw: calls.append(args) or draw(*args))
    source = stream()
    for block in range(2 * CACHED_BLOCKS):
        for p in (0.2, 0.4):
            source.masks(0, p, (0, block), SHAPE, HIDDEN)
    assert len(calls) == 2 * CACHED_BLOCKS, "both dropouts share the uniform numbers of a block"
    assert len(source._masks) == len(source._uniforms) == CACHED_BLOCKS


def test_the_cache_tells_widths_apart():
    source = stream()
    source.masks(0, 0.5, (0, 0), SHAPE, (6, 11))
    assert [mask.shape[-1] for mask in source.masks(0, 0.5, (0, 0), SHAPE, (4, 2))] == [4, 2]


def test_threads_get_the_masks_that_one_thread_gets():
    names = [(seed, p, (epoch, 0)) for epoch in range(30) for seed in (0, 1) for p in (0.2, 0.6)] * 3
    source = stream()
    with ThreadPoolExecutor(8) as pool:
        drawn = list(pool.map(lambda name: kept(source.masks(*name, SHAPE, HIDDEN)), names))
    for name, masks in zip(names, drawn, strict=True):
        assert torch.equal(masks, kept(stream().masks(*name, SHAPE, HIDDEN)))
