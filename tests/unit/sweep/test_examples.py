"""Whatever examples are held in gives the same examples; what cannot be trained on is said at once."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from torch.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SubsetRandomSampler,
    TensorDataset,
)

from justfit.errors import ArgumentError, DataError
from justfit.sweep import NEVER_HELD_OUT
from justfit.sweep import _sources as sources
from justfit.sweep._examples import as_examples

N = 24
X = torch.randn(N, 3, generator=torch.Generator().manual_seed(0))
Y = torch.arange(N) % 3


class Pairs(Dataset):
    def __len__(self):
        return N

    def __getitem__(self, row):
        return X[row], int(Y[row])


class Dicts(Pairs):
    def __getitem__(self, row):
        return {"left": X[row, :1], "right": X[row, 1:], "label": int(Y[row])}


class Stream(IterableDataset):
    def __iter__(self):
        return iter((X[row], int(Y[row])) for row in range(N))


def loader(dataset, **options):
    return DataLoader(dataset, batch_size=5, **options)


SAME = {
    "tensors": (X, Y),
    "lists": [X.tolist(), Y.tolist()],
    "arrays": (X.double().numpy(), Y.numpy().astype(np.uint8)),
    "column of codes": (X, Y[:, None]),
    "polars": (pl.DataFrame(X.double().numpy()), pl.Series(Y.numpy())),
    "pandas": (pd.DataFrame(X.double().numpy()), pd.Series(Y.numpy())),
    "pandas target frame": (pd.DataFrame(X.double().numpy()), pd.DataFrame({"class": Y.numpy()})),
    "tensor dataset": TensorDataset(X, Y),
    "dataset": Pairs(),
    "stream": Stream(),
    "loader": loader(Pairs(), shuffle=True),
    "loader that drops": loader(Pairs(), shuffle=True, drop_last=True),
    "loader of a stream": loader(Stream()),
    "loader without batches": DataLoader([(X[:20], Y[:20]), (X[20:], Y[20:])], batch_size=None),
}


@pytest.mark.parametrize("given", SAME.values(), ids=SAME.keys())
def test_every_kind_of_source_gives_the_same_examples(given):
    examples = as_examples(given, folds=4, seed=1)
    expected = as_examples((X, Y), folds=4, seed=1)
    assert torch.equal(examples.inputs, X)
    assert examples.inputs.dtype == torch.float32
    assert torch.equal(examples.targets, Y)
    assert torch.equal(examples.fold_of_rows, expected.fold_of_rows)


def test_each_fold_has_its_share_of_each_class():
    folds = as_examples((X, Y), folds=4).fold_of_rows
    assert all(torch.bincount(Y[folds == fold]).tolist() == [2, 2, 2] for fold in range(4))
    halves = as_examples((X, (Y == 0).float()), folds=4).fold_of_rows
    assert all(int((Y[halves == fold] == 0).sum()) == 2 for fold in range(4))


def test_numbers_are_dealt_without_classes():
    folds = as_examples((X, X[:, 0]), folds=5).fold_of_rows
    assert torch.bincount(folds).tolist() == [5, 5, 5, 5, 4]


def test_a_validation_set_is_fold_0_and_the_rest_is_never_held_out():
    examples = as_examples((X[:20], Y[:20]), TensorDataset(X[20:], Y[20:]))
    assert examples.fold_of_rows.tolist() == [NEVER_HELD_OUT] * 20 + [0] * 4
    assert torch.equal(examples.inputs, X)


def test_several_inputs_by_place_and_by_name():
    by_place = as_examples(((X, X[:, :1]), Y)).inputs
    assert torch.equal(by_place[1], X[:, :1])
    by_name = as_examples(({"x": X.numpy(), "z": pl.Series([1.0] * N)}, Y)).inputs
    assert set(by_name) == {"x", "z"}
    items = as_examples(Dicts()).inputs
    assert torch.equal(items["right"], X[:, 1:])
    triples = as_examples(TensorDataset(X, X[:, :1], Y)).inputs
    assert torch.equal(triples[1], X[:, :1])


def test_a_subset_sampler_limits_the_rows():
    examples = as_examples(loader(Pairs(), sampler=SubsetRandomSampler([4, 3, 1, 0])), folds=2)
    assert torch.equal(examples.inputs, X[[0, 1, 3, 4]])


def test_a_loader_collates_its_own_way():
    examples = as_examples(
        loader(Pairs(), collate_fn=lambda items: (torch.stack([x * 2 for x, _ in items]), Y[: len(items)]))
    )
    assert torch.equal(examples.inputs, X * 2)


def test_the_users_tensors_are_not_shared_with_a_graph():
    leaf = X.clone().requires_grad_()
    assert not as_examples((leaf, Y)).inputs.requires_grad


class Ragged(Pairs):
    def __getitem__(self, row):
        return torch.zeros(1 + row % 2), int(Y[row])


class Alone(Pairs):
    def __getitem__(self, row):
        return X[row]


HOLES = X.clone()
HOLES[3, 1] = torch.nan
BAD = {
    "not a pair": (
        (X, Y, Y),
        ArgumentError,
        r"`train` must be a pair .* Found a tuple of 3\. Give `\(inputs, targets\)`",
    ),
    "no source": (X, ArgumentError, r"Found a Tensor\."),
    "no array": (
        (X, object()),
        ArgumentError,
        r"`train\[1\]` must be a tensor, an array or a data frame\. Found a object",
    ),
    "lengths": ((X, Y[:-1]), DataError, r"one row for each example\. Found 24 inputs, 23 targets\."),
    "empty": ((X[:0], Y[:0]), DataError, r"`train` must hold examples\. Found none"),
    "empty dataset": (TensorDataset(X[:0], Y[:0]), DataError, r"`train` must hold examples\. Found none"),
    "nan": (
        (HOLES, Y),
        DataError,
        r"The inputs of `train` must be finite\. Found NaN or infinity in 1 of 24 rows, first in row 3",
    ),
    "nan target": ((X, HOLES[:, 1]), DataError, r"The targets of `train` must be finite"),
    "ragged items": (Ragged(), DataError, r"must be of one shape and kind"),
    "ragged list": (([[1.0], [1.0, 2.0]], [0, 1]), DataError, r"must be rectangular\. Found a list whose rows differ"),
    "items without target": (Alone(), DataError, r"Each item of `train` must hold inputs and a target"),
    "texts": ((pl.DataFrame({"a": ["x"] * N}), Y), DataError, r"must be numbers\. Found column 'a' of String"),
    "text classes": ((X, np.array(["a", "b"] * 12)), DataError, r"must hold numbers\. Found an array of <U1"),
    "drawn twice": (
        loader(Pairs(), sampler=RandomSampler(Pairs(), replacement=True)),
        ArgumentError,
        r"must visit each example of its dataset once\. Found a DataLoader with a RandomSampler",
    ),
    "a class of one": (
        (X, (torch.arange(N) == 5).long()),
        DataError,
        r"at least two examples.*Found one example of class 1\.",
    ),
}


@pytest.mark.parametrize(("given", "kind", "message"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_trained_on(given, kind, message):
    with pytest.raises(kind, match=message):
        as_examples(given, folds=3)


def test_folds_that_cannot_be_dealt():
    with pytest.raises(DataError, match=r"at least one example in each fold\. Found 24 examples for 25 folds"):
        as_examples((X, Y), folds=25)
    with pytest.raises(ArgumentError, match=r"`folds` must be a whole number, at least 2\. Found `folds=1`"):
        as_examples((X, Y), folds=1)


def test_validation_of_another_shape():
    with pytest.raises(DataError, match=r"All examples of `train` and `validation` must have one shape"):
        as_examples((X, Y), (X[:, :2], Y))


def test_an_endless_stream_ends(monkeypatch):
    class Endless(IterableDataset):
        def __iter__(self):
            while True:
                yield X[0], 1

    monkeypatch.setattr(sources, "MOST_EXAMPLES", 1_000)
    with pytest.raises(DataError, match=r"`train` must end.*Found more than 1,000 of them"):
        as_examples(Endless())
