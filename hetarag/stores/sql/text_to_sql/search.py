"""The search of the SQL store: link, choose tables, find rows, compute answers, rank."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa

from hetarag import ids
from hetarag.stores.sql.schema import tables
from hetarag.stores.sql.statement_text import TableText
from hetarag.stores.sql.text_to_sql.answers import Candidate, Found, answers
from hetarag.stores.sql.text_to_sql.question_items import Item, read_items
from hetarag.stores.sql.text_to_sql.rows import named_rows
from hetarag.stores.sql.text_to_sql.schema_linking import CellLink, Question, TableWords, link_cells
from hetarag.stores.sql.text_to_sql.wordlists import SYNONYMS
from hetarag.types import TableInfo

_CANDIDATES = 40
_TABLES_WITH_ROWS = 8
_TABLES_SHOWN = 5
_WHOLE = f"SELECT physical FROM {tables.name} WHERE digest <> '' AND"  # noqa: S608  our own
_LEAST = 0.2  # of the question's weight, below which a link may be chance
_STRENGTH = {"table": 1.0, "cell": 1.0, "number": 1.0, "column": 0.8, "title": 0.9}


class TableSearch:
    """Answers questions from the tables of one database."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str, str], TableWords] = {}

    def find(
        self, connection: sa.Connection, text: str, visible: Sequence[TableInfo]
    ) -> list[Found]:
        """Return what the visible tables say to a question, in no particular order."""
        question = Question.of(text)
        by_number = {info.number: info for info in visible}
        if not question.words or not by_number:
            return []
        links = link_cells(connection, question, by_number)
        candidates = _present(connection, self._candidates(question, visible, links))
        weights = _weights(question, candidates, len(visible))
        for candidate in candidates:
            candidate.score = _score(candidate.items, weights)
        candidates.sort(key=lambda c: (-c.score, c.info.id))
        found = _tables(candidates)
        found += _rows(connection, candidates, weights)
        found += answers(connection, candidates)
        return _best(found)

    def _candidates(
        self, question: Question, visible: Iterable[TableInfo], links: Sequence[CellLink]
    ) -> list[Candidate]:
        by_table: dict[int, list[CellLink]] = {}
        for link in links:
            by_table.setdefault(link.table, []).append(link)
        stems = question.stems.union(*(g for g in SYNONYMS if g & question.stems))
        rough = []
        for info in visible:
            words = self._words(info)
            own = by_table.get(info.number, [])
            if own or not words.every.isdisjoint(stems):
                named = {(link.first, link.last) for link in own}
                rough.append((len(words.every & stems) + len(named), words, own))
        rough.sort(key=lambda entry: (-entry[0], entry[1].info.id))
        return [
            Candidate(words, read_items(question, words, own), own)
            for _, words, own in rough[:_CANDIDATES]
        ]

    def _words(self, info: TableInfo) -> TableWords:
        key = (info.number, info.title, info.name)
        known = self._known.get(key)
        if known is None or known.info != info:
            if len(self._known) > 20_000:
                self._known.clear()
            known = self._known[key] = TableWords.of(info)
        return known


def _present(connection: sa.Connection, candidates: list[Candidate]) -> list[Candidate]:
    """Leave out tables that are just being written, replaced or dropped.

    The catalogue may be ahead of the database, and behind it.
    """
    if not candidates:
        return []
    names = tuple(candidate.info.physical for candidate in candidates)
    wanted = TableText.of(connection.dialect).among(_WHOLE, tables.c.physical.name, names)
    present = {line[0] for line in connection.exec_driver_sql(wanted, names)}
    return [candidate for candidate in candidates if candidate.info.physical in present]


def _weights(question: Question, candidates: Sequence[Candidate], tables: int) -> dict[int, float]:
    """Weigh each word of the question: the fewer tables it links to, the more it tells."""
    linked = dict.fromkeys(range(len(question.words)), 0)
    weighty: set[int] = set()
    for candidate in candidates:
        for item in candidate.items:
            places = range(item.first, item.last)
            if item.role not in ("filler", "operation"):
                weighty.update(p for p in places if not question.words[p].stop)
            if _links(item):
                for place in places:
                    linked[place] += 1
    return {place: math.log(1 + tables / max(linked[place], 0.5)) for place in sorted(weighty)}


def _links(item: Item) -> bool:
    if item.role == "number":
        return bool(item.values)
    return item.role in _STRENGTH


def _score(items: Sequence[Item], weights: Mapping[int, float]) -> float:
    """Return the share of the question's weight that the items explain."""
    total = sum(weights.values())
    said = sum(_said(item, weights) for item in items)
    return said / total if total else 0.0


def _said(item: Item, weights: Mapping[int, float]) -> float:
    if not _links(item):
        return 0.0
    weight = sum(weights.get(place, 0.0) for place in range(item.first, item.last))
    return weight * _STRENGTH[item.role] * item.share


def _tables(candidates: Sequence[Candidate]) -> list[Found]:
    """Return the tables that the question's words speak of."""
    return [
        Found(candidate.info.id, candidate.score / 2)
        for candidate in candidates[:_TABLES_SHOWN]
        if candidate.score >= _LEAST and _speaks_of(candidate.items)
    ]


def _speaks_of(items: Sequence[Item]) -> bool:
    """Tell whether more than one column's name speaks for a table."""
    columns = [item for item in items if item.role == "column"]
    return len(columns) > 1 or any(i.values or i.role in ("table", "title") for i in items)


def _rows(
    connection: sa.Connection, candidates: Sequence[Candidate], weights: Mapping[int, float]
) -> list[Found]:
    """Return the rows whose cells the question names."""
    total = sum(weights.values())
    found = []
    for candidate in [c for c in candidates if c.links][:_TABLES_WITH_ROWS]:
        rows = named_rows(connection, candidate.info, candidate.items, candidate.links)
        alike = Counter(row.items for row in rows)
        for row in rows:
            said = sum(
                _said(item, weights)
                for place, item in enumerate(candidate.items)
                if place in row.items or not item.values
            )
            score = said / total if total else 0.0
            if score >= _LEAST:
                certain = 0.9 / (1 + 0.12 * math.log2(alike[row.items]))
                found.append(Found(ids.row_id(candidate.info.number, row.number), score * certain))
    best = max((row.score for row in found), default=0.0)
    return [row for row in found if row.score >= best * 0.6]


def _best(found: Iterable[Found]) -> list[Found]:
    """Return each id once, with its best score."""
    best: dict[str, Found] = {}
    for hit in found:
        known = best.get(hit.id)
        if known is None or hit.score > known.score:
            best[hit.id] = hit
    return list(best.values())
