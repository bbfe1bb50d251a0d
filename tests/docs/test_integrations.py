"""What docs/integrations.md shows is run, in each host."""

import importlib.util
import re
from pathlib import Path

import pytest
import torch
from torch import nn

import justfit
from justfit import integrations
from justfit.rules import RULES
from tests.unit.integrations.reference import make_data, make_network

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "integrations.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"## ([^\n]+)\n\n```python\n(.*?)```", TEXT, re.DOTALL))
pytestmark = pytest.mark.filterwarnings("ignore")


def needs(package, extra):
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"pip install 'justfit[{extra}]'")


def train(module, optimizer, backward=torch.Tensor.backward):
    x, y = make_data()
    for _ in range(3):
        optimizer.zero_grad()
        backward(nn.functional.mse_loss(module(x), y))
        optimizer.step()


def plain():
    module = make_network()
    return {
        "justfit": justfit,
        "module": module,
        "optimizer": torch.optim.SGD(module.parameters(), lr=0.01),
        "train": train,
    }


def lightning():
    needs("lightning", "lightning")
    from lightning.pytorch import LightningModule, Trainer
    from torch.utils.data import DataLoader, TensorDataset

    class Module(LightningModule):
        def __init__(self):
            super().__init__()
            self.net = make_network()

        def training_step(self, batch, _index):
            return nn.functional.mse_loss(self.net(batch[0]), batch[1])

        def validation_step(self, batch, _index):
            self.log("val_loss", nn.functional.mse_loss(self.net(batch[0]), batch[1]))

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.01)

    loaders = [DataLoader(TensorDataset(*make_data(seed)), batch_size=8) for seed in (1, 2)]
    return {
        "LightningCallback": integrations.LightningCallback,
        "Trainer": Trainer,
        "module": Module(),
        "train_loader": loaders[0],
        "validation_loader": loaders[1],
    }


def fabric():
    needs("lightning", "lightning")
    from lightning.fabric import Fabric

    return {**plain(), "Fabric": Fabric}


def hugging_face():
    needs("transformers", "huggingface")
    from transformers import Trainer, TrainingArguments

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = make_network()

        def forward(self, x, labels):
            return {"loss": nn.functional.mse_loss(self.net(x), labels)}

    arguments = TrainingArguments(
        "trained", use_cpu=True, report_to=[], disable_tqdm=True, num_train_epochs=2, eval_strategy="epoch",
        save_strategy="no", remove_unused_columns=False,
    )  # fmt: skip
    rows = [[{"x": x, "labels": y} for x, y in zip(*make_data(seed), strict=True)] for seed in (1, 2)]
    return {
        "HuggingFaceCallback": integrations.HuggingFaceCallback,
        "Trainer": Trainer,
        "model": Model(),
        "arguments": arguments,
        "rows": rows[0],
        "held_out": rows[1],
    }


def skorch():
    needs("skorch", "skorch")
    from skorch import NeuralNetRegressor

    x, y = make_data()
    return {
        "SkorchCallback": integrations.SkorchCallback,
        "NeuralNetRegressor": NeuralNetRegressor,
        "module": make_network(),
        "x": x,
        "y": y,
    }


def accelerate():
    needs("accelerate", "accelerate")
    from accelerate import Accelerator

    return {**plain(), "Accelerator": Accelerator}


def sinks():
    needs("tensorboard", "tensorboard")
    return {**plain(), "JsonLinesSink": integrations.JsonLinesSink, "TensorBoardSink": integrations.TensorBoardSink}


HOSTS = {
    "A plain loop": plain,
    "Lightning": lightning,
    "Fabric": fabric,
    "Hugging Face": hugging_face,
    "skorch": skorch,
    "Accelerate": accelerate,
    "Where the numbers go": sinks,
}


def test_every_block_is_run():
    assert set(BLOCKS) == {*HOSTS, "Keras"}  # Keras runs in a process of its own: tests/unit/integrations/test_keras.py
    assert TEXT.count("```python") == len(BLOCKS)


@pytest.mark.parametrize("host", HOSTS)
def test_the_example_of(host, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = HOSTS[host]()
    exec(compile(BLOCKS[host], "integrations.md", "exec"), names)  # noqa: S102 - the page is ours
    callback = names.get("callback")
    run = names["run"] if callback is None else getattr(callback, "run", None) or callback.run_
    assert run.record.finished
    assert run.record.evidence.optimizers[0].num_steps >= 2
    if host == "Where the numbers go":
        assert Path("watched.jsonl").read_text(encoding="utf-8")
        assert list(Path("runs").glob("events*"))
    else:
        assert Path("watched/record.json").is_file()


def test_links_lead_somewhere():
    for page in ("integrations.md", "migrate-from-sagemaker-debugger.md"):
        for link in re.findall(r"\]\(([^)#]+)\)", (ROOT / "docs" / page).read_text(encoding="utf-8")):
            rule = re.fullmatch(r"rules/(JF\d+)\.md", link)  # tests/docs/test_rules.py has every rule's page written
            assert rule[1] in RULES if rule else (ROOT / "docs" / link).exists(), link
