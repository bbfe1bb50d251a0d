"""What users hold their examples in (pairs, data frames, datasets, loaders), read into tensors.

A dataset is read once: a random transform in it gives each example one draw, which all networks then see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    TensorDataset,
    default_collate,
)

from justfit.errors import ArgumentError, DataError
from justfit.sweep._failure import first_line

# All examples are held in memory; a stream that does not end must not fill it.
MOST_EXAMPLES = 2_000_000
_PIECE = 512
_TARGET_KEYS = ("labels", "label", "targets", "target", "y")
_TAKEN = (
    "a pair (inputs, targets) of tensors, arrays or data frames (inputs may be a tuple or dict of them), a Dataset or "
    "a DataLoader"
)


def read_source(source: Any, name: str) -> tuple[Any, Any]:
    """Read inputs and targets, as trees of tensors.

    Args:
        source: A pair, a Dataset or a DataLoader.
        name: Of the argument, for errors.

    Returns:
        Inputs and targets; each a tensor [n, …] or a tuple or dict of such.

    Raises:
        ArgumentError: It is none of what can be read.
        DataError: Its items do not fit together, or there are too many.
    """
    if isinstance(source, DataLoader):
        return _read_loader(source, name)
    if isinstance(source, TensorDataset):
        return _split(tuple(source.tensors), name)
    if isinstance(source, Dataset):
        return _read_items(_items(source, name), default_collate, name)
    if isinstance(source, tuple | list) and len(source) == 2:
        return _tree(source[0], f"{name}[0]", inputs=True), _tree(source[1], f"{name}[1]", inputs=False)
    raise ArgumentError(
        f"`{name}` must be {_TAKEN}.",
        found=f"a {type(source).__name__}" + (f" of {len(source)}" if isinstance(source, tuple | list) else ""),
        way_out="Give `(inputs, targets)`.",
    )


def _read_loader(loader: DataLoader[Any], name: str) -> tuple[Any, Any]:
    """Read a loader's dataset, in the dataset's own order; only where that is impossible, batch by batch."""
    if isinstance(loader.dataset, IterableDataset) or loader.batch_size is None:
        return _joined((_split(batch, name) for batch in loader), name)
    sampler = loader.sampler
    if isinstance(sampler, SubsetRandomSampler):
        rows: Iterable[int] = sorted(int(row) for row in sampler.indices)
    elif isinstance(sampler, SequentialSampler) or (isinstance(sampler, RandomSampler) and not sampler.replacement):
        rows = range(len(loader.dataset))  # type: ignore[arg-type]  # a map-style dataset has a length
    else:
        raise ArgumentError(
            f"`{name}` must visit each example of its dataset once.",
            found=f"a DataLoader with a {type(sampler).__name__}",
            way_out="Give the dataset itself.",
        )
    return _read_items((loader.dataset[row] for row in rows), loader.collate_fn, name)


def _items(dataset: Dataset[Any], name: str) -> Iterator[Any]:
    if isinstance(dataset, IterableDataset):
        return iter(dataset)
    if not hasattr(dataset, "__len__"):
        raise ArgumentError(
            f"`{name}` must have a length or be an IterableDataset.",
            found=f"a {type(dataset).__name__} without `__len__`",
            way_out="Define `__len__`.",
        )
    return (dataset[row] for row in range(len(dataset)))


def _read_items(items: Iterator[Any], collate: Callable[[list[Any]], Any], name: str) -> tuple[Any, Any]:
    def batches() -> Iterator[tuple[Any, Any]]:
        while piece := list(islice(items, _PIECE)):
            try:
                batch = collate(piece)
            except (RuntimeError, TypeError, ValueError, KeyError) as error:
                raise DataError(
                    f"The items of `{name}` must be of one shape and kind, so that they can be put in one batch.",
                    found=f"items that cannot ({first_line(error)})",
                    way_out="Pad or crop them in the dataset, or give a DataLoader whose `collate_fn` does.",
                ) from error
            yield _split(batch, name)

    return _joined(batches(), name)


def _joined(batches: Iterator[tuple[Any, Any]], name: str) -> tuple[Any, Any]:
    inputs, targets, number = [], [], 0
    for batch_inputs, batch_targets in batches:
        number += len(_leaves(batch_targets)[0])
        if number > MOST_EXAMPLES:
            raise DataError(
                f"`{name}` must end: all examples are held in memory.",
                found=f"more than {MOST_EXAMPLES:,} of them",
                way_out="Give a part of it, such as `itertools.islice` of its items.",
            )
        inputs.append(batch_inputs)
        targets.append(batch_targets)
    if not number:
        raise DataError(f"`{name}` must hold examples.", found="none", way_out="Check the dataset's length.")
    return joined_trees(inputs, name), joined_trees(targets, name)


def _split(batch: Any, name: str) -> tuple[Any, Any]:
    """Inputs and targets of a batch: the last part of a tuple is the target; of a dict, one of `_TARGET_KEYS`."""
    if isinstance(batch, tuple | list) and len(batch) >= 2:
        inputs = batch[0] if len(batch) == 2 else tuple(batch[:-1])
        return _tree(inputs, name, inputs=True), _tree(batch[-1], name, inputs=False)
    if isinstance(batch, Mapping):
        key = next((key for key in _TARGET_KEYS if key in batch), None)
        if key is not None and len(batch) > 1:
            inputs = {other: part for other, part in batch.items() if other != key}
            return _tree(inputs, name, inputs=True), _tree(batch[key], name, inputs=False)
    raise DataError(
        f"Each item of `{name}` must hold inputs and a target.",
        found=f"{type(batch).__name__} of {list(batch) if isinstance(batch, Mapping) else 'one part'}",
        way_out=f"Let it be a pair, or a dict with one of {', '.join(_TARGET_KEYS)}.",
    )


def _tree(part: Any, name: str, *, inputs: bool) -> Any:
    """Turn all arrays and frames of a tree into tensors on the CPU."""
    if isinstance(part, Mapping):
        return {str(key): _tree(value, f'{name}["{key}"]', inputs=inputs) for key, value in part.items()}
    if isinstance(part, tuple):
        return tuple(_tree(value, f"{name}[{place}]", inputs=inputs) for place, value in enumerate(part))
    return _tensor(part, name, inputs=inputs)


def _tensor(part: Any, name: str, *, inputs: bool) -> Tensor:
    if isinstance(part, Tensor):
        return _as_code(part.detach().cpu(), inputs=inputs)
    array = part if isinstance(part, np.ndarray) else _array(part, name, inputs=inputs)
    if array.dtype.kind not in "biuf":
        raise DataError(
            f"`{name}` must hold numbers.",
            found=f"an array of {array.dtype}",
            way_out="Turn classes into codes 0, 1, 2, … and texts into numbers first.",
        )
    tensor = torch.tensor(array)
    if tensor.dtype == torch.float64:  # numpy's own dtype, hardly ever the network's
        tensor = tensor.to(torch.get_default_dtype())
    return _as_code(tensor, inputs=inputs)


def _as_code(tensor: Tensor, *, inputs: bool) -> Tensor:
    """Targets of whole numbers are class codes: int64, and one number an example where they stand in one column."""
    if inputs or tensor.is_floating_point() or tensor.is_complex():
        return tensor
    return tensor.long().squeeze(1) if tensor.dim() == 2 and tensor.shape[1] == 1 else tensor.long()


def _array(part: Any, name: str, *, inputs: bool) -> np.ndarray[Any, Any]:
    """A data frame or column of any library that narwhals knows, or a list of numbers, as an array."""
    import narwhals as nw

    frame = nw.from_native(part, eager_only=True, allow_series=True, pass_through=True)
    if isinstance(frame, nw.DataFrame):
        texts = [column for column, kind in frame.schema.items() if not (kind.is_numeric() or kind == nw.Boolean)]
        if texts:
            raise DataError(
                f"All columns of `{name}` must be numbers.",
                found=f"column {texts[0]!r} of {frame.schema[texts[0]]}",
                way_out="Encode it first; `justfit.tables` reads and encodes whole tables.",
            )
        array = frame.to_numpy()
        return array.astype(np.float64) if inputs else array
    if isinstance(frame, nw.Series):
        return np.asarray(frame.to_numpy())
    if isinstance(part, list):
        try:
            return np.asarray(part)
        except ValueError:
            raise DataError(
                f"`{name}` must be rectangular.",
                found="a list whose rows differ in length",
                way_out="Pad the rows to one length.",
            ) from None
    raise ArgumentError(
        f"`{name}` must be a tensor, an array or a data frame.",
        found=f"a {type(part).__name__}",
        way_out="Convert it with `torch.as_tensor`.",
    )


def joined_trees(trees: list[Any], name: str) -> Any:
    """Put trees of tensors one below the other."""
    first = trees[0]
    try:
        if isinstance(first, Tensor):
            return torch.cat(trees)
        if isinstance(first, dict):
            return {key: joined_trees([tree[key] for tree in trees], name) for key in first}
        return tuple(joined_trees(list(parts), name) for parts in zip(*trees, strict=True))
    except (RuntimeError, TypeError, KeyError, ValueError) as error:
        raise DataError(
            f"All examples of `{name}` must have one shape.",
            found=f"some that differ ({first_line(error)})",
            way_out="Pad or crop them to one shape.",
        ) from error


def _leaves(tree: Any) -> list[Tensor]:
    if isinstance(tree, Tensor):
        return [tree]
    return [leaf for part in (tree.values() if isinstance(tree, dict) else tree) for leaf in _leaves(part)]
