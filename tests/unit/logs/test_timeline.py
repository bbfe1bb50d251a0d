"""One entry per epoch: means over steps, repeats, order, gaps, several validations an epoch."""

import time

import numpy as np
import pytest

from justfit.errors import LogColumnError
from justfit.logs import read_history

NAN = float("nan")


def read(tmp_path, text, **options):
    path = tmp_path / "log.csv"
    path.write_text(text)
    return read_history(path, **options)


def close(got, want):
    np.testing.assert_allclose(got, want, rtol=1e-12)
    return True


def test_missing_values_in_all_spellings(tmp_path):
    history = read(
        tmp_path, "epoch,loss,val_loss\n1,nan,1\n2,NaN,2\n3, inf,3\n4,,4\n5,-Infinity,5\n6,None,6\n7,0.5,7\n"
    )
    assert close(history.train_loss, (NAN,) * 6 + (0.5,))
    assert history.validation_loss == (1, 2, 3, 4, 5, 6, 7)
    assert "4 values of `loss` are NaN or infinite; they count as missing." in history.notes


def test_steps_are_averaged_between_validations(tmp_path):
    history = read(tmp_path, "step,loss,val_loss\n1,4,\n2,2,\n2,,1\n3,1,\n4,3,\n5,2,\n5,,0.5\n6,9,\n")
    assert (history.epochs, history.epoch_name) == ((2, 5), "step")
    assert history.train_loss == (3.0, 2.0)
    assert "Train losses are means over the values since the validation before (median 2)." in history.notes
    assert "1 train values after the last validation are left out." in history.notes


def test_the_mean_of_an_epoch_does_not_depend_on_the_order_of_validation_and_training(tmp_path):
    first = read(tmp_path, "epoch,loss,val_loss\n0,4,\n0,2,\n0,,1\n1,3,\n1,1,\n1,,0.5\n")
    late = read(tmp_path, "epoch,loss,val_loss\n0,,1\n0,4,\n0,2,\n1,,0.5\n1,3,\n1,1,\n")
    assert first.train_loss == late.train_loss == (3.0, 2.0)
    assert first.validation_loss == late.validation_loss == (1.0, 0.5)


def test_an_epoch_without_validation_stays(tmp_path):
    history = read(tmp_path, "epoch,train_loss,val_loss\n1,4,\n2,3,2\n3,2,\n4,1,1\n")
    assert history.epochs == (1, 2, 3, 4)
    assert close(history.validation_loss, (NAN, 2, NAN, 1))


def test_of_a_resumed_run_the_last_is_kept(tmp_path):
    history = read(tmp_path, "epoch,loss,val_loss\n1,4,9\n2,3,8\n3,99,99\n2,2.5,7\n3,2,6\n4,1,5\n")
    assert (history.epochs, history.train_loss, history.validation_loss) == ((1, 2, 3, 4), (4, 2.5, 2, 1), (9, 7, 6, 5))
    assert "2 rows repeat an earlier epoch, as a resumed run does; the last is kept." in history.notes


def test_a_resumed_run_of_steps_does_not_mix_both_attempts(tmp_path):
    text = "epoch,loss,val_loss\n0,4,\n0,2,\n0,,1\n1,99,\n1,99,\n0,,1\n1,2,\n1,4,\n1,,0.5\n"
    assert read(tmp_path, text).train_loss == (3.0, 3.0)
    text = "epoch,step,loss,val_loss\n0,1,4,\n0,2,2,\n0,2,,1\n1,3,99,\n1,3,2,\n1,4,4,\n1,4,,0.5\n"
    history = read(tmp_path, text)
    assert (history.epoch_name, history.train_loss) == ("epoch", (3.0, 3.0))


def test_what_is_out_of_order_is_sorted(tmp_path):
    history = read(tmp_path, "epoch,train_loss,val_loss\n3,1,4\n1,3,6\n2,2,5\n")
    assert (history.epochs, history.train_loss, history.validation_loss) == ((1, 2, 3), (3, 2, 1), (6, 5, 4))
    assert "The rows are not in the order of their epoch; they are sorted." in history.notes


def test_several_validations_an_epoch_are_entries(tmp_path):
    rows = "\n".join(f"{step // 4},{step},{9 - step / 10},{8 - step / 10}" for step in range(12))
    history = read(tmp_path, f"epoch,step,train_loss,val_loss\n{rows}\n")
    assert (history.epochs, history.epoch_name) == (tuple(range(12)), "step")
    assert "There are 4 validations per epoch; each is an entry." in history.notes


def test_fractions_of_an_epoch_go_by_the_step(tmp_path):
    history = read(tmp_path, "epoch,step,loss,eval_loss\n0.5,10,4,\n0.97,19,,3\n1.5,30,2,\n1.97,38,,1\n")
    assert (history.epochs, history.epoch_name, history.train_loss) == ((19, 38), "step", (4, 2))


def test_fractions_alone_count_rows(tmp_path):
    history = read(tmp_path, "epoch,train_loss,val_loss\n0.5,4,3\n1.0,3,2\n1.5,2,1\n")
    assert (history.epochs, history.epoch_name) == ((1, 2, 3), "row")


def test_rows_count_where_no_column_does(tmp_path):
    history = read(tmp_path, "train_loss,val_loss\n4,3\n3,2\n")
    assert (history.epochs, history.epoch_name) == ((1, 2), "row")


def test_validation_of_an_untrained_network_stays(tmp_path):
    history = read(tmp_path, "step,loss,eval_loss\n0,,5\n10,2,\n10,,3\n")
    assert history.epochs == (0, 10)
    assert close(history.train_loss, (NAN, 2))


def test_standard_errors_beside_the_columns_are_read(tmp_path):
    history = read(tmp_path, "epoch,train_loss,val_loss,train_loss_se,val_loss_se\n1,4,3,0.1,0.2\n2,3,2,0.3,0.4\n")
    assert (history.train_loss_se, history.validation_loss_se) == ((0.1, 0.3), (0.2, 0.4))
    assert not history.notes


def test_steps_and_epochs_on_one_axis_are_told_apart(tmp_path):
    rows = [f"{step},{9 - step // 100}," for step in range(1, 500)] + [f"{epoch},,{5 - epoch}" for epoch in range(5)]
    history = read(tmp_path, "step,train_loss,val_loss\n" + "\n".join(rows))
    assert history.validation_loss == (5, 4, 3, 2, 1)
    np.testing.assert_allclose(history.train_loss, (9, 8, 7, 6, 5), atol=0.02)
    assert any(
        note.startswith("Training is counted by steps up to 499, validation from 0 to 4:") for note in history.notes
    )
    late = read(tmp_path, "step,train_loss,val_loss\n1,4,\n2,3,2\n4,2,1\n5,2,\n6,2,\n7,2,\n8,2,\n9,2,\n")
    assert late.train_loss == (3.5, 2)  # two validations at steps 2 and 4 are no epochs


def test_rows_in_turns_without_a_clock_belong_together(tmp_path):
    history = read(tmp_path, "train_loss,val_loss\n4,\n,3\n3,\n,2\n")
    assert (history.epochs, history.train_loss, history.validation_loss) == ((2, 4), (4, 3), (3, 2))


def test_fractions_of_a_named_clock_are_counted(tmp_path):
    history = read(tmp_path, "hour,loss,val_loss\n0.5,4,3\n1.0,3,2\n1.5,2,1\n", epoch="hour")
    assert (history.epochs, history.epoch_name) == ((1, 2, 3), "validation")
    assert "The numbers of the hour are no whole numbers; validations are counted." in history.notes


def test_a_clock_with_holes_is_refused_when_named(tmp_path):
    with pytest.raises(
        LogColumnError, match=r"`--epoch` must name a column that has a number in every row\. Found `lap`"
    ):
        read(tmp_path, "lap,loss,val_loss\n1,4,3\n,3,2\n,2,1\n", epoch="lap")


def test_a_million_rows_take_seconds(tmp_path):
    number = np.arange(1_000_000)
    path = tmp_path / "log.csv"
    with path.open("w") as file:
        file.write("epoch,step,train_loss,val_loss\n")
        file.writelines(f"{k // 1000},{k},0.{k % 1000:03d},{0.5 if k % 1000 == 999 else ''}\n" for k in number)
    start = time.perf_counter()
    history = read_history(path)
    assert time.perf_counter() - start < 30  # 1 s alone on an idle core
    assert len(history.epochs) == 1000
    assert close(history.train_loss, (0.4995,) * 1000)
