"""Series that stay short lose nothing that matters."""

import itertools
import math
import statistics

import pytest
import torch

from justfit.watch._series import MAX_BINS, MAX_SAMPLES, QUANTITIES, Frame, Frames, LossSeries, SampleSeries


@pytest.mark.parametrize("num", [1, MAX_BINS, MAX_BINS + 1, 5000])
def test_bins_are_those_of_all_losses(num):
    losses = [math.sin(step) * 3 + step / 100 for step in range(num)]
    series = LossSeries()
    for step, loss in enumerate(losses, 1):
        series.add(step, torch.tensor(loss, dtype=torch.float64) if step % 3 == 0 else loss)
    bins = series.bins()
    assert len(bins.mean) <= MAX_BINS
    assert sum(bins.num_steps) == num
    ends = [*bins.first_step[1:], num + 1]
    for place, (first, end) in enumerate(zip(bins.first_step, ends, strict=True)):
        part = losses[first - 1 : end - 1]
        assert bins.mean[place] == pytest.approx(statistics.fmean(part), abs=1e-5)
        assert bins.minimum[place] == pytest.approx(min(part), abs=1e-5)
        assert bins.maximum[place] == pytest.approx(max(part), abs=1e-5)
        if len(part) > 1:
            assert bins.std[place] == pytest.approx(statistics.stdev(part), abs=1e-4)
        else:
            assert math.isnan(bins.std[place])


def test_losses_that_are_not_finite_are_not_counted():
    series = LossSeries()
    for step, loss in enumerate([1.0, math.nan, math.inf, 3.0], 1):
        series.add(step, loss)
    bins = series.bins()
    assert bins.num_steps == (1, 0, 0, 1)
    assert math.isnan(bins.mean[1])
    assert series.epoch_mean() == 2.0
    series.end_epoch()
    assert math.isnan(series.epoch_mean())


def test_the_last_loss_can_be_replaced_as_long_as_it_waits():
    series = LossSeries()
    for step in range(1, 1000):
        series.add(step, 0.0)
        series.fold(but=1)
        series.replace_last(float(step))
    assert sum(m * n for m, n in zip(series.bins().mean, series.bins().num_steps, strict=True)) == pytest.approx(
        999 * 500
    )


def test_samples_are_thinned_out_where_they_are_old():
    series = SampleSeries()
    for step in range(1, 10 * MAX_SAMPLES):
        series.add(step, 0.1, (0, 2), [float(step)] * 2 * len(QUANTITIES))
    steps = series.steps
    assert len(steps) <= MAX_SAMPLES
    assert steps == sorted(set(steps))
    assert steps[0] == 1
    assert steps[-1] == 10 * MAX_SAMPLES - 1
    gaps = [b - a for a, b in itertools.pairwise(steps)]
    assert gaps[-1] == 1
    assert max(gaps[:20]) > 10
    of_layer = series.of_layer(2)
    assert of_layer["gradient_norm"] == tuple(map(float, steps))
    assert all(map(math.isnan, series.of_layer(1)["update_norm"]))


def test_memory_is_that_of_layers_not_of_steps():
    series = SampleSeries()
    sizes = []
    for step in range(1, 5 * MAX_SAMPLES):
        series.add(step, 0.1, tuple(range(100)), [0.0] * 100 * len(QUANTITIES))
        sizes.append(series.num_bytes())
    assert max(sizes) == MAX_SAMPLES * 100 * len(QUANTITIES) * 8


def test_frames():
    frames = Frames(3)
    for step in range(1, 6):
        frames.add(Frame(step, torch.tensor(float(step))))
    assert [frame.step for frame in frames] == [3, 4, 5]
    assert [frame.loss for frame in frames] == [3.0, 4.0, 5.0]
    assert frames.find(2) is None
    assert frames.find(4).loss == 4.0


def test_state():
    series, samples = LossSeries(), SampleSeries()
    for step in range(1, 700):
        series.add(step, float(step))
        samples.add(step, 0.1, (0,), [float(step)] * len(QUANTITIES))
    other, other_samples = LossSeries(), SampleSeries()
    other.load_state_dict(series.state_dict())
    other_samples.load_state_dict(samples.state_dict())
    assert other.bins() == series.bins()
    assert other_samples.of_layer(0) == samples.of_layer(0)
    other.add(700, 1.0)
    assert sum(other.bins().num_steps) == 700
