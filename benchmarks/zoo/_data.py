"""Small data sets, one function of a seed each: real digits and tables, and patterns that can be learned."""

import functools
import math

import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from torch.nn import functional

from zoo._case import Batch

VOCABULARY = 32


def generator_of(seed):
    return torch.Generator().manual_seed(seed)


@functools.cache
def _digits():
    images, labels = load_digits(return_X_y=True)
    return torch.tensor(images, dtype=torch.float32) / 16, torch.tensor(labels)


@functools.cache
def _table(name):
    loader = {"cancer": load_breast_cancer, "wine": load_wine, "diabetes": load_diabetes}[name]
    rows, targets = loader(return_X_y=True)
    rows = torch.tensor(rows, dtype=torch.float32)
    targets = torch.tensor(targets)
    if name == "diabetes":
        targets = targets.float()
        targets = ((targets - targets.mean()) / targets.std())[:, None]
    return (rows - rows.mean(0)) / rows.std(0), targets


def _pick(seed, total, count):
    return torch.randint(total, (count,), generator=generator_of(seed))


def pixels(seed, count=64):
    """Digits with pixels in [0, 1], 64 in a row."""
    rows, labels = _digits()
    picked = _pick(seed, len(rows), count)
    return Batch((rows[picked],), labels[picked])


def rows(seed, count=64):
    """Digits, standardised over all pixels."""
    batch = pixels(seed, count)
    return Batch(((batch.inputs[0] - 0.305) / 0.376,), batch.targets)


def images(seed, count=64, size=8, channels=1):
    batch = rows(seed, count)
    picture = batch.inputs[0].view(-1, 1, 8, 8)
    if size != 8:
        picture = functional.interpolate(picture, size=size, mode="bilinear", align_corners=False)
    return Batch((picture.repeat(1, channels, 1, 1),), batch.targets)


def color(seed, count=32, size=32):
    return images(seed, count, size, channels=3)


def raw_images(seed, count=64):
    batch = pixels(seed, count)
    return Batch((batch.inputs[0].view(-1, 1, 8, 8),), batch.targets)


def digit_sequences(seed, count=64):
    """The eight lines of a digit as eight steps."""
    batch = rows(seed, count)
    return Batch((batch.inputs[0].view(-1, 8, 8),), batch.targets)


def table(name, seed, count=64):
    inputs, targets = _table(name)
    picked = _pick(seed, len(inputs), count)
    return Batch((inputs[picked],), targets[picked])


def binary(seed, count=64):
    """Breast cancer with 0/1 targets as floats, one column."""
    batch = table("cancer", seed, count)
    return Batch(batch.inputs, batch.targets.float()[:, None])


def cancer_classes(seed, count=64):
    return table("cancer", seed, count)


def wine(seed, count=64):
    return table("wine", seed, count)


def diabetes(seed, count=64):
    return table("diabetes", seed, count)


def smooth(seed, count=128):
    """Regression of a smooth function of eight standard normal columns; variance about 1."""
    inputs = torch.randn(count, 8, generator=generator_of(seed))
    targets = inputs[:, :1] + torch.sin(2 * inputs[:, 1:2]) * 0.7 + 0.5 * inputs[:, 2:3] * inputs[:, 3:4]
    return Batch((inputs,), targets / 1.23)


def same(batch_of):
    """The same data with the inputs as targets."""

    def batch(seed):
        inputs = batch_of(seed).inputs
        return Batch(inputs, inputs[0])

    return batch


def tokens(seed, count=16, length=24):
    """Language: the next token follows from the present one, one in ten is random."""
    generator = generator_of(seed)
    sequence = torch.randint(VOCABULARY, (count, 1), generator=generator)
    for _ in range(length):
        following = (sequence[:, -1:] * 5 + 3) % VOCABULARY
        noise = torch.randint(VOCABULARY, (count, 1), generator=generator)
        is_noise = torch.rand(count, 1, generator=generator) < 0.1
        sequence = torch.cat([sequence, torch.where(is_noise, noise, following)], 1)
    return Batch((sequence[:, :-1],), sequence[:, 1:])


def topics(seed, count=32, length=20):
    """Texts of four topics, each with its own quarter of the words half of the time."""
    generator = generator_of(seed)
    labels = torch.randint(4, (count,), generator=generator)
    own = torch.randint(VOCABULARY // 4, (count, length), generator=generator) + labels[:, None] * (VOCABULARY // 4)
    other = torch.randint(VOCABULARY, (count, length), generator=generator)
    is_own = torch.rand(count, length, generator=generator) < 0.5
    return Batch((torch.where(is_own, own, other),), labels)


def translation(seed, count=16):
    """A source and the target so far; the target is itself a language."""
    source, target = topics(seed, count).inputs[0], tokens(seed, count, 12)
    return Batch((source, target.inputs[0]), target.targets)


def waves(seed, count=32, length=48):
    """Sine waves of random phase and frequency, noise .05; the target is the next value."""
    generator = generator_of(seed)
    phase = torch.rand(count, 1, generator=generator) * 2 * math.pi
    frequency = 0.2 + 0.3 * torch.rand(count, 1, generator=generator)
    series = math.sqrt(2) * torch.sin(phase + frequency * torch.arange(length + 1))
    series = series + 0.05 * torch.randn(series.shape, generator=generator)
    return Batch((series[:, None, :-1],), series[:, None, 1:])


def coordinates(seed, count=256, columns=2):
    """Coordinates in [−1, 1] and a picture's brightness there; variance 1/2."""
    inputs = 2 * torch.rand(count, columns, generator=generator_of(seed)) - 1
    return Batch((inputs,), torch.sin(4 * inputs[:, :1] + 2 * inputs[:, 1:2]))


def clouds(seed, count=32, points=48):
    """Point clouds stretched along one of three axes."""
    generator = generator_of(seed)
    labels = torch.randint(3, (count,), generator=generator)
    cloud = torch.randn(count, points, 3, generator=generator)
    return Batch((cloud * (0.6 + functional.one_hot(labels, 3)[:, None, :]),), labels)


def graph(seed, nodes=96):
    """Nodes in four communities, noisy features; the normalised adjacency is the second input."""
    generator = generator_of(seed)
    labels = torch.randint(4, (nodes,), generator=generator)
    same_community = labels[:, None] == labels[None, :]
    draw = torch.rand(nodes, nodes, generator=generator).triu(1)
    edges = (draw > torch.where(same_community, 0.8, 0.97)).float()
    adjacency = edges + edges.T + torch.eye(nodes)
    scale = adjacency.sum(1).rsqrt()
    features = torch.randn(nodes, 16, generator=generator)
    features[:, :4] += 1.5 * functional.one_hot(labels, 4)
    return Batch((features, scale[:, None] * adjacency * scale[None, :]), labels)


def clicks(seed, count=128):
    """Three categories and five numbers; the click depends on all."""
    generator = generator_of(seed)
    categories = torch.randint(12, (count, 3), generator=generator)
    numbers = torch.randn(count, 5, generator=generator)
    taste = torch.sin(torch.arange(12.0) * 2.3)
    logits = 2 * (taste[categories].sum(1) + numbers[:, 0] + numbers[:, 1])
    return Batch((categories, numbers), (logits > 0).float()[:, None])


def users_and_items(seed, count=128):
    """Ratings from the product of hidden tastes; variance about 1."""
    generator = generator_of(seed)
    pairs = torch.randint(24, (count, 2), generator=generator)
    hidden = torch.randn(2, 24, 3, generator=generator_of(77))
    ratings = (hidden[0][pairs[:, 0]] * hidden[1][pairs[:, 1]]).sum(-1, keepdim=True) / 1.7
    return Batch((pairs[:, 0], pairs[:, 1]), ratings)


def pairs_of_digits(seed, count=64):
    """Two digits; whether they are the same."""
    data, labels = _digits()
    generator = generator_of(seed)
    first = torch.randint(len(data), (count,), generator=generator)
    second = torch.randint(len(data), (count,), generator=generator)
    by_label = [torch.nonzero(labels == digit)[:, 0] for digit in range(10)]
    for row in range(0, count, 2):
        mates = by_label[int(labels[first[row]])]
        second[row] = mates[torch.randint(len(mates), (1,), generator=generator)]
    inputs = tuple((data[picked] - 0.305) / 0.376 for picked in (first, second))
    return Batch(inputs, (labels[first] == labels[second]).float())


def real_and_noise(seed, count=64):
    """Digits in [−1, 1] and noise, 1 and 0."""
    real = 2 * pixels(seed, count // 2).inputs[0] - 1
    noise = torch.rand(count // 2, 64, generator=generator_of(seed)) * 2 - 1
    labels = torch.cat([torch.ones(count // 2, 1), torch.zeros(count // 2, 1)])
    return Batch((torch.cat([real, noise]).view(-1, 1, 8, 8),), labels)


def latents(seed, count=64, width=16):
    """Noise to make pictures of; the targets are real digits in [−1, 1]."""
    real = 2 * pixels(seed, count).inputs[0] - 1
    return Batch((torch.randn(count, width, generator=generator_of(seed)),), real.view(-1, 1, 8, 8))


def moons(seed, count=128):
    """Two moons in the plane, standardised; the targets are not used."""
    generator = generator_of(seed)
    angle = math.pi * torch.rand(count, generator=generator)
    is_lower = torch.rand(count, generator=generator) < 0.5
    x = torch.where(is_lower, 1 - torch.cos(angle), torch.cos(angle))
    y = torch.where(is_lower, 0.5 - torch.sin(angle), torch.sin(angle))
    plane = torch.stack([(x - 0.5) / 0.87, (y - 0.25) / 0.5], 1)
    return Batch((plane + 0.05 * torch.randn(count, 2, generator=generator),), torch.zeros(count))


def transitions(seed, count=128):
    """States, with the action taken and its return."""
    generator = generator_of(seed)
    states = torch.randn(count, 4, generator=generator)
    actions = torch.randint(2, (count,), generator=generator)
    returns = torch.where(actions == 0, states[:, 0] + states[:, 1], states[:, 2] - states[:, 3])
    return Batch((states,), (actions, returns))


def noised(seed, count=32):
    """Diffusion: a noisy digit and its time in [0, 1]; the target is the noise."""
    generator = generator_of(seed)
    clean = images(seed, count).inputs[0]
    time = torch.rand(count, generator=generator)
    noise = torch.randn(clean.shape, generator=generator)
    angle = time[:, None, None, None] * math.pi / 2
    return Batch((torch.cos(angle) * clean + torch.sin(angle) * noise, time), noise)


def halves(seed, count=32):
    """Where a digit is brighter than the mean, pixel by pixel."""
    picture = images(seed, count, 16).inputs[0]
    noise = torch.randn(picture.shape, generator=generator_of(seed))
    return Batch((picture + 0.3 * noise,), (picture > 0).float())
