"""Sweep any network over l2, dropout, learning rate and initialization: the way in."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from justfit.cures import Scheme
from justfit.records import OnProgress
from justfit.sweep._axes import read_dropout, read_init, read_l2, read_learning_rate
from justfit.sweep._examples import as_examples
from justfit.sweep._executor import Executor
from justfit.sweep._open_executor import open_executor
from justfit.sweep._result import SweepResult
from justfit.sweep._study import check_study, write_study
from justfit.sweep._sweep_arguments import (
    check_callables,
    check_limits,
    check_sizes,
    check_words,
    default_loss,
    read_seeds,
)
from justfit.sweep._sweep_run import Asked, run_sweep
from justfit.sweep._training import LearningRateSchedule, LossFunction, OptimizerFactory, Tier, Training


def sweep(
    build: Callable[[], nn.Module],
    train: Any,
    validation: Any = None,
    *,
    loss_fn: LossFunction | None = None,
    l2: float | Sequence[float] | None = None,
    dropout: float | Sequence[float] | None = None,
    init: Scheme | Sequence[Scheme | None] | None = None,
    learning_rate: float | Sequence[float] | None = None,
    seeds: int | Sequence[int] = 1,
    folds: int = 5,
    epochs: int = 30,
    batch_size: int = 32,
    optimizer: str | OptimizerFactory = "adam",
    schedule: LearningRateSchedule = "constant",
    executor: str | Executor = "local",
    num_workers: int | None = None,
    device: str = "cpu",
    budget_seconds: float | None = None,
    tier: Tier | None = None,
    seed: int = 0,
    refill: bool = True,
    out: str | Path | None = None,
    study: Any = None,
    on_progress: OnProgress | None = None,
) -> SweepResult:
    r"""Find out how much regularization a network needs, and how sure that is.

    Every cell of the grid l2 × dropout × learning rate × init is trained on every fold with every seed, all with the
    same batches and dropout masks, so that cells are compared example by example:

    .. math:: L(w) + \frac{\lambda}{2n} \sum w^2, \qquad d_i = \ell_i(\text{cell}) - \ell_i(\text{best})

    Cells that diverge, learn nothing, overfit or are out of reach stop early; what that frees is spent on more seeds
    for the contenders and on finer λ between them. The number of epochs is chosen with the rest.

    Args:
        build: Makes a new network; called without arguments, the random state seeded.
        train: Training data: a pair (inputs, targets) of tensors, arrays or frames, a Dataset or a DataLoader.
        validation: The same, to judge all cells on; None cross-validates on `folds`.
        loss_fn: `loss_fn(outputs, targets)`, a mean over the batch. None: cross entropy for whole-number targets, mean
            squared error for others.
        l2: λ values to try, ≥ 0; None: zero and nine half-decades up to the largest that is of use.
        dropout: p to try, in [0, 1), for every dropout of the network; None: 0, .2, .4, .6 where the network has any.
        init: Schemes of `justfit.initialize_` to try, None among them for the network as built; first the one in use.
        learning_rate: Peak learning rates to try, > 0; first the one in use. None: 10⁻³, or the optimizer's own.
        seeds: Seeds of every cell: how many, or which.
        folds: At least 2; ignored where `validation` is given.
        epochs: Passes over the training rows, at least 1; the best number of them is found.
        batch_size: Examples in a step; that of a DataLoader does not count.
        optimizer: "adam", "adamw", "sgd", "momentum", "rmsprop", or a function of parameters.
        schedule: "constant", or "cosine" from the peak to 0.
        executor: "local", "ray", or an object with the interface of `Executor`.
        num_workers: Processes or actors; None: as many as there are cores.
        device: Where networks train, such as "cpu" or "cuda".
        budget_seconds: Wall time after which nothing new is begun; the best so far is given. What is trained, and in
            which order, never depends on the clock.
        tier: "batched", "vectorised" or "loop"; None: the fastest whose gradients are right. Where a stack is about as
            fast as the loop, the clock decides, and the last digits of a result depend on it: the record says which
            tier it was, and naming it here gives the same result bit for bit.
        seed: First seed; also deals the folds.
        refill: Spend what stopped cells have freed.
        out: A folder to keep the sweep in, at its end with `result.json` and `report.html`; the same call goes on where
            it was killed, to the same end, bit for bit.
        study: An Optuna study; every cell is written to it as a trial (needs `justfit[optuna]`).
        on_progress: Told how far it is.

    Returns:
        The choice, the ridge of settings that cannot be told from the best, the confidence, and the network.

    Raises:
        ArgumentError: An argument lies outside its contract, or the network and the loss do not fit the data.
        DataError: The data cannot be trained on: empty, of different lengths, not finite, or not to be divided.
        DivergedError: Every cell ended in NaN or infinity.
        MissingExtraError: Ray or Optuna is asked for and not installed.
        OutputError: `out` holds something else, is in use by another sweep, or cannot be written.
        VariantError: The code of the network, of the loss or of the optimizer failed.
        WorkerError: Workers cannot be started, or keep dying.
        KeyboardInterrupt: Ctrl-C before anything was measured; later it ends the sweep with the best so far.

    Example:
        >>> import torch
        >>> from justfit.sweep import sweep
        >>> x = torch.randn(120, 10, generator=torch.Generator().manual_seed(0))
        >>> result = sweep(
        ...     lambda: torch.nn.Sequential(torch.nn.Linear(10, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2)),
        ...     (x, (x[:, 0] > 0).long()), l2=[0, 1, 100], folds=2, epochs=6, learning_rate=0.02,
        ... )
        >>> result.chosen.l2 < 100, len(result.to_frame()), result.model()(x).shape
        (True, 3, torch.Size([120, 2]))

    References:
        Breiman et al. 1984, "Classification and regression trees", §3.4.3 (the rule of one standard error);
        Lan and DeMets 1983, Biometrika 70(3) (repeated checks); Maron and Moore 1993, "Hoeffding races".
    """
    began = time.monotonic()
    check_callables(build, loss_fn, optimizer)
    check_sizes(epochs=epochs, batch_size=batch_size, folds=folds, has_validation=validation is not None)
    check_words(schedule=schedule, tier=tier)
    check_limits(budget_seconds=budget_seconds, seed=seed, device=device)
    if study is not None:
        check_study(study)
    asked = Asked(
        l2=read_l2(l2),
        dropout=read_dropout(dropout),
        learning_rate=read_learning_rate(learning_rate),
        init=read_init(init),
        seeds=read_seeds(seeds, seed),
        tier=tier,
        refill=bool(refill),
        budget_seconds=budget_seconds,
    )
    examples = as_examples(train, validation, folds=folds, seed=seed)
    training = Training(
        build=build,
        examples=examples,
        loss_fn=default_loss(examples.targets) if loss_fn is None else loss_fn,
        optimizer=optimizer,
        epochs=epochs,
        batch_size=batch_size,
        schedule=schedule,
        device=device,
    )
    with open_executor(executor, num_workers, device) as workers:
        result = run_sweep(training, asked, workers, began=began, out=out, on_progress=on_progress)
    if study is not None:
        write_study(study, result.record)
    return result
