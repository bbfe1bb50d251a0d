"""Small messages between the processes of one training run, without a collective.

They lie in the store that the default process group was set up with. Posting and looking never wait for another
process, so whatever the other processes do, the user's collectives run as if nobody watched.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
from array import array
from collections.abc import Sequence
from datetime import timedelta
from time import monotonic, sleep
from typing import Any

PATIENCE = timedelta(seconds=2)  # with the store itself, which answers within a millisecond while it lives
_PAUSE = 0.01
_numbers = itertools.count()  # processes that open the same watches in the same order number them alike


class Mailbox:
    """What this process posts and reads.

    Once the store fails it is never asked again.

    Args:
        store: A `torch.distributed.Store`, already with a prefix of its own.
        rank: Of this process.
        world_size: Number of processes.

    Attributes:
        is_open: The store still answers.
    """

    def __init__(self, store: Any, rank: int, world_size: int) -> None:
        self._store = store
        self.rank = rank
        self.world_size = world_size
        self.is_open = store is not None

    def post(self, key: str, message: Any) -> None:
        """Leave a message for others: anything that JSON can hold."""
        self._post(key, json.dumps(message))

    def post_numbers(self, key: str, numbers: Sequence[float]) -> None:
        """Leave a vector."""
        self._post(key, array("d", numbers).tobytes())

    def has(self, *keys: str) -> bool:
        """Tell whether all of these are there."""
        if not self.is_open:
            return False
        try:
            return bool(self._store.check(list(keys)))
        except RuntimeError:
            self.is_open = False
            return False

    def take(self, key: str) -> Any:
        """Read a message and take it away; None if it is not there."""
        found = self._take(key)
        return None if found is None else json.loads(found)

    def take_numbers(self, key: str) -> array[float] | None:
        """Read a vector and take it away; None if it is not there."""
        found = self._take(key)
        return None if found is None else array("d", found)

    def wait_for(self, keys: Sequence[str], seconds: float) -> bool:
        """Wait until all are there, for so long at most."""
        end = monotonic() + seconds
        while self.is_open and not self.has(*keys):
            if monotonic() > end:
                return False
            sleep(_PAUSE)
        return self.is_open

    def drop(self, key: str) -> None:
        """Take a message away unread."""
        if self.is_open:
            try:
                self._store.delete_key(key)
            except RuntimeError:
                self.is_open = False

    def _post(self, key: str, message: str | bytes) -> None:
        if self.is_open:
            try:
                self._store.set(key, message)
            except RuntimeError:
                self.is_open = False

    def _take(self, key: str) -> bytes | None:
        if not self.has(key):
            return None
        try:
            found = bytes(self._store.get(key))
            self._store.delete_key(key)
        except RuntimeError:
            self.is_open = False
            return None
        return found


def open_mailbox(name: str) -> Mailbox:
    """Open the mailbox of one watched run; a closed one where no processes train together.

    Args:
        name: Of the run, the same in every process; the number of the watch within the process is added.
    """
    number = next(_numbers)
    distributed = sys.modules.get("torch.distributed")
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return Mailbox(None, 0, 1)
    rank, world_size = distributed.get_rank(), distributed.get_world_size()
    if world_size < 2:
        return Mailbox(None, rank, world_size)
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")  # the store outlives a restart
    return Mailbox(_store(distributed, f"justfit/{attempt}/{number}/{name}"), rank, world_size)


def _store(distributed: Any, prefix: str) -> Any:
    """Get a connection of our own to the default store, so that nobody's waiting holds us up; None without one."""
    try:
        store = distributed.distributed_c10d._get_default_store()
        inner = store
        while isinstance(inner, distributed.PrefixStore):
            inner = inner.underlying_store
        if isinstance(inner, distributed.FileStore):  # takes nothing away: its file would grow without end
            return None
        if hasattr(store, "clone"):
            store = store.clone()
            store.set_timeout(PATIENCE)
        return distributed.PrefixStore(prefix, store)
    except (AttributeError, RuntimeError, TypeError, ValueError):
        return None
