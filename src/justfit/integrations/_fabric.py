"""Lightning Fabric: the loop is the user's, and calls the hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from justfit.integrations._session import Session

if TYPE_CHECKING:
    from justfit.watch import Run


@final
class FabricCallback:
    """Watch a loop of Lightning Fabric through `fabric.call`.

    The loop calls `on_train_start` with what `fabric.setup` returned, `on_train_epoch_end` with its losses, and
    `on_train_end`; `fabric.call("on_exception")` closes the watch when something goes wrong. A loop that can use a
    `with` statement needs no callback: `justfit.watch(module, optimizer)` knows Fabric's wrappers.

    Args:
        stop_when_overfitting: Set `should_stop` when no later epoch is likely to be better.
        **watch_options: Options of :func:`justfit.watch`, such as `out`, `sinks`, `every`.

    Attributes:
        run: The watch of the training that runs, or ran last; None before.
        should_stop: The loop is to stop; only ever True with `stop_when_overfitting`.
    """

    def __init__(self, *, stop_when_overfitting: bool = False, **watch_options: Any) -> None:
        self._session = Session(watch_options, stop_when_overfitting=stop_when_overfitting)
        self.should_stop = False

    @property
    def run(self) -> Run | None:
        """The watch of the training that runs, or ran last."""
        return self._session.run

    def on_train_start(self, module: Any, optimizer: Any) -> None:
        """Open the watch.

        Args:
            module: What `fabric.setup` returned for the network.
            optimizer: What it returned for the optimizer, or a list of them.
        """
        self.should_stop = False
        first = optimizer[0] if isinstance(optimizer, list | tuple) else optimizer
        strategy = getattr(first, "_strategy", None)
        self._session.open(module, optimizer, scaler=getattr(getattr(strategy, "precision", None), "scaler", None))

    def on_train_epoch_end(
        self,
        train_loss: Any = None,
        validation_loss: Any = None,
        epoch: int | None = None,
        metrics: dict[str, float] | None = None,
    ) -> None:
        """Tell the losses of the epoch; see `Run.end_epoch`."""
        self.should_stop = self._session.end_epoch(
            train_loss=train_loss, validation_loss=validation_loss, epoch=epoch, metrics=metrics
        )

    def on_train_end(self) -> None:
        """Close the watch."""
        self._session.close()

    def on_exception(self) -> None:
        """Close the watch."""
        self._session.close()

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the watch, for `fabric.save`."""
        return self._session.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the state of the watch, before `on_train_start`."""
        self._session.load_state_dict(state_dict)
