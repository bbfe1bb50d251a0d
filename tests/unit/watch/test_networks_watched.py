"""Networks and optimizers out of the ordinary."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from justfit.watch import watch
from tests.unit.watch.loops import batches, network


def layers_of(run) -> dict:
    evidence = run.record.evidence
    assert not any("stopped" in note for note in evidence.notes), evidence.notes
    return {layer.name: layer for layer in evidence.layers}


def test_two_players():
    torch.manual_seed(0)
    maker = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 6))
    critic = nn.Sequential(nn.Linear(6, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    both = nn.ModuleDict({"maker": maker, "critic": critic})
    maker_optimizer = torch.optim.Adam(maker.parameters(), lr=1e-3)
    critic_optimizer = torch.optim.Adam(critic.parameters(), lr=1e-3)
    expected = {"maker": [], "critic": []}
    critic_losses = []
    with watch(both, [critic_optimizer, maker_optimizer], every=1, live=False) as run:
        for x, _ in batches(6):
            fake = maker(torch.randn(32, 4))
            critic_optimizer.zero_grad()
            loss = functional.softplus(critic(fake.detach())).mean() + functional.softplus(-critic(x)).mean()
            loss.backward()
            critic_losses.append(loss.item())
            expected["critic"].append(float(torch.cat([p.grad.flatten() for p in critic[0].parameters()]).norm()))
            critic_optimizer.step()
            maker_optimizer.zero_grad()
            functional.softplus(-critic(fake)).mean().backward()
            expected["maker"].append(float(torch.cat([p.grad.flatten() for p in maker[0].parameters()]).norm()))
            maker_optimizer.step()
    layers = layers_of(run)
    assert (layers["critic.0"].optimizer, layers["maker.0"].optimizer) == (0, 1)
    assert layers["critic.0"].gradient_norm == pytest.approx(expected["critic"], rel=1e-5)
    assert layers["maker.0"].gradient_norm == pytest.approx(expected["maker"], rel=1e-5)
    assert run.record.evidence.losses.mean == pytest.approx(critic_losses)
    assert [trace.num_steps for trace in run.record.evidence.optimizers] == [6, 6]
    assert not math.isnan(layers["maker.0"].dead_fraction[0])


def test_frozen_shared_and_late_layers():
    module = network()
    module[4].requires_grad_(False)
    optimizer = torch.optim.SGD([p for p in module.parameters() if p.requires_grad], lr=0.1)
    with watch(module, optimizer, every=1, live=False) as run:
        for number, (x, y) in enumerate(batches(6)):
            if number == 3:
                module[4].requires_grad_(True)
                optimizer.add_param_group({"params": list(module[4].parameters()), "lr": 0.01})
            optimizer.zero_grad()
            functional.cross_entropy(module(x), y).backward()
            optimizer.step()
    layer = layers_of(run)["4"]
    assert layer.num_trainable == layer.num_parameters
    assert len(layer.gradient_norm) == 6
    assert [math.isnan(norm) for norm in layer.gradient_norm[:3]] == [True] * 3
    assert not math.isnan(layer.gradient_norm[-1])


def test_a_layer_that_stays_frozen():
    module = network()
    module[4].requires_grad_(False)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    with watch(module, optimizer, every=1, live=False) as run:
        for x, y in batches(2):
            functional.cross_entropy(module(x), y).backward()
            optimizer.step()
    layer = layers_of(run)["4"]
    assert (layer.num_parameters, layer.num_trainable, layer.optimizer) == (272, 0, -1)


def test_tied_weights_count_once():
    torch.manual_seed(0)

    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.head = nn.Embedding(11, 6), nn.Linear(6, 11, bias=False)
            self.head.weight = self.embedding.weight

        def forward(self, x):
            return self.head(self.embedding(x))

    module = Tied()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    with watch(module, optimizer, every=1, live=False) as run:
        functional.cross_entropy(module(torch.arange(11)), torch.arange(11)).backward()
        expected = float(module.head.weight.grad.norm())
        optimizer.step()
    layers = layers_of(run)
    assert list(layers) == ["embedding"]
    assert layers["embedding"].gradient_norm == pytest.approx([expected])
    assert not layers["embedding"].has_units


def test_sparse_gradients():
    module = nn.Sequential(nn.Embedding(50, 4, sparse=True), nn.Linear(4, 2))
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    with watch(module, optimizer, every=1, live=False) as run:
        for _ in range(3):
            optimizer.zero_grad()
            module(torch.tensor([1, 2, 2, 3])).square().mean().backward()
            expected = float(module[0].weight.grad.to_dense().norm())
            optimizer.step()
    assert layers_of(run)["0"].gradient_norm[-1] == pytest.approx(expected)


def test_complex_parameters():
    class Complex(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(4, 4, dtype=torch.complex64, generator=torch.manual_seed(0)))

        def forward(self, x):
            return (x.to(torch.complex64) @ self.weight).abs()

    module = Complex()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    with watch(module, optimizer, every=1, live=False) as run:
        module(torch.randn(8, 4)).mean().backward()
        expected = float(torch.view_as_real(module.weight.grad).norm())
        optimizer.step()
    layer = layers_of(run)[""]
    assert layer.gradient_norm == pytest.approx([expected])
    assert layer.update_norm == pytest.approx([0.1 * expected], rel=1e-4)


def test_parameters_in_half_precision_and_of_two_types():
    module = nn.Sequential(nn.Linear(8, 16).to(torch.bfloat16), nn.Linear(16, 2))
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    with watch(module, optimizer, every=1, live=False) as run:
        hidden = module[0](torch.randn(4, 8, dtype=torch.bfloat16))
        module[1](hidden.float()).square().mean().backward()
        expected = [float(module[index].weight.grad.float().norm()) for index in (0, 1)]
        optimizer.step()
    layers = layers_of(run)
    assert layers["0"].gradient_norm[0] >= expected[0] * 0.99
    assert layers["1"].gradient_norm[0] >= expected[1] * 0.99


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_checkpointed_parts_are_not_run_again(use_reentrant):
    calls = []

    class Part(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(6, 6)

        def forward(self, x):
            calls.append(1)
            return self.linear(x).relu()

    torch.manual_seed(0)
    module = nn.ModuleList([nn.Linear(6, 6), Part(), nn.Linear(6, 3)])
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    with watch(module, optimizer, every=1, live=False) as run:
        for x, y in batches(2):
            hidden = checkpoint(module[1], module[0](x), use_reentrant=use_reentrant)
            functional.cross_entropy(module[2](hidden), y).backward()
            optimizer.step()
            optimizer.zero_grad()
    layers = layers_of(run)
    assert len(calls) == 4  # forward and recomputation, of two steps
    assert not math.isnan(layers["1.linear"].gradient_norm[0])
    assert math.isnan(layers["1.linear"].dead_fraction[0])


def test_tensors_that_were_offloaded_stay_where_they_are():
    fetched = []

    def unpack(tensor):
        fetched.append(1)
        return tensor

    module = network()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    counts = []
    for every in (1, None):
        fetched.clear()
        run = watch(module, optimizer, every=every, live=False) if every else None
        if run:
            run.start()
        with torch.autograd.graph.saved_tensors_hooks(lambda tensor: tensor, unpack):
            functional.cross_entropy(module(batches(1)[0][0]), batches(1)[0][1]).backward()
        optimizer.step()
        counts.append(len(fetched))
        if run:
            run.close()
    assert counts[0] == counts[1]


def test_compiled_networks_show_their_gradients():
    module = network()
    compiled = torch.compile(module, backend="aot_eager", fullgraph=True)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    with watch(compiled, optimizer, every=1, live=False) as run:
        for x, y in batches(3):
            optimizer.zero_grad()
            functional.cross_entropy(compiled(x), y).backward()
            optimizer.step()
    layers = layers_of(run)
    assert list(layers) == ["0", "4", "6"]
    assert not math.isnan(layers["0"].gradient_norm[-1])
    assert any("compiled" in note for note in run.record.evidence.notes)


def test_a_network_compiled_after_the_watch_began_is_not_compiled_twice():
    module = network()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    torch._dynamo.reset()
    counter = torch._dynamo.testing.CompileCounter()
    compiled = torch.compile(module, backend=counter, fullgraph=True)
    with watch(module, optimizer, every=2, live=False) as run:
        for x, y in batches(5):
            optimizer.zero_grad()
            functional.cross_entropy(compiled(x), y).backward()
            optimizer.step()
    assert counter.frame_count == 1
    assert len(layers_of(run)["0"].gradient_norm) == 3


def test_weights_loaded_and_replaced_within_the_run():
    module = network()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    kept = {name: value.clone() for name, value in module.state_dict().items()}
    with watch(module, optimizer, every=1, live=False) as run:
        for number, (x, y) in enumerate(batches(6)):
            optimizer.zero_grad()
            functional.cross_entropy(module(x), y).backward()
            optimizer.step()
            if number == 2:
                module.load_state_dict(kept)
            if number == 4:
                for parameter in module.parameters():
                    parameter.data = parameter.data.clone()
    layer = layers_of(run)["0"]
    assert layer.weight_norm[3] == pytest.approx(layer.weight_norm[0])
    assert layer.update_norm[-1] == pytest.approx(0.1 * layer.gradient_norm[-1], rel=1e-3)


def test_recurrent_gates_are_no_units():
    module = nn.LSTM(6, 8)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    with watch(module, optimizer, every=1, live=False) as run:
        module(torch.randn(5, 3, 6))[0].square().mean().backward()
        optimizer.step()
    layer = layers_of(run)[""]
    assert layer.gradient_norm[0] > 0
    assert math.isnan(layer.saturated_fraction[0])


def test_optimizers_that_share_a_layer():
    module = nn.Linear(6, 3)
    first, second = torch.optim.SGD([module.weight], lr=0.1), torch.optim.SGD([module.bias], lr=0.1)
    with watch(module, (first, second), every=1, live=False) as run:
        for x, y in batches(2):
            functional.cross_entropy(module(x), y).backward()
            expected = float(module.weight.grad.norm())
            first.step()
            second.step()
            module.zero_grad()
    layer = layers_of(run)[""]
    assert layer.optimizer == 0
    assert layer.gradient_norm[-1] == pytest.approx(expected)
