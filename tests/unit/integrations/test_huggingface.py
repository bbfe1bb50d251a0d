"""The Trainer of transformers, and Accelerate."""

import math

import pytest
import torch
from torch import nn

import justfit
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
    NUM_EXAMPLES,
    RATE,
    STEPS,
    by_layer,
    make_data,
    make_network,
    train_plain,
)  # fmt: skip

pytestmark = pytest.mark.filterwarnings("ignore")
NAMES = {"0": "net.0", "3": "net.3"}


class Model(nn.Module):
    """A model as the Trainer wants it."""

    def __init__(self, dropout=0.0):
        super().__init__()
        self.net = make_network(dropout)

    def forward(self, x, labels):
        output = self.net(x)
        return {"loss": nn.functional.mse_loss(output, labels), "logits": output}


def rows(seed):
    return [{"x": x, "labels": y} for x, y in zip(*make_data(seed), strict=True)]


@pytest.fixture(scope="module")
def transformers():
    pytest.importorskip("accelerate", reason="pip install 'justfit[huggingface]'")
    return pytest.importorskip("transformers", reason="pip install 'justfit[huggingface]'")


def train(transformers, folder, *callbacks, model=None, epochs=EPOCHS, resume=None, **options):
    model = model or Model()
    evaluation = options.pop("eval_dataset", rows(2))
    arguments = transformers.TrainingArguments(
        output_dir=str(folder / "trainer"), use_cpu=True, per_device_train_batch_size=BATCH,
        per_device_eval_batch_size=NUM_EXAMPLES, gradient_accumulation_steps=ACCUMULATED, max_grad_norm=CLIP,
        num_train_epochs=epochs, report_to=[], disable_tqdm=True, seed=3, remove_unused_columns=False,
        lr_scheduler_type="constant", train_sampling_strategy="sequential",
        **{"eval_strategy": "epoch", "save_strategy": "no", "logging_steps": 1, **options},
    )  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM)
    trainer = transformers.Trainer(
        model=model, args=arguments, train_dataset=rows(1), eval_dataset=evaluation, callbacks=list(callbacks),
        optimizers=(optimizer, None),
    )  # fmt: skip
    trainer.train(resume_from_checkpoint=resume)
    return model, optimizer, trainer


def test_weights_are_bit_identical_and_nothing_is_left(transformers, tmp_path):
    without, _, _ = train(transformers, tmp_path, model=Model(0.3))
    callback = integrations.HuggingFaceCallback(out=tmp_path / "watched", every=1)
    watched, optimizer, _ = train(transformers, tmp_path, callback, model=Model(0.3))
    assert_same_weights(watched, without)
    assert_nothing_left(watched, optimizer)
    assert_written(tmp_path / "watched", callback.run.record)


def test_shows_what_the_plain_loop_does(transformers, tmp_path):
    callback = integrations.HuggingFaceCallback(every=1)
    watched, _, trainer = train(transformers, tmp_path, callback)
    trace = train_plain()
    assert_same_weights(watched, trace.network)
    record = callback.run.record
    assert_shows(record, trace, names=NAMES)
    logged = [row["grad_norm"] for row in trainer.state.log_history if "grad_norm" in row]  # as the Trainer saw it
    seen = [math.hypot(*(layer.gradient_norm[step] for layer in record.evidence.layers)) for step in range(STEPS)]
    assert seen == pytest.approx(logged, rel=1e-6)


def test_goes_on_where_a_checkpoint_ended(transformers, tmp_path):
    whole = integrations.HuggingFaceCallback(every=1)
    train(transformers, tmp_path / "whole", whole)
    train(transformers, tmp_path, integrations.HuggingFaceCallback(every=1), epochs=1, save_strategy="epoch")
    second = integrations.HuggingFaceCallback(every=1)
    train(transformers, tmp_path, second, resume=True)
    assert_same_run(second.run.record, whole.run.record)


@pytest.mark.parametrize(
    ("options", "epochs"),
    [
        ({"eval_strategy": "no"}, 2),
        ({"eval_strategy": "steps", "eval_steps": 2}, 3),  # 6 steps; the last is evaluated at any rate
        ({"eval_on_start": True}, 2),
        ({"eval_dataset": {"far": rows(4), "near": rows(2)}}, 2),
    ],
)
def test_what_an_epoch_is(transformers, tmp_path, options, epochs):
    callback = integrations.HuggingFaceCallback()
    train(transformers, tmp_path, callback, **options)
    history, trace = callback.run.history, train_plain()
    assert history.epochs == tuple(range(1, epochs + 1))
    window = STEPS // epochs
    means = [sum(trace.loss[start : start + window]) / window for start in range(0, STEPS, window)]
    assert history.train_loss == pytest.approx(means, rel=1e-6)
    assert all(math.isnan(loss) for loss in history.validation_loss) == (options.get("eval_strategy") == "no")


def test_one_of_several_evaluations_may_be_named(transformers, tmp_path):
    callback = integrations.HuggingFaceCallback(validation_loss="eval_near_loss")
    train(transformers, tmp_path, callback, eval_dataset={"far": rows(4), "near": rows(2)})
    assert callback.run.history.validation_loss == pytest.approx(train_plain().validation_loss, rel=1e-6)


def test_stops_when_asked_to(transformers, tmp_path, monkeypatch):
    class Stop:
        stop = True

    monkeypatch.setattr("justfit.watch.Run.end_epoch", lambda self, **losses: Stop())
    _, _, trainer = train(transformers, tmp_path, integrations.HuggingFaceCallback(stop_when_overfitting=True))
    assert trainer.state.global_step == STEPS // EPOCHS
    _, _, trainer = train(transformers, tmp_path, integrations.HuggingFaceCallback())
    assert trainer.state.global_step == STEPS


def test_an_error_leaves_a_watch_that_can_be_closed(transformers, tmp_path):
    class Breaks(transformers.TrainerCallback):
        def on_step_end(self, *_, **__):
            raise ValueError("broken on purpose")

    callback, model = integrations.HuggingFaceCallback(), Model()
    with pytest.raises(ValueError, match="broken on purpose"):
        train(transformers, tmp_path, callback, Breaks(), model=model)
    callback.close()
    assert callback.run.record.finished
    assert_nothing_left(model)


def test_what_an_error_left_open_is_closed_by_the_next_training(transformers, tmp_path):
    class Breaks(transformers.TrainerCallback):
        def on_step_end(self, *_, **__):
            raise KeyboardInterrupt

    left, model = integrations.HuggingFaceCallback(), Model()
    with pytest.raises(KeyboardInterrupt):
        train(transformers, tmp_path, left, Breaks(), model=model)
    assert not left.run.record.finished
    train(transformers, tmp_path, integrations.HuggingFaceCallback())
    assert left.run.record.finished
    assert_nothing_left(model)


# --- Accelerate


def accelerate_loop(folder, *, watched, dropout=0.0):
    from accelerate import Accelerator
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(3)
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=ACCUMULATED)
    network = make_network(dropout)
    bare = torch.optim.SGD(network.parameters(), lr=RATE, momentum=MOMENTUM)
    loader = DataLoader(TensorDataset(*make_data()), batch_size=BATCH)
    module, optimizer, loader = accelerator.prepare(network, bare, loader)
    held_x, held_y = make_data(2)
    run = justfit.watch(module, optimizer, every=1, out=folder)
    if watched:
        run.start()
    for _ in range(EPOCHS):
        for x, y in loader:
            with accelerator.accumulate(module):
                accelerator.backward(nn.functional.mse_loss(module(x), y))
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(module.parameters(), CLIP)
                optimizer.step()
                optimizer.zero_grad()
        module.eval()
        with torch.no_grad():
            validation_loss = nn.functional.mse_loss(module(held_x), held_y)
        module.train()
        if watched:
            run.end_epoch(train_loss=run.epoch_loss, validation_loss=validation_loss)
    run.close()
    return network, bare, run


def test_accelerate_weights_are_bit_identical_and_nothing_is_left(tmp_path):
    pytest.importorskip("accelerate", reason="pip install 'justfit[accelerate]'")
    without, _, _ = accelerate_loop(tmp_path / "none", watched=False, dropout=0.3)
    watched, optimizer, run = accelerate_loop(tmp_path / "watched", watched=True, dropout=0.3)
    assert_same_weights(watched, without)
    assert_nothing_left(watched, optimizer)
    assert_written(tmp_path / "watched", run.record)


def test_accelerate_shows_what_the_plain_loop_does(tmp_path):
    pytest.importorskip("accelerate", reason="pip install 'justfit[accelerate]'")
    watched, _, run = accelerate_loop(tmp_path, watched=True)
    trace = train_plain()
    assert_same_weights(watched, trace.network)
    assert_shows(run.record, trace, names={"0": "0", "3": "3"})


def test_the_scaler_of_accelerate_is_found(tmp_path):
    pytest.importorskip("accelerate", reason="pip install 'justfit[accelerate]'")
    from accelerate import Accelerator
    from accelerate.optimizer import AcceleratedOptimizer

    Accelerator(cpu=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    network = make_network()
    optimizer = AcceleratedOptimizer(torch.optim.SGD(network.parameters(), lr=RATE), scaler=scaler)
    x, y = make_data()
    with justfit.watch(network, optimizer, every=1) as run:
        loss = nn.functional.mse_loss(network(x), y)
        scaler.scale(loss).backward()
        optimizer.step()
    evidence = run.record.evidence
    assert evidence.losses.mean == pytest.approx([loss.item()], rel=1e-6)
    twin = make_network()
    nn.functional.mse_loss(twin(x), y).backward()
    for name, norm in by_layer({name: p.grad for name, p in twin.named_parameters()}).items():
        (layer,) = (layer for layer in evidence.layers if layer.name == name)
        assert layer.gradient_norm == pytest.approx([norm], rel=1e-6)  # 1,024 is a power of two: nothing is rounded
        assert layer.clipped_gradient_norm == pytest.approx([norm], rel=1e-6)
