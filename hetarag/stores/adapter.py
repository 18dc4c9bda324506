"""What every adapter does at its border: clear errors, deadlines, sound input, ranked hits."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hetarag.config import redact
from hetarag.errors import HetaRAGError, StoreError, StoreTimeoutError
from hetarag.text import encodable
from hetarag.types import EvidenceKind, Filter, Hit, Record, SearchResult, StoreKind


@contextmanager
def translated(store: StoreKind, action: str, advice: str) -> Iterator[None]:
    """Turn whatever an engine raises into a `StoreError` that says what to do next.

    Panics of Rust engines are no `Exception`; they are recognised by their name.
    """
    try:
        yield
    except HetaRAGError:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        reason = redact(" ".join(str(error).split()))[:500] or type(error).__name__
        raise StoreError(store, f"could not {action}: {reason}; {advice}") from error


def check_deadline(store: StoreKind, deadline: float | None) -> None:
    """Raise `StoreTimeoutError` when `deadline`, a `time.monotonic()` value, has passed."""
    if deadline is not None and time.monotonic() >= deadline:
        raise StoreTimeoutError(
            store, "no answer within the deadline; allow more with the setting search.deadline"
        )


@contextmanager
def lock_until(lock: threading.Lock, store: StoreKind, deadline: float | None) -> Iterator[None]:
    """Hold `lock`, waiting no longer than until `deadline`."""
    wait = -1.0 if deadline is None else max(0.0, deadline - time.monotonic())
    if not lock.acquire(timeout=wait):
        check_deadline(store, deadline)
        raise StoreTimeoutError(store, "it is busy writing; ask again")
    try:
        yield
    finally:
        lock.release()


def dedupe_by_id(
    store: StoreKind, accepts: frozenset[EvidenceKind], records: Iterable[Record]
) -> dict[str, Record]:
    """Return the records by id, the last of those with the same id."""
    found = {record.id: record for record in records}
    for record in found.values():
        if record.kind not in accepts:
            raise StoreError(
                store,
                f"takes no evidence of kind {record.kind!r} ({record.id}); "
                f"send it only {', '.join(sorted(accepts))}",
            )
    return found


def sees_nothing(restriction: Filter) -> bool:
    """Tell whether no record can pass: the filter names an empty set of documents."""
    return restriction.documents is not None and not restriction.documents


def encodable_filter(restriction: Filter) -> Filter:
    """Return `restriction` with its names as a store that calls `encodable` holds them."""
    return Filter(
        frozenset(map(encodable, restriction.collections)),
        None if restriction.documents is None else frozenset(restriction.documents),
        None if restriction.tags is None else frozenset(map(encodable, restriction.tags)),
    )


def ranked(store: StoreKind, scored: Iterable[tuple[str, float]], k: int) -> SearchResult[Hit]:
    """Return the k best of (id, score) as hits; equal scores in the order of their ids."""
    best = sorted(scored, key=lambda pair: (-pair[1], pair[0]))[:k]
    return SearchResult(
        tuple(
            Hit(store, identifier, rank, score) for rank, (identifier, score) in enumerate(best, 1)
        )
    )


def top_k_is_stable(scores: Sequence[float], k: int, asked: int) -> bool:
    """Tell whether the k best are certain: engines cut a run of equal scores anywhere.

    `scores` are what an engine gave, best first, when `asked` for that many. They are certain when
    it gave all it has, or when the k-th is better than the last.
    """
    return len(scores) < asked or scores[k - 1] > scores[-1]


def prepare(store: StoreKind, folder: Path) -> None:
    """Make the folder of an embedded store."""
    with translated(store, f"make the folder {folder}", "choose a place that can be written to"):
        folder.mkdir(parents=True, exist_ok=True)
