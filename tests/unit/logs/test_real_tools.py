"""Logs that the real packages have just written: two or three epochs of a tiny network in each."""

import csv
import json
import logging
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from justfit.errors import LogFormatError
from justfit.logs import read_histories, read_history

ROWS, FEATURES, EPOCHS = 32, 4, 3


@pytest.fixture
def rows():
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(ROWS, FEATURES, generator=generator)
    return inputs, inputs.sum(1, keepdim=True)


@pytest.fixture
def loader(rows):
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*rows), batch_size=8)


@pytest.mark.parametrize("package", ["lightning.pytorch", "pytorch_lightning"])
@pytest.mark.filterwarnings("ignore")
def test_lightning(package, tmp_path, loader):
    lightning = pytest.importorskip(package)
    loggers = pytest.importorskip(f"{package}.loggers")
    told = []

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(FEATURES, 1)

        def training_step(self, batch, _):
            loss = nn.functional.mse_loss(self.layer(batch[0]), batch[1])
            self.log("train_loss", loss, on_step=True, on_epoch=True)
            return loss

        def validation_step(self, batch, _):
            self.log("val_loss", nn.functional.mse_loss(self.layer(batch[0]), batch[1]))

        def on_train_epoch_end(self):
            told.append(float(self.trainer.callback_metrics["val_loss"]))

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.05)

    trainer = lightning.Trainer(
        max_epochs=EPOCHS, logger=[loggers.CSVLogger(tmp_path / "csv"), loggers.TensorBoardLogger(tmp_path / "board")],
        log_every_n_steps=1, enable_progress_bar=False, enable_model_summary=False, accelerator="cpu",
        enable_checkpointing=False, num_sanity_val_steps=0,
    )  # fmt: skip
    trainer.fit(Module(), loader, loader)
    for folder, kind in (("csv", "Lightning CSVLogger (csv)"), ("board", "TensorBoard scalars (event files)")):
        history = read_history(tmp_path / folder)
        assert history.kind == kind
        assert history.epochs == (0, 1, 2)
        assert (history.train_name, history.validation_name) == ("train_loss_epoch", "val_loss")
        np.testing.assert_allclose(history.validation_loss, told, rtol=1e-5)
        by_steps = read_history(tmp_path / folder, train="train_loss_step")
        np.testing.assert_allclose(by_steps.train_loss, history.train_loss, rtol=1e-4)


@pytest.mark.filterwarnings("ignore")
def test_hugging_face(tmp_path, rows):
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(FEATURES, 1)

        def forward(self, inputs, labels=None):
            out = self.layer(inputs)
            return {"loss": nn.functional.mse_loss(out, labels), "logits": out}

    dataset = [{"inputs": x, "labels": y} for x, y in zip(*rows, strict=True)]
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path / "out"), num_train_epochs=EPOCHS, per_device_train_batch_size=8, eval_strategy="epoch",
        logging_steps=1, save_strategy="epoch", report_to="none", use_cpu=True, learning_rate=0.05, disable_tqdm=True,
    )  # fmt: skip
    trainer = transformers.Trainer(Network(), arguments, train_dataset=dataset, eval_dataset=dataset)
    trainer.train()
    told = [entry["eval_loss"] for entry in trainer.state.log_history if "eval_loss" in entry]
    for place in (tmp_path / "out", next((tmp_path / "out").glob("checkpoint-12"))):
        history = read_history(place)
        assert (history.kind, history.epochs) == ("Hugging Face trainer state (json)", (1, 2, 3))
        np.testing.assert_allclose(history.validation_loss, told)
    steps = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    np.testing.assert_allclose(history.train_loss, np.reshape(steps, (EPOCHS, -1)).mean(1))


@pytest.mark.filterwarnings("ignore")
def test_keras(tmp_path, rows, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    inputs, targets = (tensor.numpy() for tensor in rows)
    network = keras.Sequential([keras.layers.Dense(1)])
    network.compile(optimizer="sgd", loss="mse", metrics=["mae"])
    kept = network.fit(
        inputs, targets, validation_data=(inputs, targets), epochs=EPOCHS, batch_size=8, verbose=0,
        callbacks=[keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))],
    )  # fmt: skip
    (tmp_path / "history.json").write_text(json.dumps(kept.history))
    for name, epochs in (("log.csv", (0, 1, 2)), ("history.json", (1, 2, 3))):
        history = read_history(tmp_path / name)
        assert history.epochs == epochs
        assert history.train_mode is True
        assert history.kind.startswith("Keras history")
        np.testing.assert_allclose(history.train_loss, kept.history["loss"])
        np.testing.assert_allclose(history.validation_loss, kept.history["val_loss"])


def test_skorch(tmp_path, rows):
    skorch = pytest.importorskip("skorch")
    net = skorch.NeuralNetRegressor(nn.Linear(FEATURES, 1), max_epochs=EPOCHS, batch_size=8, verbose=0)
    net.fit(rows[0], rows[1])
    net.history.to_file(str(tmp_path / "history.json"))
    history = read_history(tmp_path)
    assert (history.kind, history.epochs) == ("skorch history (json)", (1, 2, 3))
    np.testing.assert_allclose(history.train_loss, net.history[:, "train_loss"])
    np.testing.assert_allclose(history.validation_loss, net.history[:, "valid_loss"])


def test_tensorboard_of_torch(tmp_path):
    tensorboard = pytest.importorskip("torch.utils.tensorboard")
    with tensorboard.SummaryWriter(tmp_path / "plain") as writer:
        for step in range(5):
            writer.add_scalar("Loss/train", 1.0 / (step + 1), step)
            writer.add_scalar("Loss/test", 2.0 / (step + 1), step)
            writer.add_histogram("weights", np.arange(10.0), step)
    history = read_history(tmp_path / "plain")
    assert (history.train_name, history.validation_name, history.epoch_name) == ("Loss/train", "Loss/test", "step")
    np.testing.assert_allclose(history.validation_loss, [2.0 / (step + 1) for step in range(5)], rtol=1e-6)
    assert read_history(next((tmp_path / "plain").iterdir())).epochs == history.epochs  # one file of it

    with tensorboard.SummaryWriter(tmp_path / "together") as writer:
        for step in range(5):
            writer.add_scalars("loss", {"train": 1.0 / (step + 1), "val": 2.0 / (step + 1)}, step)
    history = read_history(tmp_path / "together")
    assert (history.train_name, history.validation_name) == ("loss_train/loss", "loss_val/loss")
    found = read_histories(tmp_path)
    assert [history.source for history in found] == [f"{tmp_path}: plain", f"{tmp_path}: together"]


def test_tensorboard_of_tensorflow(tmp_path, monkeypatch):
    """TensorFlow 2 writes scalars as tensors, in folders train and validation; its own writer classes are not here."""
    writers = pytest.importorskip("tensorboard.summary.writer.event_file_writer")
    from tensorboard.compat.proto import event_pb2
    from tensorboard.plugins.scalar.summary_v2 import scalar_pb

    for name, scale in (("train", 1.0), ("validation", 2.0)):
        writer = writers.EventFileWriter(str(tmp_path / name))
        for step in range(4):
            summary = scalar_pb("epoch_loss", scale / (step + 1))
            writer.add_event(event_pb2.Event(summary=summary, step=step, wall_time=step))
        writer.close()
    logger = logging.getLogger("tensorboard")
    monkeypatch.setattr(logger, "level", logging.INFO)
    history = read_history(tmp_path)
    assert logger.level == logging.INFO  # it is the program's
    assert (history.train_name, history.validation_name) == ("train/epoch_loss", "validation/epoch_loss")
    np.testing.assert_allclose(history.validation_loss, [2.0 / (step + 1) for step in range(4)], rtol=1e-6)


def test_event_files_that_were_cut_short(tmp_path):
    tensorboard = pytest.importorskip("torch.utils.tensorboard")
    with tensorboard.SummaryWriter(tmp_path) as writer:
        for step in range(50):
            writer.add_scalar("train_loss", 1.0, step)
            writer.add_scalar("val_loss", 1.0, step)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2 + 3])
    assert 10 < len(read_history(tmp_path).epochs) < 50
    path.write_bytes(whole[:40])
    with pytest.raises(LogFormatError, match=r"Event files must hold scalars\. Found none in"):
        read_history(tmp_path)


def test_mlflow(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = mlflow.MlflowClient(tracking_uri=(tmp_path / "mlruns").as_uri())
        run = client.create_run(client.create_experiment("e"))
        for epoch in range(EPOCHS):
            client.log_metric(run.info.run_id, "train_loss", 1.0 / (epoch + 1), step=epoch)
            client.log_metric(run.info.run_id, "val/loss", 2.0 / (epoch + 1), step=epoch)
        kept = client.get_metric_history(run.info.run_id, "val/loss")
    history = read_history(tmp_path / "mlruns")
    assert history.validation_name == "val/loss"
    np.testing.assert_allclose(history.validation_loss, [metric.value for metric in kept])
    with (tmp_path / "export.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("run_id", "key", "value", "step", "timestamp"))
        for key in ("train_loss", "val/loss"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                metrics = client.get_metric_history(run.info.run_id, key)
            writer.writerows((run.info.run_id, m.key, m.value, m.step, m.timestamp) for m in metrics)
    assert read_history(tmp_path / "export.csv").validation_loss == history.validation_loss


def test_a_watched_run(tmp_path, rows):
    import justfit

    network = nn.Sequential(nn.Linear(FEATURES, 8), nn.ReLU(), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(network.parameters(), 0.05)
    with justfit.watch(network, optimizer, out=tmp_path) as run:
        for _ in range(6):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(network(rows[0]), rows[1])
            loss.backward()
            optimizer.step()
            run.end_epoch(train_loss=loss.item(), validation_loss=1.1 * loss.item())
    history = read_history(tmp_path)
    assert history.epochs == run.history.epochs
    np.testing.assert_allclose(history.validation_loss, run.history.validation_loss)


@pytest.mark.slow
def test_wandb(tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    run = wandb.init(project="p", dir=str(tmp_path), settings=wandb.Settings(x_disable_stats=True))
    run.log({"train_loss": 1.0, "val_loss": 2.0})
    run.finish()
    (path,) = tmp_path.rglob("*.wandb")
    with pytest.raises(LogFormatError, match=r"Found a W&B run that was not yet uploaded in .*Run `wandb sync`"):
        read_history(path)
