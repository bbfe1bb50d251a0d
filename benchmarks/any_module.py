"""How fast does a sweep train networks of any kind? Its chosen tier against a plain PyTorch loop, one thread.

    python benchmarks/any_module.py [--quick] [--out benchmarks/results/any_module.md]

The plain loop is what a user would write with all speed in mind: fused Adam, its own coupled weight decay on the
weights (λ/n), dropout as built. Each network has its own λ and p. A step is all of it: taking the batch, forward,
backward, penalty, optimizer. Loop and tier are timed in turn, in CPU seconds; a ratio is formed inside a round, and the
table shows the median of the rounds with its range.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import itertools
import statistics
import time
import warnings
from pathlib import Path

import torch
from torch import nn

from _machine import describe_machine
from justfit.sweep._loop import Network, named_seed, seed_generator
from justfit.sweep._parity import stacking_errors
from justfit.sweep._probe import _largest_group, choose_tier
from justfit.sweep._problem import NEVER_HELD_OUT
from justfit.sweep._stack import Stack
from justfit.sweep._training import Examples, Setting, SweepVariant, Training
from justfit.sweep._vectorised import chunk_size, filled, pieces

BATCH, ROWS, CLASSES = 32, 1024, 5
DROPOUTS = (0.1, 0.3, 0.5)


def mlp(width):
    def build():
        layers, below = [], 64
        for _ in range(2):
            layers += [nn.Linear(below, width), nn.LayerNorm(width), nn.ReLU(), nn.Dropout(0.2)]
            below = width
        return nn.Sequential(*layers, nn.Linear(below, CLASSES))

    return build


def batchnorm_mlp():
    return nn.Sequential(
        nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, CLASSES),
    )  # fmt: skip


def conv_net():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.2), nn.Linear(64, CLASSES),
    )  # fmt: skip


class LSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(8, 32, batch_first=True)
        self.drop, self.out = nn.Dropout(0.2), nn.Linear(32, CLASSES)

    def forward(self, x):
        return self.out(self.drop(self.lstm(x)[0][:, -1]))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(8, 32)
        self.layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.2, batch_first=True)
        self.out = nn.Linear(32, CLASSES)

    def forward(self, x):
        return self.out(self.layer(self.embed(x)).mean(1))


CASES = {
    "MLP with LayerNorm, 64-32-32-5": (mlp(32), (64,)),
    "MLP with LayerNorm, 64-64-64-5": (mlp(64), (64,)),
    "MLP with LayerNorm, 64-128-128-5": (mlp(128), (64,)),
    "MLP with BatchNorm, 64-64-64-5": (batchnorm_mlp, (64,)),
    "transformer layer, 8 tokens of 32": (Transformer, (8, 8)),
    "conv net, 8 and 16 channels, 8×8": (conv_net, (1, 8, 8)),
    "LSTM of 32, 8 steps": (LSTM, (8, 8)),
}


def training(build, shape):
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(ROWS, *shape, generator=generator)
    targets = torch.randint(CLASSES, (ROWS,), generator=generator)
    examples = Examples(inputs, targets, torch.full((ROWS,), NEVER_HELD_OUT))
    return Training(build=build, examples=examples, loss_fn=nn.CrossEntropyLoss(), batch_size=BATCH, epochs=10)


def variants(number):
    settings = itertools.product([0.01 * 1.2**power for power in range(number)], DROPOUTS)
    return [SweepVariant(setting=Setting(l2=l2, dropout=p)) for l2, p in itertools.islice(settings, number)]


class PlainLoop:
    """A user's own loop over some networks."""

    def __init__(self, work, some):
        self.work, self.number, self.trained = work, len(some), []
        for variant in some:
            module = work.build()
            for part in module.modules():
                if isinstance(part, nn.Dropout):
                    part.p = variant.setting.dropout
                if isinstance(part, nn.MultiheadAttention):
                    part.dropout = variant.setting.dropout
            decay = variant.setting.l2 / ROWS
            weights = [p for p in module.parameters() if p.ndim > 1]
            rest = [p for p in module.parameters() if p.ndim < 2]
            groups = [{"params": weights, "weight_decay": decay}, {"params": rest}]
            self.trained.append((module.train(), torch.optim.Adam(groups, lr=1e-3, fused=True)))

    def steps(self, order):
        inputs, targets, loss_fn = self.work.examples.inputs, self.work.examples.targets, self.work.loss_fn
        for module, optimizer in self.trained:
            for rows in order:
                optimizer.zero_grad()
                loss_fn(module(inputs[rows]), targets[rows]).backward()
                optimizer.step()


class OurLoop:
    """The loop tier on some networks."""

    def __init__(self, work, some):
        self.number = len(some)
        self.networks = [Network(work, variant, None) for variant in some]

    def steps(self, order):
        for network in self.networks:
            for step, rows in enumerate(order):
                seed_generator(named_seed(0, "step", 0, step), "cpu")
                network._step(rows, 1.0)


class Stacked:
    """The vectorised tier, in the chunks that `run_vectorised` would cut."""

    def __init__(self, work, some):
        self.number = len(some)
        places = pieces(list(range(len(some))), chunk_size(work, some[0]))
        self.stacks = [Stack(work, filled([some[place] for place in piece])) for piece in places]

    def steps(self, order):
        for stack in self.stacks:
            for step, rows in enumerate(order):
                seed_generator(named_seed(0, "step", 0, step), "cpu")
                stack.step(rows, 1.0)


def cpu_seconds(engine, order):
    started = time.process_time()
    engine.steps(order)
    return (time.process_time() - started) / (engine.number * len(order))


def run_case(build, shape, number, rounds):
    work, some = training(build, shape), variants(number)
    choice = choose_tier(work, some)
    few = some[:: max(1, number // 4)][:4]
    engines = {"plain": PlainLoop(work, few), "loop": OurLoop(work, few)}
    try:
        engines["vectorised"] = Stacked(work, some)
        engines["vectorised"].steps(torch.randperm(ROWS)[:BATCH][None])
    except Exception:  # an operation without a batching rule
        engines.pop("vectorised")
    order = torch.randperm(ROWS)[: 4 * BATCH].view(4, BATCH)
    for engine in engines.values():
        engine.steps(order[:1])
    ratios, plain = {name: [] for name in engines}, []
    for turn in range(rounds):
        names = list(engines) if turn % 2 else list(reversed(engines))
        seconds = {name: cpu_seconds(engines[name], order) for name in names}
        plain.append(seconds["plain"])
        for name in engines:
            ratios[name].append(seconds["plain"] / seconds[name])
    error = max(stacking_errors(work, _largest_group(work, some)).values()) if choice.tier == "vectorised" else 0.0
    return choice, plain, ratios, error


def shown(values):
    return f"{statistics.median(values):.2f} [{min(values):.2f}..{max(values):.2f}]" if values else "cannot"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 rounds, K = 8 and 32")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", help="part of a case's name")
    parser.add_argument("--out")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    load = os.getloadavg()
    lines = [
        "# Speed of a sweep over networks of any kind",
        "",
        "Produced by `benchmarks/any_module.py`. Ratio of the CPU seconds of one whole training step of one network, "
        f"plain PyTorch loop with fused Adam over ours: median [min..max] of {options.rounds} paired rounds; above 1 "
        f"we are faster. Batch {BATCH}, {ROWS} rows, one thread; each network has its own λ, and p of {DROPOUTS}.",
        "",
        "The chosen tier is bold. Error: largest distance of gradients, buffers and losses from the loop tier's, "
        "relative (0 where the loop itself is chosen).",
        "",
        describe_machine("torch", "numpy"),
        "",
        "| network | K | plain loop, µs | tier | ratio of the loop tier | ratio of the stack | error |",
        "|---|---|---|---|---|---|---|",
    ]
    print("\n".join(lines[-2:]), flush=True)
    for (name, (build, shape)), number in itertools.product(CASES.items(), (8, 32) if options.quick else (8, 32, 128)):
        if options.only and options.only not in name:
            continue
        choice, plain, ratios, error = run_case(build, shape, number, 3 if options.quick else options.rounds)
        cells = {tier: shown(ratios.get(tier)) for tier in ("loop", "vectorised")}
        cells[choice.tier] = f"**{cells[choice.tier]}**"
        lines.append(
            f"| {name} | {number} | {statistics.median(plain) * 1e6:.0f} | {choice.tier} | {cells['loop']} "
            f"| {cells['vectorised']} | {error:.0e} |"
        )
        print(lines[-1], flush=True)
    lines += ["", f"Load of the machine (1, 5, 15 minutes): before {load}, after {os.getloadavg()}.", ""]
    if options.out:
        Path(options.out).write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
