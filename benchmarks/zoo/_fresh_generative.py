"""Fresh generative networks: flows, diffusion, codebooks, autoregression, a critic."""

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn


class ActNorm(nn.Module):
    """Scale and shift per column that the first batch decides."""

    def __init__(self, d):
        super().__init__()
        self.log_scale, self.shift = nn.Parameter(torch.zeros(d)), nn.Parameter(torch.zeros(d))
        self.register_buffer("ready", torch.tensor(False))

    def forward(self, x):
        if self.training and not self.ready:
            with torch.no_grad():
                self.shift.copy_(-x.mean(0))
                self.log_scale.copy_(-torch.log(x.std(0) + 1e-3))
                self.ready.fill_(True)
        return (x + self.shift) * torch.exp(self.log_scale), self.log_scale.sum()


class LU(nn.Module):
    """An invertible matrix as permutation, lower and upper triangle: its volume is a sum."""

    def __init__(self, d):
        super().__init__()
        q, _ = torch.linalg.qr(torch.randn(d, d))
        p, lower, upper = torch.linalg.lu(q)
        s = upper.diagonal()
        self.register_buffer("p", p)
        self.register_buffer("sign", s.sign())
        self.log_s = nn.Parameter(s.abs().log())
        self.lower, self.upper = nn.Parameter(lower.tril(-1)), nn.Parameter(upper.triu(1))

    def forward(self, x):
        n = x.shape[1]
        lower = self.lower.tril(-1) + torch.eye(n)
        upper = self.upper.triu(1) + torch.diag(self.sign * self.log_s.exp())
        return x @ (self.p @ lower @ upper).T, self.log_s.sum()


class Glow(nn.Module):
    def __init__(self, d=8, depth=4, width=48):
        super().__init__()
        self.norms = nn.ModuleList(ActNorm(d) for _ in range(depth))
        self.mixes = nn.ModuleList(LU(d) for _ in range(depth))
        self.nets = nn.ModuleList(
            nn.Sequential(nn.Linear(d // 2, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, d))
            for _ in range(depth)
        )
        for net in self.nets:
            net[-1].weight.data.mul_(0)
            net[-1].bias.data.mul_(0)

    def forward(self, x):
        log_det = torch.zeros(x.size(0))
        for norm, mix, net in zip(self.norms, self.mixes, self.nets, strict=True):
            x, a = norm(x)
            x, b = mix(x)
            kept, moved = x.chunk(2, 1)
            s, t = net(kept).chunk(2, 1)
            s = torch.sigmoid(s + 2)
            x = torch.cat([kept, (moved + t) * s], 1)
            log_det = log_det + a + b + s.log().sum(1)
        return x, log_det


def likelihood_loss(output, targets=None):
    """Nats per column."""
    del targets
    z, log_det = output
    return (0.5 * z.square().sum(1) + 0.5 * z.shape[1] * math.log(2 * math.pi) - log_det).mean() / z.shape[1]


class MaskedLinear(nn.Linear):
    def __init__(self, a, b, mask):
        super().__init__(a, b)
        self.register_buffer("mask", mask)

    def forward(self, x):
        return F.linear(x, self.weight * self.mask, self.bias)


class MADE(nn.Module):
    """Each pixel from those before it: masks decide who sees whom."""

    def __init__(self, d=64, width=128):
        super().__init__()
        degree_in, degree_hidden = torch.arange(1, d + 1), torch.arange(width) % (d - 1) + 1
        inner = (degree_hidden[:, None] >= degree_hidden[None]).float()
        self.net = nn.Sequential(
            MaskedLinear(d, width, (degree_hidden[:, None] >= degree_in[None]).float()), nn.ReLU(),
            MaskedLinear(width, width, inner), nn.ReLU(),
            MaskedLinear(width, d, (degree_in[:, None] > degree_hidden[None]).float()),
        )  # fmt: skip

    def forward(self, x):
        return self.net(x)


def sinusoid(t, d):
    f = torch.exp(-math.log(1000.0) * torch.arange(d // 2) / (d // 2))
    return torch.cat([torch.sin(1000 * t[:, None] * f), torch.cos(1000 * t[:, None] * f)], 1)


class TimedBlock(nn.Module):
    """Two convolutions; the time scales and shifts between them."""

    def __init__(self, a, b, d):
        super().__init__()
        self.n1, self.c1 = nn.GroupNorm(min(4, a), a), nn.Conv2d(a, b, 3, padding=1)
        self.n2, self.c2 = nn.GroupNorm(4, b), nn.Conv2d(b, b, 3, padding=1)
        self.film = nn.Linear(d, 2 * b)
        self.skip = nn.Identity() if a == b else nn.Conv2d(a, b, 1)
        nn.init.zeros_(self.c2.weight)
        nn.init.zeros_(self.c2.bias)

    def forward(self, x, t):
        h = self.c1(F.silu(self.n1(x)))
        scale, shift = self.film(F.silu(t))[:, :, None, None].chunk(2, 1)
        return self.skip(x) + self.c2(F.silu(self.n2(h) * (1 + scale) + shift))


class DiffusionUNet(nn.Module):
    def __init__(self, c=16, d=32):
        super().__init__()
        self.d = d
        self.time = nn.Sequential(nn.Linear(d, d), nn.SiLU(), nn.Linear(d, d))
        self.stem = nn.Conv2d(1, c, 3, padding=1)
        self.down, self.pool = TimedBlock(c, c, d), nn.Conv2d(c, 2 * c, 3, 2, 1)
        self.mid, self.attend, self.norm = (
            TimedBlock(2 * c, 2 * c, d),
            nn.MultiheadAttention(2 * c, 2),
            nn.GroupNorm(1, 2 * c),
        )
        self.up, self.out = TimedBlock(3 * c, c, d), nn.Conv2d(c, 1, 3, padding=1)

    def forward(self, x, t):
        t = self.time(sinusoid(t, self.d))
        a = self.down(self.stem(x), t)
        m = self.mid(self.pool(a), t)
        s = self.norm(m).flatten(2).permute(2, 0, 1)
        m = m + self.attend(s, s, s)[0].permute(1, 2, 0).view_as(m)
        return self.out(F.silu(self.up(torch.cat([F.interpolate(m, scale_factor=2), a], 1), t)))


class ConvVQ(nn.Module):
    """A picture as four by four codes, with the straight-through gradient."""

    def __init__(self, codes=24, d=12):
        super().__init__()
        self.enc = nn.Sequential(nn.Conv2d(1, 24, 4, 2, 1), nn.ReLU(), nn.Conv2d(24, d, 1))
        self.codes = nn.Embedding(codes, d)
        nn.init.uniform_(self.codes.weight, -0.3, 0.3)
        self.dec = nn.Sequential(nn.ConvTranspose2d(d, 24, 4, 2, 1), nn.ReLU(), nn.Conv2d(24, 1, 3, padding=1))

    def forward(self, x):
        z = self.enc(x).permute(0, 2, 3, 1)
        distance = z.pow(2).sum(-1, keepdim=True) - 2 * z @ self.codes.weight.T + self.codes.weight.pow(2).sum(1)
        q = F.one_hot(distance.argmin(-1), self.codes.num_embeddings).float() @ self.codes.weight
        commit = F.mse_loss(z, q.detach()) * 0.25 + F.mse_loss(q, z.detach())
        q = z + (q - z).detach()
        return {"picture": self.dec(q.permute(0, 3, 1, 2)), "commit": commit}


class GumbelVAE(nn.Module):
    """Twelve categorical codes drawn softly."""

    def __init__(self, groups=12, k=8):
        super().__init__()
        self.g, self.k = groups, k
        self.enc = nn.Sequential(nn.Linear(64, 96), nn.ELU(), nn.Linear(96, groups * k))
        self.dec = nn.Sequential(nn.Linear(groups * k, 96), nn.ELU(), nn.Linear(96, 64))

    def forward(self, x):
        logits = self.enc(x).view(-1, self.g, self.k)
        code = F.gumbel_softmax(logits, tau=0.7, dim=-1)
        return self.dec(code.flatten(1))


class HingeCritic(nn.Module):
    """A residual critic with spectral norms and a sum over places."""

    def __init__(self, c=24):
        super().__init__()
        sn = nn.utils.spectral_norm
        self.first = sn(nn.Conv2d(1, c, 3, padding=1))
        self.a, self.b = sn(nn.Conv2d(c, c, 3, padding=1)), sn(nn.Conv2d(c, c, 3, padding=1))
        self.last = sn(nn.Linear(c, 1))

    def forward(self, x):
        h = self.first(x)
        h = F.avg_pool2d(h + self.b(F.leaky_relu(self.a(F.leaky_relu(h, 0.2)), 0.2)), 2)
        return self.last(F.leaky_relu(h, 0.2).sum((2, 3)))


def hinge(output, targets):
    return F.relu(1 - (2 * targets - 1) * output).mean()


class Mixture(nn.Module):
    """A mixture density network with five normal components."""

    def __init__(self, k=5):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(1, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh())
        self.pi, self.mu, self.sigma = nn.Linear(40, k), nn.Linear(40, k), nn.Linear(40, k)
        self.mu.bias.data = torch.linspace(-1, 1, k)

    def forward(self, x):
        h = self.body(x)
        return self.pi(h), self.mu(h), F.softplus(self.sigma(h)) + 1e-3


def mixture_nll(output, targets):
    pi, mu, sigma = output
    log_p = -0.5 * ((targets - mu) / sigma) ** 2 - sigma.log() - 0.5 * math.log(2 * math.pi)
    return -torch.logsumexp(pi.log_softmax(-1) + log_p, -1).mean()
