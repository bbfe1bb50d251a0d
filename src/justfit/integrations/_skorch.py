"""Networks of skorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from justfit.integrations._session import Session

if TYPE_CHECKING:
    from justfit.watch import Run


class SkorchHooks:
    """Watch a training of a network of skorch.

    What is seen: gradients before and after clipping, in whatever order the callbacks stand; the loss of each step;
    the losses of each epoch as they stand in `net.history`, where the train loss is the mean over the batches while
    training. All options are parameters in scikit-learn's sense: `get_params`, `set_params` and `clone` know them.

    Args:
        train_loss, validation_loss: Names of the columns of `net.history`.
        stop_when_overfitting: Stop training when no later epoch is likely to be better.
        **watch_options: Options of :func:`justfit.watch`, such as `out`, `sinks`, `every`.

    Attributes:
        run_: The watch of the training that runs, or ran last; there once training has begun.
    """

    def __init__(
        self,
        *,
        train_loss: str = "train_loss",
        validation_loss: str = "valid_loss",
        stop_when_overfitting: bool = False,
        **watch_options: Any,
    ) -> None:
        self.train_loss = train_loss
        self.validation_loss = validation_loss
        self.stop_when_overfitting = stop_when_overfitting
        for name, value in watch_options.items():  # as parameters of their own
            setattr(self, name, value)

    def on_train_begin(self, net: Any, **_: Any) -> None:
        """Open the watch."""
        own = ("train_loss", "validation_loss", "stop_when_overfitting")
        options = {name: value for name, value in self.__dict__.items() if name not in own and name[-1] != "_"}
        self.close()
        self.session_ = Session(options, stop_when_overfitting=self.stop_when_overfitting, silent_host="skorch")
        self.run_: Run = self.session_.open(net.module_, [getattr(net, f"{name}_") for name in net._optimizers])

    def on_batch_begin(self, net: Any, *, training: bool = False, **_: Any) -> None:
        """Name the batch that the next step uses."""
        if training:
            self.run_.log_batch(len(net.history[-1]["batches"]) - 1)

    def on_grad_computed(self, net: Any, **_: Any) -> None:
        """Look at the gradients: skorch runs backward inside of `step`, so no hook of the optimizer sees them."""
        for index, _name in enumerate(net._optimizers):
            self.run_.before_step(index)

    def on_epoch_end(self, net: Any, **_: Any) -> None:
        """Tell the losses of the epoch."""
        row = net.history[-1]
        losses = {name: row.get(getattr(self, name)) for name in ("train_loss", "validation_loss")}
        mode = True if self.train_loss == "train_loss" else None  # a column of the user's own may be either
        if self.session_.end_epoch(epoch=row["epoch"], train_mode=mode, **losses):
            raise KeyboardInterrupt  # this is how callbacks of skorch end a training

    def on_train_end(self, _net: Any, **_: Any) -> None:
        """Close the watch."""
        self.close()

    def close(self) -> None:
        """Close the watch, after an error: skorch does not tell callbacks of it."""
        if hasattr(self, "session_"):
            self.session_.close()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("run_", "session_")}
