import importlib.util
import itertools
import re
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from torch import nn

from justfit.probe._construction import recording_construction
from justfit.probe._source import find_source

numbers = itertools.count()


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Import a text as `net.py` of the working directory; a line's mark `# @name` is where `name` is built."""
    monkeypatch.chdir(tmp_path)

    def load(text, file="net.py"):
        text = "import torch\nfrom torch import nn\nfrom collections import OrderedDict\n" + textwrap.dedent(text)
        path = tmp_path / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        name = f"net_{next(numbers)}"
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        module.marks = {
            path: f"{file}:{number}"
            for number, line in enumerate(text.splitlines(), 1)
            for path in re.findall(r"@(\S+)", line)
        }
        return module

    return load


PLAIN = """
class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(  # @blocks.0.mlp.fc1 @blocks.2.mlp.fc1.weight
            2, 2
        )
        self.act: nn.Module = nn.ReLU()  # @blocks.0.mlp.act
        self.fc2, self.fc3 = nn.Linear(2, 2), nn.Linear(2, 2)  # @blocks.1.mlp.fc2 @blocks.1.mlp.fc3

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.mlp = Mlp()  # @blocks.1.mlp
        self.scale = nn.Parameter(torch.ones(2))  # @blocks.1.scale
        self.attn = nn.MultiheadAttention(  # @blocks.2.attn @blocks.0.attn.out_proj @blocks.0.attn.in_proj_weight
            2, 1)

class Head(Block):
    pass

class Net(nn.Module):
    def __init__(self, norm=None):
        super().__init__()
        self.blocks = nn.ModuleList(
            [Block() for _ in range(3)]  # @blocks.0 @blocks.2
        )
        self.stem = nn.Sequential(  # @stem
            nn.Linear(2, 2),  # @stem.0 @stem.0.weight
            nn.ReLU(),  # @stem.1
            nn.Sequential(  # @stem.2
                nn.Linear(2, 2),  # @stem.2.0
                *[
                    nn.Linear(2, 2) for _ in range(3)],  # @stem.2.1 @stem.2.3
                nn.Tanh(),  # @stem.2.4
            ),
        )
        self.named = nn.Sequential(OrderedDict([
            ("a", nn.Linear(2, 2)),  # @named.a
            ("b", nn.Linear(2, 2)),  # @named.b.bias
        ]))
        self.heads = nn.ModuleDict({
            "x": nn.Linear(2, 2),  # @heads.x
            "y": nn.TransformerEncoderLayer(2, 1, 4),  # @heads.y @heads.y.linear1 @heads.y.self_attn.out_proj
        })
        self.twice = nn.ModuleDict(dict(
            a=nn.Linear(2, 2),  # @twice.a
        ))
        self.each = nn.ModuleDict({name:
            nn.Linear(2, 2)  # @each.a @each.b
            for name in "ab"})
        self.sum = nn.Sequential(*([nn.ReLU()] +
            [nn.Linear(2, 2)]))  # @sum.1
        self.add_module("added", nn.Linear(2, 2))  # @added
        setattr(self, "set", nn.Linear(2, 2))  # @set
        self.register_parameter("token", nn.Parameter(torch.ones(2)))  # @token
        for i in range(2):
            setattr(self, f"conv{i}", nn.Conv2d(1, 1, 1))  # @conv0 @conv1.weight
        if norm:
            self.norm = nn.LayerNorm(2)
        else:
            self.norm = nn.BatchNorm1d(2)  # @norm
        self.stage = nn.ModuleList()
        for _ in range(2):
            self.stage.append(nn.Linear(2, 2))  # @stage.0 @stage.2
            self.stage.append(nn.ReLU())  # @stage.1 @stage.3
        layers = []
        for _ in range(2):
            layers += [nn.Linear(2, 2)]  # @body.0 @body.2
            layers.append(nn.ReLU())  # @body.1
        self.body = nn.Sequential(*layers)  # @body
        self.head = Head()  # @head
        self.build()

    def build(self):
        self.late = nn.Linear(2, 2)  # @late

class Wide(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Linear(2, 2),  # @wide.0
            nn.ReLU(),  # @wide.1
        )

class Long(nn.ModuleList):
    def __init__(self):
        super().__init__()
        for _ in range(2):
            self.append(nn.Linear(2, 2))  # @long.1

class Outer(Net):
    def __init__(self):
        super().__init__()
        self.wide = Wide()  # @wide
        self.long = Long()
"""


def test_lines_that_the_classes_tell(load):
    module = load(PLAIN)
    network = module.Outer()
    marks = module.marks
    assert len(marks) > 40
    assert {path: find_source(network, path) for path in marks} == marks


def test_recording_agrees_with_the_classes(load):
    module = load(PLAIN)
    with recording_construction():
        network = module.Outer()
    assert {path: find_source(network, path) for path in module.marks} == module.marks


def test_an_inherited_part_stands_in_the_base_class(load):
    module = load(PLAIN)
    assert find_source(module.Outer(), "head.mlp") == module.marks["blocks.1.mlp"]


def test_a_packed_part_is_found_by_its_weight(load):
    module = load(PLAIN)
    found = find_source(module.Outer(), "blocks.0.attn.in_proj_weight[query]")
    assert found == module.marks["blocks.0.attn.in_proj_weight"]


FUNCTIONS = """
def layer(width):
    return nn.Linear(width, width)  # @1 @2.0

class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.setup()

    def setup(self):
        for name, kind in {"a": nn.Linear, "b": nn.Bilinear}.items():
            self._modules[name] = kind(*[2] * (2 if name == "a" else 3))  # @3.a @3.b

class Child(Own):
    def __init__(self):
        super().__init__()

class Takes(nn.Module):
    def __init__(self, part):
        super().__init__()
        self.part = part

def build():
    return nn.Sequential(
        nn.Linear(2, 2),  # @0 @0.weight
        layer(2),
        nn.Sequential(layer(2), nn.ReLU()),  # @2 @2.1
        Own(),  # @3
        nn.TransformerEncoderLayer(2, 1, 4),  # @4.linear1
        Child(),  # @5
        Takes(
            nn.Linear(2, 2)),  # @6.part
    )
"""


def test_functions_are_seen_while_recording(load):
    module = load(FUNCTIONS)
    with recording_construction():
        network = module.build()
    assert {path: find_source(network, path) for path in module.marks} == module.marks


def test_without_recording_a_function_leaves_no_trace(load):
    network = load(FUNCTIONS).build()
    assert find_source(network, "0") is None
    assert find_source(network, "6.part") is not None  # the class says which line keeps it
    assert find_source(network, "") is None


def test_a_library_counts_only_where_no_user_stands(load):
    library = load(
        """
        class Backbone(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(1, 1, 1)  # @conv
        """,
        "site-packages/library.py",
    )
    user = load(
        """
        class Net(nn.Module):
            def __init__(self, backbone):
                super().__init__()
                self.backbone = backbone()  # @backbone.conv
        """
    )
    assert find_source(library.Backbone(), "conv") == library.marks["conv"]
    assert find_source(user.Net(library.Backbone), "backbone.conv") == user.marks["backbone.conv"]


def test_a_file_elsewhere_is_shown_in_full(load, monkeypatch, tmp_path_factory):
    module = load(PLAIN)
    folder = Path.cwd()
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert find_source(module.Outer(), "wide") == str(folder.resolve() / module.marks["wide"])


def test_code_without_a_file_has_no_line():
    space = {"nn": nn, "__name__": "nowhere"}
    text = "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.a = nn.ReLU()"
    exec(text, space)  # noqa: S102
    with recording_construction():
        network = eval("Net()", space)  # noqa: S307
    assert find_source(space["Net"](), "a") is None
    assert find_source(network, "a") == f"{_shown(__file__)}:{_line_of('eval(')}"


@pytest.mark.parametrize("path", ["nothing", "a..b", "0.nothing.more", "...", "[x]"])
def test_never_raises(path):
    assert find_source(nn.Sequential(nn.ReLU()), path) is None
    assert find_source(None, path) is None


def test_a_broken_file_is_no_error(load, tmp_path):
    module = load(
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.a = nn.ReLU()"
    )
    (tmp_path / "net.py").write_text("def (")
    assert find_source(module.Net(), "a") is None


def test_parametrized_layers_keep_their_line(load):
    module = load(PLAIN)
    network = module.Outer()
    nn.utils.parametrizations.weight_norm(network.late)
    assert find_source(network, "late.parametrizations.weight.original0") == module.marks["late"]


def test_the_constructor_comes_back():
    before = nn.Module.__init__
    with recording_construction():
        assert nn.Module.__init__ is not before
        with pytest.raises(KeyError), recording_construction():
            raise KeyError
        assert nn.Module.__init__ is not before
    assert nn.Module.__init__ is before


def test_a_foreign_patch_is_left_in_place(monkeypatch):
    before = nn.Module.__init__
    monkeypatch.setattr(nn.Module, "__init__", before)
    with recording_construction():
        ours = nn.Module.__init__

        def patched(self, *args, **kwargs):
            ours(self, *args, **kwargs)

        nn.Module.__init__ = patched
    assert nn.Module.__init__ is patched
    assert find_source(nn.Linear(2, 2), "") is None


def test_threads_record_together():
    networks, before = [], nn.Module.__init__

    def build():
        for _ in range(50):
            with recording_construction():
                networks.append(nn.Linear(1, 1))  # @here

    threads = [threading.Thread(target=build) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {find_source(network, "") for network in networks} == {f"{_shown(__file__)}:{_line_of('# @here')}"}
    assert nn.Module.__init__ is before


def test_twenty_thousand_layers_take_a_moment(load):
    module = load(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.layers = nn.Sequential(*[nn.Identity() for _ in range(20_000)])  # @layers
        """
    )
    with recording_construction():
        networks = {"": nn.Sequential(*[nn.Identity() for _ in range(20_000)]), "layers.": module.Net()}
    networks["layers."].other = nn.ReLU()
    for prefix, network in networks.items():
        start = time.process_time()
        found = {find_source(network, f"{prefix}{index}") for index in range(20_000)}
        assert time.process_time() - start < 1.0  # 0.1 s alone on one core; an accidental square takes minutes
        assert len(found) == 1
        assert None not in found


def _shown(file):
    path = Path(file).resolve()
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _line_of(text):
    return next(n for n, line in enumerate(Path(__file__).read_text().splitlines(), 1) if text in line)
