"""The result of `justfit fit`: everything its report shows, and nothing that needs torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

from justfit.records._shown import Shown
from justfit.records._sweep import SweepRecord
from justfit.records._verdict import FitVerdict

SCHEMA_VERSION = "justfit.fit/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFacts:
    """What was read, and what was done to it.

    Attributes:
        name: File name or name of the shipped set.
        num_rows, num_columns: Size of the table as read, target included.
        num_features: Columns of the encoded matrix.
        num_train, num_test: Rows of the training part and of the held-out test part.
        num_sweep: Rows of the training part that the sweep used.
        target: Name of the target column.
        task: "classification" or "regression".
        task_reason: Why this task, in words.
        classes: Labels in code order; empty for regression.
        target_scale: Standard deviation of the target that losses are measured against; 1 for classification.
        dropped_columns: (column, reason) pairs.
        notes: Anything the user should know about how the table was read.
    """

    name: str
    num_rows: int
    num_columns: int
    num_features: int
    num_train: int
    num_test: int
    num_sweep: int
    target: str
    task: str
    task_reason: str
    classes: tuple[str, ...]
    target_scale: float
    dropped_columns: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFacts:
    """The network and how it was trained.

    Attributes:
        hidden_layer_sizes: Units per hidden layer.
        activation: Name of the hidden activation.
        init: Name of the initialization scheme.
        num_parameters: Weights and biases.
        parameters_per_example: num_parameters / training examples (lecture C3).
        optimizer: In words, with how l2 enters it.
        learning_rate: Peak learning rate.
        epochs, batch_size, seed: As trained.
    """

    hidden_layer_sizes: tuple[int, ...]
    activation: str
    init: str
    num_parameters: int
    parameters_per_example: float
    optimizer: str
    learning_rate: float
    epochs: int
    batch_size: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TestComparison:
    """The held-out test part, before (l2 = 0, dropout = 0) and after (the chosen cell), same seeds.

    Attributes:
        loss_before, loss_after: Mean test loss per example, averaged over the refitted seeds.
        loss_difference: loss_after − loss_before; negative is better.
        loss_interval: 95 % interval of the difference, paired by example.
        score_name: "accuracy" or "R²".
        score_before, score_after, score_interval: The score and the 95 % interval of its difference, paired.
        delivered_loss, delivered_score: Of the one network that is delivered.
        constant_loss, constant_score: Of the best constant prediction (commonest class; training mean).
        num_seeds: Networks averaged over on each side.
        unit: Unit of the losses.
    """

    __test__ = False  # pytest would otherwise try to collect it as a test class

    loss_before: float
    loss_after: float
    loss_difference: float
    loss_interval: tuple[float, float]
    score_name: str
    score_before: float
    score_after: float
    score_interval: tuple[float, float]
    delivered_loss: float
    delivered_score: float
    constant_loss: float
    num_seeds: int
    num_examples: int
    unit: str
    constant_score: float = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class FitResult(Shown):
    """Everything `justfit fit` found out, in the order it says it.

    Attributes:
        schema_version: Version of this record's JSON form.
        verdict: The verdict on the network without regularization.
        sweep: The grid, the choice, and its uncertainty.
        test: Test loss and score, before and after; None where no test part was held out.
        next_steps: What the program would do next, most useful first.
        interrupted: True if the run was cut short (Ctrl-C or budget) and this is the best so far.
        elapsed_seconds: Wall time by stage; the only entry that differs from run to run.
        versions: Versions of the packages that decide the numbers.
        interruption: What cut the run short, and after which epoch; "" if nothing did.
        command: Words of the command that gives these numbers again; empty for an estimator.
    """

    dataset: DatasetFacts
    network: NetworkFacts
    verdict: FitVerdict
    sweep: SweepRecord
    test: TestComparison | None
    next_steps: tuple[str, ...]
    interrupted: bool
    elapsed_seconds: dict[str, float]
    versions: dict[str, str]
    command: tuple[str, ...] = ()
    interruption: str = ""
    schema_version: str = SCHEMA_VERSION
