"""Training loops that run the same way watched and unwatched."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from justfit.watch import watch

NUM_STEPS = 12


def network(*, dropout: float = 0.0, norm: bool = False) -> nn.Module:
    torch.manual_seed(1)
    layers: list[nn.Module] = [nn.Linear(6, 16), nn.BatchNorm1d(16) if norm else nn.Identity(), nn.ReLU()]
    layers += [nn.Dropout(dropout), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 3)]
    return nn.Sequential(*layers)


def batches(num: int = NUM_STEPS, size: int = 32) -> list[tuple[torch.Tensor, torch.Tensor]]:
    draw = torch.Generator().manual_seed(2)
    return [(torch.randn(size, 6, generator=draw), torch.randint(0, 3, (size,), generator=draw)) for _ in range(num)]


@dataclass
class Case:
    """One way to train; `step` runs forward, backward and update for one batch."""

    build: Callable[[], nn.Module] = network
    optimizer: Callable[[Any], torch.optim.Optimizer] = field(default=lambda p: torch.optim.SGD(p, lr=0.1))
    clip: float | None = None
    accumulate: int = 1
    autocast: bool = False
    scaler: Callable[[], Any] | None = None
    compiled: bool = False
    closure: bool = False
    factor: float = 1.0

    def train(self, *, watched: bool, **settings: Any) -> tuple[nn.Module, torch.optim.Optimizer, Any, Any]:
        """Train; return network, optimizer, the random state at the end, and the run."""
        module = self.build()
        optimizer = self.optimizer(module.parameters())
        scaler = None if self.scaler is None else self.scaler()
        called = torch.compile(module, backend="aot_eager") if self.compiled else module
        torch.manual_seed(3)
        run = watch(called, optimizer, scaler=scaler, live=False, **settings) if watched else None
        with run if run is not None else contextlib.nullcontext():
            for number, (x, y) in enumerate(batches()):
                self._step(called, optimizer, scaler, (x, y), number)
        return module, optimizer, torch.get_rng_state(), run

    def _step(self, module, optimizer, scaler, batch, number):
        def backward():
            with torch.autocast("cpu", torch.bfloat16, enabled=self.autocast):
                loss = self.factor * functional.cross_entropy(module(batch[0]), batch[1])
            (loss if scaler is None else scaler.scale(loss)).backward()
            return loss

        if self.closure:

            def closure():
                optimizer.zero_grad()
                return backward()

            optimizer.step(closure)
            return
        backward()
        if (number + 1) % self.accumulate:
            return
        if self.clip is not None:
            if scaler is not None:
                scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(module.parameters(), self.clip)
        if scaler is None:
            optimizer.step()
        else:
            scaler.step(optimizer)
            scaler.update()
        optimizer.zero_grad()


def _scaler():
    return torch.amp.GradScaler("cpu", init_scale=2.0**10, growth_interval=4)


def _overflowing_scaler():
    return torch.amp.GradScaler("cpu", init_scale=3.3e38, backoff_factor=2.0**-20)


CASES = {
    "SGD": Case(),
    "SGD with momentum": Case(optimizer=lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
    "Adam": Case(optimizer=lambda p: torch.optim.Adam(p, lr=0.01)),
    "AdamW": Case(optimizer=lambda p: torch.optim.AdamW(p, lr=0.01)),
    "AdamW, foreach": Case(optimizer=lambda p: torch.optim.AdamW(p, lr=0.01, foreach=True)),
    "AdamW, fused": Case(optimizer=lambda p: torch.optim.AdamW(p, lr=0.01, fused=True)),
    "dropout": Case(build=lambda: network(dropout=0.5)),
    "batch norm": Case(build=lambda: network(norm=True)),
    "clipping": Case(clip=0.1),
    "accumulation": Case(accumulate=3),
    "accumulation and clipping": Case(accumulate=3, clip=0.1),
    "bfloat16 autocast": Case(autocast=True),
    "scaler": Case(scaler=_scaler),
    "scaler, clipping": Case(scaler=_scaler, clip=0.1),
    "scaler, fused": Case(scaler=_scaler, optimizer=lambda p: torch.optim.Adam(p, lr=0.01, fused=True)),
    "scaler that skips": Case(scaler=_overflowing_scaler, factor=100.0),
    "LBFGS": Case(optimizer=lambda p: torch.optim.LBFGS(p, lr=0.1, max_iter=4), closure=True),
    "closure": Case(closure=True),
    "compiled": Case(compiled=True),
}
