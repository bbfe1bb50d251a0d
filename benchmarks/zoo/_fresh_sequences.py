"""Fresh networks on sequences, tokens and graphs, most of them with their recurrences and attention by hand."""

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from zoo._data import VOCABULARY


class HandLSTM(nn.Module):
    """Four gates from plain parameters; forget bias one."""

    def __init__(self, n_in=8, n=40, n_out=10):
        super().__init__()
        k = 1 / math.sqrt(n)
        self.w = nn.ParameterList(nn.Parameter(torch.empty(n_in, n).uniform_(-k, k)) for _ in range(4))
        self.u = nn.ParameterList(nn.Parameter(torch.empty(n, n).uniform_(-k, k)) for _ in range(4))
        self.b = nn.ParameterList(nn.Parameter(torch.full((n,), float(i == 1))) for i in range(4))
        self.n, self.out = n, nn.Linear(n, n_out)

    def forward(self, x):
        h = c = torch.zeros(x.size(0), self.n)
        for t in range(x.size(1)):
            i, f, o, g = (x[:, t] @ w + h @ u + b for w, u, b in zip(self.w, self.u, self.b, strict=True))
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
        return self.out(h)


class XLSTM(nn.Module):
    """Matrix memory with exponential gates and their stabiliser, written step by step."""

    def __init__(self, d=32, heads=2):
        super().__init__()
        self.inp, self.norm = nn.Linear(8, d), nn.LayerNorm(d)
        self.qkv, self.gates, self.o = nn.Linear(d, 3 * d), nn.Linear(d, 2 * heads), nn.Linear(d, d)
        self.h, self.out = heads, nn.Linear(d, 10)

    def forward(self, x):
        x = self.inp(x)
        y = self.norm(x)
        b, t, d = y.shape
        q, k, v = (p.view(b, t, self.h, -1) for p in self.qkv(y).split(d, -1))
        k = k / math.sqrt(k.size(-1))
        log_i, raw_f = self.gates(y).chunk(2, -1)
        log_f = F.logsigmoid(raw_f + 3)
        memory, norm, m = torch.zeros(b, self.h, d // self.h, d // self.h), torch.zeros(b, self.h, d // self.h), None
        outs = []
        for s in range(t):
            new = log_i[:, s] if m is None else torch.maximum(log_f[:, s] + m, log_i[:, s])
            i = torch.exp(log_i[:, s] - new)
            f = torch.zeros_like(i) if m is None else torch.exp(log_f[:, s] + m - new)
            m = new
            memory = f[..., None, None] * memory + i[..., None, None] * v[:, s, :, :, None] * k[:, s, :, None]
            norm = f[..., None] * norm + i[..., None] * k[:, s]
            top = (memory @ q[:, s, :, :, None]).squeeze(-1)
            low = (norm * q[:, s]).sum(-1, keepdim=True).abs().clamp_min(1.0)
            outs.append((top / low).flatten(1))
        x = x + torch.sigmoid(self.o(y)) * torch.stack(outs, 1)
        return self.out(x.mean(1))


class SelectiveScan(nn.Module):
    """A Mamba-like block with its scan as a loop."""

    def __init__(self, d=24, n=8):
        super().__init__()
        e = 2 * d
        self.norm, self.inp, self.out = nn.LayerNorm(d), nn.Linear(d, 2 * e, bias=False), nn.Linear(e, d, bias=False)
        self.conv = nn.Conv1d(e, e, 3, padding=2, groups=e)
        self.bc, self.dt = nn.Linear(e, 2 * n, bias=False), nn.Linear(e, e)
        self.dt.bias.data = torch.log(torch.expm1(torch.exp(torch.rand(e) * math.log(100) + math.log(0.001))))
        self.a_log = nn.Parameter(torch.log(torch.arange(1.0, n + 1)).repeat(e, 1))
        self.skip = nn.Parameter(torch.ones(e))

    def forward(self, x):
        u, z = self.inp(self.norm(x)).chunk(2, -1)
        u = F.silu(self.conv(u.mT)[..., : x.size(1)].mT)
        b, c = self.bc(u).chunk(2, -1)
        dt = F.softplus(self.dt(u))
        a = -torch.exp(self.a_log)
        state, ys = 0.0, []
        for t in range(u.size(1)):
            state = state * torch.exp(dt[:, t, :, None] * a) + (dt[:, t] * u[:, t])[..., None] * b[:, t, None]
            ys.append((state * c[:, t, None]).sum(-1))
        y = (torch.stack(ys, 1) + u * self.skip) * F.silu(z)
        return x + self.out(y)


class RWKVMix(nn.Module):
    """Time mixing by a decayed weighted mean, channel mixing with squared ReLU; both see one token back."""

    def __init__(self, d):
        super().__init__()
        self.mix = nn.Parameter(torch.rand(5, d))
        self.decay, self.first = nn.Parameter(torch.linspace(-3, 1, d)), nn.Parameter(torch.zeros(d))
        self.r, self.k, self.v, self.o = (nn.Linear(d, d, bias=False) for _ in range(4))
        self.ck, self.cv, self.cr = nn.Linear(d, 3 * d, bias=False), nn.Linear(3 * d, d, bias=False), nn.Linear(d, d)
        self.n1, self.n2 = nn.LayerNorm(d), nn.LayerNorm(d)

    def forward(self, x):
        y = self.n1(x)
        back = F.pad(y, (0, 0, 1, -1))
        r, k, v = (f(y * m + back * (1 - m)) for f, m in zip((self.r, self.k, self.v), self.mix[:3], strict=True))
        w, num, den, outs = torch.exp(-torch.exp(self.decay)), 0, 0, []
        k = torch.exp(k.clamp(max=20))
        for t in range(x.size(1)):
            now = k[:, t] * torch.exp(self.first)
            outs.append((num + now * v[:, t]) / (den + now))
            num, den = w * num + k[:, t] * v[:, t], w * den + k[:, t]
        x = x + self.o(torch.sigmoid(r) * torch.stack(outs, 1))
        y = self.n2(x)
        back = F.pad(y, (0, 0, 1, -1))
        a, b = (y * m + back * (1 - m) for m in self.mix[3:])
        return x + torch.sigmoid(self.cr(b)) * self.cv(torch.relu(self.ck(a)) ** 2)


class LinearAttention(nn.Module):
    """Attention with the feature map elu + 1 in place of the softmax, causal by cumulative sums."""

    def __init__(self, d, heads=4):
        super().__init__()
        self.h, self.norm, self.qkv, self.out = heads, nn.LayerNorm(d), nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.ff = nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 2 * d), nn.GELU(approximate="tanh"), nn.Linear(2 * d, d))

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(b, n, 3, self.h, d // self.h).unbind(2)
        q, k = F.elu(q) + 1, F.elu(k) + 1
        kv = torch.einsum("bnhd,bnhe->bnhde", k, v).cumsum(1)
        z = 1 / (torch.einsum("bnhd,bnhd->bnh", q, k.cumsum(1)) + 1e-6)
        y = torch.einsum("bnhd,bnhde,bnh->bnhe", q, kv, z).reshape(b, n, d)
        x = x + self.out(y)
        return x + self.ff(x)


class RotaryGQA(nn.Module):
    """Einsum attention: rotary positions, four query heads on two key heads, RMS norm, SwiGLU."""

    def __init__(self, d=48, q_heads=4, k_heads=2):
        super().__init__()
        e = d // q_heads
        self.q = nn.Parameter(torch.randn(d, q_heads, e) * d**-0.5)
        self.k, self.v = (nn.Parameter(torch.randn(d, k_heads, e) * d**-0.5) for _ in range(2))
        self.o = nn.Parameter(torch.randn(q_heads, e, d) * d**-0.5 * 0.5)
        self.g1, self.g2 = nn.Parameter(torch.ones(d)), nn.Parameter(torch.ones(d))
        self.up, self.gate, self.down = nn.Linear(d, 2 * d), nn.Linear(d, 2 * d), nn.Linear(2 * d, d)
        self.repeat, self.e = q_heads // k_heads, e

    def rotate(self, x):
        t = torch.arange(x.size(1))[:, None] * 100 ** (-torch.arange(0, self.e, 2) / self.e)
        a, b = x[..., 0::2], x[..., 1::2]
        c, s = t.cos()[:, None], t.sin()[:, None]
        return torch.stack([a * c - b * s, a * s + b * c], -1).flatten(-2)

    def forward(self, x):
        y = x / x.square().mean(-1, keepdim=True).add(1e-6).sqrt() * self.g1
        q = self.rotate(torch.einsum("bnd,dhe->bnhe", y, self.q))
        k = self.rotate(torch.einsum("bnd,dhe->bnhe", y, self.k)).repeat_interleave(self.repeat, 2)
        v = torch.einsum("bnd,dhe->bnhe", y, self.v).repeat_interleave(self.repeat, 2)
        logits = torch.einsum("bnhe,bmhe->bhnm", q, k) * self.e**-0.5
        n = x.size(1)
        logits = logits.masked_fill(torch.triu(torch.ones(n, n, dtype=torch.bool), 1), float("-inf"))
        x = x + torch.einsum("bhnm,bmhe,hed->bnd", logits.softmax(-1), v, self.o)
        y = x / x.square().mean(-1, keepdim=True).add(1e-6).sqrt() * self.g2
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class Language(nn.Module):
    def __init__(self, block, d=32, depth=2):
        super().__init__()
        self.emb = nn.Embedding(VOCABULARY, d)
        self.layers = nn.ModuleList([block(d) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, VOCABULARY)

    def forward(self, ids):
        h = self.emb(ids)
        for layer in self.layers:
            h = layer(h)
        return self.head(self.norm(h))


class MinGRU(nn.Module):
    """A gated recurrence without its state in the gates, scanned in logarithms."""

    def __init__(self, d=32):
        super().__init__()
        self.inp, self.gate, self.cand, self.out = nn.Linear(8, d), nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, 10)

    def forward(self, x):
        x = F.silu(self.inp(x))
        k, c = self.gate(x), self.cand(x)
        log_keep, log_new = -F.softplus(k), -F.softplus(-k)
        log_c = torch.where(c >= 0, (F.relu(c) + 0.5).log(), -F.softplus(-c))
        a = log_keep.cumsum(1)
        h = (a + torch.logcumsumexp(log_new + log_c - a, 1)).exp()
        return self.out(h[:, -1])


class NBeats(nn.Module):
    """Blocks explain the past, hand on the rest, and add up their forecasts."""

    def __init__(self, past=32, future=8, blocks=3, width=64):
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Linear(past, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(),
                          nn.Linear(width, width), nn.ReLU(), nn.Linear(width, past + future))
            for _ in range(blocks)
        )  # fmt: skip
        self.past = past

    def forward(self, x):
        forecast = 0
        for block in self.blocks:
            theta = block(x)
            x = x - theta[:, : self.past]
            forecast = forecast + theta[:, self.past :]
        return forecast


class Bahdanau(nn.Module):
    """Additive attention between two GRUs."""

    def __init__(self, words=12, d=40):
        super().__init__()
        self.emb = nn.Embedding(words, d)
        self.encoder = nn.GRU(d, d, batch_first=True, bidirectional=True)
        self.cell = nn.GRUCell(3 * d, d)
        self.wq, self.wk, self.score = nn.Linear(d, d, bias=False), nn.Linear(2 * d, d), nn.Linear(d, 1, bias=False)
        self.start, self.out = nn.Linear(d, d), nn.Linear(3 * d, words)

    def forward(self, source, late):
        memory, last = self.encoder(self.emb(source))
        keys, h, outs = self.wk(memory), torch.tanh(self.start(last[1])), []
        for step in self.emb(late).unbind(1):
            w = self.score(torch.tanh(self.wq(h)[:, None] + keys)).softmax(1)
            context = (w * memory).sum(1)
            h = self.cell(torch.cat([step, context], -1), h)
            outs.append(self.out(torch.cat([h, context], -1)))
        return torch.stack(outs, 1)


class CTCNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv1d(6, 32, 3, padding=1), nn.BatchNorm1d(32), nn.Hardtanh(0, 20))
        self.rnn, self.out = nn.GRU(32, 24, batch_first=True, bidirectional=True), nn.Linear(48, 6)

    def forward(self, x):
        return self.out(self.rnn(self.conv(x.mT).mT)[0]).log_softmax(-1)


def ctc(log_p, targets):
    b, t, _ = log_p.shape
    return F.ctc_loss(log_p.transpose(0, 1), targets, torch.full((b,), t), torch.full((b,), targets.shape[1]))


class FTTransformer(nn.Module):
    """Every column a token; a class token reads them."""

    def __init__(self, d=24, depth=2):
        super().__init__()
        self.w, self.b = nn.Parameter(torch.empty(5, d)), nn.Parameter(torch.empty(5, d))
        self.cls = nn.Parameter(torch.empty(d))
        for p in (self.w, self.b, self.cls):
            nn.init.uniform_(p, -(d**-0.5), d**-0.5)
        self.tables = nn.Embedding(36, d)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(d, 4, 2 * d, 0.0, "gelu", batch_first=True, norm_first=True)
            for _ in range(depth)
        )
        self.head = nn.Sequential(nn.LayerNorm(d), nn.ReLU(), nn.Linear(d, 1))

    def forward(self, categories, numbers):
        x = torch.cat([
            self.cls.expand(len(numbers), 1, -1),
            numbers[..., None] * self.w + self.b,
            self.tables(categories + torch.tensor([0, 12, 24])),
        ], 1)  # fmt: skip
        for layer in self.layers:
            x = layer(x)
        return self.head(x[:, 0])


class GAT(nn.Module):
    """Graph attention on a list of edges, with a softmax over each node's neighbours by scatter."""

    def __init__(self, a, b, heads=4):
        super().__init__()
        self.h, self.lin = heads, nn.Linear(a, heads * b, bias=False)
        self.src, self.dst = nn.Parameter(torch.empty(heads, b)), nn.Parameter(torch.empty(heads, b))
        self.bias = nn.Parameter(torch.zeros(heads * b))
        for p in (self.lin.weight, self.src, self.dst):
            nn.init.xavier_uniform_(p)

    def forward(self, x, e):
        n = x.size(0)
        z = self.lin(x).view(n, self.h, -1)
        s = F.leaky_relu((z * self.src).sum(-1)[e[0]] + (z * self.dst).sum(-1)[e[1]], 0.2)
        w = torch.exp(s - s.max())
        total = torch.zeros(n, self.h).index_add(0, e[1], w)
        w = w / total[e[1]]
        out = torch.zeros(n, self.h, z.size(-1)).index_add(0, e[1], w[..., None] * z[e[0]])
        return out.flatten(1) + self.bias


class GATNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = GAT(16, 8), GAT(32, 4, heads=1)

    def forward(self, x, e):
        return self.b(F.elu(self.a(x, e)), e)


class GIN(nn.Module):
    """Sums over neighbours, then over the nodes of each graph."""

    def __init__(self, d=32, depth=3):
        super().__init__()
        self.nets, self.eps, c = nn.ModuleList(), nn.Parameter(torch.zeros(depth)), 6
        for _ in range(depth):
            self.nets.append(nn.Sequential(nn.Linear(c, d), nn.BatchNorm1d(d), nn.ReLU(), nn.Linear(d, d), nn.ReLU()))
            c = d
        self.out = nn.Linear(d, 3)

    def forward(self, x, e, batch):
        for k, net in enumerate(self.nets):
            x = net((1 + self.eps[k]) * x + torch.zeros_like(x).index_add(0, e[1], x[e[0]]))
        n = int(batch.max()) + 1
        pooled = torch.zeros(n, x.size(1)).index_add(0, batch, x) / torch.bincount(batch)[:, None]
        return self.out(pooled)


class SlotAttention(nn.Module):
    """Slots compete for the lines of a digit."""

    def __init__(self, d=32, slots=4, rounds=3):
        super().__init__()
        self.inp, self.pos = nn.Linear(8, d), nn.Parameter(torch.randn(8, d) * 0.3)
        self.slots = nn.Parameter(torch.randn(slots, d))
        self.q, self.k, self.v = (nn.Linear(d, d, bias=False) for _ in range(3))
        self.n1, self.n2, self.gru = nn.LayerNorm(d), nn.LayerNorm(d), nn.GRUCell(d, d)
        self.rounds, self.out = rounds, nn.Linear(slots * d, 10)

    def forward(self, x):
        x = self.n1(self.inp(x) + self.pos)
        k, v = self.k(x), self.v(x)
        s = self.slots.expand(x.size(0), -1, -1)
        for _ in range(self.rounds):
            a = torch.einsum("bsd,bnd->bsn", self.q(self.n2(s)), k) * k.size(-1) ** -0.5
            a = a.softmax(1) + 1e-8
            u = torch.einsum("bsn,bnd->bsd", a / a.sum(-1, keepdim=True), v)
            s = self.gru(u.flatten(0, 1), s.flatten(0, 1)).view_as(s)
        return self.out(s.flatten(1))


class Conformer(nn.Module):
    """Half feed-forward steps around attention and a gated depthwise convolution, for waveform frames."""

    def __init__(self, d=32):
        super().__init__()
        self.front = nn.Conv1d(1, d, 16, 8)
        ff = lambda: nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 2 * d), nn.SiLU(), nn.Linear(2 * d, d))  # noqa: E731
        self.ff1, self.ff2 = ff(), ff()
        self.na, self.attend = nn.LayerNorm(d), nn.MultiheadAttention(d, 4, batch_first=True)
        self.nc, self.p1, self.p2 = nn.LayerNorm(d), nn.Conv1d(d, 2 * d, 1), nn.Conv1d(d, d, 1)
        self.dw, self.bn, self.nf = nn.Conv1d(d, d, 7, padding=3, groups=d), nn.BatchNorm1d(d), nn.LayerNorm(d)
        self.out = nn.Linear(d, 4)

    def forward(self, x):
        x = self.front(x).transpose(1, 2)
        x = x + 0.5 * self.ff1(x)
        y = self.na(x)
        x = x + self.attend(y, y, y, need_weights=False)[0]
        y = F.glu(self.p1(self.nc(x).transpose(1, 2)), 1)
        x = x + self.p2(F.silu(self.bn(self.dw(y)))).transpose(1, 2)
        x = self.nf(x + 0.5 * self.ff2(x))
        return self.out(x.mean(1))
