"""Dropout without a look at each call: what `DropoutMode` alone gives, bit for bit, on a network left as it was."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from justfit.sweep._dropout_mode import DropoutMode
from justfit.sweep._dropout_sites import DropoutSites
from tests.unit.sweep.networks import IMAGES, NETWORKS, ROWS, TOKENS


class Own(nn.Module):
    """Code of its own around torch's modules."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(10, 6), nn.Dropout(0.2))

    def forward(self, x):
        return functional.dropout(self.inner(x), 0.5, self.training)


class ByName(Own):
    def forward(self, x):
        return self.inner[1](input=self.inner[0](x))


class DropsWeights(nn.Module):
    def forward(self, weight):
        return functional.dropout(weight, 0.5, self.training)


class Frozen(nn.Module):
    """An encoder that never trains: outside of training torch has a faster path, of other roundings."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True).requires_grad_(False)
        self.out = nn.Linear(4, 3)

    def forward(self, x):
        return self.out(self.encoder.eval()(x))


class Heads(nn.MultiheadAttention):
    def __init__(self):
        super().__init__(4, 2, dropout=0.4, batch_first=True)

    def forward(self, x):
        return super().forward(x, x, x)


def drop_connect():
    layer = nn.Linear(10, 3)
    nn.utils.parametrize.register_parametrization(layer, "weight", DropsWeights())
    return layer


def hooked():
    layer = nn.Linear(10, 3)
    layer.register_forward_hook(lambda module, args, outputs: functional.dropout(outputs, 0.5))
    return layer


def replaced_forward():
    layer = nn.Linear(10, 10)
    layer.forward = lambda x: functional.dropout(x @ layer.weight, 0.5)
    return layer


def images(*middle):
    return lambda: nn.Sequential(nn.Conv2d(1, 4, 3), *middle, nn.Flatten())


MORE = {
    "own code": (Own, ROWS),
    "by name": (ByName, ROWS),
    "parametrization": (drop_connect, ROWS),
    "hook": (hooked, ROWS),
    "replaced forward": (replaced_forward, ROWS),
    "2d and 3d": (images(nn.Dropout2d(0.3), nn.Dropout3d(0.3)), IMAGES),
    "encoder": (lambda: nn.TransformerEncoderLayer(4, 2, 8, dropout=0.2, batch_first=True), TOKENS),
    "encoder with an activation": (
        lambda: nn.TransformerEncoderLayer(4, 2, 8, activation=lambda x: functional.dropout(x, 0.5), batch_first=True),
        TOKENS,
    ),
    "frozen encoder": (Frozen, TOKENS),
    "bare LSTM": (lambda: nn.LSTM(4, 6, 3, dropout=0.4), TOKENS),
    "bare heads": (Heads, TOKENS),
}


def built(build):
    torch.manual_seed(1)
    return build().train()


def run(module, inputs, context):
    torch.manual_seed(2)
    with context:
        found = (
            module(**inputs)
            if isinstance(inputs, dict)
            else module(*(inputs if isinstance(inputs, tuple) else (inputs,)))
        )
    outputs = found[0] if isinstance(found, tuple) else found
    gradients = torch.autograd.grad(
        outputs.square().sum(), [p for p in module.parameters() if p.requires_grad], allow_unused=True
    )
    return [outputs, *(g for g in gradients if g is not None), torch.rand(3)]


def equal(one, other):
    return len(one) == len(other) and all(map(torch.equal, one, other))


@pytest.mark.parametrize("p", [None, 0.0, 0.35])
@pytest.mark.parametrize("name", NETWORKS | MORE)
def test_as_under_the_mode_alone(name, p):
    build, inputs = (NETWORKS | MORE)[name]
    module, twin = built(build), built(build)
    before = [set(vars(part)) for part in module.modules()]
    sites = DropoutSites(module, DropoutMode(p))
    for _ in range(2):
        assert equal(run(module, inputs, sites), run(twin, inputs, DropoutMode(p)))
    assert [set(vars(part)) for part in module.modules()] == before


def test_the_comparison_notices_torchs_own_masks():
    module = built(Own)
    assert not equal(run(module, ROWS, torch.enable_grad()), run(module, ROWS, DropoutMode(None)))


class Counting(DropoutMode):
    seen = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.seen += 1
        return super().__torch_function__(func, types, args, kwargs)


@pytest.mark.parametrize(("build", "seen"), [(NETWORKS["LayerNorm"][0], 0), (Own, 1)])
def test_only_foreign_code_is_watched(build, seen):
    module, mode = built(build), Counting(0.3)
    with DropoutSites(module, mode):
        module(ROWS)
    assert mode.seen == seen
    with mode:
        module(ROWS)
    assert mode.seen >= seen + 3


def test_a_hook_put_there_later_is_seen():
    module, twin = built(MORE["2d and 3d"][0]), built(MORE["2d and 3d"][0])
    sites = DropoutSites(module, DropoutMode(0.4))
    for one in (module, twin):
        one[0].register_forward_hook(lambda module, args, outputs: functional.dropout(outputs, 0.5))
    assert equal(run(module, IMAGES, sites), run(twin, IMAGES, DropoutMode(0.4)))


def test_left_as_it_was_when_the_network_fails():
    module = built(Own)
    before = [set(vars(part)) for part in module.modules()]
    with pytest.raises(RuntimeError), DropoutSites(module, DropoutMode(0.4)):
        module(torch.ones(2, 3))
    assert [set(vars(part)) for part in module.modules()] == before
    torch.manual_seed(0)
    plain = module(ROWS)
    torch.manual_seed(0)
    assert torch.equal(plain, functional.dropout(functional.dropout(module.inner[0](ROWS), 0.2), 0.5))


def test_a_copy_made_meanwhile_has_a_forward_pass_of_its_own():
    module = built(Own)
    with DropoutSites(module, DropoutMode(0.4)):
        copied = copy.deepcopy(module)
    with torch.no_grad():
        copied.inner[0].weight.zero_()
        copied.inner[0].bias.zero_()
    assert bool((copied(ROWS) == 0).all())
    assert not bool((module(ROWS) == 0).all())


class Seeing(TorchFunctionMode):
    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.seen.append(func)
        return func(*args, **(kwargs or {}))


def test_another_mode_stays_on():
    class Seen(Own):
        def forward(self, x):
            with seeing:
                return super().forward(x)

    seeing = Seeing()
    module, twin = built(Seen), built(Own)
    found = run(module, ROWS, DropoutSites(module, DropoutMode(0.4)))
    assert functional.linear in seeing.seen
    assert equal(found, run(twin, ROWS, DropoutMode(0.4)))
