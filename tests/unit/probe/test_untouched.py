import copy
import gc
import random
import threading
import warnings
from collections import OrderedDict, deque
from contextlib import suppress
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest
import torch
from torch import nn

from justfit.errors import ArgumentError
from justfit.probe._snapshot import Snapshot
from justfit.probe._untouched import untouched
from tests.unit.probe.fingerprint import fingerprint

BATCH, WIDTH = 6, 4


class Hostile(nn.Module):
    """A layer and something it does to itself."""

    def __init__(self, act):
        super().__init__()
        self.layer = nn.Linear(WIDTH, WIDTH)
        self.act = act
        self.history = []
        self.settings = {"nested": {"rate": [1.0]}, "seen": {1}, "recent": deque([1, 2], maxlen=2)}
        self.state = SimpleNamespace(step=0, memory=torch.zeros(2))
        self.hidden = None
        self.array = np.arange(4.0)
        self.cache = torch.zeros(WIDTH)
        self.generator = torch.Generator().manual_seed(1)
        self.numbers = random.Random(1)  # noqa: S311
        self.numpy_numbers = np.random.default_rng(1)
        self.loose = [nn.BatchNorm1d(WIDTH)]
        self.register_buffer("count", torch.zeros(3))
        self.register_buffer("window", torch.arange(3.0).expand(2, 3), persistent=False)
        self.register_buffer("nothing", None)

    def forward(self, x):
        out = self.layer(x)
        self.act(self, out)
        return out


def replace_buffer(m, out):
    m.count = m.count + 1


def draw_numbers(m, out):
    torch.rand(3), np.random.rand(2), random.random()  # noqa: NPY002, S311
    torch.rand(2, generator=m.generator), m.numbers.random(), m.numpy_numbers.random()


def change_mode(m, out):
    m.eval()
    m.layer.training = True


def register_hooks(m, out):
    m.register_forward_hook(lambda *a: None)
    m.layer.register_full_backward_hook(lambda *a: None)
    m.register_state_dict_pre_hook(lambda *a: None)
    m.layer.weight.register_hook(lambda g: g * 2)
    m.layer.bias.register_post_accumulate_grad_hook(lambda p: None)
    nn.modules.module.register_module_forward_hook(lambda *a: None)


def remove_hooks(m, out):
    m._forward_hooks.clear()
    m.layer.weight._backward_hooks.clear()


def change_parameter(m, out):
    with torch.no_grad():
        m.layer.weight.mul_(2.0)
        m.layer.bias.data.fill_(torch.nan)


def swap_parameter_data(m, out):
    m.layer.weight.data = torch.zeros(2, 2)
    m.layer.bias.data = m.layer.bias.data.half()


def replace_parameter(m, out):
    m.layer.weight = nn.Parameter(torch.zeros(WIDTH, WIDTH))
    del m.layer.bias


def freeze(m, out):
    m.layer.bias.requires_grad_(False)
    m.count.requires_grad_(True)


def mark_parameter(m, out):
    m.layer.weight.is_special = True


def make_buffer_part_of_graph(m, out):
    m.cache.add_(out.sum(0))


def create_layer(m, out):
    m.late = nn.Linear(3, 3)
    m.register_buffer("late_buffer", torch.ones(1))
    m._modules.move_to_end("layer") if isinstance(m._modules, OrderedDict) else None


def delete_things(m, out):
    del m.cache, m.layer


def change_attributes(m, out):
    m.hidden = out
    m.history.append(out)
    m.settings["nested"]["rate"][0] = 2.0
    m.settings["seen"].add(2)
    m.settings["recent"].append(3)
    m.settings["new"] = 1
    m.state.step += 1
    m.state.memory += 1
    m.state.more = []
    m.array += 1
    m.cache[0] = -0.0
    m.window.set_(torch.zeros(2, 3))


def change_hidden_module(m, out):
    m.loose[0](out)
    m.loose.append(nn.Identity())


def change_class(m, out):
    nn.utils.parametrize.register_parametrization(m.layer, "weight", nn.Tanh())


def change_gradients(m, out):
    m.zero_grad(set_to_none=False)
    m.layer.weight.grad = torch.ones(WIDTH, WIDTH)


def change_switches(m, out):
    torch.set_grad_enabled(False)
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.set_float32_matmul_precision("medium")
    torch.backends.mha.set_fastpath_enabled(not torch.backends.mha.get_fastpath_enabled())
    torch.backends.cudnn.benchmark = not torch.backends.cudnn.benchmark
    torch.set_autocast_enabled("cpu", True)
    torch.set_autocast_dtype("cpu", torch.float16)
    warnings.simplefilter("ignore")


ACTS = [
    *(replace_buffer, draw_numbers, change_mode, register_hooks, remove_hooks, change_parameter, swap_parameter_data),
    *(replace_parameter, freeze, mark_parameter, make_buffer_part_of_graph, create_layer, delete_things),
    *(change_attributes, change_hidden_module, change_class, change_gradients, change_switches),
]


def hostile(act):
    module = Hostile(act)
    module.layer.weight.grad = torch.randn(WIDTH, WIDTH)
    module.layer.weight.register_hook(lambda g: g)
    module.register_forward_hook(lambda *a: None)
    return module


def everything(module):
    hidden = [fingerprint(part)["parts"] for part in getattr(module, "loose", []) if isinstance(part, nn.Module)]
    own = [module.numbers.getstate(), module.numpy_numbers.bit_generator.state] if hasattr(module, "numbers") else []
    return fingerprint(module), hidden, own


def run(module, x):
    out = module(x)
    if isinstance(out, torch.Tensor) and out.requires_grad:
        with suppress(RuntimeError):  # some acts make it impossible
            out.sum().backward()


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
@pytest.mark.parametrize("end", [None, RuntimeError, KeyboardInterrupt, SystemExit])
def test_everything_comes_back(act, end):
    module = hostile(act)
    before = everything(module)

    def block():
        with untouched(module) as notes:
            run(module, torch.randn(BATCH, WIDTH))
            assert everything(module) != before, "the test does nothing"
            if end is not None:
                raise end
        return notes

    if end is None:
        assert block() == []
    else:
        with pytest.raises(end):
            block()
    assert everything(module) == before


def test_an_error_inside_forward():
    def act(m, out):
        change_attributes(m, out)
        raise ValueError("broken")

    module = hostile(act)
    before = everything(module)
    with pytest.raises(ValueError, match="broken"), untouched(module):
        module(torch.randn(BATCH, WIDTH))
    assert everything(module) == before


ORDINARY = {
    "batch_norm": lambda: nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.BatchNorm1d(WIDTH), nn.Dropout(0.5)),
    "batch_norm_average": lambda: nn.BatchNorm1d(WIDTH, momentum=None),
    "old_spectral_norm": lambda: nn.utils.spectral_norm(nn.Linear(WIDTH, WIDTH)),
    "spectral_norm": lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(WIDTH, WIDTH)),
    "weight_norm": lambda: nn.utils.parametrizations.weight_norm(nn.Linear(WIDTH, WIDTH)),
    "lstm": lambda: nn.LSTM(WIDTH, WIDTH, 2),
    "transformer": lambda: nn.TransformerEncoderLayer(WIDTH, 2, 8),
    "half": lambda: nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.BatchNorm1d(WIDTH)).to(torch.bfloat16),
    "shared": lambda: nn.Sequential(*[nn.Linear(WIDTH, WIDTH), nn.ReLU()] * 2),
}


@pytest.mark.parametrize("name", ORDINARY)
@pytest.mark.filterwarnings("ignore")
def test_ordinary_modules_come_back(name):
    module = ORDINARY[name]()
    dtype = next(module.parameters()).dtype
    for parameter in module.parameters():
        parameter.grad = torch.randn_like(parameter)
    before = fingerprint(module)
    with untouched(module) as notes:
        out = module(torch.randn(BATCH, WIDTH, dtype=dtype))
        (out[0] if isinstance(out, tuple) else out).sum().backward()
        assert fingerprint(module) != before
    assert notes == []
    assert fingerprint(module) == before
    module(torch.randn(BATCH, WIDTH, dtype=dtype))  # and it still works


def test_embedding_with_max_norm_comes_back():
    module = nn.Embedding(5, 3, max_norm=0.1)
    before = fingerprint(module)
    with untouched(module):
        module(torch.arange(5))
        assert fingerprint(module) != before
    assert fingerprint(module) == before


def test_memory_that_was_given_up_comes_back():
    module = nn.BatchNorm1d(3)
    with untouched(module) as notes:
        module.running_var.untyped_storage().resize_(0)
    assert notes == []
    assert module.running_var.tolist() == [1.0, 1.0, 1.0]


def test_gradients_start_from_none():
    module = nn.Linear(2, 1)
    module.weight.grad = kept = torch.ones(1, 2)
    with untouched(module):
        assert module.weight.grad is None
        module(torch.ones(3, 2)).sum().backward()
        assert module.weight.grad.tolist() == [[3.0, 3.0]]
    assert module.weight.grad is kept
    assert kept.tolist() == [[1.0, 1.0]]
    assert module.bias.grad is None


def test_versions_of_unchanged_tensors_stand_still():
    module = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.BatchNorm1d(WIDTH))
    out = module[0](torch.randn(BATCH, WIDTH))  # a graph of the user that saved the weight
    version = module[0].weight._version
    with untouched(module):
        module(torch.randn(BATCH, WIDTH))
    assert module[0].weight._version == version
    out.sum().backward()


def test_handles_made_before_still_remove_their_hook():
    module = nn.Linear(2, 2)
    handle, tensor_handle = module.register_forward_hook(print), module.weight.register_hook(print)
    with untouched(module):
        handle.remove()
    assert list(module._forward_hooks.values()) == [print]
    handle.remove()
    tensor_handle.remove()
    assert not module._forward_hooks
    assert not module.weight._backward_hooks


def test_inputs_and_loss_can_be_kept_too():
    x, loss = torch.full((2, 3), -1.0), nn.BatchNorm1d(3)
    with untouched(nn.ReLU(), {"inputs": [x]}, loss):
        torch.relu_(x)
        loss(x)
    assert x.tolist() == [[-1.0] * 3] * 2
    assert loss.num_batches_tracked == 0


def test_large_parameters_are_watched_and_buffers_copied():
    module = nn.BatchNorm1d(100)
    kept = copy.deepcopy(module.state_dict())
    with mock.patch.object(Snapshot, "copy_bytes", 0), untouched(module) as notes:
        module(torch.randn(BATCH, 100))
        with torch.no_grad():
            module.weight.add_(1.0)
    assert notes == ["The forward pass changed 1 large tensors that were not copied beforehand."]
    assert torch.equal(module.running_mean, kept["running_mean"])
    assert torch.equal(module.weight, kept["weight"] + 1.0)


def test_what_cannot_be_put_back_is_told_and_does_not_stop_the_rest():
    class Stubborn(dict):
        def clear(self):
            raise OSError("stuck")

    module = nn.BatchNorm1d(3)
    module.stubborn = Stubborn(a=1)
    with untouched(module) as notes:
        module.stubborn["b"] = 2
        module(torch.randn(BATCH, 3))
    assert notes == ["Something the module holds could not be put back: stuck"]
    assert module.num_batches_tracked == 0


def test_an_interrupt_while_restoring_does_not_leave_a_half_restored_module():
    module = nn.BatchNorm1d(3)
    before = fingerprint(module)
    restore, calls = Snapshot.restore, []

    def interrupted(self):
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return restore(self)

    with mock.patch.object(Snapshot, "restore", interrupted), pytest.raises(KeyboardInterrupt), untouched(module):
        module(torch.randn(BATCH, 3))
    assert len(calls) == 2
    assert fingerprint(module) == before


def test_sparse_inference_and_meta_tensors():
    with torch.inference_mode():
        inference = torch.zeros(3)
    module = nn.Module()
    module.inference, module.sparse = inference, torch.eye(3).to_sparse()
    module.register_buffer("meta", torch.empty(2, device="meta"))
    with untouched(module) as notes, torch.inference_mode():
        module.inference.add_(1)
        module.sparse.mul_(2)
    assert notes == []
    assert module.inference.tolist() == [0.0] * 3
    assert torch.equal(module.sparse.to_dense(), torch.eye(3))


def test_objects_that_cannot_be_copied_do_not_matter():
    module = nn.Linear(2, 2)
    module.lock, module.thread, module.numbers = threading.Lock(), threading.Thread(), iter([1])
    module.me = module.__dict__  # a cycle
    with untouched(module) as notes:
        module(torch.ones(1, 2))
    assert notes == []


def test_memory_is_given_back():
    module = nn.Linear(2, 2)
    with untouched(module):
        module.late = late = nn.Linear(2, 2)
    gc.collect()
    assert not hasattr(module, "late")
    assert late is not None


def test_only_modules():
    with pytest.raises(ArgumentError, match=r"`module` must be an `nn.Module`. Found a int. Pass the network itself."):
        untouched(3).__enter__()
