"""Recurrent networks and others that read sequences without attention."""

import math

import torch
from torch import nn
from torch.nn import functional

from zoo import _data
from zoo._case import Case

FAMILY = "sequence"
LN10 = math.log(10)


class Reader(nn.Module):
    """A recurrent layer and a classifier of its last state."""

    def __init__(self, kind, num_layers=1, bidirectional=False, width=48):
        super().__init__()
        self.memory = kind(8, width, num_layers, batch_first=True, bidirectional=bidirectional)
        self.last = nn.Linear(width * (1 + bidirectional), 10)

    def forward(self, x):
        return self.last(self.memory(x)[0][:, -1])


class BothEnds(Reader):
    """The final states of both directions."""

    def forward(self, x):
        _, (hidden, _) = self.memory(x)
        return self.last(torch.cat([hidden[-2], hidden[-1]], 1))


class Unrolled(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.cell, self.last = nn.LSTMCell(8, width), nn.Linear(width, 10)

    def forward(self, x):
        state = None
        for step in x.unbind(1):
            state = self.cell(step, state)
        return self.last(state[0])


class HandMadeRNN(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.inward, self.recurrent, self.last = nn.Linear(8, width), nn.Linear(width, width), nn.Linear(width, 10)
        nn.init.orthogonal_(self.recurrent.weight)

    def forward(self, x):
        hidden = x.new_zeros(len(x), self.recurrent.in_features)
        for step in x.unbind(1):
            hidden = torch.tanh(self.inward(step) + self.recurrent(hidden))
        return self.last(hidden)


class LanguageLSTM(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.embedding = nn.Embedding(_data.VOCABULARY, width)
        self.memory = nn.LSTM(width, width, 2, batch_first=True)
        self.last = nn.Linear(width, _data.VOCABULARY)

    def forward(self, x):
        return self.last(self.memory(self.embedding(x))[0])


class Causal(nn.Conv1d):
    def __init__(self, fan_in, fan_out, dilation=1, kernel=2):
        super().__init__(fan_in, fan_out, kernel, dilation=dilation)

    def forward(self, x):
        return super().forward(functional.pad(x, ((self.kernel_size[0] - 1) * self.dilation[0], 0)))


class TCN(nn.Module):
    def __init__(self, width=24, depth=4):
        super().__init__()
        self.first = nn.Conv1d(1, width, 1)
        self.blocks = nn.ModuleList(
            nn.Sequential(Causal(width, width, 2**k, 3), nn.ReLU(), Causal(width, width, 2**k, 3), nn.ReLU())
            for k in range(depth)
        )
        self.last = nn.Conv1d(width, 1, 1)

    def forward(self, x):
        x = self.first(x)
        for block in self.blocks:
            x = torch.relu(x + block(x))
        return self.last(x)


class WaveNet(nn.Module):
    def __init__(self, width=24, depth=5):
        super().__init__()
        self.first = nn.Conv1d(1, width, 1)
        self.values = nn.ModuleList(Causal(width, width, 2**k) for k in range(depth))
        self.gates = nn.ModuleList(Causal(width, width, 2**k) for k in range(depth))
        self.mixes = nn.ModuleList(nn.Conv1d(width, width, 1) for _ in range(depth))
        self.last = nn.Sequential(nn.ReLU(), nn.Conv1d(width, width, 1), nn.ReLU(), nn.Conv1d(width, 1, 1))

    def forward(self, x):
        x, skips = self.first(x), 0
        for value, gate, mix in zip(self.values, self.gates, self.mixes, strict=True):
            hidden = mix(torch.tanh(value(x)) * torch.sigmoid(gate(x)))
            x, skips = x + hidden, skips + hidden
        return self.last(skips)


class Diagonal(nn.Module):
    """Diagonal linear state space with a gated output, run as a convolution."""

    def __init__(self, width=24, states=8):
        super().__init__()
        self.log_decay = nn.Parameter(torch.log(torch.linspace(0.05, 0.9, states)).repeat(width, 1))
        self.angle = nn.Parameter(math.pi * torch.rand(width, states))
        self.mixture = nn.Parameter(torch.randn(width, states) / math.sqrt(states))
        self.through, self.output = nn.Parameter(torch.ones(width)), nn.Linear(width, 2 * width)

    def forward(self, x):
        steps = torch.arange(x.shape[1])
        decay = torch.exp(-torch.exp(self.log_decay)[..., None] * steps)
        kernel = (self.mixture[..., None] * decay * torch.cos(self.angle[..., None] * steps)).sum(1)
        length = 2 * x.shape[1]
        spectrum = torch.fft.rfft(x.transpose(1, 2), length) * torch.fft.rfft(kernel, length)
        hidden = torch.fft.irfft(spectrum, length)[..., : x.shape[1]].transpose(1, 2) + self.through * x
        return functional.glu(self.output(functional.gelu(hidden)))


class StateSpace(nn.Module):
    def __init__(self, width=24, depth=3):
        super().__init__()
        self.first, self.last = nn.Linear(1, width), nn.Linear(width, 1)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(depth))
        self.layers = nn.ModuleList(Diagonal(width) for _ in range(depth))

    def forward(self, x):
        x = self.first(x.transpose(1, 2))
        for norm, layer in zip(self.norms, self.layers, strict=True):
            x = x + layer(norm(x))
        return self.last(x).transpose(1, 2)


class TextCNN(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.embedding = nn.Embedding(_data.VOCABULARY, width)
        self.paths = nn.ModuleList(nn.Conv1d(width, 16, kernel) for kernel in (2, 3, 4))
        self.last = nn.Linear(48, 4)

    def forward(self, x):
        x = self.embedding(x).transpose(1, 2)
        return self.last(torch.cat([torch.relu(path(x)).amax(-1) for path in self.paths], 1))


class BagOfWords(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.embedding, self.last = nn.EmbeddingBag(_data.VOCABULARY, width), nn.Linear(width, 4)

    def forward(self, x):
        return self.last(self.embedding(x))


def sequence_loss(output, targets):
    return functional.cross_entropy(output.flatten(0, 1), targets.flatten())


def reader(name, build, **more):
    return Case(name, FAMILY, build, _data.digit_sequences, functional.cross_entropy, LN10, **more)


def wave(name, build, **more):
    return Case(name, FAMILY, build, _data.waves, functional.mse_loss, 1.0, **more)


def text(name, build, **more):
    return Case(name, FAMILY, build, _data.topics, functional.cross_entropy, math.log(4), **more)


CASES = (
    reader("lstm", lambda: Reader(nn.LSTM)),
    reader("lstm_2_layers", lambda: Reader(nn.LSTM, 2)),
    reader("gru", lambda: Reader(nn.GRU)),
    reader("gru_2_layers", lambda: Reader(nn.GRU, 2)),
    reader("rnn_tanh", lambda: Reader(nn.RNN)),
    reader("lstm_bidirectional", lambda: BothEnds(nn.LSTM, bidirectional=True)),
    reader("lstm_cell_unrolled", Unrolled),
    reader("rnn_hand_made", HandMadeRNN),
    Case("lstm_language", FAMILY, LanguageLSTM, _data.tokens, sequence_loss, math.log(32), steps=100,
         recipes=(("adam", 1e-2), ("adam", 3e-3))),
    wave("tcn", TCN),
    wave("wavenet", WaveNet),
    wave("state_space", StateSpace),
    text("text_cnn", TextCNN),
    text("bag_of_words", BagOfWords, recipes=(("adam", 3e-2), ("adam", 1e-2))),
)  # fmt: skip
