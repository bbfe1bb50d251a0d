"""A tiny training in plain PyTorch, with the norms and losses that every host must show, computed one by one."""

import dataclasses

import torch
from torch import nn

RATE = 0.1
MOMENTUM = 0.9
CLIP = 0.05  # below every gradient norm of the first steps, so that clipping does something
NUM_EXAMPLES = 24
BATCH = 4
ACCUMULATED = 2
EPOCHS = 2
STEPS = EPOCHS * NUM_EXAMPLES // BATCH // ACCUMULATED


def make_network(dropout: float = 0.0) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 1))


def make_data(seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(NUM_EXAMPLES, 6, generator=draw)
    return x, x[:, :1] * 3 + torch.randn(NUM_EXAMPLES, 1, generator=draw)


@dataclasses.dataclass
class Trace:
    """What each step and epoch showed; norms by layer, in float64."""

    network: nn.Module
    gradient: list[dict[str, float]] = dataclasses.field(default_factory=list)
    clipped: list[dict[str, float]] = dataclasses.field(default_factory=list)
    update: list[dict[str, float]] = dataclasses.field(default_factory=list)
    hidden: list[list[float]] = dataclasses.field(default_factory=list)  # rms after tanh, of each micro-batch
    loss: list[float] = dataclasses.field(default_factory=list)
    train_loss: list[float] = dataclasses.field(default_factory=list)
    validation_loss: list[float] = dataclasses.field(default_factory=list)


def by_layer(tensors: dict[str, torch.Tensor]) -> dict[str, float]:
    """Put the norms of a layer's weight and bias together."""
    squares: dict[str, float] = {}
    for name, tensor in tensors.items():
        layer = name.rpartition(".")[0]
        squares[layer] = squares.get(layer, 0.0) + tensor.detach().double().square().sum().item()
    return {layer: square**0.5 for layer, square in squares.items()}


def gradients_of(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}


def train_plain(*, clip: float | None = CLIP, accumulated: int = ACCUMULATED) -> Trace:
    """Train without dropout, in order, with accumulation and clipping."""
    network = make_network()
    trace = Trace(network)
    optimizer = torch.optim.SGD(network.parameters(), lr=RATE, momentum=MOMENTUM)
    x, y = make_data()
    held_x, held_y = make_data(2)
    for _ in range(EPOCHS):
        losses: list[float] = []
        for start in range(0, NUM_EXAMPLES, BATCH):
            rows = slice(start, start + BATCH)
            hidden = network[1](network[0](x[rows]))
            loss = nn.functional.mse_loss(network[3](hidden), y[rows])
            if len(losses) % accumulated == 0:
                trace.hidden.append([])
            trace.hidden[-1].append(hidden.detach().double().square().mean().sqrt().item())
            losses.append(loss.item())
            (loss / accumulated).backward()
            if len(losses) % accumulated:
                continue
            trace.gradient.append(by_layer(gradients_of(network)))
            if clip is not None:
                nn.utils.clip_grad_norm_(network.parameters(), clip)
            trace.clipped.append(by_layer(gradients_of(network)))
            before = {name: p.detach().clone() for name, p in network.named_parameters()}
            optimizer.step()
            trace.update.append(by_layer({name: p - before[name] for name, p in network.named_parameters()}))
            optimizer.zero_grad()
            trace.loss.append(sum(losses[-accumulated:]) / accumulated)
        trace.train_loss.append(sum(losses) / len(losses))
        with torch.no_grad():
            trace.validation_loss.append(nn.functional.mse_loss(network(held_x), held_y).item())
    return trace
