"""What all tests share: one thread, real tables, slow tests apart."""

import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings

# Before torch is imported, and inherited by every process a test starts: two cores, and the same sums each time.
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("justfit", deadline=None, derandomize=True)  # a test never fails by the clock or by luck
settings.load_profile("justfit")

ROOT = Path(__file__).resolve().parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests that take minutes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="takes minutes; run with --slow"))


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    if "torch" in sys.modules:  # imported while collecting; later imports obey OMP_NUM_THREADS
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real tables beside the checkout, read in place; the test is skipped where it is absent."""
    folder = ROOT.parent / "shared" / "data" / "tables"
    if not folder.is_dir():
        pytest.skip("the real tables of ../shared/data/tables are not on this machine")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _control_c_is_heard():
    """A shell that starts a job in the background has it ignore Ctrl-C; the tests of Ctrl-C need it heard."""
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
