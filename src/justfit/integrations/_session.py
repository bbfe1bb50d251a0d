"""One watch, opened and closed by a callback, whatever the host."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from justfit.watch import watch

if TYPE_CHECKING:
    from justfit.watch import Run

# Open, of hosts that do not tell their callbacks of an error: it may have ended long ago.
_doubtful: weakref.WeakSet[Session] = weakref.WeakSet()


class Session:
    """The watch of one training.

    Args:
        options: Options of :func:`justfit.watch`.
        stop_when_overfitting: Let the host stop as soon as the advice says so.
        silent_host: Name of a host that does not tell its callbacks of an error. What such a training leaves open is
            closed when the next one of the same host and thread begins.
    """

    def __init__(
        self, options: Mapping[str, Any], *, stop_when_overfitting: bool, silent_host: str | None = None
    ) -> None:
        self.options = dict(options)
        self.stop_when_overfitting = stop_when_overfitting
        self._place = (silent_host, threading.get_ident())
        self.run: Run | None = None
        self.is_open = False
        self.at_close: list[Callable[[], None]] = []
        self._state: Mapping[str, Any] | None = None

    def open(self, module: Any, optimizer: Any, **found: Any) -> Run:
        """Open the watch, after closing the one before, and go on where a loaded state ended.

        Args:
            module: The network.
            optimizer: Its optimizer or optimizers.
            **found: Options that the host tells; the user's own come first.
        """
        self.close()
        for other in tuple(_doubtful):
            if other._place == self._place:
                other.close()
        self.run = watch(module, optimizer, **{**found, **self.options})
        if self._state is not None:
            self.run.load_state_dict(self._state)
            self._state = None
        self.run.start()
        self.is_open = True
        if self._place[0] is not None:
            _doubtful.add(self)
        return self.run

    def end_epoch(self, **values: Any) -> bool:
        """Tell the watch the losses of an epoch; the train loss is the mean of its steps if no other is known.

        Returns:
            The host is to stop.
        """
        if self.run is None or not self.is_open:
            return False
        advice = self.run.end_epoch(**values)
        return self.stop_when_overfitting and advice is not None and advice.stop

    def close(self, error: BaseException | None = None) -> None:
        """Close the watch; its record can be read on.

        Args:
            error: What ended the training, if not its end.
        """
        for undo in self.at_close:
            undo()
        self.at_close.clear()
        if self.run is not None and self.is_open:
            self.run.__exit__(None if error is None else type(error), error, None)
        self.is_open = False
        _doubtful.discard(self)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the watch, to be stored with the network's."""
        return {} if self.run is None else self.run.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take a stored state; it is used when the watch is opened."""
        self._state = state or None
