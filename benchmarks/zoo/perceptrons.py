"""Multilayer perceptrons, and what is made of linear layers alone."""

import math

import torch
from torch import nn
from torch.nn import functional

from zoo import _data
from zoo._case import Case

LN10 = math.log(10)
FAMILY = "perceptron"


def initialised(module, init):
    """Apply `init` to every weight matrix and zero the biases."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            init(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return module


def mlp(depth, activation, width=64, num_inputs=64, num_outputs=10, norm=None):
    layers, fan_in = [], num_inputs
    for _ in range(depth - 1):
        layers += [nn.Linear(fan_in, width), *([norm(width)] if norm else []), activation()]
        fan_in = width
    return nn.Sequential(*layers, nn.Linear(fan_in, num_outputs))


def he(weight):
    nn.init.kaiming_normal_(weight, nonlinearity="relu")


class Highway(nn.Module):
    def __init__(self, depth=8, width=48):
        super().__init__()
        self.first = nn.Linear(64, width)
        self.changes = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.gates = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        for gate in self.gates:
            nn.init.constant_(gate.bias, -2.0)
        self.last = nn.Linear(width, 10)

    def forward(self, x):
        x = self.first(x)
        for change, gate in zip(self.changes, self.gates, strict=True):
            openness = torch.sigmoid(gate(x))
            x = openness * torch.relu(change(x)) + (1 - openness) * x
        return self.last(x)


class ReZero(nn.Module):
    def __init__(self, depth=12, width=48):
        super().__init__()
        self.first = nn.Linear(64, width)
        self.branches = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.scales = nn.Parameter(torch.zeros(depth))
        self.last = nn.Linear(width, 10)

    def forward(self, x):
        x = self.first(x)
        for scale, branch in zip(self.scales, self.branches, strict=True):
            x = x + scale * torch.relu(branch(x))
        return self.last(x)


class ResidualMLP(nn.Module):
    def __init__(self, depth=6, width=48, norm=True, num_inputs=64, num_outputs=10):
        super().__init__()
        self.first = nn.Linear(num_inputs, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(width) if norm else nn.Identity(),
                nn.Linear(width, 2 * width),
                nn.ReLU(),
                nn.Linear(2 * width, width),
            )
            for _ in range(depth)
        )
        self.last = nn.Linear(width, num_outputs)

    def forward(self, x):
        x = self.first(x)
        for block in self.blocks:
            x = x + block(x)
        return self.last(x)


class GatedUnit(nn.Module):
    def __init__(self, num_inputs, width):
        super().__init__()
        self.value, self.gate = nn.Linear(num_inputs, width), nn.Linear(num_inputs, width)

    def forward(self, x):
        return self.value(x) * functional.silu(self.gate(x))


class Sine(nn.Module):
    def __init__(self, num_inputs, num_outputs, first=False, frequency=10.0):
        super().__init__()
        self.linear, self.frequency = nn.Linear(num_inputs, num_outputs), frequency
        bound = 1 / num_inputs if first else math.sqrt(6 / num_inputs) / frequency
        nn.init.uniform_(self.linear.weight, -bound, bound)

    def forward(self, x):
        return torch.sin(self.frequency * self.linear(x))


def siren():
    last = nn.Linear(64, 1)
    nn.init.uniform_(last.weight, -math.sqrt(6 / 64) / 10, math.sqrt(6 / 64) / 10)
    return nn.Sequential(Sine(2, 64, first=True), Sine(64, 64), Sine(64, 64), last)


class Nerf(nn.Module):
    """Fourier features, a concatenated skip in the middle, a sigmoid nowhere."""

    def __init__(self, width=64):
        super().__init__()
        self.before = nn.ModuleList([nn.Linear(18, width), nn.Linear(width, width), nn.Linear(width, width)])
        self.after = nn.ModuleList([nn.Linear(width + 18, width), nn.Linear(width, width)])
        self.last = nn.Linear(width, 1)

    def forward(self, x):
        waves = [function(2**k * math.pi * x / 2) for k in range(4) for function in (torch.sin, torch.cos)]
        encoded = torch.cat([x, *waves], -1)
        hidden = encoded
        for layer in self.before:
            hidden = torch.relu(layer(hidden))
        hidden = torch.cat([hidden, encoded], -1)
        for layer in self.after:
            hidden = torch.relu(layer(hidden))
        return self.last(hidden)


class LoRA(nn.Module):
    """Frozen layers with trainable updates of low rank; the second factor starts at zero."""

    def __init__(self, rank=4, width=64):
        super().__init__()
        self.frozen = nn.ModuleList([nn.Linear(64, width), nn.Linear(width, width)])
        self.frozen.requires_grad_(False)
        self.down = nn.ParameterList(nn.Parameter(torch.randn(rank, 64) / 8) for _ in self.frozen)
        self.up = nn.ParameterList(nn.Parameter(torch.zeros(width, rank)) for _ in self.frozen)
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        for base, down, up in zip(self.frozen, self.down, self.up, strict=True):
            x = torch.relu(base(x) + functional.linear(functional.linear(x, down), up))
        return self.head(x)


class Hyper(nn.Module):
    """The weights of the second layer are made from the input's first part."""

    def __init__(self, width=16):
        super().__init__()
        self.width = width
        self.encoder = nn.Sequential(nn.Linear(64, 32), nn.ReLU())
        self.maker = nn.Linear(32, width * width)
        nn.init.normal_(self.maker.weight, std=0.02)
        nn.init.normal_(self.maker.bias, std=1 / math.sqrt(width))
        self.first, self.last = nn.Linear(64, width), nn.Linear(width, 10)

    def forward(self, x):
        weight = self.maker(self.encoder(x)).view(-1, self.width, self.width)
        hidden = torch.relu(self.first(x))
        return self.last(torch.relu(torch.einsum("boi,bi->bo", weight, hidden)))


class Experts(nn.Module):
    """The best of eight experts for each example; some get none."""

    def __init__(self, num_experts=8, width=32):
        super().__init__()
        self.router = nn.Linear(64, num_experts)
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10)) for _ in range(num_experts)
        )

    def forward(self, x):
        weight, choice = torch.softmax(self.router(x), -1).max(-1)
        output = x.new_zeros(len(x), 10)
        for number, expert in enumerate(self.experts):
            chosen = torch.nonzero(choice == number)[:, 0]
            if len(chosen):
                output = output.index_add(0, chosen, expert(x[chosen]) * weight[chosen, None] * 4)
        return output


def digits_case(name, build, batch=_data.rows, **more):
    return Case(name, FAMILY, build, batch, functional.cross_entropy, LN10, **more)


def regression_case(name, build, batch, uninformed, **more):
    return Case(name, FAMILY, build, batch, functional.mse_loss, uninformed, **more)


def mixer_of_units():
    return nn.Sequential(GatedUnit(64, 48), GatedUnit(48, 48), nn.Linear(48, 10))


def batch_norm_wide():
    return mlp(3, nn.ReLU, width=128, norm=nn.BatchNorm1d)


def small_head(module):
    with torch.no_grad():
        module[-1].weight.mul_(0.1)
    return module


def orthogonal(weight):
    nn.init.orthogonal_(weight, gain=math.sqrt(2))


def lecun(weight):
    nn.init.kaiming_normal_(weight, nonlinearity="linear")


def dropout_mlp():
    return nn.Sequential(
        nn.Linear(64, 128),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Linear(128, 64),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Linear(64, 10),
    )


CASES = (
    digits_case("mlp2_relu", lambda: mlp(2, nn.ReLU)),
    digits_case("mlp3_relu", lambda: mlp(3, nn.ReLU)),
    digits_case("mlp4_relu_default", lambda: mlp(4, nn.ReLU)),
    digits_case("mlp3_relu_wide", lambda: mlp(3, nn.ReLU, width=128)),
    digits_case("mlp3_relu_narrow", lambda: mlp(3, nn.ReLU, width=16)),
    digits_case("mlp3_gelu", lambda: mlp(3, nn.GELU)),
    digits_case("mlp3_silu", lambda: mlp(3, nn.SiLU)),
    digits_case("mlp4_leaky", lambda: mlp(4, nn.LeakyReLU)),
    digits_case("mlp3_elu", lambda: mlp(3, nn.ELU)),
    digits_case("mlp4_tanh_default", lambda: mlp(4, nn.Tanh)),
    digits_case("mlp6_tanh_xavier", lambda: initialised(mlp(6, nn.Tanh), nn.init.xavier_uniform_)),
    digits_case("mlp2_sigmoid", lambda: mlp(2, nn.Sigmoid)),
    digits_case("mlp3_sigmoid_xavier", lambda: initialised(mlp(3, nn.Sigmoid), nn.init.xavier_normal_), steps=100),
    digits_case("mlp6_relu_he", lambda: initialised(mlp(6, nn.ReLU), he)),
    digits_case("mlp6_relu_he_head_small", lambda: small_head(initialised(mlp(6, nn.ReLU), he))),
    digits_case("mlp6_relu_orthogonal", lambda: initialised(mlp(6, nn.ReLU), orthogonal)),
    digits_case("mlp8_selu_lecun", lambda: initialised(mlp(8, nn.SELU), lecun)),
    digits_case("mlp10_relu_batch_norm", lambda: mlp(10, nn.ReLU, norm=nn.BatchNorm1d)),
    digits_case("mlp3_relu_batch_norm_wide", batch_norm_wide),
    digits_case("mlp8_gelu_layer_norm", lambda: mlp(8, nn.GELU, norm=nn.LayerNorm)),
    digits_case("mlp3_dropout", dropout_mlp),
    digits_case("mlp3_relu_pixels", lambda: mlp(3, nn.ReLU), _data.pixels),
    digits_case("logistic_digits", lambda: nn.Linear(64, 10)),
    digits_case("highway", Highway),
    digits_case("rezero", ReZero),
    digits_case("residual_mlp_layer_norm", ResidualMLP),
    digits_case("residual_mlp_plain", lambda: ResidualMLP(depth=4, norm=False)),
    digits_case("swiglu_mlp", mixer_of_units),
    digits_case("lora", LoRA),
    digits_case("hypernetwork", Hyper),
    digits_case("mixture_of_experts", Experts),
    Case(
        "logistic_binary",
        FAMILY,
        lambda: nn.Linear(30, 1),
        _data.binary,
        functional.binary_cross_entropy_with_logits,
        math.log(2),
    ),
    Case(
        "mlp_binary",
        FAMILY,
        lambda: mlp(3, nn.ReLU, 32, 30, 1),
        _data.binary,
        functional.binary_cross_entropy_with_logits,
        math.log(2),
    ),
    Case(
        "mlp_binary_sigmoid_bce",
        FAMILY,
        lambda: nn.Sequential(mlp(3, nn.ReLU, 32, 30, 1), nn.Sigmoid()),
        _data.binary,
        functional.binary_cross_entropy,
        math.log(2),
    ),
    Case(
        "mlp_nll_log_softmax",
        FAMILY,
        lambda: nn.Sequential(mlp(3, nn.ReLU), nn.LogSoftmax(-1)),
        _data.rows,
        functional.nll_loss,
        LN10,
    ),
    Case("wine_classes", FAMILY, lambda: mlp(3, nn.ReLU, 32, 13, 3), _data.wine, functional.cross_entropy, 1.09),
    regression_case("regression_diabetes", lambda: mlp(3, nn.ReLU, 32, 10, 1), _data.diabetes, 1.0),
    regression_case("regression_smooth_relu", lambda: mlp(4, nn.ReLU, 64, 8, 1), _data.smooth, 1.0),
    regression_case("regression_smooth_tanh", lambda: mlp(3, nn.Tanh, 64, 8, 1), _data.smooth, 1.0),
    regression_case(
        "linear_regression", lambda: nn.Linear(8, 1), _data.smooth, 1.0, recipes=(("adam", 3e-2), ("sgd", 0.05))
    ),
    regression_case("siren", siren, _data.coordinates, 0.5, recipes=(("adam", 1e-3), ("adam", 3e-4))),
    regression_case("nerf", Nerf, _data.coordinates, 0.5),
)
