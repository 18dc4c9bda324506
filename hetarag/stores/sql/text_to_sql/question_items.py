"""A question read against one table: which words name what, each word in one role only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from hetarag.stores.sql.text_to_sql.operations import Operation
from hetarag.stores.sql.text_to_sql.schema_linking import (
    CellLink,
    NameLink,
    Question,
    TableWords,
    link_names,
)
from hetarag.stores.sql.text_to_sql.tokens import Token
from hetarag.stores.sql.text_to_sql.wordlists import FILLERS, SYNONYMS
from hetarag.types import Cell

Role = Literal["operation", "table", "column", "cell", "number", "title", "filler", "unknown"]


@dataclass(slots=True)
class Item:
    """Some neighbouring words and their role.

    `ordinals` are the columns named (several: unclear which), or holding the value; `values` what
    the cells are as they stand, per column; `share` how much of the name was said.
    """

    role: Role
    first: int
    last: int
    ordinals: tuple[int, ...] = ()
    share: float = 1.0
    values: dict[int, tuple[Cell, ...]] = field(default_factory=dict)
    operation: Operation | None = None
    number: float | None = None
    text: str = ""
    stems: frozenset[str] = frozenset()
    used: bool = False

    def asks(self, *kinds: str) -> bool:
        """Tell whether this is an operation of one of these kinds."""
        return self.operation is not None and self.operation.kind in kinds


# Which role wins for the same words; an exact name counts as more than a cell, a part as less.
_ORDER: dict[Role, int] = {
    "operation": 0,
    "table": 1,
    "column": 2,
    "number": 3,
    "cell": 4,
    "title": 6,
    "filler": 7,
    "unknown": 8,
}
_PART_OF_NAME = 5
_CONFUSABLE = ("aggregate", "extreme", "common", "count")


def read_items(question: Question, table: TableWords, cells: Sequence[CellLink]) -> list[Item]:
    """Give each word of the question its role with respect to `table`, in the question's order."""
    candidates = [
        *_operations(question),
        *_names(question, link_names(question, table)),
        *_cells(question, cells),
        *_single_words(question.words, table),
    ]
    named = {
        (item.first, item.last): item.ordinals
        for item in candidates
        if item.role == "column" and item.share == 1
    }
    candidates.sort(key=lambda item: (item.first - item.last, _rank(item), item.first))
    taken: list[Item | None] = [None] * len(question.words)
    chosen = []
    for item in candidates:
        if all(taken[place] is None for place in range(item.first, item.last)):
            taken[item.first : item.last] = [item] * (item.last - item.first)
            chosen.append(item)
            if (item.first, item.last) in named and item.asks(*_CONFUSABLE):
                item.operation = Operation("refuse")  # "average" where a column is called so
            if item.role == "table":  # "salary" may be the table's name and a column's
                item.ordinals = named.get((item.first, item.last), ())
    return sorted(chosen, key=lambda item: item.first)


def _rank(item: Item) -> int:
    if item.role in ("table", "column") and item.share < 1:
        return _PART_OF_NAME
    if item.asks("refuse"):
        return _ORDER["column"] + 1
    return _ORDER[item.role]


def _operations(question: Question) -> Iterator[Item]:
    for first, last, operation in question.operations:
        text = question.words[first].text
        yield Item("operation", first, last, operation=operation, text=text)


def _names(question: Question, links: Sequence[NameLink]) -> Iterator[Item]:
    for link in links:
        role: Role = "column" if link.ordinals else "table"
        stems = frozenset(word.stem for word in question.words[link.first : link.last])
        yield Item(role, link.first, link.last, link.ordinals, link.share, stems=stems)


def _cells(question: Question, links: Sequence[CellLink]) -> Iterator[Item]:
    grouped: dict[tuple[int, int], dict[int, dict[Cell, None]]] = {}
    for link in links:
        by_column = grouped.setdefault((link.first, link.last), {})
        by_column.setdefault(link.ordinal, {})[link.value] = None
    for (first, last), by_column in grouped.items():
        words = question.words[first:last]
        if len(words) == 1 and (len(words[0].text) < 2 or words[0].text in FILLERS):
            continue
        values = {ordinal: tuple(found) for ordinal, found in by_column.items()}
        number = words[0].number if len(words) == 1 else None
        role: Role = "cell" if number is None else "number"
        yield Item(role, first, last, tuple(values), values=values, number=number)


def _single_words(words: Sequence[Token], table: TableWords) -> Iterator[Item]:
    for place, word in enumerate(words):
        yield _plain(place, word, table)


def _plain(place: int, word: Token, table: TableWords) -> Item:
    """Return the role of a word that links to nothing by itself."""
    here = Item("unknown", place, place + 1, text=word.text)
    titled = word.stem in table.title or word.stem in table.name
    if word.number is not None and not (titled and len(word.text) > 2):
        here.role, here.number = "number", word.number
    elif word.stop or word.text in FILLERS or (place == 0 and word.text == "name"):
        here.role = "filler"
    elif place and word.stem in ("name", "titl") and (label := table.label()) is not None:
        here.role, here.ordinals, here.share = "column", (label,), 0.9
    elif ordinals := _synonymous(word, table):
        here.role, here.ordinals, here.share = "column", ordinals, 0.9
    elif titled:
        here.role = "title"
    return here


def _synonymous(word: Token, table: TableWords) -> tuple[int, ...]:
    if any(word.stem in column for column in table.columns):
        return ()
    for group in SYNONYMS:
        if word.stem in group:
            return tuple(i for i, column in enumerate(table.columns) if column & group)
    return ()
