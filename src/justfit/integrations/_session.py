"""One watch, opened and closed by a callback, whatever the host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from justfit.watch import watch

if TYPE_CHECKING:
    from justfit.watch import Run


class Session:
    """The watch of one training.

    Args:
        options: Options of :func:`justfit.watch`.
        stop_when_overfitting: Let the host stop as soon as the advice says so.
    """

    def __init__(self, options: Mapping[str, Any], *, stop_when_overfitting: bool) -> None:
        self.options = dict(options)
        self.stop_when_overfitting = stop_when_overfitting
        self.run: Run | None = None
        self.is_open = False
        self._state: Mapping[str, Any] | None = None

    def open(self, module: Any, optimizer: Any, **found: Any) -> Run:
        """Open the watch, after closing the one before, and go on where a loaded state ended.

        Args:
            module: The network.
            optimizer: Its optimizer or optimizers.
            **found: Options that the host tells; the user's own come first.
        """
        self.close()
        self.run = watch(module, optimizer, **{**found, **self.options})
        if self._state is not None:
            self.run.load_state_dict(self._state)
            self._state = None
        self.is_open = True
        return self.run.start()

    def end_epoch(self, *, train_loss: Any = None, **values: Any) -> bool:
        """Tell the watch the losses of an epoch; the train loss is the mean over its steps if no other is known.

        Returns:
            The host is to stop.
        """
        if self.run is None or not self.is_open:
            return False
        advice = self.run.end_epoch(train_loss=self.run.epoch_loss if train_loss is None else train_loss, **values)
        return self.stop_when_overfitting and advice is not None and advice.stop

    def close(self) -> None:
        """Close the watch; its record can be read on."""
        if self.run is not None:
            self.run.close()
        self.is_open = False

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the watch, to be stored with the network's."""
        return {} if self.run is None else self.run.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take a stored state; it is used when the watch is opened."""
        self._state = state or None
