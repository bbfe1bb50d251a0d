"""Networks of skorch."""

import copy
import io
import math
import pickle

import pytest
import torch
from sklearn.base import clone

from justfit import integrations
from tests.unit.integrations.held_against import (
    assert_nothing_left,
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
    make_data,
    make_network,
    train_plain,
)  # fmt: skip

skorch = pytest.importorskip("skorch", reason="pip install 'justfit[skorch]'")
NAMES = {"0": "0", "3": "3"}


class Accumulating(skorch.NeuralNetRegressor):
    """Accumulates gradients as the documentation of skorch shows it."""

    def get_loss(self, *args, **kwargs):
        return super().get_loss(*args, **kwargs) / (ACCUMULATED if torch.is_grad_enabled() else 1)

    def train_step(self, batch, **fit_params):
        step = self.train_step_single(batch, **fit_params)
        self.micro_batches_ = getattr(self, "micro_batches_", 0) + 1
        if self.micro_batches_ % ACCUMULATED == 0:
            self.notify("on_grad_computed", named_parameters=list(self.module_.named_parameters()), training=True)
            self.optimizer_.step()
            self.optimizer_.zero_grad()
        return step


def make_net(*callbacks, kind=skorch.NeuralNetRegressor, dropout=0.0, epochs=EPOCHS):
    from skorch.callbacks import GradientNormClipping
    from skorch.dataset import Dataset
    from skorch.helper import predefined_split

    clipping = ("clipping", GradientNormClipping(gradient_clip_value=CLIP))
    held_x, held_y = make_data(2)
    return kind(
        make_network(dropout), optimizer=torch.optim.SGD, lr=RATE, optimizer__momentum=MOMENTUM, max_epochs=epochs,
        batch_size=BATCH, iterator_valid__batch_size=NUM_EXAMPLES, verbose=0,
        train_split=predefined_split(Dataset(held_x, held_y)), callbacks=[clipping, *callbacks],
    )  # fmt: skip


def fit(*callbacks, **options):
    torch.manual_seed(3)
    return make_net(*callbacks, **options).fit(*make_data())


def test_weights_are_bit_identical_and_nothing_is_left(tmp_path):
    without = fit(dropout=0.3)
    callback = integrations.SkorchCallback(out=tmp_path, every=1)
    net = fit(("justfit", callback), dropout=0.3)
    assert_same_weights(net.module_, without.module_)
    assert_nothing_left(net.module_, net.optimizer_)
    assert_written(tmp_path, callback.run_.record)


def test_shows_what_the_plain_loop_does():
    """The clipping stands before our callback: at its hook the gradients are clipped already."""
    callback = integrations.SkorchCallback(every=1)
    net = fit(("justfit", callback))
    trace = train_plain(accumulated=1)
    assert_same_weights(net.module_, trace.network)
    assert_shows(callback.run_.record, trace, names=NAMES)
    assert [frame.batch for frame in callback.run_.record.frames] == [*range(NUM_EXAMPLES // BATCH)] * EPOCHS


def test_accumulated_gradients():
    callback = integrations.SkorchCallback(every=1, micro_batch_losses="sum")
    net = fit(("justfit", callback), kind=Accumulating)
    trace = train_plain()
    trace.train_loss = [loss / ACCUMULATED for loss in trace.train_loss]  # as this network reports it to skorch
    assert_same_weights(net.module_, trace.network)
    assert_shows(callback.run_.record, trace, names=NAMES)


def test_options_are_parameters():
    callback = integrations.SkorchCallback(every=3, stop_when_overfitting=True)
    net = clone(make_net(("justfit", callback))).initialize()
    assert net.get_params()["callbacks__justfit__every"] == 3
    net.set_params(callbacks__justfit__every=1)
    net.fit(*make_data())
    copied = dict(net.callbacks_)["justfit"]
    assert copied is not callback
    assert copied.run_.record.evidence.optimizers[0].steps == tuple(range(1, 13))
    assert not hasattr(callback, "run_")


def test_a_fitted_network_can_be_stored_and_copied():
    net = fit(("justfit", integrations.SkorchCallback(every=1)))
    stored = io.BytesIO()
    pickle.dump(net, stored)
    stored.seek(0)
    for other in (copy.deepcopy(net), pickle.load(stored)):  # noqa: S301 - just written
        assert_same_weights(other.module_, net.module_)
        other.partial_fit(*make_data())
        assert dict(other.callbacks_)["justfit"].run_.history.epochs == (3, 4)


def test_stops_when_asked_to(monkeypatch):
    class Stop:
        stop = True

    monkeypatch.setattr("justfit.watch.Run.end_epoch", lambda self, **losses: Stop())
    assert len(fit(("justfit", integrations.SkorchCallback(stop_when_overfitting=True)), epochs=5).history) == 1
    assert len(fit(("justfit", integrations.SkorchCallback()), epochs=3).history) == 3


def test_without_validation():
    callback = integrations.SkorchCallback()
    net = make_net(("justfit", callback)).set_params(train_split=None).fit(*make_data())
    assert len(net.history) == EPOCHS
    assert all(math.isnan(loss) for loss in callback.run_.history.validation_loss)
    assert callback.run_.history.train_mode is True
    assert callback.run_.history.train_loss == pytest.approx([row["train_loss"] for row in net.history])


def test_an_error_leaves_a_watch_that_can_be_closed():
    class Breaks(skorch.callbacks.Callback):
        def on_batch_end(self, net, **_):
            raise ValueError("broken on purpose")

    callback = integrations.SkorchCallback()
    net = make_net(("justfit", callback), ("breaks", Breaks()))
    with pytest.raises(ValueError, match="broken on purpose"):
        net.fit(*make_data())
    callback.close()
    assert callback.run_.record.finished
    assert_nothing_left(net.module_, net.optimizer_)
