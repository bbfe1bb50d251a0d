"""A host that is not installed, and what is loaded when."""

import subprocess
import sys

import pytest
import torch

from justfit import integrations
from justfit.errors import MissingExtraError
from justfit.integrations._host import import_host
from justfit.integrations._session import Session

HOSTS = {
    "HuggingFaceCallback": ("transformers", "huggingface"),
    "KerasCallback": ("keras", "keras"),
    "LightningCallback": ("lightning", "lightning"),
    "PytorchLightningCallback": ("pytorch_lightning", "pytorch-lightning"),
    "SkorchCallback": ("skorch", "skorch"),
}


@pytest.mark.parametrize(("callback", "package", "extra"), [(c, *rest) for c, rest in HOSTS.items()])
def test_a_missing_host_names_its_extra(monkeypatch, callback, package, extra):
    monkeypatch.delitem(vars(integrations), callback, raising=False)
    for module in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)  # what Python does for a package that is not there
    with pytest.raises(
        MissingExtraError,
        match=rf"^The package `{package}` must be installed\. Found no module `{package}[\w.]*`\. "
        rf"Install it with `pip install 'justfit\[{extra}\]'`\.$",
    ):
        getattr(integrations, callback)


def test_a_host_that_lacks_something_itself_says_so(monkeypatch, tmp_path):
    (tmp_path / "half_a_host.py").write_text("import a_package_that_is_not_there\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="No module named 'a_package_that_is_not_there'") as raised:
        import_host("half_a_host", extra="half")
    assert not isinstance(raised.value, MissingExtraError)


def test_every_name_is_there_and_no_other():
    assert set(HOSTS) < set(integrations.__all__) <= set(dir(integrations))
    with pytest.raises(AttributeError, match=r"module 'justfit\.integrations' has no attribute 'TheanoCallback'"):
        _ = integrations.TheanoCallback


def test_no_host_is_loaded_before_it_is_asked_for():
    script = (
        "import sys, justfit.integrations as room\nroom.JsonLinesSink, room.FabricCallback, dir(room)\n"
        "print({'transformers', 'keras', 'lightning', 'pytorch_lightning', 'skorch', 'wandb', 'mlflow', 'tensorboard'}"
        " & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize(("train_loss", "mode"), [(None, True), (0.5, None)])
def test_a_mean_over_steps_is_told_as_one(train_loss, mode):
    network = torch.nn.Linear(2, 1)
    session = Session({"live": False}, stop_when_overfitting=False)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    run = session.open(network, optimizer)
    network(torch.ones(3, 2)).square().mean().backward()
    optimizer.step()
    session.end_epoch(train_loss=train_loss, validation_loss=1.0)
    session.close()
    assert run.history.train_mode is mode
    assert run.history.train_loss[0] > 0
