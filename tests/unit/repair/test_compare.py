import math

import pytest
import torch

from justfit.repair._compare import ALPHA, MATERIAL, gain_of, run_noise


def scores(seed, mean, num=400):
    return mean + torch.randn(num, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_gain_is_paired_by_example():
    before = scores(0, 5.0)
    gain = gain_of([before], [before - 0.1], unit=1.0, run_noise=0.0, alpha=ALPHA)
    assert gain.mean == pytest.approx(0.1)
    assert gain.se == pytest.approx(0.0, abs=1e-9)
    assert gain.is_proven
    unpaired = gain_of([before], [scores(1, 4.9)], unit=1.0, run_noise=0.0, alpha=ALPHA)
    assert unpaired.se > 0.05


def test_a_small_gain_is_not_worth_a_change():
    before = scores(0, 5.0)
    assert not gain_of([before], [before - MATERIAL / 2], unit=1.0, run_noise=0.0, alpha=ALPHA).is_proven


def test_useless_changes_are_called_a_cure_no_more_often_than_the_level_says():
    false = sum(
        gain_of([scores(2 * k, 1.0, 60)], [scores(2 * k + 1, 1.0, 60)], unit=1.0, run_noise=0.0, alpha=0.05).lower > 0
        for k in range(600)
    )
    assert false <= 0.05 * 600 + 3 * math.sqrt(600 * 0.05 * 0.95)
    assert false >= 5  # the control: the level is used up, not far below


def test_two_seeds_that_disagree_widen_the_interval():
    before = scores(0, 5.0)
    alike = gain_of([before, before], [before - 0.1, before - 0.1], unit=1.0, run_noise=0.0, alpha=ALPHA)
    apart = gain_of([before, before], [before - 0.3, before + 0.1], unit=1.0, run_noise=0.0, alpha=ALPHA)
    assert alike.mean == pytest.approx(apart.mean)
    assert alike.is_proven
    assert not apart.is_proven


def test_run_noise_is_that_of_white_noise_whatever_the_trend():
    noise = 0.01 * torch.randn(400, generator=torch.Generator().manual_seed(0))
    shares = [0.001 * k + float(noise[k]) for k in range(400)]
    assert run_noise(shares) == pytest.approx(0.01, rel=0.2)
    assert run_noise([0.1, 0.2]) == 0.0
