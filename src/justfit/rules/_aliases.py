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
        fires: When it fires, with its defaults.
        codes: The rules here that look at the same thing, the nearest first; empty where there is none.
        note: How the two differ; where there is none, what to use instead. One sentence.
    """

    name: str
    fires: str
    codes: tuple[str, ...]
    note: str


_ROWS: Final[tuple[tuple[str, str, str, str], ...]] = (
    (
        "AllZero",
        "100 % of the values of tensors you name are zero",
        "JF415 JF503 JF301",
        "It counts zeros; here they are reported by what they do: parameters that never change, parameters without a "
        "gradient, units that are copies of each other.",
    ),
    (
        "CheckInputImages",
        "|mean| of 500 images > 0.2",
        "JF501",
        "Here size, offset and spread of any input are judged, on one batch and before training.",
    ),
    (
        "ClassImbalance",
        "largest class > 10 times the smallest, or more than 70 % of a class mispredicted, of 500 labels",
        "",
        "Count the labels with `torch.bincount`, give the loss class weights, and judge the validation loss of the "
        "rare class as a history of its own.",
    ),
    (
        "Confusion",
        "a share on the diagonal < 0.9, or off it > 0.1 (XGBoost)",
        "",
        "Use `sklearn.metrics.confusion_matrix` on the validation rows.",
    ),
    (
        "CreateXgboostReport",
        "never; writes a report (XGBoost)",
        "",
        "Networks are watched here; `justfit fit` compares them with gradient boosting on the same table.",
    ),
    (
        "DeadRelu",
        "more than 50 % of the ReLUs of a layer active on less than 1 %",
        "JF405 JF304",
        "It knows ReLU by the name of a tensor; here every activation with a flat region is judged by its derivative, "
        "in training and before it.",
    ),
    (
        "ExplodingTensor",
        "NaN or infinity",
        "JF402 JF206",
        "Here the layer, operation, step and batch that it came from are named too, and JF404 sees the gradient grow "
        "before.",
    ),
    (
        "FeatureImportanceOverweight",
        "the 3 largest importances > 80 % (XGBoost)",
        "",
        "Read the importances of the booster itself.",
    ),
    (
        "LossNotDecreasing",
        "the loss fell by less than 0.1 % in 10 steps, or rose by more than 5 %",
        "JF409 JF410 JF412",
        "It compares two single losses; here all losses are held against their own noise, and stuck, slow and rising "
        "are told apart.",
    ),
    (
        "NLPSequenceRatio",
        "more than 50 % of the tokens are padding",
        "",
        "Count them with `(tokens == pad_id).float().mean()` where the batch is made.",
    ),
    (
        "Overfit",
        "(validation loss - train loss) / train loss > 0.1, once",
        "JF105 JF101",
        "Here the verdict has a probability, knows the noise of the losses and train losses in training mode, and "
        "names the epoch from which on it overfits.",
    ),
    (
        "Overtraining",
        "no improvement by 0.01 in 5 steps of the train loss or 10 of the validation loss",
        "JF105",
        "It counts steps; here `justfit.EarlyStopping` keeps the best epoch's weights and stops when no later one is "
        "likely to be better.",
    ),
    (
        "PoorWeightInitialization",
        "within 10 steps: variances of ReLU inputs differ 10-fold, or 5th to 95th percentile of a gradient < 0.001, or "
        "the loss does not fall for 5",
        "JF203 JF204 JF201 JF202 JF301 JF302 JF303 JF306",
        "Here one pass before training says which layer's weights are too small, too large or copies, and "
        "`justfit.initialize_` repairs them.",
    ),
    (
        "SaturatedActivation",
        "inputs of tanh beyond ±9.4999, of sigmoid outside (-23, 16.99999): nodes inside on less than 1 %, more than "
        "50 % of a layer",
        "JF406 JF305",
        "Here the derivative is asked, of every activation that saturates: that of tanh is below 5 % of its largest "
        "from an input of 2.2 on.",
    ),
    (
        "SimilarAcrossRuns",
        "tensors of two jobs differ",
        "",
        "Tensors of two runs are not compared; `justfit judge A B` judges the history of each.",
    ),
    (
        "StalledTrainingRule",
        "no tensor for 1800 seconds",
        "",
        "A watched run rewrites `record.json` as it goes; let the scheduler look at its age.",
    ),
    (
        "TensorVariance",
        "variance outside bounds you give; there are no defaults",
        "",
        "JF203, JF204, JF302 and JF303 judge variances with bounds of their own; `run.record.evidence.layers` has the "
        "series for bounds of yours.",
    ),
    ("TreeDepth", "depth of the tree > 4 (XGBoost)", "", "Read the trees of the booster itself."),
    (
        "UnchangedTensor",
        "`numpy.allclose` over 3 steps, rtol 1e-5, atol 1e-8",
        "JF415 JF407",
        "Here a parameter never changes if its update is exactly zero; updates that are too small to matter are a "
        "finding of their own.",
    ),
    (
        "VanishingGradient",
        "mean |gradient| < 1e-7",
        "JF403 JF201",
        "Its bound depends on the unit of the loss; here the layers of one network are held against each other.",
    ),
    (
        "WeightUpdateRatio",
        "update / weight > 10, or < 1e-8",
        "JF408 JF407",
        "Its bounds lie far outside of what trains: at a ratio of 1 a step already replaces the weights.",
    ),
    *(
        (name, "the use of processors, memory, disk or time", "", "Profile the machine with `torch.profiler`.")
        for name in (
            "BatchSize", "CPUBottleneck", "GPUMemoryIncrease", "IOBottleneck", "LoadBalancing", "LowGPUUtilization",
            "OverallFrameworkMetrics", "OverallSystemUsage", "ProfilerReport",
        )
    ),
    (
        "MaxInitializationTime",
        "the first step comes later than 20 minutes",
        "",
        "Let the scheduler look at the age of `record.json`.",
    ),
    (
        "StepOutlier",
        "more than 10 steps that differ from the mean by 5 standard deviations",
        "",
        "`run.overhead.step_seconds` is the usual time of a step; find single slow ones with `torch.profiler`.",
    ),
)  # fmt: skip

# In order of the names.
ALIASES: Final[MappingProxyType[str, Alias]] = MappingProxyType(
    {
        name: Alias(name=name, fires=fires, codes=tuple(codes.split()), note=note)
        for name, fires, codes, note in sorted(_ROWS, key=lambda row: row[0].lower())
    }
)


def _plain(name: str) -> str:
    """Leave out what differs between `DeadRelu`, `dead_relu` and `stalled_training_rule`."""
    return name.strip().replace("_", "").replace("-", "").lower().removesuffix("rule")


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
            way_out=alias.note,
        )
    return alias.codes
