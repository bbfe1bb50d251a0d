"""What a Lightning callback does, whichever of its two names Lightning was imported by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from justfit.integrations._loss_names import find_loss
from justfit.integrations._session import Session

if TYPE_CHECKING:
    from justfit.watch import Run


class LightningHooks:
    """The hooks of a Lightning callback; the arguments are described at `LightningCallback`."""

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

    def on_exception(self, _trainer: Any, _pl_module: Any, _exception: BaseException) -> None:
        """Close the watch, also when training is interrupted."""
        self._session.close()

    def state_dict(self) -> dict[str, Any]:
        """Put the state of the watch into Lightning's checkpoint."""
        return self._session.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the state of the watch from a checkpoint."""
        self._session.load_state_dict(state_dict)


def _bare(optimizer: Any) -> Any:
    """Take an optimizer out of Lightning's wrapper."""
    return getattr(optimizer, "optimizer", optimizer)
