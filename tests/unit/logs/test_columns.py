"""Which columns are taken, what a name says, and what is said where nothing or too much fits."""

import re

import pytest

from justfit.errors import ArgumentError, LogColumnError, LogFormatError
from justfit.logs import read_history
from justfit.logs._names import clock_of, direction_of, meaning, rank_of


@pytest.fixture
def table(tmp_path):
    """Write a table of one-digit numbers with the given columns; None is an empty column."""

    def write(*columns, rows=3):
        path = tmp_path / "log.csv"
        lines = [",".join(columns)] + [
            ",".join(f"{row + k}" if name in ("epoch", "round") else f"0.{row + k}" for k, name in enumerate(columns))
            for row in range(1, rows + 1)
        ]
        path.write_text("\n".join(lines))
        return path

    return write


@pytest.mark.parametrize(
    ("columns", "pair"),
    [
        (("train_loss", "val_loss"), ("train_loss", "val_loss")),
        (("training loss", "validation loss"), ("training loss", "validation loss")),
        (("Loss/train", "Loss/val", "Accuracy/train", "Accuracy/val"), ("Loss/train", "Loss/val")),
        (("loss", "eval_loss", "train_runtime"), ("loss", "eval_loss")),
        (("trainLoss", "valLoss"), ("trainLoss", "valLoss")),
        (("trainloss", "validloss"), ("trainloss", "validloss")),
        (("loss", "val_loss", "lr", "grad_norm", "time"), ("loss", "val_loss")),
        (("train_loss_step", "train_loss_epoch", "val_loss"), ("train_loss_epoch", "val_loss")),
        (("train/epoch_loss", "validation/epoch_loss"), ("train/epoch_loss", "validation/epoch_loss")),
        (("train_acc", "val_acc", "train_loss", "val_loss"), ("train_loss", "val_loss")),
        (("train_acc", "val_acc", "train_nll", "val_nll"), ("train_nll", "val_nll")),
        (("train_mse", "val_mse", "train_r2", "val_r2"), ("train_mse", "val_mse")),
        (("train_loss", "test_loss", "val_loss"), ("train_loss", "val_loss")),
        (("train_loss", "test_loss"), ("train_loss", "test_loss")),
        (("train_box_loss", "val_box_loss", "train_mse", "val_mse"), ("train_box_loss", "val_box_loss")),
        (("train.metrics.loss", "dev.metrics.loss"), ("train.metrics.loss", "dev.metrics.loss")),
    ],
)
def test_the_likeliest_pair_is_taken(table, columns, pair):
    for order in (columns, columns[::-1]):
        history = read_history(table("epoch", *order))
        assert (history.train_name, history.validation_name) == pair


def test_what_was_left_is_said(table):
    history = read_history(table("epoch", "train_loss", "val_loss", "train_acc", "val_acc", "lr"))
    assert "Columns not taken: train_acc, val_acc, lr." in history.notes
    assert not read_history(table("epoch", "train_loss", "val_loss")).notes


def test_a_test_set_is_named(table):
    history = read_history(table("epoch", "train_loss", "test_loss"))
    assert any(note.startswith("`test_loss` is called a test set") for note in history.notes)


def test_a_summary_with_one_value_is_not_a_curve(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("step,loss,train_loss,eval_loss\n1,0.9,,1.0\n2,0.8,,0.9\n3,0.7,0.8,0.8\n")
    assert read_history(path).train_name == "loss"


def test_named_columns_go_first(table):
    path = table("epoch", "a", "b", "train_loss", "val_loss")
    history = read_history(path, train="a", validation="b", direction="maximize")
    assert (history.train_name, history.validation_name, history.direction) == ("a", "b", "maximize")
    assert read_history(path, train="a").validation_name == "val_loss"
    assert read_history(path, validation="val_loss").train_name == "train_loss"
    counted = read_history(table("round", "train_loss", "val_loss"), epoch="round")
    assert counted.epoch_name == "round"


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (("train_a_loss", "val_a_loss", "train_b_loss", "val_b_loss"),
         "A log must have one pair of a train and a validation column that is the likeliest. Found 2 equally likely "
         "ones in `{}`: `train_a_loss` with `val_a_loss`; `train_b_loss` with `val_b_loss`. Choose with `--train "
         "COLUMN --validation COLUMN` (`train=`, `validation=`)."),
        (("train_loss", "val_loss", "valid_loss"), "Found 2 equally likely ones"),
        (("loss", "lr"), "A log must have a train and a validation column of one metric, such as `train_loss` and "
         "`val_loss`. Found the columns `epoch`, `loss`, `lr` in `{}`. Name both with `--train COLUMN --validation"),
        (("train_loss", "val_acc"), "Found the columns `epoch`, `train_loss`, `val_acc`"),
        (("train_runtime", "eval_runtime"), "Found the columns `epoch`, `train_runtime`, `eval_runtime`"),
        (("train_quux", "val_quux"), "The name of a metric must tell whether small or large is good. Found `val_quux`. "
         "Say it with `--direction minimize` or `--direction maximize`"),
    ],
)  # fmt: skip
def test_what_cannot_be_chosen_is_an_error_that_lists_it(table, columns, message):
    path = table("epoch", *columns)
    with pytest.raises(LogColumnError, match=re.escape(message.format(path))):
        read_history(path)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"train": "train_los"}, LogColumnError, "`--train` must name a column of numbers. Found `train_los`. Did you "
         "mean `train_loss`?"),
        ({"validation": "zzz"}, LogColumnError, "Found `zzz`. The columns are `epoch`, `train_loss`, `val_loss`."),
        ({"epoch": "zzz"}, LogColumnError, "`--epoch` must name a column of numbers. Found `zzz`."),
        ({"direction": "up"}, ArgumentError, "`direction` must be minimize or maximize. Found `direction='up'`."),
        ({"kind": "pytorch"}, ArgumentError, "`kind` must be one of fastai, huggingface,"),
        ({"kind": "tensorboard"}, LogFormatError, "A log of TensorBoard scalars must be event files. Found csv in"),
    ],
)  # fmt: skip
def test_wrong_options(table, options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        read_history(table("epoch", "train_loss", "val_loss"), **options)


def test_the_kind_may_be_said(table):
    history = read_history(table("epoch", "train_loss", "val_loss"), kind="Keras")
    assert (history.kind, history.train_mode) == ("Keras history (csv)", True)


@pytest.mark.parametrize(
    ("name", "role", "metric"),
    [
        ("val_loss", "validation", ("loss",)),
        ("valid_loss", "validation", ("loss",)),
        ("eval/loss", "validation", ("loss",)),
        ("Test Loss", "test", ("loss",)),
        ("train/epoch_loss", "train", ("loss",)),
        ("loss", None, ("loss",)),
        ("loss_train/loss", "train", ("loss",)),
        ("val_mAP50", "validation", ("map50",)),
        ("mean_val_mean_squared_error", "validation", ("squared", "error")),
        ("value", None, ("value",)),
        ("evaluation_loss_vs_iterations", "validation", ("loss", "vs")),
    ],
)
def test_what_a_name_says(name, role, metric):
    assert (meaning(name).role, meaning(name).metric) == (role, metric)


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        ("loss", "minimize"), ("perplexity", "minimize"), ("nll", "minimize"), ("rmse", "minimize"),
        ("wer", "minimize"),
        ("accuracy", "maximize"), ("f1", "maximize"), ("auc", "maximize"), ("r2", "maximize"), ("mAP", "maximize"),
        ("iou", "maximize"), ("bleu", "maximize"), ("dice_loss", "minimize"), ("iou_error", "minimize"),
        ("neg_mean_squared_error", "maximize"), ("negative_log_likelihood", "minimize"), ("likelihood", "maximize"),
        ("quux", None), ("lr", None),
    ],
)  # fmt: skip
def test_the_direction_is_in_the_name(name, direction):
    assert direction_of(meaning(f"val_{name}").metric) == direction


def test_ranks_and_clocks():
    ranks = [rank_of(meaning(name).metric) for name in ("loss", "nll", "box_loss", "mse", "acc", "quux", "lr")]
    assert ranks == [0, 1, 2, 3, 4, 5, None]
    assert [clock_of(name) for name in ("epoch", "train/epoch", "_step", "global_step", "iteration", "loss")] == [
        "epoch", "epoch", "step", "step", "step", None,
    ]  # fmt: skip
