"""What does `justfit.watch` cost? Paired with the same training unwatched, and beside it what rivals cost.

    python benchmarks/watch_overhead.py [--quick] [--only NAME] [--out benchmarks/results/watch_overhead.md]

Three networks on the CPU, one thread. Every contender trains a copy of its own from the same seed on the same batches.
A round gives each of them a block of 16 steps, with a block of the unwatched twin right before and right after; the
ratio is that of the block to the mean of the two. As a block may or may not hold a sample, the ratio of the sums over
all rounds stands beside the median. The watch's first 100 steps, in which it spends more, are not timed. CPU seconds
of the whole process, because the machine is shared; what runs in processes of their own (W&B's) does not count.

The rivals that do not fit into the environment lie in build/peers:

    pip install --no-deps --target build/peers cockpit-for-pytorch==1.0.2 backpack-for-pytorch==1.7.1 \\
        einops json-tricks seaborn unfoldNd matplotlib contourpy cycler fonttools kiwisolver pyparsing pillow \\
        'setuptools<81' fastai==2.8.12 fastcore fastprogress fasttransform fastdownload plum-dispatch beartype \\
        cloudpickle torchvision==0.28.0 python-fasthtml oauthlib itsdangerous beautifulsoup4 soupsieve \\
        python-multipart neuraldbg==1.3.2

Exit status 1 if a target is missed: default at most 1.02, every 16th step at most 1.05, memory flat in the steps.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import gc
import statistics
import sys
import time
import traceback
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn

import justfit
from _machine import describe_machine
from _watch_peers import CONTENDERS, Contender, Watched
from check_cost import Block

BLOCK = Contender.block_steps  # holds one sample of every 16th step
TARGETS = {"justfit.watch, default": 1.02, "justfit.watch, every 16th step": 1.05}
warnings.filterwarnings("ignore")


def perceptron():
    """Three hidden layers of 512, digits of 28×28, 64 examples a batch."""
    sizes = (784, 512, 512, 512)
    layers = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers, nn.Linear(512, 10)), images(64, 784)


def residual():
    """ResNet-18 with 16 to 128 channels, 32×32 pixels, 8 examples a batch."""
    shapes = [(16, 16, 1)] * 2 + [(16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1), (64, 128, 2), (128, 128, 1)]
    stem = (nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10))
    return nn.Sequential(*stem, *(Block(*shape) for shape in shapes), *head), images(8, 3, 32, 32)


class Classifier(nn.Module):
    """A transformer of four blocks of width 128 that tells the class of a sequence."""

    def __init__(self):
        super().__init__()
        self.token, self.position = nn.Embedding(1000, 128), nn.Embedding(64, 128)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(128, 4, 512, 0.1, "gelu", batch_first=True, norm_first=True) for _ in range(4)
        )
        self.norm, self.head = nn.LayerNorm(128), nn.Linear(128, 10)

    def forward(self, tokens):
        h = self.token(tokens) + self.position(torch.arange(tokens.shape[1]))
        for block in self.blocks:
            h = block(h)
        return self.head(self.norm(h.mean(1)))


def transformer():
    """Four pre-norm blocks of width 128, 4 heads, dropout 0.1, 8 sequences of 32 tokens a batch."""
    return Classifier(), [(torch.randint(0, 1000, (8, 32)), torch.randint(0, 10, (8,))) for _ in range(8)]


def images(rows, *shape):
    return [(torch.randn(rows, *shape), torch.randint(0, 10, (rows,))) for _ in range(8)]


ROUNDS = {"MLP": 64, "ResNet-18-like": 16, "small transformer": 16}  # short blocks scatter more
NETWORKS = {"MLP": perceptron, "ResNet-18-like": residual, "small transformer": transformer}


def timed(contender, first, steps):
    gc.collect()
    gc.disable()
    start = time.process_time()
    contender.block(first, steps)
    taken = time.process_time() - start
    gc.enable()
    return taken / steps


def compare(build, kinds, rounds):
    """Return the unwatched step's CPU seconds, and per contender its ratios or why it cannot run."""
    torch.manual_seed(0)
    network, batches = build()
    plain = Contender(network, batches)
    plain.block(0, plain.warm_up)
    running, found = {}, {}
    for kind in kinds:
        try:
            contender = kind(network, batches)
            contender.block(0, kind.warm_up)
            running[kind.name], found[kind.name] = contender, []
        except Exception as error:  # the reason goes into the table
            place = traceback.extract_tb(error.__traceback__)[-1]
            words = " ".join(str(error).split())[:160]
            found[kind.name] = f"{type(error).__name__}: {words} (`{place.line}` in {Path(place.filename).name})"
    steps = []
    for number in range(rounds):
        first = Watched.warm_up + number * BLOCK
        names = [name for name, contender in running.items() if number < contender.most_rounds]
        before = timed(plain, first, BLOCK)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            taken = timed(running[name], first, running[name].block_steps)
            after = timed(plain, first, BLOCK)
            found[name].append((taken, (before + after) / 2))
            steps += [before]
            before = after
    watched = {name: contender.run.overhead for name, contender in running.items() if name in TARGETS}
    for contender in running.values():
        contender.end()
    return statistics.median(steps), found, watched


def memory(depths, lengths):
    """Bytes that the watch keeps, against the number of layers and of steps."""
    rows = []
    for depth in depths:
        network = nn.Sequential(*[nn.Linear(16, 16) for _ in range(depth)])
        optimizer = torch.optim.SGD(network.parameters(), lr=1e-4)
        x = torch.randn(4, 16)
        with justfit.watch(network, optimizer, every=1) as run:
            for step in range(1, max(lengths) + 1):
                optimizer.zero_grad()
                network(x).square().mean().backward()
                optimizer.step()
                if step in lengths:
                    rows.append((depth, step, run.overhead.peak_record_bytes))
    return rows


def ratio_of_sums(pairs):
    return sum(taken for taken, _ in pairs) / sum(plain for _, plain in pairs)


def interval(pairs, draws=2000):
    """Where the ratio of the sums lies in 90 of 100 draws of the rounds."""
    random = np.random.default_rng(0)
    drawn = np.array(pairs)[random.integers(0, len(pairs), (draws, len(pairs)))].sum(1)
    return np.quantile(drawn[:, 0] / drawn[:, 1], [0.05, 0.95])


def shown(pairs):
    if isinstance(pairs, str):
        return pairs
    ratios = [taken / plain for taken, plain in pairs]
    low, high = interval(pairs)
    middle = f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
    return f"**{ratio_of_sums(pairs):.3f}** [{low:.3f}, {high:.3f}]; {middle}"


def report(results, kept):
    packages = ("torch", "numpy", "wandb")
    lines = [
        "# What watching costs",
        "",
        f"Produced by `benchmarks/watch_overhead.py`. One thread, CPU seconds, 16 rounds of {BLOCK} steps (MLP: 64), "
        f"each block between two of the unwatched twin. {describe_machine(*packages)} {peers()}",
        "",
        "Ratio to the unwatched step: **of the sums** [90 % interval over the rounds]; median (range) of the rounds. "
        "Targets: default at most 1.02, every 16th step at most 1.05.",
        f"Load of the machine while it ran: {os.getloadavg()[2]:.1f} processes on {os.cpu_count()} cores.",
        "",
        "| | " + " | ".join(f"{name}, {1e3 * step:.1f} ms a step" for name, (step, _, _) in results.items()) + " |",
        "|---|" + "---|" * len(results),
    ]
    for kind in CONTENDERS:
        cells = [shown(found[kind.name]) for _, found, _ in results.values() if kind.name in found]
        lines += [f"| {kind.name} | " + " | ".join(cells) + " |"] if cells else []
    lines += ["", "Networks: " + " ".join(f"{name}: {NETWORKS[name].__doc__}" for name in results), ""]
    lines += [
        "## What the watch says of itself",
        "",
        "| network | way | own share | sample, ms | plain step, ms | every |",
    ]
    lines += ["|---|---|---|---|---|---|"]
    for name, (_, _, watched) in results.items():
        for way, figures in watched.items():
            lines.append(
                f"| {name} | {way} | {100 * figures.measured_fraction:.2f} % | {1e3 * figures.sample_seconds:.3f} | "
                f"{1e3 * figures.passive_seconds:.4f} | {figures.interval} |"
            )
    lines += ["", "## Memory", "", "Bytes that the watch keeps, every step sampled, layers of 16 × 16.", ""]
    lengths = sorted({length for _, length, _ in kept})
    lines += ["| layers | " + " | ".join(f"after {length:,} steps" for length in lengths) + " |"]
    lines += ["|---|" + "---|" * len(lengths)]
    for depth in sorted({depth for depth, _, _ in kept}):
        cells = [f"{size:,}" for d, _, size in kept if d == depth]
        lines.append(f"| {depth} | " + " | ".join(cells) + " |")
    missed = misses(results, kept)
    return "\n".join([*lines, "", f"Targets missed: {'; '.join(missed) if missed else 'none'}.", ""]), missed


def misses(results, kept):
    missed = []
    for name, (_, found, _) in results.items():
        for way, target in TARGETS.items():
            pairs = found.get(way, "not run")
            if isinstance(pairs, str) or ratio_of_sums(pairs) > target:
                missed.append(f"{way} on {name}")
    longest = sorted({length for _, length, _ in kept})[-2:]
    for depth in {depth for depth, _, _ in kept}:
        sizes = [size for d, length, size in kept if d == depth and length in longest]
        if len(sizes) == 2 and sizes[1] > 1.1 * sizes[0]:
            missed.append(f"memory grows with the steps at {depth} layers")
    return missed


def peers():
    from importlib import metadata

    from _watch_peers import PEERS

    found = {each.metadata["Name"]: each.version for each in metadata.distributions(path=[str(PEERS)])}
    wanted = ("cockpit-for-pytorch", "backpack-for-pytorch", "fastai", "neuraldbg")
    return "Rivals: " + ", ".join(f"{name} {found[name]}" for name in wanted if name in found) + "."


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two rounds, only to see that it runs")
    parser.add_argument("--only", action="append", help="a network; may be given several times")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    chosen = {name: build for name, build in NETWORKS.items() if not arguments.only or name in arguments.only}
    results = {}
    for name, build in chosen.items():
        results[name] = compare(build, CONTENDERS, 2 if arguments.quick else ROUNDS[name])
        print(name, {way: shown(ratios) for way, ratios in results[name][1].items()}, flush=True)
    kept = memory((4, 40), (600, 1200)) if arguments.quick else memory((10, 50, 250), (300, 600, 1200))
    text, missed = report(results, kept)
    print(text)
    if arguments.out is not None:
        arguments.out.write_text(text)
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
