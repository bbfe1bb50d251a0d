import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from justfit.cli import app
from tests.unit.cli import fakes

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def install(monkeypatch):
    """Put stand-ins in place of the estimators and the report for one test."""
    for name in ("justfit.estimators", "justfit.report"):
        monkeypatch.setitem(sys.modules, name, None)  # remembered, so that it is put back
    return fakes.install


@pytest.fixture
def run(monkeypatch):
    """Run the command line in this process."""
    monkeypatch.delenv("JUSTFIT_DEBUG", raising=False)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def start():
    """Start the command line in a process of its own, with stand-ins that show a behaviour."""
    started = []

    def start(behaviour, *words, **options):
        script = (
            "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # as in a terminal
            "from tests.unit.cli.fakes import install; install(sys.argv[1])\n"
            "from justfit.cli import main; main(sys.argv[2:])"
        )
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8", **options}
        process = subprocess.Popen([sys.executable, "-c", script, behaviour, *words], cwd=ROOT, **pipes)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
