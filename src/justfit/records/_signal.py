"""What one forward and one backward pass showed of a network: the evidence that the signal rules judge.

Notation: a layer's *output* is what its weight makes (the preactivation z); its *activation* is what the next weight
reads. All rms values are roots of mean squares over examples and units. Fractions lie in [0, 1]. A number that was not
measured or has no meaning is NaN.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

from justfit.records._json import to_dict
from justfit.records._shown import Shown
from justfit.records._verdict import Finding

TrunkKind = Literal["input", "sum", "output"]
LossFaultKind = Literal[
    "softmax_before_cross_entropy",
    "log_softmax_before_cross_entropy",
    "sigmoid_before_cross_entropy",
    "sigmoid_before_bce_with_logits",
    "no_sigmoid_before_bce",
    "no_log_softmax_before_nll",
    "broadcast_in_regression_loss",
    "targets_outside_output_range",
    "one_output_for_cross_entropy",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSignal:
    """One weight and what it does to the signal, over all calls of it.

    Attributes:
        name: Path of the module that owns the weight, such as `features.3`; of a packed weight with the part, such as
            `attn.in_proj_weight[query]`; of a plain parameter its own path.
        parameter: Path of the weight.
        operation: `linear`, `conv2d`, `conv_transpose2d`, `embedding`, `matmul`, `lstm`, `gru`, `rnn`, …
        source: File and line where the layer is built, `net.py:41`; None where it cannot be known.
        num_calls: How often the weight was used in one forward pass.
        shape: Of the weight (or of the part of a packed one).
        fan_in: Inputs per output unit, as the operation runs.
        fan_out: Outputs per input unit.
        activation: Name of the nonlinearity that reads the output, such as `relu`; None for none.
        normalised: The output enters a normalisation before anything else that depends on its scale.
        in_branch: The layer lies inside a residual or skip branch.
        ends_branch: It is the last weight of one.
        is_output: Nothing but elementwise operations stand between it and the network's output.
        frozen: Its weight does not require a gradient.
        input_rms, output_rms, activation_rms: Sizes of the layer's input, output and activation.
        forward_gain: activation_rms / input_rms.
        gradient_norm: Norm of ∂L/∂activation over the whole batch.
        backward_gain: Norm of ∂L/∂input over norm of ∂L/∂activation.
        effective_rank: Participation ratio of the centred activations, gated by sample energy; at least 0.
        input_effective_rank: The same of the layer's input.
        cosine: Mean cosine between the activations of two examples; in [−1, 1].
        sample_energy: Share of the activations' mean square that differs between examples; in [0, 1].
        num_samples: Examples (or positions) the rank, the cosine and the dead units were measured on.
        dead_fraction: Share of units whose activation has derivative 0 on every example; NaN where the activation has
            no such region.
        chance_dead_fraction: The share that zero-mean weights give by chance for so many examples at this cosine.
        saturated_fraction: Share of (unit, example) pairs whose local derivative is below 5 % of the activation's
            largest; NaN where the activation does not saturate.
        identical_fraction: Share of units that have a twin with the same weights, bias and weight gradient.
        copied_fraction: Share of units that have a twin with the same weights, which are not all zero.
        weight_rms: Size of the weight's entries.
        right_weight_rms: The size at which this layer would keep its signal, for this activation and these inputs;
            NaN where the scale does not matter or cannot be told.
        weight_gradient_rms: Size of ∂L/∂weight per entry.
        has_default_values: Weight (and bias) follow the framework's default distribution for such a layer.
        distribution: `zero`, `constant`, `uniform`, `normal`, or `other`, told by the weight's moments.
    """

    name: str
    parameter: str
    operation: str
    source: str | None = None
    num_calls: int = 1
    shape: tuple[int, ...]
    fan_in: float
    fan_out: float
    activation: str | None = None
    normalised: bool = False
    in_branch: bool = False
    ends_branch: bool = False
    is_output: bool = False
    frozen: bool = False
    input_rms: float
    output_rms: float
    activation_rms: float
    forward_gain: float
    gradient_norm: float = float("nan")
    backward_gain: float = float("nan")
    effective_rank: float = float("nan")
    input_effective_rank: float = float("nan")
    cosine: float = float("nan")
    sample_energy: float = float("nan")
    num_samples: int = 0
    dead_fraction: float = float("nan")
    chance_dead_fraction: float = float("nan")
    saturated_fraction: float = float("nan")
    identical_fraction: float = 0.0
    copied_fraction: float = 0.0
    weight_rms: float
    right_weight_rms: float = float("nan")
    weight_gradient_rms: float = float("nan")
    has_default_values: bool = False
    distribution: str = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkPoint:
    """The signal at one place that every path through the network crosses, in order of execution.

    What lies inside residual and skip branches is left out, so that a branch that starts at zero is not taken for a
    dead network.

    Attributes:
        name: The layer that reads the point; of a residual sum the layer that ends the branch.
        kind: `input` of a layer, residual `sum`, or the network's `output`.
        source: File and line of that layer.
        width: Features per example or position.
        normalised: What reads the point normalises it first, so its scale does not matter.
        rms: Size of the activations.
        centred_rms: Size of what differs between examples.
        gradient_norm: Norm of ∂L/∂activation over the whole batch; NaN where no gradient arrives by construction.
        effective_rank: Participation ratio of the centred activations, gated by sample energy.
        nuclear_rank: (Σσ)²/Σσ² over the singular values σ of the centred activations, which also counts small
            directions; measured at the first and last point before the output only.
        num_samples: Examples or positions it was measured on.
        cosine: Mean cosine between two examples.
        sample_energy: Share of the mean square that differs between examples.
    """

    name: str
    kind: TrunkKind
    source: str | None = None
    width: int
    normalised: bool = False
    rms: float
    centred_rms: float
    gradient_norm: float = float("nan")
    effective_rank: float = float("nan")
    nuclear_rank: float = float("nan")
    num_samples: int = 0
    cosine: float = float("nan")
    sample_energy: float = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionSignal:
    """One attention operation.

    Attributes:
        name: Path of the module it belongs to, or of the weight before it.
        source: File and line.
        num_tokens: Keys that a query can look at.
        logit_std: Standard deviation of the attention logits over keys, rms over queries and heads.
        entropy_fraction: Mean entropy of the attention over ln(keys); 1 is uniform, 0 is one-hot.
        peaked_fraction: Share of queries that give one key more than 99 %.
        input_cosine: Mean cosine between two tokens' values.
        output_cosine: Mean cosine between two tokens' outputs.
        residual: Its output is added to its input.
    """

    name: str
    source: str | None = None
    num_tokens: int
    logit_std: float
    entropy_fraction: float
    peaked_fraction: float
    input_cosine: float
    output_cosine: float
    residual: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSignal:
    """One floating-point input of the network.

    Attributes:
        name: `input 0`, or the keyword.
        rms, mean, std, minimum, maximum: Over all entries.
        feature_std_ratio: Largest over smallest standard deviation of a feature that varies; NaN for images, sequences
            and single features.
        normalised: A normalisation stands before the first weight that reads it.
        read_by: The first layer that reads it.
        source: File and line of that layer.
    """

    name: str
    rms: float
    mean: float
    std: float
    minimum: float
    maximum: float
    feature_std_ratio: float = float("nan")
    normalised: bool = False
    read_by: str = ""
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LossFault:
    """A pairing of output and loss that trains, but not on what was meant.

    Attributes:
        kind: Which.
        detail: What was seen, such as the two shapes.
    """

    kind: LossFaultKind
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LossSignal:
    """The loss at the first step.

    Attributes:
        name: `cross_entropy`, `mse_loss`, the user's function, or `random projection` where none was given.
        value: The loss; NaN where none was given.
        expected: What an uninformed prediction of the right scale would cost: ln C for cross entropy over C classes,
            the targets' variance for squared error; NaN where unknown.
        expected_words: How `expected` was made, such as `ln 10`.
        num_classes: Of cross entropy; 0 otherwise.
        output_rms: Size of the network's output.
        faults: Wrong pairings that were seen.
    """

    name: str
    value: float = float("nan")
    expected: float = float("nan")
    expected_words: str = ""
    num_classes: int = 0
    output_rms: float = float("nan")
    faults: tuple[LossFault, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UnusedParameter:
    """A trainable parameter that the loss does not depend on.

    Attributes:
        name: Its path.
        source: File and line where its layer is built.
        routed: Modules of its kind beside it are used, and the network chooses among modules by its data: an expert
            that got no example in this batch.
    """

    name: str
    source: str | None = None
    routed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NonFinite:
    """The first place where NaN or infinity appeared.

    Attributes:
        stage: `input`, `parameter`, `forward`, `loss` or `backward`.
        operation: The operation whose inputs were finite and whose result was not, or the name of the tensor.
        layer: The last layer before it.
        source: File and line of that layer.
        kind: `nan` or `inf`.
        num_values: How many entries of the result.
        largest_input: Largest absolute value that went in.
    """

    stage: Literal["input", "parameter", "forward", "loss", "backward"]
    operation: str
    layer: str
    source: str | None = None
    kind: Literal["nan", "inf"]
    num_values: int
    largest_input: float = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalEvidence:
    """Everything that was measured.

    Attributes:
        module: Class name of the network.
        num_parameters: Trainable and frozen, shared ones once.
        batch_size: Examples in the batch.
        unit_roundoff: Machine epsilon of the activations' type; below it nothing can be measured.
        layers: In order of first execution.
        trunk: In order of execution.
        attention: In order of execution.
        inputs: Floating-point inputs.
        loss: The loss at the first step.
        unused: Trainable parameters without a gradient.
        nonfinite: The first NaN or infinity; None if all was finite.
        notes: What was not measured and why, one sentence each.
    """

    module: str
    num_parameters: int
    batch_size: int
    unit_roundoff: float
    layers: tuple[LayerSignal, ...]
    trunk: tuple[TrunkPoint, ...]
    attention: tuple[AttentionSignal, ...] = ()
    inputs: tuple[InputSignal, ...] = ()
    loss: LossSignal
    unused: tuple[UnusedParameter, ...] = ()
    nonfinite: NonFinite | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainability:
    """How likely plain gradient descent gets somewhere from here, and what limits it.

    Attributes:
        score: In [0, 1]; NaN where it cannot be told.
        threshold: The score from which on a network counts as trainable.
        probability: Share of benchmark networks with about this score that trained; NaN where the score is.
        rank_part: Factor from the effective rank.
        gradient_part: Factor from the gradient's growth or decay.
        limited_by: In words; empty if nothing limits it.
    """

    score: float
    threshold: float
    probability: float
    rank_part: float
    gradient_part: float
    limited_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unjudged:
    """A rule that could not judge, and why."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup(Shown):
    """A network before training: what was measured, what was found, whether it will train.

    Attributes:
        evidence: What was measured.
        trainability: The prediction.
        findings: Worst first, then in order of execution.
        unjudged: Rules that could not judge.
    """

    evidence: SignalEvidence
    trainability: Trainability
    findings: tuple[Finding, ...]
    unjudged: tuple[Unjudged, ...] = ()

    @property
    def layers(self) -> tuple[LayerSignal, ...]:
        """The layers in order of first execution."""
        return self.evidence.layers

    def to_dict(self) -> dict[str, Any]:
        """Turn the checkup into plain dicts, lists, numbers and strings, for JSON; NaN becomes None."""
        return dict(to_dict(self))

    def __repr__(self) -> str:
        numbers = Counter(finding.code for finding in self.findings)
        codes = ", ".join(code if num == 1 else f"{num} × {code}" for code, num in numbers.items())
        return (
            f"Checkup({self.evidence.module!r}, layers={len(self.layers)}, findings=[{codes}], "
            f"trainability={self.trainability.score:.2g})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeCheckup:
    """The same network under one initialization scheme; lecture C12 to C17 on the user's own module.

    Attributes:
        scheme: As asked for, such as `normal:0.01`.
        error: Why the scheme could not be applied; empty if it was.
        checkup: What was measured; None with an error.
    """

    scheme: str
    error: str = ""
    checkup: Checkup | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeComparison(Shown):
    """Initialization schemes beside each other, on one module and one batch."""

    module: str
    seed: int
    schemes: tuple[SchemeCheckup, ...]
