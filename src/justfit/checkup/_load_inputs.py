"""Inputs by shape: `64,3,32,32` and `64,128:int1000`, or what the first weighted layer asks for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from justfit.errors import ArgumentError

NUM_TOKENS = 16
_SPEC = re.compile(r"(?:(?P<name>[A-Za-z_]\w*)=)?(?P<shape>[1-9]\d*(?:,[1-9]\d*)*)(?::int(?P<high>[1-9]\d*))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a network is called with.

    Attributes:
        positional: In order.
        keyword: By name.
    """

    positional: tuple[Any, ...] = ()
    keyword: dict[str, Any] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """There are none."""
        return not self.positional and not self.keyword

    @property
    def words(self) -> str:
        """Shapes and types, for messages."""
        every = [*(("", value) for value in self.positional), *self.keyword.items()]
        return ", ".join(f"{name}={_describe(value)}" if name else _describe(value) for name, value in every)


class InputSpec(NamedTuple):
    """One input to draw.

    Attributes:
        name: The keyword; None for a positional input.
        shape: Of the tensor.
        high: Whole numbers in [0, high); None for standard normal values.
    """

    name: str | None
    shape: tuple[int, ...]
    high: int | None


def input_specs(texts: Sequence[str], batch_size: int | None = None) -> list[InputSpec]:
    """Read the shapes of the inputs.

    Args:
        texts: Such as `64,3,32,32`, `64,128:int1000` or `mask=64,128`.
        batch_size: Takes the place of the first number.

    Raises:
        ArgumentError: One is not of this form.

    >>> input_specs(["64,128:int1000", "mask=64,128"], batch_size=8)
    [InputSpec(name=None, shape=(8, 128), high=1000), InputSpec(name='mask', shape=(8, 128), high=None)]
    """
    specs = []
    for text in texts:
        match = _SPEC.fullmatch(text.replace(" ", ""))
        if match is None:
            raise ArgumentError(
                "An input must be a shape such as `64,3,32,32`, or `64,128:int1000` for whole numbers below 1000.",
                found=f"`{text}`",
                way_out="The first number is the batch; repeat `--input` for several inputs, `name=64,3` for keywords.",
            )
        shape = tuple(map(int, match["shape"].split(",")))
        specs.append(
            InputSpec(
                match["name"],
                shape if batch_size is None else (batch_size, *shape[1:]),
                None if match["high"] is None else int(match["high"]),
            )
        )
    return specs


def draw_inputs(specs: Sequence[InputSpec], module: nn.Module, *, seed: int) -> Inputs:
    """Draw inputs of the network's own type and device."""
    generator = torch.Generator().manual_seed(seed)
    drawn = [(spec.name, _draw(spec, generator)) for spec in specs]
    inputs = Inputs(
        positional=tuple(value for name, value in drawn if name is None),
        keyword={name: value for name, value in drawn if name is not None},
    )
    return _move(inputs, module)


def fit_to(module: nn.Module, inputs: Inputs) -> Inputs:
    """Give inputs from a file the network's type and device; whole numbers stay only where an embedding reads them."""
    reads_tokens = isinstance(_first_weighted(module), nn.Embedding | nn.EmbeddingBag)
    whole = tuple(
        value if value.is_floating_point() or value.is_complex() or reads_tokens else value.float()
        for value in inputs.positional
    )
    return _move(Inputs(positional=whole, keyword=inputs.keyword), module)


def guess_inputs(module: nn.Module, batch_size: int) -> list[InputSpec]:
    """Tell the inputs from the first weighted layer, where that says it all: a linear layer or an embedding.

    Raises:
        ArgumentError: It does not; the message gives the option that does.
    """
    first = _first_weighted(module)
    if isinstance(first, nn.Embedding | nn.EmbeddingBag):
        return [InputSpec(None, (batch_size, NUM_TOKENS), first.num_embeddings)]
    if type(first) is nn.Linear:  # a lazy one does not know its width yet
        return [InputSpec(None, (batch_size, first.in_features), None)]
    channels = getattr(first, "in_channels", None)
    example = f"{batch_size},{channels or 3},32,32"
    raise ArgumentError(
        "The inputs must be known.",
        found=f"none, and the first layer is {_named(first)}, which does not tell their shape",
        way_out=f"Give a shape such as `--input {example}` or a file with `--data`, or return (module, inputs).",
    )


def _named(layer: nn.Module | None) -> str:
    return "none with weights" if layer is None else f"of type {type(layer).__name__}"


def _first_weighted(module: nn.Module) -> nn.Module | None:
    return next((part for part in module.modules() if next(part.parameters(recurse=False), None) is not None), None)


def _draw(spec: InputSpec, generator: torch.Generator) -> Tensor:
    if spec.high is None:
        return torch.randn(spec.shape, generator=generator)
    return torch.randint(spec.high, spec.shape, generator=generator)


def _move(inputs: Inputs, module: nn.Module) -> Inputs:
    like = next((p for p in module.parameters() if p.is_floating_point()), None)
    if like is None:
        return inputs

    def move(value: Any) -> Any:
        return value.to(like.device, like.dtype if value.is_floating_point() else None)

    return Inputs(
        positional=tuple(map(move, inputs.positional)), keyword={name: move(v) for name, v in inputs.keyword.items()}
    )


def _describe(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"{str(value.dtype).removeprefix('torch.')} of shape {tuple(value.shape)}"
    return type(value).__name__
