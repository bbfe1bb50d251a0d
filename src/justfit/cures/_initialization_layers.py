"""Which layers of a module can be initialized, and which activation follows each of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn
from torch.nn.parameter import is_lazy

from justfit.errors import ArgumentError, UnsupportedModuleError
from justfit.maths import Nonlinearity, gain

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)

# What may stand between a layer and its activation without being one.
TRANSPARENT = (
    *(nn.Identity, nn.Flatten, nn.Unflatten),
    *(nn.modules.dropout._DropoutNd, nn.modules.batchnorm._NormBase),
    *(nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.LocalResponseNorm),
    *(nn.modules.pooling._MaxPoolNd, nn.modules.pooling._AvgPoolNd),
    *(nn.modules.pooling._AdaptiveAvgPoolNd, nn.modules.pooling._AdaptiveMaxPoolNd),
)
OUTPUT = (nn.Softmax, nn.LogSoftmax, nn.Softmin, nn.Softmax2d)
MAX_ACTIVATION_PARAMETERS = 4096  # a learned activation has a few numbers per channel; more is a layer


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """The activation behind a layer.

    Attributes:
        gain: Its gain.
        nonlinearity: Its name, or its module as text.
        reason: Where it was learned from, in words.
    """

    gain: float
    nonlinearity: str
    reason: str


def find_layers(root: nn.Module) -> dict[str, nn.Module]:
    """Find all layers with a plain floating-point weight, by name, in order of registration.

    Raises:
        UnsupportedModuleError: A parameter has no values yet, or there is no such layer.
    """
    for name, parameter in root.named_parameters():
        if is_lazy(parameter) or parameter.is_meta:
            raise UnsupportedModuleError(
                "Every parameter must have values before the module can be initialized.",
                found=f"`{name}`, {'an uninitialized parameter' if is_lazy(parameter) else 'on the meta device'}",
                way_out="Run one batch through a lazy module; move a meta module with `to_empty(device=...)`.",
            )
    layers = {name: module for name, module in root.named_modules() if not _obstacle(module)}
    if not layers:
        raise UnsupportedModuleError(
            "The module must hold a Linear, Conv1d–3d or ConvTranspose1d–3d layer with a plain weight.",
            found=f"a {type(root).__name__} without one",
            way_out="Remove weight parametrizations first; other kinds of parameters are left as they are.",
        )
    return layers


def find_untouched(root: nn.Module, changed: set[int]) -> tuple[tuple[str, str], ...]:
    """Name every parameter whose id is not in `changed`, and say why it is left alone."""
    return tuple(
        (f"{prefix}.{name}" if prefix else name, _obstacle(module) or "is not the weight or the bias of its layer")
        for prefix, module in root.named_modules()
        for name, parameter in module.named_parameters(recurse=False)
        if id(parameter) not in changed
    )


def find_followers(root: nn.Module, fallback: Nonlinearity | None) -> dict[int, Follower]:
    """Learn the activation behind each layer of each `nn.Sequential`, by the layer's id.

    Args:
        root: The module that is initialized.
        fallback: What the user said; stands for what cannot be seen.
    """
    followers: dict[int, Follower] = {}
    whole = _flatten(root)
    for chain in _chains(root):
        for index, module in enumerate(chain):
            if isinstance(module, LAYERS):
                follower = _follower(chain[index + 1 :], ends_network=chain == whole, fallback=fallback)
                followers.setdefault(id(module), follower)
    return followers


def assumed(fallback: Nonlinearity | None) -> Follower:
    """Stand in for an activation that cannot be seen: what the user said, or ReLU."""
    if fallback is None:
        return Follower(gain=gain("relu"), nonlinearity="relu", reason="assumed: no activation module follows")
    return Follower(gain=gain(fallback), nonlinearity=_text(fallback), reason="the argument `nonlinearity`")


def _follower(rest: list[nn.Module], *, ends_network: bool, fallback: Nonlinearity | None) -> Follower:
    following = next((module for module in rest if not isinstance(module, TRANSPARENT)), None)
    if following is None:
        if ends_network and fallback is None:
            return Follower(gain=1.0, nonlinearity="linear", reason="the output layer")
        return assumed(fallback)
    if isinstance(following, OUTPUT):
        return Follower(gain=1.0, nonlinearity="linear", reason=f"the output layer, before {_text(following)}")
    if isinstance(following, LAYERS):
        return Follower(gain=1.0, nonlinearity="linear", reason="another layer follows directly")
    size = sum(parameter.numel() for parameter in following.parameters())
    if size <= MAX_ACTIVATION_PARAMETERS and not list(following.children()):
        try:
            return Follower(gain=gain(following), nonlinearity=_text(following), reason="the module that follows")
        except ArgumentError:
            pass  # no activation: an attention, an embedding, a user's block
    return assumed(fallback)


def _chains(module: nn.Module) -> Iterator[list[nn.Module]]:
    """Yield the modules of each outermost Sequential in the order they run, nested ones unrolled."""
    chain = _flatten(module)
    if chain is not None:
        yield chain
    for inner in module.children() if chain is None else chain:
        yield from _chains(inner)


def _flatten(module: nn.Module) -> list[nn.Module] | None:
    if type(module).forward is not nn.Sequential.forward:
        return None
    leaves: list[nn.Module] = []
    for child in module._modules.values():  # not children(): a module that stands twice runs twice
        if child is not None:
            inner = _flatten(child)
            leaves += [child] if inner is None else inner
    return leaves


def _obstacle(module: nn.Module) -> str:
    """Say why a module's parameters are left alone; nothing if they are not."""
    if not isinstance(module, LAYERS):
        return f"belongs to {type(module).__name__}, which is no linear or convolution layer"
    weight = module._parameters.get("weight")
    if weight is None:
        return "its layer's weight is computed from other parameters (parametrized, weight-normalised or pruned)"
    if not weight.is_floating_point():
        return f"its layer's weight is stored as {weight.dtype}"
    return "" if weight.numel() else "its layer's weight has no entries"


def _text(nonlinearity: Nonlinearity) -> str:
    if isinstance(nonlinearity, str | nn.Module):
        return str(nonlinearity)
    return getattr(nonlinearity, "__name__", repr(nonlinearity))
