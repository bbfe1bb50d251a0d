"""Faults of the fresh split: bugs as people write them, planted in networks written by hand.

The codes that name a fault, and what counts as one, as in `faults.py`.
"""

import dataclasses
import functools
import itertools
import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from zoo import _data, _fresh_data
from zoo import _fresh_dense as dense
from zoo import _fresh_pictures as pictures
from zoo import _fresh_sequences as sequences
from zoo._case import Batch
from zoo._plants import logit_error, mirrored, probability_error, squared_error, token_error
from zoo.faults import ADAM, SIZE, Base, fault
from zoo.perceptrons import mlp
from zoo.recurrent import HandMadeRNN, sequence_loss

LARGE = {"JF202", "JF204", "JF303", "JF305"}
CUT = {"JF503", "JF201"}


# --- healthy twins -----------------------------------------------------------------------------------------------


def lecun(a, b):
    return torch.randn(a, b) / math.sqrt(a)


class Functional(nn.Module):
    """Plain matrices and a function between them."""

    def __init__(self, depth=5, width=64, draw=lambda a, b: torch.randn(a, b) * math.sqrt(2 / a), act=F.relu):
        super().__init__()
        sizes = [64, *[width] * (depth - 1), 10]
        self.w = nn.ParameterList(nn.Parameter(draw(a, b)) for a, b in itertools.pairwise(sizes))
        self.b = nn.ParameterList(nn.Parameter(torch.zeros(b)) for b in sizes[1:])
        self.act = act

    def forward(self, x):
        for w, b in zip(self.w[:-1], self.b[:-1], strict=True):
            x = self.act(x @ w + b)
        return x @ self.w[-1] + self.b[-1]


class Series(nn.Module):
    """Residual or plain stack of one-dimensional convolutions; mean over time."""

    def __init__(self, depth=16, residual=True, c=16):
        super().__init__()
        self.first, self.residual = nn.Conv1d(1, c, 9, 4, 4), residual
        self.convs = nn.ModuleList(nn.Conv1d(c, c, 5, padding=2) for _ in range(depth))
        self.out = nn.Linear(c, 4)

    def forward(self, x):
        x = F.relu(self.first(x))
        for conv in self.convs:
            x = x + 0.3 * F.relu(conv(x)) if self.residual else F.relu(conv(x))
        return self.out(x.amax(-1))


class DeepGCN(nn.Module):
    """Many rounds of averaging over neighbours, with or without the first features mixed in again."""

    def __init__(self, depth=24, keep=0.3, d=32):
        super().__init__()
        self.inp, self.keep = nn.Linear(16, d), keep
        self.layers = nn.ModuleList(nn.Linear(d, d) for _ in range(depth))
        for layer in self.layers:
            nn.init.orthogonal_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.out = nn.Linear(d, 4)

    def forward(self, x, adjacency):
        h0 = h = self.inp(x)
        for layer in self.layers:
            h = F.leaky_relu(layer((1 - self.keep) * (adjacency @ h) + self.keep * h0), 0.5)
        return self.out(h)


class Recurrent(HandMadeRNN):
    """A recurrence by hand; `draw` makes its matrix."""

    def __init__(self, draw=nn.init.orthogonal_):
        super().__init__()
        draw(self.recurrent.weight)


class Tokens(nn.Module):
    """A small language model around one block."""

    def __init__(self, block, d=48):
        super().__init__()
        self.emb, self.block, self.head = nn.Embedding(32, d), block(d), nn.Linear(d, 32)

    def forward(self, ids):
        return self.head(self.block(self.emb(ids)))


def joined(hurt=None):
    """Two branches that are added; `hurt` changes what is added."""

    class Joined(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = nn.ModuleDict(
                {k: nn.Sequential(nn.Linear(64, 48), nn.GELU(), nn.Linear(48, 32)) for k in "ab"}
            )
            self.out = nn.Linear(32, 10)

        def forward(self, x):
            y = {k: part(x) for k, part in self.parts.items()}
            return self.out(F.gelu(hurt(y) if hurt else y["a"] + y["b"]))

    return Joined


# --- what is done to them ----------------------------------------------------------------------------------------


class Wrapped(nn.Module):
    """Something done to what comes out of a part of the network, by a hook; the part is named."""

    def __init__(self, net, part, change):
        super().__init__()
        self.net = net
        net.get_submodule(part).register_forward_hook(lambda _m, _i, output: change(output))

    def forward(self, *inputs):
        return self.net(*inputs)


def after(part, change):
    return lambda module: Wrapped(module, part, change)


def without_gradient(module):
    """The encoder runs under no_grad."""

    class Frozen(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.head = module[:-1], module[-1]

        def forward(self, x):
            with torch.no_grad():
                h = self.body(x)
            return self.head(h)

    return Frozen()


def through_numpy(x):
    return torch.as_tensor(x.detach().numpy())


def each_weight(change, which=slice(None)):
    def plant(module):
        with torch.no_grad():
            for p in [p for p in module.parameters() if p.dim() > 1][which]:
                change(p)
        return module

    return plant


def twin_columns(p):
    p.copy_(p[:, :1].expand_as(p))


def twin_rows(p):
    p.copy_(p[:1].expand_as(p))


def without_gamma(module):
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.LayerNorm):
            nn.init.zeros_(layer.weight)
    return module


class StrictlyCausal(sequences.RotaryGQA):
    """The mask hides the token itself too, so that the first one sees nothing."""

    def forward(self, x):
        y = x / x.square().mean(-1, keepdim=True).add(1e-6).sqrt() * self.g1
        q, k, v = (torch.einsum("bnd,dhe->bhne", y, p) for p in (self.q, self.k, self.v))
        k, v = (p.repeat_interleave(self.repeat, 1) for p in (k, v))
        logits = q @ k.mT * self.e**-0.5
        mask = torch.ones(x.size(1), x.size(1), dtype=torch.bool).tril(-1)
        y = logits.masked_fill(~mask, float("-inf")).softmax(-1) @ v
        x = x + torch.einsum("bhne,hed->bnd", y, self.o)
        return x + self.down(F.silu(self.gate(x)) * self.up(x))


def hard_codes(x):
    """The nearest of a few levels, without the straight-through gradient."""
    return torch.round(x)


class BigSteps(dense.NeuralODE):
    """Step size 5, on a field without bound."""

    def __init__(self, dt=5.0):
        super().__init__(dt=dt)
        self.field[1] = nn.ReLU()


def changed(batch_of, inputs=None, targets=None):
    def batch(seed):
        plain = batch_of(seed)
        new = tuple(inputs(x) for x in plain.inputs) if inputs else plain.inputs
        return Batch(new, targets(plain.targets) if targets else plain.targets, plain.keywords)

    return batch


def with_date(x):
    """The first column is a Unix time."""
    return torch.cat([1.7e9 + 1e6 * x[:, :1], x[:, 1:]], 1)


def sign_error(output, targets):
    return logit_error(output, (targets > 0).float())


def four_error(output, targets):
    return float(F.cross_entropy(output, targets)) / math.log(4)


def batch_probability_error(output, targets):
    return probability_error(output.exp(), targets)


def thousands_error(output, targets):
    return squared_error(output / 1e4, targets / 1e4)


FUN = Base("fresh_functional5", Functional)
FUN_T = Base(
    "fresh_functional5_tanh", lambda: Functional(draw=lambda a, b: torch.randn(a, b) / math.sqrt(a), act=torch.tanh)
)
FUN_S = Base("fresh_functional4_silu", lambda: Functional(4, act=F.silu))
FUN12 = Base("fresh_functional12_elu", lambda: Functional(12, draw=lambda a, b: nn.init.orthogonal_(torch.empty(a, b)),
                                                           act=F.elu))  # fmt: skip
DEEP_G = Base("fresh_mlp25_gelu", lambda: mirrored(mlp(25, nn.GELU)))
SERIES = Base("fresh_series16", Series, _fresh_data.tones, error=four_error, uninformed=math.log(4), recipes=ADAM)
GRAPH = Base("fresh_deep_gcn", DeepGCN, _data.graph, error=four_error, uninformed=math.log(4), recipes=ADAM)
RNN = Base("fresh_rnn", Recurrent, _data.digit_sequences, recipes=ADAM)
LSTM = Base("fresh_lstm", sequences.HandLSTM, _data.digit_sequences, recipes=ADAM)
JOINED = Base("fresh_two_branches", joined())
WORDS = Base("fresh_rotary", lambda: Tokens(sequences.RotaryGQA), _data.tokens, sequence_loss, token_error, ADAM,
             math.log(32))  # fmt: skip
SCAN = dataclasses.replace(WORDS, name="fresh_scan", build=lambda: Tokens(sequences.SelectiveScan))
ODE = Base("fresh_ode", dense.NeuralODE, _fresh_data.rings, recipes=ADAM, uninformed=math.log(2))
BATCHED = Base("fresh_mlp4_batch_norm", lambda: mlp(4, nn.ReLU, norm=nn.BatchNorm1d))
STANDARD = Base("fresh_standardised_conv", pictures.standardised, _data.images)
KAN = Base("fresh_kan", lambda: nn.Sequential(dense.KANLayer(8, 8), dense.KANLayer(8, 1)), _data.smooth, F.mse_loss,
           squared_error, ADAM, 1.0)  # fmt: skip
SELU = Base("fresh_selu", functools.partial(mlp, 4, nn.SELU, 48, 8, 1), _data.smooth, F.mse_loss, squared_error,
            uninformed=1.0)  # fmt: skip
TABLE = Base("fresh_tabular_gelu", functools.partial(mlp, 3, nn.GELU, 32, 30, 1), _data.binary,
             F.binary_cross_entropy_with_logits, logit_error, uninformed=math.log(2))  # fmt: skip
FORECAST = Base("fresh_nbeats", sequences.NBeats, _fresh_data.history, F.mse_loss, squared_error, ADAM, 1.0)


def weight_faults():
    return (
        *(fault("forgotten_scale", base, LARGE, each_weight(nn.init.normal_)) for base in (FUN, FUN_T, FUN12)),
        *(fault("uniform_0_1", base, LARGE | {"JF205", "JF504"}, each_weight(nn.init.uniform_)) for base in
          (FUN, FUN_T)),
        *(fault("zeros_as_parameters", base, {"JF301", *SIZE}, each_weight(torch.zero_)) for base in (FUN_S, FUN12)),
        *(fault("same_unit_copied", base, {"JF301"}, each_weight(change, which)) for base, change, which in
          ((FUN, twin_columns, slice(0, -1)), (FUN_T, twin_columns, slice(0, -1)), (SELU, twin_rows, slice(0, -1)))),
        fault("bert_std_in_deep_mlp", DEEP_G, SIZE | {"JF205"}, each_weight(lambda p: nn.init.normal_(p, std=0.02))),
        fault("default_conv1d_16", SERIES, SIZE | {"JF205"}, build=lambda: Series(residual=False)),
        *(fault("recurrent_normal_1", base, LARGE, each_weight(nn.init.normal_, which)) for base, which in
          ((RNN, slice(1, 2)), (LSTM, slice(4, 8)))),
        fault("norm_weight_zero", BATCHED, SIZE | {"JF301", "JF304"}, without_gamma),
        fault("oversmoothing", GRAPH, {"JF205", "JF203", "JF207"}, build=lambda: DeepGCN(keep=0.0)),
        fault("step_too_long", ODE, {"JF202", "JF204", "JF206", "JF303"}, build=BigSteps),
        *(fault("embedding_std_100", base, LARGE | {"JF504"}, each_weight(lambda p: p.mul_(100), slice(0, 1)))
          for base in (WORDS, SCAN)),
        *(fault("clamped_dead", base, {"JF304", "JF201", "JF203"}, build=lambda: Functional(
            act=lambda x: (x - 9).clamp(min=0))) for base in (FUN,)),
        fault("tanh_of_50x", FUN_T, {"JF303", "JF305"}, build=lambda: Functional(
            draw=lecun, act=lambda x: torch.tanh(50 * x))),
    )  # fmt: skip


def data_and_loss_faults():
    return (
        *(fault("unix_time", base, {"JF501"}, batch=changed(base.batch, with_date)) for base in (SELU, TABLE, KAN)),
        fault("raw_prices", FORECAST, {"JF501"}, batch=changed(FORECAST.batch, lambda x: 3e4 + 500 * x)),
        *(fault("scaled_twice", base, {"JF501", "JF201", "JF203"}, batch=changed(base.batch, lambda x: x / 255**2))
          for base in (FUN, SELU)),
        fault("targets_in_raw_units", SELU, {"JF502", "JF504"}, error=thousands_error,
              batch=changed(SELU.batch, targets=lambda y: 1e4 * y)),
        *(fault("sigmoid_before_cross_entropy", base, {"JF502"}, after(part, torch.sigmoid)) for base, part in
          ((STANDARD, "14"), (JOINED, "out"), (BATCHED, "9"))),
        *(fault("probabilities_into_nll", base, {"JF502"}, after(part, lambda o: o.softmax(-1)), loss_fn=F.nll_loss,
                error=probability_error) for base, part in ((STANDARD, "14"), (JOINED, "out"))),
        fault("log_softmax_over_batch", JOINED, {"JF502"}, after("out", lambda o: o.log_softmax(0)),
              loss_fn=F.nll_loss, error=batch_probability_error),
        *(fault("relu_on_the_output", base, {"JF502", "JF304"}, after(part, torch.relu)) for base, part in
          ((SELU, "6"), (KAN, "1"))),
        fault("signs_into_bce", TABLE, {"JF502"}, batch=changed(TABLE.batch, targets=lambda y: 2 * y - 1),
              error=sign_error),
        *(fault("loss_of_wrong_shapes", base, {"JF502"}, batch=changed(base.batch, targets=lambda y: y.reshape(1, -1)))
          for base in (SELU, KAN)),
    )  # fmt: skip


def gradient_faults():
    return (
        *(fault("no_grad_encoder", base, CUT, without_gradient, by_definition=True) for base in (BATCHED, STANDARD)),
        *(fault("through_numpy", base, CUT, after(part, through_numpy), by_definition=True) for base, part in
          ((STANDARD, "5"), (BATCHED, "3"), (SERIES, "first"))),
        fault("no_straight_through", BATCHED, CUT | {"JF304"}, after("5", hard_codes), by_definition=True),
        fault("branch_not_used", JOINED, {"JF503"}, build=joined(lambda y: y["a"] + y["a"]), by_definition=True),
        fault("sqrt_at_zero", JOINED, {"JF206"}, build=joined(lambda y: torch.sqrt(F.relu(y["a"])) + y["b"])),
        fault("distance_to_itself", BATCHED, {"JF206"},
              after("2", lambda h: h + torch.sqrt(((h - h) ** 2).sum(1, keepdim=True)))),
        fault("nothing_to_attend_to", WORDS, {"JF206"}, build=lambda: Tokens(StrictlyCausal)),
        fault("half_overflow", FUN, {"JF206"}, build=lambda: Functional(
            act=lambda x: F.relu((x * 3e4).half().float() / 3e4))),
        fault("log_of_probability", JOINED, {"JF206"}, after("out", lambda o: (2000 * o).softmax(-1).log()),
              loss_fn=F.nll_loss),
    )  # fmt: skip


def faults():
    """Every fresh fault, harmful or not; the benchmark measures which are."""
    every = weight_faults() + data_and_loss_faults() + gradient_faults()
    return tuple(dataclasses.replace(planted, fresh=True) for planted in every)
