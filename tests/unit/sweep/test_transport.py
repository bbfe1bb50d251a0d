"""Tensors come over whole, owned, and no longer than they are."""

import pytest
import torch

from justfit.sweep._failure import describe
from justfit.sweep._far import FarTensors, Piece
from justfit.sweep._training import Examples, Setting, SweepVariant, UnitReport, UnitState
from justfit.sweep._transport import leaves, pack, pack_report, send_training, with_state
from tests.unit.sweep.executors import make_training, make_units

TENSORS = {
    "float": torch.randn(3, 4, generator=torch.Generator().manual_seed(0)),
    "double": torch.tensor([float("nan"), -0.0, 1e300], dtype=torch.float64),
    "bfloat16": torch.tensor([[1.5], [2.5]], dtype=torch.bfloat16),
    "bool": torch.tensor([True, False, True]),
    "scalar": torch.tensor(7),
    "complex": torch.tensor([1 + 2j]),
    "empty": torch.empty(0, 5),
    "column": torch.arange(12.0).reshape(3, 4)[:, 1],
}


def same_bits(one, other):
    return one.dtype == other.dtype and one.shape == other.shape and torch.equal(one.isnan(), other.isnan())


def test_every_kind_of_tensor_comes_over():
    for name, tensor in pack(TENSORS).unpack().items():
        assert same_bits(tensor, TENSORS[name]), name
        assert torch.equal(tensor.nan_to_num(), TENSORS[name].nan_to_num()), name


def test_a_row_is_as_long_as_a_row():
    big = torch.zeros(1000, 1000)
    packed = pack({"row": big[3]})
    assert packed.flat.nbytes == 4000
    assert packed.unpack()["row"].untyped_storage().nbytes() == 4000


def test_what_arrives_is_owned():
    packed = pack({"w": torch.zeros(3), "v": torch.zeros(3)})
    packed.flat.flags.writeable = False  # as an object store gives it
    tensors = packed.unpack()
    tensors["w"] += 1
    assert tensors["v"].sum() == 0
    assert packed.unpack()["w"].sum() == 0


def test_a_report_comes_over():
    losses = [torch.randn(2, 5), torch.empty(0, 3)]
    report = UnitReport((1, 4), losses, torch.randn(2, 2).double(), torch.randn(2, 2).double(), 1.5)
    other = pack_report(report).unpack()
    assert (other.epochs, other.seconds) == ((1, 4), 1.5)
    assert all(torch.equal(a, b) for a, b in zip(other.validation_losses, losses, strict=True))
    assert torch.equal(other.train_loss, report.train_loss)
    assert torch.equal(other.train_loss_se, report.train_loss_se)


@pytest.mark.parametrize("in_file", [False, True])
def test_a_training_comes_over_with_its_tree_of_examples(tmp_path, in_file):
    inputs = {"a": torch.randn(8, 2), "b": (torch.arange(8), [torch.rand(8) > 0.5])}
    training = make_training(examples=Examples(inputs, torch.arange(8.0), torch.arange(8) % 2))
    sent = send_training(training, str(tmp_path) if in_file else None)
    assert sum(leaf.nbytes for leaf in leaves(sent.training.examples)) == 0
    received = sent.receive()
    assert type(received.examples.inputs["b"][1]) is list
    for mine, theirs in zip(leaves(received.examples), leaves(training.examples), strict=True):
        assert torch.equal(mine, theirs)
    received.examples.targets.add_(1)  # another worker, and the caller, must not see it
    assert torch.equal(sent.receive().examples.targets, torch.arange(8.0))
    assert torch.equal(training.examples.targets, torch.arange(8.0))


def test_a_unit_gets_its_state_from_rows_of_several_pieces():
    unit = make_units(1)[0]
    first, second = pack({"w": torch.tensor([1, 2, 3])}), pack({"w": torch.tensor([4, 5])})
    filled = with_state(unit, 2, [(first, (2, 0)), (second, (1,))])
    assert filled.state.epoch == 2
    assert filled.state.tensors["w"].tolist() == [3, 1, 5]
    assert with_state(unit, 0, []) is unit


def test_far_states_are_selected_and_joined_as_near_ones_are():
    stored = {"one": {"w": torch.tensor([1, 2, 3])}, "two": {"w": torch.tensor([4, 5])}}
    fetched = []

    def fetch(source):
        fetched.append(source)
        return stored[source]

    def far(source):
        return UnitState(1, FarTensors([Piece(source, tuple(range(len(stored[source]["w"]))))], fetch))

    def near(source):
        return UnitState(1, stored[source])

    def worked_on(state_of):
        both = UnitState.join([state_of("one").select([2, 0]), state_of("two")])
        return UnitState.join([both.select([3, 0, 1]), state_of("one").select([1])])

    joined = worked_on(far)
    assert not fetched
    assert joined.tensors["w"].tolist() == worked_on(near).tensors["w"].tolist() == [5, 3, 1, 2]
    num_fetched = len(fetched)
    assert dict(joined.tensors)["w"] is joined.tensors["w"]
    assert len(fetched) == num_fetched, "fetched again"
    mixed = UnitState.join([far("one"), near("two")])
    assert mixed.tensors["w"].tolist() == [1, 2, 3, 4, 5]


def test_a_variant_is_named_by_what_was_asked_for():
    setting = Setting(l2=0.5, dropout=0.1, learning_rate=0.01, init="he")
    assert describe([SweepVariant(setting=setting, seed=2)]) == (
        "the variant with l2=0.5, dropout=0.1, learning_rate=0.01, init=he, seed 2, all rows"
    )
