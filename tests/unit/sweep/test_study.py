"""A sweep in an Optuna study, in memory and in a database."""

import sys

import pytest

import justfit
from justfit.errors import ArgumentError, MissingExtraError
from justfit.sweep._study import AS_BUILT, check_study
from tests.unit.sweep.modules import build, make_data

optuna = pytest.importorskip("optuna")


@pytest.fixture(params=["memory", "sqlite"])
def study(request, tmp_path):
    storage = f"sqlite:{'///'}{tmp_path}/sweep.db" if request.param == "sqlite" else None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(study_name="sweep", storage=storage)


def run(study, **settings):
    asked = {"l2": [0, 1, 1000], "dropout": [0, 0.5], "folds": 2, "epochs": 9, "learning_rate": [0.02, 0.01]}
    return justfit.sweep(build, make_data(), study=study, executor="serial", refill=False, **{**asked, **settings})


def test_every_cell_is_a_trial(study):
    result = run(study, init=[None, "he"])
    cells = result.record.cells
    assert len(study.trials) == len(cells) == 24
    for trial, cell in zip(study.trials, cells, strict=True):
        assert trial.params["l2"] == cell.setting.l2
        assert trial.params["dropout"] == cell.setting.dropout
        assert trial.params["learning_rate"] == cell.setting.learning_rate
        assert trial.params["init"] == (cell.setting.init or AS_BUILT)
        assert trial.value == pytest.approx(cell.loss)
        assert trial.intermediate_values == pytest.approx(dict(zip(cell.epochs, cell.validation_loss, strict=True)))
        assert trial.state.name == ("PRUNED" if cell.stopped_reason else "COMPLETE")
        assert trial.user_attrs["best_epoch"] == cell.best_epoch
    assert sum(trial.user_attrs["chosen"] for trial in study.trials) == 1
    assert {trial.state.name for trial in study.trials} == {"COMPLETE", "PRUNED"}
    assert study.best_value == pytest.approx(min(c.loss for c in cells if not c.stopped_reason))
    assert study.user_attrs["justfit.sweep"]["chosen"] == result.record.chosen


def test_a_second_sweep_goes_into_the_same_study_and_optuna_goes_on_from_there(study):
    run(study, l2=[0, 1])
    before = len(study.trials)
    run(study, l2=[0, 10], init="he")
    assert len(study.trials) == 2 * before
    study.optimize(lambda trial: trial.suggest_float("l2", 0.0, 10.0), n_trials=1)
    assert len(study.trials) == 2 * before + 1


def test_the_same_sweep_is_not_added_twice(study, tmp_path):
    run(study, l2=[0, 1], out=tmp_path / "kept")
    before = len(study.trials)
    run(study, l2=[0, 1], out=tmp_path / "kept")
    assert len(study.trials) == before


def test_what_was_not_finite_failed(study):
    run(study, l2=0, dropout=0, learning_rate=[0.02, 1e30], optimizer="sgd")
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "FAIL"]
    assert study.trials[1].value is None


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (
            {"direction": "maximize"},
            r"`study` must minimize one objective, the validation loss\. Found directions maximize",
        ),
        ({"directions": ["minimize", "minimize"]}, r"Found directions minimize, minimize\. Make it with"),
    ],
)
def test_a_study_of_another_aim_is_refused(made, message):
    with pytest.raises(ArgumentError, match=message):
        check_study(optuna.create_study(**made))


def test_without_optuna_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(
        MissingExtraError, match=r"`study=` needs Optuna\. Found no package `optuna`\. Install it with `pip"
    ):
        check_study(object())
