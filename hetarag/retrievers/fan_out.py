"""Asking several stores at once, each with a deadline that holds even when the store does not.

Each store has a few daemon threads of its own: a call that never returns costs its store a thread and
neither the other stores nor the end of the process. A store that was late several times in a row is
rested for a while instead of being asked and waited for again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import replace
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar, cast

from hetarag.errors import HetaRAGError, LedgerError, StoreTimeoutError
from hetarag.types import Hit, SearchResult, StoreStatus

_THREADS = 4
_LATE_IN_A_ROW = 3
_REST = 30.0
_GRACE = 0.05  # seconds for an engine that keeps its deadline to say so

Call = Callable[[], SearchResult[Hit]]
Timed = Future[tuple[float, Any]]
Value = TypeVar("Value")
Answers = dict[str, tuple[StoreStatus, tuple[Hit, ...]]]


class FanOut:
    """The threads of one knowledge base, by store: all its searches share them."""

    def __init__(self) -> None:
        self._workers: dict[str, _Workers] = {}
        self._lock = Lock()

    def ask(self, calls: Mapping[str, Call], deadline: float) -> Answers:
        """Run these calls side by side until `deadline` (monotonic); say how each one fared."""
        found = self._ask(calls, deadline)
        return {
            store: (status, ()) if hits is None else (replace(status, hits=len(hits)), hits.hits)
            for store, (status, hits) in found.items()
        }

    def run(
        self, store: str, call: Callable[[], Value], deadline: float
    ) -> tuple[StoreStatus, Value | None]:
        """Run one call by the same rules, whatever it returns: None when it failed or is late."""
        return self._ask({store: call}, deadline)[store]

    def within(self, name: str, call: Callable[[], Value], deadline: float) -> Value:
        """Run one call until `deadline`, and raise what it raises; `TimeoutError` when it is late.

        For what a search cannot do without: there is no rest for it.
        """
        future = self._of(name).submit(call)
        try:
            _, found = future.result(timeout=max(0.0, deadline - time.monotonic()) + _GRACE)
        except FutureTimeoutError:
            future.cancel()
            raise
        return cast(Value, found)

    def read_ledger(self, call: Callable[[], Value], deadline: float) -> Value:
        """Run a read of the ledger until `deadline`, and raise what it raises.

        Raises `LedgerError` when it is late: no evidence can be shown without the ledger.
        """
        try:
            return self.within("ledger", call, deadline)
        except FutureTimeoutError:
            raise LedgerError(
                "the ledger did not answer within the deadline, and nothing can be shown without "
                "it: see that its database (setting ledger.url) is up, or give the search more time"
            ) from None

    def _ask(
        self, calls: Mapping[str, Callable[[], Value]], deadline: float
    ) -> dict[str, tuple[StoreStatus, Value | None]]:
        started = time.monotonic()
        asked: dict[str, tuple[_Workers, Timed]] = {}
        answers: dict[str, tuple[StoreStatus, Value | None]] = {}
        for store, call in calls.items():
            workers = self._of(store)
            rest = workers.resting()
            if rest > 0:
                reason = f"late {_LATE_IN_A_ROW} times in a row: rested for {rest:.0f} s more"
                answers[store] = StoreStatus("late", 0.0, 0, reason), None
            else:
                asked[store] = workers, workers.submit(call)
        for store, (workers, future) in asked.items():
            answers[store] = _collect(workers, future, started, deadline)
        return {store: answers[store] for store in calls}

    def _of(self, store: str) -> _Workers:
        with self._lock:
            return self._workers.setdefault(store, _Workers(store))

    def close(self) -> None:
        """End the threads that are idle; one that is stuck ends with the process."""
        with self._lock:
            for workers in self._workers.values():
                workers.close()
            self._workers.clear()


class _Workers:
    def __init__(self, store: str) -> None:
        self._store = store
        self._queue: SimpleQueue[tuple[Timed, Callable[[], Any]] | None] = SimpleQueue()
        self._threads: list[Thread] = []
        self._lock = Lock()
        self._busy = 0
        self._late = 0
        self._rest_until = 0.0

    def submit(self, call: Callable[[], Any]) -> Timed:
        future: Timed = Future()
        with self._lock:
            self._busy += 1
            if self._busy > len(self._threads) and len(self._threads) < _THREADS:
                name = f"hetarag-{self._store}-{len(self._threads)}"
                thread = Thread(target=self._run, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()
        self._queue.put((future, call))
        return future

    def resting(self) -> float:
        return max(0.0, self._rest_until - time.monotonic())

    def answered(self, *, late: bool) -> None:
        with self._lock:
            self._late = self._late + 1 if late else 0
            if self._late >= _LATE_IN_A_ROW:
                self._late = 0
                self._rest_until = time.monotonic() + _REST

    def close(self) -> None:
        for _ in self._threads:
            self._queue.put(None)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            future, call = item
            try:
                if future.set_running_or_notify_cancel():
                    started = time.monotonic()
                    found = call()
                    future.set_result((time.monotonic() - started, found))
            except BaseException as error:
                future.set_exception(error)
            with self._lock:
                self._busy -= 1


def _collect(
    workers: _Workers, future: Timed, started: float, deadline: float
) -> tuple[StoreStatus, Any | None]:
    try:
        seconds, found = future.result(timeout=max(0.0, deadline - time.monotonic()) + _GRACE)
    except (FutureTimeoutError, StoreTimeoutError) as error:
        future.cancel()
        workers.answered(late=True)
        reason = str(error) or "no answer within the deadline"  # a store may know more of it
        return StoreStatus("late", time.monotonic() - started, 0, reason), None
    except HetaRAGError as error:
        workers.answered(late=False)
        return StoreStatus("failed", time.monotonic() - started, 0, str(error)), None
    except Exception as error:
        workers.answered(late=False)
        reason = f"{type(error).__name__}: {error}"
        return StoreStatus("failed", time.monotonic() - started, 0, reason), None
    workers.answered(late=False)
    return StoreStatus("ok", seconds), found
