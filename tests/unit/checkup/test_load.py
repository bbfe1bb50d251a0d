"""From a name to a network and its batch."""

import sys

import pytest
import torch
from torch import nn
from torch.nn import functional

from justfit.checkup import load_subject
from justfit.errors import ArgumentError

NETS = """
import sys, torch
from torch import nn

class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.first = nn.Linear(5, width)
        self.norm = nn.BatchNorm1d(width)
        self.head = nn.Linear(width, 3)
    def forward(self, x, scale=None):
        return self.head(torch.relu(self.norm(self.first(x))))

ready = Net()

def build():
    return Net()

def build_wide(width):
    return Net(width)

def with_inputs():
    return Net(), torch.ones(4, 5)

def with_loss():
    return Net(), (torch.ones(4, 5),), torch.zeros(4, 3), loss

def loss(output, targets):
    return (output - targets).square().sum()

def as_dict():
    return {"module": Net(), "inputs": {"x": torch.ones(4, 5)}, "loss_fn": loss, "targets": torch.zeros(4, 3)}

def tokens():
    return nn.Sequential(nn.Embedding(7, 5), nn.Linear(5, 7))

def images():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())

def lazy():
    return nn.LazyLinear(4)

def broken():
    width = 3
    return nn.Linear(width, "4")

def leaving():
    sys.exit("no data here")

def number():
    return 3

def wrong_pair():
    return Net(), 1, 2, 3, 4

def wrong_keys():
    return {"module": Net(), "input": torch.ones(4, 5)}

parameterless = nn.ReLU()
"""


@pytest.fixture(autouse=True)
def nets(tmp_path, monkeypatch):
    """A working directory with a file of networks; what is imported from it is forgotten."""
    (tmp_path / "some_nets.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]


@pytest.mark.parametrize("where", ["some_nets", "some_nets.py", "./some_nets.py"])
@pytest.mark.parametrize("what", ["ready", "Net", "build", "with_inputs", "with_loss", "as_dict"])
def test_every_form_of_a_network_is_understood(where, what):
    subject = load_subject(f"{where}:{what}")
    assert type(subject.module).__name__ == "Net"
    assert subject.rehearse().shape == ((64, 3) if what in ("ready", "Net", "build") else (4, 3))


def test_targets_and_loss_come_along():
    subject = load_subject("some_nets:with_loss")
    assert subject.targets.shape == (4, 3)
    assert subject.loss_fn.__name__ == "loss"
    assert load_subject("some_nets:as_dict").inputs.keyword["x"].shape == (4, 5)


def test_same_seed_same_network_and_inputs():
    one, same, other = (load_subject("some_nets:build", seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one.module.first.weight, same.module.first.weight)
    assert torch.equal(one.inputs.positional[0], same.inputs.positional[0])
    assert not torch.equal(one.module.first.weight, other.module.first.weight)
    assert not torch.equal(one.inputs.positional[0], other.inputs.positional[0])


def test_build_gives_a_fresh_network_and_a_ready_one_is_its_own():
    subject = load_subject("some_nets:with_loss")
    fresh = subject.build()
    assert isinstance(fresh, nn.Module)
    assert fresh is not subject.module
    ready = load_subject("some_nets:ready")
    assert ready.build is ready.module


def test_a_rehearsal_leaves_the_network_as_it_was():
    subject = load_subject("some_nets:build")
    subject.rehearse()
    assert int(subject.module.norm.num_batches_tracked) == 0


def test_shapes_replace_the_inputs_of_the_builder():
    subject = load_subject("some_nets:with_loss", inputs=["9,5"])
    assert subject.inputs.positional[0].shape == (9, 5)
    assert subject.targets is None
    assert subject.loss_fn is None


def test_several_inputs_keywords_and_whole_numbers():
    inputs = load_subject("some_nets:Net", inputs=["9,5", "9,2:int4", "scale=9"], batch_size=6).inputs
    first, second = inputs.positional
    assert first.shape == (6, 5)
    assert second.dtype == torch.int64
    assert second.shape == (6, 2)
    assert int(second.max()) < 4
    assert inputs.keyword["scale"].shape == (6,)
    assert inputs.words == "float32 of shape (6, 5), int64 of shape (6, 2), scale=float32 of shape (6,)"


def test_inputs_have_the_type_of_the_weights(nets):
    (nets / "double.py").write_text("from torch import nn\nnet = nn.Linear(3, 2).double()\n")
    assert load_subject("double:net").inputs.positional[0].dtype == torch.float64


@pytest.mark.parametrize(
    ("what", "specs", "shape"), [("build", [], (64,)), ("tokens", [], (64, 16)), ("images", ["2,3,5,6"], (2, 3, 4))]
)
def test_labels_have_the_shape_that_the_output_asks_for(what, specs, shape):
    num_classes = {"build": 3, "tokens": 7, "images": 4}[what]
    subject = load_subject(f"some_nets:{what}", inputs=specs, num_classes=num_classes)
    assert subject.targets.shape == shape
    assert set(subject.targets.unique().tolist()) == set(range(num_classes))
    output = subject.rehearse()
    expected = functional.cross_entropy(output.movedim(-1, 1) if what == "tokens" else output, subject.targets)
    torch.testing.assert_close(subject.loss_fn(output, subject.targets), expected)


def test_the_builders_loss_is_kept_with_drawn_labels():
    assert load_subject("some_nets:with_loss", num_classes=3).loss_fn.__name__ == "loss"


def test_a_file_inside_a_package_may_import_relatively(nets):
    package = nets / "box" / "inner"
    package.mkdir(parents=True)
    (nets / "box" / "__init__.py").write_text("")
    (package / "__init__.py").write_text("from torch import nn\nwidth = 4\n")
    (package / "net.py").write_text("from . import nn, width\nmake = lambda: nn.Linear(width, 2)\n")
    assert load_subject("box/inner/net.py:make").module.in_features == 4


def test_a_file_may_have_the_name_of_a_module_of_python(nets):
    (nets / "random.py").write_text("from torch import nn\nnet = nn.Linear(6, 2)\n")
    assert load_subject("random.py:net").module.in_features == 6


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("some_nets", r"named as `package.module:name` or `path/to/file.py:name`. Found `some_nets`"),
        ("some_nets:", r"Found `some_nets:`"),
        ("some_net:build", r"Found no module `some_net`. Did you mean `some_nets`\?"),
        ("far_away:build", r"Found no module `far_away`. Name a file instead"),
        ("torch.nothing:build", r"Found no module `torch.nothing`"),
        ("some_net.py:build", r"Found no file `some_net.py`. Did you mean `some_nets.py`\?"),
        ("elsewhere/x.py:build", r"Found no file `elsewhere/x.py`. Check the path"),
        ("some_nets:biuld", r"Found no `biuld`. Did you mean `build`\?"),
        ("some_nets:zzz", r"Found no `zzz`. It defines `Net`, `ready`, `build`"),
        ("some_nets:build_wide", r"callable without arguments. Found `build_wide\(width\)`. Write a function"),
        ("some_nets:broken", r"`some_nets:broken` must return a network. Found `TypeError: .*` at some_nets.py:\d+"),
        ("some_nets:leaving", r"Found `SystemExit: no data here` at some_nets.py:\d+"),
        ("some_nets:number", r"or a dict with these keys. Found a value of type int. Targets"),
        ("some_nets:wrong_pair", r"Found a value of type tuple, in a tuple of 5"),
        ("some_nets:wrong_keys", r"Found a value of type dict, in a dict of 2 with the keys module, input"),
        ("some_nets:images", r"the first layer is of type Conv2d, .* `--input 64,3,32,32`"),
        ("some_nets:lazy", r"the first layer is of type LazyLinear"),
        ("some_nets:parameterless", r"the first layer is none with weights"),
    ],
)
def test_a_name_that_leads_nowhere_says_where_to_go(name, message):
    with pytest.raises(ArgumentError, match=message):
        load_subject(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = (\n", r"Found `SyntaxError: '\(' was never closed` at faulty.py:1"),
        ("y = 1\nimport not_installed_here\n", r"No module named 'not_installed_here'` at faulty.py:2"),
        ("def f():\n    return [][1]\n\nf()\n", r"Found `IndexError: list index out of range` at faulty.py:2"),
        ("raise SystemExit\n", r"Found `SystemExit` at faulty.py:1"),
    ],
)
@pytest.mark.parametrize("where", ["faulty", "faulty.py"])
def test_a_module_that_cannot_be_imported_shows_the_users_line(nets, where, text, message):
    (nets / "faulty.py").write_text(text)
    with pytest.raises(ArgumentError, match=message) as raised:
        load_subject(f"{where}:build")
    assert f"`{where}` must be importable" in str(raised.value)
    assert raised.value.__cause__ is not None


@pytest.mark.parametrize("text", ["", "64,", "0,3", "64;3", "64,3:float", "64,3:int0", "2x=64,3"])
def test_a_shape_must_be_one(text):
    with pytest.raises(ArgumentError, match="An input must be a shape such as `64,3,32,32`"):
        load_subject("some_nets:build", inputs=[text])


def test_options_that_exclude_each_other():
    with pytest.raises(ArgumentError, match=r"both the shape `4,5` and the file `rows.csv`"):
        load_subject("some_nets:build", inputs=["4,5"], data="rows.csv")
    with pytest.raises(ArgumentError, match="`--target y` without `--data`"):
        load_subject("some_nets:build", target_column="y")


def test_inputs_that_do_not_fit_are_said_with_their_shape():
    subject = load_subject("some_nets:build", inputs=["4,6"])
    with pytest.raises(
        ArgumentError, match=r"inputs, float32 of shape \(4, 6\). Found `RuntimeError: .*` at some_nets.py:\d+."
    ):
        subject.rehearse()


def test_a_loss_that_raises_is_the_users(nets):
    with (nets / "some_nets.py").open("a") as file:
        file.write("\ndef bad_loss():\n    return Net(), torch.ones(4, 5), 1, lambda output, targets: targets.mean()\n")
    subject = load_subject("some_nets.py:bad_loss")
    with pytest.raises(ArgumentError, match=r"The loss must be computable .*AttributeError: .* at some_nets.py:\d+"):
        subject.rehearse()


def test_classes_must_be_in_the_output():
    with pytest.raises(ArgumentError, match=r"`--classes 5` and an output of shape \(64, 3\)"):
        load_subject("some_nets:build", num_classes=5)


def test_a_loss_of_the_output_alone_is_kept_with_the_builders_inputs(nets):
    with (nets / "some_nets.py").open("a") as file:
        file.write("\ndef energy():\n    return {'module': Net(), 'inputs': torch.ones(4, 5), 'loss_fn': torch.sum}\n")
    subject = load_subject("some_nets.py:energy")
    assert subject.loss_fn is torch.sum
    assert subject.rehearse().shape == (4, 3)
