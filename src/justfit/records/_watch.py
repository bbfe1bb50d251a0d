"""What a watched training run showed: the evidence that the training rules judge, and the flight record.

All norms are Euclidean over all parameters of a layer, of gradients that are unscaled (AMP) and averaged over ranks
(DDP, FSDP). A number that was not measured or has no meaning is NaN. Series have one entry per *sampled* step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from justfit.records._history import History
from justfit.records._json import to_dict
from justfit.records._shown import Shown
from justfit.records._signal import Unjudged
from justfit.records._verdict import Finding, FitVerdict

Stage = Literal["input", "parameter", "forward", "loss", "backward", "optimizer", "unknown"]
Cause = Literal["nan", "inf", "divergence"]
MAX_NAMED = 5  # examples of a batch that are named


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerTrace:
    """One layer (a module that owns parameters itself), over the sampled steps of its optimizer.

    Attributes:
        name: Path of the module without the prefixes of wrappers; empty for the root.
        kind: Its class, such as `Linear`.
        activation: Name of the nonlinearity that read its output, such as `relu`; None for none or not seen.
        source: File and line where it is built; None where it cannot be known.
        num_parameters: Of its own parameters.
        num_trainable: Of those that require a gradient; 0 for a frozen layer.
        optimizer: Index of the optimizer that updates it in `WatchEvidence.optimizers`; −1 for none.
        has_units: The weight is a matrix or kernel; false for normalisations, biases alone, embeddings.
        normalised: A normalisation reads its output, so that the size of its weight does not matter.
        is_output: Nothing but elementwise operations stand between it and the network's output.
        weight_norm: Before the step.
        gradient_norm: As backward left it: before clipping, unscaled.
        clipped_gradient_norm: As the optimizer used it.
        update_norm: Of weight after − weight before; estimated from at most a fixed number of entries per parameter.
        activation_rms: Of what the next layer reads.
        dead_fraction: Share of units whose activation has derivative 0 on every example of the sampled batch; NaN
            where the activation has no such region.
        saturated_fraction: Share of (unit, example) pairs whose local derivative is below 5 % of the largest; NaN
            where the activation does not saturate.
    """

    name: str
    kind: str
    activation: str | None = None
    source: str | None = None
    num_parameters: int
    num_trainable: int
    optimizer: int = 0
    has_units: bool = True
    normalised: bool = False
    is_output: bool = False
    weight_norm: tuple[float, ...] = ()
    gradient_norm: tuple[float, ...] = ()
    clipped_gradient_norm: tuple[float, ...] = ()
    update_norm: tuple[float, ...] = ()
    activation_rms: tuple[float, ...] = ()
    dead_fraction: tuple[float, ...] = ()
    saturated_fraction: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerTrace:
    """One optimizer and the steps of it that were sampled.

    Attributes:
        name: `optimizer`, or `optimizer[1]` and so on.
        kind: Its class, such as `AdamW`.
        steps: Number of each sampled step, from 1, rising.
        learning_rate: Of the first parameter group, at each sampled step.
        num_steps: Steps taken in all.
        num_skipped: Steps that a gradient scaler skipped because of infinite scaled gradients, as far as seen.
        last_learning_rate: That of the first group when the evidence was made, after all steps; NaN where unknown.
    """

    name: str
    kind: str
    steps: tuple[int, ...] = ()
    learning_rate: tuple[float, ...] = ()
    num_steps: int = 0
    num_skipped: int = 0
    last_learning_rate: float = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class LossBins:
    """The loss of every step (of the first optimizer), in consecutive bins of equal length but for the last.

    Attributes:
        first_step: Of each bin, from 1.
        num_steps: Steps in each bin whose loss was seen and finite.
        mean, std: Over the steps of the bin; the standard deviation of one step is NaN.
        minimum, maximum: Over the steps of the bin.
    """

    first_step: tuple[int, ...] = ()
    num_steps: tuple[int, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    minimum: tuple[float, ...] = ()
    maximum: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstFailure:
    """Where NaN, infinity or divergence came from.

    Attributes:
        cause: `nan`, `inf` or `divergence`.
        stage: Where in the step it arose.
        step: Optimizer step, from 1.
        epoch: From 1.
        layer: The layer it arose in (or the last one before it); empty where it cannot be told.
        operation: The operation whose inputs were finite and whose result was not; empty where it cannot be told.
        source: File and line of the operation where it was seen running, else of the layer.
        batch: Number of the batch within the epoch, from 0; −1 where unknown.
        examples: Indices of the batch's examples, as far as the loop gave them.
        rank: Of the process that saw it first.
        weights_intact: The weights had not yet been updated with it when it was seen.
        how: How it was found, one sentence: by running the batch again, or from the gradients that were left.
        rows: Rows of the batch that broke, from 0; empty where it cannot be told or where it is all of them.
        is_target: What the loss compares with is not finite: the data, not the loss function.
    """

    cause: Cause
    stage: Stage
    step: int
    epoch: int
    layer: str = ""
    operation: str = ""
    source: str | None = None
    batch: int = -1
    examples: tuple[int, ...] = ()
    rank: int = 0
    weights_intact: bool = True
    how: str = ""
    rows: tuple[int, ...] = ()
    is_target: bool = False

    @property
    def named_examples(self) -> str:
        """The examples that broke or, where the rows are not known, the first of the batch; empty without any."""
        is_known = bool(self.rows) and max(self.rows) < len(self.examples)
        taken = [self.examples[row] for row in self.rows] if is_known else list(self.examples)
        if not taken:
            return ""
        some = ", ".join(map(str, taken[:MAX_NAMED]))
        more = f" and {len(taken) - MAX_NAMED} more" if len(taken) > MAX_NAMED else ""
        batch = "" if is_known else " (the batch)"
        return f"example{'s' * (len(taken) > 1)} {some}{more}{batch}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightFrame:
    """One of the last steps before the record was written.

    Attributes:
        step: Optimizer step, from 1.
        train_loss: NaN where it was not seen.
        gradient_norm: Over all layers; NaN in steps that were not sampled.
        batch: Number of the batch within the epoch; −1 where unknown.
        examples: Indices of its examples, as far as the loop gave them.
        layers: Gradient norm of each layer in the order of `WatchEvidence.layers`; empty in steps not sampled.
    """

    step: int
    train_loss: float
    gradient_norm: float
    batch: int = -1
    examples: tuple[int, ...] = ()
    layers: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OverheadFigures:
    """What watching cost.

    Attributes:
        allowed_fraction: The budget, as a share of the loop's own step time.
        measured_fraction: Time in justfit's own code over the loop's own time.
        step_seconds: The loop's own time per step: a moving mean, in which an outlier counts as twice the mean.
        sample_seconds: What a sampled step cost, a moving mean of the same kind.
        passive_seconds: What a step that was not sampled cost, the same.
        interval: Steps between samples at the end.
        num_steps, num_samples: Steps seen, and steps sampled.
        peak_record_bytes: Largest size of the series of samples and of the copied entries of weights that updates are
            measured from; losses, flight frames and batches kept for a replay are not counted.
    """

    allowed_fraction: float
    measured_fraction: float
    step_seconds: float
    sample_seconds: float
    passive_seconds: float
    interval: int
    num_steps: int
    num_samples: int
    peak_record_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchEvidence:
    """Everything that watching measured.

    Attributes:
        module: Class name of the network.
        num_parameters: Trainable and frozen, shared ones once.
        unit_roundoff: Machine epsilon of the parameters' type.
        optimizers: In the order given.
        layers: In order of first execution as far as known, else of definition.
        losses: Of every step.
        history: Epoch by epoch, as far as the loop told; no epochs otherwise.
        first_failure: The first NaN, infinity or divergence.
        world_size: Number of processes that train together.
        gradients: How the gradients were read: `unscaled`, `averaged`, `sharded`, `local`, in words.
        notes: What was not measured and why, one sentence each.
    """

    module: str
    num_parameters: int
    unit_roundoff: float
    optimizers: tuple[OptimizerTrace, ...]
    layers: tuple[LayerTrace, ...]
    losses: LossBins
    history: History
    first_failure: FirstFailure | None = None
    world_size: int = 1
    gradients: str = "unscaled"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchRecord(Shown):
    """A watched run: what was measured, what was found, what watching cost, and its last steps.

    Attributes:
        evidence: What was measured.
        findings: Worst first, then by the step they began.
        unjudged: Rules that could not judge.
        verdict: Fit verdict on the history; None without a validation loss.
        frames: The last steps, oldest first.
        overhead: What watching cost.
        finished: The watch was closed; false in a record of a run that still goes on or was killed.
        version: Of justfit.
    """

    evidence: WatchEvidence
    findings: tuple[Finding, ...]
    unjudged: tuple[Unjudged, ...] = ()
    verdict: FitVerdict | None = None
    frames: tuple[FlightFrame, ...] = ()
    overhead: OverheadFigures
    finished: bool = False
    version: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Turn the record into plain dicts, lists, numbers and strings, for JSON; NaN becomes None."""
        return dict(to_dict(self))
