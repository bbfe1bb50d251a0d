"""The figures of `read_signals`, computed the obvious slow way."""

import math

import torch


def rms(tensor):
    return math.sqrt(float((tensor.detach().double() ** 2).mean()))


def norm(tensor):
    return math.sqrt(float((tensor.detach().double() ** 2).sum()))


def cosine(rows):
    """Mean over all ordered pairs of different rows."""
    rows = rows.detach().double()
    found = [float(a @ b / (a.norm() * b.norm())) for i, a in enumerate(rows) for j, b in enumerate(rows) if i != j]
    return sum(found) / len(found)


def energy(rows):
    """Share of the mean square that differs between rows."""
    rows = rows.detach().double()
    return float(((rows - rows.mean(0)) ** 2).sum() / (rows**2).sum())


def effective_rank(rows, roundoff=2.0**-23):
    """Participation ratio by eigenvalues, gated."""
    share = energy(rows)
    rows = rows.detach().double()
    rows = rows - rows.mean(0)
    values = torch.linalg.eigvalsh(rows @ rows.T).clamp_min(0)
    return float(values.sum() ** 2 / (values**2).sum()) * share / (share + min(1e3 * roundoff, 0.03) ** 2)


def kurtosis(tensor):
    flat = tensor.detach().double().flatten()
    flat = flat - flat.mean()
    return float((flat**4).mean() / (flat**2).mean() ** 2)
