"""Layers of a Keras model: the model keeps all parameters in one dict, under the paths of the layers they belong to."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

# The module that a Keras model on the torch backend registers its parameters in.
PARAMETERS = "_torch_params"

Owned = tuple[str, str, list[tuple[str, nn.Parameter]]]


def keras_layers(model: nn.Module, parameters: nn.ParameterDict) -> Iterator[Owned]:
    """Yield each layer that owns parameters: its path, its class, its parameters by name.

    Args:
        model: The Keras model.
        parameters: What it registers, by path, such as `sequential/dense/kernel`.
    """
    flat = getattr(model, "_flatten_layers", None)
    kinds = {}
    for layer in () if flat is None else flat():
        for variable in getattr(layer, "_trainable_variables", []) + getattr(layer, "_non_trainable_variables", []):
            kinds[variable.path.rpartition("/")[0]] = type(layer).__name__
    owned: dict[str, list[tuple[str, nn.Parameter]]] = {}
    for path, parameter in parameters.items():
        layer_path, _, name = path.rpartition("/")
        owned.setdefault(layer_path, []).append((name, parameter))
    order = {path: place for place, path in enumerate(kinds)}
    for path in sorted(owned, key=lambda known: order.get(known, len(order))):
        yield path, kinds.get(path, "Layer"), owned[path]
