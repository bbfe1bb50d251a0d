"""What does `justfit.check` cost? Time against depth, and against one forward and backward of the same batch.

    python benchmarks/check_cost.py [--quick] [--out benchmarks/results/check_cost.md]

Plain tanh MLPs of 10 to 10,000 layers, orthogonal weights, so that the signal lives at every depth: seconds per layer
must not grow. Four larger networks: CPU seconds of `check` over those of forward, loss and backward, ratios formed in
a round. Exit status 1 if a target is missed. `--stand-in` times one forward and backward in the place of `check`.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import gc
import math
import statistics
import sys
import time
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

import justfit
from _depth_nets import digits, every_layer, multilayer_perceptron
from _machine import describe_machine

DEPTHS, DEPTH_ROWS = (10, 100, 1_000, 10_000), 128
MAX_GROWTH = 2.0  # seconds per layer at the largest depth over those at 100 layers
MAX_RATIO, MIN_MILLISECONDS = 3.0, 10


class Block(nn.Module):
    """Of a ResNet: two 3×3 convolutions with batch normalisation, and a 1×1 one around them where the shape changes."""

    def __init__(self, channels_in, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm1, self.norm2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)
        self.around = nn.Identity()
        if channels_in != channels:
            self.around = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x):
        inside = self.norm2(self.conv2(self.norm1(self.conv1(x)).relu()))
        return (self.around(x) + inside).relu()


def resnet18():
    """ResNet-18 with the 3×3 stem of CIFAR."""
    blocks = [
        Block(a, b, stride)
        for a, b, stride in [(64, 64, 1)] * 2 + [(64, 128, 2), (128, 128, 1)]
        + [(128, 256, 2), (256, 256, 1), (256, 512, 2), (512, 512, 1)]
    ]  # fmt: skip
    stem = (nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU())
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


class GPT(nn.Module):
    """6 pre-norm blocks of width 256, 8 heads, causal, vocabulary of 1,000."""

    def __init__(self):
        super().__init__()
        self.token, self.position = nn.Embedding(1000, 256), nn.Embedding(128, 256)
        layer = partial(nn.TransformerEncoderLayer, 256, 8, 1024, 0.0, "gelu", batch_first=True, norm_first=True)
        self.blocks = nn.ModuleList(layer() for _ in range(6))
        self.norm, self.head = nn.LayerNorm(256), nn.Linear(256, 1000, bias=False)

    def forward(self, tokens):
        length = tokens.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        h = self.token(tokens) + self.position(torch.arange(length))
        for block in self.blocks:
            h = block(h, src_mask=mask, is_causal=True)
        return self.head(self.norm(h)).transpose(1, 2)  # cross_entropy wants the classes second


class LSTM(nn.Module):
    """2 layers of width 256, classes from the last step."""

    def __init__(self):
        super().__init__()
        self.lstm, self.head = nn.LSTM(64, 256, 2, batch_first=True), nn.Linear(256, 10)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


def wide():
    return nn.Sequential(
        nn.Linear(784, 2048), nn.ReLU(), nn.Linear(2048, 2048), nn.ReLU(), nn.Linear(2048, 2048), nn.ReLU(),
        nn.Linear(2048, 10),
    )  # fmt: skip


NETWORKS = {
    "MLP, 3 × 2,048 wide, 512 rows": (wide, lambda: torch.randn(512, 784), lambda: torch.arange(512) % 10),
    "ResNet-18, 64×3×32×32": (resnet18, lambda: torch.randn(64, 3, 32, 32), lambda: torch.arange(64) % 10),
    "GPT, 6 × 256, 8×128 tokens": (
        GPT, lambda: torch.randint(0, 1000, (8, 128)), lambda: torch.randint(0, 1000, (8, 128))),
    "LSTM, 2 × 256, 64×64 steps": (LSTM, lambda: torch.randn(64, 64, 64), lambda: torch.arange(64) % 10),
}  # fmt: skip


def step(network, x, y):
    """What `check` is compared with."""
    network.zero_grad()
    functional.cross_entropy(network(x), y).backward()


def check(network, x, y):
    justfit.check(network, x, targets=y, loss_fn=functional.cross_entropy)


def cpu_seconds(function, *arguments):
    gc.collect()
    start = time.process_time()
    function(*arguments)
    return time.process_time() - start


def deep(depth):
    torch.manual_seed(0)
    network = multilayer_perceptron(depth, "tanh")
    every_layer(network, nn.init.orthogonal_)
    return network


def against_depth(depths, rounds, under_test):
    """{depth: (seconds of the step, seconds of the check)}, medians."""
    x, y = (part[:DEPTH_ROWS] for part in digits()[:2])
    found = {}
    for depth in depths:
        network = deep(depth)
        times = [
            [cpu_seconds(function, network, x, y) for function in (step, under_test)]
            for _ in range(rounds if depth < 10_000 else min(rounds, 3))
        ]
        found[depth] = tuple(map(statistics.median, zip(*times, strict=True)))
        print(f"{depth} layers: step {found[depth][0]:.3f} s, check {found[depth][1]:.3f} s", flush=True)
    return found


def figure(found, width=48, height=13):
    """Seconds against layers, both logarithmic; the slope of a line of dots is that of linear growth."""
    points = [(math.log10(depth), math.log10(seconds)) for depth, (_, seconds) in found.items()]
    left, right = points[0][0], points[-1][0]
    low = math.floor(min(y for _, y in points) - 0.01)
    high = max(math.ceil(max(y for _, y in points) + 0.01), low + 1)
    grid = [[" "] * (width + 1) for _ in range(height)]

    def put(x, y, mark):
        row = round((high - y) / (high - low) * (height - 1))
        if 0 <= row < height:
            grid[row][round((x - left) / (right - left) * width)] = mark

    for column in range(0, width + 1, 2):
        x = left + column / width * (right - left)
        put(x, points[-1][1] + x - right, "·")
    for x, y in points:
        put(x, y, "●")
    labels = [""] * height
    labels[0], labels[-1] = f"{10.0**high:g} s", f"{10.0**low:g} s"
    lines = [f"{label:>8} │{''.join(row).rstrip()}" for label, row in zip(labels, grid, strict=True)]
    ends = f"{'':8} └{'─' * (width + 1)}\n{'':10}{10**left:,.0f}{10**right:>{width - 1},.0f} layers"
    return "\n".join([*lines, ends])


def depth_section(found):
    lines = [
        "| layers | check, s | per layer, ms | one forward + backward, s | ratio |",
        "|---|---|---|---|---|",
    ]
    for depth, (plain, checked) in found.items():
        lines.append(
            f"| {depth:,} | {checked:.3f} | {1000 * checked / depth:.3f} | {plain:.3f} | {checked / plain:.1f} |"
        )
    per_layer = {depth: seconds / depth for depth, (_, seconds) in found.items()}
    deepest = max(per_layer)
    growth = per_layer[deepest] / per_layer[100]
    lines += [
        "",
        f"Time per layer at {deepest:,} layers over that at 100: **{growth:.2f}** (target: at most {MAX_GROWTH:g}).",
        "",
        "```",
        figure(found),
        "```",
        "●: check. ·: linear growth, drawn through the last point. Both axes logarithmic.",
    ]
    missed = [f"{growth:.2f} times the time per layer"] if growth > MAX_GROWTH else []
    for depth, (plain, checked) in found.items():
        if 1000 * plain > MIN_MILLISECONDS and checked > MAX_RATIO * plain:
            missed.append(f"{depth:,} narrow layers: {checked / plain:.1f}")
    return lines, missed


def ratio_section(rounds, under_test):
    lines = [
        "| network | forward + backward, ms | check, ms | ratio, median (range) |",
        "|---|---|---|---|",
    ]
    missed = []
    for name, (build, inputs, targets) in NETWORKS.items():
        torch.manual_seed(0)
        network, x, y = build(), inputs(), targets()
        step(network, x, y), under_test(network, x, y)
        times = [[cpu_seconds(function, network, x, y) for function in (step, under_test)] for _ in range(rounds)]
        plain, checked = map(statistics.median, zip(*times, strict=True))
        ratios = [over / under for under, over in times]
        ratio = statistics.median(ratios)
        lines.append(
            f"| {name} | {1000 * plain:.0f} | {1000 * checked:.0f} "
            f"| **{ratio:.2f}** ({min(ratios):.2f} to {max(ratios):.2f}) |"
        )
        print(lines[-1], flush=True)
        if ratio > MAX_RATIO and 1000 * plain > MIN_MILLISECONDS:
            missed.append(f"{name}: {ratio:.2f}")
    return lines, missed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="up to 1,000 layers, 2 rounds")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--stand-in", action="store_true", help="to try the script without `check`")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    under_test = step if options.stand_in else check
    rounds, depths = (2, DEPTHS[:3]) if options.quick else (options.rounds, DEPTHS)
    found = against_depth(depths, rounds, under_test)
    depth_lines, growing = depth_section(found)
    ratio_lines, slow = ratio_section(rounds, under_test)
    missed = growing + slow
    text = "\n".join(
        [
            "# What `check` costs",
            "",
            "Produced by `benchmarks/check_cost.py`. CPU seconds, one thread, medians "
            f"of {rounds} rounds (10,000 layers: at most 3). {describe_machine('torch', 'numpy')}",
            *(["", "STAND-IN: `check` was not run."] if options.stand_in else []),
            "",
            "## Against depth",
            "",
            f"Plain tanh MLPs of width 64, orthogonal weights, {DEPTH_ROWS} rows of digits.",
            "",
            *depth_lines,
            "",
            "## Against one forward and backward of the same batch",
            "",
            f"Target: at most {MAX_RATIO:g} for networks that take more than {MIN_MILLISECONDS} ms.",
            "",
            *ratio_lines,
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
