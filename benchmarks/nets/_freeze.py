"""The formula and its constants, written down before the held-out networks are read."""

from __future__ import annotations

import ast
import hashlib
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FORMULA = (ROOT / "src/justfit/rules/_trainability.py", ROOT / "src/justfit/rules/_growth.py")
FROZEN = Path(__file__).resolve().parent / "frozen.json"


def formula():
    """Digest of the code that makes the score (comments and docstrings aside) and its constants."""
    dumps, constants = [], {}
    for path in FORMULA:
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
                node.body = node.body[1:]
        dumps.append(ast.dump(tree))
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and path == FORMULA[0]:
                constants[node.targets[0].id] = node.value.value
    return {"digest": hashlib.sha256("".join(dumps).encode()).hexdigest()[:16], "constants": constants}


def freeze():
    command = ["git", "describe", "--always", "--dirty"]
    git = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    record = {"date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", "commit": git.stdout.strip(), **formula()}
    FROZEN.write_text(json.dumps(record, indent=2) + "\n")
    return record


def frozen():
    """What was written down; None before that."""
    return json.loads(FROZEN.read_text()) if FROZEN.exists() else None
