"""Checkups made by hand: networks sick in known ways, healthy ones, hostile names, and numbers that are missing."""

from __future__ import annotations

import math
from dataclasses import replace

from justfit.records import (
    AttentionSignal,
    Checkup,
    Finding,
    InputSignal,
    LayerSignal,
    LossSignal,
    NonFinite,
    RuleText,
    SchemeCheckup,
    SchemeComparison,
    SignalEvidence,
    Trainability,
    TrunkPoint,
    Unjudged,
)
from tests.unit.report.patients import HOSTILE

NAN = math.nan

RULES = tuple(
    RuleText(
        code=code,
        name=name,
        severity=severity,
        summary=f"Finds {name}.",
        help=f"How it is detected:\n    By looking for {name}.\n\nWhat helps:\n    justfit.initialize_.",
    )
    for code, name, severity in (
        ("JF201", "vanishing gradient", "error"),
        ("JF202", "exploding gradient", "error"),
        ("JF205", "dead units", "warning"),
        ("JF210", "attention rank collapse", "warning"),
        ("JF306", "unscaled input", "info"),
    )
)


def layer(k=0, **changes):
    values = {
        "name": f"features.{k}",
        "parameter": f"features.{k}.weight",
        "operation": "linear",
        "source": f"net.py:{41 + k}",
        "shape": (64, 64),
        "fan_in": 64.0,
        "fan_out": 64.0,
        "activation": "relu",
        "input_rms": 1.0,
        "output_rms": 1.4,
        "activation_rms": 0.99,
        "forward_gain": 0.99,
        "gradient_norm": 0.1,
        "backward_gain": 1.01,
        "effective_rank": 12.3,
        "input_effective_rank": 12.9,
        "cosine": 0.42,
        "sample_energy": 0.5,
        "num_samples": 64,
        "dead_fraction": 0.031,
        "saturated_fraction": NAN,
        "weight_rms": 0.177,
        "right_weight_rms": 0.177,
        "weight_gradient_rms": 0.001,
    }
    return LayerSignal(**(values | changes))


def point(k, rms, gradient, **changes):
    values = {"name": f"features.{k}", "kind": "input", "source": f"net.py:{41 + k}", "width": 64,
              "centred_rms": rms, "effective_rank": 12.3, "num_samples": 64, "cosine": 0.42,
              "sample_energy": 0.5}  # fmt: skip
    return TrunkPoint(**(values | {"rms": rms, "gradient_norm": gradient} | changes))


def power(factor, exponent):
    try:
        return factor**exponent
    except OverflowError:
        return math.inf


def finding(code="JF201", k=3, severity="error", **changes):
    name = next(rule.name for rule in RULES if rule.code == code)
    values = {
        "code": code,
        "name": name,
        "severity": severity,
        "where": f"features.{k}",
        "value": 14.2,
        "threshold": 6.0,
        "unit": "e-foldings",
        "why": "The first layers get next to no gradient.",
        "when_wrong": "Adam makes up for a part of it.",
        "cure": "Run justfit.initialize_(module, *inputs, scheme='auto').",
        "evidence": f"∂L/∂activation falls by e^14.2 back to `features.{k}`",
        "source": f"net.py:{41 + k}",
    }
    return Finding(**(values | changes))


def checkup(depth=52, *, forward=0.999, backward=1.001, findings=(), score=0.97, **changes):
    """A plain network: each layer multiplies the signal by `forward`, and the gradient, on its way back, `backward`."""
    layers = tuple(layer(k, forward_gain=forward, backward_gain=backward) for k in range(depth))
    trunk = tuple(point(k, power(forward, k), 0.3 * power(backward, depth - k)) for k in range(depth))
    trunk += (point(depth, power(forward, depth), 0.3, kind="output", name=f"features.{depth - 1}"),) if depth else ()
    evidence = SignalEvidence(
        module="MyNet",
        num_parameters=4160 * depth,
        batch_size=64,
        unit_roundoff=1.19e-7,
        layers=layers,
        trunk=trunk,
        inputs=(InputSignal(name="input 0", rms=1.0, mean=0.01, std=1.0, minimum=-2.1, maximum=3.0),),
        loss=LossSignal(
            name="cross_entropy", value=2.412, expected=math.log(10), expected_words="ln 10", num_classes=10
        ),
    )
    trainability = Trainability(
        score=score, threshold=0.5, probability=score, rank_part=0.98, gradient_part=score, limited_by=""
    )
    return Checkup(
        evidence=replace(evidence, **changes), trainability=trainability, findings=tuple(findings), unjudged=()
    )


def healthy():
    return checkup()


def vanishing():
    findings = (
        finding(),
        finding(k=4),
        finding(k=5),
        finding("JF205", 7, "warning", value=0.83, threshold=0.5, unit="share", evidence="83 % of the units are dead"),
        finding("JF306", 0, "info", where="input 0", source=None, value=128.0, threshold=10.0, unit="rms"),
    )
    made = checkup(100, forward=0.92, backward=0.5, findings=findings, score=0.03)
    limited = replace(made.trainability, limited_by="the gradient falls 10⁻³⁰-fold")
    unjudged = (Unjudged(code="JF210", reason="the network has no attention"),)
    return replace(made, trainability=limited, unjudged=unjudged)


def transformer():
    made = checkup(24, forward=1.12)
    trunk = tuple(replace(p, normalised=True) for p in made.evidence.trunk)
    attention = tuple(
        AttentionSignal(name=f"blocks.{k}.attn", num_tokens=128, logit_std=0.4, entropy_fraction=0.98,
                        peaked_fraction=0.001, input_cosine=0.3, output_cosine=0.8, residual=True)
        for k in range(6)
    )  # fmt: skip
    return replace(made, evidence=replace(made.evidence, trunk=trunk, attention=attention))


def unmeasured():
    """Every number that may be missing is."""
    missing = ("gradient_norm", "backward_gain", "effective_rank", "cosine", "dead_fraction", "saturated_fraction")
    layers = (layer(0, forward_gain=math.inf, **dict.fromkeys(missing, NAN)), layer(1, forward_gain=NAN))
    trunk = (point(0, 1.0, NAN, effective_rank=NAN, cosine=NAN), point(1, NAN, NAN), point(2, math.inf, 0.0))
    broken = NonFinite(stage="forward", operation="exp", layer="features.0", kind="inf", num_values=3)
    made = checkup(
        2,
        layers=layers,
        trunk=trunk,
        loss=LossSignal(name="random projection"),
        nonfinite=broken,
        notes=("The backward pass was not run: the output does not require a gradient.",),
        inputs=(InputSignal(name="x", rms=NAN, mean=NAN, std=NAN, minimum=-math.inf, maximum=math.inf),),
        findings=(finding(value=math.inf, threshold=NAN),),
    )
    blind = Trainability(
        score=NAN, threshold=0.5, probability=NAN, rank_part=NAN, gradient_part=NAN, limited_by="infinite activations"
    )
    return replace(made, trainability=blind)


def zero():
    """The signal dies to exactly 0 halfway, and no gradient comes back."""
    made = checkup(10)
    trunk = tuple(
        replace(p, rms=1.0 if k < 5 else 0.0, gradient_norm=0.0 if k < 10 else 0.3)
        for k, p in enumerate(made.evidence.trunk)
    )
    return replace(made, evidence=replace(made.evidence, trunk=trunk))


def empty():
    return checkup(0, inputs=())


def hostile():
    """Every text that comes from the user is one of the hostile ones."""
    names = [*HOSTILE, "W" * 10_000, "50% off: a, b\r\n::error::", "]]><failure/>", "\ufffe\x08\ud800"]
    layers = tuple(layer(k, name=name, operation=name, activation=name) for k, name in enumerate(names))
    trunk = tuple(point(k, 1.0, 0.5**k, name=name) for k, name in enumerate(names))
    findings = tuple(
        finding(where=name, name=name, evidence=name, cure=name, why=name, when_wrong=name, unit=name,
                source=f"{name}:{k}" if name else None)
        for k, name in enumerate(names)
    )  # fmt: skip
    made = checkup(
        module=names[1], layers=layers, trunk=trunk, findings=findings, notes=tuple(names),
        loss=LossSignal(name=names[2], value=1.0, expected=2.0, expected_words=names[3]),
        inputs=(InputSignal(name=names[4], rms=1.0, mean=0.0, std=1.0, minimum=0.0, maximum=1.0),),
    )  # fmt: skip
    unjudged = tuple(Unjudged(code="JF210", reason=name) for name in names)
    return replace(made, unjudged=unjudged, trainability=replace(made.trainability, limited_by=names[0]))


ALL = {maker.__name__: maker for maker in (healthy, vanishing, transformer, unmeasured, zero, empty, hostile)}


def comparison(depth=100):
    schemes = (
        SchemeCheckup(scheme="zero", checkup=checkup(depth, forward=0.0, backward=0.0, score=0.0)),
        SchemeCheckup(scheme="normal:1.0", checkup=checkup(depth, forward=5.6, backward=5.6, score=0.0)),
        SchemeCheckup(scheme="normal:0.01", checkup=checkup(depth, forward=0.056, backward=0.056, score=0.0)),
        SchemeCheckup(scheme="xavier", checkup=checkup(depth, forward=0.7, backward=0.7, score=0.02)),
        SchemeCheckup(scheme="he", checkup=checkup(depth, forward=0.99, backward=0.99, score=0.71)),
        SchemeCheckup(scheme="auto", checkup=checkup(depth, score=0.98)),
        SchemeCheckup(scheme="typo", error="`typo` is not a scheme."),
    )
    return SchemeComparison(module="MyNet", seed=0, schemes=schemes)


def xavier_and_auto():
    made = comparison()
    return replace(made, schemes=tuple(s for s in made.schemes if s.scheme in ("xavier", "auto")))


def hostile_comparison():
    names = [name for name in HOSTILE if name] + ["W" * 10_000]
    schemes = [SchemeCheckup(scheme=name, checkup=replace(hostile(), findings=())) for name in names]
    schemes += [SchemeCheckup(scheme=name, error=name) for name in names]
    return SchemeComparison(module=names[0], seed=1, schemes=tuple(schemes))


def failed_comparison():
    return SchemeComparison(module="MyNet", seed=0, schemes=(SchemeCheckup(scheme="typo", error="not a scheme"),))


COMPARISONS = {
    "six": comparison,
    "two": xavier_and_auto,
    "hostile": hostile_comparison,
    "failed": failed_comparison,
    "unmeasured": lambda: SchemeComparison(
        module="MyNet", seed=0, schemes=(SchemeCheckup(scheme="he", checkup=unmeasured()),)
    ),
    "none": lambda: SchemeComparison(module="MyNet", seed=0, schemes=()),
}
