"""Activations replaced, inserted and removed: which, where, in which words, and what is refused."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn

from justfit.cures import insert_activations_, remove_output_activation_, replace_activations_, set_dropout_
from justfit.errors import ArgumentError
from tests.unit.cures.networks import network_and_batch

NETWORKS_FILE = Path(__file__).with_name("networks.py").read_text(encoding="utf-8").splitlines()


def line(text):
    """Where a line stands in networks.py, as a source of a change ends."""
    return f"networks.py:{[row.strip() for row in NETWORKS_FILE].index(text) + 1}"


def places(changes):
    return [(change.where, change.before, change.after) for change in changes]


def test_the_hidden_ones_of_a_sequential_are_known_without_a_batch():
    network, _ = network_and_batch("nested Sequential")
    applied = replace_activations_(network)
    assert places(applied.changes) == [("0.1", "nn.Sigmoid()", "nn.ReLU()"), ("0.2.2", "nn.Tanh()", "nn.ReLU()")]
    assert applied.untouched == (("4", "it is the network's output"),)
    assert applied.by_hand == ()


def test_elsewhere_the_reason_is_said_until_a_batch_is_given():
    network, x = network_and_batch("shared in a ModuleList")
    unseen = "whether it is hidden or the network's output cannot be seen without running it: pass `inputs=`"
    assert ("bends.1", unseen) in replace_activations_(network).untouched
    applied = replace_activations_(network, inputs=x)
    assert places(applied.changes) == [("bends.1", "nn.Tanh()", "nn.ReLU()")]


def test_a_shared_module_stays_shared():
    network, x = network_and_batch("shared in a ModuleList")
    applied = replace_activations_(network, "gelu", inputs=x)
    assert {change.where for change in applied.changes} == {"relu", "bends.0", "bends.1"}
    assert network.relu is network.bends[0]
    assert network.relu is not network.bends[1]


def test_one_relu_in_three_slots_of_a_sequential_is_replaced_where_it_is_hidden():
    network, _ = network_and_batch("one ReLU in three slots")
    relu = network[5]
    applied = replace_activations_(network, "gelu")
    assert [change.where for change in applied.changes] == ["1", "3"]
    assert network[1] is network[3]
    assert network[5] is relu
    assert applied.untouched == (("5", "it is the network's output"),)


def test_one_module_that_is_hidden_and_the_output_is_left_with_the_reason():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.relu = nn.Linear(4, 4), nn.Linear(4, 4), nn.ReLU()

        def forward(self, x):
            return self.relu(self.second(self.relu(self.first(x))))

    applied = replace_activations_(Twice(), "gelu", inputs=torch.randn(3, 4))
    reason = "the same module runs as hidden and output: give each place a module of its own"
    assert (applied.changes, applied.untouched) == ((), (("relu", reason),))


def test_function_calls_are_named_with_their_line_and_what_to_write():
    network, x = network_and_batch("function calls")
    applied = replace_activations_(network, inputs=x)
    assert applied.changes == ()
    first, second = applied.by_hand
    assert first.source.endswith(line("x = functional.sigmoid(self.fc1(x))"))
    assert second.source.endswith(line("x = torch.tanh(self.fc2(x))"))
    assert first.code == "x = functional.relu(self.fc1(x))"
    assert second.code == "x = nn.functional.relu(self.fc2(x))"
    assert "cannot be replaced from outside" in first.why
    assert ("Functional", "it is the network's output") in applied.untouched


def test_without_a_run_nothing_is_passed_over_in_silence():
    network, _ = network_and_batch("function calls")
    reason = "calls such as `F.relu(x)` in a `forward` are seen only in a run: pass `inputs=`"
    for cure in (replace_activations_, remove_output_activation_, lambda module: set_dropout_(module, 0.1)):
        applied = cure(network)
        assert (applied.changes, applied.by_hand) == ((), ())
        assert ("Functional", reason) in applied.untouched


def test_the_line_of_a_module_is_rewritten():
    network, x = network_and_batch("gates")
    (change,) = replace_activations_(network, "gelu", inputs=x, only=["hidden"]).changes
    assert change.source.endswith(line("self.hidden = nn.Sigmoid()"))
    assert change.code == "self.hidden = nn.GELU()"


def test_gates_and_recurrences_are_left_alone():
    network, x = network_and_batch("gates")
    applied = replace_activations_(network, "leaky_relu", inputs=x)
    assert [change.where for change in applied.changes] == ["hidden", "squeeze.1"]
    gate = "it is a gate: another part of the signal is multiplied with it"
    assert applied.untouched == (("squeeze.3", gate), ("weigh", gate))
    network, x = network_and_batch("recurrences")
    applied = replace_activations_(network, inputs=x)
    assert applied.changes == ()
    assert applied.untouched == (
        ("tanh", "it stands in a recurrence, where another activation would let the state grow"),
    )


def test_torchs_composites_are_left_alone():
    """In eval mode their fast path would run the old activation whatever module stands there."""
    network, x = network_and_batch("transformer layer")
    applied = replace_activations_(network, "leaky_relu", inputs=x)
    assert [change.where for change in applied.changes] == ["3"]
    (change,) = applied.by_hand
    assert change.where == "0.activation"
    assert "pass `activation=` where the layer is built" in change.why


@pytest.mark.parametrize(
    ("activation", "new", "is_replaced"),
    [
        (nn.Sigmoid(), "relu", True),
        (nn.Hardsigmoid(), "relu", True),
        (nn.Softmax(dim=1), "relu", True),
        (nn.LeakyReLU(1.0), "relu", True),
        (nn.Sigmoid(), "tanh", True),
        (nn.ReLU(), "leaky_relu", True),
        (nn.ReLU6(), "relu", False),
        (nn.ReLU(), "relu", False),
        (nn.Tanh(), "tanh", False),
        (nn.GELU(), "relu", False),
        (nn.LeakyReLU(0.1), "gelu", False),
        (nn.SiLU(), "relu", False),
    ],
)
def test_which_kinds_are_replaced(activation, new, is_replaced):
    network = nn.Sequential(nn.Linear(4, 4), activation, nn.Linear(4, 1))
    applied = replace_activations_(network, new)
    assert bool(applied.changes) == is_replaced == (network[1] is not activation)
    assert bool(applied.untouched) != is_replaced


def test_only_replaces_what_is_named_of_any_kind_by_its_own_path_or_its_layers():
    def build():
        return nn.Sequential(nn.Linear(4, 4), nn.GELU(), nn.Linear(4, 4), nn.Sigmoid(), nn.Linear(4, 1), nn.Sigmoid())

    for named, where in ((["1"], ["1"]), (["2"], ["3"]), (["0", "3"], ["1", "3"]), (["5"], []), ([], [])):
        assert [change.where for change in replace_activations_(build(), "silu", only=named).changes] == where


def test_a_module_is_copied_and_takes_mode_device_and_dtype_of_the_place():
    network = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), nn.Sigmoid(), nn.Linear(4, 1)).double()
    network[1].eval()
    new = nn.PReLU(4)
    replace_activations_(network, new)
    assert [type(network[i]) for i in (1, 3)] == [nn.PReLU] * 2
    assert len({id(new), id(network[1]), id(network[3])}) == 3
    assert network[1].weight.dtype == torch.float64
    assert (network[1].training, network[3].training) == (False, True)


def test_a_half_finished_replacement_is_taken_back(monkeypatch):
    network, _ = network_and_batch("nested Sequential")
    before = dict(network.named_modules())

    def interrupt(*_):
        raise KeyboardInterrupt

    calls = iter([False, True])
    from justfit.cures import _replace_activations as room

    real = room.match_module
    monkeypatch.setattr(room, "match_module", lambda *args: interrupt() if next(calls) else real(*args))
    with pytest.raises(KeyboardInterrupt):
        replace_activations_(network)
    assert dict(network.named_modules()) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"new": "relux"},
            "`new` must be a module or one of celu, elu, gelu, .* Found `new='relux'`. For ReLU that dies",
        ),
        ({"only": "1"}, r"`only` must be a collection of paths. Found `only='1'`. Write `only=\['1'\]`."),
        (
            {"only": ["7"]},
            "`only` must name activations, or layers that have one behind them. Found `7`. Known are 0, 1",
        ),
        ({"inputs": "x"}, "There must be a batch for the module: .* Found a str without a tensor."),
        ({"inputs": ()}, "There must be a batch for the module: .* Found none. Pass one batch"),
    ],
)
def test_what_is_refused(arguments, message):
    network = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 1))
    with pytest.raises(ArgumentError, match=message):
        replace_activations_(network, **arguments)
    assert isinstance(network[1], nn.Tanh)


def test_not_a_module_is_refused():
    for cure in (replace_activations_, insert_activations_, remove_output_activation_):
        with pytest.raises(ArgumentError, match=r"`module` must be an `nn\.Module`\. Found a str\."):
            cure("network")


# --- inserted -----------------------------------------------------------------------------------------------------


def test_an_activation_is_put_behind_the_normalisation():
    network = nn.Sequential(
        *(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.1), nn.Identity(), nn.Linear(8, 8), nn.Tanh()),
        *(nn.Linear(8, 8), nn.Linear(8, 2)),
    )
    names = list(network.state_dict())
    applied = insert_activations_(network, "gelu")
    assert [change.where for change in applied.changes] == ["0", "6"]
    assert list(network._modules) == ["0", "1", "1_activation", "2", "3", "4", "5", "6", "6_activation", "7"]
    assert list(network.state_dict()) == names
    assert applied.changes[1].code == "nn.Linear(in_features=8, out_features=8), nn.GELU(),"


def test_a_bottleneck_and_what_is_not_known_are_left_alone():
    narrow = nn.Sequential(nn.Linear(16, 2), nn.Linear(2, 16))
    applied = insert_activations_(narrow)
    assert applied.untouched == (("0", "it is narrower than what is around it: linear on purpose"),)
    assert [change.where for change in insert_activations_(narrow, only=["0"]).changes] == ["0"]

    class Bend(nn.Module):
        def forward(self, x):
            return x.sin()

    assert insert_activations_(nn.Sequential(nn.Linear(4, 4), Bend(), nn.Linear(4, 4))).changes == ()
    assert insert_activations_(nn.Sequential(nn.Conv1d(4, 4, 1), nn.Conv1d(4, 4, 1))).changes == ()


def test_across_nested_sequentials():
    network = nn.Sequential(nn.Sequential(nn.Linear(4, 4)), nn.Sequential(nn.Linear(4, 4), nn.ReLU()), nn.Linear(4, 1))
    insert_activations_(network)
    assert [type(part) for part in network[0]] == [nn.Linear, nn.ReLU]
    assert [type(part) for part in network[1]] == [nn.Linear, nn.ReLU]


# --- removed ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", [nn.Softmax(dim=1), nn.ReLU(), nn.Sigmoid(), nn.LogSoftmax(dim=1), nn.Tanh()])
def test_the_output_activation_is_removed_and_the_hidden_ones_stay(activation):
    network = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 3), activation)
    names, x = list(network.state_dict()), torch.randn(5, 4)
    logits = network[:3](x)
    (change,) = remove_output_activation_(network).changes
    assert torch.equal(network(x), logits)
    assert isinstance(network[1], nn.ReLU)
    assert list(network.state_dict()) == names
    assert (change.where, change.after) == ("3", "nothing")


def test_an_output_activation_elsewhere_needs_a_run_and_a_call_is_named():
    class Ends(nn.Module):
        def __init__(self):
            super().__init__()
            self.softmax, self.head = nn.Softmax(dim=1), nn.Linear(4, 3)

        def forward(self, x):
            return self.softmax(self.head(x))

    network = Ends()
    assert remove_output_activation_(network).changes == ()
    (change,) = remove_output_activation_(network, inputs=torch.randn(3, 4)).changes
    assert change.code == "self.softmax, self.head = nn.Identity(), nn.Linear(4, 3)"
    network, x = network_and_batch("function calls")
    (change,) = remove_output_activation_(network, inputs=x).by_hand
    assert change.source.endswith(line("return torch.softmax(self.head(x), dim=1)"))
    assert re.match("Cross entropy takes its own softmax", change.why)
