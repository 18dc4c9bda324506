"""The numbered steps between a file and a visible version, and a way to watch them.

Killing the process at any of them, and running the same command again, must give the same answers as
an undisturbed run: the tests do so, through `watch`.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum


class Step(IntEnum):
    """A point that a write has passed."""

    RECORDED = 1  # version and outbox are committed
    CLAIMED = 2  # a batch of the outbox is claimed
    COMPARED = 3  # the store was asked which of the ids it holds
    APPLIED = 4  # the missing records are durable in the store
    ACKNOWLEDGED = 5  # the batch is acknowledged; complete versions are visible
    REMOVED = 6  # records of old versions are gone from the store
    PURGED = 7  # the old versions are gone from the ledger


_watcher: Callable[[Step], None] | None = None


def watch(watcher: Callable[[Step], None] | None) -> None:
    """Call `watcher` at every step from now on; None stops that. For tests of consistency."""
    global _watcher
    _watcher = watcher


def reached(step: Step) -> None:
    """Tell the watcher, if there is one, that `step` has been passed."""
    if _watcher is not None:
        _watcher(step)
