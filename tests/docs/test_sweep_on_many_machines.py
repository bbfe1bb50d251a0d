"""What docs/sweep-on-many-machines.md shows is run, and its arithmetic is done again."""

import math
import re
from pathlib import Path

import pytest

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "sweep-on-many-machines.md").read_text(encoding="utf-8")
LOCAL, RAY = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def run(*blocks):
    names = {}
    for block in blocks:
        exec(compile(block, "docs/sweep-on-many-machines.md", "exec"), names)  # noqa: S102 - our own text
    return names["result"]


def test_one_machine(capsys):
    result = run(LOCAL)
    assert capsys.readouterr().out.split() == [str(result.chosen.l2), str(result.chosen.epochs)]


@pytest.mark.slow
def test_the_same_on_ray():
    pytest.importorskip("ray", reason="pip install 'justfit[ray]'")
    local, ray = run(LOCAL), run(LOCAL, RAY)
    assert ray.chosen == local.chosen
    assert ray.to_frame().equals(local.to_frame())


def test_the_arithmetic():
    variants, parameters, held_out, workers = 64_000, 1e6, 2_000, 32_000
    assert f"| {3 * parameters * 4 / 1e6:.0f} MB |" in TEXT
    assert f"| {variants * 12 * parameters / 1e9:.0f} GB; {2 * variants * 12 * parameters / 1e9 / 1_000:.1f} GB" in TEXT
    assert f"| {variants * 12 * held_out * 4 / 1e9:.1f} GB in all" in TEXT
    assert f"| {(workers * 1_000 + variants * 200) / 1e6:.0f} MB per stop" in TEXT
    assert f"takes {workers / 400:.0f} s to send" in TEXT
    wait = [f"{m / 400 / 2 / 0.05:.0f} s at M = {m:,}" for m in (32_000, 1_000, 400)]
    assert re.search(r";\s+".join(wait), TEXT)
    for c, few, many in ((0.05, 1.19, 1.23), (0.2, 1.74, 1.91)):
        assert [round(1 + c * math.sqrt(2 * math.log(m)), 2) for m in (1_000, 32_000)] == [few, many]
        assert re.search(rf"{few} (at M = 1,000 )?and {many}", TEXT)
