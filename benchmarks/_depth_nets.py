"""Plain deep networks, the ways to initialize them, and the one training loop they all share.

Nothing here is special to depth: `nn.Sequential`, autograd, `torch.optim.SGD`, `clip_grad_norm_`.
"""

import contextlib
import io
import math
import time

import torch
from sklearn.datasets import load_digits, make_circles
from torch import nn
from torch.nn import functional

import justfit

WIDTH, CHANNELS, BATCH_SIZE, CALIBRATION_ROWS = 64, 16, 32, 256
ACTIVATIONS = {"ReLU": nn.ReLU, "GELU": nn.GELU, "SiLU": nn.SiLU, "tanh": nn.Tanh}
LAYERS = (nn.Linear, nn.Conv2d)


def digits():
    """1,400 training and 397 test rows, standardised by the training rows; constant pixels stay zero."""
    table = load_digits()
    order = torch.randperm(len(table.data), generator=torch.Generator().manual_seed(0))
    x, y = torch.tensor(table.data)[order], torch.tensor(table.target)[order]
    mean, std = x[:1400].mean(0), x[:1400].std(0)
    x = ((x - mean) / torch.where(std > 0, std, 1.0)).float()
    return x[:1400], y[:1400], x[1400:], y[1400:]


def images():
    """The same digits as one channel of 8×8."""
    x, y, x_test, y_test = digits()
    return x.view(-1, 1, 8, 8), y, x_test.view(-1, 1, 8, 8), y_test


def circles():
    """Two concentric circles on a random plane in 64 dimensions, rms 1: no linear map does better than chance."""
    x, y = make_circles(1500, noise=0.05, factor=0.5, random_state=0)
    plane = torch.linalg.qr(torch.randn(WIDTH, 2, generator=torch.Generator().manual_seed(0)))[0]
    x = torch.tensor(x, dtype=torch.float32) @ plane.T
    x = x / x.square().mean().sqrt()
    y = torch.tensor(y)
    return x[:1000], y[:1000], x[1000:], y[1000:]


def multilayer_perceptron(depth, activation, num_classes=10):
    hidden = [part for _ in range(depth) for part in (nn.Linear(WIDTH, WIDTH), ACTIVATIONS[activation]())]
    return nn.Sequential(*hidden, nn.Linear(WIDTH, num_classes))


def convolutional(depth, activation, num_classes=10):
    """3×3 convolutions of 16 channels at 8×8 throughout, one linear layer on all of the last map.

    No average over the map: a delta-orthogonal network does not mix pixels at first, so it would forget where they are.
    """
    hidden = []
    for layer in range(depth):
        hidden += [nn.Conv2d(CHANNELS if layer else 1, CHANNELS, 3, padding=1), ACTIVATIONS[activation]()]
    return nn.Sequential(*hidden, nn.Flatten(), nn.Linear(64 * CHANNELS, num_classes))


def every_layer(network, draw):
    for module in network.modules():
        if isinstance(module, LAYERS):
            draw(module.weight)
            nn.init.zeros_(module.bias)


def torch_default(_network, _inputs, _activation):  # as it was constructed
    pass


def xavier(network, _inputs, _activation):
    every_layer(network, nn.init.xavier_normal_)


def he(network, _inputs, _activation):
    every_layer(network, lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="relu"))


def orthogonal(network, _inputs, activation):
    """Gain √2, which calculate_gain has for ReLU and lacks for GELU and SiLU; gain 1 for tanh, better than its 5/3."""
    gain = 1.0 if activation == "tanh" else math.sqrt(2)
    every_layer(network, lambda weight: nn.init.orthogonal_(weight, gain))


def delta_orthogonal(network, inputs, activation):
    """Of JAX, on the square convolutions, with the same gain. The first layer as `he`, the linear one as `orthogonal`.

    A first layer from one channel would else map every pixel to one line (and keep the norm, not the variance).
    """
    import jax

    orthogonal(network, inputs, activation)
    gain = 1.0 if activation == "tanh" else math.sqrt(2)
    draw, key = jax.nn.initializers.delta_orthogonal(scale=gain), jax.random.PRNGKey(torch.initial_seed() % 2**31)
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.in_channels != module.out_channels:
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        elif isinstance(module, nn.Conv2d):
            key, part = jax.random.split(key)
            values = draw(part, (*module.kernel_size, module.in_channels, module.out_channels))  # HWIO
            with torch.no_grad():
                module.weight.copy_(torch.tensor(values.tolist()).permute(3, 2, 0, 1))


def lsuv(network, inputs, _activation):
    from lsuv import lsuv_with_singlebatch

    with contextlib.redirect_stdout(io.StringIO()):
        lsuv_with_singlebatch(network, inputs, verbose=False)


def auto(network, inputs, _activation):
    justfit.initialize_(network, inputs, scheme="auto", seed=torch.initial_seed())


INITIALIZERS = {
    "default": torch_default,
    "xavier": xavier,
    "he": he,
    "orthogonal": orthogonal,
    "delta": delta_orthogonal,
    "lsuv": lsuv,
    "auto": auto,
}


def initialized(build, scheme, inputs, activation, seed):
    """A new network and the CPU seconds its initialization took."""
    torch.manual_seed(seed)
    network = build()
    start = time.process_time()
    INITIALIZERS[scheme](network, inputs, activation)
    return network, time.process_time() - start


def accuracy(network, x, y):
    with torch.no_grad():
        return (network(x).argmax(1) == y).float().mean().item()


def train(network, data, *, learning_rate, num_steps, seed):
    """SGD, momentum .9, batch 32, gradient norm clipped to 1, no schedule; the batches depend on the seed only."""
    x, y, x_test, y_test = data
    draws = torch.Generator().manual_seed(1000 + seed)
    parameters = list(network.parameters())
    optimizer = torch.optim.SGD(parameters, lr=learning_rate, momentum=0.9, foreach=True)
    stopped, start = "", time.perf_counter()
    for step in range(num_steps):
        rows = torch.randint(0, len(x), (BATCH_SIZE,), generator=draws)
        optimizer.zero_grad()
        loss = functional.cross_entropy(network(x[rows]), y[rows])
        loss.backward()
        norm = nn.utils.clip_grad_norm_(parameters, 1.0, foreach=True)
        if not (math.isfinite(loss.item()) and math.isfinite(norm.item())):
            stopped = f"not finite at step {step}"
            break
        optimizer.step()
    seconds = time.perf_counter() - start
    return {
        "train_accuracy": accuracy(network, x, y),
        "test_accuracy": accuracy(network, x_test, y_test),
        "stopped": stopped,
        "train_seconds": round(seconds, 2),
    }
