"""What a benchmark ran on, in one paragraph."""

import importlib.metadata
import platform
from datetime import UTC, datetime
from pathlib import Path


def describe_machine(*packages):
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    versions = ", ".join(f"{package} {importlib.metadata.version(package)}" for package in packages)
    return f"{datetime.now(UTC):%Y-%m-%d}; {cpu}; Python {platform.python_version()}; {versions}."
