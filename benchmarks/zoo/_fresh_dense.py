"""Fresh networks of dense layers: written with parameters, dictionaries, functions and own autograd."""

import itertools
import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn


class FunctionalRMS(nn.Module):
    """All weights in one ParameterDict, normalised by hand."""

    def __init__(self, sizes=(64, 80, 80, 10)):
        super().__init__()
        self.p = nn.ParameterDict()
        for i, (a, b) in enumerate(itertools.pairwise(sizes)):
            self.p[f"w{i}"] = nn.Parameter(torch.randn(a, b) * a**-0.5)
            self.p[f"b{i}"] = nn.Parameter(torch.zeros(b))
            self.p[f"g{i}"] = nn.Parameter(torch.ones(a))
        self.n = len(sizes) - 1

    def forward(self, x):
        for i in range(self.n):
            x = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.p[f"g{i}"]
            x = x @ self.p[f"w{i}"] + self.p[f"b{i}"]
            if i < self.n - 1:
                x = x * torch.sigmoid(1.702 * x)
        return x


class Branches(nn.Module):
    """A ModuleDict of branches with different activations, joined."""

    def __init__(self):
        super().__init__()
        self.branches = nn.ModuleDict({
            "relu": nn.Sequential(nn.Linear(64, 24), nn.ReLU(inplace=True)),
            "tanh": nn.Sequential(nn.Linear(64, 24), nn.Tanh()),
            "soft": nn.Sequential(nn.Linear(64, 24), nn.Softplus()),
            "mish": nn.Sequential(nn.Linear(64, 24), nn.Mish()),
        })  # fmt: skip
        self.joined = nn.ModuleDict({"norm": nn.LayerNorm(96), "out": nn.Linear(96, 10)})

    def forward(self, x):
        h = torch.cat([self.branches[k](x) for k in sorted(self.branches)], dim=-1)
        return self.joined["out"](self.joined["norm"](h))


class SwishFn(torch.autograd.Function):
    """Swish that keeps only its input."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x.sigmoid()

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        s = x.sigmoid()
        return grad * s * (1 + x * (1 - s))


class SignFn(torch.autograd.Function):
    """The sign, with the gradient of a clipped identity."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, grad):
        return grad * (ctx.saved_tensors[0].abs() <= 1)


class SwishNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(64, 96), nn.Linear(96, 48), nn.Linear(48, 10)

    def forward(self, x):
        return self.fc3(SwishFn.apply(self.fc2(SwishFn.apply(self.fc1(x)))))


class BinaryNet(nn.Module):
    """Binary hidden units behind batch normalisation."""

    def __init__(self, width=96):
        super().__init__()
        self.fc1, self.bn1 = nn.Linear(64, width, bias=False), nn.BatchNorm1d(width)
        self.fc2, self.bn2 = nn.Linear(width, width, bias=False), nn.BatchNorm1d(width)
        self.out = nn.Linear(width, 10)

    def forward(self, x):
        x = SignFn.apply(self.bn1(self.fc1(x)))
        x = SignFn.apply(self.bn2(self.fc2(x)))
        return self.out(x)


class FakeQuantLinear(nn.Linear):
    """Weights of 16 levels with the straight-through gradient."""

    def forward(self, x):
        scale = self.weight.abs().amax() / 7
        q = torch.clamp(torch.round(self.weight / scale), -8, 7) * scale
        return F.linear(x, self.weight + (q - self.weight).detach(), self.bias)


def quantised():
    return nn.Sequential(FakeQuantLinear(64, 64), nn.ReLU6(), FakeQuantLinear(64, 64), nn.ReLU6(), nn.Linear(64, 10))


class KANLayer(nn.Module):
    """Every edge its own function: a base and a sum of Gaussian bumps."""

    def __init__(self, n_in, n_out, grid=8, span=2.0):
        super().__init__()
        self.register_buffer("centres", torch.linspace(-span, span, grid))
        self.width = 2 * span / (grid - 1)
        self.coefficients = nn.Parameter(torch.randn(n_out, n_in, grid) * 0.1 / math.sqrt(n_in))
        self.base = nn.Parameter(torch.empty(n_out, n_in))
        nn.init.kaiming_uniform_(self.base, a=math.sqrt(5))

    def forward(self, x):
        bumps = torch.exp(-(((x[..., None] - self.centres) / self.width) ** 2))
        return torch.einsum("big,oig->bo", bumps, self.coefficients) + F.linear(F.silu(x), self.base)


class Hopfield(nn.Module):
    """Stored patterns that the state falls into: two steps of dense associative memory."""

    def __init__(self, patterns=32, dim=48):
        super().__init__()
        self.embed = nn.Linear(64, dim)
        self.patterns = nn.Parameter(torch.randn(patterns, dim) * 0.2)
        self.beta = 1 / math.sqrt(dim)
        self.readout = nn.Linear(2 * dim, 10)

    def forward(self, x):
        state = start = F.layer_norm(self.embed(x), (self.patterns.shape[1],))
        for _ in range(2):
            state = torch.softmax(self.beta * state @ self.patterns.T, -1) @ self.patterns + start
        return self.readout(torch.cat([start, state], -1))


class TopKMoE(nn.Module):
    """Two of six experts for each example; the second output balances their load."""

    def __init__(self, dim=48, n=6, k=2):
        super().__init__()
        self.inp = nn.Linear(64, dim)
        self.gate = nn.Linear(dim, n, bias=False)
        self.w1 = nn.Parameter(torch.randn(n, dim, 64) / math.sqrt(dim))
        self.w2 = nn.Parameter(torch.randn(n, 64, dim) / math.sqrt(64))
        self.k, self.n, self.norm, self.out = k, n, nn.LayerNorm(dim), nn.Linear(dim, 10)

    def forward(self, x):
        h = self.inp(x)
        probabilities = F.softmax(self.gate(h), dim=-1)
        top, index = probabilities.topk(self.k, dim=-1)
        top = top / top.sum(-1, keepdim=True)
        mixed = torch.zeros_like(h)
        for e in range(self.n):
            row, slot = torch.where(index == e)
            y = F.gelu(h[row] @ self.w1[e]) @ self.w2[e]
            mixed.index_add_(0, row, y * top[row, slot, None])
        load = F.one_hot(index[:, 0], self.n).float().mean(0)
        return self.out(self.norm(h + mixed)), self.n * (load * probabilities.mean(0)).sum()


class NeuralODE(nn.Module):
    """Euler steps with one vector field; the plane gets two more dimensions."""

    def __init__(self, width=32, steps=12, dt=0.15):
        super().__init__()
        self.field = nn.Sequential(nn.Linear(5, width), nn.Tanh(), nn.Linear(width, 4))
        self.steps, self.dt, self.head = steps, dt, nn.Linear(4, 2)

    def forward(self, x):
        z = F.pad(x, (0, 2))
        for i in range(self.steps):
            t = z.new_full((z.size(0), 1), i * self.dt)
            z = z + self.dt * self.field(torch.cat([z, t], 1))
        return self.head(z)


class Equilibrium(nn.Module):
    """A deep equilibrium, unrolled: one layer with the input injected again at each step."""

    def __init__(self, width=64, iterations=10):
        super().__init__()
        self.inject, self.cell, self.norm = nn.Linear(64, width), nn.Linear(width, width), nn.LayerNorm(width)
        self.out, self.iterations = nn.Linear(width, 10), iterations

    def forward(self, x):
        u = self.inject(x)
        z = torch.zeros_like(u)
        for _ in range(self.iterations):
            z = 0.5 * z + 0.5 * torch.tanh(self.norm(self.cell(z) + u))
        return self.out(z)


class TabularResNet(nn.Module):
    def __init__(self, d_in, d_out, d=48, n=3):
        super().__init__()
        self.first = nn.Linear(d_in, d)
        self.blocks = nn.ModuleList(
            nn.ModuleDict({"bn": nn.BatchNorm1d(d), "up": nn.Linear(d, 2 * d), "down": nn.Linear(2 * d, d)})
            for _ in range(n)
        )
        self.tail, self.head = nn.BatchNorm1d(d), nn.Linear(d, d_out)

    def forward(self, x):
        x = self.first(x)
        for b in self.blocks:
            y = F.dropout(F.relu(b["up"](b["bn"](x))), 0.1, self.training)
            x = x + F.dropout(b["down"](y), 0.1, self.training)
        return self.head(F.relu(self.tail(x)))


class CrossNet(nn.Module):
    """Deep and cross network, second version, in parallel."""

    def __init__(self, d=13, layers=3):
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(12, 6) for _ in range(3))
        n = 18 + 5
        self.cross = nn.ModuleList(nn.Linear(n, n) for _ in range(layers))
        self.deep = nn.Sequential(nn.Linear(n, 32), nn.ReLU(), nn.Linear(32, d), nn.ReLU())
        self.out = nn.Linear(n + d, 1)

    def forward(self, categories, numbers):
        x0 = torch.cat([t(categories[:, i]) for i, t in enumerate(self.tables)] + [numbers], -1)
        x = x0
        for layer in self.cross:
            x = x0 * layer(x) + x
        return self.out(torch.cat([x, self.deep(x0)], -1))


class GatedResidual(nn.Module):
    """The gated residual network of temporal fusion transformers."""

    def __init__(self, d):
        super().__init__()
        self.a, self.b, self.gate, self.norm = nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, 2 * d), nn.LayerNorm(d)

    def forward(self, x):
        return self.norm(x + F.glu(self.gate(self.b(F.elu(self.a(x)))), -1))


class VariableSelection(nn.Module):
    """Each column has its own network; a softmax chooses among the columns."""

    def __init__(self, columns=8, d=16):
        super().__init__()
        self.embed = nn.ModuleList(nn.Linear(1, d) for _ in range(columns))
        self.nets = nn.ModuleList(GatedResidual(d) for _ in range(columns))
        self.select = nn.Linear(columns * d, columns)
        self.final, self.out = GatedResidual(d), nn.Linear(d, 1)

    def forward(self, x):
        e = [m(x[:, i : i + 1]) for i, m in enumerate(self.embed)]
        w = torch.softmax(self.select(torch.cat(e, -1)), -1)
        v = torch.stack([net(h) for net, h in zip(self.nets, e, strict=True)], -1)
        return self.out(self.final((v * w[:, None, :]).sum(-1) * 8**0.5))


class Trunk(nn.Module):
    """A small trunk with several named heads: a dictionary of outputs."""

    def __init__(self, d_in, heads, width=48, act=F.relu):
        super().__init__()
        self.l1, self.l2 = nn.Linear(d_in, width), nn.Linear(width, width)
        self.heads = nn.ModuleDict({k: nn.Linear(width, n) for k, n in heads.items()})
        self.act = act

    def forward(self, x):
        h = self.act(self.l2(self.act(self.l1(x))))
        return {k: head(h) for k, head in self.heads.items()}


class UncertainTasks(Trunk):
    """Three tasks weighed by learned variances."""

    def __init__(self):
        super().__init__(64, {"digit": 10, "parity": 1, "ink": 1}, 64)
        self.log_variance = nn.Parameter(torch.zeros(3))

    def forward(self, x):
        return {**super().forward(x), "log_variance": self.log_variance}


class Ordinal(nn.Module):
    """One score against ordered thresholds."""

    def __init__(self, grades=5):
        super().__init__()
        self.score = nn.Sequential(nn.Linear(8, 48), nn.SELU(), nn.Linear(48, 48), nn.SELU(), nn.Linear(48, 1))
        self.first = nn.Parameter(torch.tensor(-1.0))
        self.gaps = nn.Parameter(torch.zeros(grades - 2))

    def forward(self, x):
        thresholds = self.first + F.pad(F.softplus(self.gaps).cumsum(0), (1, 0))
        return self.score(x) - thresholds


class Quantiles(nn.Module):
    """Three quantiles that cannot cross."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 48), nn.LeakyReLU(0.1), nn.Linear(48, 48), nn.LeakyReLU(0.1))
        self.middle, self.gaps = nn.Linear(48, 1), nn.Linear(48, 2)

    def forward(self, x):
        h = self.body(x)
        m, g = self.middle(h), F.softplus(self.gaps(h))
        return torch.cat([m - g[:, :1], m, m + g[:, 1:]], 1)


class Hamiltonian(nn.Module):
    """The energy's gradient, turned by a right angle, is the output."""

    def __init__(self):
        super().__init__()
        self.energy = nn.Sequential(nn.Linear(2, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1))

    def forward(self, state):
        with torch.enable_grad():
            state = state.detach().requires_grad_()
            (g,) = torch.autograd.grad(self.energy(state).sum(), state, create_graph=True)
        return torch.stack([g[:, 1], -g[:, 0]], 1)


class SoftTree(nn.Module):
    """A soft decision tree of depth four: a sigmoid at every node, class scores in the leaves."""

    def __init__(self, depth=4):
        super().__init__()
        self.depth, self.nodes = depth, nn.Linear(64, 2**depth - 1)
        self.leaves = nn.Parameter(torch.randn(2**depth, 10) * 0.5)

    def forward(self, x):
        right = torch.sigmoid(self.nodes(x))
        reach = torch.ones(len(x), 1)
        for level in range(self.depth):
            p = right[:, 2**level - 1 : 2 ** (level + 1) - 1]
            reach = torch.stack([reach * (1 - p), reach * p], -1).flatten(1)
        return reach @ self.leaves


class BayesLinear(nn.Module):
    """Weights drawn anew at each pass."""

    def __init__(self, a, b):
        super().__init__()
        self.mu, self.rho = nn.Parameter(torch.randn(b, a) / math.sqrt(a)), nn.Parameter(torch.full((b, a), -5.0))
        self.bias = nn.Parameter(torch.zeros(b))

    def forward(self, x):
        return F.linear(x, self.mu + F.softplus(self.rho) * torch.randn_like(self.mu), self.bias)
