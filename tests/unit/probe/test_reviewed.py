"""What a review found: packed sequences, losses that are no plain mean, threads inside torch's attention."""

import math
import threading

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from justfit.probe import read_signals
from justfit.probe._composite import plain_branches


class Recurrent(nn.Module):
    def __init__(self, kind, *, packed):
        super().__init__()
        self.memory = kind(5, 8, num_layers=2, dropout=0.5, batch_first=True)
        self.head = nn.Linear(8, 3)
        self.packed = packed

    def forward(self, x):
        lengths = torch.full((len(x),), x.shape[1])
        values = pack_padded_sequence(x, lengths, batch_first=True) if self.packed else x
        state = self.memory(values)[1]
        return self.head((state[0] if isinstance(state, tuple) else state)[-1])


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_a_packed_sequence_reads_like_a_padded_one_and_without_dropout(kind):
    torch.manual_seed(0)
    x = torch.randn(16, 6, 5)
    padded, packed = Recurrent(kind, packed=False), Recurrent(kind, packed=True)
    packed.load_state_dict(padded.state_dict())
    rms = [read_signals(net, x).loss.output_rms for net in (padded, packed, packed)]
    assert rms[0] == pytest.approx(rms[1], rel=1e-5)
    assert rms[1] == rms[2], "dropout is off"


@pytest.mark.parametrize(
    "loss_fn",
    [
        nn.CrossEntropyLoss(reduction="sum"),
        nn.CrossEntropyLoss(weight=torch.tensor([1.0, 9.0, 1.0, 1.0])),
        lambda output, target: nn.functional.nll_loss(output.log_softmax(1), target, reduction="sum"),
    ],
)
def test_the_initial_loss_is_only_judged_where_it_is_the_plain_mean(loss_fn):
    torch.manual_seed(0)
    net, x, y = nn.Linear(16, 4), torch.randn(32, 16), torch.arange(32) % 4
    assert math.isnan(read_signals(net, x, targets=y, loss_fn=loss_fn).loss.expected)
    assert read_signals(net, x, targets=y, loss_fn=nn.CrossEntropyLoss()).loss.expected == pytest.approx(math.log(4))


def test_a_weighted_binary_loss_has_no_expected_value():
    net, x, y = nn.Linear(16, 1), torch.randn(32, 16), torch.ones(32, 1)
    weighted = nn.BCEWithLogitsLoss(pos_weight=torch.tensor([20.0]))
    assert math.isnan(read_signals(net, x, targets=y, loss_fn=weighted).loss.expected)
    assert read_signals(net, x, targets=y, loss_fn=nn.BCEWithLogitsLoss()).loss.expected == pytest.approx(math.log(2))


def test_threads_that_overlap_leave_torch_as_it_was():
    before = torch.nn.functional.has_torch_function
    entered, leave = threading.Event(), threading.Event()

    def other():
        with plain_branches():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with plain_branches():
        assert not torch.nn.functional.has_torch_function((torch.ones(1),))
        thread.start()
        entered.wait(10)
    assert torch.nn.functional.has_torch_function is not before, "the other thread is still inside"
    leave.set()
    thread.join()
    assert torch.nn.functional.has_torch_function is before


def test_a_layer_without_units_is_measured_as_far_as_there_is_something():
    net = nn.Sequential(nn.Linear(16, 0), nn.ReLU(), nn.Linear(0, 4))
    layers = read_signals(net, torch.randn(32, 16)).layers
    assert [layer.shape for layer in layers] == [(0, 16), (4, 0)]
