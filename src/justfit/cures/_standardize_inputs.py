"""Inputs brought to mean 0 and standard deviation 1 by the training rows' numbers, in front of any network.

Shapes: n examples, D features or channels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from justfit.cures._chains import runs_in_order
from justfit.cures._change import Applied, Change, editing
from justfit.cures._edits import Hooked, Inserted, free_key
from justfit.cures._standardize import ScaleArguments, Standardize
from justfit.cures._trace import batch_of
from justfit.errors import ArgumentError
from justfit.probe import eager, read_structure, tensors_in, untouched, unwrap

FEW = 2  # examples that are enough to see which layer reads the input
# A mean or a standard deviation this close to 0 and 1 (in standard deviations, and as a factor) is in order: the first
# layer's outputs change by less than its initial weights differ from draw to draw.
TOLERATED = 0.25
ERRORS = 4.0  # standard errors that a sample's mean and standard deviation may be off by chance
WHY = "Inputs in other units make the first layer's outputs, gradients and best learning rate be off by that factor."


def standardize_inputs_(module: nn.Module, inputs: Any, *, feature_dim: int | None = None) -> Applied:
    r"""Put a `Standardize` with the training inputs' means and standard deviations in front of a network, in place.

    Per feature: over all examples of (n, D), and over all steps of (n, T, D). Per channel: over all examples and
    places of images (n, D, H, W) and volumes, and of (n, D, L) where a convolution reads it. A feature that is constant
    is only centred. An input that is standardized already (to within a quarter and four standard errors) is
    left alone, and so are integers that an embedding reads.

    In an `nn.Sequential` it becomes the first child, `standardize`. Any other network gets the numbers as buffers,
    `input_0_mean` and `input_0_std`, and a forward pre-hook that scales its argument before all other hooks: it may run
    its children in ways of its own, so it gets none. All other names in the state dict stay. Pass *training*
    inputs: numbers of validation or test rows have no place in a network. What `code` says belongs into the data
    pipeline instead: the same numbers for training, validation and new data.

    Args:
        module: Changed in place.
        inputs: All training inputs, or a sample of them: a tensor (n, …), a tuple of positional inputs, or a dict of
            keywords. Of several, each floating-point one is standardized by its own numbers.
        feature_dim: The dimension that counts features or channels, where the above is not what the inputs are.

    Returns:
        What was put in front and what was left alone, with `undo()`.

    Raises:
        ArgumentError: Fewer than two examples, or NaN or infinity among them; nothing is changed.
        UnsupportedModuleError: The module cannot be run as it is.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> network, rows = nn.Sequential(nn.Linear(3, 1)), torch.randn(100, 3) * 50 + 200
        >>> applied = standardize_inputs_(network, rows)
        >>> scaled = network[0](rows)
        >>> round(float(scaled.mean().abs()), 4), round(float(scaled.std()), 2)
        (0.0, 1.0)
        >>> print(applied.changes[0].code)
        mean, std = x_train.mean(0), x_train.std(0, correction=0)
        std[std == 0] = 1
        x = (x - mean) / std  # the same mean and std for training, validation and new data
        >>> applied.undo()

    References:
        LeCun, Bottou, Orr, Müller, "Efficient BackProp", 1998, section 4.3.
    """
    bare = unwrap(module)
    batch = batch_of(inputs)
    given: dict[int | str, Any] = dict([*enumerate(batch.inputs), *batch.keywords.items()])
    dtype = next((p.dtype for p in bare.parameters() if p.is_floating_point()), torch.get_default_dtype())
    first, done = _first_operation(bare, inputs), _scales_itself(bare)
    changes, untouched = [], []
    made: dict[int | str, Standardize] = {}
    for place, values in given.items():
        name = f"input {place}" if isinstance(place, int) else place
        obstacle = "the network standardizes it already" if place in done else _obstacle(values, first)
        if obstacle:
            untouched.append((name, obstacle))
            continue
        dim = _feature_dim(values, first) if feature_dim is None else feature_dim % values.dim()
        mean, std = _statistics(values, dim, name)
        if _is_standard(mean, std, values.numel() // mean.numel()):
            untouched.append((name, "it has mean 0 and standard deviation 1 already"))
            continue
        made[place] = Standardize(mean.to(dtype), std.to(dtype)).train(bare.training).to(_device(bare))
        changes.append(_change(name, values, (dim, mean, std)))
    with editing() as edits:
        if made:
            edits.append(_put(bare, made))
    return Applied(changes=tuple(changes), untouched=tuple(untouched), _edits=edits)


def _put(root: nn.Module, made: dict[int | str, Standardize]) -> Inserted | Hooked:
    if runs_in_order(root) and root._modules:
        key = free_key(root, "standardize")
        return Inserted(root, key, next(iter(made.values())), next(iter(root._modules)))
    prefixes = {place: _free_prefix(root, f"input_{place}") for place in made}
    buffers: dict[str, Tensor] = {}
    for place, part in made.items():
        buffers |= {f"{prefixes[place]}_mean": part.mean, f"{prefixes[place]}_std": part.std}
    hook = ScaleArguments(tuple(prefixes.items()))
    return Hooked(root, buffers, lambda owner: owner.register_forward_pre_hook(hook, with_kwargs=True, prepend=True))


def _free_prefix(root: nn.Module, wanted: str) -> str:
    prefix, number = wanted, 2
    while hasattr(root, f"{prefix}_mean") or hasattr(root, f"{prefix}_std"):
        prefix, number = f"{wanted}_{number}", number + 1
    return prefix


def _scales_itself(root: nn.Module) -> set[int | str]:
    """Collect the arguments that an earlier call of this cure has the network standardize."""
    places = {
        place
        for hook in root._forward_pre_hooks.values()
        if isinstance(hook, ScaleArguments)
        for place, _ in hook.places
    }
    if runs_in_order(root) and isinstance(next(iter(root._modules.values()), None), Standardize):
        places.add(0)
    return places


def _first_operation(root: nn.Module, inputs: Any) -> str:
    """Name the first operation with a weight; empty if there is none, or if nothing depends on it."""
    few = batch_of(_first_rows(inputs))
    if not any(_is_ambiguous(tensor) for tensor in tensors_in((few.inputs, dict(few.keywords)))):
        return ""
    with untouched(root), eager(root):
        uses = read_structure(root, few).uses
    return uses[0].call.operation if uses else ""


def _is_ambiguous(values: Tensor) -> bool:
    """Tell whether it takes a run to know what an input is: a sequence or a signal, numbers or names."""
    return values.dim() == 3 or values.dtype in (torch.int64, torch.int32)


def _first_rows(inputs: Any) -> Any:
    if isinstance(inputs, Mapping):
        return {key: _first_rows(value) for key, value in inputs.items()}
    if isinstance(inputs, tuple | list):
        return tuple(_first_rows(value) for value in inputs)
    return inputs[:FEW] if isinstance(inputs, Tensor) and inputs.dim() else inputs


def _obstacle(values: Any, first: str) -> str:
    """Say why an input cannot be standardized; nothing if it can."""
    if not isinstance(values, Tensor):
        return f"it is a {type(values).__name__}" if next(tensors_in(values), None) is None else "it is nested"
    if values.is_complex() or values.dtype == torch.bool:
        return f"it holds {values.dtype}"
    if not values.is_floating_point() and first.startswith("embedding"):
        return "it holds the numbers of words or classes, which an embedding reads"
    if values.dim() == 0 or values.shape[0] < FEW:
        raise ArgumentError(
            "There must be at least two examples to take a standard deviation of.",
            found=f"an input of shape {tuple(values.shape)}",
            way_out="Pass all training inputs, or a large sample of them.",
        )
    return ""


def _feature_dim(values: Tensor, first: str) -> int:
    if values.dim() > 3 or (values.dim() == 3 and first.startswith("conv")):
        return 1
    return values.dim() - 1


def _statistics(values: Tensor, dim: int, name: str) -> tuple[Tensor, Tensor]:
    """Compute mean and standard deviation per feature, in float64; a constant feature gets standard deviation 1."""
    if not bool(values.isfinite().all()):
        raise ArgumentError(
            "Inputs must be finite.",
            found=f"NaN or infinity in {name}",
            way_out="Remove or fill in what is missing first.",
        )
    rows = values.detach().double()
    over = [d for d in range(rows.dim()) if d != dim] if rows.dim() > 1 else [0]
    mean = rows.mean(over, keepdim=True)[0]
    std = rows.std(over, correction=0, keepdim=True)[0]
    # What varies by less than the last bit of its type is rounding, not a feature.
    noise = mean.abs() * (torch.finfo(values.dtype).eps if values.is_floating_point() else 0.0)
    constant = (rows.amax(over, keepdim=True) == rows.amin(over, keepdim=True))[0] | (std <= noise)
    return mean, torch.where(constant, 1.0, std)


def _is_standard(mean: Tensor, std: Tensor, num_values: int) -> bool:
    """Tell whether all means are 0 and all standard deviations 1, as far as so many values can tell."""
    centred = bool((mean.abs() / std <= TOLERATED + ERRORS / math.sqrt(num_values)).all())
    off = std.log().abs()
    return centred and bool((off <= math.log1p(TOLERATED) + ERRORS / math.sqrt(2 * num_values)).all())


def _device(root: nn.Module) -> torch.device:
    return next((tensor.device for tensor in (*root.parameters(), *root.buffers())), torch.device("cpu"))


def _change(name: str, values: Tensor, statistics: tuple[int, Tensor, Tensor]) -> Change:
    dim, mean, std = statistics
    over = ", ".join(str(d) for d in range(values.dim()) if d != dim) if values.dim() > 1 else "0"
    taken = over if "," not in over else f"({over}), keepdim=True"
    low, high, least, most = (_plain(value) for value in (mean.min(), mean.max(), std.min(), std.max()))
    return Change(
        kind="input_scaling",
        where=name,
        before=f"means from {low} to {high}, standard deviations from {least} to {most}",
        after="mean 0 and standard deviation 1 per " + ("channel" if values.dim() > 2 and dim == 1 else "feature"),
        code=(
            f"mean, std = x_train.mean({taken}), x_train.std({taken}, correction=0)\n"
            "std[std == 0] = 1\n"
            "x = (x - mean) / std  # the same mean and std for training, validation and new data"
        ),
        why=WHY,
    )


def _plain(value: Tensor) -> str:
    """Write a number with three digits, a large one in full."""
    return f"{float(f'{float(value):.3g}'):,.12g}"
