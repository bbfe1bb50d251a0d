"""Properties of the cures that hold for any network."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from justfit.cures import BLIND_SCHEMES, Dropout, initialize_
from justfit.maths import fans

settings.register_profile("house", deadline=None, max_examples=40)
settings.load_profile("house")

seeds = st.integers(0, 2**63 - 1)
channels = st.sampled_from([2, 4, 6])


@st.composite
def networks(draw):
    """Draw a chain of layers and activations, not meant to be run."""
    groups, stride = draw(st.sampled_from([1, 2])), draw(st.integers(1, 3))
    makers = st.sampled_from(
        [
            nn.Linear,
            lambda i, o: nn.Conv1d(i, o, 3, groups=groups, stride=stride, bias=False),
            lambda i, o: nn.Conv2d(i, o, (1, 3), groups=groups),
            lambda i, o: nn.ConvTranspose2d(i, o, 3, stride=stride, groups=groups),
            lambda i, o: nn.BatchNorm1d(o),
            lambda i, o: nn.ReLU(),
            lambda i, o: nn.SiLU(),
            lambda i, o: nn.Sequential(nn.Linear(i, o), nn.Tanh()),
        ]
    )
    modules = [draw(makers)(draw(channels), draw(channels)) for _ in range(draw(st.integers(1, 5)))]
    return nn.Sequential(nn.Linear(2, 2), *modules)


def bits(module):
    return [parameter.detach().clone().view(torch.int32) for parameter in module.parameters()]


@given(network=networks(), scheme=st.sampled_from(BLIND_SCHEMES), seed=seeds)
def test_undo_is_exact_every_parameter_is_accounted_for_and_the_seed_decides(network, scheme, seed):
    before, state = bits(network), torch.random.get_rng_state()
    record = initialize_(network, scheme=scheme, seed=seed)
    first = bits(network)
    named = [change.name for change in record.changes] + [name for name, _ in record.untouched]
    assert sorted(named) == sorted(name for name, _ in network.named_parameters())
    parameters = dict(network.named_parameters())
    for change in record.changes:
        assert (change.fan_in, change.fan_out) == fans(network.get_submodule(change.name.rpartition(".")[0]))
        assert change.name.endswith("weight") or not parameters[change.name].any()
    record.undo()
    assert all(torch.equal(a, b) for a, b in zip(before, bits(network), strict=True))
    assert initialize_(network, scheme=scheme, seed=seed) == record
    assert all(torch.equal(a, b) for a, b in zip(first, bits(network), strict=True))
    assert torch.equal(state, torch.random.get_rng_state())


@given(
    p=st.one_of(st.floats(0, 0.99), st.lists(st.floats(0, 0.99), min_size=3, max_size=3)),
    leading=st.lists(st.integers(0, 4), max_size=3),
    seed=st.integers(0, 2**32 - 1),
)
def test_dropout_gives_zero_or_the_scaled_activation_and_nothing_in_eval(p, leading, seed):
    torch.manual_seed(seed)
    x = torch.randn(*leading, 3, dtype=torch.float64)
    dropout = Dropout(p)
    output = dropout(x)
    scale = 1 / (1 - torch.as_tensor(p, dtype=torch.float32).double())
    assert output.shape == x.shape
    assert ((output == 0) | torch.isclose(output, x * scale, rtol=1e-4, atol=0)).all()
    assert dropout.eval()(x) is x
