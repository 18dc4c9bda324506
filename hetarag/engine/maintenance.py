"""Status, repair, reindexing and moving of a knowledge base."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from hetarag.config import redact
from hetarag.engine.components import Components
from hetarag.engine.progress import Watcher
from hetarag.errors import FingerprintError
from hetarag.ledger.reading.documents import counts
from hetarag.ledger.writing.copying import copy_ledger, unstage_tables
from hetarag.ledger.writing.reindexing import outdated, owe_vectors, stored_documents
from hetarag.protocols import Store
from hetarag.types import Difference, Health, IngestReport, KnowledgeBaseInfo, StoreInfo


def status(folder: Path, parts: Components) -> KnowledgeBaseInfo:
    """Return counts, what each store is owed, and each store's health."""
    owed = parts.outbox.owed()
    configs = parts.settings.stores.named()
    stores = {}
    for name, opener in parts.stores.openers.items():
        health, seconds = _health(opener)
        stores[name] = StoreInfo(
            kind=configs[name].kind,
            ok=health.ok,
            engine=health.engine,
            address=redact(configs[name].url),
            latency_ms=round(seconds * 1000, 1),
            records=health.count,
            owed=owed.get(name, 0),
            detail=health.detail,
        )
    return KnowledgeBaseInfo(
        folder=str(folder),
        ledger=redact(parts.settings.ledger.url),
        **counts(parts.ledger),
        embedder=parts.ledger.get("embedder"),
        splitter=parts.ledger.get("splitter"),
        stores=stores,
    )


def repair(parts: Components) -> list[Difference]:
    """Deliver what is owed, mend what differs, and return what is left."""
    parts.outbox.release()
    parts.outbox.drain()
    return parts.checker.repair()


def reindex(parts: Components, watch: Watcher) -> IngestReport:
    """Bring everything to the embedder, splitter and extractor of the settings."""
    ledger = parts.ledger
    fingerprint = parts.embedder.fingerprint
    if ledger.get("embedder") != fingerprint:
        owe_vectors(ledger, parts.writer, fingerprint, parts.stores.taking_vectors())
    splitter = parts.pipeline.splitter_fingerprint
    old = outdated(ledger, splitter, parts.extractor.fingerprint)
    with ledger.writing() as connection:
        ledger.put(connection, "splitter", splitter)
    stored = stored_documents(ledger, parts.catalogue, parts.stores.tables(), [g for _, g in old])
    return parts.pipeline.rebuild(stored, watch)


def copy(source: Components, target: Components) -> list[Difference]:
    """Bring all that `source` holds into `target`, which must be empty; then verify.

    Nothing is parsed or embedded again. Run again after a failure it goes on with `repair`.

    Raises:
        InputError: the target holds documents, or the source still owes its stores something.
        FingerprintError: the two have different embedders.
    """
    made_with = source.ledger.get("embedder")
    if made_with is not None and made_with != target.embedder.fingerprint:
        raise FingerprintError(
            "the settings to move to name another embedder: move with the same one first, "
            "then change it and run `hetarag reindex`"
        )
    copy_ledger(source.ledger, target.ledger, source.catalogue, source.stores.tables())
    left = target.checker.repair()
    if all(difference.ok for difference in left):
        unstage_tables(target.ledger)
    return left


def _health(opener: Callable[[], Store]) -> tuple[Health, float]:
    """A store's health, and the seconds that it took; opening the store does not count."""
    started = time.perf_counter()
    try:
        store = opener()
        started = time.perf_counter()
        health = store.health()
    except Exception as error:
        health = Health(False, "", 0, str(error))
    return health, time.perf_counter() - started
