"""Faults that a reader or a new user found once."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from justfit.errors import ArgumentError, UnsupportedModuleError
from justfit.records import WatchRecord, from_json
from justfit.watch import watch
from justfit.watch._loop import Loop


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.used, self.unused = nn.Linear(4, 8), nn.Linear(8, 1), nn.Linear(8, 1)

    def forward(self, x):
        return self.used(self.body(x).relu())


def train(network, optimizer, num_steps=4, inputs=None):
    for step in range(num_steps):
        x = torch.randn(16, 4, generator=torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        functional.mse_loss(network(x if inputs is None else inputs(x)), x.sum(1, keepdim=True)).backward()
        optimizer.step()


def test_a_parameter_without_a_gradient_does_not_stop_the_watch():
    network = TwoHeads()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
    with watch(network, optimizer, every=1) as run:
        train(network, optimizer)
    layers = {layer.name: layer for layer in run.record.evidence.layers}
    assert len(layers["used"].gradient_norm) == 4
    assert all(norm > 0 for norm in layers["used"].gradient_norm)
    assert all(norm != norm for norm in layers["unused"].gradient_norm)
    assert not any("stopped" in note for note in run.record.evidence.notes)


def test_an_input_with_a_gradient_is_no_layer():
    network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
    with watch(network, optimizer, every=1) as run:
        train(network, optimizer, inputs=lambda x: x.requires_grad_())
    layers = run.record.evidence.layers
    assert [layer.name for layer in layers] == ["0", "2"]
    assert all(rms > 0 for rms in layers[0].activation_rms)


def test_a_folder_that_goes_away_does_not_stop_the_training(tmp_path):
    network = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(network.parameters(), lr=1e6)
    out = tmp_path / "out"
    with watch(network, optimizer, every=1, out=out, flush_seconds=0.0) as run:
        out.rmdir()
        train(network, optimizer, num_steps=30)
    assert run.findings
    assert any("could not be written" in note for note in run.record.evidence.notes)


def test_a_lazy_network_is_refused():
    network = nn.Sequential(nn.Linear(4, 8), nn.LazyLinear(1))
    with pytest.raises(UnsupportedModuleError, match=r"must have values\. Found `1\.weight`, which is uninitialized\."):
        watch(network)


def test_a_watch_that_cannot_start_leaves_nothing_behind(monkeypatch):
    backward = torch.autograd.backward
    network = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)

    def fail(loop):
        raise RuntimeError("no start")

    monkeypatch.setattr(Loop, "start", fail)
    with pytest.raises(RuntimeError, match="no start"), watch(network, optimizer):
        pass
    assert torch.autograd.backward is backward
    assert not network._forward_pre_hooks
    assert not optimizer._optimizer_step_pre_hooks
    assert not optimizer._optimizer_step_post_hooks


def test_the_record_is_written_before_the_user_hears_of_it(tmp_path):
    network = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(network.parameters(), lr=1e6)

    def refuse(finding):
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"), watch(network, optimizer, every=1, out=tmp_path, on_finding=refuse):
        train(network, optimizer, num_steps=30)
    record = from_json(WatchRecord, (tmp_path / "record.json").read_text())
    assert record.findings


def test_a_second_run_begins_its_findings_anew(tmp_path):
    for _ in range(2):
        network = nn.Linear(4, 1)
        optimizer = torch.optim.SGD(network.parameters(), lr=1e6)
        with watch(network, optimizer, every=1, out=tmp_path) as run:
            train(network, optimizer, num_steps=30)
    assert len((tmp_path / "findings.jsonl").read_text().splitlines()) == len(run.findings)


def test_a_state_of_another_run_is_refused():
    one, two = nn.Linear(4, 1), nn.Linear(4, 1)
    optimizers = [torch.optim.SGD(one.parameters(), lr=0.1), torch.optim.SGD(two.parameters(), lr=0.1)]
    both = nn.ModuleList([one, two])
    state = watch(both, optimizers).state_dict()
    with pytest.raises(ArgumentError, match=r"as many optimizers\. Found 2 in the state, 1 here\."):
        watch(one, optimizers[0]).load_state_dict(state)


def test_losses_logged_after_the_step_survive_a_look_at_the_record():
    network = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.0)
    with watch(network, optimizer, loss_from_backward=False) as run:
        for number in range(10):
            train(network, optimizer, num_steps=1)
            assert sum(run.record.evidence.losses.num_steps) == number  # the loss of this step is not told yet
            run.log_loss(float(number))
    assert sum(run.record.evidence.losses.num_steps) == 10


def test_the_mean_of_an_epoch_survives_a_checkpoint():
    network = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.0)
    with watch(network, optimizer) as run:
        train(network, optimizer, num_steps=3)
        state, mean = run.state_dict(), run.epoch_loss
    resumed = watch(network, optimizer)
    resumed.load_state_dict(state)
    assert resumed.epoch_loss == pytest.approx(mean)


def test_two_watches_of_a_pair_know_their_own_layers_only():
    first, second = nn.Linear(4, 4), nn.Linear(4, 1)
    optimizers = [torch.optim.SGD(net.parameters(), lr=0.01) for net in (first, second)]
    with watch(first, optimizers[0], every=1) as one, watch(second, optimizers[1], every=1) as two:
        for step in range(6):
            x = torch.randn(16, 4, generator=torch.Generator().manual_seed(step))
            for optimizer in optimizers:
                optimizer.zero_grad()
            functional.mse_loss(second(first(x)), x[:, :1]).backward()
            for optimizer in optimizers:
                optimizer.step()
    for run in (one, two):
        assert [layer.name for layer in run.record.evidence.layers] == [""]
        assert "JF415" not in {finding.code for finding in run.findings}
