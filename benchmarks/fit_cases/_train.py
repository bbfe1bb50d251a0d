"""Train the grid on one problem, and keep the raw numbers: labels can be made again without training.

Notation: P plans, C cells, S seeds, T recorded epochs, U test epochs, R test rows.
"""

from __future__ import annotations

import json
import math
import time

import numpy as np
import torch

from fit_cases._grid import CELLS, PLANS, SEEDS, recipe_of, recorded_epochs, variants
from fit_cases._tables import FOLD, deal, digest
from justfit.sweep import Program
from justfit.sweep._reference import boosting_losses  # the quick strong learner that the verdict of a sweep uses


def train_problem(name, number, folder):
    """Train every configuration of the grid; write `<name>-<number>.npz` and return its path."""
    path = folder / f"{name}-{number}.npz"
    if path.exists():
        return path
    start = time.process_time()
    torch.set_num_threads(1)
    dealt = deal(name, number)
    arrays = {}
    for index, plan in enumerate(PLANS):
        for key, value in _train_plan(plan, dealt).items():
            arrays[f"{index}/{key}"] = value
    arrays |= _references(dealt)
    facts = {
        "table": name, "number": number, "task": dealt.problem.task, "num_outputs": dealt.problem.num_outputs,
        "num_features": dealt.problem.inputs.shape[1], "noise": dealt.noise, "num_train": len(dealt.train),
        "num_validation": len(dealt.validation), "num_small": len(dealt.small), "num_test": len(dealt.test),
        "cpu_seconds": round(time.process_time() - start, 1),
    }  # fmt: skip
    arrays["facts"], arrays["half"] = np.array(json.dumps(facts)), dealt.half
    with path.with_suffix(".part").open("wb") as file:
        np.savez_compressed(file, **arrays)
    path.with_suffix(".part").rename(path)
    return path


def _train_plan(plan, dealt):
    recipe, epochs = recipe_of(plan, len(dealt.train))
    program = Program(dealt.problem, recipe, variants(FOLD))
    record, test = recorded_epochs(epochs)
    kept = {"train": [], "validation": [], "small": [], "running": []}
    halves, rows, halves_right = [], [], []
    for epoch in range(1, epochs + 1):
        running = _advance(program) if plan.running else program.advance(1)
        if epoch in record:
            kept["train"].append(_summary(program, dealt.train, dealt))
            losses = _losses(program, dealt.validation)
            kept["validation"].append(_reduce(losses, dealt))
            kept["small"].append(_reduce(losses[:, : len(dealt.small)], dealt))
            if plan.running:
                kept["running"].append(running)
        if epoch in test:
            losses = _losses(program, dealt.test)
            rows.append(losses.view(len(CELLS), len(SEEDS), -1).mean(1).clamp(max=6e4).half().numpy())
            halves.append([losses[:, dealt.half == h].double().mean(1).numpy() for h in (0, 1)])
            halves_right.append([_right(losses[:, dealt.half == h], dealt).numpy() for h in (0, 1)])
    shape = (len(CELLS), len(SEEDS))
    result = {"record": np.array(record), "test": np.array(test), "rows_UCR": np.array(rows)}
    for key, values in kept.items():
        if values:  # [T, 24, …] -> [C, S, T, …]
            stacked = np.moveaxis(np.array(values), 0, 1)
            result[key] = stacked.reshape(*shape, *stacked.shape[1:])
    result["halves_CSUH"] = np.transpose(np.array(halves), (2, 0, 1)).reshape(*shape, len(test), 2)
    result["right_CSUH"] = np.transpose(np.array(halves_right), (2, 0, 1)).reshape(*shape, len(test), 2)
    return result


def _losses(program, rows):
    return torch.stack(program.losses(lambda _: rows))


def _summary(program, rows, dealt):
    return _reduce(_losses(program, rows), dealt)


def _reduce(losses_VR, dealt):
    """[variants, 3]: mean, its standard error, share of rows that are right (two classes only)."""
    losses_VR = losses_VR.double()
    error = losses_VR.std(1) / math.sqrt(losses_VR.shape[1])
    return torch.stack([losses_VR.mean(1), error, _right(losses_VR, dealt)], 1).numpy()


def _right(losses_VR, dealt):
    """With two classes a row is right exactly where its loss is below ln 2."""
    if dealt.problem.task == "classification" and dealt.problem.num_outputs == 2:
        return (losses_VR < math.log(2)).double().mean(1)
    return torch.full((len(losses_VR),), math.nan, dtype=torch.float64)


def _advance(program):
    """Train one epoch as `Program.advance` does; return each variant's mean loss over the batches as they were seen."""
    means = np.full(len(program.variants), math.nan)
    for number, chunk in enumerate(program._chunks):
        total, steps = 0.0, 0
        for batch, learning_rate in chunk.feed.steps(program.epoch):
            chunk.kernel.step(batch, learning_rate)
            total, steps = total + _batch_loss(chunk, batch), steps + 1
        for index, (owner, position) in program._place.items():
            if owner == number:
                means[index] = float(total[position]) / steps
    program.epoch += 1
    return means


def _batch_loss(chunk, batch):
    outputs_KBO = chunk.kernel._spaces[-1].out  # of the forward pass: dropout on, weights before the step
    goals = batch.goals_D1BO.expand(-1, len(outputs_KBO) // len(batch.goals_D1BO), -1, -1).reshape(outputs_KBO.shape)
    if chunk.problem.task == "regression":
        return (outputs_KBO[..., 0] - goals[..., 0]).square().mean(1)
    return (outputs_KBO.logsumexp(-1) - (outputs_KBO * goals).sum(-1)).mean(1)


def _references(dealt):
    """Validation losses [full, small] that a user could have had, and the constant predictor's test losses by half."""
    constant = _constant_losses(dealt)
    validation, small, test = (constant[rows].numpy() for rows in (dealt.validation, dealt.small, dealt.test))
    result = {
        "constant": np.array([validation.mean(), small.mean()]),
        "constant_H": np.array([test[dealt.half == h].mean() for h in (0, 1)]),
    }
    common = dealt.problem.targets[dealt.train].mode().values
    if dealt.problem.task == "classification":
        right = (dealt.problem.targets == common).double()
        result["constant_right"] = np.array([right[dealt.validation].mean(), right[dealt.small].mean()])
        result["constant_right_H"] = np.array([right[dealt.test].numpy()[dealt.half == h].mean() for h in (0, 1)])
    boosting = boosting_losses(dealt.problem, digest("boosting", dealt.name) % 2**31)
    if boosting is not None:
        held_out = torch.full((len(dealt.problem.targets),), math.nan, dtype=torch.float64)
        held_out[dealt.problem.validation_rows(FOLD)] = torch.from_numpy(boosting)
        losses = [held_out[rows] for rows in (dealt.validation, dealt.small)]
        result["boosting"] = np.array([one.mean() for one in losses])
        result["boosting_right"] = np.array([(one < math.log(2)).double().mean() for one in losses])
    return result


def _constant_losses(dealt):
    targets = dealt.problem.targets
    if dealt.problem.task == "regression":
        return (targets - targets[dealt.train].mean()).square()
    counts = torch.bincount(targets[dealt.train], minlength=dealt.problem.num_outputs).double() + 0.5
    return -(counts / counts.sum()).log()[targets]
