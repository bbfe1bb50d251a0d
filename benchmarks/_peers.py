"""The peers of the sweep engine, each written as its own documentation would have it.

Every peer trains `num_models` multilayer perceptrons d-H-H-C (ReLU, two dropouts, Adam 1e-3, coupled l2 λ/n on all
its weights) and has one method, `epoch()`, that trains each of them for one epoch of full batches.
"""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

DROPOUTS = (0.1, 0.2, 0.35, 0.5)
LEARNING_RATE = 1e-3


def settings(num_models):
    """λ log-uniform in 1e-3 … 1e2, dropout from a grid of four."""
    l2 = 10 ** np.random.default_rng(0).uniform(-3, 2, num_models)
    return [(float(l2[k]), DROPOUTS[k * len(DROPOUTS) // num_models]) for k in range(num_models)]


def plain_network(num_features, width, num_classes, dropout):
    return nn.Sequential(
        nn.Linear(num_features, width), nn.ReLU(), nn.Dropout(dropout),
        nn.Linear(width, width), nn.ReLU(), nn.Dropout(dropout),
        nn.Linear(width, num_classes),
    )  # fmt: skip


class SequentialFused:
    """One ordinary PyTorch model after another, fused Adam: the baseline of every claim."""

    name = "PyTorch, one after another, fused Adam"

    def __init__(self, inputs, targets, width, batch_size, num_models, *, out_of):
        self.inputs, self.targets, self.batch_size, self.num_models = inputs, targets, batch_size, num_models
        num_classes = int(targets.max()) + 1
        chosen = settings(out_of)[:: out_of // num_models][:num_models]
        self.pairs = []
        for l2, dropout in chosen:
            network = plain_network(inputs.shape[1], width, num_classes, dropout)
            optimizer = torch.optim.Adam(
                network.parameters(), lr=LEARNING_RATE, weight_decay=l2 / len(inputs), fused=True
            )
            self.pairs.append((network, optimizer))

    def epoch(self):
        for network, optimizer in self.pairs:
            order = torch.randperm(len(self.inputs))
            for start in range(0, len(order) - self.batch_size + 1, self.batch_size):
                rows = order[start : start + self.batch_size]
                optimizer.zero_grad()
                functional.cross_entropy(network(self.inputs[rows]), self.targets[rows]).backward()
                optimizer.step()


class StackedDropout(nn.Module):
    """Dropout whose p is a buffer, so that `stack_module_state` stacks it."""

    def __init__(self, p=0.0):
        super().__init__()
        self.register_buffer("p", torch.tensor(float(p)))

    def forward(self, x):
        return x * (torch.rand_like(x) >= self.p) / (1 - self.p)


class Vmap:
    """torch.func: stack_module_state, vmap(grad), masks shared (randomness="same"), stacked fused Adam."""

    name = "torch.func.vmap, shared masks, fused Adam"

    def __init__(self, inputs, targets, width, batch_size, num_models):
        from torch.func import functional_call, grad, stack_module_state, vmap

        self.inputs, self.targets, self.batch_size, self.num_models = inputs, targets, batch_size, num_models
        num_classes = int(targets.max()) + 1

        def network(p):
            plain = plain_network(inputs.shape[1], width, num_classes, 0.0)
            plain[2], plain[5] = StackedDropout(p), StackedDropout(p)
            return plain

        chosen = settings(num_models)
        stacked, self.buffers = stack_module_state([network(p) for _, p in chosen])
        self.names = list(stacked)
        self.parameters = [stacked[name].detach() for name in self.names]
        self.first = [torch.zeros_like(p) for p in self.parameters]
        self.second = [torch.zeros_like(p) for p in self.parameters]
        self.count = [torch.tensor(0.0) for _ in self.parameters]
        l2 = torch.tensor([l2 / len(inputs) for l2, _ in chosen], dtype=torch.float32)
        self.l2 = [l2.view(-1, *[1] * (p.dim() - 1)) for p in self.parameters]
        base = network(0.0)

        def loss(parameters, buffers, x, y):
            return functional.cross_entropy(functional_call(base, (parameters, buffers), (x,)), y)

        self.gradient = vmap(grad(loss), in_dims=(0, 0, None, None), randomness="same")

    def epoch(self):
        order = torch.randperm(len(self.inputs))
        for start in range(0, len(order) - self.batch_size + 1, self.batch_size):
            rows = order[start : start + self.batch_size]
            stacked = dict(zip(self.names, self.parameters, strict=True))
            by_name = self.gradient(stacked, self.buffers, self.inputs[rows], self.targets[rows])
            gradients = [by_name[name] for name in self.names]
            torch._foreach_addcmul_(gradients, self.parameters, self.l2)
            torch._foreach_add_(self.count, 1.0)
            torch._fused_adam_(
                self.parameters, gradients, self.first, self.second, [], self.count, amsgrad=False,
                lr=LEARNING_RATE, beta1=0.9, beta2=0.999, weight_decay=0.0, eps=1e-8, maximize=False,
            )  # fmt: skip


class Jax:
    """JAX: vmap over models inside, lax.scan over the steps, one jit, masks shared."""

    name = "JAX vmap + scan + jit, shared masks"

    def __init__(self, inputs, targets, width, batch_size, num_models):
        import jax
        import jax.numpy as jnp

        self.jax, self.num_models = jax, num_models
        num_rows, num_features = inputs.shape
        num_classes = int(targets.max()) + 1
        chosen = settings(num_models)
        l2 = jnp.array([l2 / num_rows for l2, _ in chosen], dtype=jnp.float32)
        dropout = jnp.array([p for _, p in chosen], dtype=jnp.float32)
        xs, ys = jnp.asarray(inputs.numpy()), jnp.asarray(targets.numpy())
        sizes = [(num_features, width), (width, width), (width, num_classes)]
        weights = []
        for fan_in, fan_out in sizes:
            bound = 1 / math.sqrt(fan_in)
            weights.append(jnp.asarray(torch.empty(num_models, fan_in, fan_out).uniform_(-bound, bound).numpy()))
            weights.append(jnp.asarray(torch.empty(num_models, 1, fan_out).uniform_(-bound, bound).numpy()))

        def loss(w, p, u, x, y):
            hidden = jax.nn.relu(x @ w[0] + w[1]) * (u[0] >= p) / (1 - p)
            hidden = jax.nn.relu(hidden @ w[2] + w[3]) * (u[1] >= p) / (1 - p)
            return -jnp.take_along_axis(jax.nn.log_softmax(hidden @ w[4] + w[5]), y[:, None], 1).mean()

        def one(w, m, v, decay, p, t, u, x, y):
            g = [gi + decay * wi for gi, wi in zip(jax.grad(loss)(w, p, u, x, y), w, strict=True)]
            m = [0.9 * a + 0.1 * gi for a, gi in zip(m, g, strict=True)]
            v = [0.999 * a + 0.001 * gi * gi for a, gi in zip(v, g, strict=True)]
            w = [
                wi - LEARNING_RATE / (1 - 0.9**t) * mi / (jnp.sqrt(vi / (1 - 0.999**t)) + 1e-8)
                for wi, mi, vi in zip(w, m, v, strict=True)
            ]
            return w, m, v

        step_all = jax.vmap(one, in_axes=(0, 0, 0, 0, 0, None, None, None, None))

        def run(carry, key):
            order_key, mask_key = jax.random.split(key)
            order = jax.random.permutation(order_key, num_rows)[: num_rows // batch_size * batch_size]

            def step(state, item):
                w, m, v, t = state
                rows, k = item
                u = jax.random.uniform(k, (2, batch_size, width))
                w, m, v = step_all(w, m, v, l2, dropout, t + 1, u, xs[rows], ys[rows])
                return (w, m, v, t + 1), None

            keys = jax.random.split(mask_key, num_rows // batch_size)
            return jax.lax.scan(step, carry, (order.reshape(-1, batch_size), keys))[0]

        self.run = jax.jit(run, donate_argnums=0)
        self.carry = (weights, [jnp.zeros_like(w) for w in weights], [jnp.zeros_like(w) for w in weights], 0.0)
        self.key = jax.random.PRNGKey(0)

    def epoch(self):
        self.key, key = self.jax.random.split(self.key)
        self.carry = self.run(self.carry, key)
        self.jax.block_until_ready(self.carry)


class SklearnMLP:
    """scikit-learn's MLPClassifier, one after another; it has no dropout."""

    name = "MLPClassifier, one after another (no dropout)"

    def __init__(self, inputs, targets, width, batch_size, num_models, *, out_of):
        from sklearn.neural_network import MLPClassifier

        self.num_models = num_models
        self.inputs, self.targets = inputs.numpy(), targets.numpy()
        self.classes = np.unique(self.targets)
        chosen = settings(out_of)[:: out_of // num_models][:num_models]
        # MLPClassifier divides alpha by the batch size, so alpha = λ·B/n is the same penalty.
        self.models = [
            MLPClassifier((width, width), alpha=l2 * batch_size / len(inputs), batch_size=batch_size)
            for l2, _ in chosen
        ]

    def epoch(self):
        for model in self.models:
            model.partial_fit(self.inputs, self.targets, classes=self.classes)
