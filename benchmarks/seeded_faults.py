"""Natural and seeded faults of other people's networks: justfit beside AutoTrainer's rules and NeuralDBG.

    python benchmarks/seeded_faults.py [--peers FOLDER] [--quick] [--out benchmarks/results/seeded_faults.md]

**Templates.** The 50 networks of a published study for its two sets of points (`blob`, `circle`; 6 to 18 dense layers
of 5 units; sigmoid, tanh, relu, exponential; many initializers) are built as given and trained with Adam at 0.01 in
batches of 32 for 30 epochs, with three seeds. A network is sick where the mean of its final validation losses exceeds
that of the best network on the set by more than 10 % of what that one learned (constant prediction − best) and by more
than three standard errors; otherwise it is healthy. A single run of a sick network counts where it is itself worse by
the 10 %. AutoTrainer's rules run as in its `monitor.py` (every 3 epochs on the first batch; vanishing, exploding,
dying ReLU, oscillating, slow, not converged; gradient problems count only together with the last two), for its two
target accuracies. NeuralDBG 1.3.2 watches the first 100 steps of the first seed; found is either any event, or any but
`data_anomaly`.

**Seeded runs.** `mnist_seeded_faults_70`: 70 Keras runs of which only the curves are left, five of each change and of
the origin. A change is a fault where its mean final validation accuracy is below the origin's by more than 0.5 % and
three standard errors; losses of different kinds cannot be compared. Only rules that read losses can judge: an epoch's
train loss is the mean of its 235 steps. The verdict reads both curves; found is an alarm or the verdict over- or
underfitting.
"""

import argparse
import collections
import contextlib
import gzip
import json
import math
import os
import statistics
import sys
import warnings
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np
import torch
from torch import nn

from _machine import describe_machine
from justfit.records import History, LossBins, WatchEvidence, from_json, to_json
from justfit.rules import judge_history, judge_watch
from justfit.watch import watch

CASES = ROOT.parent / "shared" / "cases"
CACHE = ROOT / "build" / "seeded"
NUM_EPOCHS, BATCH, RATE = 30, 32, 0.01
PEER_STEPS = 100


class Exponential(nn.Module):
    def forward(self, x):
        return x.exp()


ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "exponential": Exponential}


def fill(tensor, text):
    """Fill a kernel (out, in) or a bias as Keras does; its defaults are those of Keras."""
    name, _, rest = text.removeprefix("initializers.").partition("(")
    arguments = dict(part.split("=") for part in rest.rstrip(")").replace("'", "").split(", ") if part)
    fan_out, fan_in = tensor.shape if tensor.ndim == 2 else (tensor.shape[0], tensor.shape[0])
    if name == "VarianceScaling":
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[arguments["mode"]]
        variance = float(arguments["scale"]) / fan
        if arguments["distribution"] == "uniform":
            return nn.init.uniform_(tensor, -math.sqrt(3 * variance), math.sqrt(3 * variance))
        std = math.sqrt(variance) / 0.87962566  # Keras draws a truncated normal and corrects for it
        return nn.init.trunc_normal_(tensor, std=std, a=-2 * std, b=2 * std)
    return {
        "Zeros": lambda: nn.init.zeros_(tensor),
        "Constant": lambda: nn.init.zeros_(tensor),
        "Ones": lambda: nn.init.ones_(tensor),
        "RandomUniform": lambda: nn.init.uniform_(tensor, -0.05, 0.05),
        "RandomNormal": lambda: nn.init.normal_(tensor, std=0.05),
        "TruncatedNormal": lambda: nn.init.trunc_normal_(tensor, std=0.05, a=-0.1, b=0.1),
    }[name]()


def build(template):
    parts, inputs = [], 2
    for layer in template["layers"]:
        if layer["type"] == "Activation":
            parts.append(ACTIVATIONS[layer["args"][0]]())
            continue
        dense = nn.Linear(inputs, layer["units"])
        glorot = "initializers.VarianceScaling(scale=1.0, mode='fan_avg', distribution='uniform')"
        fill(dense.weight.data, layer.get("kernel_initializer", glorot))
        fill(dense.bias.data, layer.get("bias_initializer", "initializers.Zeros()"))
        parts += [dense, *([ACTIVATIONS[layer["activation"]]()] if "activation" in layer else [])]
        inputs = layer["units"]
    return nn.Sequential(*parts)


def data(name):
    with np.load(CASES / f"data_{name.lower()}.npz") as stored:
        tensors = [torch.tensor(stored[key]).float() for key in ("x", "y", "x_val", "y_val")]
    return [t[:, None] if t.ndim == 1 else t for t in tensors]


class AutoTrainer:
    """The rules of AutoTrainer's `monitor.py` with their defaults; `target` is its Theta."""

    def __init__(self, target):
        self.target, self.accuracies, self.losses, self.found = target, [], [], set()

    def epoch(self, module, batch, targets, accuracy, loss):
        self.accuracies.append(accuracy)
        self.losses.append(loss)
        if len(self.accuracies) % 3 == 0:
            self._check(module, batch, targets)

    def _check(self, module, batch, targets):
        kernels = [part.weight for part in module if isinstance(part, nn.Linear)]
        loss = loss_of(module, batch, targets)
        gradients = torch.autograd.grad(loss, kernels, allow_unused=True)
        gradients = [torch.zeros_like(k) if g is None else g for g, k in zip(gradients, kernels, strict=True)]
        first, last = gradients[0].norm().item(), gradients[-1].norm().item()
        ratio = first / last if last else math.inf
        broken = any(not bool(torch.isfinite(p).all()) for p in module.parameters())
        poor = max(self.accuracies) < self.target or self._slow()
        if poor and ratio < 1e-3 and first < 1e-4:
            self.found.add("vanish")
        if (poor and ratio > 70) or broken or not math.isfinite(first + last):
            self.found.add("explode")
        zero = sum(int((g == 0).sum()) for g in gradients) / sum(g.numel() for g in gradients)
        if poor and zero >= 0.7 and any(isinstance(part, nn.ReLU) for part in module):
            self.found.add("dying relu")

    def _slow(self):
        rises = [after - before for before, after in zip(self.accuracies, self.accuracies[1:], strict=False)]
        return bool(rises) and max(rises) < 0.01

    def verdict(self):
        """What it reports: oscillation, slowness and missed target are judged over all epochs."""
        found = set(self.found)
        turns = self.accuracies
        swings, low, high, rising = 0, turns[0], turns[0], True
        for value in turns[1:]:
            if rising and value < high - 0.03:
                swings, low, rising = swings + 1, value, False
            elif not rising and value > low + 0.03:
                swings, high, rising = swings + 1, value, True
            low, high = min(low, value), max(high, value)
            low, high = (value, high) if not rising and value < low else (low, high)
        found |= {"oscillating"} if swings >= 0.2 * len(turns) else set()
        found |= {"slow"} if self._slow() else set()
        found |= {"not converged"} if max(turns) < self.target else set()
        return sorted(found)


def neural_dbg(module):
    """A context with `.after(loss, step)`; None where the package is not there."""
    try:
        from neuraldbg import NeuralDbg
    except ImportError:
        return None
    warnings.simplefilter("ignore")
    return NeuralDbg(module)


def accuracy_of(output, y):
    if y.shape[1] == 1:
        return ((output > 0.5) == (y > 0.5)).float().mean().item()
    return (output.argmax(1) == y.argmax(1)).float().mean().item()


def batches(x, y, seed):
    draw = torch.Generator().manual_seed(seed)
    while True:
        order = torch.randperm(len(x), generator=draw)
        yield [(x[rows], y[rows]) for rows in order.split(BATCH)]


def loss_of(module, x, y):
    """Binary cross-entropy as Keras has it: probabilities are kept 1e-7 away from 0 and 1; NaN stays NaN."""
    p = module(x).clamp(1e-7, 1 - 1e-7)
    return -(y * p.log() + (1 - y) * (1 - p).log()).mean()


def trained(template, seed):
    """Train one template; what it became and what each tool said."""
    x, y, validation_x, validation_y = data(template["dataset"])
    torch.manual_seed(seed)
    module = build(template)
    optimizer = torch.optim.Adam(module.parameters(), lr=RATE, eps=1e-7)
    rivals = [AutoTrainer(0.7), AutoTrainer(0.6)]
    epochs = batches(x, y, seed)
    with watch(module, optimizer, live=False) as run:
        for _ in range(NUM_EPOCHS):
            for a, b in next(epochs):
                optimizer.zero_grad()
                loss_of(module, a, b).backward()
                optimizer.step()
            with torch.no_grad():
                losses = [loss_of(module, *pair).item() for pair in ((x, y), (validation_x, validation_y))]
                accuracy = accuracy_of(module(x), y)
            run.end_epoch(train_loss=losses[0], validation_loss=losses[1])
            for rival in rivals:
                rival.epoch(module, x[:BATCH], y[:BATCH], accuracy, losses[0])
    broken = any(not bool(torch.isfinite(p).all()) for p in module.parameters())
    share = validation_y.double().mean(0)
    constant = -(share * share.log() + (1 - share) * (1 - share).log()).mean().item()
    return {
        "loss": math.inf if broken else losses[1],
        "constant": constant,
        "evidence": to_json(run.record.evidence),
        "AutoTrainer, target 0.7": rivals[0].verdict(),
        "AutoTrainer, target 0.6": rivals[1].verdict(),
    }


def with_neural_dbg(template, seed):
    x, y, *_ = data(template["dataset"])
    torch.manual_seed(seed)
    module = build(template)
    peer = neural_dbg(module)
    if peer is None:
        return {}
    optimizer = torch.optim.Adam(module.parameters(), lr=RATE, eps=1e-7)
    steps = [pair for _, epoch in zip(range(5), batches(x, y, seed), strict=False) for pair in epoch][:PEER_STEPS]
    with contextlib.redirect_stdout(None), peer:
        for number, (a, b) in enumerate(steps):
            peer.step = number
            optimizer.zero_grad()
            loss = loss_of(module, a, b)
            loss.backward()
            peer.record_loss(loss.item())
            optimizer.step()
    kinds = sorted({event.event_type.value for event in peer.events})
    return {"NeuralDBG, any event": kinds, "NeuralDBG, no data events": [k for k in kinds if k != "data_anomaly"]}


def kept(name, make):
    path = CACHE / f"{name}.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(make()))
    return json.loads(path.read_text())


def template_runs(seeds, quick):
    templates = [
        t for t in json.loads((CASES / "architecture_templates.json").read_text()) if t["dataset"] in ("Blob", "Circle")
    ]
    templates = templates[::5] if quick else templates
    runs = []
    for template in templates:
        key = f"{template['dataset']} {template['key'].replace('/', ' ')}"
        mine = [kept(f"{key} {seed}", lambda t=template, s=seed: trained(t, s)) for seed in seeds]
        for one in mine:
            evidence = from_json(WatchEvidence, one.pop("evidence"))
            one["justfit"] = sorted({f.code for f in judge_watch(evidence)[0] if f.severity != "info"})
        mine[0] |= kept(f"{key} peer", lambda t=template: with_neural_dbg(t, 0))
        runs.append((template["dataset"], template["key"], mine))
        print(
            template["dataset"],
            template["key"],
            [round(one["loss"], 3) for one in mine],
            mine[0]["justfit"],
            flush=True,
        )
    return runs


def labelled(runs):
    """(set, network, run, harmful) for each run; None where the mean and the run disagree."""
    rows = []
    for name in ("Blob", "Circle"):
        mine = [(key, each) for dataset, key, each in runs if dataset == name]
        if not mine:
            continue
        means = {key: statistics.fmean(one["loss"] for one in each) for key, each in mine}
        best = min(means.values())
        bar = 0.1 * (mine[0][1][0]["constant"] - best)
        for key, each in mine:
            losses = [one["loss"] for one in each]
            finite = [loss for loss in losses if math.isfinite(loss)]
            error = statistics.stdev(finite) / math.sqrt(len(finite)) if len(finite) == len(losses) > 1 else 0.0
            sick = means[key] - best > max(bar, 3 * error)
            for one in each:
                worse = not one["loss"] - best <= bar
                rows.append((name, key, one, sick and worse if sick == worse else None))
    return rows


def template_lines(runs):
    rows = labelled(runs)
    tools = [
        "justfit",
        "AutoTrainer, target 0.7",
        "AutoTrainer, target 0.6",
        "NeuralDBG, any event",
        "NeuralDBG, no data events",
    ]
    lines = ["| tool | sick runs | found | healthy runs | false alarms |", "|---|---|---|---|---|"]
    for tool in tools:
        sick = [one for *_, one, harm in rows if harm is True and tool in one]
        well = [one for *_, one, harm in rows if harm is False and tool in one]
        found, false = (sum(bool(one[tool]) for one in group) for group in (sick, well))
        shares = [f" ({count / max(len(group), 1):.0%})" for count, group in ((found, sick), (false, well))]
        lines.append(f"| {tool} | {len(sick)} | {found}{shares[0]} | {len(well)} | {false}{shares[1]} |")
    missed = [f"{name} {key}: {one['loss']:.3g}" for name, key, one, harm in rows if harm and not one["justfit"]]
    alarms = [f"{name} {key}: {one['justfit']}" for name, key, one, harm in rows if harm is False and one["justfit"]]
    codes = collections.Counter(code for *_, one, harm in rows if harm for code in one["justfit"])
    unsure = sum(harm is None for *_, harm in rows)
    return [
        *lines,
        "",
        f"{unsure} runs that disagree with the mean of their network are left out. Codes on the sick: "
        + ", ".join(f"{code} {count}" for code, count in codes.most_common())
        + ".",
        "",
        *(f"- missed: {one}" for one in missed),
        *(f"- false alarm: {one}" for one in alarms),
    ]


# --- curves only ---------------------------------------------------------------------------------------------------


def curve_evidence(losses, history):
    nothing, steps = (math.nan,) * len(losses), math.ceil(60_000 / 256)
    bins = LossBins(
        first_step=tuple(1 + steps * epoch for epoch in range(len(losses))),
        num_steps=(steps,) * len(losses),
        mean=losses,
        std=nothing,
        minimum=losses,
        maximum=losses,
    )
    return WatchEvidence(
        module="", num_parameters=0, unit_roundoff=1.2e-7, optimizers=(), layers=(), losses=bins, history=history
    )


def seeded_lines():
    with gzip.open(CASES / "mnist_seeded_faults_70.jsonl.gz", "rt") as file:
        runs = [json.loads(line) for line in file]
    ends = collections.defaultdict(list)
    for run in runs:
        ends[run["case"]].append(run["curves"]["val_accuracy"][-1])
    origin = ends["origin"]
    lines = ["| case | final accuracy | fault | runs | verdict | codes |", "|---|---|---|---|---|---|"]
    total = collections.Counter()
    for case, accuracies in ends.items():
        drop = statistics.fmean(origin) - statistics.fmean(accuracies)
        error = math.hypot(*(statistics.stdev(group) / math.sqrt(len(group)) for group in (origin, accuracies)))
        fault = drop > max(0.005, 3 * error)
        mine = [run for run in runs if run["case"] == case]
        states, codes, found = collections.Counter(), collections.Counter(), 0
        for run in mine:
            train, validation = (tuple(run["curves"][name]) for name in ("loss", "val_loss"))
            history = History(epochs=tuple(range(1, len(train) + 1)), train_loss=train, validation_loss=validation)
            verdict = judge_history(history)
            alarms = {f.code for f in judge_watch(curve_evidence(train, history))[0] if f.severity != "info"}
            alarms |= {f.code for f in verdict.findings if f.severity != "info"}
            states[verdict.state] += 1
            codes.update(alarms)
            found += bool(alarms) or verdict.state in ("overfitting", "underfitting")
        total[fault, "runs"] += len(mine)
        total[fault, "found"] += found
        words = [", ".join(f"{name} {count}" for name, count in one.items()) for one in (states, codes)]
        mean = statistics.fmean(accuracies)
        lines.append(
            f"| {case} | {mean:.3f} | {'yes' if fault else 'no'} | {len(mine)} | {words[0]} | {words[1] or '–'} |"
        )
    return [
        *lines,
        "",
        f"Found {total[True, 'found']} of {total[True, 'runs']} faulty runs; alarms on {total[False, 'found']} of "
        f"{total[False, 'runs']} others. The stored runs have no AutoTrainer reports: `autotrainer_issues` is empty.",
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--peers", type=Path, help="folder with neuraldbg, from `pip install --target`")
    parser.add_argument("--quick", action="store_true", help="every fifth template, one seed")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.peers:
        sys.path.append(str(arguments.peers))
    runs = template_runs(range(1 if arguments.quick else 3), arguments.quick)
    text = ["# Faults of other people's networks", "", __doc__.split("\n\n", 2)[2].strip(), "", "## Templates", ""]
    text += [*template_lines(runs), "", "## Seeded runs on MNIST", "", *seeded_lines(), "", describe_machine("torch")]
    print("\n".join(text))
    if arguments.out:
        arguments.out.write_text("\n".join(text) + "\n")


if __name__ == "__main__":
    main()
