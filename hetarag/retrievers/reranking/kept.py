"""What is kept of passages over searches, by id: an id always stands for the same text."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """The values of the ids that were met last, at most so many; may be used from several threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[str, T] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._values)

    def of(self, ids: Iterable[str]) -> dict[str, T]:
        """Return the values of those of these ids that are kept."""
        with self._lock:
            found = {i: value for i in ids if (value := self._values.get(i)) is not None}
            for identifier in found:
                self._values.move_to_end(identifier)
            return found

    def add(self, values: Mapping[str, T]) -> None:
        """Keep these too, and give up what was met the longest ago."""
        with self._lock:
            self._values.update(values)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
