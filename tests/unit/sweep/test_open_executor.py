"""Executors by name."""

import pytest

from justfit.errors import ArgumentError
from justfit.sweep import SerialExecutor
from justfit.sweep._local import LocalExecutor
from justfit.sweep._open_executor import open_executor


def test_names():
    assert isinstance(open_executor("serial"), SerialExecutor)
    assert isinstance(open_executor("local"), LocalExecutor)
    assert open_executor("local", 3).num_workers == 3
    assert open_executor("local").num_workers >= 1
    assert open_executor("local", 3, "cuda").num_workers == 1
    mine = SerialExecutor()
    assert open_executor(mine) is mine


@pytest.mark.parametrize(
    ("executor", "num_workers", "text"),
    [
        ("dask", None, r"`executor` must be local, serial or ray.*Found `executor='dask'`\. Leave it out"),
        ("local", 0, r"`num_workers` must be a whole number of at least 1\. Found `num_workers=0`\. Leave it out"),
        ("local", "3", r"`num_workers` must be a whole number of at least 1\. Found `num_workers='3'`"),
        (3, None, r"or an object with the interface of `Executor`\. Found `executor=3`\. Leave it out"),
    ],
)
def test_what_it_does_not_take(executor, num_workers, text):
    with pytest.raises(ArgumentError, match=text):
        open_executor(executor, num_workers)
