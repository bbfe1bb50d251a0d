"""`scheme="auto"` on networks of every make: what is initialized, how, and what is left alone and named."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations

from justfit.cures import initialize_
from justfit.errors import ArgumentError, UnsupportedModuleError


def auto(network, *inputs, **keywords):
    return initialize_(network, *inputs, scheme="auto", seed=0, **keywords)


def rms(values):
    return values.detach().double().square().mean().sqrt().item()


def reasons(record):
    return {change.name: change.reason for change in record.changes}


def outputs_of(network, part, *inputs):
    """The outputs of one submodule in a forward pass."""
    seen = []
    handle = part.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    with torch.no_grad():
        network(*inputs)
    handle.remove()
    return seen


class Attention(nn.Module):
    def __init__(self, kdim=None, vdim=None):
        super().__init__()
        self.attention = nn.MultiheadAttention(64, 4, batch_first=True, kdim=kdim, vdim=vdim)
        self.head = nn.Linear(64, 5)

    def forward(self, query, key=None, value=None):
        key = query if key is None else key
        mixed, _ = self.attention(query, key, key if value is None else value, need_weights=False)
        return self.head(mixed.mean(1))


class TestAttention:
    def test_packed_query_key_and_value_each_keep_the_size(self):
        network, tokens = Attention(), torch.randn(64, 9, 64)
        gains = [rms(tokens @ part.T) for part in network.attention.in_proj_weight.chunk(3)]
        assert max(gains) < 0.8  # torch counts the fan over all three
        auto(network, tokens)
        for part in network.attention.in_proj_weight.chunk(3):
            assert rms(tokens @ part.T) == pytest.approx(1, abs=0.05)

    def test_cross_attention_uses_the_packed_weight_in_two_parts_of_different_size(self):
        network, query, memory = Attention(), torch.randn(64, 9, 64), 10 * torch.randn(64, 7, 64)
        record = auto(network, query, memory)
        weight_q, weight_k, weight_v = network.attention.in_proj_weight.chunk(3)
        assert rms(query @ weight_q.T) == pytest.approx(1, abs=0.05)
        assert rms(memory @ weight_k.T) == pytest.approx(1, abs=0.05)
        assert rms(memory @ weight_v.T) == pytest.approx(1, abs=0.05)
        assert reasons(record)["attention.in_proj_weight"] == "[0:64]: output rms 1; [64:192]: output rms 1"
        assert record.untouched == ()

    def test_separate_weights_for_key_and_value(self):
        network = Attention(kdim=10, vdim=12)
        query, key, value = torch.randn(64, 9, 64), torch.randn(64, 7, 10), 5 * torch.randn(64, 7, 12)
        auto(network, query, key, value)
        assert rms(key @ network.attention.k_proj_weight.T) == pytest.approx(1, abs=0.1)
        assert rms(value @ network.attention.v_proj_weight.T) == pytest.approx(1, abs=0.1)

    def test_parts_that_overlap_are_left_alone(self):
        class Overlapping(nn.Module):
            def __init__(self):
                super().__init__()
                self.weight, self.head = nn.Parameter(torch.randn(12, 8)), nn.Linear(16, 2)

            def forward(self, x):
                return self.head(torch.cat([x @ self.weight[:8].T, x @ self.weight[4:].T], 1))

        network = Overlapping()
        before = network.weight.detach().clone()
        record = auto(network, torch.randn(16, 8))
        assert torch.equal(network.weight, before)
        assert [name for name, _ in record.untouched] == ["weight"]


class Residual(nn.Module):
    def __init__(self, num_blocks):
        super().__init__()
        self.stem, self.head = nn.Linear(32, 64), nn.Linear(64, 10)
        self.inner = nn.ModuleList(nn.Linear(64, 64) for _ in range(num_blocks))
        self.last = nn.ModuleList(nn.Linear(64, 64) for _ in range(num_blocks))
        self.stream = nn.Identity()

    def forward(self, x):
        x = self.stem(x)
        for inner, last in zip(self.inner, self.last, strict=True):
            x = x + last(inner(x).relu())
        return self.head(self.stream(x))


@pytest.mark.parametrize("num_blocks", [64, 256])
def test_a_residual_stream_without_norm_ends_at_root_two(num_blocks):
    network = Residual(num_blocks)
    auto(network, torch.randn(256, 32))
    (stream,) = outputs_of(network, network.stream, torch.randn(256, 32))
    # independent branches: 1 + 1, within the spread of one draw; they grow with the stream: at most e
    assert 2 - 0.5 < rms(stream) ** 2 < math.e + 0.3
    initialize_(network, scheme="he", seed=0)
    (control,) = outputs_of(network, network.stream, torch.randn(256, 32))
    assert not rms(control) < 100


def test_zeros_at_the_end_of_branches_and_of_the_network_stay():
    network = Residual(3)
    for layer in (*network.last, network.head):
        nn.init.zeros_(layer.weight)
    record = auto(network, torch.randn(64, 32))
    assert all(not layer.weight.any() for layer in (*network.last, network.head))
    untouched = dict(record.untouched)
    assert "on purpose" in untouched["last.0.weight"]
    assert "on purpose" in untouched["head.weight"]
    assert untouched["head.bias"] == "the bias of a weight that is left alone"


def test_zeros_inside_are_no_purpose_and_are_drawn():
    network = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 3))
    nn.init.zeros_(network[2].weight)
    auto(network, torch.randn(64, 16))
    assert network[2].weight.all()


class NormalisedBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1)
        self.conv1, self.conv2 = nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.Conv2d(32, 32, 3, padding=1)
        self.norm1, self.norm2 = nn.BatchNorm2d(32), nn.BatchNorm2d(32)
        self.shortcut, self.head = nn.Conv2d(16, 32, 1, stride=2), nn.Linear(32, 10)
        nn.init.zeros_(self.norm2.weight)

    def forward(self, x):
        x = self.stem(x).relu()
        branch = self.norm2(self.conv2(self.norm1(self.conv1(x)).relu()))
        return self.head((branch + self.shortcut(x)).relu().mean((2, 3)))


def test_a_normalised_block_keeps_its_zero_gamma_and_says_that_a_norm_follows():
    network = NormalisedBlock()
    record = auto(network, torch.randn(32, 3, 8, 8))
    assert not network.norm2.weight.any()
    assert torch.equal(network.norm1.weight, torch.ones(32))
    assert reasons(record)["conv2.weight"] == "output rms 1, before a normalisation"
    assert {name.split(".")[0] for name, _ in record.untouched} == {"norm1", "norm2"}
    assert torch.equal(network.norm1.running_mean, torch.zeros(32))


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_transformers(norm_first, training):
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, norm_first=norm_first)
    network = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False).train(training)
    record = auto(network, torch.randn(32, 7, 32))
    assert {name.split(".")[2] for name, _ in record.untouched} == {"norm1", "norm2"}
    assert len([change for change in record.changes if change.scheme != "zero"]) == 12
    assert network.training is training


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.enter, self.down = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.up, self.join = nn.ConvTranspose2d(16, 8, 2, stride=2), nn.Conv2d(16, 8, 3, padding=1)
        self.leave = nn.Conv2d(8, 1, 1)

    def forward(self, x):
        wide = self.enter(x).relu()
        return self.leave(self.join(torch.cat([wide, self.up(self.down(wide).relu()).relu()], 1)).relu())


def test_a_unet():
    network, images = UNet(), torch.randn(32, 1, 16, 16)
    record = auto(network, images)
    assert record.untouched == ()
    for part in (network.enter, network.down, network.up, network.join):
        (output,) = outputs_of(network, part, images)
        assert rms(output) == pytest.approx(1, abs=0.1)


class Functional(nn.Module):
    """Four ways to multiply by a weight that no layer owns."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Parameter(100 * torch.randn(64, 32)), nn.Parameter(torch.randn(64, 64))
        self.c, self.d = nn.Parameter(torch.randn(48, 64)), nn.Parameter(torch.randn(48, 5))
        self.bias = nn.Parameter(torch.ones(5))
        self.seen = []

    def forward(self, x):
        z = [functional.linear(x, self.a)]
        z.append(z[-1].relu() @ self.b)
        z.append(torch.einsum("bi,oi->bo", z[-1].relu(), self.c))
        z.append(torch.addmm(self.bias, z[-1].relu(), self.d))
        self.seen = z
        return z[-1]


def test_functional_weights():
    network = Functional()
    record = auto(network, torch.randn(256, 32))
    network(torch.randn(256, 32))
    sizes = [rms(each) for each in network.seen]
    assert sizes[:3] == [pytest.approx(1, abs=0.15)] * 3
    assert sizes[3] == pytest.approx(0.1, abs=0.03)
    words = {change.name: change.scheme for change in record.changes}
    assert words == {**dict.fromkeys("abcd", "mirrored orthogonal"), "bias": "zero"}
    mirrored = network.c.detach()  # rows in pairs, whichever side einsum reads
    torch.testing.assert_close(mirrored[:24], -mirrored[24:])


class Repeated(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.head = nn.Linear(64, 64), nn.Linear(64, 3)

    def forward(self, x):
        for _ in range(6):
            x = self.layer(x).relu()
        return self.head(x)


def test_one_layer_called_six_times_ends_as_large_as_it_starts():
    network = Repeated()
    record = auto(network, torch.randn(256, 64))
    sizes = [rms(output) for output in outputs_of(network, network.layer, torch.randn(256, 64))]
    assert all(0.5 < size < 2 for size in sizes)
    assert record.num_passes == 3
    assert "used 6 times" in reasons(record)["layer.weight"]


class TiedTranspose(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(64, 16)

    def forward(self, x):
        return functional.linear(self.encoder(x).tanh(), self.encoder.weight.T)


def test_a_tied_transposed_decoder_is_sized_at_its_first_use():
    network = TiedTranspose()
    assert "slope 1 through tanh" in reasons(auto(network, torch.randn(64, 64)))["encoder.weight"]


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.eye, self.head = nn.Linear(16, 32), nn.Linear(64, 2)

    def forward(self, x, *, other):
        return self.head(torch.cat([self.eye(x).relu(), self.eye(other["y"]).relu()], 1))


def test_a_weight_that_is_used_in_two_places_and_keyword_inputs_of_dicts():
    network = Siamese()
    auto(network, torch.randn(64, 16), other={"y": torch.randn(64, 16)})
    assert rms(network.eye(torch.randn(512, 16))) == pytest.approx(1, abs=0.15)


class Language(nn.Module):
    def __init__(self, *, tied):
        super().__init__()
        self.embedding, self.body = nn.Embedding(50, 16), nn.LSTM(16, 16, batch_first=True)
        self.head = nn.Linear(16, 50, bias=False)
        if tied:
            self.head.weight = self.embedding.weight

    def forward(self, tokens):
        return self.head(self.body(self.embedding(tokens))[0])


@pytest.mark.parametrize("tied", [True, False])
def test_embeddings_and_heads_tied_to_them_keep_their_values(tied):
    network = Language(tied=tied)
    before = network.embedding.weight.detach().clone()
    record = auto(network, torch.randint(0, 50, (8, 12)))
    assert torch.equal(network.embedding.weight, before)
    assert dict(record.untouched) == {
        "embedding.weight": "an embedding keeps its values, and so does what is tied to it"
    }
    assert ("head.weight" in reasons(record)) is not tied


RECURRENT = [nn.RNN, nn.GRU, nn.LSTM, nn.RNNCell, nn.GRUCell, nn.LSTMCell]


@pytest.mark.parametrize("kind", RECURRENT)
def test_recurrent_layers_gate_by_gate(kind):
    is_cell = kind.__name__.endswith("Cell")
    network = kind(8, 16)
    auto(network, torch.randn(*(() if is_cell else (5,)), 32, 8))
    for name, parameter in network.named_parameters():
        if name.startswith("weight_hh"):
            for gate in parameter.detach().chunk(len(parameter) // 16):
                torch.testing.assert_close(gate @ gate.T, torch.eye(16), atol=1e-5, rtol=0)
        elif name.startswith("bias_ih") and "LSTM" in kind.__name__:
            assert parameter.tolist() == [0.0] * 16 + [1.0] * 16 + [0.0] * 32
        elif name.startswith("bias"):
            assert not parameter.any()


def test_computed_weights_are_left_alone_and_named():
    network = nn.Sequential(
        parametrizations.weight_norm(nn.Linear(8, 8)), nn.ReLU(),
        parametrizations.spectral_norm(nn.Linear(8, 8)), nn.ReLU(), nn.Linear(8, 3),
    )  # fmt: skip
    record = auto(network, torch.randn(16, 8))
    assert {change.name for change in record.changes} == {"4.weight", "4.bias"}
    said = dict(record.untouched)
    assert all("computed from other parameters" in said[name] for name in said if "parametrizations" in name)
    assert said["0.bias"] == "the bias of a weight that is left alone"


def test_stacks_of_matrices_as_of_experts():
    class Experts(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.last = nn.Parameter(torch.ones(4, 16, 32)), nn.Parameter(torch.ones(4, 32, 3))

        def forward(self, x):
            return (x.expand(4, -1, -1) @ self.inner).relu() @ self.last

    network = Experts()
    auto(network, torch.randn(64, 16))
    assert rms(torch.randn(256, 16) @ network.inner) == pytest.approx(1, abs=0.15)


def test_normalisation_of_the_output_is_named_and_not_a_small_head():
    record = auto(nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8)), torch.randn(16, 8))
    assert reasons(record)["0.weight"] == "output rms 1, before a normalisation"


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_number_formats(dtype):
    network = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 3)).to(dtype)
    x = torch.randn(128, 32).to(dtype)
    auto(network, x)
    assert network[0].weight.dtype == dtype
    assert rms(network[0](x)) == pytest.approx(1, abs=0.1)


def test_a_batch_of_one_and_frozen_parameters():
    network = nn.Sequential(nn.Linear(32, 32), nn.BatchNorm1d(32), nn.Tanh(), nn.Linear(32, 3)).requires_grad_(False)
    auto(network, torch.randn(1, 32))
    assert rms(network.eval()(torch.randn(1, 32))) > 0
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_wrapped_networks():
    inner = nn.Sequential(nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 3))
    wrapped = nn.DataParallel(torch.compile(inner, backend="eager"))
    record = auto(wrapped, torch.randn(16, 16))
    assert {change.name for change in record.changes} == {"0.weight", "0.bias", "2.weight", "2.bias"}


def test_without_inputs_it_says_that_it_needs_them():
    with pytest.raises(ArgumentError, match="no inputs"):
        auto(nn.Linear(2, 2))


def test_a_network_without_a_weight_to_initialize_is_refused():
    with pytest.raises(UnsupportedModuleError, match="used none"):
        auto(nn.Embedding(4, 4), torch.zeros(2, dtype=torch.long))
