"""Normalisation inserted: behind which layers, of which kind, under which names; and it really normalises."""

import copy

import pytest
import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap

from justfit.cures import (
    insert_activations_,
    insert_dropout_,
    insert_normalization_,
    replace_activations_,
    standardize_inputs_,
)
from justfit.errors import ArgumentError
from tests.unit.cures.networks import network_and_batch


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("nested Sequential", "layer", {"0.0_norm": "LayerNorm"}),
        ("one ReLU in three slots", "batch", {"0_norm": "BatchNorm1d", "2_norm": "BatchNorm1d"}),
        ("convolutions", "layer", {"0_norm": "GroupNorm", "3_norm": "GroupNorm", "6_norm": "LayerNorm"}),
        ("convolutions", "batch", {"0_norm": "BatchNorm2d", "3_norm": "BatchNorm2d", "6_norm": "BatchNorm1d"}),
        ("function calls", "layer", {"fc1.norm": "LayerNorm", "fc2.norm": "LayerNorm"}),
        ("gates", "layer", {"fc.norm": "LayerNorm", "squeeze.0_norm": "LayerNorm"}),
        ("recurrences", "layer", {}),
        ("transformer layer", "layer", {"2_norm": "LayerNorm"}),
    ],
)
def test_which_layers_get_which_kind(name, kind, expected):
    network, x = network_and_batch(name)
    before = set(dict(network.named_modules()))
    insert_normalization_(network, x, kind=kind)
    added = {path: type(part).__name__ for path, part in network.named_modules() if path not in before}
    assert added == expected


@pytest.mark.parametrize("name", ["function calls", "convolutions", "residual blocks"])
def test_what_the_activation_reads_is_normalised(name):
    """By a twin that normalises by hand: mean 0 and variance 1 over the units of one example."""
    network, x = network_and_batch(name)
    applied = insert_normalization_(network, x)
    layer = network.get_submodule(applied.changes[0].where)
    seen = {}
    layer.register_forward_hook(lambda part, args, output: seen.update(out=output.clone()))
    network(x)
    norm = network[1] if name == "convolutions" else nn.Identity()  # elsewhere the layer's hooks ran it
    out = norm(seen["out"]).flatten(1)
    assert torch.allclose(out.mean(1), torch.zeros(len(x)), atol=1e-5)
    assert torch.allclose(out.var(1, correction=0), torch.ones(len(x)), atol=1e-2)


def test_a_layer_that_runs_twice_gets_one_normalisation_for_both():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right, self.head = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(8, 1)

        def forward(self, x):
            both = [self.left(part).relu() for part in (x, x + 1)]
            return self.head(torch.cat(both, 1))

    network = Twice()
    applied = insert_normalization_(network, torch.randn(3, 4))
    assert [change.where for change in applied.changes] == ["left"]
    assert isinstance(network.left.norm, nn.LayerNorm)
    assert (
        applied.changes[0].code
        == "self.left_norm = nn.LayerNorm(4)  # in __init__\nx = self.left_norm(self.left(x))  # in forward"
    )


def test_batch_normalisation_of_sequences_is_refused_with_the_reason():
    network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    applied = insert_normalization_(network, torch.randn(3, 5, 4), kind="batch")
    reason = "its outputs have 3 dimensions, batch normalisation takes 2"
    assert (applied.changes, applied.untouched) == ((), (("0", reason), ("2", "it is the output layer")))


def test_a_sequential_that_is_taken_apart_keeps_its_numbers():
    """An insertion would shift what its owner takes out of it: so hooks do it there."""
    network, x = network_and_batch("Sequential taken apart")
    applied = insert_normalization_(network, x)
    assert list(network.parts._modules) == ["0", "1", "2", "3", "4"]
    assert [change.where for change in applied.changes] == ["parts.0", "parts.2"]
    assert ("tied", "its weight is used without calling it") in applied.untouched
    applied = insert_dropout_(network, 0.3, inputs=x)
    assert [change.where for change in applied.changes] == ["parts.2", "parts.3"]
    assert list(network.parts._modules) == ["0", "1", "2", "3", "4"]
    assert insert_activations_(network, inputs=x).changes == ()
    assert [change.where for change in replace_activations_(network, inputs=x).changes] == ["parts.1", "parts.4"]


def test_reasons():
    network, x = network_and_batch("residual blocks")
    assert dict(insert_normalization_(network, x).untouched) == {
        "block.0": "it is normalised already",
        "head.2": "it is the output layer",
    }
    network, x = network_and_batch("gates")
    assert dict(insert_normalization_(network, x).untouched)["squeeze.2"] == (
        "the activation behind it is no hidden one but gate"
    )


def test_only_and_keywords():
    network, x = network_and_batch("convolutions")
    assert [change.where for change in insert_normalization_(network, x, only=["3"]).changes] == ["3"]
    network, x = network_and_batch("function calls")
    assert len(insert_normalization_(network, x=x).changes) == 2


def test_new_parameters_are_trained_stored_and_stackable():
    """Hooks run under `torch.func` too: a stack of networks gives what each gives alone."""
    networks = []
    for seed in range(3):
        network, x = network_and_batch("function calls", seed)
        insert_normalization_(network, x)
        standardize_inputs_(network, x)
        networks.append(network.eval())
    assert [name for name in networks[0].state_dict() if "norm" in name] == [
        "fc1.norm.weight", "fc1.norm.bias", "fc2.norm.weight", "fc2.norm.bias",
    ]  # fmt: skip
    assert "input_0_mean" in networks[0].state_dict()
    with torch.no_grad():
        for number, network in enumerate(networks):
            network.fc1.norm.bias.fill_(number)
    base = copy.deepcopy(networks[0]).to("meta")
    together = vmap(lambda p, b, x: functional_call(base, (p, b), (x,)), in_dims=(0, 0, None))
    outputs = together(*stack_module_state(networks), x)
    assert all(torch.allclose(outputs[i], network(x), atol=1e-6) for i, network in enumerate(networks))
    assert not torch.allclose(outputs[0], outputs[1])


@pytest.mark.parametrize(
    ("arguments", "keywords", "message"),
    [
        ((), {}, "There must be a batch for the module: .* Found none."),
        (
            (torch.ones(2, 4),),
            {"kind": "group"},
            '`kind` must be "layer" or "batch". Found `kind=\'group\'`. Take "layer"',
        ),
        ((torch.ones(2, 4),), {"only": "0"}, "`only` must be a collection of paths of layers .* Found `0`."),
        ((torch.ones(2, 4),), {"only": ["1"]}, "layers that the forward pass uses. Found `1`. Known are 0, 2."),
    ],
)
def test_what_is_refused(arguments, keywords, message):
    network = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 1))
    with pytest.raises(ArgumentError, match=message):
        insert_normalization_(network, *arguments, **keywords)
    assert len(network) == 3
