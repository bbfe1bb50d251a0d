"""What a remedy changes, in words and as code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ChangeKind = Literal[
    "activation",
    "added_activation",
    "output_activation",
    "normalization",
    "dropout",
    "added_dropout",
    "input_scaling",
    "initialization",
    "learning_rate",
    "clipping",
    "l2",
    "weight_decay",
    "loss",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of a network, its training or its data.

    Attributes:
        kind: Which remedy.
        where: Path of the layer or module, such as `blocks.0.fc1`; `optimizer`, `loss` or `inputs` for what is no part
            of the network.
        source: File and line to change, `net.py:41`; empty where it is not known.
        before: What stands there, in words.
        after: What is to stand there, in words.
        code: The line or lines to write.
        why: What it is good for, one sentence.
    """

    kind: ChangeKind
    where: str
    source: str = ""
    before: str
    after: str
    code: str
    why: str
