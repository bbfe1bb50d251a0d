"""The names of SageMaker Debugger's built-in rules, and which rules look at the same thing here.

Names and defaults are those of its documentation, `debugger-built-in-rules`; the code of its rules is not open.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from justfit.errors import ArgumentError


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """A built-in rule of SageMaker Debugger.

    Attributes:
        name: As its documentation writes it.
        codes: The rules here that look at the same thing, the nearest first; empty where there is none.
        note: How the two differ; where there is none, what to use instead. One sentence.
    """

    name: str
    codes: tuple[str, ...]
    note: str


_PROFILER = "justfit judges the fit, not the machine; profile with `torch.profiler`."

_EVERY: Final = (
    Alias(
        name="AllZero",
        codes=("JF415", "JF503", "JF301"),
        note="It counts zeros in tensors you name; here zeros are reported by what they do: parameters that never "
        "change, parameters without a gradient, units that are copies of each other.",
    ),
    Alias(
        name="CheckInputImages",
        codes=("JF501",),
        note="It asks for |mean| ≤ 0.2 of 500 images; here spread and offset are judged, of any input, on the first "
        "batch and before training.",
    ),
    Alias(
        name="ClassImbalance",
        codes=(),
        note="count the labels with `torch.bincount`, give the loss class weights, and judge the validation loss of "
        "the rare class as a history of its own with `justfit.judge`.",
    ),
    Alias(
        name="Confusion",
        codes=(),
        note="use `sklearn.metrics.confusion_matrix` on the validation rows.",
    ),
    Alias(
        name="CreateXgboostReport",
        codes=(),
        note="justfit watches neural networks; `justfit fit` compares them with gradient boosting on the same table.",
    ),
    Alias(
        name="DeadRelu",
        codes=("JF405", "JF304"),
        note="It knows ReLU by the name of a tensor; here every activation with a flat region is followed, by what "
        "its derivative is, in training and before it.",
    ),
    Alias(
        name="ExplodingTensor",
        codes=("JF402", "JF206"),
        note="It fires on the first NaN or infinity; here the layer, operation, step and batch that it came from are "
        "named too, and JF404 sees the gradient grow before.",
    ),
    Alias(
        name="FeatureImportanceOverweight",
        codes=(),
        note="it is for gradient boosting alone; read the importances of the booster itself.",
    ),
    Alias(
        name="LossNotDecreasing",
        codes=("JF409", "JF410", "JF412"),
        note="It compares two single losses ten steps apart; here the trend of all losses is held against their own "
        "noise, and slow, stuck and rising are told apart.",
    ),
    Alias(
        name="NLPSequenceRatio",
        codes=(),
        note="count the padding with `(tokens == pad_id).float().mean()` where the batch is made.",
    ),
    Alias(
        name="Overfit",
        codes=("JF105", "JF101"),
        note="It fires when the validation loss is 10 % above the train loss once; here the verdict has a "
        "probability, knows the noise of the losses, and names the epoch from which on it overfits.",
    ),
    Alias(
        name="Overtraining",
        codes=("JF105", "JF409"),
        note="It counts steps without an improvement of 0.01; here `justfit.EarlyStopping` keeps the best epoch's "
        "weights and gives the probability that no later one is better.",
    ),
    Alias(
        name="PoorWeightInitialization",
        codes=("JF203", "JF204", "JF201", "JF202", "JF301", "JF302", "JF303", "JF306"),
        note="It compares variances of activations over ten training steps; here one pass before training says "
        "which layer's weights are too small, too large or copies, and `justfit.initialize_` repairs them.",
    ),
    Alias(
        name="SaturatedActivation",
        codes=("JF406", "JF305"),
        note="It asks whether the inputs of tanh and sigmoid lie beyond fixed bounds; here the derivative is asked, "
        "of every activation that saturates.",
    ),
    Alias(
        name="SimilarAcrossRuns",
        codes=(),
        note="tensors of two runs are not compared; `justfit judge A B` judges the history of each.",
    ),
    Alias(
        name="StalledTrainingRule",
        codes=(),
        note="a watched run rewrites `record.json` every few seconds; let the scheduler look at its age.",
    ),
    Alias(
        name="TensorVariance",
        codes=(),
        note="it has no default bounds; JF203, JF204, JF302 and JF303 judge variances with bounds of their own, and "
        "`run.record.evidence.layers` has the series for bounds of yours.",
    ),
    Alias(name="TreeDepth", codes=(), note="it is for gradient boosting alone."),
    Alias(
        name="UnchangedTensor",
        codes=("JF415", "JF407"),
        note="It runs `numpy.allclose` on tensors three steps apart; here a parameter has not changed if its update "
        "is exactly zero, and updates that are merely too small are a finding of their own.",
    ),
    Alias(
        name="VanishingGradient",
        codes=("JF403", "JF201"),
        note="It holds mean |gradient| against 1e-7, which depends on the loss's unit; here layers of one network "
        "are held against each other, in training and before it.",
    ),
    Alias(
        name="WeightUpdateRatio",
        codes=("JF408", "JF407"),
        note="Its bounds 10 and 1e-8 lie far outside of what trains; here they are those of healthy runs.",
    ),
    *(
        Alias(name=name, codes=(), note=_PROFILER)
        for name in (
            "BatchSize", "CPUBottleneck", "GPUMemoryIncrease", "IOBottleneck", "LoadBalancing", "LowGPUUtilization",
            "MaxInitializationTime", "OverallFrameworkMetrics", "OverallSystemUsage", "ProfilerReport",
        )
    ),
    Alias(
        name="StepOutlier",
        codes=(),
        note="`run.overhead.step_seconds` is the median time of a step; for single slow ones, use `torch.profiler`.",
    ),
)  # fmt: skip


def _plain(name: str) -> str:
    """Leave out what differs between `DeadRelu`, `dead_relu` and `stalled_training_rule`."""
    return name.strip().replace("_", "").replace("-", "").lower().removesuffix("rule")


# In order of the names.
ALIASES: Final[MappingProxyType[str, Alias]] = MappingProxyType(
    {alias.name: alias for alias in sorted(_EVERY, key=lambda alias: alias.name.lower())}
)
_FOUND: Final = {_plain(name): alias for name, alias in ALIASES.items()}


def find_alias(name: str) -> Alias | None:
    """Find a rule of SageMaker Debugger by its name.

    Args:
        name: Such as `DeadRelu`, or as its Python functions write it, `dead_relu`; upper or lower case.

    Returns:
        What stands for it here; None where the name is none of its rules.

    >>> find_alias("dead_relu").codes
    ('JF405', 'JF304')
    """
    return _FOUND.get(_plain(name))


def codes_of(name: str) -> tuple[str, ...]:
    """Turn the name of a rule of SageMaker Debugger into the codes of the rules that stand for it.

    Args:
        name: As in :func:`find_alias`.

    Returns:
        The codes, the nearest first; empty where the name is none of its rules.

    Raises:
        ArgumentError: It is one of its rules, and nothing here stands for it.

    >>> codes_of("VanishingGradient"), codes_of("JF201")
    (('JF403', 'JF201'), ())
    """
    alias = find_alias(name)
    if alias is None:
        return ()
    if not alias.codes:
        raise ArgumentError(
            "A rule of SageMaker Debugger must have a counterpart.",
            found=f"`{alias.name}`, which has none here",
            way_out=f"Instead: {alias.note}",
        )
    return alias.codes
