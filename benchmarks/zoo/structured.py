"""Networks with several inputs or outputs, tables of embeddings, sets, graphs, and those of reinforcement learning."""

import math

import torch
from torch import nn
from torch.nn import functional

from zoo import _data
from zoo._case import Batch, Case
from zoo.perceptrons import mlp

FAMILY = "structured"


class PointNet(nn.Module):
    def __init__(self, width=48, norm=True):
        super().__init__()
        maybe = [nn.BatchNorm1d(width)] if norm else []
        self.points = nn.Sequential(nn.Conv1d(3, width, 1), *maybe, nn.ReLU(), nn.Conv1d(width, width, 1), nn.ReLU())
        self.head = mlp(2, nn.ReLU, 32, width, 3)

    def forward(self, x):
        return self.head(self.points(x.transpose(1, 2)).amax(-1))


class DeepSets(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.points, self.head = mlp(3, nn.ReLU, width, 3, width), mlp(2, nn.ReLU, width, width, 3)

    def forward(self, x):
        return self.head(self.points(x).mean(1))


class GCN(nn.Module):
    """Weights as plain parameters, a dense adjacency."""

    def __init__(self, width=32):
        super().__init__()
        self.first, self.second = nn.Parameter(torch.empty(16, width)), nn.Parameter(torch.empty(width, 4))
        nn.init.xavier_uniform_(self.first)
        nn.init.xavier_uniform_(self.second)

    def forward(self, features, adjacency):
        return adjacency @ torch.relu(adjacency @ features @ self.first) @ self.second


class MessagePassing(nn.Module):
    def __init__(self, width=32, depth=3):
        super().__init__()
        self.first = nn.Linear(16, width)
        self.own, self.other = (nn.ModuleList(nn.Linear(width, width) for _ in range(depth)) for _ in range(2))
        self.last = nn.Linear(width, 4)

    def forward(self, features, adjacency):
        hidden = torch.relu(self.first(features))
        for own, other in zip(self.own, self.other, strict=True):
            hidden = hidden + torch.relu(own(hidden) + adjacency @ other(hidden))
        return self.last(hidden)


class WideAndDeep(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.wide = nn.ModuleList(nn.Embedding(12, 1) for _ in range(3))
        self.deep = nn.ModuleList(nn.Embedding(12, width) for _ in range(3))
        self.mlp = mlp(3, nn.ReLU, 32, 3 * width + 5, 1)

    def forward(self, categories, numbers):
        columns = categories.unbind(1)
        wide = sum(table(column) for table, column in zip(self.wide, columns, strict=True))
        deep = [table(column) for table, column in zip(self.deep, columns, strict=True)]
        return wide + self.mlp(torch.cat([*deep, numbers], 1))


class DLRM(nn.Module):
    """Embeddings and numbers meet in inner products."""

    def __init__(self, width=8):
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(12, width) for _ in range(3))
        for table in self.tables:
            nn.init.uniform_(table.weight, -1 / math.sqrt(12), 1 / math.sqrt(12))
        self.bottom, self.top = mlp(2, nn.ReLU, 32, 5, width), mlp(3, nn.ReLU, 32, 6 + width, 1)

    def forward(self, categories, numbers):
        dense = self.bottom(numbers)
        parts = torch.stack([dense, *(t(c) for t, c in zip(self.tables, categories.unbind(1), strict=True))], 1)
        row, column = torch.triu_indices(4, 4, 1)
        return self.top(torch.cat([dense, (parts @ parts.transpose(1, 2))[:, row, column]], 1))


class TwoTower(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.users = nn.Sequential(nn.Embedding(24, width), nn.Linear(width, 32), nn.ReLU(), nn.Linear(32, width))
        self.items = nn.Sequential(nn.Embedding(24, width), nn.Linear(width, 32), nn.ReLU(), nn.Linear(32, width))

    def forward(self, users, items):
        return (self.users(users) * self.items(items)).sum(-1, keepdim=True)


class Factors(nn.Module):
    def __init__(self, width=6):
        super().__init__()
        self.users, self.items = nn.Embedding(24, width), nn.Embedding(24, width)
        for table in (self.users, self.items):
            nn.init.normal_(table.weight, std=0.3)

    def forward(self, users, items):
        return (self.users(users) * self.items(items)).sum(-1, keepdim=True)


class Siamese(nn.Module):
    """One encoder for both inputs."""

    def __init__(self, width=64):
        super().__init__()
        self.encoder, self.head = mlp(3, nn.ReLU, width, 64, 32), mlp(2, nn.ReLU, 32, 32, 1)

    def forward(self, first, second):
        return self.head((self.encoder(first) - self.encoder(second)).abs())[:, 0]


class ActorCritic(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(4, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh())
        self.actor, self.critic = nn.Linear(width, 2), nn.Linear(width, 1)
        nn.init.orthogonal_(self.actor.weight, gain=0.01)

    def forward(self, states):
        hidden = self.trunk(states)
        return {"policy": self.actor(hidden), "value": self.critic(hidden)}


class Dueling(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.trunk = mlp(2, nn.ReLU, width, 4, width)
        self.value, self.advantage = nn.Linear(width, 1), nn.Linear(width, 2)

    def forward(self, states):
        hidden = torch.relu(self.trunk(states))
        advantage = self.advantage(hidden)
        return self.value(hidden) + advantage - advantage.mean(-1, keepdim=True)


class TwoTasks(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.digit, self.parity = nn.Linear(width, 10), nn.Linear(width, 1)

    def forward(self, x):
        hidden = self.trunk(x)
        return self.digit(hidden), self.parity(hidden)


class Keywords(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.embedding, self.numbers, self.head = nn.Embedding(36, width), nn.Linear(5, width), nn.Linear(width, 1)

    def forward(self, *, categories, numbers=None):
        shifted = categories + torch.arange(0, 36, 12)
        hidden = self.embedding(shifted).sum(1) / math.sqrt(3)
        return self.head(torch.relu(hidden + self.numbers(numbers)))


class Ensemble(nn.Module):
    """Four small networks at once, their weights in one tensor each."""

    def __init__(self, members=4, width=32):
        super().__init__()
        self.first = nn.Parameter(torch.randn(members, 64, width) * math.sqrt(2 / 64))
        self.second = nn.Parameter(torch.randn(members, width, 10) * math.sqrt(1 / width))

    def forward(self, x):
        hidden = torch.relu(torch.einsum("bi,kio->kbo", x, self.first))
        return torch.einsum("kbi,kio->kbo", hidden, self.second).mean(0)


def by_keywords(seed):
    batch = _data.clicks(seed)
    return Batch((), batch.targets, {"categories": batch.inputs[0], "numbers": batch.inputs[1]})


def q_loss(output, targets):
    actions, returns = targets
    return functional.smooth_l1_loss(output.gather(1, actions[:, None])[:, 0], returns)


def actor_critic_loss(output, targets):
    actions, returns = targets
    advantage = returns - output["value"][:, 0].detach()
    chosen = torch.log_softmax(output["policy"], -1).gather(1, actions[:, None])[:, 0]
    return functional.mse_loss(output["value"][:, 0], returns) - 0.05 * (chosen * advantage).mean()


def values_only(seed):
    """The return follows from the state, so the critic can learn it."""
    states = _data.transitions(seed).inputs[0]
    returns = states[:, 0] + torch.sin(states[:, 1])
    return Batch((states,), ((states[:, 2] > 0).long(), returns))


def two_tasks_loss(output, targets):
    digit, parity = output
    odd = (targets % 2).float()[:, None]
    return functional.cross_entropy(digit, targets) + functional.binary_cross_entropy_with_logits(parity, odd)


def case(name, build, batch, loss_fn, uninformed, **more):
    return Case(name, FAMILY, build, batch, loss_fn, uninformed, **more)


BCE, CE, MSE = functional.binary_cross_entropy_with_logits, functional.cross_entropy, functional.mse_loss
FAST = (("adam", 1e-2), ("adam", 3e-3), ("adam", 3e-2))
CASES = (
    case("pointnet", PointNet, _data.clouds, CE, math.log(3)),
    case("pointnet_plain", lambda: PointNet(norm=False), _data.clouds, CE, math.log(3)),
    case("deep_sets", DeepSets, _data.clouds, CE, math.log(3)),
    case("gcn_dense", GCN, _data.graph, CE, math.log(4), recipes=FAST),
    case("gnn_message_passing", MessagePassing, _data.graph, CE, math.log(4)),
    case("wide_and_deep", WideAndDeep, _data.clicks, BCE, math.log(2), recipes=FAST),
    case("dlrm", DLRM, _data.clicks, BCE, math.log(2), recipes=FAST),
    case("keyword_inputs", Keywords, by_keywords, BCE, math.log(2), recipes=FAST),
    case("two_tower", TwoTower, _data.users_and_items, MSE, 1.0, recipes=FAST, steps=150),
    case("matrix_factors", Factors, _data.users_and_items, MSE, 1.0, recipes=(("adam", 3e-2),), steps=200),
    case("siamese", Siamese, _data.pairs_of_digits, BCE, math.log(2), steps=150),
    case("dqn", lambda: mlp(3, nn.ReLU, 48, 4, 2), _data.transitions, q_loss, 0.64),
    case("dqn_dueling", Dueling, _data.transitions, q_loss, 0.64),
    case("actor_critic", ActorCritic, values_only, actor_critic_loss, 1.43),
    case("two_tasks", TwoTasks, _data.rows, two_tasks_loss, math.log(20)),
    case("ensemble_einsum", Ensemble, _data.rows, CE, math.log(10)),
)
