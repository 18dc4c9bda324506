"""Generation in a thread of its own, token by token.

`generate` pushes ids into a `TokenSink`, which makes text of them and puts them into a queue; the
caller takes them out. Exceptions cross over. A caller that goes away stops the generation at its
next token.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

ItemT = TypeVar("ItemT")

_UNFINISHED = "\ufffd"


class Channel(Generic[ItemT]):
    """A one-way pipe out of a thread that is ended by the thread or cancelled by the reader."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[ItemT | _End] = queue.SimpleQueue()
        self.cancelled = threading.Event()

    def put(self, item: ItemT) -> None:
        """Hand an item over."""
        self._queue.put(item)

    def run(self, work: Callable[[], None], name: str) -> Iterator[ItemT]:
        """Run `work` in a daemon thread and yield what it puts; its exception is raised here."""

        def body() -> None:
            try:
                work()
            except BaseException as error:
                self._queue.put(_End(error))
            else:
                self._queue.put(_End(None))

        threading.Thread(target=body, name=name, daemon=True).start()
        try:
            while True:
                item = self._queue.get()
                if isinstance(item, _End):
                    if item.error is not None:
                        raise item.error
                    return
                yield item
        finally:
            self.cancelled.set()


class _End:
    """The last thing in the pipe."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class TokenSink:
    """A streamer of transformers that hands out (id, new text) as soon as the text is certain.

    `stop` ends the answer where it shows up after some text; `stopped` tells a stopping criterion.
    """

    def __init__(
        self,
        decode: Callable[[list[int]], str],
        emit: Callable[[int, str], None],
        *,
        skip: frozenset[int],
        stop: str | None,
    ) -> None:
        self._decode = decode
        self._emit = emit
        self._skip = skip
        self._stop = stop
        self._ids: list[int] = []
        self._read = self._shown = 0  # ids before _read are settled, those before _shown are shown
        self._any_text = False
        self._prompt_seen = False
        self.stopped = False

    def put(self, value: Any) -> None:
        """Take the prompt (once) or the next token."""
        if not self._prompt_seen:
            self._prompt_seen = True
            return
        for token in value.reshape(-1).tolist():
            if token not in self._skip and not self.stopped:
                self._take(token)

    def end(self) -> None:
        """Do nothing: the thread's end closes the pipe."""

    def _take(self, token: int) -> None:
        self._ids.append(token)
        before = self._decode(self._ids[self._read : self._shown])
        after = self._decode(self._ids[self._read :])
        if after.endswith(_UNFINISHED):  # a character that needs further tokens
            self._emit(token, "")
            return
        text = after[len(before) :]
        self._read, self._shown = self._shown, len(self._ids)
        if not self._any_text:
            text = text.lstrip()
        if self._stop and self._stop in text:
            text = text.partition(self._stop)[0]
            self.stopped = True
        self._any_text = self._any_text or bool(text)
        self._emit(token, text)
