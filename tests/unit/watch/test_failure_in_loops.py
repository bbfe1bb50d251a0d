"""A failure in the middle of a watched loop: step, batch, layer, operation; and the weights of the unwatched run."""

import contextlib
import gc
import math
import weakref

import pytest
import torch
from torch import nn
from torch.nn import functional

from justfit.watch import watch
from tests.unit.watch.test_first_failure import KINDS, Perceptron

POISON = 1e4
FAULTS = {
    "log": lambda h, bad: torch.log(h - h.abs() - 1) if bad else h,
    "sqrt": lambda h, bad: torch.sqrt(-h.abs() - 1) if bad else h,
    "div": lambda h, bad: h / (h * 0) if bad else h,
    "exp": lambda h, bad: torch.exp(h + 200) if bad else h,
    "mul": lambda h, bad: (h + 1e30) * 1e30 * 0 if bad else h,
}


class Switch:
    """Is told before each step whether it fails; its state is the batch's, so that a second run sees the same."""

    def __init__(self, function):
        self.function, self.bad = function, False

    def __call__(self, h):
        return self.function(h, self.bad)


def same_bits(first, second):
    return all(
        torch.equal(a.reshape(-1).view(torch.uint8), b.reshape(-1).view(torch.uint8))
        for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )


def train(kind, function, *, watched, fails_in=6, steps=9, autocast=None, compiled=None, loss_fn=None, **options):
    """Train; the sixth step fails."""
    torch.manual_seed(0)
    switch = Switch(function)
    net = kind(switch)
    draw = torch.Generator().manual_seed(1)
    xs = [kind.batch() for _ in range(steps)]
    ys = [torch.randint(0, 4, (16,), generator=draw) for _ in range(steps)]
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    called = net if compiled is None else torch.compile(net, backend=compiled)
    run = watch(called, optimizer, live=False, **options) if watched else None
    with run or contextlib.nullcontext():
        for number, (x, y) in enumerate(zip(xs, ys, strict=True)):
            switch.bad = number + 1 == fails_in
            if run is not None:
                run.log_batch(number % 4, range(16 * number, 16 * number + 16))
                if number % 4 == 0 and number:
                    run.end_epoch(train_loss=1.0)
            optimizer.zero_grad()
            with torch.autocast("cpu", autocast or torch.bfloat16, enabled=autocast is not None):
                loss = (loss_fn or functional.cross_entropy)(called(x), y)
            loss.backward()
            optimizer.step()
    return net, run


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", FAULTS)
def test_step_batch_layer_and_operation(kind, fault):
    plain, _ = train(kind, FAULTS[fault], watched=False)
    net, run = train(kind, FAULTS[fault], watched=True)
    found = run.record.evidence.first_failure
    assert (found.stage, found.operation, found.layer) == ("forward", fault, net.faulty)
    assert (found.step, found.epoch, found.batch) == (6, 2, 1)
    assert found.examples == tuple(range(80, 96))
    assert found.weights_intact
    assert same_bits(plain, net)
    assert "JF402" in {finding.code for finding in run.record.findings}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("function", "operation"),
    [
        (lambda h, bad: h + torch.sqrt((h * 0).square()) if bad else h, "sqrt"),
        (lambda h, bad: h * (h * 0 if bad else h).norm(dim=-1, keepdim=True).pow(0.5), "pow"),
    ],
    ids=["sqrt", "pow"],
)
def test_backward(kind, function, operation):
    plain, _ = train(kind, function, watched=False)
    net, run = train(kind, function, watched=True)
    found = run.record.evidence.first_failure
    assert (found.stage, found.operation, found.layer, found.step) == ("backward", operation, net.faulty, 6)
    assert same_bits(plain, net)


@pytest.mark.parametrize("kind", KINDS)
def test_a_loss_that_breaks(kind):
    calls = []

    def loss_fn(output, targets):
        calls.append(1)
        return torch.log(output.softmax(1) * (0.0 if len(calls) == 6 else 1.0)).mean().neg()

    _, run = train(kind, lambda h, bad: h, watched=True, loss_fn=loss_fn)
    found = run.record.evidence.first_failure
    assert (found.stage, found.operation, found.layer, found.step) == ("loss", "log", "", 6)
    assert len(calls) == 9  # the loss is not computed again


@pytest.mark.parametrize("kind", KINDS)
def test_a_healthy_run_has_none(kind):
    plain, _ = train(kind, lambda h, bad: h.tanh(), watched=False)
    net, run = train(kind, lambda h, bad: h.tanh(), watched=True)
    assert run.record.evidence.first_failure is None
    assert same_bits(plain, net)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast(dtype):
    """1e30 is finite in float32 and in bfloat16, not in float16."""
    _, run = train(Perceptron, lambda h, bad: h * (1e30 if bad else 1.0) * 1e-30, watched=True, autocast=dtype)
    found = run.record.evidence.first_failure
    if dtype == torch.float16:
        assert (found.stage, found.operation, found.layer, found.step) == ("forward", "mul", "first", 6)
    else:
        assert found is None


@pytest.mark.parametrize("options", [{}, {"replay": False}, {"activations": False}, {"every": 1}])
def test_compiled(options):
    """What is compiled is run again operation by operation."""
    torch.compiler.reset()
    plain, _ = train(Perceptron, FAULTS["log"], watched=False, compiled="aot_eager")
    net, run = train(Perceptron, FAULTS["log"], watched=True, compiled="aot_eager", **options)
    found = run.record.evidence.first_failure
    assert (found.step, found.batch, found.weights_intact) == (6, 1, True)
    if options.get("replay", True):
        assert (found.stage, found.operation, found.layer) == ("forward", "log", "first")
    else:
        assert found.stage in ("forward", "loss")
        assert "not by running it again (`replay=False`" in found.how
    assert same_bits(plain, net)


@pytest.mark.slow
def test_compiled_to_machine_code():
    torch.compiler.reset()
    plain, _ = train(Perceptron, FAULTS["log"], watched=False, compiled="inductor")
    net, run = train(Perceptron, FAULTS["log"], watched=True, compiled="inductor", every=2)
    found = run.record.evidence.first_failure
    assert (found.step, found.stage, found.operation, found.layer) == (6, "forward", "log", "first")
    assert same_bits(plain, net)


def test_without_replay():
    _, run = train(Perceptron, FAULTS["log"], watched=True, replay=False)
    found = run.record.evidence.first_failure
    assert (found.stage, found.operation, found.layer, found.step) == ("forward", "log", "first", 6)
    assert found.how.startswith("Told from what the step left behind, not by running it again (`replay=False`")


def accumulate(*, watched, fails_in):
    """Four micro-batches a step; one of them fails."""
    torch.manual_seed(0)
    net = Perceptron(lambda h: torch.log(h - h.abs() - 1) if h.shape[0] == 7 else h)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    run = watch(net, optimizer, live=False) if watched else None
    with run or contextlib.nullcontext():
        for step in range(1, 5):
            optimizer.zero_grad()
            for micro in range(4):
                rows = 7 if (step, micro) == fails_in else 16
                (functional.cross_entropy(net(torch.randn(rows, 10)), torch.zeros(rows).long()) / 4).backward()
            optimizer.step()
    return net, run


@pytest.mark.parametrize("micro", range(4))
def test_the_micro_batch_that_failed_is_run_again(micro):
    plain, _ = accumulate(watched=False, fails_in=(3, micro))
    net, run = accumulate(watched=True, fails_in=(3, micro))
    found = run.record.evidence.first_failure
    assert (found.stage, found.operation, found.layer, found.step) == ("forward", "log", "first", 3)
    assert "was run again" in found.how
    assert same_bits(plain, net)


def scaled(loss_of, *, steps=8, scale=2.0**10):
    torch.manual_seed(0)
    net = Perceptron(torch.relu)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    scaler = torch.amp.GradScaler("cpu", init_scale=scale)
    with watch(net, optimizer, scaler=scaler, live=False) as run:
        for step in range(1, steps + 1):
            optimizer.zero_grad()
            scaler.scale(loss_of(net, step)).backward()
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()
    return run


def plain_loss(net, step):
    return functional.cross_entropy(net(torch.randn(16, 10)), torch.zeros(16).long())


def test_a_scaler_that_looks_for_its_scale_is_no_failure():
    run = scaled(lambda net, step: 10 * plain_loss(net, step), scale=2.0**127)
    trace = run.record.evidence.optimizers[0]
    assert run.record.evidence.first_failure is None
    assert trace.num_skipped > 0
    assert trace.num_skipped + trace.num_steps == 8


def test_a_loss_that_is_nan_is_one_although_the_scaler_skips_the_step():
    run = scaled(lambda net, step: plain_loss(net, step) * (math.nan if step == 5 else 1.0))
    found = run.record.evidence.first_failure
    assert found is not None
    assert (found.stage, found.cause) == ("loss", "nan")
    assert found.weights_intact


def test_frozen_layers_leave_someone_who_looks_out():
    torch.manual_seed(0)
    net = nn.Sequential(*[nn.Linear(4, 4) for _ in range(12)])
    for part in net[:11]:
        part.requires_grad_(False)
    optimizer = torch.optim.SGD(net[11].parameters(), lr=0.1)
    with watch(net, optimizer, live=False) as run:
        for step in range(1, 5):
            optimizer.zero_grad()
            output = net(torch.randn(8, 4))
            (output + (output * 0).norm() if step == 3 else output).sum().backward()
            optimizer.step()
            if step == 2:
                assert run.record.evidence.first_failure is None
    # the norm at zero has derivative 0 by convention; nothing failed
    assert run.record.evidence.first_failure is None
    with watch(net, optimizer, live=False) as run:
        for step in range(1, 5):
            optimizer.zero_grad()
            output = net(torch.randn(8, 4))
            (output + torch.sqrt((output * 0).square().sum()) if step == 3 else output).sum().backward()
            optimizer.step()
    found = run.record.evidence.first_failure
    assert (found.step, found.stage, found.operation) == (3, "backward", "gradient of sqrt")


def test_the_batch_is_let_go():
    net = Perceptron(torch.relu)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    with watch(net, optimizer, live=False):
        for _ in range(6):
            x = torch.randn(16, 10)
            optimizer.zero_grad()
            net(x).sum().backward()
            optimizer.step()
            held = weakref.ref(x)
            del x
            assert held() is None


def test_calls_without_backward_do_not_pile_up():
    """Validation by somebody who forgot `no_grad`."""
    net = Perceptron(torch.relu)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    held = []
    with watch(net, optimizer, live=False):
        for _ in range(50):
            x = torch.randn(16, 10)
            net(x)
            held.append(weakref.ref(x))
            del x
        gc.collect()
        assert sum(each() is not None for each in held) <= 4
