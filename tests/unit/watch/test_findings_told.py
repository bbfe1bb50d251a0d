"""Findings reach the user while the run goes on, once, and at its end in words."""

import io
import json
import math
import re

import pytest
import torch
from rich.console import Console
from torch import nn
from torch.nn import functional

from justfit.records import Finding, from_dict
from justfit.watch import watch
from justfit.watch._live import LiveView
from tests.unit.watch.loops import batches, network


def broken_run(tmp_path, **settings):
    """The logarithm of a negative number in the sixth step."""
    module = network()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    told = []
    run = watch(module, optimizer, every=1, out=tmp_path, on_finding=told.append, live=False, **settings)
    with run:
        for number, (x, y) in enumerate(batches()):
            run.log_batch(number)
            optimizer.zero_grad()
            loss = functional.cross_entropy(module(x), y)
            if number == 5:
                loss = loss + torch.log(-module(x).square().mean())
            loss.backward()
            optimizer.step()
            if number == 5:
                told_at_once = list(told)
    return run, told, told_at_once


def test_nan_is_told_before_the_weights_have_it(tmp_path):
    run, told, told_at_once = broken_run(tmp_path)
    failure = run.record.evidence.first_failure
    assert (failure.step, failure.batch, failure.weights_intact, failure.operation) == (6, 5, True, "log")
    assert "JF402" in {finding.code for finding in told_at_once}
    assert len(told) == len({(finding.code, finding.where) for finding in told})
    lines = (tmp_path / "findings.jsonl").read_text("utf-8").splitlines()
    assert [from_dict(Finding, json.loads(line)) for line in lines] == told
    assert run.findings[0].code == "JF402"


def test_summary(tmp_path):
    run, _, _ = broken_run(tmp_path)
    run_text = io.StringIO()
    run.summary(Console(file=run_text, width=200))
    text = run_text.getvalue()
    assert "12 steps of Sequential (3 layers)" in text
    assert "JF402 error" in text
    assert "NaN first at step 6, epoch 1, batch 5" in text
    assert re.search(r"of the loop's time \(allowed 1 %\), about \S+ s: 12 samples in 12 steps", text)


def test_summary_of_a_run_without_findings():
    module = network()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    with watch(module, optimizer, live=False) as run:
        pass
    text = io.StringIO()
    run.summary(Console(file=text, width=200))
    assert text.getvalue().startswith("No findings in 0 steps of Sequential (3 layers).")
    assert "No step was watched." in text.getvalue()


def test_the_users_function_may_stop_the_loop(tmp_path):
    class StopTrainingError(Exception):
        pass

    def stop(finding):
        raise StopTrainingError(finding.code)

    module = network()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    before = [p.detach().clone() for p in module.parameters()]
    x, y = batches(1)[0]
    run = watch(module, optimizer, on_finding=stop, live=False).start()
    (functional.cross_entropy(module(x), y) * math.nan).backward()
    with pytest.raises(StopTrainingError, match="JF402"):
        optimizer.step()
    run.close()
    assert all(torch.equal(a, b) for a, b in zip(before, module.parameters(), strict=True))


def test_verdict_of_the_history():
    module = network()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    with watch(module, optimizer, live=False) as run:
        for epoch in range(1, 41):
            advice = run.end_epoch(train_loss=2 * 0.9**epoch, validation_loss=1 + 0.002 * (epoch - 10) ** 2)
    assert advice.best_epoch == 10
    assert run.verdict.best_epoch is not None
    assert run.verdict.state == "overfitting"
    assert run.history.epochs == tuple(range(1, 41))


def test_nothing_is_shown_without_a_terminal(capfd):
    module = network()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    with watch(module, optimizer, live=True):
        functional.cross_entropy(module(batches(1)[0][0]), batches(1)[0][1]).backward()
        optimizer.step()
    assert capfd.readouterr() == ("", "")


def test_live_view_in_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    module = nn.Linear(6, 3)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    with watch(module, optimizer, every=1) as run:
        functional.cross_entropy(module(batches(1)[0][0]), batches(1)[0][1]).backward()
        optimizer.step()
        assert run._minutes.live.is_shown
    assert "step" in terminal.getvalue()
    assert not run._minutes.live.is_shown


def test_drawing_waits_for_what_it_costs(monkeypatch):
    class Slow:
        drawn = 0

        def update(self, table, refresh):
            Slow.drawn += 1

    view = LiveView()
    view._live = Slow()
    clock = iter([10.1, 99.0])
    monkeypatch.setattr("justfit.watch._live.perf_counter", lambda: next(clock))
    view.refresh(10.0, lambda: {"step": "1"})  # takes 0.1 s
    view.refresh(12.0, lambda: {"step": "2"})
    view.refresh(59.0, lambda: {"step": "3"})
    assert Slow.drawn == 1
    view.refresh(61.0, lambda: {"step": "4"})  # 0.1 s are 0.2 % of 50 s
    assert Slow.drawn == 2


def test_overfitting_of_the_history_is_a_finding_of_the_run():
    falling = [1.0 / (1 + epoch) for epoch in range(30)]
    rising = [loss + 0.02 * max(epoch - 6, 0) for epoch, loss in enumerate(falling)]
    network = nn.Linear(2, 1)
    with watch(network, torch.optim.SGD(network.parameters(), lr=0.1)) as over:
        for train, validation in zip(falling, rising, strict=True):
            over.end_epoch(train_loss=train, validation_loss=validation)
    assert [finding.code for finding in over.findings] == ["JF105"]
    assert over.findings[0].since_unit == "epoch"
    other = nn.Linear(2, 1)
    with watch(other, torch.optim.SGD(other.parameters(), lr=0.1)) as fine:
        for train in falling:
            fine.end_epoch(train_loss=train, validation_loss=train + 0.01)
    assert "JF105" not in {finding.code for finding in fine.findings}


def test_without_a_train_loss_the_mean_over_the_steps_counts():
    network = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.0)
    with watch(network, optimizer) as run:
        for factor in (1.0, 3.0):
            optimizer.zero_grad()
            (factor * network(torch.ones(4, 2)).square().mean()).backward()
            optimizer.step()
        loss = float(network(torch.ones(4, 2)).detach().square().mean())
        run.end_epoch(validation_loss=loss)
    assert run.history.train_loss == pytest.approx((2 * loss,))
    assert run.history.train_mode is True
