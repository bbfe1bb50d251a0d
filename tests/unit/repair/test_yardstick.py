import math

import pytest
import torch
from torch.nn import functional

from justfit.repair._yardstick import yardstick_for

LOGITS = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
TARGETS = LOGITS.argmax(1)
TARGETS[::5] = (TARGETS[::5] + 1) % 3


def classes():
    return yardstick_for(LOGITS, TARGETS, TARGETS)


def test_scores_do_not_depend_on_the_scale_of_the_outputs_nor_on_a_second_softmax():
    stick = classes()
    plain = stick.share(stick.scores(LOGITS))
    assert stick.share(stick.scores(7.3 * LOGITS)) == pytest.approx(plain, abs=1e-6)
    assert stick.share(stick.scores(functional.softmax(LOGITS, 1))) == pytest.approx(plain, abs=0.01)
    assert stick.share(stick.scores(functional.log_softmax(LOGITS, 1))) == pytest.approx(plain, abs=1e-6)
    assert stick.share(stick.scores(LOGITS.flip(1))) < plain - 0.2


def test_a_constant_and_a_broken_network_learn_nothing_and_a_perfect_one_everything():
    stick = classes()
    assert stick.share(stick.scores(torch.full_like(LOGITS, math.nan))) == 0.0
    assert stick.share(stick.scores(functional.one_hot(TARGETS, 3) * 100.0)) == pytest.approx(1.0, abs=1e-3)
    assert abs(stick.share(stick.scores(torch.zeros_like(LOGITS)))) < 0.05


def test_errors_are_the_share_that_is_wrong():
    assert float(classes().errors(LOGITS).mean()) == pytest.approx(0.2)
    assert float(classes().errors(torch.zeros(200, 1)).mean()) == 1.0  # one output tells no class


def test_numbers_are_judged_on_their_own_scale():
    targets = torch.randn(50, 1, generator=torch.Generator().manual_seed(1)) * 30 + 100
    stick = yardstick_for(targets, targets, targets)
    assert stick.kind == "numbers"
    assert stick.share(stick.scores(targets.squeeze(1))) == 1.0
    assert stick.share(stick.scores(targets.mean().expand(50, 1))) == pytest.approx(0.0, abs=1e-6)


def test_zeros_and_ones_are_read_from_logits_and_probabilities():
    logits = torch.randn(300, generator=torch.Generator().manual_seed(2)) * 2
    targets = (logits + torch.randn(300, generator=torch.Generator().manual_seed(3)) > 0).float()
    stick = yardstick_for(logits, targets, targets)
    assert stick.kind == "binary"
    assert stick.share(stick.scores(torch.sigmoid(logits))) == pytest.approx(
        stick.share(stick.scores(logits)), abs=1e-3
    )
    assert float(stick.errors(logits[:, None]).mean()) == float(stick.errors(torch.sigmoid(logits)).mean())


def test_tokens_are_judged_with_the_classes_last_or_second():
    logits = torch.randn(20, 7, 5, generator=torch.Generator().manual_seed(4))
    targets = logits.argmax(2)
    stick = yardstick_for(logits, targets, targets)
    assert torch.equal(stick.scores(logits), stick.scores(logits.movedim(2, 1)))
    assert float(stick.errors(logits).mean()) == 0.0
