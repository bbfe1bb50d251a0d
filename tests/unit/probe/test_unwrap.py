import re

import pytest
import torch
from torch import distributed, nn
from torch.nn.parallel import DataParallel, DistributedDataParallel

from justfit.errors import ArgumentError, UnsupportedModuleError
from justfit.probe._untouched import untouched
from justfit.probe._unwrap import eager, unwrap
from tests.unit.probe.fingerprint import fingerprint


@pytest.fixture
def one_process(tmp_path):
    distributed.init_process_group("gloo", init_method=f"file://{tmp_path / 'meeting'}", rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def compiled(module):
    return torch.compile(module, backend="eager")


def test_a_bare_module_is_itself():
    network = nn.Linear(2, 1)
    assert unwrap(network) is network


@pytest.mark.parametrize(
    "wrap",
    [
        compiled,
        DataParallel,
        lambda m: DataParallel(compiled(m)),
        lambda m: compiled(DataParallel(m)),
        lambda m: DataParallel(compiled(DataParallel(DataParallel(m)))),
    ],
)
def test_wrappers_come_off(wrap):
    network = nn.Linear(2, 1)
    assert unwrap(wrap(network)) is network


@pytest.mark.usefixtures("one_process")
def test_distributed_wrappers_come_off():
    network = nn.Linear(2, 1)
    assert unwrap(DistributedDataParallel(network)) is network
    assert unwrap(compiled(DistributedDataParallel(network))) is network
    assert unwrap(DistributedDataParallel(compiled(network))) is network


@pytest.mark.parametrize(
    ("thing", "found"),
    [(3, "a int"), (nn.Linear, "the class Linear"), (torch.relu, "a builtin_function_or_method")],
)
def test_only_modules(thing, found):
    message = f"`module` must be an `nn.Module`. Found {found}. Build the network first, or put the function into the"
    with pytest.raises(ArgumentError, match=re.escape(message)):
        unwrap(thing)


def test_a_script_is_refused():
    message = re.escape("so that its operations can be seen one by one. Found a TorchScript program at `1`. Pass the")
    with pytest.warns(DeprecationWarning, match="script"):
        script = torch.jit.script(nn.Linear(2, 1))
    with pytest.raises(UnsupportedModuleError, match=message):
        unwrap(nn.Sequential(nn.Linear(2, 2), script))
    with pytest.raises(UnsupportedModuleError, match="a TorchScript program at `the module`"):
        unwrap(script)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: nn.Sequential(nn.Linear(2, 2), nn.LazyLinear(3)),
            "Every parameter and buffer must have values. Found `1.weight`, which is uninitialized. Run one batch",
        ),
        (
            lambda: nn.LazyBatchNorm1d(affine=False),
            "Found `running_mean`, which is uninitialized. Run one batch first.",
        ),
        (
            lambda: nn.Linear(2, 2, device="meta"),
            "Found `weight`, which is on the meta device. Call `to_empty(device=...)` and initialize it.",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:Lazy modules")
def test_parameters_without_values_are_refused(make, message):
    with pytest.raises(UnsupportedModuleError, match=re.escape(message)):
        unwrap(make())


@pytest.mark.usefixtures("one_process")
@pytest.mark.filterwarnings("ignore")
def test_sharded_networks_are_refused():
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard
    from torch.distributed.tensor import Replicate, distribute_tensor

    mesh = init_device_mesh("cpu", (1,))
    message = re.escape("The whole network must be in one process. Found a part of it at `0` (FSDPLinear). Check it be")
    network = nn.Sequential(fully_shard(nn.Linear(2, 2), mesh=mesh))
    with pytest.raises(UnsupportedModuleError, match=message):
        unwrap(network)
    older = FullyShardedDataParallel(nn.Linear(2, 2), device_id=torch.device("cpu"))
    with pytest.raises(UnsupportedModuleError, match=r"at `the module` \(FullyShardedDataParallel\)"):
        unwrap(older)
    split = nn.Linear(2, 2)
    split.weight = nn.Parameter(distribute_tensor(split.weight.detach(), mesh, [Replicate()]))
    with pytest.raises(UnsupportedModuleError, match=r"at `weight` \(DTensor\)"):
        unwrap(split)


@pytest.mark.filterwarnings("ignore")
def test_quantized_networks_are_refused():
    network = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(2, 2)), {nn.Linear}, torch.qint8)
    message = "Found a torch.ao.nn.quantized.dynamic.modules.linear.Linear at `0`. Check it before it is quantized."
    with pytest.raises(UnsupportedModuleError, match=re.escape(message)):
        unwrap(network)
    holder = nn.Module()
    holder.register_buffer("table", torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8))
    with pytest.raises(UnsupportedModuleError, match=r"Found a torch.qint8 tensor at `table`"):
        unwrap(holder)


class Counting(nn.Module):
    """Counts how often Python itself, and not a compiler, runs its forward."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x):
        seen.append(torch.compiler.is_compiling())
        return self.layer(x)


seen: list[bool] = []


def compiled_in_place():
    network = nn.Sequential(Counting())
    network.compile(backend="eager")
    network[0].compile(backend="eager")
    return network


@pytest.mark.parametrize(
    "make",
    [
        compiled_in_place,
        lambda: nn.Sequential(compiled(Counting())),
        lambda: nn.Sequential(DataParallel(compiled(Counting()))),
        lambda: nn.Sequential(nn.ModuleDict({"a": compiled(nn.Sequential(compiled(Counting())))})["a"]),
    ],
)
def test_everything_runs_eagerly_and_comes_back(make):
    network = make()
    before = fingerprint(network)
    seen.clear()
    with untouched(network), eager(network):
        assert not any("_orig_mod" in name for name, _ in network.named_modules())
        assert all(part.__dict__.get("_compiled_call_impl") is None for part in network.modules())
        network(torch.ones(1, 2))
    assert seen == [False]
    assert fingerprint(network) == before


def test_eager_ends_with_an_error():
    network = compiled_in_place()
    before = network[0]._compiled_call_impl
    with pytest.raises(KeyError), eager(network):
        raise KeyError
    assert network[0]._compiled_call_impl is before


def test_compiled_functions_run_eagerly_too():
    compiling = []

    @torch.compile(backend="eager")
    def double(x):
        compiling.append(torch.compiler.is_compiling())
        return 2 * x

    class Net(nn.Module):
        def forward(self, x):
            return double(x)

    with eager(Net()):
        Net()(torch.ones(1))
    assert compiling == [False]
