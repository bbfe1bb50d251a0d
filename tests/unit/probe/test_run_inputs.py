"""What may be handed to a network, from any mode of the caller; and what is refused, with a way out."""

from __future__ import annotations

import collections
import math
import types
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import InitVar, dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from justfit.errors import ArgumentError, UnsupportedModuleError
from justfit.probe import read_signals, untouched
from justfit.probe._run import fresh
from justfit.probe._statistics import dead_shares, largest_by_unit


class AttributeDict(dict[str, Any]):
    """A dict whose keys are attributes."""

    __getattr__ = dict.__getitem__


class MirrorDict(dict[str, Any]):
    """A dict that is its own attributes."""

    def __init__(self, **held: Any) -> None:
        super().__init__(held)
        self.__dict__ = self


class NamedList(list[Tensor]):
    """A list with a name."""

    name = ""


@dataclass
class Example:
    """A batch with something computed in it."""

    x: Tensor
    scale: InitVar[float]
    derived: float = field(init=False, default=0.0)

    def __post_init__(self, scale: float) -> None:
        self.derived += scale


@dataclass(frozen=True, slots=True)
class FrozenExample:
    """A batch that cannot be assigned to."""

    x: Tensor


class Writer(nn.Module):
    """Takes its input out of a container and overwrites it."""

    def __init__(self, take: Callable[[Any], Tensor]) -> None:
        super().__init__()
        self.take = take
        self.hidden, self.head = nn.Linear(16, 16), nn.Linear(16, 4)

    def forward(self, held: Any) -> Tensor:
        x = self.take(held)
        x.mul_(3.0)
        if isinstance(held, collections.UserDict):
            held["extra"] = 1
        out: Tensor = self.head(functional.relu(self.hidden(x)))
        return out


def small() -> nn.Sequential:
    return nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4))


@pytest.fixture
def x() -> Tensor:
    torch.manual_seed(0)
    return torch.randn(32, 16)


@pytest.fixture
def targets() -> Tensor:
    return torch.arange(32) % 4


# --- containers ------------------------------------------------------------------------------------------------------

CONTAINERS: dict[str, tuple[Callable[[Tensor], Any], Callable[[Any], Tensor]]] = {
    "dict": (lambda x: {"x": x}, lambda held: held["x"]),
    "UserDict": (lambda x: collections.UserDict(x=x), lambda held: held["x"]),
    "OrderedDict": (lambda x: collections.OrderedDict(x=x), lambda held: held["x"]),
    "AttributeDict": (lambda x: AttributeDict(x=x), lambda held: held.x),
    "MirrorDict": (lambda x: MirrorDict(x=x), lambda held: held.x),
    "MappingProxyType": (lambda x: types.MappingProxyType({"x": x}), lambda held: held["x"]),
    "NamedList": (lambda x: NamedList([x]), lambda held: held[0]),
    "Example": (lambda x: Example(x, scale=2.0), lambda held: held.x),
    "FrozenExample": (FrozenExample, lambda held: held.x),
    "nested": (lambda x: [(collections.UserDict(x=Example(x, scale=2.0)),)], lambda held: held[0][0]["x"].x),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_network_that_writes_into_a_container_does_not_reach_the_users_tensors(name: str, x: Tensor) -> None:
    pack, take = CONTAINERS[name]
    held, before = pack(x), x.clone()
    network = Writer(take)
    version = x._version
    evidence = read_signals(network, held)
    assert [layer.name for layer in evidence.layers] == ["hidden", "head"]
    assert take(held) is x
    assert torch.equal(x, before)
    assert x._version == version  # never written to, not even to be put back
    if isinstance(held, collections.UserDict):
        assert list(held) == ["x"]


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_copied_container_keeps_its_type_and_gradients_reach_its_tensors(name: str, x: Tensor) -> None:
    pack, take = CONTAINERS[name]
    held, leaves = pack(x), list[Tensor]()
    copied = fresh(held, leaves)
    assert type(copied) is type(held)
    assert take(copied).data_ptr() != x.data_ptr()
    (gradient,) = torch.autograd.grad(take(copied).sum(), leaves)
    assert torch.equal(gradient, torch.ones_like(x))


def test_a_copied_container_keeps_what_else_it_holds(x: Tensor) -> None:
    named = NamedList([x])
    named.name = "train"
    assert fresh(named, None).name == "train"
    assert fresh(Example(x, scale=2.0), None).derived == 2.0  # `__post_init__` does not run twice
    counted = collections.defaultdict(list, x=x)
    assert fresh(counted, None).default_factory is list


class Opaque:
    """A batch of a kind of which nothing is known."""

    def __init__(self, x: Tensor) -> None:
        self.x = x


def test_inputs_of_an_unknown_kind_are_put_back(x: Tensor) -> None:
    before, held = x.clone(), Opaque(x)
    network = Writer(lambda held: held.x)
    read_signals(network, held)
    assert held.x is x
    assert torch.equal(x, before)
    read_signals(network, keywords={"held": held})
    assert torch.equal(x, before)


def test_targets_that_a_loss_overwrites_are_left_alone(x: Tensor) -> None:
    wanted = torch.randn(32, 4)
    before, version = wanted.clone(), wanted._version
    read_signals(small(), x, targets=wanted, loss_fn=lambda output, goal: (output - goal.mul_(2.0)).square().mean())
    assert torch.equal(wanted, before)
    assert wanted._version == version


# --- the mode of the caller ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize(
    "loss_fn", [None, functional.cross_entropy, lambda o, t: functional.cross_entropy(o, t, reduction="none")]
)
def test_gradients_are_measured_whatever_mode_the_caller_is_in(
    mode: Callable[[], AbstractContextManager[None]], loss_fn: Any, x: Tensor, targets: Tensor
) -> None:
    network = small()
    expected = read_signals(network, x, targets=targets, loss_fn=loss_fn)
    with mode():
        found = read_signals(network, x, targets=targets, loss_fn=loss_fn)
        assert not torch.is_grad_enabled()
        assert torch.is_inference_mode_enabled() == (mode is torch.inference_mode)
        made_inside = read_signals(network, x.clone(), targets=targets.clone(), loss_fn=loss_fn)
    assert [layer.weight_gradient_rms for layer in found.layers] == [e.weight_gradient_rms for e in expected.layers]
    assert found.loss.value == made_inside.loss.value == expected.loss.value


def test_inputs_made_in_inference_mode_are_read(x: Tensor, targets: Tensor) -> None:
    with torch.inference_mode():
        inputs, wanted = x.clone(), targets.clone()
    evidence = read_signals(small(), inputs, targets=wanted)
    assert all(math.isfinite(layer.weight_gradient_rms) for layer in evidence.layers)
    assert inputs.is_inference()


def test_an_inference_tensor_inside_an_unknown_kind_is_put_back(x: Tensor) -> None:
    with torch.inference_mode():
        inside = x.clone()
    held = Opaque(inside)
    with untouched(small(), held), torch.inference_mode():
        held.x.mul_(2.0)
    assert torch.equal(inside, x)


# --- refused, with a way out -----------------------------------------------------------------------------------------


class Checkpointed(nn.Module):
    """Recomputes each layer in the backward pass."""

    def __init__(self, use_reentrant: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(16, 16) for _ in range(3)])
        self.use_reentrant = use_reentrant

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = checkpoint(lambda y, layer=layer: functional.relu(layer(y)), x, use_reentrant=self.use_reentrant)
        return x


def test_reentrant_checkpoints_are_refused_with_the_way_out(x: Tensor) -> None:
    network = Checkpointed(use_reentrant=True)
    with pytest.raises(UnsupportedModuleError) as raised:
        read_signals(network, x)
    assert str(raised.value) == (
        "Gradients must be readable without writing to `.grad`, which reentrant checkpoints do not allow. "
        "Found a module that calls `torch.utils.checkpoint.checkpoint` with `use_reentrant=True`. "
        "Pass `use_reentrant=False` to `checkpoint`, or switch checkpointing off for the check."
    )
    assert all(parameter.grad is None for parameter in network.parameters())
    assert len(read_signals(Checkpointed(use_reentrant=False), x).layers) == 3


class Stubborn(torch.autograd.Function):
    """Fails in the backward pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        raise RuntimeError("no backward for this checkpoint")


def test_other_errors_of_the_backward_pass_keep_their_type(x: Tensor) -> None:
    with pytest.raises(RuntimeError, match=r"^no backward for this checkpoint$"):
        read_signals(nn.Linear(16, 4), x, loss_fn=lambda output: Stubborn.apply(output).sum())


@pytest.mark.parametrize("where", ["inputs", "keywords"])
def test_an_empty_batch_is_refused_before_anything_is_run(where: str, x: Tensor) -> None:
    calls: list[int] = []
    network = Writer(lambda held: (calls.append(1), held)[1])
    arguments = ((x[:0],), {}) if where == "inputs" else ((), {"held": x[:0]})
    with pytest.raises(ArgumentError) as raised:
        read_signals(network, *arguments[0], keywords=arguments[1])
    assert str(raised.value) == (
        "The batch must hold at least one example. Found inputs (0, 16). "
        "Pass inputs whose first dimension is at least 1; 32 examples tell more."
    )
    assert not calls


def test_a_loss_without_a_gradient_is_refused(x: Tensor) -> None:
    with pytest.raises(ArgumentError) as raised:
        read_signals(small(), x, loss_fn=lambda output: output.detach().mean())
    assert str(raised.value) == (
        "The loss must depend on the parameters or the inputs. Found a loss without a gradient. "
        "Check that nothing between output and loss calls `detach`, `item` or numpy."
    )


# --- nothing where something is expected -----------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_parameters_of_no_size_are_kept() -> None:
    network = nn.Sequential(nn.Linear(16, 0), nn.Linear(0, 4))
    before = network[1].bias.detach().clone()
    with untouched(network) as notes, torch.no_grad():
        network[1].bias.add_(1.0)
    assert notes == []
    assert network[0].weight.shape == (0, 16)
    assert torch.equal(network[1].bias, before)


class Experts(nn.Module):
    """Sends no example to its second expert."""

    def __init__(self) -> None:
        super().__init__()
        self.used, self.unused, self.head = nn.Linear(16, 16), nn.Linear(16, 16), nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        parts: Iterator[Tensor] = (functional.relu(self.used(x)), functional.relu(self.unused(x[:0])))
        out: Tensor = self.head(torch.cat(list(parts)))
        return out


def test_an_expert_that_gets_no_example_is_not_called_dead(x: Tensor) -> None:
    layers = {layer.name: layer for layer in read_signals(Experts(), x).layers}
    assert math.isnan(layers["unused"].dead_fraction)
    assert 0.0 < layers["used"].dead_fraction + layers["used"].chance_dead_fraction < 1.0


def test_the_largest_of_nothing_is_unknown() -> None:
    units_U = largest_by_unit(torch.empty(0, 5), 1)
    assert units_U.shape == (5,)
    assert bool(units_U.isnan().all())
    shares = dead_shares({3: (units_U, 0.0), 4: (torch.tensor([-1.0, 1.0, 1.0, 1.0, math.nan]), 0.0)})
    assert math.isnan(shares[3])
    assert shares[4] == 0.2
    assert largest_by_unit(torch.empty(8, 0), 1).shape == (0,)
