"""Dropout set and inserted: at which sites, with which p, and what is refused."""

import pytest
import torch
from torch import nn

from justfit.cures import Dropout, insert_dropout_, set_dropout_
from justfit.errors import ArgumentError
from tests.unit.cures.networks import network_and_batch


def test_every_kind_of_site_is_set():
    network = nn.ModuleDict(
        {
            "plain": nn.Dropout(0.5),
            "channels": nn.Dropout2d(0.1),
            "alpha": nn.AlphaDropout(0.2),
            "own": Dropout(0.3),
            "units": Dropout([0.1, 0.2]),
            "attention": nn.MultiheadAttention(4, 2, dropout=0.1),
            "lstm": nn.LSTM(4, 4, num_layers=2, dropout=0.6),
            "gru": nn.GRU(4, 4),
            "transformer": nn.TransformerEncoderLayer(4, 2, dropout=0.1),
        }
    )
    buffer = network.units.p
    applied = set_dropout_(network, 0.25)
    assert network.units.p is buffer
    assert buffer.tolist() == [0.25, 0.25]
    ps = [network[name].p for name in ("plain", "channels", "alpha", "own")]
    assert [*ps, network.attention.dropout, network.lstm.dropout] == [0.25] * 6
    assert applied.untouched == (("gru", "its dropout acts between layers, and it has one"),)
    befores = {change.where: change.before for change in applied.changes}
    assert befores["lstm"] == "p = 0.6"
    assert befores["units"] == "one p per unit"
    assert {name for name in befores if name.startswith("transformer")} == {
        *("transformer.dropout", "transformer.dropout1", "transformer.dropout2", "transformer.self_attn"),
    }
    applied.undo()
    assert torch.allclose(buffer, torch.tensor([0.1, 0.2]))
    assert (network.plain.p, network.lstm.dropout) == (0.5, 0.6)


def test_set_in_words_and_code():
    network = nn.Sequential(nn.LSTM(4, 4, num_layers=2, dropout=0.6), nn.Dropout(0.5))
    assert [change.code for change in set_dropout_(network, 0.2).changes] == ["dropout=0.2", "nn.Dropout(0.2)"]
    again = set_dropout_(network, 0.2)
    assert again.changes == ()
    assert again.untouched == (("0", "its p is 0.2 already"), ("1", "its p is 0.2 already"))
    none = set_dropout_(nn.Sequential(nn.Linear(2, 1)), 0.2)
    assert none.untouched == (("Sequential", "it has no dropout: `insert_dropout_` puts some in"),)


def test_a_function_call_is_named_with_its_line():
    network, x = network_and_batch("function calls")
    applied = set_dropout_(network, 0.1, inputs=x)
    (change,) = applied.by_hand
    assert change.before == "x = functional.dropout(x, 0.3, training=self.training)"
    assert change.code == "nn.functional.dropout(..., p=0.1, training=self.training)"
    assert (applied.changes, applied.untouched) == ((), ())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nested Sequential", ["0.2.0"]),  # a dropout stands before "2"; "3" reads a linear layer
        ("one ReLU in three slots", ["2", "4"]),
        ("convolutions", ["6", "8"]),
        ("function calls", ["head"]),
        ("shared in a ModuleList", ["layers.0", "layers.1", "head"]),
        ("recurrences", ["head"]),
        ("transformer layer", ["4"]),
    ],
)
def test_where_dropout_is_inserted(name, expected):
    network, x = network_and_batch(name)
    names = list(network.state_dict())
    applied = insert_dropout_(network, 0.3, inputs=x)
    assert [change.where for change in applied.changes] == expected
    assert list(network.state_dict()) == names
    sites = [part for part in network.modules() if isinstance(part, nn.Dropout) and part.p == 0.3]
    assert len(sites) == len(expected)


def test_inserted_dropout_thins_the_input_of_a_layer_elsewhere():
    network, x = network_and_batch("function calls")
    insert_dropout_(network, 0.5, inputs=x)
    seen = []
    handle = network.head.register_forward_hook(lambda part, args, output: seen.append(args[0]))
    network.train()(x)
    network.eval()(x)
    handle.remove()
    thinned, whole = seen
    assert 0.2 < float((thinned == 0).float().mean()) < 0.8
    assert not bool((whole == 0).any())
    by_keyword = network.head(input=torch.ones(2, 16))
    assert by_keyword.shape == (2, 3)


def test_without_a_batch_what_is_not_in_a_sequential_is_not_seen():
    network, _ = network_and_batch("function calls")
    applied = insert_dropout_(network, 0.3)
    reason = "no Linear layer of a Sequential reads activations without dropout: pass `inputs=` to see the others"
    assert applied.untouched == (("Functional", reason),)
    linear = insert_dropout_(nn.Sequential(nn.Linear(3, 1)), 0.3)
    assert linear.untouched == (("Sequential", "no Linear layer reads hidden activations without dropout"),)


def test_undo_of_a_site_that_was_converted_is_refused():
    network = nn.Sequential(nn.Linear(2, 2), Dropout([0.1, 0.2]))
    applied = set_dropout_(network, 0.3)
    network.double()
    with pytest.raises(ArgumentError, match=r"Changes must be undone in reverse order\. Found `1` changed again since"):
        applied.undo()


@pytest.mark.parametrize("p", [-0.1, 1.0, float("nan"), "0.5", True])
@pytest.mark.parametrize("cure", [set_dropout_, insert_dropout_])
def test_what_is_refused(cure, p):
    network = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Dropout(0.5), nn.Linear(2, 1))
    with pytest.raises(
        ArgumentError, match=r"`p` must lie in \[0, 1\)\. Found `p=.*`\. It is the probability of dropping"
    ):
        cure(network, p)
    assert network[2].p == 0.5
