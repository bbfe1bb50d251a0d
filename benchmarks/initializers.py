"""`initialize_(..., scheme="auto")` beside PyPI `lsuv`, PyPI `dks` and `torch.nn.init`: cost, and is it right?

    python benchmarks/initializers.py [--quick] [--out benchmarks/results/initializers.md]

1. Cost on plain MLPs: forwards and backwards counted by hooks on the module, CPU seconds as paired ratios.
2. Eight networks on which `lsuv` goes wrong. The criterion of each stands beside its network in CASES.
3. Second-moment gain E[y²]/E[x²] of real layers: 1 is right, and what `dks` and `torch.nn.init` do.

Exit status 1 if a target is missed.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import contextlib
import io
import math
import statistics
import sys
import time
from functools import partial
from itertools import pairwise
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

import justfit
from _depth_nets import WIDTH, digits, every_layer, multilayer_perceptron
from _machine import describe_machine

MAX_PASSES, MIN_SPEEDUP_AT_200, NUM_SEEDS = 4, 35, 3
GAIN_RANGE = (0.8, 1.25)


def lsuv_(network, *inputs):
    from lsuv import lsuv_with_singlebatch

    with contextlib.redirect_stdout(io.StringIO()):
        lsuv_with_singlebatch(network, inputs[0] if len(inputs) == 1 else inputs, verbose=False)


def ours_(network, *inputs, scheme):
    justfit.initialize_(network, *inputs, scheme=scheme, seed=0)


# 1. Cost


def count_passes(network):
    """Hooks that count: (forwards of the root, backwards through its output)."""
    counts = {"forwards": 0, "backwards": 0}

    def count(name):
        counts[name] += 1

    def after(_module, _inputs, output):
        if isinstance(output, torch.Tensor) and output.requires_grad:
            output.register_hook(lambda _gradient: count("backwards"))

    network.register_forward_pre_hook(lambda _module, _inputs: count("forwards"))
    network.register_forward_hook(after)
    return counts


def cpu_seconds(function, network, inputs):
    start = time.process_time()
    function(network, inputs)
    return time.process_time() - start


def cost(depth, rounds, methods, inputs):
    passes, seconds = {}, {name: [] for name in methods}
    for name, method in methods.items():  # counted once, outside the timed rounds; it warms up as well
        network = multilayer_perceptron(depth, "ReLU")
        passes[name] = count_passes(network)
        method(network, inputs)
    for one in range(rounds):
        for name in list(methods)[:: -1 if one % 2 else 1]:
            torch.manual_seed(one)
            seconds[name].append(cpu_seconds(methods[name], multilayer_perceptron(depth, "ReLU"), inputs))
    ratios = [slow / fast for slow, fast in zip(seconds["lsuv"], seconds["justfit"], strict=True)]
    return passes, {name: statistics.median(values) for name, values in seconds.items()}, ratios


def cost_section(rounds, depths, methods):
    lines = [
        "| layers | lsuv: forwards, CPU s | justfit: forwards + backwards, CPU s | times faster, median (range) |",
        "|---|---|---|---|",
    ]
    missed = []
    for depth in depths:
        passes, seconds, ratios = cost(depth, rounds, methods, digits()[0][:256])
        mine, speedup = passes["justfit"], statistics.median(ratios)
        lines.append(
            f"| {depth} | {passes['lsuv']['forwards']}, {seconds['lsuv']:.2f} "
            f"| {mine['forwards']} + {mine['backwards']}, {seconds['justfit']:.3f} "
            f"| **{speedup:.1f}** ({min(ratios):.1f} to {max(ratios):.1f}) |"
        )
        if sum(mine.values()) > MAX_PASSES:
            missed.append(f"{sum(mine.values())} passes at {depth} layers, at most {MAX_PASSES} wanted")
        if depth >= 200 and speedup < MIN_SPEEDUP_AT_200:
            missed.append(f"{speedup:.1f} times faster at {depth} layers, {MIN_SPEEDUP_AT_200} wanted")
    return lines, missed


# 2. Eight networks. Each has `measure()`: the numbers its criterion looks at, after a forward of unseen rows.


class Watched(nn.Module):
    """Keeps the root mean square of what `see` is shown, for `measure`."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def see(self, z):
        self.seen.append(z.detach().square().mean().sqrt().item())
        return z

    def measure(self, *inputs):
        self.seen.clear()
        with torch.no_grad():
            self(*inputs)
        return list(self.seen)


class OutOfOrder(Watched):
    """Registered last to first; executed first, second, third."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        self.third, self.second, self.first = nn.Linear(32, 64), nn.Linear(256, 32), nn.Linear(WIDTH, 256)

    def forward(self, x):
        for layer in (self.first, self.second, self.third):
            x = self.see(layer(x)).relu()
        return self.head(x)


class SharedLayer(Watched):
    """One Linear, called six times."""

    def __init__(self):
        super().__init__()
        self.layer, self.head = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 10)

    def forward(self, x):
        for _ in range(6):
            x = self.see(self.layer(x)).relu()
        return self.head(x)


class TwoInputs(Watched):
    def __init__(self):
        super().__init__()
        self.of_x, self.of_y, self.joint = nn.Linear(WIDTH, 64), nn.Linear(32, 64), nn.Linear(64, 64)
        self.head = nn.Linear(64, 10)

    def forward(self, x, y):
        h = (self.see(self.of_x(x)) + self.see(self.of_y(y))).relu()
        return self.head(self.see(self.joint(h)).relu())


class DictInput(TwoInputs):
    def forward(self, batch):
        return super().forward(batch["x"], batch["y"])


class FunctionalWeights(Watched):
    """Weights that no layer owns: parameters handed to F.linear, far too large."""

    def __init__(self):
        super().__init__()
        self.weights = nn.ParameterList(nn.Parameter(torch.randn(WIDTH, WIDTH)) for _ in range(5))
        self.head = nn.Linear(WIDTH, 10)

    def forward(self, x):
        for weight in self.weights:
            x = self.see(functional.linear(x, weight)).relu()
        return self.head(x)


class Residual(Watched):
    """Blocks x + W₂·relu(W₁·x), no normalisation; the stream behind the last block is seen."""

    def __init__(self, num_blocks, *, zero_last=False):
        super().__init__()
        self.stem, self.head = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 10)
        self.inner = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(num_blocks))
        self.last = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(num_blocks))
        if zero_last:
            for layer in self.last:
                nn.init.zeros_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, x):
        x = self.stem(x)
        for inner, last in zip(self.inner, self.last, strict=True):
            x = x + last(inner(x).relu())
        return self.head(self.see(x))


class ZeroBranches(Residual):
    """Each branch ends in zeros, on purpose: the largest weight there."""

    def __init__(self):
        super().__init__(4, zero_last=True)

    def measure(self, *_inputs):
        return [layer.weight.abs().max().item() for layer in self.last]


class DeepTanh(Watched):
    """‖∂L/∂z₁‖ / ‖∂L/∂z₁₀₀‖ of 100 tanh layers."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(100))
        self.head = nn.Linear(WIDTH, 10)

    def forward(self, x):
        self.preactivations = []
        for layer in self.layers:
            x = layer(x)
            self.preactivations.append(x)
            x = x.tanh()
        return self.head(x)

    def measure(self, x):
        labels = torch.arange(len(x)) % 10
        loss = functional.cross_entropy(self(x), labels)
        first, last = torch.autograd.grad(loss, [self.preactivations[0], self.preactivations[-1]])
        return [first.norm().item() / last.norm().item()]


def rows_of_digits(start):
    return (digits()[0][start : start + 256],)


def large_rows(start):
    return (10 * digits()[0][start : start + 256],)


def rows_and_more(start):
    more = torch.randn(256, 32, generator=torch.Generator().manual_seed(start))
    return *rows_of_digits(start), 5 * more


def dictionary(start):
    x, y = rows_and_more(start)
    return ({"x": x, "y": y},)


# name, network, data, what is measured, the range every number must lie in, for each of NUM_SEEDS draws
CASES = [
    ("run in another order than registered", OutOfOrder, large_rows, "rms of the 3 hidden layers", (0.5, 2)),
    ("one layer called 6 times", SharedLayer, rows_of_digits, "rms at each call", (0.5, 2)),
    ("two inputs", TwoInputs, rows_and_more, "rms of the 3 hidden layers", (0.5, 2)),
    ("a dict as input", DictInput, dictionary, "rms of the 3 hidden layers", (0.5, 2)),
    ("weights handed to F.linear", FunctionalWeights, rows_of_digits, "rms of the 5 hidden layers", (0.5, 2)),
    ("residual branches that end in zeros", ZeroBranches, rows_of_digits, "largest weight at their ends", (0, 0)),
    ("64 residual blocks, no normalisation", partial(Residual, 64), rows_of_digits, "rms behind the last", (1, 2)),
    ("100 layers of tanh", DeepTanh, rows_of_digits, "gradient norm, first / last layer", (0.1, 10)),
]


def outcome(build, data, limits, method):
    """(does every draw hold, the extremes of what was measured or the error)."""
    numbers = []
    for seed in range(NUM_SEEDS):
        torch.manual_seed(seed)
        network = build()
        try:
            method(network, *data(0))
            numbers += network.measure(*data(256))
        except Exception as error:  # whatever a peer raises is its result
            return False, type(error).__name__
    low, high = min(numbers), max(numbers)
    text = f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"
    return all(math.isfinite(n) and limits[0] <= n <= limits[1] for n in numbers), text


def case_section(methods):
    lines = ["| network | measured | must lie in | lsuv | justfit |", "|---|---|---|---|---|"]
    missed = []
    for name, build, data, measured, limits in CASES:
        cells = []
        for method_name, method in methods.items():
            holds, text = outcome(build, data, limits, method)
            cells.append(f"{text} {'✓' if holds else '✗'}")
            if method_name == "justfit" and not holds:
                missed.append(f"{name}: {text}, must lie in {limits}")
        lines.append(f"| {name} | {measured} | {limits[0]:g} to {limits[1]:g} | {' | '.join(cells)} |")
    return lines, missed


# 3. Second-moment gain of real layers. Each probe ends in a head that is not measured.


def widths(*sizes):
    layers = [nn.Linear(a, b) for a, b in pairwise(sizes)]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], 10))


def convolutions():
    layers = [nn.Conv2d(256, 128, 3, padding=1), nn.Conv2d(128, 256, 3, padding=1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 10))


def transposed():
    layer = nn.ConvTranspose2d(16, 64, 4, stride=2, padding=1)
    return nn.Sequential(layer, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def interior(z):
    """Without the border, which zero padding darkens."""
    return z[..., 2:-2, 2:-2] if z.dim() == 4 else z


def gains(network, x, num_layers):
    found = []
    with torch.no_grad():
        for layer in network[:num_layers]:
            z = layer(x)
            found.append((interior(z).square().mean() / interior(x).square().mean()).item())
            x = z
    return found


def dks_(network, _x):
    from dks.pytorch.parameter_sampling_functions import scaled_uniform_orthogonal_

    every_layer(network, scaled_uniform_orthogonal_)


def torch_orthogonal_(network, _x):
    every_layer(network, nn.init.orthogonal_)


def torch_kaiming_(network, _x):
    def draw(module):
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
            nn.init.zeros_(module.bias)

    network.apply(draw)


# label, network, shape of the batch, number of measured layers, the peers by name
PROBES = [
    ("Linear 784→64, 64→784", partial(widths, 784, 64, 784), (4096, 784), 2, ("dks", "orthogonal_", "kaiming_")),
    ("Conv 3×3 256→128, 128→256", convolutions, (8, 256, 24, 24), 2, ("dks", "orthogonal_", "kaiming_")),
    ("ConvTranspose 16→64, kernel 4, stride 2", transposed, (32, 16, 24, 24), 1, ("kaiming_",)),
    ("Linear 25 × (64→256→64), in all", partial(widths, *[64, 256] * 25, 64), (1024, 64), 50,
     ("orthogonal_", "kaiming_")),
]  # fmt: skip
PEERS = {"dks": dks_, "orthogonal_": torch_orthogonal_, "kaiming_": torch_kaiming_}


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention, self.head = nn.MultiheadAttention(256, 8, batch_first=True), nn.Linear(256, 10)

    def forward(self, x):
        return self.head(self.attention(x, x, x, need_weights=False)[0].mean(1))


def packed_gains(network):
    """Of the query, key and value maps inside the packed weight, for white inputs: ‖W‖²/E."""
    return [part.square().sum().item() / 256 for part in network.attention.in_proj_weight.detach().chunk(3)]


def gain_section(ours):
    lines = ["| layers | dks | orthogonal_ | kaiming_ (linear) | justfit |", "|---|---|---|---|---|"]
    missed = []
    for label, build, shape, num_layers, peers in PROBES:
        cells = []
        for name, method in {**PEERS, "justfit": ours}.items():
            if name in peers or name == "justfit":
                torch.manual_seed(0)
                network, x = build(), torch.randn(shape)
                method(network, x)
                found = gains(network, torch.randn(shape), num_layers)
                found = [math.prod(found)] if num_layers > 2 else found
                cells.append(", ".join(f"{gain:.3g}" for gain in found))
                if name == "justfit" and not all(GAIN_RANGE[0] <= gain <= GAIN_RANGE[1] for gain in found):
                    missed.append(f"{label}: gain {cells[-1]}")
            else:
                cells.append("–")
        lines.append(f"| {label} | {' | '.join(cells)} |")
    torch.manual_seed(0)
    network = Attention()
    before = packed_gains(network)
    ours(network, torch.randn(32, 16, 256))
    after = packed_gains(network)
    if not all(GAIN_RANGE[0] <= gain <= GAIN_RANGE[1] for gain in after):
        missed.append(f"packed attention: gain {after}")
    lines += [
        "",
        "`nn.MultiheadAttention(256, 8)`: query, key and value are packed into one 768×256 weight, and torch's own "
        "Xavier counts its fan over all three. Gains of the three maps: torch "
        f"{', '.join(f'{gain:.2f}' for gain in before)}; justfit {', '.join(f'{gain:.2f}' for gain in after)}.",
        "",
        truncated(),
    ]
    return lines, missed


def truncated():
    """`trunc_normal_` cuts at the absolute ±2, whatever the std: its std is not the one asked for."""
    parts = []
    for std in (1.0, 5.0):
        network = nn.Linear(1000, 1000)
        justfit.initialize_(network, scheme="normal", std=std, seed=0)
        torch.manual_seed(0)
        theirs = nn.init.trunc_normal_(torch.empty(1000, 1000), std=std).std().item()
        parts.append(f"std={std:g} gives {theirs:.3f} (justfit's scheme normal: {network.weight.std().item():.3f})")
    return f"`nn.init.trunc_normal_` cuts at ±2, whatever the std: {'; '.join(parts)}."


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="3 rounds, 50 layers")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--scheme", default="auto", help="of justfit")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    ours = partial(ours_, scheme=options.scheme)
    methods = {"lsuv": lsuv_, "justfit": ours}
    rounds, depths = (3, (50,)) if options.quick else (options.rounds, (50, 200))
    cost_lines, slow = cost_section(rounds, depths, methods)
    case_lines, wrong = case_section(methods)
    gain_lines, off = gain_section(ours)
    missed = slow + wrong + off
    text = "\n".join(
        [
            "# Initializers",
            "",
            f'Produced by `benchmarks/initializers.py`. justfit: `initialize_(..., scheme="{options.scheme}")`. '
            f"One thread. {describe_machine('torch', 'lsuv', 'dks', 'numpy')}",
            "",
            "## Cost",
            "",
            f"Plain ReLU MLPs of width {WIDTH}, 256 rows of digits; {rounds} interleaved rounds, CPU seconds (median). "
            f"Targets: at most {MAX_PASSES} passes; at least {MIN_SPEEDUP_AT_200} times faster at 200 layers.",
            "",
            *cost_lines,
            "",
            "## Eight networks",
            "",
            f"Initialized on 256 rows, measured on 256 others; smallest and largest number of {NUM_SEEDS} draws of the "
            "network. ✓: all lie in the range, which is written in the script.",
            "",
            *case_lines,
            "",
            "## Gain of real layers",
            "",
            "E[y²]/E[x²] of each layer for normal inputs: 1 keeps the signal. Biases zero; borders of maps left out.",
            "",
            *gain_lines,
            "",
            "Targets missed: " + ("; ".join(missed) if missed else "none") + ".",
            "",
        ]
    )
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
