"""Many variants in one program: their training, their choice, and what the choice is worth.

Of any network, in one call, see `sweep`:

>>> import torch
>>> import justfit
>>> inputs = torch.randn(90, 4, generator=torch.Generator().manual_seed(0))
>>> result = justfit.sweep(
...     lambda: torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2)),
...     (inputs, (inputs[:, 0] > 0).long()), l2=[0, 100], folds=3, epochs=4, learning_rate=0.02,
... )
>>> result.chosen.l2, result.helps, result.record.num_variants
(0.0, False, 6)

Of the multilayer perceptrons that `justfit fit` looks for, step by step:

Hundreds of networks that differ in l2, dropout, fold, seed and initialization are trained as one program of batched
matrix products. They share batch order and dropout masks, so their differences are not drowned in the noise of
training; each of them is, to rounding, the network that an ordinary PyTorch loop would have trained.

>>> import torch
>>> from justfit.sweep import Problem, Program, Recipe, Variant
>>> inputs = torch.randn(90, 4, generator=torch.Generator().manual_seed(0))
>>> problem = Problem(inputs, (inputs[:, 0] > 0).long(), torch.arange(90) % 3, "classification", 2)
>>> variants = [Variant(l2=l2, dropout=0.1, fold=fold) for l2 in (0.0, 1.0, 100.0) for fold in range(3)]
>>> program = Program(problem, Recipe(hidden=(16,), epochs=30), variants)
>>> program.advance(30)
>>> losses = torch.stack([losses.mean() for losses in program.losses(problem.validation_rows)]).view(3, 3).mean(1)
>>> bool(losses[1] < losses[2]), type(program.module(0)).__name__
(True, 'Sequential')
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from justfit.sweep._choice import Choice, choose
from justfit.sweep._decide import Decision, decide, refit
from justfit.sweep._evaluation import losses_of_outputs
from justfit.sweep._examples import as_examples
from justfit.sweep._executor import Executor, SerialExecutor
from justfit.sweep._folds import assign_folds
from justfit.sweep._grid import Grid, constant_losses, find_largest_l2, l2_values
from justfit.sweep._layout import Layout
from justfit.sweep._loop import Network, call_arguments, default_generator_kept, take
from justfit.sweep._loss_check import check_code_range, takes_class_codes
from justfit.sweep._modules import build_module
from justfit.sweep._plan import Plan, Wishes, make_plan
from justfit.sweep._problem import ACTIVATIONS, NEVER_HELD_OUT, NO_FOLD, Activation, Problem, Recipe, Task, Variant
from justfit.sweep._program import Program, one_torch_thread
from justfit.sweep._result import ChosenSetting, SweepResult
from justfit.sweep._search import Search, SearchResult
from justfit.sweep._streams import named_generator
from justfit.sweep._sweep import sweep
from justfit.sweep._training import (
    Examples,
    LearningRateSchedule,
    LossFunction,
    OptimizerFactory,
    Setting,
    SweepVariant,
    Training,
    Unit,
    UnitReport,
    UnitState,
)
from justfit.sweep._two_features import TwoFeatures, plane_corners
from justfit.sweep._unit import run_unit

__all__ = [
    "ACTIVATIONS",
    "NEVER_HELD_OUT",
    "NO_FOLD",
    "Activation",
    "Choice",
    "ChosenSetting",
    "Decision",
    "Examples",
    "Executor",
    "Grid",
    "Layout",
    "LearningRateSchedule",
    "LossFunction",
    "Network",
    "OptimizerFactory",
    "Plan",
    "Problem",
    "Program",
    "Recipe",
    "Search",
    "SearchResult",
    "SerialExecutor",
    "Setting",
    "SweepResult",
    "SweepVariant",
    "Task",
    "Training",
    "TwoFeatures",
    "Unit",
    "UnitReport",
    "UnitState",
    "Variant",
    "Wishes",
    "as_examples",
    "assign_folds",
    "build_module",
    "call_arguments",
    "check_code_range",
    "choose",
    "constant_losses",
    "decide",
    "default_generator_kept",
    "find_largest_l2",
    "l2_values",
    "losses_of_outputs",
    "make_plan",
    "named_generator",
    "one_torch_thread",
    "plane_corners",
    "refit",
    "run_unit",
    "sweep",
    "take",
    "takes_class_codes",
]


class _Room(ModuleType):
    """The room bears the name of its main function, and can be called like it: `justfit.sweep(build, data)`."""

    def __call__(self, *args: Any, **kwargs: Any) -> SweepResult:
        return sweep(*args, **kwargs)


sys.modules[__name__].__class__ = _Room
