"""What a check looks at."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from justfit.checkup._load_inputs import Inputs
from justfit.checkup._load_trouble import users_trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A network and its batch.

    Attributes:
        module: The network.
        build: What `compare` builds fresh networks with: a function, or the network itself to be copied.
        inputs: What the network reads.
        targets: What the loss compares the output with; None for none.
        loss_fn: Function of output and targets, or of the output alone where there are no targets; None for none.
    """

    module: nn.Module
    build: Callable[[], nn.Module] | nn.Module
    inputs: Inputs = field(default_factory=Inputs)
    targets: Any = None
    loss_fn: Callable[..., Any] | None = None

    def rehearse(self) -> Any:
        """Run a copy of the network once on its batch, and the loss on what comes out, as a training step would.

        Returns:
            The network's output.

        Raises:
            ArgumentError: The user's network or loss raises; with the exception and the line of the user's code.
        """
        try:
            module = copy.deepcopy(self.module)  # a forward pass may change buffers
        except Exception:  # some hold what cannot be copied, such as tensors inside a graph
            module = self.module
        words = f"The network must run on its inputs, {self.inputs.words}."
        advice = "Give other inputs with `--input` or `--data`, or correct the network."
        with torch.no_grad():
            with users_trouble(words, advice):
                output = module(*self.inputs.positional, **self.inputs.keyword)
            if self.loss_fn is not None:
                with users_trouble("The loss must be computable from the network's output and the targets."):
                    self.loss_fn(output) if self.targets is None else self.loss_fn(output, self.targets)
        return output
