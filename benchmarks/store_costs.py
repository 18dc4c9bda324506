"""`python -m benchmarks stores`: each adapter to a server beside its bare driver, in one run.

Both write the same records in the same batches, and are asked the same questions, in turn; which of
them goes first changes with each batch and question. The first batch and the first question are not
counted, as they make indices and connections.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.bare_drivers import BARE, BareSql
from benchmarks.parity import embedded, on_servers, rows_through_sql
from hetarag import HetaRAG
from hetarag.config import Settings, settings_of
from hetarag.errors import InputError
from hetarag.eval.retrieval import take_in
from hetarag.protocols import Embedder, Store
from hetarag.stores.registry import StoreOptions, open_store
from hetarag.types import Filter, Query, Record, StoreKind

K = 50
BATCH = 512
TABLES = 20  # of one batch: they are few and large

Watch = Callable[[str], None]


@dataclass(slots=True)
class StoreCosts:
    """Seconds of each counted batch and question, of the adapter and of the bare driver."""

    store: StoreKind
    engine: str = ""
    records: int = 0
    writes: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    searches: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))

    def row(self) -> dict[str, Any]:
        """Return the figures; rates in records a second, times in ms."""
        found: dict[str, Any] = {
            "store": self.store,
            "engine": self.engine,
            "records": self.records,
        }
        ours, theirs = (sum(times) for times in self.writes)
        if ours and theirs:
            found |= {
                "records a second": self.records / ours,
                "bare": self.records / theirs,
                "of the bare rate (target 0.85)": theirs / ours,
            }
        if self.searches[0]:
            (p50, p95), (bare50, bare95) = (
                np.quantile(times, [0.5, 0.95]) * 1000 for times in self.searches
            )
            found |= {
                "search p50 / p95, ms": f"{p50:.1f} / {p95:.1f}",
                "bare p50 / p95, ms": f"{bare50:.1f} / {bare95:.1f}",
                "of the bare p50 (target 1.2)": float(p50 / bare50),
            }
        return found


def measure_adapters(
    *,
    corpus: Path,
    questions: Sequence[str],
    config: Path | Settings,
    folder: Path,
    tables: Path | None = None,
    table_questions: Sequence[str] = (),
    embedder: Embedder | None = None,
    watch: Watch = lambda _doing: None,
) -> list[StoreCosts]:
    """Measure every store that `config` has on a server; records come from an embedded knowledge base.

    That lies in `folder` and is used again. `tables` are for the SQL store, whose database must be
    empty. What was written to the servers is deleted at the end.

    Raises `InputError` when `config` names no server.
    """
    settings = settings_of(config, folder)
    kinds = [kind for kind in on_servers(settings) if kind != "sql" or tables is not None]
    if not kinds:
        raise InputError(
            "no store of the settings is on a server (for sql give --tables as well): give --config "
            "a file whose [stores] name some (docs/how-to/servers.md)"
        )
    found = []
    with (
        HetaRAG.open(folder, embedded(rows_through_sql(settings)), embedder=embedder) as rag,
        TemporaryDirectory(prefix="hetarag-bench-") as scratch,
    ):
        take_in(rag, [corpus, *([tables] if tables else [])])
        for kind in kinds:
            address = getattr(settings.stores, kind)
            texts = table_questions if kind == "sql" else questions
            asked = [_query(rag, text) for text in texts]
            found.append(_measured(rag, kind, address, asked, Path(scratch), watch))
    return found


def _query(rag: HetaRAG, text: str) -> Query:
    return Query(
        text,
        vector=rag.embedder.embed_query(text),
        entities=rag._parts.linker.link(text),
        filter=Filter(tags=None),
    )


def _measured(
    rag: HetaRAG, kind: StoreKind, address: str, asked: Sequence[Query], scratch: Path, watch: Watch
) -> StoreCosts:
    # A database belongs to one knowledge base for good, so the benchmark's has one name.
    prefix = "hetarag-bench" if kind == "sql" else f"hetarag-bench-{uuid.uuid4().hex[:8]}"
    options = StoreOptions(rag.embedder.dimension, prefix, rag._parts.catalogue)
    own = scratch / kind
    own.mkdir()
    store = open_store(kind, address, own, options)
    costs = StoreCosts(kind)
    try:
        bare = BARE[kind](address, prefix, store, own / "bare")
        try:
            health = store.health()
            costs.engine = health.engine
            _write(rag, kind, store, bare, costs, watch)
            _search(store, bare, asked, costs, watch)
        finally:
            bare.drop()
    finally:
        store.close()
    return costs


def _write(
    rag: HetaRAG, kind: StoreKind, store: Store, bare: Any, costs: StoreCosts, watch: Watch
) -> None:
    size = TABLES if kind == "sql" else BATCH
    together = (record for part in rag._parts.checker.records(kind) for record in part)
    for number, batch in enumerate(iter(lambda: _whole(rag, islice(together, size)), [])):
        seconds = _pair(
            lambda b=batch: store.apply(b),  # type: ignore[misc]
            lambda b=batch: bare.write(b),  # type: ignore[misc]
            bare,
            number,
            lambda b=batch: store.delete([record.id for record in b]),  # type: ignore[misc]
        )
        watch(f"{kind}: batch {number + 1}")
        if number:
            costs.records += len(batch)
            for times, value in zip(costs.writes, seconds, strict=True):
                times.append(value)


def _search(
    store: Store, bare: Any, asked: Sequence[Query], costs: StoreCosts, watch: Watch
) -> None:
    for number, query in enumerate(asked):
        seconds = _pair(
            lambda q=query: store.search(q, K),  # type: ignore[misc]
            lambda q=query: bare.search(q, K),  # type: ignore[misc]
            bare,
            number,
            lambda q=query: bare.rehearse(q),  # type: ignore[misc]
        )
        if number:
            for times, value in zip(costs.searches, seconds, strict=True):
                times.append(value)
    watch(f"{costs.store}: {len(asked)} questions")


def _pair(
    ours: Callable[[], Any],
    theirs: Callable[[], Any],
    bare: Any,
    number: int,
    between: Callable[[], Any],
) -> tuple[float, float]:
    """Time both, the one or the other first.

    What replays the adapter's statements follows it, after `between`.
    """
    if isinstance(bare, BareSql):
        with bare.listening():
            mine = _timed(ours)
        between()
        return mine, _timed(theirs)
    if number % 2:
        other = _timed(theirs)
        return _timed(ours), other
    mine = _timed(ours)
    return mine, _timed(theirs)


def _timed(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _whole(rag: HetaRAG, records: Iterable[Record]) -> list[Record]:
    """Return records, those of tables with their rows, which the SQL store alone holds."""
    held = rag._parts.stores.tables()
    return [
        replace(record, rows=held.rows(table, 1, table.row_count))
        if held is not None and (table := record.table) is not None
        else record
        for record in records
    ]
