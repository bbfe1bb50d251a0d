"""Hand-made evidence: a healthy network of any depth, and what turns it sick."""

import dataclasses
import math

from justfit.records import (
    AttentionSignal,
    InputSignal,
    LayerSignal,
    LossSignal,
    SignalEvidence,
    TrunkPoint,
)

NAN = math.nan
WIDTH = 64


def layer(name="layer", **fields):
    """A healthy ReLU layer with He's weights."""
    right = (2 / WIDTH) ** 0.5
    settings = {
        "parameter": f"{name}.weight",
        "operation": "linear",
        "source": f"net.py:{len(name)}",
        "shape": (WIDTH, WIDTH),
        "fan_in": WIDTH,
        "fan_out": WIDTH,
        "activation": "relu",
        "input_rms": 1.0,
        "output_rms": 1.4,
        "activation_rms": 1.0,
        "forward_gain": 1.0,
        "gradient_norm": 0.1,
        "backward_gain": 1.0,
        "effective_rank": 12.0,
        "input_effective_rank": 12.0,
        "cosine": 0.4,
        "sample_energy": 0.6,
        "num_samples": 128,
        "dead_fraction": 0.02,
        "chance_dead_fraction": 0.01,
        "weight_rms": right,
        "right_weight_rms": right,
        "weight_gradient_rms": 0.01,
        "distribution": "normal",
    }
    return LayerSignal(name=name, **{**settings, **fields})


def point(name="layer", **fields):
    """A healthy trunk point."""
    settings = {
        "kind": "input",
        "source": f"net.py:{len(name)}",
        "width": WIDTH,
        "rms": 1.0,
        "centred_rms": 0.8,
        "gradient_norm": 0.1,
        "effective_rank": 12.0,
        "num_samples": 128,
        "cosine": 0.4,
        "sample_energy": 0.6,
    }
    return TrunkPoint(name=name, **{**settings, **fields})


def attention(name="attention", **fields):
    """A healthy attention without a skip connection."""
    settings = {
        "source": "net.py:7",
        "num_tokens": 16,
        "logit_std": 1.0,
        "entropy_fraction": 0.8,
        "peaked_fraction": 0.0,
        "input_cosine": 0.1,
        "output_cosine": 0.5,
    }
    return AttentionSignal(name=name, **{**settings, **fields})


def network_input(**fields):
    """A standardized table that the first layer reads."""
    settings = {
        "name": "input 0",
        "rms": 1.0,
        "mean": 0.0,
        "std": 1.0,
        "minimum": -3.0,
        "maximum": 3.0,
        "feature_std_ratio": 2.0,
        "read_by": "layer0",
        "source": "net.py:1",
    }
    return InputSignal(**{**settings, **fields})


LOSS = LossSignal(name="cross_entropy", value=2.4, expected=math.log(10), expected_words="ln 10", num_classes=10)


def evidence(depth=12, *, each=None, at=None, **fields):
    """A healthy plain network of `depth` layers and a head.

    Args:
        depth: Hidden layers; the trunk has a point before each, before the head, and at the output.
        each: Of a layer's or point's index: the fields that change there, by "layer" and "point".
        at: Index → fields of that layer.
        fields: Fields of the evidence.
    """
    names = [f"layer{index}" for index in range(depth)]
    change = each or (lambda _: {})
    layers = [layer(name, **{**change(i).get("layer", {}), **(at or {}).get(i, {})}) for i, name in enumerate(names)]
    head = layer(
        "head", is_output=True, activation=None, dead_fraction=NAN, chance_dead_fraction=NAN, shape=(10, WIDTH)
    )
    trunk = [point(name, **change(index).get("point", {})) for index, name in enumerate([*names, "head"])]
    settings = {
        "module": "Net",
        "num_parameters": 5_000,
        "batch_size": 128,
        "unit_roundoff": 1.2e-7,
        "layers": (*layers, head),
        "trunk": (*trunk, point("output", kind="output", width=10, effective_rank=8.0)),
        "attention": (attention("attention0"),),
        "inputs": (network_input(),),
        "loss": LOSS,
    }
    return SignalEvidence(**{**settings, **fields})


def along(**factors):
    """Fields of the trunk points that grow by a factor a step, starting from the healthy value."""
    healthy = point()
    return lambda i: {"point": {name: getattr(healthy, name) * factor**i for name, factor in factors.items()}}


def with_trunk(patient, **fields):
    """The same evidence with these fields at every trunk point."""
    return dataclasses.replace(patient, trunk=tuple(dataclasses.replace(p, **fields) for p in patient.trunk))


def with_layers(patient, **fields):
    """The same evidence with these fields in every layer."""
    return dataclasses.replace(patient, layers=tuple(dataclasses.replace(one, **fields) for one in patient.layers))


def with_loss(patient, **fields):
    """The same evidence with these fields of the loss."""
    return dataclasses.replace(patient, loss=dataclasses.replace(patient.loss, **fields))
