"""`python -m benchmarks parity`: the same corpus on the embedded engines and on servers, ranking by ranking.

Both knowledge bases are asked the same questions in turn. Graph, vector and SQL must rank alike: the
same evidence at each place, where evidence of equal score may change places. Full text goes by the
overlap of the first ten, since the engines stem differently; how much of the rest that explains is
measured by `parity_stems.overlaps`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hetarag import HetaRAG
from hetarag.config import DEFAULT_COLLECTION, LedgerSettings, Settings, settings_of
from hetarag.errors import InputError
from hetarag.eval.datasets import Question, read_corpus, read_questions
from hetarag.eval.metrics import FIRST, overlap, retrieval_scores
from hetarag.eval.retrieval import DEPTH, asked_of, distinct_documents, take_in
from hetarag.eval.systems import PLAIN
from hetarag.protocols import Embedder
from hetarag.store_settings import EMBEDDED, StoreSettings
from hetarag.types import STORE_KINDS, RankedEvidence, StoreKind

PASSAGES, TABLES = DEFAULT_COLLECTION, "tables"
"""The collections of the corpus and of the tables."""
SIDES = ("embedded", "servers")
TOLERANCE = 1e-5
"""Scores of one piece of evidence that differ by less than this share of them are equal."""

_HERE = (EMBEDDED, "none")

Key = tuple[str, str, int | None, str | None, int | None]
"""What identifies evidence in both knowledge bases: document, kind, start, table, row."""


@dataclass(slots=True)
class StoreParity:
    """One store on both sides: what it is on the servers' side and how alike the rankings are."""

    store: StoreKind
    engine: str
    equal: list[bool] = field(default_factory=list)
    overlap: list[float] = field(default_factory=list)
    seconds: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    differing: list[str] = field(default_factory=list)
    empty: int = 0
    """Questions for which neither side found anything: equal, but no evidence of it."""


@dataclass(frozen=True, slots=True)
class Parity:
    """What came of it: a comparison per kind of store, and the plane's figures on either side."""

    stores: Sequence[StoreParity]
    plane: Mapping[str, Mapping[str, float]]
    """"embedded" and "servers" → Recall@5, p50 in ms, share of equal first fives."""
    stems: tuple[float, float] | None
    """Overlap@10 of full text with words as they are and with stems as numbers; None: not asked."""
    documents: int


def measure_parity(
    *,
    corpus: Path,
    questions: Path,
    config: Path | Settings,
    folder: Path,
    tables: Path | None = None,
    table_questions: Path | None = None,
    limit: int | None = None,
    stems: bool = False,
    embedder: Embedder | None = None,
) -> Parity:
    """Ingest the corpus on both sides, below `folder`, and ask both the same questions.

    `config` names the servers; all its other settings hold on both sides. `tables` (a file or a folder)
    go into a collection of their own, for the SQL store and `table_questions` alone. Run again, both
    sides are used as they are.

    Raises `InputError` when `config` names no server, or a corpus cannot be taken in whole.
    """
    given = settings_of(config, folder)
    settings = rows_through_sql(given)
    kinds = on_servers(settings)
    if not kinds:
        raise InputError(
            "no store of the settings is on a server, so there is nothing to compare: give --config "
            "a file whose [stores] name some (docs/how-to/servers.md)"
        )
    asked, _ = asked_of(questions, limit, 0)
    rows = read_questions(table_questions, limit) if tables and table_questions else []
    with (
        HetaRAG.open(folder / "embedded", embedded(settings), embedder=embedder) as one,
        HetaRAG.open(folder / "servers", settings, embedder=embedder) as other,
    ):
        for rag in (one, other):
            take_in(rag, [corpus], PASSAGES)
            if tables is not None:
                take_in(rag, [tables], TABLES)
        found = []
        for kind in kinds:
            by_table = kind == "sql"
            texts = [question.text for question in (rows if by_table else asked)]
            if texts:
                collection = TABLES if by_table else PASSAGES
                found.append(compare_store(one, other, kind, texts, collection))
        plane = compare_plane(one, other, asked)
        documents = len(other.documents(collection=PASSAGES))
    explained = None
    if stems and "fulltext" in kinds:
        from benchmarks.parity_stems import overlaps

        texts = [question.text for question in asked]
        explained = overlaps(read_corpus(corpus), texts, settings.stores.fulltext)
    return Parity(found, dict(zip(SIDES, plane, strict=True)), explained, documents)


def on_servers(settings: Settings) -> list[StoreKind]:
    """Return the kinds of store that these settings have on a server."""
    return [kind for kind in STORE_KINDS if getattr(settings.stores, kind) not in _HERE]


def rows_through_sql(settings: Settings) -> Settings:
    """Return `settings` without rows among the vectors: to embed them takes longer than all the rest."""
    ingest = settings.ingest.model_copy(update={"embed_rows": 0})
    return settings.model_copy(update={"ingest": ingest})


def embedded(settings: Settings) -> Settings:
    """Return `settings` with the ledger and every store that it has embedded."""
    stores = {
        kind: "none" if place == "none" else EMBEDDED
        for kind, place in settings.stores.model_dump().items()
    }
    return settings.model_copy(
        update={"ledger": LedgerSettings(), "stores": StoreSettings(**stores)}
    )


def compare_store(
    one: HetaRAG, other: HetaRAG, kind: StoreKind, questions: Sequence[str], collection: str
) -> StoreParity:
    """Ask one kind of store for the first ten on both sides, in turn."""
    found = StoreParity(kind, other.status().stores[kind].engine)
    for question in questions:
        lists = []
        for side, rag in enumerate((one, other)):
            started = time.perf_counter()
            result = rag.search(
                question,
                2 * FIRST,
                stores=[kind],
                access="all",
                collections=[collection],
                settings=PLAIN,
            )
            found.seconds[side].append(time.perf_counter() - started)
            lists.append(scored(result.hits, kind))
        found.empty += not any(lists)
        same = same_ranking(lists[0], lists[1])
        found.equal.append(same)
        found.overlap.append(overlap(*(list(scores)[:FIRST] for scores in lists)))
        if not same:
            found.differing.append(question)
    return found


def compare_plane(
    one: HetaRAG, other: HetaRAG, questions: Sequence[Question]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the plane's figures on each side: Recall@5, its p50, and equal first fives."""
    ranked: tuple[dict[str, list[str]], dict[str, list[str]]] = ({}, {})
    seconds: tuple[list[float], list[float]] = ([], [])
    for question in questions:
        for side, rag in enumerate((one, other)):
            started = time.perf_counter()
            result = rag.search(question.text, DEPTH, access="all", collections=[PASSAGES])
            seconds[side].append(time.perf_counter() - started)
            ranked[side][question.id] = distinct_documents(result)
    gold = {question.id: question.supporting for question in questions}
    alike = [ranked[0][q][:5] == ranked[1][q][:5] for q in gold]
    rows = []
    for side in range(2):
        recall = retrieval_scores(gold, ranked[side])["recall@5"]
        rows.append(
            {
                "recall@5": float(np.mean(list(recall.values()))),
                "p50 ms": float(np.median(seconds[side]) * 1000),
                "same first five": float(np.mean(alike)),
            }
        )
    return rows[0], rows[1]


def scored(hits: Sequence[RankedEvidence], kind: StoreKind) -> dict[Key, float]:
    """Return the score that the store gave each piece of evidence, in its own order."""
    found = {
        (e.document, e.kind, e.start, e.table, e.row): (hit.rank, hit.score)
        for e in hits
        for hit in e.hits
        if hit.store == kind
    }
    return {key: score for key, (_, score) in sorted(found.items(), key=lambda item: item[1][0])}


def same_ranking(one: Mapping[Key, float], other: Mapping[Key, float], first: int = FIRST) -> bool:
    """Tell whether the first places hold the same evidence, or evidence of equal score.

    Both lists go deeper than `first`. What one of them lacks counts as equal only where that list ends
    in a run of equal scores, which may go on below its end.
    """
    if min(len(one), first) != min(len(other), first):
        return False
    for mine, theirs in zip([*one][:first], [*other][:first], strict=True):
        if mine == theirs:
            continue
        for scores, a, b in ((one, mine, theirs), (other, theirs, mine)):
            # The last score stands for what fell off the end beside its equals.
            if not _equal(scores[a], scores.get(b, [*scores.values()][-1])):
                return False
    return True


def row_of(found: StoreParity) -> dict[str, Any]:
    """Return a store's figures as a row of the table: shares, and milliseconds."""
    ours, theirs = (float(np.median(times) * 1000) for times in found.seconds)
    return {
        "store": found.store,
        "on servers": found.engine,
        "questions": len(found.equal),
        "without a hit": found.empty,
        "equal first tens": float(np.mean(found.equal)),
        "overlap@10": float(np.mean(found.overlap)),
        "p50 ms, embedded": ours,
        "p50 ms, servers": theirs,
    }


def plane_rows(plane: Mapping[str, Mapping[str, float]]) -> list[dict[str, Any]]:
    """Return the plane's figures as rows, one for each side."""
    return [{"plane": side, **figures} for side, figures in plane.items()]


def _equal(one: float, other: float) -> bool:
    return abs(one - other) <= TOLERANCE * max(abs(one), abs(other), 1e-9)
