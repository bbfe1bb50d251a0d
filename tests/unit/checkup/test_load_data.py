"""A batch from a file."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from justfit.checkup import load_subject
from justfit.errors import ArgumentError, ColumnError, DataError, TableNotFoundError

ROWS = np.arange(30, dtype=np.float64).reshape(10, 3)
LABELS = np.arange(10) % 2


@pytest.fixture(autouse=True)
def nets(tmp_path, monkeypatch):
    (tmp_path / "nets_of_data.py").write_text(
        "from torch import nn\n"
        "three = lambda: nn.Linear(3, 2)\n"
        "one = lambda: nn.Linear(3, 1)\n"
        "thirteen = lambda: nn.Linear(13, 3)\n"
        "words = lambda: nn.Embedding(40, 2)\n"
    )
    monkeypatch.chdir(tmp_path)


def save(path, inputs, targets):
    if path == "d.npz":
        np.savez(path, x=inputs, y=targets)
    elif path == "d.safetensors":
        save_file({"inputs": torch.from_numpy(inputs), "targets": torch.from_numpy(targets)}, path)
    elif path == "pair.pt":
        torch.save((torch.from_numpy(inputs), torch.from_numpy(targets)), path)
    else:
        torch.save({"x": torch.from_numpy(inputs), "targets": torch.from_numpy(targets)}, path)


@pytest.mark.parametrize("path", ["d.npz", "d.safetensors", "pair.pt", "d.pth"])
def test_arrays_give_inputs_targets_and_the_loss_of_their_type(path):
    save(path, ROWS, LABELS)
    subject = load_subject("nets_of_data.py:three", data=path, batch_size=4)
    (inputs,) = subject.inputs.positional
    assert inputs.dtype == torch.float32
    assert inputs.shape == (4, 3)
    rows = (inputs[:, 0] / 3).long()
    assert torch.equal(subject.targets, rows % 2)  # rows and labels stay together
    output = subject.rehearse()
    torch.testing.assert_close(
        subject.loss_fn(output, subject.targets), functional.cross_entropy(output, subject.targets)
    )


def test_numbers_get_the_squared_error_and_two_classes_on_one_output_the_binary_loss():
    save("d.npz", ROWS, LABELS.astype(np.float64))
    subject = load_subject("nets_of_data.py:one", data="d.npz")
    output = subject.rehearse()
    torch.testing.assert_close(
        subject.loss_fn(output, subject.targets), (output[:, 0] - subject.targets).square().mean()
    )
    save("d.npz", ROWS, LABELS)
    subject = load_subject("nets_of_data.py:one", data="d.npz")
    expected = functional.binary_cross_entropy_with_logits(output[:, 0], subject.targets.float())
    torch.testing.assert_close(subject.loss_fn(output, subject.targets), expected)


def test_inputs_alone_have_no_loss():
    np.save("d.npy", ROWS)
    subject = load_subject("nets_of_data.py:three", data="d.npy")
    assert subject.inputs.positional[0].shape == (10, 3)
    assert subject.targets is None
    assert subject.loss_fn is None


def test_whole_numbers_stay_for_an_embedding_only():
    np.save("d.npy", ROWS.astype(np.int64))
    assert load_subject("nets_of_data.py:words", data="d.npy").inputs.positional[0].dtype == torch.int64
    assert load_subject("nets_of_data.py:three", data="d.npy").inputs.positional[0].dtype == torch.float32


def test_a_table_is_encoded():
    subject = load_subject("nets_of_data.py:thirteen", data="wine")
    assert subject.inputs.positional[0].shape == (64, 13)
    assert subject.rehearse().shape == (64, 3)
    assert set(subject.targets.tolist()) == {0, 1, 2}


def test_a_csv_with_a_target_column():
    lines = [f"{a},{b},{c},{b * 1.5}" for a, b, c in ROWS]
    with open("rows.csv", "w") as file:  # noqa: PTH123
        file.write("\n".join(["a,b,c,price", *lines]))
    with_target = load_subject("nets_of_data.py:three", data="rows.csv", target_column="price")
    assert with_target.inputs.positional[0].shape == (10, 3)
    assert with_target.targets.dtype == torch.float32
    assert load_subject("nets_of_data.py:three", data="rows.csv").inputs.positional[0].shape == (10, 4)
    with pytest.raises(ColumnError, match="Did you mean `price`"):
        load_subject("nets_of_data.py:three", data="rows.csv", target_column="prize")


class Opaque:
    pass


@pytest.mark.parametrize("path", ["d.npy", "d.npz", "d.pt"])
def test_nothing_that_needs_pickle_is_read(path):
    objects = np.array([Opaque()], dtype=object)
    if path == "d.npy":
        np.save(path, objects, allow_pickle=True)
    elif path == "d.npz":
        np.savez(path, x=objects)
    else:
        torch.save({"x": Opaque()}, path)
    with pytest.raises(DataError, match="must be intact and hold nothing but arrays"):
        load_subject("nets_of_data.py:three", data=path)


def test_a_file_that_cannot_be_used_says_why(tmp_path):
    with pytest.raises(TableNotFoundError, match=r"no file `d.npz`"):
        load_subject("nets_of_data.py:three", data="d.npz")
    with pytest.raises(TableNotFoundError, match="no file `nothing`"):
        load_subject("nets_of_data.py:three", data="nothing")
    (tmp_path / "d.safetensors").write_bytes(b"not one")
    with pytest.raises(DataError, match=r"A file that ends in .safetensors must be intact"):
        load_subject("nets_of_data.py:three", data="d.safetensors")
    np.savez("d.npz", images=ROWS)
    with pytest.raises(DataError, match=r"Found the names images in `d.npz`"):
        load_subject("nets_of_data.py:three", data="d.npz")
    np.savez("d.npz", x=ROWS, y=LABELS[:4])
    with pytest.raises(DataError, match=r"inputs of shape \(10, 3\) and targets of shape \(4,\)"):
        load_subject("nets_of_data.py:three", data="d.npz")
    with pytest.raises(ArgumentError, match=r"`--target y` for `d.npz`"):
        load_subject("nets_of_data.py:three", data="d.npz", target_column="y")
