"""The house rules that a machine can check; each check is shown to find what it looks for."""

import ast
import io
import re
import shutil
import statistics
import subprocess
import sys
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "justfit"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One source file; `path` is relative to src/justfit."""

    path: PurePosixPath
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def num_lines(self) -> int:
        return len(self.text.splitlines())

    @cached_property
    def functions(self) -> list[Function]:
        return [node for node in ast.walk(self.tree) if isinstance(node, Function)]

    @cached_property
    def code_lines(self) -> set[int]:
        layout = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return {line for t in tokens if t.type not in layout and t.string for line in range(t.start[0], t.end[0] + 1)}


MODULES = [
    Module(PurePosixPath(path.relative_to(SOURCE).as_posix()), path.read_text(encoding="utf-8"))
    for path in sorted(SOURCE.rglob("*.py"))
]


def code_lines(function: Function, module: Module) -> int:
    """Count the lines of a function that hold code: neither blank, nor comment, nor docstring."""
    lines = module.code_lines & set(range(function.lineno, _end(function) + 1))
    if ast.get_docstring(function) is not None:
        lines -= set(range(function.body[0].lineno, _end(function.body[0]) + 1))
    return len(lines)


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


# --- one module at a time ------------------------------------------------------------------------------------------


def long_file(module: Module) -> Iterator[str]:
    if module.num_lines > 400:
        yield f"{module.num_lines} lines, at most 400"


def long_function(module: Module) -> Iterator[str]:
    for function in module.functions:
        if code_lines(function, module) > 60:
            yield f"{function.name} has {code_lines(function, module)} code lines, at most 60"


def many_positional_parameters(module: Module) -> Iterator[str]:
    for function in module.functions:
        names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
        if names[:1] in (["self"], ["cls"]):
            names = names[1:]
        if len(names) > 5:
            yield f"{function.name} takes {len(names)} positional parameters, at most 5"


def missing_annotation(module: Module) -> Iterator[str]:
    for function in module.functions:
        arguments = function.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        bare = [a.arg for a in every if a is not None and a.annotation is None and a.arg not in ("self", "cls")]
        if bare or function.returns is None:
            yield f"{function.name} lacks annotations: {', '.join(bare) or 'return'}"


def many_top_level_names(module: Module) -> Iterator[str]:
    names = set()
    for node in module.tree.body:
        if isinstance(node, Function | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}
    if len(names - {"__all__"}) > 20:
        yield f"{len(names)} top-level names, at most 20"


def open_module_name(module: Module) -> Iterator[str]:
    if len(module.path.parts) > 1 and not module.path.name.startswith("_"):
        yield "a module of a room starts with an underscore"


def catch_all_name(module: Module) -> Iterator[str]:
    words = {word.strip("_") for part in module.path.with_suffix("").parts for word in (part, *part.split("_"))}
    if words & {"util", "utils", "misc", "helper", "helpers", "common"}:
        yield "is named after nothing in particular"


def untaught_room(module: Module) -> Iterator[str]:
    if module.path.name == "__init__.py":
        docstring = ast.get_docstring(module.tree) or ""
        if ">>> " not in docstring:
            yield "its docstring has no running example"
        if not re.search(r"^__all__\b", module.text, re.MULTILINE):
            yield "has no __all__"


# The right-hand column of the naming table; scikit-learn's own words are allowed where its interface asks for them.
FORBIDDEN_NAMES = {
    "cnt", "dead_pct", "dev", "dev_loss", "diversity", "dropout_rate", "keep_prob", "lambd", "linear_out", "n_prev",
    "overfit_score", "reg", "strength", "units_in", "val_acc", "val_loss",
}  # fmt: skip
SKLEARN_NAMES = {"n_features_in_", "n_iter_", "n_iter_no_change", "n_jobs", "n_layers_", "n_outputs_", "n_splits"}


def forbidden_name(module: Module) -> Iterator[str]:
    for name in sorted(set(_chosen_names(module.tree))):
        if name.strip("_") in FORBIDDEN_NAMES or (name.lstrip("_").startswith("n_") and name not in SKLEARN_NAMES):
            yield f"`{name}` has another word in house.md"


def _chosen_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, Function | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def pickle_use(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} | {getattr(node, "module", None) or ""}
            if {name.split(".")[0] for name in names} & {"pickle", "cloudpickle", "dill", "shelve", "marshal"}:
                yield f"line {node.lineno} imports a pickler"
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            unsafe_load = called.endswith("torch.load") and keywords.get("weights_only") != "True"
            if unsafe_load or called in ("joblib.load", "joblib.dump") or keywords.get("allow_pickle") == "True":
                yield f"line {node.lineno} calls {called} with pickles allowed"


def foreign_private_import(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("justfit."):
            _, room, *inside = (node.module or "").split(".")
            if inside and room != module.path.parts[0]:
                yield f"line {node.lineno} reaches into {node.module}; a room is used through its door"


def literals(module: Module) -> str:
    """Strings and comments of a Python file, one to a line."""
    tokens = tokenize.generate_tokens(io.StringIO(module.text).readline)
    return "\n".join(token.string for token in tokens if token.type in (tokenize.STRING, tokenize.COMMENT))


def network_host(module: Module) -> Iterator[str]:
    # `file` leads to no network; in Python a host stands in a string or a comment, the rest is attributes
    text = literals(module) if module.path.suffix == ".py" else module.text
    hosts = re.findall(r"\b(?!file:)[a-z][a-z0-9+.-]*:/{2}[^\s\"')>]+|\b[\w-]+\.(?:com|org|net)\b", text)
    if hosts:
        yield f"names {', '.join(sorted(set(hosts)))}"


_MANY = "\n".join(f"NAME_{number} = {number}" for number in range(21))
_STATEMENTS = "\n".join(f"    x = {number}" for number in range(61))

# check: what it must find
PLANTED: dict[Callable[[Module], Iterator[str]], Module] = {
    long_file: Module(PurePosixPath("maths/_x.py"), "x = 1\n" * 401),
    long_function: Module(PurePosixPath("maths/_x.py"), f"def f() -> None:\n{_STATEMENTS}\n"),
    many_positional_parameters: Module(PurePosixPath("maths/_x.py"), "def f(a, b, c, d, e, f): ..."),
    missing_annotation: Module(PurePosixPath("maths/_x.py"), "def f(a: int, *, b) -> int: ..."),
    many_top_level_names: Module(PurePosixPath("maths/_x.py"), _MANY),
    open_module_name: Module(PurePosixPath("maths/penalty.py"), ""),
    catch_all_name: Module(PurePosixPath("maths/_tensor_utils.py"), ""),
    untaught_room: Module(PurePosixPath("maths/__init__.py"), '"""Maths."""\n__all__ = ["gain"]'),
    forbidden_name: Module(PurePosixPath("maths/_x.py"), "def f(*, keep_prob: float) -> None: ..."),
    pickle_use: Module(PurePosixPath("maths/_x.py"), "import torch\ntorch.load('x')"),
    foreign_private_import: Module(PurePosixPath("maths/_x.py"), "from justfit.records._json import to_json"),
    network_host: Module(PurePosixPath("maths/_x.py"), '"""See https:' + '//example."""'),
}


@pytest.mark.parametrize("check", PLANTED, ids=lambda check: check.__name__)
def test_house_rule(check):
    complaints = [f"src/justfit/{module.path}: {complaint}" for module in MODULES for complaint in check(module)]
    assert not complaints, "\n".join(complaints)
    assert list(check(PLANTED[check])), "the check does not find what it looks for"


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (forbidden_name, "n_prev = 1"),
        (forbidden_name, "self.n_epochs = 1"),
        (pickle_use, "from pickle import dumps"),
        (pickle_use, "numpy.load('x', allow_pickle=True)"),
        (missing_annotation, "def f(a: int): ..."),
        (network_host, "x = 'files.example" + ".org'"),
        (network_host, "x = 1  # from files.example" + ".org"),
        (network_host, "'git+ssh:/" + "/git@host/x'"),
    ],
)
def test_house_rule_finds_also(check, text):
    assert list(check(Module(PurePosixPath("maths/_x.py"), text)))


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (forbidden_name, "fit(n_prev=1)"),  # a word of somebody else's interface
        (forbidden_name, "self.n_iter_ = 1"),
        (pickle_use, "torch.load('x', weights_only=True)"),
        (many_positional_parameters, "def f(self, a, b, c, d, e, *, g, h): ..."),
        (network_host, "from scipy.stats import norm  # see scipy.io, torch.nn"),
        (network_host, "return self." + "net(x)"),
        (network_host, "place = 'file:///tmp/rendezvous'"),
    ],
)
def test_house_rule_allows(check, text):
    assert not list(check(Module(PurePosixPath("maths/_x.py"), text)))


# --- all modules together ------------------------------------------------------------------------------------------


def sizes_of(modules: list[Module]) -> tuple[float, float]:
    """Median length of a file, and the length that nine of ten functions do not exceed."""
    lengths = [code_lines(function, module) for module in modules for function in module.functions]
    return statistics.median(module.num_lines for module in modules), statistics.quantiles(lengths, n=10)[-1]


def test_sizes_of_the_whole():
    median_file, usual_function = sizes_of(MODULES)
    assert median_file <= 120
    assert usual_function <= 25
    assert sizes_of([PLANTED[long_function]] * 2 + [PLANTED[long_file]] * 3) == (401, 62)


def test_code_lines_counts_neither_docstrings_nor_comments():
    text = 'def f(a: int) -> int:\n    """One.\n\n    Two.\n    """\n    # why\n\n    b = a\n    return b\n'
    module = Module(PurePosixPath("_x.py"), text)
    assert code_lines(module.functions[0], module) == 3


def test_no_file_names_a_network_host():
    paths = [ROOT / ".ci/run", ROOT / ".gitignore", *(p for p in ROOT.iterdir() if p.is_file() and p.name[0] != ".")]
    for folder in ("benchmarks", "docs", "src", "tests"):
        paths += [p for p in (ROOT / folder).rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    complaints = []
    for path in paths:
        module = Module(PurePosixPath(path.relative_to(ROOT).as_posix()), path.read_text("utf-8", errors="replace"))
        complaints += [f"{module.path}: {complaint}" for complaint in network_host(module)]
    assert len(paths) > 20
    assert not complaints, "\n".join(complaints)


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the walls of the `justfit` that is importable in `folder`, by the contracts of its pyproject.toml."""
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([program, "--no-cache"], check=False, cwd=folder, capture_output=True, text=True)


def test_walls_hold():
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout


ROOMS = (
    "checkup", "cli", "cures", "estimators", "integrations", "lab", "logs", "maths", "probe", "records", "repair",
    "report", "rules", "sweep", "tables", "watch",
)  # fmt: skip
NOTHING_BROKEN = "Contracts: 3 kept, 0 broken."


@pytest.mark.parametrize(
    ("planted", "complaint"),
    [
        ({}, NOTHING_BROKEN),
        ({"sweep/_x.py": "import torch\nfrom justfit.maths import *\n"}, NOTHING_BROKEN),
        ({"rules/_x.py": "def f() -> None:\n    import torch\n"}, "justfit.rules is not allowed to import torch"),
        (
            {"maths/__init__.py": "import torch\n", "report/_x.py": "from justfit.maths import *\n"},
            "justfit.report is not allowed to import torch",
        ),
        ({"maths/_x.py": "from justfit.sweep import *\n"}, "justfit.maths is not allowed to import justfit.sweep"),
        ({"sweep/_x.py": "from justfit.checkup import *\n"}, "justfit.sweep is not allowed to import justfit.checkup"),
        ({"probe/_x.py": "from justfit.rules import *\n"}, "justfit.probe is not allowed to import justfit.rules"),
        ({"report/_x.py": "from justfit.rules import *\n"}, "justfit.report is not allowed to import justfit.rules"),
        ({"maths/_x.py": "from . import _y\n", "maths/_y.py": "from . import _x\n"}, "No cycles are allowed"),
        ({"attic/__init__.py": ""}, "justfit.attic"),
    ],
)
def test_walls_are_watched(tmp_path, planted, complaint):
    rooms = dict.fromkeys((f"{room}/__init__.py" for room in ROOMS), "")
    for name, text in {"__init__.py": "", "__main__.py": "", "errors.py": "", **rooms, **planted}.items():
        path = tmp_path / "justfit" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    done = lint_imports(tmp_path)
    assert complaint in done.stdout
    assert (done.returncode == 0) == (complaint == NOTHING_BROKEN)


# --- what a fresh process loads ------------------------------------------------------------------------------------

HEAVY = {"numpy", "polars", "scipy", "sklearn", "torch"}


def loaded_by(statement: str) -> set[str]:
    """Run a statement in a fresh process; return the top-level packages it left in sys.modules."""
    script = f"import sys\ntry:\n    {statement}\nexcept SystemExit:\n    pass\nprint('\\n', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.splitlines()[-1].split()}


@pytest.mark.parametrize(
    "statement",
    [
        "import justfit; dir(justfit); justfit.__version__; justfit.JustFitError",
        "from justfit.cli import main; main(['--help'])",
        "from justfit.cli import main; main(['fit', '--help'])",
        "from justfit.cli import main; main(['predict', '--help'])",
        "from justfit.cli import main; main(['--version'])",
        "import justfit.errors, justfit.records",
        "import justfit.rules",
        "from justfit.cli import main; main(['check', '--help'])",
        "from justfit.cli import main; main(['judge', '--help'])",
        "from justfit.cli import main; main(['lab', '--help'])",
        "from justfit.cli import main; main(['report', '--help'])",
        "from justfit.cli import main; main(['explain', 'JF204'])",
        "from justfit.cli import main; main(['rules'])",
    ],
)
def test_answers_without_heavy_packages(statement):
    assert not loaded_by(statement) & HEAVY


def test_heavy_packages_would_be_noticed():
    assert loaded_by("import numpy") & HEAVY == {"numpy"}


@pytest.mark.parametrize("room", ["logs", "report", "rules", "tables"])
def test_judging_side_never_loads_torch(room):
    assert "torch" not in loaded_by(f"import justfit.{room}")
