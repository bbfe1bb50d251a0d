"""A slow, obvious watch: every step, every parameter, every activation module, read with hooks and copies."""

import math
from dataclasses import dataclass, field

import torch
from torch import nn

from justfit.records import FirstFailure, History, LayerTrace, LossBins, OptimizerTrace, WatchEvidence

SERIES = (
    "weight_norm", "gradient_norm", "clipped_gradient_norm", "update_norm", "activation_rms", "dead_fraction",
    "saturated_fraction",
)  # fmt: skip
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm)
ACTIVATIONS = {
    nn.ReLU: "relu", nn.Tanh: "tanh", nn.Sigmoid: "sigmoid", nn.GELU: "gelu", nn.SiLU: "silu", nn.ELU: "elu",
}  # fmt: skip
# Largest |z| at which the derivative is above 5 % of its largest.
EDGES = {"tanh": 2.18, "sigmoid": 4.36}


@dataclass
class PlainWatch:
    """Use as a context manager around a loop with one optimizer; `evidence` says what was measured."""

    module: nn.Module
    optimizer: torch.optim.Optimizer
    every: int = 1
    series: dict = field(default_factory=dict)
    losses: list = field(default_factory=list)
    steps: list = field(default_factory=list)
    rates: list = field(default_factory=list)
    epochs: list = field(default_factory=list)
    failure: FirstFailure | None = None

    def __enter__(self):
        self.owners = {
            name: list(part.parameters(recurse=False))
            for name, part in self.module.named_modules()
            if any(True for _ in part.parameters(recurse=False))
        }
        self.given = {id(p) for group in self.optimizer.param_groups for p in group["params"]}
        self.series = {name: {kind: [] for kind in SERIES} for name in self.owners}
        self.facts = {name: {"activation": None, "normalised": False} for name in self.owners}
        self.seen: dict = {}
        self.count = 0
        self._structure()
        self.handles = [
            part.register_forward_hook(self._activation(name)) for name, part in self.module.named_modules()
        ]
        self.handles += [self.optimizer.register_step_pre_hook(self._before)]
        self.handles += [self.optimizer.register_step_post_hook(self._after)]
        self.backward = torch.autograd.backward

        def spy(tensors, *arguments, **keywords):
            self.losses.append(tensors.item() if isinstance(tensors, torch.Tensor) else tensors[0].item())
            self.backward(tensors, *arguments, **keywords)
            self.raw = {name: self._norm(p.grad for p in owned) for name, owned in self.owners.items()}

        torch.autograd.backward = spy
        return self

    def __exit__(self, *_):
        torch.autograd.backward = self.backward
        for handle in self.handles:
            handle.remove()

    def _structure(self):
        """In the order of definition, which is that of execution in the patients."""
        last = None
        for name, part in self.module.named_modules():
            if isinstance(part, NORMS) and last is not None:
                self.facts[last]["normalised"] = True
            elif type(part) in ACTIVATIONS and last is not None and self.facts[last]["activation"] is None:
                self.facts[last]["activation"] = ACTIVATIONS[type(part)]
            if name in self.owners and not isinstance(part, NORMS):
                last = name
        self.facts[last]["is_output"] = True

    def _activation(self, name):
        kind = ACTIVATIONS.get(type(self.module.get_submodule(name)))

        def hook(part, inputs, output):
            if name in self.owners:
                self.latest = name if not isinstance(part, NORMS) else self.latest
            elif kind is not None and part.training and hasattr(self, "latest"):
                z = inputs[0].detach()
                flat = z.movedim(1, -1).flatten(0, -2) if z.ndim == 4 else z.flatten(0, -2)
                dead = (flat <= 0).all(0).float().mean().item() if kind == "relu" else math.nan
                edge = EDGES.get(kind)
                saturated = (flat.abs() > edge).float().mean().item() if edge else math.nan
                self.seen.setdefault(
                    self.latest, (output.detach().float().pow(2).mean().sqrt().item(), dead, saturated)
                )

        return hook

    @staticmethod
    def _norm(tensors):
        squares = [t.detach().double().pow(2).sum().item() for t in tensors if t is not None]
        return math.sqrt(sum(squares)) if squares else math.nan

    def _before(self, *_):
        self.count += 1
        self.copies = {name: [p.detach().clone() for p in owned] for name, owned in self.owners.items()}
        total = sum(norm for norm in self.raw.values() if not math.isnan(norm))
        finite = all(
            torch.isfinite(p.grad).all() for owned in self.owners.values() for p in owned if p.grad is not None
        )
        if self.failure is None and not (finite and math.isfinite(self.losses[-1])):
            cause = "nan" if math.isnan(self.losses[-1]) or math.isnan(total) else "inf"
            stage = "backward" if math.isfinite(self.losses[-1]) else "forward"
            self.failure = FirstFailure(cause=cause, stage=stage, step=self.count, epoch=1)

    def _after(self, *_):
        if (self.count - 1) % self.every == 0:
            self.steps.append(self.count)
            self.rates.append(self.optimizer.param_groups[0]["lr"])
            for name, owned in self.owners.items():
                mine = self.series[name]
                before = self.copies[name]
                mine["weight_norm"].append(self._norm(before))
                mine["gradient_norm"].append(self.raw[name])
                mine["clipped_gradient_norm"].append(self._norm(p.grad for p in owned))
                given = [id(p) in self.given for p in owned]
                moved = self._norm(p - b for p, b in zip(owned, before, strict=True))
                mine["update_norm"].append(moved if any(given) else math.nan)
                rms, dead, saturated = self.seen.get(name, (math.nan,) * 3)
                mine["activation_rms"].append(rms)
                mine["dead_fraction"].append(dead)
                mine["saturated_fraction"].append(saturated)
        self.seen = {}

    def end_epoch(self, **losses):
        self.epochs.append(losses)

    def log_loss(self, loss):
        self.losses[-1] = float(loss)

    def evidence(self):
        layers = []
        for name, owned in self.owners.items():
            part = self.module.get_submodule(name)
            given = any(id(p) in self.given for p in owned)
            layers.append(
                LayerTrace(
                    name=name,
                    kind=type(part).__name__,
                    num_parameters=sum(p.numel() for p in owned),
                    num_trainable=sum(p.numel() for p in owned if p.requires_grad),
                    optimizer=0 if given else -1,
                    has_units=any(p.ndim > 1 for p in owned) and not isinstance(part, nn.Embedding),
                    **self.facts[name],
                    **{kind: tuple(values) for kind, values in self.series[name].items()},
                )
            )
        histories = {
            key: tuple(one[key] for one in self.epochs)
            for key in ("train_loss", "validation_loss", "train_loss_se", "validation_loss_se")
        }
        return WatchEvidence(
            module=type(self.module).__name__,
            num_parameters=sum(p.numel() for p in self.module.parameters()),
            unit_roundoff=torch.finfo(next(self.module.parameters()).dtype).eps,
            optimizers=(
                OptimizerTrace(
                    name="optimizer",
                    kind=type(self.optimizer).__name__,
                    steps=tuple(self.steps),
                    learning_rate=tuple(self.rates),
                    num_steps=self.count,
                ),
            ),
            layers=tuple(layers),
            losses=bins_of(self.losses),
            history=History(epochs=tuple(range(1, len(self.epochs) + 1)), **histories),
            first_failure=self.failure,
        )


def bins_of(losses, most=512):
    """Bins of equal length, a power of two, at most `most`."""
    length = 1
    while -(-len(losses) // length) > most:
        length *= 2
    chunks = [losses[start : start + length] for start in range(0, len(losses), length)]
    finite = [[loss for loss in chunk if math.isfinite(loss)] for chunk in chunks]

    def each(summary):
        return tuple(summary(chunk) if chunk else math.nan for chunk in finite)

    def spread(chunk):
        return float(torch.tensor(chunk, dtype=torch.float64).std()) if len(chunk) > 1 else math.nan

    return LossBins(
        first_step=tuple(range(1, len(losses) + 1, length)),
        num_steps=tuple(len(chunk) for chunk in finite),
        mean=each(lambda chunk: sum(chunk) / len(chunk)),
        std=each(spread),
        minimum=each(min),
        maximum=each(max),
    )
