"""Weights are found wherever they stand: packed, shared, functional, derived, recurrent; in any kind of module."""

import math
from dataclasses import dataclass

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, weight_norm

from justfit.errors import ArgumentError
from justfit.probe import read_signals

X = torch.randn(32, 10, generator=torch.Generator().manual_seed(0))
TOKENS = torch.randint(0, 50, (8, 12), generator=torch.Generator().manual_seed(0))


class Net(nn.Module):
    def __init__(self, run, **parts):
        super().__init__()
        self.run = run
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, *inputs, **keywords):
        return self.run(self, *inputs, **keywords)


def seen(net, *inputs, **options):
    torch.manual_seed(0)
    return [(layer.name, layer.operation) for layer in read_signals(net, *inputs, **options).layers]


@pytest.mark.parametrize(
    ("run", "shape", "operation"),
    [
        (lambda m, x: nn.functional.linear(x, m.w), (4, 10), "linear"),
        (lambda m, x: x @ m.w, (10, 4), "matmul"),
        (lambda m, x: torch.einsum("bi,io->bo", x, m.w), (10, 4), "einsum"),
        (lambda m, x: torch.addmm(m.b, x, m.w), (10, 4), "addmm"),
        (lambda m, x: (m.w @ x.T).T, (4, 10), "matmul"),
    ],
)
def test_parameters_in_functions(run, shape, operation):
    net = Net(run, w=nn.Parameter(torch.randn(shape)), b=nn.Parameter(torch.zeros(4)))
    layer = read_signals(net, X).layers[0]
    assert (layer.name, layer.operation, layer.fan_in, layer.fan_out) == ("w", operation, 10, 4)


def test_tied_transposed_decoder():
    net = Net(
        lambda m, x: nn.functional.linear(torch.relu(m.encoder(x)), m.encoder.weight.t()), encoder=nn.Linear(10, 6)
    )
    evidence = read_signals(net, X)
    assert [(layer.parameter, layer.num_calls) for layer in evidence.layers] == [("encoder.weight", 2)]


def test_packed_attention_weights():
    attention = nn.MultiheadAttention(16, 4, batch_first=True)
    net = Net(lambda m, x: m.attention(x, x, x, need_weights=False)[0], attention=attention)
    names = [name for name, _ in seen(net, torch.randn(8, 12, 16))]
    assert any(name.startswith("attention.in_proj_weight") for name in names)
    assert "attention.out_proj" in names


@pytest.mark.parametrize(
    "wrap",
    [
        parametrizations.weight_norm,
        weight_norm,
        parametrizations.spectral_norm,
        parametrizations.orthogonal,
        nn.utils.spectral_norm,
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_derived_weights(wrap):
    net = nn.Sequential(wrap(nn.Linear(10, 8)), nn.ReLU(), nn.Linear(8, 3))
    assert seen(net, X) == [("0", "linear"), ("2", "linear")]


@pytest.mark.parametrize(("kind", "operation"), [(nn.LSTM, "lstm"), (nn.GRU, "gru"), (nn.RNN, "rnn_tanh")])
def test_recurrent_layers(kind, operation):
    net = Net(
        lambda m, x: m.head(m.body(x)[0][:, -1]),
        body=kind(10, 16, 2, batch_first=True, dropout=0.5),
        head=nn.Linear(16, 3),
    )
    x = torch.randn(8, 12, 10)
    names = seen(net, x)
    assert ("body", operation) in names
    assert names[-1] == ("head", "linear")
    assert read_signals(net, x).layers[-1].input_rms == read_signals(net, x).layers[-1].input_rms


@pytest.mark.parametrize("kind", [nn.LSTMCell, nn.GRUCell, nn.RNNCell])
def test_recurrent_cells(kind):
    def run(m, x):
        state = None
        for step in x.unbind(1):
            state = m.cell(step, state)
        return m.head(state[0] if isinstance(state, tuple) else state)

    evidence = read_signals(Net(run, cell=kind(10, 16), head=nn.Linear(16, 3)), torch.randn(8, 5, 10))
    assert (evidence.layers[0].name, evidence.layers[0].num_calls) == ("cell", 5)
    assert evidence.layers[-1].name == "head"


def test_embeddings():
    net = Net(lambda m, ids: m.head(m.embed(ids).mean(1)), embed=nn.Embedding(50, 16), head=nn.Linear(16, 3))
    evidence = read_signals(net, TOKENS)
    assert [(layer.name, layer.operation) for layer in evidence.layers] == [("embed", "embedding"), ("head", "linear")]
    assert evidence.inputs == ()


def test_sparse_embedding_gradients():
    net = Net(
        lambda m, ids: m.head(m.embed(ids).mean(1)), embed=nn.Embedding(50, 16, sparse=True), head=nn.Linear(16, 3)
    )
    assert read_signals(net, TOKENS).layers[0].weight_gradient_rms > 0


@dataclass
class Output:
    logits: torch.Tensor
    loss: torch.Tensor | None = None


@pytest.mark.parametrize(
    ("run", "inputs", "keywords"),
    [
        (lambda m, batch: m.body(batch["x"]), ({"x": X, "ids": TOKENS},), {}),
        (lambda m, pair: m.body(pair[0] + pair[1]), ((X, X),), {}),
        (lambda m, *, x, scale=1: m.body(x * scale), (), {"x": X, "scale": 2}),
        (lambda m, x: {"out": m.body(x), "aux": 3}, (X,), {}),
        (lambda m, x: (m.body(x), None), (X,), {}),
        (lambda m, x: Output(m.body(x)), (X,), {}),
    ],
)
def test_inputs_and_outputs_of_any_kind(run, inputs, keywords):
    net = Net(run, body=nn.Linear(10, 3))
    evidence = read_signals(net, *inputs, keywords=keywords)
    assert [layer.name for layer in evidence.layers] == ["body"]
    assert evidence.batch_size == 32
    assert evidence.layers[0].is_output


def test_an_output_that_brings_its_loss():
    def run(m, x, labels):
        logits = m.body(x)
        return Output(logits, nn.functional.cross_entropy(logits, labels))

    net = Net(run, body=nn.Linear(10, 3))
    loss = read_signals(net, X, torch.arange(32) % 3).loss
    assert loss.name == "cross_entropy"
    assert loss.expected == pytest.approx(math.log(3))


@pytest.mark.parametrize("wrap", [lambda net: torch.compile(net, backend="eager"), nn.DataParallel])
def test_wrapped_modules(wrap):
    net = nn.Sequential(nn.Linear(10, 8), nn.ReLU(), nn.Linear(8, 3))
    assert read_signals(wrap(net), X).layers[0].name == "0"
    assert len(read_signals(wrap(net), X).layers) == 2


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize(
    "noise", [nn.Dropout(0.9), nn.Dropout(0.9, inplace=True), nn.AlphaDropout(0.9), nn.Dropout1d(0.9)]
)
def test_dropout_is_off(noise, train):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(10, 8), noise, nn.Linear(8, 3)).train(train)
    quiet = nn.Sequential(net[0], nn.Identity(), net[2])
    assert read_signals(net, X).layers[1].input_rms == read_signals(quiet, X).layers[1].input_rms


@pytest.mark.parametrize("need_weights", [True, False])
def test_attention_dropout_is_off(need_weights):
    attention = nn.MultiheadAttention(16, 4, dropout=0.9, batch_first=True)
    net = Net(lambda m, x: m.attention(x, x, x, need_weights=need_weights)[0], attention=attention)
    x = torch.randn(8, 12, 16)
    first, second = (read_signals(net, x).layers[-1].output_rms for _ in range(2))
    net.eval()
    assert first == second == read_signals(net, x).layers[-1].output_rms


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("size", [1, 16])
def test_batch_normalisation_uses_the_batch_where_it_can(train, size):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(10, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3)).train(train)
    evidence = read_signals(net, 100 * X[:size])
    assert evidence.layers[0].normalised
    if size > 1:
        assert evidence.layers[1].input_rms == pytest.approx(math.sqrt(0.5), rel=0.2)


def test_unused_parameters():
    net = Net(lambda m, x: m.body(x), body=nn.Linear(10, 3), spare=nn.Linear(4, 4))
    assert [unused.name for unused in read_signals(net, X).unused] == ["spare.weight", "spare.bias"]


def test_experts_without_an_example_are_routed():
    def run(m, x):
        values, chosen = m.gate(x).softmax(-1).mean(0).topk(2)
        return sum(value * m.experts[int(number)](x) for value, number in zip(values, chosen, strict=True))

    experts = nn.ModuleList(nn.Linear(10, 3) for _ in range(4))
    net = Net(run, experts=experts, gate=nn.Linear(10, 4), spare=nn.Linear(2, 2))
    unused = {found.name: found.routed for found in read_signals(net, X).unused}
    assert len(unused) == 6
    assert unused == {name: name.startswith("experts") for name in unused}


def test_unused_layers_of_a_list_without_routing_are_not_experts():
    net = Net(lambda m, x: m.parts[0](x), parts=nn.ModuleList(nn.Linear(10, 3) for _ in range(2)))
    assert [found.routed for found in read_signals(net, X).unused] == [False, False]


def test_nothing_to_send_back():
    with pytest.raises(ArgumentError, match="must hold a floating-point tensor that depends on the parameters"):
        read_signals(Net(lambda m, x: m.body(x).argmax(1), body=nn.Linear(10, 3)), X)


def test_errors_of_the_network_keep_their_type_and_get_a_note():
    with pytest.raises(RuntimeError) as caught:
        read_signals(nn.Linear(4, 3), X)
    assert any("(32, 10)" in note for note in caught.value.__notes__)
