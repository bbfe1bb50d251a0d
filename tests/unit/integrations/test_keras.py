"""Keras 3 on torch, in a process of its own: the backend is chosen when Keras is first imported."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = Path(__file__).with_name("keras_trainings.py")
TRAININGS = re.findall(r"^def (\w+)\(_?folder\):$", SCRIPT.read_text(encoding="utf-8"), re.MULTILINE)
TRAININGS.remove("main")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    if importlib.util.find_spec("keras") is None:
        pytest.skip("pip install 'justfit[keras]'")
    environment = {**os.environ, "KERAS_BACKEND": "torch", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    words = [sys.executable, str(SCRIPT), str(tmp_path_factory.mktemp("keras"))]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("training", TRAININGS)
def test_a_training_of_keras(outcomes, training):
    assert outcomes[training] == "ok", outcomes[training]


def test_no_training_is_left_out(outcomes):
    assert set(outcomes) == set(TRAININGS)
    assert len(TRAININGS) > 8
