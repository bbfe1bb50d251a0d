"""Keras 3 on its torch backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from justfit.errors import ArgumentError
from justfit.integrations._host import import_host
from justfit.integrations._keras_optimizer import StepWatcher
from justfit.integrations._session import Session

if TYPE_CHECKING:
    from justfit.watch import Run


class KerasHooks:
    """Watch `fit` of a Keras model on the torch backend.

    What is seen: gradients before and after the clipping that Keras does inside of its optimizer, unscaled and over
    all micro-batches of a step; weights and updates; the loss of each step; the losses of each epoch from the logs,
    where the train loss is the mean over the batches while training. Layers have the names that Keras gives them.

    Args:
        train_loss, validation_loss: Names in the logs of an epoch.
        stop_when_overfitting: Stop training when no later epoch is likely to be better.
        **watch_options: Options of :func:`justfit.watch`, such as `out`, `sinks`, `every`.

    Raises:
        ArgumentError: Keras runs on another backend.
    """

    model: Any  # set by Keras

    def __init__(
        self,
        *,
        train_loss: str = "loss",
        validation_loss: str = "val_loss",
        stop_when_overfitting: bool = False,
        **watch_options: Any,
    ) -> None:
        super().__init__()
        backend = import_host("keras", extra="keras").backend.backend()
        if backend != "torch":
            raise ArgumentError(
                "Keras must run on its torch backend.",
                found=f"`{backend}`",
                way_out="Set `KERAS_BACKEND=torch` in the environment before Keras is imported.",
            )
        self._names = {"train_loss": train_loss, "validation_loss": validation_loss}
        self._session = Session(watch_options, stop_when_overfitting=stop_when_overfitting, silent_host="keras")

    @property
    def run(self) -> Run | None:
        """The watch of the training that runs, or ran last."""
        return self._session.run

    def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002 - called by name
        """Open the watch, and listen to the optimizer of the model."""
        self.close()
        if self.model.jit_compile:
            raise ArgumentError(
                "A watched model must not be compiled as a whole.",
                found="`jit_compile=True`",
                way_out="Compile the model with `jit_compile=False` while it is watched.",
            )
        watcher = StepWatcher(self.model.optimizer)
        parameters = [variable.value for variable in self.model.trainable_variables]
        watcher.attach(self._session.open(self.model, watcher.stand_in(parameters)))
        self._session.at_close.append(watcher.detach)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002 - called by name
        """Name the batch that the next step uses."""
        if self.run is not None:
            self.run.log_batch(batch)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Tell the losses of the epoch."""
        losses = {kind: (logs or {}).get(name) for kind, name in self._names.items()}
        if self._session.end_epoch(epoch=epoch + 1, train_mode=True, **losses):
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:  # noqa: ARG002 - called by name
        """Close the watch, and leave the optimizer as it was."""
        self.close()

    def close(self) -> None:
        """Close the watch and leave the optimizer as it was; after an error Keras does not tell callbacks of it."""
        self._session.close()

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the watch, to be stored beside the model."""
        return self._session.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take a stored state, before `fit`."""
        self._session.load_state_dict(state)
