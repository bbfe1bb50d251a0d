"""Per-example losses of many networks equal those of one network at a time."""

import pytest
import torch
from torch import nn

from justfit.sweep import Program, Recipe, Variant, _evaluation, losses_of_outputs
from tests.unit.sweep.samples import make_problem

VARIANTS = [
    Variant(l2=1.0, dropout=dropout, fold=fold, seed=seed) for dropout in (0.0, 0.5) for fold, seed in ((0, 0), (2, 3))
]


def naive(problem, program, index, rows):
    outputs = program.module(index)(problem.inputs[rows])
    if problem.task == "regression":
        return (outputs[:, 0] - problem.targets[rows]) ** 2
    return -outputs.log_softmax(1)[torch.arange(len(rows)), problem.targets[rows]]


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize(("task", "num_classes"), [("classification", 2), ("classification", 17), ("regression", 1)])
def test_losses_equal_the_naive_ones(monkeypatch, task, num_classes, activation):
    problem = make_problem(task, torch.float64, num_classes=num_classes)
    program = Program(problem, Recipe(hidden=(6,), activation=activation, epochs=2, batch_size=16), VARIANTS)
    program.advance(2)
    whole = program.losses(problem.validation_rows)
    monkeypatch.setattr(_evaluation, "BLOCK_NUMBERS", 7 * 2 * 32)
    blocks = program.losses(problem.validation_rows)
    for index, variant in enumerate(VARIANTS):
        rows = problem.validation_rows(variant.fold)
        torch.testing.assert_close(whole[index], naive(problem, program, index, rows), rtol=1e-12, atol=1e-13)
        torch.testing.assert_close(blocks[index], whole[index], rtol=1e-12, atol=1e-13)
        assert whole[index].dtype == torch.float64


def test_evaluation_is_without_dropout_and_repeatable():
    problem = make_problem()
    program = Program(problem, Recipe(hidden=(16,), epochs=2, batch_size=16), VARIANTS)
    program.advance(1)
    first = program.losses(problem.validation_rows)
    second = program.losses(problem.validation_rows)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    module = program.module(2)
    assert any(isinstance(layer, nn.Dropout) for layer in module)
    rows = problem.validation_rows(0)
    torch.testing.assert_close(first[2], naive(problem, program, 2, rows), rtol=1e-5, atol=1e-6)
    module.train()
    noisy = nn.functional.cross_entropy(module(problem.inputs[rows]), problem.targets[rows], reduction="none")
    assert (noisy - first[2]).abs().max() > 0.01, "negative control: dropout would show"


def test_no_rows_give_no_losses():
    problem = make_problem()
    program = Program(problem, Recipe(hidden=(4,)), VARIANTS)
    assert [len(losses) for losses in program.losses(lambda _: torch.arange(0))] == [0] * len(VARIANTS)


def test_losses_by_hand():
    outputs = torch.tensor([[[0.0, 0.0], [2.0, 0.0]], [[1.0, 1.0], [0.0, -1e9]]])
    losses = losses_of_outputs(outputs, torch.tensor([0, 0]), "classification")
    expected = torch.tensor([[0.693147, 0.126928], [0.693147, 0.0]])
    torch.testing.assert_close(losses, expected, rtol=1e-5, atol=1e-6)
    squared = losses_of_outputs(torch.tensor([[[3.0], [-1.0]]]), torch.tensor([1.0, 1.0]), "regression")
    assert squared.tolist() == [[4.0, 4.0]]


def test_padded_classes_win_nothing_even_for_a_hopeless_network():
    problem = make_problem(num_classes=3)
    program = Program(problem, Recipe(hidden=()), [Variant(l2=0.0, dropout=0.0)])
    kernel = program._chunks[0].kernel
    kernel.biases[0][0, 0, :3] = torch.tensor([-500.0, -600.0, -700.0])
    kernel.weights[0].zero_()
    losses = program.losses(lambda _: torch.arange(103))[0]
    torch.testing.assert_close(losses, 100.0 * problem.targets.float())
