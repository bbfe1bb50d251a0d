"""The layers of a network: every module that owns parameters itself, and which parameter belongs to which."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field

from torch import nn

from justfit.probe import find_source
from justfit.watch._keras_layers import PARAMETERS, Owned, keras_layers

WRAPPERS = ("_forward_module.", "module.", "_orig_mod.", "_fsdp_wrapped_module.")
ELSEWHERE = "parameters outside the module"


@dataclass(slots=True, eq=False)
class Layer:
    """One layer.

    Attributes:
        index: In `LayerTable.layers`.
        name: Path without the prefixes of wrappers; empty for the root.
        kind: Class of the module.
        parameters: Its own, each with its name; a shared parameter belongs to the layer that comes first.
        source: File and line where it is built.
        activation: Nonlinearity that reads its output, once it was seen.
        normalised, is_output: What its output goes into, once it was seen.
        order: Rank of its first execution, once it was seen.
    """

    index: int
    name: str
    kind: str
    parameters: dict[str, nn.Parameter] = field(default_factory=dict)
    source: str | None = None
    activation: str | None = None
    normalised: bool = False
    is_output: bool = False
    order: int = -1

    @property
    def has_units(self) -> bool:
        """The weight is a matrix or kernel, and no table of embeddings."""
        if self.kind.startswith("Embedding") or "Norm" in self.kind:
            return False
        return any(parameter.dim() >= 2 for parameter in self.parameters.values())


class LayerTable:
    """All layers, and the layer of each parameter.

    Args:
        module: The network, in its wrappers or not.
    """

    def __init__(self, module: nn.Module) -> None:
        self.layers: list[Layer] = []
        self._layer_of: dict[int, tuple[weakref.ref[nn.Parameter], Layer]] = {}  # an id may be used again
        self._root = module
        self._num_sought = 0
        self.scan()

    def scan(self) -> None:
        """Enter what the module has by now; layers that are known keep their place."""
        known = {layer.name: layer for layer in self.layers}
        for name, kind, owned in _owned(self._root):
            own = [(n, p) for n, p in owned if self._known(p) is None]
            if own:
                layer = known.get(name) or self._add(name, kind)
                self._enter(layer, own)

    def layer_of(self, parameter: nn.Parameter) -> Layer:
        """Return the layer of a parameter; those of no module have one of their own."""
        found = self._known(parameter)
        if found is None:
            self.scan()
            found = self._known(parameter)
        if found is None:
            found = next((layer for layer in self.layers if layer.name == ELSEWHERE), None)
            found = found or self._add(ELSEWHERE, "Parameter")
            self._enter(found, [(str(len(found.parameters)), parameter)])
        return found

    def knows(self, tensor: nn.Parameter) -> bool:
        """Say whether a tensor is a parameter of the network or of an optimizer, and not, say, an input."""
        return self._known(tensor) is not None

    def in_order(self) -> list[Layer]:
        """Return the layers in order of first execution; those that were not seen stand where they are defined."""
        seen = iter(sorted((layer for layer in self.layers if layer.order >= 0), key=lambda layer: layer.order))
        return [next(seen) if layer.order >= 0 else layer for layer in self.layers]

    def find_sources(self) -> bool:
        """Find the line that builds each layer; it reads source files, so it waits until somebody wants to know.

        Returns:
            Whether there was anything to look for that was not looked for before.
        """
        if self._num_sought == len(self.layers):
            return False
        paths = {bare_name(path): path for path, _ in self._root.named_modules()}
        for layer in self.layers[self._num_sought :]:
            if layer.name in paths:
                layer.source = find_source(self._root, paths[layer.name])
        self._num_sought = len(self.layers)
        return True

    def _add(self, name: str, kind: str) -> Layer:
        layer = Layer(len(self.layers), name, kind)
        self.layers.append(layer)
        return layer

    def _enter(self, layer: Layer, own: list[tuple[str, nn.Parameter]]) -> None:
        for name, parameter in own:
            layer.parameters[name] = parameter
            self._layer_of[id(parameter)] = weakref.ref(parameter), layer

    def _known(self, parameter: nn.Parameter) -> Layer | None:
        held, layer = self._layer_of.get(id(parameter), (None, None))
        return layer if held is not None and held() is parameter else None


def _owned(root: nn.Module) -> Iterator[Owned]:
    """Yield every module that owns parameters: its path, its class, its parameters by name."""
    for path, part in root.named_modules():
        parent, _, last = path.rpartition(".")
        if last == PARAMETERS and isinstance(part, nn.ParameterDict):
            yield from keras_layers(root.get_submodule(parent), part)
        else:
            yield bare_name(path), type(part).__name__, list(part.named_parameters(recurse=False))


def bare_name(path: str) -> str:
    """Take the prefixes of wrappers out of a path.

    >>> bare_name("module._orig_mod.blocks.0"), bare_name("module"), bare_name("my_module.fc")
    ('blocks.0', '', 'my_module.fc')
    """
    stripped = f"{path}."
    for wrapper in ("_orig_mod.", "_fsdp_wrapped_module."):
        stripped = f".{stripped}".replace(f".{wrapper}", ".")[1:]
    while stripped.startswith(WRAPPERS):
        stripped = stripped.split(".", 1)[1]
    return stripped[:-1]
