"""Fresh networks on pictures, volumes and waveforms."""

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn


class StandardisedConv(nn.Conv2d):
    """Weight standardisation: every filter has mean 0 and variance 1 / fan-in, times a learned gain."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.gain = nn.Parameter(torch.ones(self.out_channels, 1, 1, 1))

    def forward(self, x):
        w = self.weight
        v, m = torch.var_mean(w, dim=(1, 2, 3), keepdim=True)
        w = (w - m) * torch.rsqrt(v * w[0].numel() + 1e-4) * self.gain
        return F.conv2d(x, w, self.bias, self.stride, self.padding)


class HandGroupNorm(nn.Module):
    def __init__(self, channels, groups=4):
        super().__init__()
        self.g, self.scale, self.shift = groups, nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        b, c, h, w = x.shape
        y = x.reshape(b, self.g, -1)
        y = (y - y.mean(-1, keepdim=True)) / (y.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()
        return y.reshape(b, c, h, w) * self.scale[:, None, None] + self.shift[:, None, None]


def standardised():
    layers, c = [], 1
    for width, stride in ((24, 1), (32, 2), (32, 1), (48, 2)):
        layers += [StandardisedConv(c, width, 3, stride, 1), HandGroupNorm(width), nn.ReLU()]
        c = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, 10))


class Gram(nn.Module):
    """Classification by the products of features, as in style transfer and bilinear pooling."""

    def __init__(self, c=16):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(1, c, 3, padding=1), nn.Conv2d(c, c, 3, padding=1)
        self.out = nn.Linear(c * c, 10)

    def forward(self, x):
        f = F.elu(self.c2(F.elu(self.c1(x))))
        g = torch.einsum("bchw,bdhw->bcd", f, f) / f[0, 0].numel()
        g = g.flatten(1)
        g = torch.sign(g) * torch.sqrt(g.abs() + 1e-4)
        return self.out(F.normalize(g, dim=1) * 8)


def squash(s, dim=-1):
    n2 = s.square().sum(dim, keepdim=True)
    return s * n2 / (1 + n2) / torch.sqrt(n2 + 1e-8)


class Capsules(nn.Module):
    """Routing by agreement, three rounds; lengths are the class scores."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 24, 3)
        self.primary = nn.Conv2d(24, 32, 3, stride=2)
        self.w = nn.Parameter(torch.randn(10, 16, 8, 8) * 0.2)

    def forward(self, x):
        x = self.primary(F.relu(self.conv(x)))
        u = squash(x.reshape(x.size(0), 4, 8, -1).permute(0, 1, 3, 2).reshape(x.size(0), -1, 8))
        votes = torch.einsum("bid,jide->bjie", u, self.w)
        b = torch.zeros(votes.shape[:3])
        for _ in range(3):
            v = squash((b.softmax(1)[..., None] * votes).sum(2))
            b = b + (votes * v[:, :, None]).sum(-1)
        return v.norm(dim=-1)


def margin_loss(lengths, targets):
    t = F.one_hot(targets, 10).float()
    up, down = F.relu(0.9 - lengths) ** 2, F.relu(lengths - 0.1) ** 2
    return (t * up + 0.5 * (1 - t) * down).sum(1).mean()


class SpatialTransformer(nn.Module):
    """The picture is moved by a learned affine map that starts as the identity."""

    def __init__(self):
        super().__init__()
        self.where = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 6))
        self.where[-1].weight.data.zero_()
        self.where[-1].bias.data.copy_(torch.tensor([1.0, 0, 0, 0, 1, 0]))
        self.features = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.MaxPool2d(2))
        self.classify = nn.Linear(32 * 4, 10)

    def forward(self, x):
        grid = F.affine_grid(self.where(x).view(-1, 2, 3), x.shape, align_corners=False)
        x = F.grid_sample(x, grid, align_corners=False)
        return self.classify(self.features(x).flatten(1))


class GLU1d(nn.Module):
    def __init__(self, a, b, k, s):
        super().__init__()
        self.conv, self.norm = nn.Conv1d(a, 2 * b, k, s, k // 2), nn.InstanceNorm1d(2 * b, affine=True)

    def forward(self, x):
        return F.glu(self.norm(self.conv(x)), 1)


def speech():
    return nn.Sequential(
        GLU1d(1, 16, 9, 4), GLU1d(16, 24, 5, 2), GLU1d(24, 32, 5, 2), nn.AdaptiveMaxPool1d(1), nn.Flatten(),
        nn.Linear(32, 4),
    )  # fmt: skip


class UNet1d(nn.Module):
    def __init__(self, c=12):
        super().__init__()
        conv = lambda a, b: nn.Sequential(nn.Conv1d(a, b, 5, padding=2), nn.BatchNorm1d(b), nn.PReLU(b))  # noqa: E731
        self.d1, self.d2, self.mid = conv(1, c), conv(c, 2 * c), conv(2 * c, 4 * c)
        self.u2, self.u1 = nn.ConvTranspose1d(4 * c, 2 * c, 2, 2), nn.ConvTranspose1d(2 * c, c, 2, 2)
        self.e2, self.e1, self.out = conv(4 * c, 2 * c), conv(2 * c, c), nn.Conv1d(c, 1, 1)

    def forward(self, x):
        a = self.d1(x)
        b = self.d2(F.max_pool1d(a, 2))
        m = self.mid(F.max_pool1d(b, 2))
        b = self.e2(torch.cat([self.u2(m), b], 1))
        a = self.e1(torch.cat([self.u1(b), a], 1))
        return self.out(a).squeeze(1)


class UNet3d(nn.Module):
    def __init__(self, c=8):
        super().__init__()
        self.a = nn.Sequential(nn.Conv3d(1, c, 3, padding=1), nn.InstanceNorm3d(c), nn.LeakyReLU(0.01, inplace=True))
        self.b = nn.Sequential(
            nn.Conv3d(c, 2 * c, 3, 2, 1), nn.InstanceNorm3d(2 * c), nn.LeakyReLU(0.01, inplace=True),
            nn.Conv3d(2 * c, 2 * c, 3, 1, 1), nn.InstanceNorm3d(2 * c), nn.LeakyReLU(0.01, inplace=True),
        )  # fmt: skip
        self.up, self.c, self.out = nn.ConvTranspose3d(2 * c, c, 2, 2), nn.Conv3d(2 * c, c, 3, 1, 1), nn.Conv3d(c, 1, 1)

    def forward(self, x):
        a = self.a(x)
        return self.out(F.leaky_relu(self.c(torch.cat([a, self.up(self.b(a))], 1))))


class FPN(nn.Module):
    """Bottom-up, lateral and top-down paths; a mask from all levels."""

    def __init__(self, c=16, p=16):
        super().__init__()
        widths = [c, c * 2, c * 2]
        self.stem = nn.Conv2d(1, c, 3, padding=1)
        self.stages = nn.ModuleList()
        previous = c
        for w in widths:
            self.stages.append(nn.Sequential(nn.Conv2d(previous, w, 3, 2, 1), nn.BatchNorm2d(w), nn.SiLU()))
            previous = w
        self.lateral = nn.ModuleList(nn.Conv2d(w, p, 1) for w in widths)
        self.smooth = nn.ModuleList(nn.Conv2d(p, p, 3, padding=1) for _ in widths)
        self.fine, self.mask = nn.Conv2d(c, p, 1), nn.Conv2d(p, 1, 1)

    def forward(self, x):
        stem = F.silu(self.stem(x))
        levels, y = [], stem
        for stage in self.stages:
            y = stage(y)
            levels.append(y)
        top, total = 0, self.fine(stem)
        for level, lateral, smooth in list(zip(levels, self.lateral, self.smooth, strict=True))[::-1]:
            top = lateral(level) + (F.interpolate(top, scale_factor=2.0) if torch.is_tensor(top) else top)
            total = total + F.interpolate(smooth(top), size=x.shape[-2:], mode="bilinear", align_corners=False)
        return self.mask(F.relu(total))


class SoftArgmax(nn.Module):
    """Heat maps, of which the mean place is the output."""

    def __init__(self, points=2, c=16):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, c, 5, padding=2), nn.GELU(), nn.Conv2d(c, c, 5, padding=2), nn.GELU(), nn.Conv2d(c, points, 1)
        )

    def forward(self, x):
        heat = self.net(x)
        b, k, h, w = heat.shape
        p = (3 * heat).reshape(b, k, h * w).softmax(-1).reshape(b, k, h, w)
        y = (p.sum(3) * torch.linspace(-1, 1, h)).sum(-1)
        z = (p.sum(2) * torch.linspace(-1, 1, w)).sum(-1)
        return torch.stack([y, z], -1)


class DETR(nn.Module):
    """Learned queries look at a picture's features; classes and places for each."""

    def __init__(self, d=32, queries=4, kinds=3):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, d, 3, 2, 1), nn.GroupNorm(4, d), nn.ReLU(), nn.Conv2d(d, d, 3, 1, 1))
        self.rows, self.columns = nn.Parameter(torch.randn(6, d // 2)), nn.Parameter(torch.randn(6, d // 2))
        self.queries = nn.Embedding(queries, d)
        layer = nn.TransformerDecoderLayer(d, 4, 2 * d, dropout=0.0, batch_first=True)
        self.decoder = nn.TransformerDecoder(layer, 2, norm=nn.LayerNorm(d))
        self.kind, self.place = nn.Linear(d, kinds + 1), nn.Sequential(nn.Linear(d, d), nn.ReLU(), nn.Linear(d, 2))

    def forward(self, x):
        f = self.backbone(x)
        b, c, h, w = f.shape
        grid = torch.cat([self.rows[:, None].expand(h, w, -1), self.columns[None].expand(h, w, -1)], -1)
        memory = f.flatten(2).permute(0, 2, 1) + grid.reshape(1, h * w, c)
        q = self.decoder(self.queries.weight[None].repeat(b, 1, 1), memory)
        return {"kinds": self.kind(q), "places": torch.tanh(self.place(q))}


def set_loss(output, targets):
    """The cheapest match of queries and objects; the queries left over say `nothing`."""
    from scipy.optimize import linear_sum_assignment

    kinds, places = targets
    log_p = output["kinds"].log_softmax(-1)
    with torch.no_grad():
        cost = torch.cdist(output["places"], places) - torch.stack([p[:, k] for p, k in zip(log_p, kinds, strict=True)])
    wanted = torch.full(output["kinds"].shape[:2], 3)
    distance = 0
    for b in range(len(kinds)):
        i, j = (torch.as_tensor(index) for index in linear_sum_assignment(cost[b].numpy()))
        wanted[b, i] = kinds[b, j]
        distance = distance + (output["places"][b, i] - places[b, j]).abs().sum(-1).mean()
    return F.nll_loss(log_p.flatten(0, 1), wanted.flatten()) + 2 * distance / len(kinds)


class TwoTowers(nn.Module):
    """Pictures and texts meet on a sphere, with a learned temperature."""

    def __init__(self, d=32):
        super().__init__()
        self.picture = nn.Sequential(
            nn.Conv2d(1, 16, 3, 2, 1), nn.GELU(), nn.Conv2d(16, 32, 3, 2, 1), nn.GELU(), nn.Flatten(), nn.Linear(128, d)
        )
        self.words, self.text = nn.Embedding(24, d), nn.Linear(3 * d, d)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def forward(self, pictures, text):
        a = F.normalize(self.picture(pictures), dim=-1)
        b = F.normalize(self.text(self.words(text).flatten(1)), dim=-1)
        return self.logit_scale.exp() * a @ b.t()


def symmetric_loss(logits, targets=None):
    del targets
    own = torch.arange(len(logits))
    return (F.cross_entropy(logits, own) + F.cross_entropy(logits.t(), own)) / 2


class SimCLR(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
        )  # fmt: skip
        self.projector = nn.Sequential(nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 32))

    def forward(self, a, b):
        return self.projector(self.encoder(a)), self.projector(self.encoder(b))


def nt_xent(output, targets=None, temperature=0.2):
    del targets
    z = F.normalize(torch.cat(output), dim=1)
    n = len(z) // 2
    s = (z @ z.T / temperature).masked_fill(torch.eye(2 * n, dtype=torch.bool), -1e9)
    return F.cross_entropy(s, torch.arange(2 * n).roll(n))


def barlow(output, targets=None):
    """The correlation of both views' features should be the identity."""
    del targets
    a, b = ((z - z.mean(0)) / (z.std(0) + 1e-4) for z in output)
    c = a.T @ b / len(a)
    on = (torch.diagonal(c) - 1).square().sum()
    return (on + 0.01 * (c.square().sum() - torch.diagonal(c).square().sum())) / len(c)


class Embedder(nn.Module):
    """Three pictures through one encoder."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Dropout(0.1), nn.Linear(96, 16))

    def forward(self, *pictures):
        return [self.net(p) for p in pictures]


def triplet_loss(output, targets=None):
    del targets
    return F.triplet_margin_loss(*output, margin=1.0)
