"""Computed answers: the one table and the one reading of a question that stand out, if they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import sqlalchemy as sa

from hetarag import ids
from hetarag.stores.sql.text_to_sql.plan import Plan
from hetarag.stores.sql.text_to_sql.planning import make_plan, plan_fragment
from hetarag.stores.sql.text_to_sql.question_items import Item
from hetarag.stores.sql.text_to_sql.schema_linking import CellLink, TableWords
from hetarag.stores.sql.text_to_sql.statements import Computed, compute
from hetarag.types import QueryResult, TableInfo

_MARGIN = 0.25
_CERTAIN = 1.0
_ROW_OF_ANSWER = 0.95
_FRAGMENT = 0.6
_MOST_ROWS = 5


class Found(NamedTuple):
    """One answer before ranking."""

    id: str
    score: float
    payload: QueryResult | None = None


@dataclass(slots=True)
class Candidate:
    """A table that the question may speak of, and how its words read against it."""

    words: TableWords
    items: list[Item]
    links: list[CellLink]
    score: float = 0.0

    @property
    def info(self) -> TableInfo:
        """The table."""
        return self.words.info


def answers(connection: sa.Connection, candidates: Sequence[Candidate]) -> list[Found]:
    """Return the computed answer, if one table and one reading of the question stand out."""
    planned = []
    named = _places_of_names(candidates)
    for candidate in candidates:
        if not _grounded(candidate.items) or _speaks_of_another(candidate, named):
            continue
        plan = make_plan(candidate.words, candidate.items)
        if plan is not None:
            planned.append((_evidence(candidate.items), plan))
    planned.sort(key=lambda pair: -pair[0])
    if not planned:
        return _of_fragments(connection, candidates, named)
    if len(planned) > 1 and planned[0][0] - planned[1][0] < _MARGIN:
        return []
    computed = _run(connection, planned[0][1])
    if computed is None:
        return []
    result, table = computed.result, planned[0][1].table
    found = [Found(ids.query_id(f"{result.statement}\n{table.id}"), _CERTAIN, result)]
    if len(computed.rows) <= _MOST_ROWS:
        found += [Found(ids.row_id(table.number, row), _ROW_OF_ANSWER) for row in computed.rows]
    return found


def _of_fragments(
    connection: sa.Connection, candidates: Sequence[Candidate], named: set[int]
) -> list[Found]:
    """Return the rows that a superlative inside the question speaks of."""
    plans = [
        plan
        for candidate in candidates
        if not _speaks_of_another(candidate, named)
        and (plan := plan_fragment(candidate.words, candidate.items)) is not None
    ]
    if len(plans) != 1:
        return []
    computed = _run(connection, plans[0])
    rows = computed.rows if computed is not None else ()
    return [Found(ids.row_id(plans[0].table.number, row), _FRAGMENT) for row in rows]


def _run(connection: sa.Connection, plan: Plan) -> Computed | None:
    try:
        return compute(connection, plan)
    except (sa.exc.DataError, sa.exc.OperationalError) as error:
        if "overflow" in str(error.orig) or "out of range" in str(error.orig):
            return None  # a sum beyond the engine's numbers
        raise


def _places_of_names(candidates: Sequence[Candidate]) -> set[int]:
    """Return the places of words that name some table in full."""
    return {
        place
        for candidate in candidates
        for item in candidate.items
        if item.role == "table" and item.share == 1
        for place in range(item.first, item.last)
    }


def _speaks_of_another(candidate: Candidate, named: set[int]) -> bool:
    """Tell whether words that this table takes for less are the full name of another one.

    Then the question joins tables: "singer" is a part of this table's title, or a column of keys.
    """
    parts = frozenset[str]().union(
        *(item.stems for item in candidate.items if item.role == "table")
    )
    for item in candidate.items:
        if named.isdisjoint(range(item.first, item.last)):
            continue
        if item.role == "title" or (item.role == "table" and parts != candidate.words.name):
            return True
        if item.role == "column" and any(
            candidate.info.columns[ordinal].type == "integer" for ordinal in item.ordinals
        ):
            return True
    return False


def _grounded(items: Sequence[Item]) -> bool:
    """Tell whether it is beyond chance that the question speaks of this table."""
    if any(item.role in ("table", "title") for item in items):
        return True
    columns = [i for i in items if (i.role == "column" and i.share == 1) or i.asks("measure")]
    return len(columns) > 1 or bool(columns and any(item.values for item in items))


def _evidence(items: Sequence[Item]) -> float:
    """Add up how strongly the words speak for this table among others."""
    total = 0.0
    for item in items:
        size = item.last - item.first
        if item.role == "table":
            total += 2.0 * item.share + len(item.stems)
        elif item.role == "column":
            total += 1.5 * item.share
        elif item.role == "title":
            total += 1.0
        elif item.values:
            total += 1.5 + 0.5 * (size - 1)
    return total
