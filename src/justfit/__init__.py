"""Why your neural network does not fit, and the cure, proven.

Everything public is here, and nothing heavy is loaded before it is used (PEP 562): ``import justfit`` leaves torch,
scikit-learn, polars and numpy alone, so the command line answers at once.

.. code-block:: python

    import justfit

    classifier = justfit.JustFitClassifier().fit(X, y)    # chooses l2 and dropout by itself
    classifier.verdict_.state                             # "overfitting": the network without regularization
    loss = criterion(model(x), y) + justfit.l2_penalty(model, l2=0.1, num_examples=len(dataset))

    checkup = justfit.check(model, x, targets=y)          # before training: signals, gradients, units, first loss
    checkup.findings, checkup.trainability.score          # what is wrong, where and what helps; will it train
    justfit.initialize_(model, x, scheme="auto").changes  # the repair, undoable

>>> import justfit
>>> "l2_penalty" in dir(justfit)
True
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from justfit.checkup import check
    from justfit.cures import Dropout, initialize_
    from justfit.errors import JustFitError
    from justfit.estimators import JustFitClassifier, JustFitRegressor, fit_table, predict_table
    from justfit.maths import fans, gain, l2_penalty, sum_squares
    from justfit.repair import cure
    from justfit.rules import judge
    from justfit.sweep import sweep
    from justfit.watch import EarlyStopping, watch

    __version__: str

__all__ = [
    "Dropout",
    "EarlyStopping",
    "JustFitClassifier",
    "JustFitError",
    "JustFitRegressor",
    "__version__",
    "check",
    "cure",
    "fans",
    "fit_table",
    "gain",
    "initialize_",
    "judge",
    "l2_penalty",
    "predict_table",
    "sum_squares",
    "sweep",
    "watch",
]

_ROOMS = {
    "Dropout": "justfit.cures",
    "EarlyStopping": "justfit.watch",
    "JustFitClassifier": "justfit.estimators",
    "JustFitError": "justfit.errors",
    "JustFitRegressor": "justfit.estimators",
    "check": "justfit.checkup",
    "cure": "justfit.repair",
    "fans": "justfit.maths",
    "fit_table": "justfit.estimators",
    "gain": "justfit.maths",
    "initialize_": "justfit.cures",
    "judge": "justfit.rules",
    "l2_penalty": "justfit.maths",
    "predict_table": "justfit.estimators",
    "sum_squares": "justfit.maths",
    "sweep": "justfit.sweep",
    "watch": "justfit.watch",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value = import_module("importlib.metadata").version("justfit")
    elif name in _ROOMS:
        room = import_module(_ROOMS[name])
        value = room if name in ("sweep", "watch") else getattr(room, name)  # these rooms can themselves be called
    else:
        raise AttributeError(f"module 'justfit' has no attribute {name!r}")
    globals()[name] = value  # the next access does not come through here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
