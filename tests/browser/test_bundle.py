"""The module that ships is the one that the sources in `web/` give, and it holds nothing that reaches out."""

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from justfit.report import _script

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "web"
SETTINGS = ("build.mjs", "package.json", "package-lock.json", "tsconfig.json")


def sources(web: Path) -> list[str]:
    """Paths of what the module is built from, in the order of `web/build.mjs`."""
    texts = (path for path in (web / "src").rglob("*") if path.suffix in (".ts", ".css") and path.is_file())
    return sorted([*SETTINGS, *(path.relative_to(web).as_posix() for path in texts)])


def digest(web: Path) -> str:
    found = hashlib.sha256()
    for path in sources(web):
        found.update(path.encode() + b"\0" + (web / path).read_bytes() + b"\0")
    return found.hexdigest()


def test_the_module_is_built_from_the_sources():
    first, code = _script.module_source().split("\n", 1)
    built = hashlib.sha256(code.encode()).hexdigest()
    stale = "run `npm ci && npm run build` in web/ and commit the result"
    assert first == f"/* justfit web {digest(WEB)} built {built} */", stale


def test_building_it_again_gives_the_same_bytes():
    node = shutil.which("node")
    if node is None or not (WEB / "node_modules" / "esbuild").is_dir():
        pytest.skip("needs node and `npm ci` in web/")
    checked = subprocess.run(
        [node, "build.mjs", "--check"], check=False, cwd=WEB, capture_output=True, text=True, timeout=60
    )
    assert checked.returncode == 0, checked.stderr


def test_a_changed_source_changes_the_digest(tmp_path):
    for path in sources(WEB):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes((WEB / path).read_bytes())
    assert digest(tmp_path) == digest(WEB)
    with (tmp_path / "src/index.ts").open("a") as file:
        file.write("// one more line\n")
    assert digest(tmp_path) != digest(WEB)


def test_the_module_is_small_and_reaches_nothing():
    text = _script.module_source()
    assert len(text.encode()) <= 150_000
    assert text.isascii()
    for word in ("</script", ":" + "//", "eval(", "new Function", "document.write", "import("):
        assert word not in text, word


def test_versions_are_exact_and_the_lock_names_no_place():
    package = json.loads((WEB / "package.json").read_text())
    assert "dependencies" not in package  # what ships is written here
    assert package["devDependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in package["devDependencies"].values())
    lock = (WEB / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert ":" + "//" not in lock
