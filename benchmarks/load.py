"""`python -m benchmarks load`: many searchers at once, for minutes; what is late, what fails, how long one waits."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from threading import Event, Lock, Thread
from typing import Any

import numpy as np

from hetarag import HetaRAG
from hetarag.errors import HetaRAGError
from hetarag.eval.datasets import Question

_SAID_EVERY = 5.0


@dataclass(slots=True)
class Load:
    """What came of the searches: seconds of each, how many had a late or failed store, what was raised."""

    seconds: list[float] = field(default_factory=list)
    late: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    raised: Counter[str] = field(default_factory=Counter)
    incomplete: int = 0
    lasted: float = 0.0

    def row(self) -> dict[str, Any]:
        """Return the figures; times in ms, waiting for admission included."""
        done = len(self.seconds)
        times = np.array(self.seconds or [0.0]) * 1000
        return {
            "searches": done,
            "a second": done / self.lasted if self.lasted else 0.0,
            "p50, ms": float(np.quantile(times, 0.5)),
            "p95, ms": float(np.quantile(times, 0.95)),
            "longest, ms": float(times.max()),
            "with a late or failed store, %": 100 * self.incomplete / done if done else 0.0,
            "late, by store": dict(self.late),
            "failed, by store": dict(self.failed),
            "errors": dict(self.raised),
        }


def measure_load(
    rag: HetaRAG,
    questions: Sequence[Question],
    *,
    searchers: int,
    seconds: float,
    deadline: float | None = None,
    watch: Callable[[str], None] = lambda _doing: None,
) -> Load:
    """Let `searchers` threads search without a pause for `seconds`, each question in its turn.

    The searches skip stores that fail, so that each of them says how its stores fared; the first one
    is not counted, as it loads models and stores.
    """
    rag.search(questions[0].text, access="all")
    found, lock, ended, turn = Load(), Lock(), Event(), count()

    def search() -> None:
        while not ended.is_set():
            text = questions[next(turn) % len(questions)].text
            started = time.perf_counter()
            try:
                result = rag.search(text, access="all", on_error="skip", deadline=deadline)
            except HetaRAGError as error:
                with lock:
                    found.raised[f"{type(error).__name__}: {error}"] += 1
                continue
            took = time.perf_counter() - started
            stores = result.trace.stores if result.trace else {}
            with lock:
                found.seconds.append(took)
                found.incomplete += not result.complete
                found.late.update(k for k, s in stores.items() if s.status == "late")
                found.failed.update(k for k, s in stores.items() if s.status == "failed")

    threads = [Thread(target=search, daemon=True) for _ in range(searchers)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    try:
        while (left := started + seconds - time.perf_counter()) > 0:
            ended.wait(min(left, _SAID_EVERY))
            watch(f"{len(found.seconds)} searches, {found.incomplete} incomplete")
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    found.lasted = time.perf_counter() - started
    return found
