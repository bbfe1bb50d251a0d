"""Data of the fresh split: small patterns that can be learned, one function of a seed each."""

import math

import torch
from torch.nn import functional

from zoo import _data
from zoo._case import Batch

generator_of = _data.generator_of


def tones(seed, count=32, length=256):
    """Waveforms of four pitches in noise."""
    generator = generator_of(seed)
    labels = torch.randint(4, (count,), generator=generator)
    pitch = torch.tensor([0.15, 0.3, 0.6, 1.2])[labels]
    phase = 2 * math.pi * torch.rand(count, generator=generator)
    wave = torch.sin(phase[:, None] + pitch[:, None] * torch.arange(length)) * math.sqrt(2)
    return Batch((wave[:, None] + 0.5 * torch.randn(count, 1, length, generator=generator),), labels)


def spikes(seed, count=32, length=64):
    """Where a noisy series is above its slow mean, step by step."""
    generator = generator_of(seed)
    phase = 2 * math.pi * torch.rand(count, 1, generator=generator)
    slow = math.sqrt(2) * torch.sin(phase + 0.35 * torch.arange(length))
    return Batch(((slow + 0.4 * torch.randn(count, length, generator=generator))[:, None],), (slow > 0.5).float())


def volumes(seed, count=12, size=8):
    """A ball in a noisy cube; the targets mark it."""
    generator = generator_of(seed)
    centre = (0.3 + 0.4 * torch.rand(count, 3, 1, 1, 1, generator=generator)) * size
    axes = torch.stack(torch.meshgrid(*[torch.arange(size) + 0.5] * 3, indexing="ij"))
    inside = ((axes - centre).square().sum(1, keepdim=True) < (0.32 * size) ** 2).float()
    return Batch((2 * inside - 0.6 + 0.6 * torch.randn(inside.shape, generator=generator),), inside)


def keypoints(seed, count=32, size=16):
    """Two spots of different width; the targets are their places in [−1, 1]."""
    generator = generator_of(seed)
    place = 1.6 * torch.rand(count, 2, 2, generator=generator) - 0.8
    line = torch.linspace(-1, 1, size)
    distance = (line[None, None, :, None] - place[..., 0, None, None]) ** 2 + (
        line[None, None, None, :] - place[..., 1, None, None]
    ) ** 2
    spots = torch.exp(-distance / torch.tensor([0.02, 0.15])[None, :, None, None])
    picture = 2.5 * spots[:, :1] - 1.5 * spots[:, 1:]
    return Batch((picture + 0.2 * torch.randn(picture.shape, generator=generator),), place)


def objects(seed, count=32, size=12):
    """Three spots of three colours in any order: classes and places, to be matched."""
    generator = generator_of(seed)
    place = 1.6 * torch.rand(count, 3, 2, generator=generator) - 0.8
    kinds = torch.randint(3, (count, 3), generator=generator)
    line = torch.linspace(-1, 1, size)
    distance = (line[None, None, :, None] - place[..., 0, None, None]) ** 2 + (
        line[None, None, None, :] - place[..., 1, None, None]
    ) ** 2
    picture = torch.einsum("bkc,bkhw->bchw", functional.one_hot(kinds, 3).float(), torch.exp(-distance / 0.05))
    return Batch((3 * picture - 0.5,), (kinds, place))


def counts(seed, count=128):
    """Poisson counts with a rate that depends on two columns of six."""
    generator = generator_of(seed)
    x = torch.randn(count, 6, generator=generator)
    return Batch((x,), torch.poisson(torch.exp(x[:, 0] + 0.7 * x[:, 1]).clamp(max=30), generator=generator))


def survival(seed, count=64):
    """Times with a hazard that depends on three columns of six; one in five is censored."""
    generator = generator_of(seed)
    x = torch.randn(count, 6, generator=generator)
    risk = 4 * x[:, 0] - 3 * x[:, 1] + 3 * x[:, 2].abs()
    time = -torch.log(torch.rand(count, generator=generator)) * torch.exp(-risk)
    return Batch((x,), (time, torch.rand(count, generator=generator) > 0.2))


def grades(seed, count=128):
    """Five ordered grades of a smooth function."""
    plain = _data.smooth(seed, count)
    return Batch(plain.inputs, torch.bucketize(plain.targets[:, 0], torch.tensor([-1.0, -0.3, 0.3, 1.0])))


def widening(seed, count=128):
    """A line whose noise grows with the first column."""
    generator = generator_of(seed)
    x = torch.randn(count, 4, generator=generator)
    noise = 0.1 + 0.2 * torch.sigmoid(2 * x[:, 0])
    return Batch((x,), (x[:, 0] - x[:, 1] + noise * torch.randn(count, generator=generator))[:, None] / 1.4)


def branches(seed, count=128):
    """Two possible values for each input, so that the mean is a poor answer."""
    generator = generator_of(seed)
    x = 2 * torch.rand(count, 1, generator=generator) - 1
    side = torch.where(torch.rand(count, 1, generator=generator) < 0.5, 1.0, -1.0)
    return Batch((x,), side * (0.8 + 0.4 * torch.sin(3 * x)) + 0.04 * torch.randn(count, 1, generator=generator))


def rings(seed, count=128):
    """Points inside and around a ring."""
    generator = generator_of(seed)
    labels = torch.randint(2, (count,), generator=generator)
    angle = 2 * math.pi * torch.rand(count, generator=generator)
    radius = torch.where(labels == 0, 0.5, 1.5) + 0.1 * torch.randn(count, generator=generator)
    return Batch((torch.stack([radius * torch.cos(angle), radius * torch.sin(angle)], 1),), labels)


def pendulum(seed, count=128):
    """Angle and speed of a pendulum, and how both change."""
    state = 3 * torch.rand(count, 2, generator=generator_of(seed)) - 1.5
    return Batch((state,), torch.stack([state[:, 1], -2 * torch.sin(state[:, 0])], 1))


def two_views(seed, count=48):
    """Two noisy, shifted copies of each digit; there are no targets."""
    generator = generator_of(seed)
    clean = _data.images(seed, count).inputs[0]
    views = []
    for _ in range(2):
        shift = int(torch.randint(-1, 2, (1,), generator=generator))
        views.append(clean.roll(shift, 3) + 0.3 * torch.randn(clean.shape, generator=generator))
    return Batch(tuple(views), None)


def triplets(seed, count=64):
    """A digit, another picture of it, and one of another digit; there are no targets."""
    data, labels = _data._digits()
    generator = generator_of(seed)
    anchor = torch.randint(len(data), (count,), generator=generator)
    order = torch.randperm(len(data), generator=generator)
    same = [order[labels[order] == labels[a]][k % 50] for k, a in enumerate(anchor)]
    other = [order[labels[order] != labels[a]][k] for k, a in enumerate(anchor)]
    picked = (anchor, torch.stack(same), torch.stack(other))
    return Batch(tuple((data[p] - 0.305) / 0.376 for p in picked), None)


def captions(seed):
    """One picture of every digit, and its name in three letters."""
    data, labels = _data._digits()
    generator = generator_of(seed)
    order = torch.randperm(len(data), generator=generator)
    picked = torch.stack([order[labels[order] == digit][0] for digit in range(10)])
    digit = torch.arange(10)
    text = torch.stack([digit, 10 + digit % 5, 15 + digit // 2], 1)
    mixed = torch.randperm(10, generator=generator)
    return Batch((((data[picked] - 0.305) / 0.376).view(-1, 1, 8, 8)[mixed], text[mixed]), None)


def spelled(seed, count=24, letters=4):
    """Frames of three steps a letter; the targets are the letters, without their times."""
    generator = generator_of(seed)
    text = torch.randint(1, 6, (count, letters), generator=generator)
    frames = functional.one_hot(text.repeat_interleave(3, 1), 6).float()
    frames[:, ::3] = functional.one_hot(torch.zeros(count, letters, dtype=torch.long), 6).float()
    return Batch((2 * frames - 0.3 + 0.2 * torch.randn(frames.shape, generator=generator),), text)


def edges(seed):
    """The graph of `_data.graph` as a list of edges."""
    plain = _data.graph(seed)
    return Batch((plain.inputs[0], plain.inputs[1].nonzero().T), plain.targets)


def graphs(seed, count=32, nodes=10):
    """Small graphs as one list of nodes and edges: rings, stars or cliques with noise; the third input tells apart."""
    generator = generator_of(seed)
    labels = torch.randint(3, (count,), generator=generator)
    lists = []
    for number, label in enumerate(labels.tolist()):
        first = torch.arange(nodes)
        if label == 0:
            pairs = torch.stack([first, (first + 1) % nodes])
        elif label == 1:
            pairs = torch.stack([first[1:], torch.zeros(nodes - 1, dtype=torch.long)])
        else:
            pairs = torch.combinations(first[: nodes // 2]).T
        lists += [pairs + number * nodes, pairs.flip(0) + number * nodes]
    features = torch.randn(count * nodes, 6, generator=generator)
    return Batch((features, torch.cat(lists, 1), torch.arange(count).repeat_interleave(nodes)), labels)


def binary_digits(seed, count=64):
    """Digits of zeros and ones."""
    bits = (_data.pixels(seed, count).inputs[0] > 0.4).float()
    return Batch((bits,), bits)


def blobs8(seed, count=128):
    """Eight columns that depend on each other, standardised; the targets are not used."""
    generator = generator_of(seed)
    hidden = torch.randn(count, 2, generator=generator)
    mixing = torch.randn(2, 8, generator=generator_of(5))
    columns = torch.tanh(1.5 * hidden @ mixing) + 0.08 * torch.randn(count, 8, generator=generator)
    return Batch((columns / 0.75,), torch.zeros(count))


def history(seed, count=48):
    """The first 32 steps of a wave; the targets are the following 8."""
    series = _data.waves(seed, count, 39).inputs[0][:, 0]
    following = _data.waves(seed, count, 39).targets[:, 0]
    whole = torch.cat([series, following[:, -1:]], 1)
    return Batch((whole[:, :32],), whole[:, 32:])


def reversal(seed, count=32, length=6):
    """A word, and the same backwards as the target; the second input is the target one step late."""
    words = torch.randint(1, 12, (count, length), generator=generator_of(seed))
    backwards = words.flip(1)
    return Batch((words, functional.pad(backwards[:, :-1], (1, 0))), backwards)


def mel(seed, count=12):
    """Spectrograms of tones that rise or fall, with what is said of them."""
    generator = generator_of(seed)
    rises = torch.randint(4, (count,), generator=generator)
    time = torch.arange(32)
    place = torch.where(rises % 2 == 0, 2.0, 8.0)[:, None] + torch.where(rises < 2, 0.15, -0.05)[:, None] * time
    frames = torch.exp(-((torch.arange(16.0)[None, :, None] - place[:, None]) ** 2) / 4) * 2 - 0.5
    frames = frames + 0.1 * torch.randn(frames.shape, generator=generator)
    said = torch.stack([rises, rises + 4, 7 - rises], 1)
    return Batch(
        (), said, {"input_features": frames, "decoder_input_ids": functional.pad(said[:, :-1], (1, 0), value=9)}
    )
