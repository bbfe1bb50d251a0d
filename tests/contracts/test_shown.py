"""Whatever a user gets back and would look at shows itself, and in the same way as its record."""

import torch

from justfit.estimators import TableFit
from justfit.records import Shown
from justfit.repair import Cure
from justfit.sweep import SweepResult
from justfit.watch import watch
from tests.unit.report.every import EVERY


def same_as(holder, record):
    assert isinstance(holder, Shown)
    assert holder.to_html() == record.to_html()
    assert holder._repr_html_() == record._repr_html_()
    assert holder.widget().html == record.widget().html


def test_a_finished_sweep():
    record = EVERY["sweep"]()
    same_as(SweepResult(record, (), None, seed=0, has_folds=True), record)


def test_a_cure():
    record = EVERY["cure"]()
    same_as(Cure(record, {}, torch.nn.Identity, lambda module: None, torch.nn.Identity()), record)


def test_a_fit_of_a_table():
    record = EVERY["fit"]()
    same_as(TableFit(result=record, estimator=None, encoder=None, files={}, interrupted_by_user=False), record)


def test_a_run_that_still_goes_on():
    network = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    with watch(network, optimizer) as run:
        for _ in range(4):
            optimizer.zero_grad()
            network(torch.ones(2, 3)).square().mean().backward()
            optimizer.step()
        assert "not closed" in run.to_html()
    same_as(run, run.record)


def test_showing_a_record_leaves_it_as_it_is():
    for make in EVERY.values():
        record = make()
        hash_before = repr(record)
        record._repr_html_()
        assert repr(record) == hash_before
        assert not hasattr(record, "__dict__"), "a record keeps its slots"
