"""Lightning, under both names that it is imported by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from justfit.integrations._loss_names import find_loss
from justfit.integrations._session import Session

if TYPE_CHECKING:
    from justfit.watch import Run


class LightningHooks:
    """Watch a training of a Lightning `Trainer`.

    What is seen: gradients before and after clipping, unscaled under AMP; the loss of each step; the train loss of an
    epoch as the mean over its steps while training, and the validation loss that the module logs. State is stored in
    Lightning's checkpoints, and `fit` goes on from it. An error closes the watch.

    Args:
        train_loss: Name of the metric that is the train loss, where the module logs one that is better than the mean
            over the steps, such as one in eval mode.
        validation_loss: Name of the metric that is the validation loss; by default the first there is of
            `validation_loss`, `val_loss`, `valid_loss`, `eval_loss`, and the same with a slash.
        stop_when_overfitting: Stop training when no later epoch is likely to be better.
        **watch_options: Options of :func:`justfit.watch`, such as `out`, `sinks`, `every`.
    """

    def __init__(
        self,
        *,
        train_loss: str | None = None,
        validation_loss: str | None = None,
        stop_when_overfitting: bool = False,
        **watch_options: Any,
    ) -> None:
        super().__init__()
        self._train_name = train_loss
        self._validation_name = validation_loss
        self._session = Session(watch_options, stop_when_overfitting=stop_when_overfitting)
        self._validated = False

    @property
    def run(self) -> Run | None:
        """The watch of the training that runs, or ran last."""
        return self._session.run

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Open the watch: optimizers and precision are set up, and a checkpoint has been loaded."""
        self._validated = False  # `validate` may have been called before
        self._session.open(
            pl_module,
            [_bare(optimizer) for optimizer in trainer.optimizers],
            scaler=getattr(trainer.precision_plugin, "scaler", None),
            micro_batch_losses="sum",  # Lightning divides each by the number that is accumulated
        )

    def on_train_batch_start(self, _trainer: Any, _pl_module: Any, _batch: Any, batch_idx: int) -> None:
        """Name the batch that the next step uses."""
        if self.run is not None:
            self.run.log_batch(batch_idx)

    def on_before_optimizer_step(self, trainer: Any, _pl_module: Any, optimizer: Any) -> None:
        """Look at the gradients: Lightning runs backward inside of `step`, so no hook of the optimizer sees them."""
        if getattr(trainer.precision_plugin, "scaler", None) is not None:
            return  # backward runs before `step`, and whether there is a step the scaler has yet to decide
        for index, known in enumerate(trainer.optimizers):
            if self.run is not None and _bare(known) is _bare(optimizer):
                self.run.before_step(index)

    def on_validation_epoch_end(self, trainer: Any, _pl_module: Any) -> None:
        """Note that this epoch has a validation loss."""
        self._validated = self._validated or not trainer.sanity_checking

    def on_train_epoch_end(self, trainer: Any, _pl_module: Any) -> None:
        """Tell the losses of the epoch; Lightning validates before this hook."""
        metrics = trainer.callback_metrics
        stop = self._session.end_epoch(
            epoch=trainer.current_epoch + 1,
            train_loss=None if self._train_name is None else find_loss(metrics, self._train_name),
            validation_loss=find_loss(metrics, self._validation_name) if self._validated else None,
        )
        self._validated = False
        if stop:
            trainer.should_stop = True

    def on_train_end(self, _trainer: Any, _pl_module: Any) -> None:
        """Close the watch."""
        self._session.close()

    def on_exception(self, _trainer: Any, _pl_module: Any, exception: BaseException) -> None:
        """Close the watch, also when training is interrupted."""
        self._session.close(exception)

    def state_dict(self) -> dict[str, Any]:
        """Put the state of the watch into Lightning's checkpoint."""
        return self._session.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the state of the watch from a checkpoint."""
        self._session.load_state_dict(state_dict)


def _bare(optimizer: Any) -> Any:
    """Take an optimizer out of Lightning's wrapper."""
    return getattr(optimizer, "optimizer", optimizer)
