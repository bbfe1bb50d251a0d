"""Healthy loops of kinds that often raise false alarms: each trains something small and lets it be watched.

Each takes a seed and `observe`, which makes the context manager that watches `(module, optimizer)`, and returns what
that gave. None of them may raise a warning.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from tests.patients.watched import _nets
from tests.patients.watched._tasks import task

Observe = Callable[[nn.Module, Any], AbstractContextManager[Any]]
functional = nn.functional


def _draw(x: Tensor, y: Tensor, num_steps: int, size: int = 32) -> Any:
    for _ in range(num_steps):
        rows = torch.randint(0, len(x), (size,))
        yield x[rows], y[rows]


def _steps(observe: Observe, module: nn.Module, optimizer: torch.optim.Optimizer, losses: Any, **options: Any) -> Any:
    with observe(module, optimizer) as run:
        for loss in losses:
            optimizer.zero_grad()
            loss.backward()
            if "clip" in options:
                nn.utils.clip_grad_norm_(module.parameters(), options["clip"])
            optimizer.step()
            if "schedule" in options:
                options["schedule"].step()
    return run


def _trained(seed: int) -> tuple[nn.Sequential, Any]:
    """A network that already knows the digits."""
    torch.manual_seed(seed)
    data = task("digits_table", seed)
    module = _nets.mlp(64, 10, depth=2, width=48, activation="relu", norm=False)
    optimizer = torch.optim.Adam(module.parameters(), lr=3e-3)
    for x, y in _draw(data.x, data.y, 400):
        optimizer.zero_grad()
        functional.cross_entropy(module(x), y).backward()
        optimizer.step()
    return module, data


def polishing(seed: int, observe: Observe) -> Any:
    """A trained network goes on at a tiny learning rate."""
    module, data = _trained(seed)
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-5)
    losses = (functional.cross_entropy(module(x), y) for x, y in _draw(data.x, data.y, 300))
    return _steps(observe, module, optimizer, losses)


def fine_tuning(seed: int, observe: Observe) -> Any:
    """A trained network learns which digits are even: new head, small rate for the rest."""
    module, data = _trained(seed)
    module[-1] = nn.Linear(48, 2)
    groups = [{"params": module[:-1].parameters(), "lr": 1e-4}, {"params": module[-1].parameters(), "lr": 1e-3}]
    optimizer = torch.optim.AdamW(groups)
    losses = (functional.cross_entropy(module(x), y % 2) for x, y in _draw(data.x, data.y, 300))
    return _steps(observe, module, optimizer, losses)


def frozen_backbone(seed: int, observe: Observe) -> Any:
    """Only the head of a trained network learns; the rest is frozen as one freezes."""
    module, data = _trained(seed)
    module.requires_grad_(False)
    module[-1] = nn.Linear(48, 2)
    optimizer = torch.optim.SGD(module[-1].parameters(), lr=0.05, momentum=0.9)
    losses = (functional.cross_entropy(module(x), y % 2) for x, y in _draw(data.x, data.y, 300))
    return _steps(observe, module, optimizer, losses)


def low_rank(seed: int, observe: Observe) -> Any:
    """A low-rank addition that begins at zero, on a frozen network."""
    module, data = _trained(seed)
    module.requires_grad_(False)

    class LowRank(nn.Module):
        def __init__(self, inner: nn.Linear) -> None:
            super().__init__()
            self.inner = inner
            self.down = nn.Linear(inner.in_features, 4, bias=False)
            self.up = nn.Linear(4, inner.out_features, bias=False)
            nn.init.zeros_(self.up.weight)

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x) + self.up(self.down(x))

    module = nn.Sequential(*(LowRank(part) if isinstance(part, nn.Linear) else part for part in module))
    optimizer = torch.optim.AdamW((p for p in module.parameters() if p.requires_grad), lr=2e-3)
    flipped = 9 - data.y
    losses = (functional.cross_entropy(module(x), y) for x, y in _draw(data.x, flipped, 300))
    return _steps(observe, module, optimizer, losses)


def adversarial(seed: int, observe: Observe) -> Any:
    """Generator and discriminator, one optimizer each: their losses swing by design."""
    torch.manual_seed(seed)
    module = nn.ModuleDict(
        {
            "generator": nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2)),
            "discriminator": nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1)),
        }
    )
    make, judge = module["generator"], module["discriminator"]
    first, second = (torch.optim.Adam(part.parameters(), lr=2e-3, betas=(0.5, 0.9)) for part in (make, judge))
    one = torch.ones(32, 1)
    with observe(module, [first, second]) as run:
        for _ in range(300):
            angle = torch.rand(32) * 6.283
            real = torch.stack([angle.cos(), angle.sin()], 1)
            fake = make(torch.randn(32, 4))
            second.zero_grad()
            loss = functional.binary_cross_entropy_with_logits(judge(real), one)
            (loss + functional.binary_cross_entropy_with_logits(judge(fake.detach()), 0 * one)).backward()
            second.step()
            first.zero_grad()
            functional.binary_cross_entropy_with_logits(judge(fake), one).backward()
            first.step()
    return run


def policy_gradient(seed: int, observe: Observe) -> Any:
    """REINFORCE with a baseline: the loss is noise around zero while the reward rises."""
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 5))
    optimizer = torch.optim.Adam(module.parameters(), lr=3e-3)
    best = torch.randn(4, 5)

    def losses() -> Any:
        baseline = 0.0
        for _ in range(300):
            x = torch.randn(32, 4)
            choice = torch.distributions.Categorical(logits=module(x))
            action = choice.sample()
            reward = (x @ best).gather(1, action[:, None])[:, 0]
            yield -((reward - baseline) * choice.log_prob(action)).mean()
            baseline = 0.9 * baseline + 0.1 * reward.mean().item()

    return _steps(observe, module, optimizer, losses())


def large_targets(seed: int, observe: Observe) -> Any:
    """Regression on targets of the size of thousands, not scaled."""
    torch.manual_seed(seed)
    x = torch.randn(1000, 8)
    y = 300 * x[:, :3].sum(1, keepdim=True) + 1000 + 100 * torch.randn(1000, 1)
    module = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 1))
    optimizer = torch.optim.Adam(module.parameters(), lr=0.05)
    losses = (functional.mse_loss(module(a), b) for a, b in _draw(x, y, 500))
    return _steps(observe, module, optimizer, losses)


def density(seed: int, observe: Observe) -> Any:
    """A likelihood whose negative logarithm goes below zero."""
    torch.manual_seed(seed)
    x = torch.randn(1000, 4)
    y = 0.05 * torch.sin(3 * x[:, :1]) + 0.01 * torch.randn(1000, 1)
    module = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 2))
    optimizer = torch.optim.Adam(module.parameters(), lr=3e-3)

    def loss(a: Tensor, b: Tensor) -> Tensor:
        mean, spread = module(a).chunk(2, 1)
        return functional.gaussian_nll_loss(mean, b, functional.softplus(spread) ** 2 + 1e-6)

    return _steps(observe, module, optimizer, (loss(a, b) for a, b in _draw(x, y, 400)), clip=5.0)


def siamese(seed: int, observe: Observe) -> Any:
    """A negative cosine that begins near zero and goes to minus one, with a stopped gradient."""
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 16), nn.Linear(16, 16))
    optimizer = torch.optim.SGD(module.parameters(), lr=0.05, momentum=0.9)

    def losses() -> Any:
        for _ in range(300):
            x = torch.randn(64, 16)
            one, two = (module[:4](x + 0.3 * torch.randn(64, 16)) for _ in range(2))
            yield -functional.cosine_similarity(module[4](one), two.detach()).mean()

    return _steps(observe, module, optimizer, losses())


def plateau_first(seed: int, observe: Observe) -> Any:
    """A product of four bits: nothing happens for long, then the loss falls."""
    torch.manual_seed(seed)
    x = torch.randint(0, 2, (2048, 12)).float() * 2 - 1
    y = (x[:, :2].prod(1) > 0).long()
    module = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 2))
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)
    losses = (functional.cross_entropy(module(a), b) for a, b in _draw(x, y, 600))
    return _steps(observe, module, optimizer, losses)


def tiny(seed: int, observe: Observe) -> Any:
    """Exclusive or with five units and a large rate, all rows at once."""
    torch.manual_seed(seed)
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = torch.tensor([[0.0], [1.0], [1.0], [0.0]])
    module = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(module.parameters(), lr=0.05)
    losses = (functional.binary_cross_entropy_with_logits(module(x), y) for _ in range(400))
    return _steps(observe, module, optimizer, losses)


def converged(seed: int, observe: Observe) -> Any:
    """Linear regression that is done after a tenth of the steps."""
    torch.manual_seed(seed)
    x = torch.randn(2000, 10)
    y = x @ torch.randn(10, 1) + 0.5 * torch.randn(2000, 1)
    module = nn.Sequential(nn.Linear(10, 1))
    optimizer = torch.optim.SGD(module.parameters(), lr=0.05)
    losses = (functional.mse_loss(module(a), b) for a, b in _draw(x, y, 1200))
    return _steps(observe, module, optimizer, losses)


def zero_branches(seed: int, observe: Observe) -> Any:
    """Residual branches that begin at zero, and a head that does."""
    torch.manual_seed(seed)
    data = task("digits_table", seed)
    blocks = [_nets.Residual(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64)) for _ in range(6)]
    module = nn.Sequential(*blocks, nn.Linear(64, 10))
    for part in (*(block.inner[2] for block in blocks), module[-1]):
        nn.init.zeros_(part.weight)
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
    losses = (functional.cross_entropy(module(x), y) for x, y in _draw(data.x, data.y, 300))
    return _steps(observe, module, optimizer, losses)


def much_dropout(seed: int, observe: Observe) -> Any:
    """Dropout of one half, label smoothing and a little label noise."""
    torch.manual_seed(seed)
    data = task("digits_table", seed)
    y = torch.where(torch.rand(len(data.y)) < 0.2, torch.randint(0, 10, data.y.shape), data.y)
    module = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Dropout(0.5), nn.Linear(96, 96), nn.ReLU(), nn.Dropout(0.5))
    module = nn.Sequential(*module, nn.Linear(96, 10))
    optimizer = torch.optim.Adam(module.parameters(), lr=2e-3)
    losses = (functional.cross_entropy(module(x), t, label_smoothing=0.1) for x, t in _draw(data.x, y, 400))
    return _steps(observe, module, optimizer, losses)


def single_examples(seed: int, observe: Observe) -> Any:
    """Batches of one."""
    torch.manual_seed(seed)
    data = task("digits_table", seed)
    module = _nets.mlp(64, 10, depth=2, width=32, activation="relu", norm=False)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.01)
    losses = (functional.cross_entropy(module(x), y) for x, y in _draw(data.x, data.y, 1500, 1))
    return _steps(observe, module, optimizer, losses)


def autoencoder(seed: int, observe: Observe) -> Any:
    """Pictures through a bottleneck of sigmoids, binary cross-entropy with a high floor."""
    torch.manual_seed(seed)
    data = task("digits", seed)
    x = (data.x.flatten(1) * 6 + 5) / 16
    module = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 8), nn.ReLU(), nn.Linear(8, 64), nn.Sigmoid())
    optimizer = torch.optim.Adam(module.parameters(), lr=3e-3)
    losses = (functional.binary_cross_entropy(module(a), a) for a, _ in _draw(x, x, 500))
    return _steps(observe, module, optimizer, losses)


def one_spike(seed: int, observe: Observe) -> Any:
    """One hard batch in the middle, clipped, from which the run recovers at once."""
    torch.manual_seed(seed)
    data = task("digits_table", seed)
    module = _nets.mlp(64, 10, depth=2, width=48, activation="relu", norm=False)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.05, momentum=0.9)

    def losses() -> Any:
        for index, (x, y) in enumerate(_draw(data.x, data.y, 300)):
            yield functional.cross_entropy(module(x * (30 if index == 150 else 1)), y)

    return _steps(observe, module, optimizer, losses(), clip=1.0)


def two_parts(seed: int, observe: Observe) -> Any:
    """One loss, two optimizers: matrices with momentum, the rest with Adam."""
    torch.manual_seed(seed)
    data = task("digits_table", seed)
    module = _nets.mlp(64, 10, depth=2, width=48, activation="gelu", norm=True)
    optimizers = [
        torch.optim.SGD([p for p in module.parameters() if p.ndim > 1], lr=0.05, momentum=0.9),
        torch.optim.Adam([p for p in module.parameters() if p.ndim == 1], lr=1e-3),
    ]
    with observe(module, optimizers) as run:
        for x, y in _draw(data.x, data.y, 300):
            module.zero_grad()
            functional.cross_entropy(module(x), y).backward()
            for optimizer in optimizers:
                optimizer.step()
    return run


SPECIAL: dict[str, Callable[[int, Observe], Any]] = {
    made.__name__.replace("_", " "): made
    for made in (
        *(adversarial, autoencoder, converged, density, fine_tuning, frozen_backbone, large_targets, low_rank),
        *(much_dropout, one_spike, plateau_first, policy_gradient, polishing, siamese, single_examples, tiny),
        *(two_parts, zero_branches),
    )
}
