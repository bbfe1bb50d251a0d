"""Starting, ending, failing, copying, going on later: a watch leaves nothing behind."""

import contextlib
import copy
import io
import pickle
import subprocess
import sys
import textwrap
import threading

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.optim.optimizer import _global_optimizer_post_hooks

import justfit
from justfit.errors import ArgumentError, OutputError
from justfit.records import WatchRecord, from_json
from justfit.report import render_watch_html
from justfit.watch import watch
from justfit.watch._layers import LayerTable
from tests.unit.watch.loops import batches, network


def step(module, optimizer, batch):
    optimizer.zero_grad()
    loss = functional.cross_entropy(module(batch[0]), batch[1])
    loss.backward()
    optimizer.step()
    return loss.item()


@pytest.fixture
def module():
    return network()


@pytest.fixture
def optimizer(module):
    return torch.optim.SGD(module.parameters(), lr=0.1)


def test_nothing_is_left_behind(module, optimizer):
    backward = torch.autograd.backward
    with watch(module, optimizer, live=False):
        assert torch.autograd.backward is not backward
        assert module._forward_pre_hooks
        assert optimizer._optimizer_step_pre_hooks
        step(module, optimizer, batches(1)[0])
    assert torch.autograd.backward is backward
    assert not module._forward_pre_hooks
    assert not module._forward_pre_hooks_with_kwargs
    assert not optimizer._optimizer_step_pre_hooks
    assert not optimizer._optimizer_step_post_hooks
    assert not _global_optimizer_post_hooks


@pytest.mark.parametrize("error", [ValueError("no more data"), KeyboardInterrupt(), GeneratorExit()])
def test_a_loop_that_fails(module, optimizer, tmp_path, error):
    backward = torch.autograd.backward

    def train():
        with watch(module, optimizer, out=tmp_path, live=False):
            step(module, optimizer, batches(1)[0])
            functional.cross_entropy(module(batches(1)[0][0]), batches(1)[0][1]).backward()
            raise error

    with pytest.raises(type(error)):
        train()
    assert torch.autograd.backward is backward
    assert not module._forward_pre_hooks
    record = from_json(WatchRecord, (tmp_path / "record.json").read_text("utf-8"))
    assert record.finished
    assert any(type(error).__name__ in note for note in record.evidence.notes)
    assert record.evidence.optimizers[0].num_steps == 1


def test_an_error_inside_backward_leaves_the_wrapper_working(module, optimizer):
    class Broken(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            raise RuntimeError("inside")

    with watch(module, optimizer, every=1, live=False) as run:
        with pytest.raises(RuntimeError, match="inside"):
            Broken.apply(module(batches(1)[0][0])).sum().backward()
        for batch in batches(3):
            step(module, optimizer, batch)
    assert run.record.evidence.optimizers[0].num_steps == 3
    assert not any("stopped" in note for note in run.record.evidence.notes)


def test_a_generator_that_is_never_finished():
    backward = torch.autograd.backward

    def training():
        module = network()
        optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
        with watch(module, optimizer, live=False):
            for batch in batches():
                yield step(module, optimizer, batch)

    steps = training()
    next(steps)
    next(steps)
    steps.close()
    assert torch.autograd.backward is backward


def test_a_copy_or_a_file_takes_nothing_along(module, optimizer):
    with watch(module, optimizer, every=1, live=False) as run:
        step(module, optimizer, batches(1)[0])
        twin = copy.deepcopy(module)
        stored = io.BytesIO()
        torch.save(module, stored)
        stored.seek(0)
        loaded = torch.load(stored, weights_only=False)
        copied_optimizer = copy.deepcopy(optimizer)
        assert not copied_optimizer._optimizer_step_pre_hooks
        for other in (twin, loaded):
            other(batches(1)[0][0])
            assert not run._loop.flight.forwards  # the copy shows the run nothing
        assert b"justfit" not in stored.getvalue()
        assert b"justfit" not in pickle.dumps(optimizer)
    for other in (twin, loaded):
        assert list(other.state_dict()) == list(module.state_dict())
    assert run.record.evidence.optimizers[0].num_steps == 1


def test_nested_and_parallel(module, optimizer):
    other = network()
    other_optimizer = torch.optim.SGD(other.parameters(), lr=0.1)
    backward = torch.autograd.backward
    with watch(module, optimizer, every=1, live=False) as outer:
        with (
            watch(module, optimizer, every=1, live=False) as inner,
            watch(other, other_optimizer, live=False) as second,
        ):
            for batch in batches(4):
                first_loss = step(module, optimizer, batch)
                second_loss = step(other, other_optimizer, batch)
        step(module, optimizer, batches(1)[0])
    assert torch.autograd.backward is backward
    assert [run.record.evidence.optimizers[0].num_steps for run in (outer, inner, second)] == [5, 4, 4]
    assert inner.record.evidence.losses.mean[-1] == pytest.approx(first_loss)
    assert second.record.evidence.losses.mean[-1] == pytest.approx(second_loss)
    a, b = outer.record.evidence.layers[0], inner.record.evidence.layers[0]
    assert a.gradient_norm[:4] == b.gradient_norm


def test_threads_do_not_mix_their_losses():
    runs = {}
    start = threading.Barrier(2)

    def train(scale):
        module = network()
        optimizer = torch.optim.SGD(module.parameters(), lr=0.0)
        with watch(module, optimizer, every=3, live=False) as run:
            start.wait()
            for x, y in batches(60):
                optimizer.zero_grad()
                (scale * functional.cross_entropy(module(x), y)).backward()
                optimizer.step()
        runs[scale] = run

    threads = [threading.Thread(target=train, args=(scale,)) for scale in (1.0, 100.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    small, large = (runs[scale].record.evidence.losses for scale in (1.0, 100.0))
    assert max(small.maximum) < 10 < min(large.minimum)


def test_started_and_closed_by_hand(module, optimizer):
    run = watch(module, optimizer, live=False)
    run.close()  # nothing to close yet
    run.start()
    step(module, optimizer, batches(1)[0])
    run.close()
    run.close()
    assert run.record.finished
    with pytest.raises(ArgumentError, match=r"A run is started once\. Found a run that was started before\."):
        run.start()


def test_no_step_at_all(module, optimizer, tmp_path):
    with watch(module, optimizer, out=tmp_path, live=False) as run:
        pass
    assert run.record.evidence.optimizers[0].num_steps == 0
    assert run.overhead.num_samples == 0
    assert from_json(WatchRecord, (tmp_path / "record.json").read_text("utf-8")).finished


def test_an_optimizer_that_never_steps(module):
    used, unused = (torch.optim.SGD(part.parameters(), lr=0.1) for part in (module[0], module[6]))
    with watch(module, [unused, used], every=1, live=False) as run:
        for batch in batches(3):
            step(module, used, batch)
    traces = run.record.evidence.optimizers
    assert [trace.name for trace in traces] == ["optimizer[0]", "optimizer[1]"]
    assert [trace.num_steps for trace in traces] == [0, 3]
    assert len(run.record.evidence.losses.mean) == 3
    layers = {layer.name: layer for layer in run.record.evidence.layers}
    assert (layers["0"].optimizer, layers["4"].optimizer, layers["6"].optimizer) == (1, -1, 0)
    assert len(layers["0"].gradient_norm) == 3


def test_host_without_a_torch_optimizer(module):
    with watch(module, every=1, live=False) as run:
        for x, y in batches(3):
            module.zero_grad()
            functional.cross_entropy(module(x), y).backward()
            run.before_step()
            with torch.no_grad():
                for parameter in module.parameters():
                    parameter.sub_(0.1 * parameter.grad)
            run.after_step()
    layer = run.record.evidence.layers[0]
    assert layer.update_norm == pytest.approx([0.1 * norm for norm in layer.gradient_norm], rel=1e-3)
    assert len(run.record.evidence.losses.mean) == 3


def test_a_sink_or_function_of_the_user(module, optimizer):
    class Sink:
        def __init__(self):
            self.values, self.closed = [], 0

        def log(self, values, step):
            self.values.append((step, dict(values)))

        def close(self):
            self.closed += 1

    class Failing:
        def log(self, values, step):
            raise OSError("disk full")

    sink = Sink()
    with watch(module, optimizer, every=2, sinks=[sink, Failing()], live=False) as run:
        for batch in batches(4):
            step(module, optimizer, batch)
        run.end_epoch(train_loss=1.0, validation_loss=2.0, metrics={"accuracy": 0.5})
    assert [number for number, _ in sink.values] == [1, 3, 4]
    assert {"loss", "learning_rate", "gradient_norm", "gradient_norm/0", "update_ratio/0"} <= set(sink.values[0][1])
    assert sink.values[-1][1] == {"train_loss": 1.0, "validation_loss": 2.0, "accuracy": 0.5}
    assert sink.closed == 1
    assert any("Failing was left out: OSError: disk full" in note for note in run.record.evidence.notes)


def test_numbering_goes_on_after_a_restart(module, optimizer, tmp_path):
    with watch(module, optimizer, every=2, live=False) as first:
        for batch in batches(5):
            step(module, optimizer, batch)
        first.end_epoch(train_loss=1.0, validation_loss=1.1)
        torch.save(first.state_dict(), tmp_path / "state.pt")
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    second = watch(module, optimizer, every=2, live=False)
    second.load_state_dict(state)
    with second:
        for batch in batches(3):
            step(module, optimizer, batch)
        second.end_epoch(train_loss=0.9, validation_loss=1.0)
        with pytest.raises(ArgumentError, match=r"A state is loaded before the first step\. Found 8 steps done\."):
            second.load_state_dict(state)
    evidence = second.record.evidence
    assert evidence.optimizers[0].num_steps == 8
    assert evidence.losses.first_step == (1, 2, 3, 4, 5, 6, 7, 8)
    assert evidence.optimizers[0].steps[:3] == (1, 3, 5)
    assert list(evidence.optimizers[0].steps) == sorted(set(evidence.optimizers[0].steps))
    assert evidence.history.epochs == (1, 2)


def test_losses_that_the_loop_logs_go_before_those_of_backward(module, optimizer):
    with watch(module, optimizer, every=4, live=False) as before:
        for number, batch in enumerate(batches(6)):
            before.log_loss(float(number))
            step(module, optimizer, batch)
    assert before.record.evidence.losses.mean == (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
    with watch(module, optimizer, every=4, live=False) as after:
        for number, batch in enumerate(batches(40)):
            step(module, optimizer, batch)
            after.log_loss(torch.tensor(float(number)))
    assert after.record.evidence.losses.mean == tuple(map(float, range(40)))
    with watch(module, optimizer, loss_from_backward=False, live=False) as none:
        step(module, optimizer, batches(1)[0])
    assert none.record.evidence.losses.num_steps == (0,)


def test_the_last_steps_know_their_batches(module, optimizer):
    with watch(module, optimizer, frames=5, live=False) as run:
        for number, batch in enumerate(batches(30)):
            run.log_batch(number, [number, number + 1])
            step(module, optimizer, batch)
    assert [frame.step for frame in run.record.frames] == [26, 27, 28, 29, 30]
    assert run.record.frames[-1].batch == 29
    assert run.record.frames[-1].examples == (29, 30)


KILLED = """
    import os, signal, sys, torch
    from torch import nn
    from justfit.watch import watch
    module = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    with watch(module, optimizer, every=2, out=sys.argv[1], flush_seconds=0.0) as run:
        for number in range(100000):
            optimizer.zero_grad()
            nn.functional.cross_entropy(module(torch.randn(32, 6)), torch.arange(32) % 3).backward()
            optimizer.step()
            if number > 200 and os.path.exists(os.path.join(sys.argv[1], "record.json")):
                os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_run_leaves_its_last_record(tmp_path):
    mine = tmp_path / "notes.txt"
    mine.write_text("mine")
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path)], check=False, timeout=300)
    assert done.returncode == -9
    record = from_json(WatchRecord, (tmp_path / "record.json").read_text("utf-8"))
    assert not record.finished
    assert record.evidence.optimizers[0].num_steps > 0
    assert record.evidence.layers[0].gradient_norm
    assert mine.read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} <= {"record.json", "findings.jsonl", "notes.txt"}


def test_a_closed_run_leaves_its_page(module, optimizer, tmp_path):
    (tmp_path / "report.html").write_text("of an earlier run")
    with watch(module, optimizer, out=tmp_path, live=False) as run:
        assert not (tmp_path / "report.html").exists()
        for batch in batches(4):
            step(module, optimizer, batch)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert run.record.evidence.module in page
    assert "The flight record" in page
    stored = from_json(WatchRecord, (tmp_path / "record.json").read_text("utf-8"))
    assert stored.overhead == run.record.overhead == run.overhead, "one cost of watching, wherever it is shown"
    assert render_watch_html(stored) == page


def test_a_page_that_cannot_be_made_is_told_and_raises_nothing(module, optimizer, tmp_path):
    with watch(module, optimizer, out=tmp_path, live=False) as run:
        for batch in batches(4):
            step(module, optimizer, batch)
        (tmp_path / "report.html").mkdir()
    record = from_json(WatchRecord, (tmp_path / "record.json").read_text("utf-8"))
    assert any(note.startswith("The page could not be written: OutputError:") for note in record.evidence.notes)
    assert record.evidence.notes == run.record.evidence.notes


def test_folder_that_cannot_be_made(module, optimizer, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"`out` must be a folder that can be made\."):
        watch(module, optimizer, out=tmp_path / "file" / "run")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"overhead": 0.0}, r"`overhead` must lie in \(0, 1\]\. Found `overhead=0\.0`\."),
        ({"every": 0}, r"`every` must be a whole number of steps, at least 1\. Found `every=0`\."),
        ({"frames": True}, r"`frames` must be a whole number of steps, at least 1\. Found `frames=True`\."),
        ({"flush_seconds": -1.0}, r"`flush_seconds` must be at least 0\."),
        ({"sinks": [object()]}, r"Each of `sinks` must have a method `log\(values, step\)`\. Found a object\."),
    ],
)
def test_arguments(module, optimizer, settings, message):
    with pytest.raises(ArgumentError, match=message):
        watch(module, optimizer, **settings)


def test_what_is_no_module_or_optimizer(module, optimizer):
    with pytest.raises(ArgumentError, match=r"`module` must be an `nn\.Module`\. Found a function\."):
        watch(batches, optimizer)
    with pytest.raises(ArgumentError, match=r"`optimizer` must be a `torch\.optim\.Optimizer`.*Found a float\."):
        watch(module, 0.1)


def test_the_room_can_be_called(module, optimizer):
    with justfit.watch(module, optimizer, live=False) as run, contextlib.suppress(StopIteration):
        step(module, optimizer, batches(1)[0])
    assert isinstance(run, justfit.watch.Run)
    assert justfit.EarlyStopping is justfit.watch.EarlyStopping


@pytest.mark.parametrize(
    ("told", "mode"), [((None, None), None), ((None, True), True), ((True, False), True), ((False,), False)]
)
def test_how_a_train_loss_was_averaged_is_told(module, told, mode):
    run = watch(module, live=False)
    for one in told:
        run.end_epoch(train_loss=1.0, validation_loss=1.0, train_mode=one)
    assert run.history.train_mode is mode


def test_a_replaced_parameter_leaves_no_layer_behind(module):
    """A new parameter may get the id of one that is gone."""
    table = LayerTable(module)
    first = table.layers[0]
    own = next(part for part in module.modules() if isinstance(part, nn.Linear))
    assert table.layer_of(own.weight) is first
    gone = id(own.weight)
    own.weight = nn.Parameter(torch.zeros_like(own.weight))
    table.scan()
    other = nn.Parameter(torch.zeros(1))
    table._layer_of[id(other)] = table._layer_of.pop(gone)
    assert table.layer_of(other).name == "parameters outside the module"
    assert table.layer_of(own.weight) is first
