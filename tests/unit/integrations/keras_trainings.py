"""Trainings of Keras on torch, run in a process of their own: the backend is chosen when Keras is first imported.

Prints one JSON object: what each training showed, and what was wrong.
"""

import contextlib
import io
import json
import math
import re
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import torch

from justfit.errors import ArgumentError
from justfit.integrations import KerasCallback
from tests.unit.integrations.held_against import assert_nothing_left, assert_same_weights, assert_shows, assert_written
from tests.unit.integrations.reference import (
    ACCUMULATED,
    BATCH,
    CLIP,
    EPOCHS,
    MOMENTUM,
    NUM_EXAMPLES,
    RATE,
    make_data,
    make_network,
    train_plain,
)

WRAPPED = {"apply", "_clip_gradients", "scale_loss"}  # of an optimizer while it is watched
NAMES = {"0": "net/first", "3": "net/last"}


def make_model(dropout=0.0, *, accumulated=ACCUMULATED, clip=CLIP):
    """Build the network of the plain training: the same weights, with Keras's layout of kernels."""
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.layers.Dense(8, activation="tanh", name="first"),
            keras.layers.Dropout(dropout, seed=5),
            keras.layers.Dense(1, name="last"),
        ],
        name="net",
    )
    model.build((None, 6))
    plain = make_network()
    weights = [value.detach().numpy() for value in plain.parameters()]
    model.set_weights([weights[0].T, weights[1], weights[2].T, weights[3]])
    optimizer = keras.optimizers.SGD(
        RATE, momentum=MOMENTUM, global_clipnorm=clip, gradient_accumulation_steps=accumulated
    )
    model.compile(optimizer=optimizer, loss="mse", jit_compile=False)
    return model


def fit(*callbacks, model=None, epochs=EPOCHS, **options):
    model = model or make_model(**options)
    (x, y), held = (tuple(array.numpy() for array in make_data(seed)) for seed in (1, 2))
    model.fit(
        x, y, batch_size=BATCH, epochs=epochs, shuffle=False, validation_data=held, verbose=0,
        validation_batch_size=NUM_EXAMPLES, callbacks=list(callbacks),
    )  # fmt: skip
    return model


def weights_are_bit_identical_and_nothing_is_left(folder):
    without = fit(dropout=0.3)
    callback = KerasCallback(out=folder, every=1)
    checkpoint = keras.callbacks.ModelCheckpoint(folder / "last.keras")  # stores the optimizer while it is wrapped
    watched = fit(callback, checkpoint, dropout=0.3)
    assert_same_weights(watched, without)
    assert_nothing_left(watched)
    assert not WRAPPED & set(watched.optimizer.__dict__)
    assert_written(folder, callback.run.record)
    stored = keras.saving.load_model(folder / "last.keras").get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(stored, watched.get_weights(), strict=True))
    other = fit(dropout=0.31)
    assert any(not np.array_equal(a, b) for a, b in zip(other.get_weights(), without.get_weights(), strict=True))


def shows_what_the_plain_loop_does(_folder):
    callback = KerasCallback(every=1)
    fit(callback)
    assert_shows(callback.run.record, train_plain(), names=NAMES, update_tolerance=1e-5)
    record = callback.run.record
    assert record.evidence.history.train_mode is True
    (optimizer,) = record.evidence.optimizers
    assert (optimizer.kind, set(optimizer.learning_rate)) == ("SGD", {np.float32(RATE).item()})
    assert [(layer.name, layer.kind) for layer in record.evidence.layers] == [
        ("net/first", "Dense"),
        ("net/last", "Dense"),
    ]


def without_accumulation(_folder):
    callback = KerasCallback(every=1)
    fit(callback, accumulated=None)
    assert_shows(callback.run.record, train_plain(accumulated=1), names=NAMES, update_tolerance=1e-5)
    assert [frame.batch for frame in callback.run.record.frames] == [*range(NUM_EXAMPLES // BATCH)] * EPOCHS


def scaled_losses_are_seen_unscaled(_folder):
    model = make_model(accumulated=None)
    scaled = keras.optimizers.LossScaleOptimizer(model.optimizer, initial_scale=2.0**10)
    model.compile(optimizer=scaled, loss="mse", jit_compile=False)
    callback = KerasCallback(every=1)
    fit(callback, model=model)
    trace = train_plain(accumulated=1)  # a power of two scales without rounding
    assert_shows(callback.run.record, trace, names=NAMES, update_tolerance=1e-5)
    assert not WRAPPED & set(scaled.__dict__) | WRAPPED & set(scaled.inner_optimizer.__dict__)


def other_kinds_of_models(_folder):
    class Own(keras.Model):
        def __init__(self):
            super().__init__(name="own")
            self.first = keras.layers.Dense(4, activation="relu")
            self.blocks = [keras.layers.BatchNormalization(), keras.layers.Dense(1)]

        def call(self, x):
            x = self.first(x)
            for block in self.blocks:
                x = block(x)
            return x

    inputs = keras.Input((6,))
    inner = keras.layers.Dense(4, name="hidden")(inputs)
    functional = keras.Model(inputs, keras.layers.Dense(1, name="head")(inner), name="functional")
    for model, kinds in ((Own(), ["Dense", "BatchNormalization", "Dense"]), (functional, ["Dense", "Dense"])):
        model.compile(optimizer="adam", loss="mse")
        callback = KerasCallback(every=1)
        fit(callback, model=model)
        layers = callback.run.record.evidence.layers
        assert [layer.kind for layer in layers] == kinds, [(layer.name, layer.kind) for layer in layers]
        assert all(norm > 0 for layer in layers for norm in layer.update_norm)
        assert_nothing_left(model)


def stops_when_asked_to(_folder):
    class Stop:
        stop = True

    from justfit.watch import Run

    own, Run.end_epoch = Run.end_epoch, lambda self, **losses: Stop()
    try:
        assert len(fit(KerasCallback(stop_when_overfitting=True), epochs=5).history.epoch) == 1
        assert len(fit(KerasCallback(), epochs=3).history.epoch) == 3
    finally:
        Run.end_epoch = own


def goes_on_from_a_stored_state(_folder):
    first, second = KerasCallback(every=1), KerasCallback(every=1)
    model = fit(first)
    second.load_state_dict(first.state_dict())
    (x, y) = (array.numpy() for array in make_data())
    model.fit(x, y, batch_size=BATCH, epochs=EPOCHS + 1, initial_epoch=EPOCHS, verbose=0, callbacks=[second])
    assert second.run.history.epochs == (1, 2, 3)
    assert math.isnan(second.run.history.validation_loss[-1])
    assert second.run.record.evidence.optimizers[0].steps == tuple(range(1, 10))


def an_error_leaves_a_watch_that_can_be_closed(_folder):
    class Breaks(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise ValueError("broken on purpose")

    callback, model = KerasCallback(), make_model()
    with pytest.raises(ValueError, match="broken on purpose"):
        fit(callback, Breaks(), model=model)
    callback.close()
    assert callback.run.record.finished
    assert_nothing_left(model)
    assert not WRAPPED & set(model.optimizer.__dict__)


def what_an_error_left_open_is_closed_by_the_next_training(_folder):
    class Breaks(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    left, again, model = KerasCallback(every=1), KerasCallback(every=1), make_model()
    with pytest.raises(KeyboardInterrupt):
        fit(left, Breaks(), model=model)
    assert set(model.optimizer.__dict__) >= WRAPPED
    fit(again, model=model)
    assert left.run.record.finished
    assert left.run.record.evidence.optimizers[0].num_steps == 0  # it broke before the first step
    assert again.run.record.evidence.optimizers[0].num_steps > 0
    assert_nothing_left(model)
    assert not WRAPPED & set(model.optimizer.__dict__)


def a_compiled_model_is_refused(_folder):
    model = make_model()
    model.compile(optimizer="sgd", loss="mse", jit_compile=True)
    with pytest.raises(
        ArgumentError,
        match=r"^A watched model must not be compiled as a whole\. Found `jit_compile=True`\. Compile the model with",
    ):
        fit(KerasCallback(), model=model)


def another_backend_is_refused(_folder):
    own, keras.backend.backend = keras.backend.backend, lambda: "jax"
    try:
        with pytest.raises(
            ArgumentError,
            match=r"^Keras must run on its torch backend\. Found `jax`\. Set `KERAS_BACKEND=torch` in the environment",
        ):
            KerasCallback()
    finally:
        keras.backend.backend = own


def the_example_of_the_docs(folder):
    text = (Path(__file__).resolve().parents[3] / "docs" / "integrations.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"## Keras\n\n```python\n(.*?)```", text, re.DOTALL)
    (x, y), (held_x, held_y) = (tuple(array.numpy() for array in make_data(seed)) for seed in (1, 2))
    names = {
        "KerasCallback": KerasCallback,
        "model": make_model(),
        "x": x,
        "y": y,
        "held_x": held_x,
        "held_y": held_y,
    }
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
        exec(compile(block, "integrations.md", "exec"), names)  # noqa: S102 - the page is ours
    assert names["callback"].run.history.epochs == (1, 2)
    assert (folder / "watched" / "record.json").is_file()


TRAININGS = (
    weights_are_bit_identical_and_nothing_is_left, shows_what_the_plain_loop_does, without_accumulation,
    scaled_losses_are_seen_unscaled, other_kinds_of_models, stops_when_asked_to, goes_on_from_a_stored_state,
    an_error_leaves_a_watch_that_can_be_closed, a_compiled_model_is_refused,
    another_backend_is_refused,
    what_an_error_left_open_is_closed_by_the_next_training,
    the_example_of_the_docs,
)  # fmt: skip


def main(folder):
    import traceback

    torch.set_num_threads(1)
    outcome = {}
    for training in TRAININGS:
        place = folder / training.__name__
        place.mkdir()
        try:
            training(place)
            outcome[training.__name__] = "ok"
        except Exception:
            outcome[training.__name__] = traceback.format_exc()
    sys.stdout.write(f"\n{json.dumps(outcome)}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
