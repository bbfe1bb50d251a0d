"""Five families of small networks whose depth, activation, normalisation and skip connections can be chosen."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
}


class Residual(nn.Module):
    """x + f(x)."""

    def __init__(self, *inner: nn.Module) -> None:
        super().__init__()
        self.inner = nn.Sequential(*inner)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inner(x)


class Attention(nn.Module):
    """Self-attention over (batch, tokens, width)."""

    def __init__(self, width: int, causal: bool) -> None:
        super().__init__()
        self.query_key_value = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.causal = causal

    def forward(self, x: Tensor) -> Tensor:
        heads = [part.unflatten(-1, (2, -1)).transpose(1, 2) for part in self.query_key_value(x).chunk(3, -1)]
        mixed = nn.functional.scaled_dot_product_attention(*heads, is_causal=self.causal)
        return self.output(mixed.transpose(1, 2).flatten(-2))


class Tokens(nn.Module):
    """Embedding of tokens and of their places."""

    def __init__(self, num_tokens: int, length: int, width: int) -> None:
        super().__init__()
        self.token = nn.Embedding(num_tokens, width)
        self.place = nn.Embedding(length, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.token(x) + self.place(torch.arange(x.shape[1]))


class MeanOverTokens(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(1)


class Recurrent(nn.Module):
    """Embedding, one GRU or LSTM, and the state at every token or at the last."""

    def __init__(self, num_tokens: int, width: int, kind: str, every_token: bool) -> None:
        super().__init__()
        self.token = nn.Embedding(num_tokens, width)
        self.cell = {"gru": nn.GRU, "lstm": nn.LSTM}[kind](width, width, batch_first=True)
        self.every_token = every_token

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.cell(self.token(x))
        return states if self.every_token else states[:, -1]


def mlp(inputs: int, outputs: int, *, depth: int, width: int, activation: str, norm: bool) -> nn.Sequential:
    parts: list[nn.Module] = []
    for index in range(depth):
        parts.append(nn.Linear(inputs if index == 0 else width, width))
        parts += [nn.BatchNorm1d(width)] if norm else []
        parts.append(ACTIVATIONS[activation]())
    return nn.Sequential(*parts, nn.Linear(width, outputs))


def cnn(channels: int, outputs: int, *, depth: int, width: int, activation: str, norm: bool) -> nn.Sequential:
    parts: list[nn.Module] = []
    for index in range(depth):
        parts.append(nn.Conv2d(channels if index == 0 else width, width, 3, padding=1))
        parts += [nn.BatchNorm2d(width)] if norm else []
        parts.append(ACTIVATIONS[activation]())
        parts += [nn.MaxPool2d(2)] if index in (0, depth - 1) else []
    return nn.Sequential(*parts, nn.Flatten(), nn.LazyLinear(outputs))


def resnet(channels: int, outputs: int, *, depth: int, width: int, activation: str, norm: bool) -> nn.Sequential:
    def normalised() -> list[nn.Module]:
        return [nn.BatchNorm2d(width)] if norm else []

    parts: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1, stride=2), *normalised()]
    for _ in range(depth):
        first, second = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        inner = [*normalised(), ACTIVATIONS[activation](), first, *normalised(), ACTIVATIONS[activation](), second]
        parts.append(Residual(*inner))
    return nn.Sequential(
        *parts, ACTIVATIONS[activation](), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.LazyLinear(outputs)
    )


def transformer(
    num_tokens: int, outputs: int, *, depth: int, width: int, activation: str, norm: bool, skip: bool, causal: bool
) -> nn.Sequential:
    def block(*inner: nn.Module) -> nn.Module:
        inner = (nn.LayerNorm(width), *inner) if norm else inner
        return Residual(*inner) if skip else nn.Sequential(*inner)

    parts: list[nn.Module] = [Tokens(num_tokens, 16, width)]
    for _ in range(depth):
        parts.append(block(Attention(width, causal)))
        wide = nn.Linear(width, 2 * width)
        parts.append(block(wide, ACTIVATIONS[activation](), nn.Linear(2 * width, width)))
    parts += [nn.LayerNorm(width)] if norm else []
    parts += [] if causal else [MeanOverTokens()]
    return nn.Sequential(*parts, nn.Linear(width, outputs))


def recurrent(num_tokens: int, outputs: int, *, kind: str, width: int, every_token: bool) -> nn.Sequential:
    return nn.Sequential(Recurrent(num_tokens, width, kind, every_token), nn.Linear(width, outputs))
