"""Numbers of the moving pictures are written as those of the printed ones, by the module as it ships."""

from __future__ import annotations

import random

import pytest

from justfit.report._numbers import number, setting, with_se
from tests.browser.test_widget import MODEL, notebook

__all__ = ["notebook"]

# Halves that floats hold exactly, ends of plain notation, carries into the next power of ten, zero.
CHOSEN = (
    0.0, 0.125, 0.375, 0.625, 1.125, 1.375, 2.625, 12.25, 1000.5, 1001.5, 1.125e6, 1.375e6, 999_499.5, 999_999.9,
    9.995, 9.9949, 99.95, 0.9999, 0.09999, 1e-4, 9.999e-5, 1.23e-7, 1e6, 2e7, 1.5e21, 3e-300, 0.1, 3.0, 20_000.0,
)  # fmt: skip


def drawn() -> list[float]:
    draw = random.Random(0)  # noqa: S311  # numbers to write, not secrets
    found = [draw.uniform(1, 10) * 10.0 ** draw.randint(-9, 9) for _ in range(70)]
    return [*CHOSEN, *(-value for value in CHOSEN[1:8]), *found, *(float(f"{value:.4g}") for value in found[:30])]


# The sentence of each cell: its λ, its loss with a standard error, its training loss.
READ = """
({ count }) => Array.from({ length: count }, (_, k) => {
  window.model.set("state", { l2: k, dropout: 0 });
  return [el.querySelector(".jf-slider output").textContent, el.querySelector(".jf-said").textContent];
})
"""


@pytest.mark.parametrize("share", [0.0125, 0.0355, 0.25, 30.0])
def test_the_module_writes_numbers_as_the_report_does(notebook, share):
    values = drawn()
    errors = [abs(value) * share or share for value in values]
    column, none = [[value] for value in values], [[None] for _ in values]
    explorer = {
        "l2": values, "dropout": [0.0], "chosen": [1, 0], "best": [1, 0], "unit": "nats", "cells": [],
        "loss": column, "lossSe": [[error] for error in errors], "trainLoss": column, "difference": none,
        "differenceSe": none, "ridge": [[False] for _ in values], "weightLow": -1, "weightHigh": 1,
    }  # fmt: skip
    notebook.evaluate(MODEL, {"piece": {"html": "", "data": {"explorer": explorer}}, "shadow": False})
    found = notebook.evaluate(READ, {"count": len(values)})
    for value, error, (slider, said) in zip(values, errors, found, strict=True):
        wanted = (
            f"λ = {setting(value)}: validation loss {with_se(value, error, 'nats')}, training loss {number(value)}."
        )
        assert (slider, said.replace("\u00a0", " ").split(". ")[0] + ".") == (setting(value), wanted)
