"""Lightning under both of its names, and Fabric."""

import importlib
import math
from typing import ClassVar

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from justfit import integrations
from tests.unit.integrations.held_against import (
    assert_nothing_left,
    assert_same_run,
    assert_same_weights,
    assert_shows,
    assert_written,
)  # fmt: skip
from tests.unit.integrations.reference import (
    ACCUMULATED,
    BATCH,
    CLIP,
    EPOCHS,
    MOMENTUM,
    RATE,
    by_layer,
    make_data,
    make_network,
    train_plain,
)  # fmt: skip

HOSTS = [
    pytest.param(("lightning.pytorch", "LightningCallback", "lightning"), id="lightning"),
    pytest.param(("pytorch_lightning", "PytorchLightningCallback", "pytorch-lightning"), id="pytorch_lightning"),
]
NAMES = {"0": "net.0", "3": "net.3"}
pytestmark = pytest.mark.filterwarnings("ignore")


class Host:
    """One of the two packages, and a module of its kind."""

    def __init__(self, package, callback, extra):
        self.package = pytest.importorskip(package, reason=f"pip install 'justfit[{extra}]'")
        self.callback = getattr(integrations, callback)

        class Module(self.package.LightningModule):
            def __init__(self, dropout):
                super().__init__()
                self.net = make_network(dropout)

            def forward(self, x):
                return self.net(x)

            def training_step(self, batch, batch_idx):
                return nn.functional.mse_loss(self(batch[0]), batch[1])

            def validation_step(self, batch, batch_idx):
                self.log("val_loss", nn.functional.mse_loss(self(batch[0]), batch[1]), batch_size=len(batch[0]))

            def configure_optimizers(self):
                return torch.optim.SGD(self.net.parameters(), lr=RATE, momentum=MOMENTUM)

        self.module = Module

    def fit(self, folder, *callbacks, dropout=0.0, module=None, epochs=EPOCHS, seed=3, plugins=None, **options):
        module = module or self.module(dropout)
        torch.manual_seed(seed)
        trainer = self.package.Trainer(
            max_epochs=epochs, accelerator="cpu", accumulate_grad_batches=ACCUMULATED, gradient_clip_val=CLIP,
            logger=False, enable_checkpointing=options.pop("checkpoints", False), enable_progress_bar=False,
            enable_model_summary=False, default_root_dir=folder, callbacks=list(callbacks), plugins=plugins,
        )  # fmt: skip
        loaders = (DataLoader(TensorDataset(*make_data(seed)), batch_size=size) for seed, size in ((1, BATCH), (2, 24)))
        trainer.fit(module, *loaders, **options)
        return module, trainer


@pytest.fixture(params=HOSTS, scope="module")
def host(request):
    return Host(*request.param)


def test_weights_are_bit_identical_and_nothing_is_left(host, tmp_path):
    without, _ = host.fit(tmp_path, dropout=0.3)
    callback = host.callback(out=tmp_path / "watched", every=1)
    watched, trainer = host.fit(tmp_path, callback, dropout=0.3)
    assert_same_weights(watched, without)
    assert_nothing_left(watched, *trainer.optimizers)
    assert_written(tmp_path / "watched", callback.run.record)


def test_shows_what_the_plain_loop_does(host, tmp_path):
    callback = host.callback(every=1)
    watched, _ = host.fit(tmp_path, callback)
    trace = train_plain()
    assert_same_weights(watched, trace.network)
    assert_shows(callback.run.record, trace, names=NAMES)
    assert [frame.batch for frame in callback.run.record.frames] == [1, 3, 5] * EPOCHS


def test_one_random_number_would_be_noticed(host, tmp_path):
    class Draws(host.package.Callback):
        def on_train_batch_start(self, *_):
            torch.rand(1)

    without, _ = host.fit(tmp_path, dropout=0.3)
    other, _ = host.fit(tmp_path, Draws(), dropout=0.3)
    with pytest.raises(AssertionError):
        assert_same_weights(other, without)


def test_an_error_closes_the_watch(host, tmp_path):
    class Breaks(host.package.Callback):
        def on_train_batch_end(self, *_):
            raise ValueError("broken on purpose")

    callback = host.callback(out=tmp_path)
    module = host.module(0.0)
    with pytest.raises(ValueError, match="broken on purpose"):
        host.fit(tmp_path, callback, Breaks(), module=module)
    assert callback.run.record.finished
    assert callback.run.record.evidence.notes == ("The loop ended with ValueError: broken on purpose",)
    assert_nothing_left(module)
    again = host.callback(every=1)  # the loss of the batch that was never used is not counted for the next training
    host.fit(tmp_path, again)
    assert again.run.record.evidence.losses.mean == pytest.approx(train_plain().loss, rel=1e-6)


def test_goes_on_where_a_checkpoint_ended(host, tmp_path):
    class Saves(host.package.Callback):
        def on_train_epoch_end(self, trainer, module):
            trainer.save_checkpoint(tmp_path / "at.ckpt")

    whole = host.callback(every=1)
    host.fit(tmp_path, whole, epochs=2)
    host.fit(tmp_path, host.callback(every=1), Saves(), epochs=1)
    second = host.callback(every=1)
    host.fit(tmp_path, second, epochs=2, ckpt_path=tmp_path / "at.ckpt", weights_only=True)
    assert_same_run(second.run.record, whole.run.record)


def test_names_of_losses(host, tmp_path):
    callback = host.callback(train_loss="val_loss", validation_loss="nothing")
    with pytest.warns(UserWarning, match=r"A metric named `nothing` must be logged\. Found `val_loss`"):
        host.fit(tmp_path, callback, epochs=1)
    history = callback.run.record.evidence.history
    assert history.train_loss == pytest.approx([train_plain().validation_loss[0]], rel=1e-6)
    assert math.isnan(history.validation_loss[0])


def test_manual_optimization_with_two_optimizers(host, tmp_path):
    class Two(host.module):
        def __init__(self):
            super().__init__(0.0)
            self.automatic_optimization = False
            self.critic = nn.Linear(1, 1)

        def training_step(self, batch, batch_idx):
            for optimizer, sign in zip(self.optimizers(), (1, -1), strict=True):
                loss = sign * nn.functional.mse_loss(self.critic(self(batch[0])), batch[1])
                optimizer.zero_grad()
                self.manual_backward(loss)
                optimizer.step()

        def configure_optimizers(self):
            parts = (self.net, self.critic)
            return [torch.optim.SGD(part.parameters(), lr=0.01 * (n + 1)) for n, part in enumerate(parts)]

    callback = host.callback(every=1)
    trainer = host.package.Trainer(
        max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, default_root_dir=tmp_path, callbacks=[callback],
    )  # fmt: skip
    trainer.fit(Two(), DataLoader(TensorDataset(*make_data()), batch_size=BATCH))
    evidence = callback.run.record.evidence
    assert [(each.num_steps, each.learning_rate[0]) for each in evidence.optimizers] == [(6, 0.01), (6, 0.02)]
    assert {layer.name: layer.optimizer for layer in evidence.layers} == {"net.0": 0, "net.3": 0, "critic": 1}
    assert all(norm > 0 for layer in evidence.layers for norm in layer.update_norm)


def test_mixed_precision_is_seen_unscaled(host, tmp_path):
    """The scale begins at 65,536, too large for float16 with a loss of 10: the scaler skips steps until it fits."""
    plugins = importlib.import_module(f"{host.package.__name__}.plugins.precision")

    class Norms(host.package.Callback):
        seen: ClassVar = []

        def on_before_optimizer_step(self, trainer, module, optimizer):  # Lightning has unscaled, and clips after it
            self.seen.append(by_layer({name: p.grad for name, p in module.named_parameters()}))

    callback = host.callback(every=1)
    precision = plugins.MixedPrecision("16-mixed", "cpu")
    host.fit(tmp_path, callback, Norms(), plugins=[precision])
    evidence = callback.run.record.evidence
    taken = [step for step in Norms.seen if all(map(math.isfinite, step.values()))]
    num_skipped = len(Norms.seen) - len(taken)
    assert 0 < num_skipped < 4
    assert precision.scaler.get_scale() == 2 ** (16 - num_skipped)
    (optimizer,) = evidence.optimizers
    assert (optimizer.num_steps, optimizer.num_skipped) == (len(taken), num_skipped)
    for layer in evidence.layers:
        assert list(layer.gradient_norm) == pytest.approx([step[layer.name] for step in taken], rel=1e-6)
    norms = [math.hypot(*(layer.clipped_gradient_norm[n] for layer in evidence.layers)) for n in range(len(taken))]
    assert norms == pytest.approx([CLIP] * len(taken), rel=1e-4)
    assert evidence.losses.mean[0] == pytest.approx(train_plain().loss[num_skipped], rel=0.1)  # in float16
    assert evidence.first_failure is None
    assert "JF402" not in {finding.code for finding in callback.run.findings}


def test_stops_when_asked_to(host, tmp_path, monkeypatch):
    callback = host.callback(stop_when_overfitting=True)
    monkeypatch.setattr("justfit.watch.Run.end_epoch", lambda self, **losses: Stop())
    _, trainer = host.fit(tmp_path, callback, epochs=5)
    assert trainer.current_epoch == 1
    _, trainer = host.fit(tmp_path, host.callback(), epochs=3)
    assert trainer.current_epoch == 3


def test_stops_by_the_judge_s_own_advice(host, tmp_path):
    """The validation loss falls for 20 epochs and rises for good; nobody is asked but the judge."""

    class Overfits(host.module):
        def validation_step(self, batch, batch_idx):
            epoch = self.trainer.current_epoch
            self.log("val_loss", 1.0 / (1 + epoch) + max(0, epoch - 20) * 0.05, batch_size=len(batch[0]))

    callback = host.callback(stop_when_overfitting=True)
    _, trainer = host.fit(tmp_path, callback, module=Overfits(0.0), epochs=120)
    assert 20 < trainer.current_epoch < 60
    assert len(callback.run.history.epochs) == trainer.current_epoch


class Stop:
    """The advice to stop."""

    stop = True


# --- Fabric


def fit_fabric(folder, *callbacks, dropout=0.0, direct=None):
    fabric_package = importlib.import_module("lightning.fabric")
    torch.manual_seed(3)
    fabric = fabric_package.Fabric(accelerator="cpu", devices=1, callbacks=list(callbacks))
    network = make_network(dropout)
    optimizer = torch.optim.SGD(network.parameters(), lr=RATE, momentum=MOMENTUM)
    module, optimizer = fabric.setup(network, optimizer)
    loader = fabric.setup_dataloaders(DataLoader(TensorDataset(*make_data()), batch_size=BATCH))
    fabric.call("on_train_start", module=module, optimizer=optimizer)
    held_x, held_y = make_data(2)
    for _ in range(EPOCHS):
        for index, (x, y) in enumerate(loader):
            loss = nn.functional.mse_loss(module(x), y)
            fabric.backward(loss / ACCUMULATED)
            if (index + 1) % ACCUMULATED == 0:
                fabric.clip_gradients(module, optimizer, max_norm=CLIP)
                optimizer.step()
                optimizer.zero_grad()
        module.eval()
        with torch.no_grad():
            validation_loss = nn.functional.mse_loss(module(held_x), held_y)
        module.train()
        fabric.call("on_train_epoch_end", validation_loss=validation_loss)
    fabric.call("on_train_end")
    return module, optimizer


def test_fabric_weights_are_bit_identical_and_nothing_is_left(tmp_path):
    pytest.importorskip("lightning.fabric", reason="pip install 'justfit[lightning]'")
    without, _ = fit_fabric(tmp_path, dropout=0.3)
    callback = integrations.FabricCallback(out=tmp_path / "watched", every=1)
    watched, optimizer = fit_fabric(tmp_path, callback, dropout=0.3)
    assert_same_weights(watched, without)
    assert_nothing_left(watched, optimizer.optimizer)
    assert_written(tmp_path / "watched", callback.run.record)


def test_fabric_shows_what_the_plain_loop_does(tmp_path):
    pytest.importorskip("lightning.fabric", reason="pip install 'justfit[lightning]'")
    callback = integrations.FabricCallback(every=1, micro_batch_losses="sum")
    watched, _ = fit_fabric(tmp_path, callback)
    trace = train_plain()
    assert_same_weights(watched, trace.network)
    assert_shows(callback.run.record, trace, names={"0": "0", "3": "3"})


def test_fabric_goes_on_and_stops_when_asked_to(tmp_path, monkeypatch):
    pytest.importorskip("lightning.fabric", reason="pip install 'justfit[lightning]'")
    first, second = (integrations.FabricCallback(every=1, stop_when_overfitting=True) for _ in range(2))
    fit_fabric(tmp_path, first)
    second.load_state_dict(first.state_dict())
    fit_fabric(tmp_path, second)
    assert second.run.record.evidence.history.epochs == (1, 2, 3, 4)
    assert not second.should_stop
    monkeypatch.setattr("justfit.watch.Run.end_epoch", lambda self, **losses: Stop())
    fit_fabric(tmp_path, second)
    assert second.should_stop


def test_the_scaler_of_fabric_is_found():
    fabric_package = pytest.importorskip("lightning.fabric", reason="pip install 'justfit[lightning]'")
    precision = importlib.import_module("lightning.fabric.plugins.precision").MixedPrecision(
        "16-mixed", "cpu", scaler=torch.amp.GradScaler("cpu", init_scale=1024.0)
    )
    fabric = fabric_package.Fabric(accelerator="cpu", devices=1, plugins=[precision])
    module, optimizer = fabric.setup(network := make_network(), torch.optim.SGD(network.parameters(), lr=RATE))
    x, y = make_data()
    callback = integrations.FabricCallback(every=1)
    callback.on_train_start(module, optimizer)
    loss = nn.functional.mse_loss(module(x), y)
    fabric.backward(loss)
    optimizer.step()
    expected = by_layer({name: p.grad for name, p in network.named_parameters()})  # the step has unscaled them
    callback.on_train_end()
    evidence = callback.run.record.evidence
    assert evidence.losses.mean == pytest.approx([loss.item()], rel=1e-6)
    assert {layer.name: layer.gradient_norm[0] for layer in evidence.layers} == pytest.approx(expected, rel=1e-6)
    assert {layer.name: layer.clipped_gradient_norm[0] for layer in evidence.layers} == pytest.approx(
        expected, rel=1e-6
    )
