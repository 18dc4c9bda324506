"""Linking: which words of a question name tables, columns and cells.

Names of tables and columns are compared word by word after light stemming; cells are looked up in
the cell index under the question's phrases, all in one query.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import sqlalchemy as sa

from hetarag.stores.sql.cells import unpack
from hetarag.stores.sql.schema import KEY_LENGTH, ROW, cells
from hetarag.stores.sql.statement_text import TableText
from hetarag.stores.sql.text_to_sql.operations import OPERATIONS, Operation, operation_at
from hetarag.stores.sql.text_to_sql.tokens import (
    Token,
    inflections,
    name_stems,
    question_tokens,
    table_stems,
)
from hetarag.stores.sql.text_to_sql.wordlists import ALIASES
from hetarag.text import STOP_WORDS, phrases
from hetarag.types import Cell, TableInfo

_LONGEST_PHRASE = 10
_POSSESSIVE = 2  # the length of 's
_NAMES_AT_ONCE = 400
_TABLES_IN_STATEMENT = 400
_MOST_CELLS = 20_000
_NAMED = f"SELECT name, table_number, ordinal, {ROW}, occurrences, value FROM {cells.name} WHERE"  # noqa: S608  our own
_LABELS = ("name", "titl")
_NEEDED = frozenset(["id", "cod", "code", "number", "abbreviation", "average", "count"])
_OPERATION_STEMS = frozenset(word for phrase in OPERATIONS for word in phrase.split())


@dataclass(frozen=True, slots=True)
class TableWords:
    """The stems of a table's names; a column's are those that its table's name does not hold."""

    info: TableInfo
    name: frozenset[str]
    title: frozenset[str]
    columns: tuple[frozenset[str], ...]
    every: frozenset[str]

    @classmethod
    def of(cls, info: TableInfo) -> TableWords:
        """Take the names of a table apart."""
        name = frozenset(table_stems(info.name))
        columns = []
        for column in info.columns:
            own = frozenset(name_stems(column.name))
            columns.append((own - name) or own)
        title = frozenset(table_stems(info.title)) - name
        return cls(info, name, title, tuple(columns), name.union(title, *columns))

    def label(self) -> int | None:
        """Return the column that names the things the table is about: its first text column."""
        texts = [i for i, c in enumerate(self.info.columns) if c.type == "text"]
        for matches in (
            lambda stems: stems in [{word} for word in _LABELS],
            lambda stems: stems == self.name or (len(stems) == 1 and stems < self.name),
            lambda stems: bool(stems & set(_LABELS)),
        ):
            found = [i for i in texts if matches(self.columns[i])]
            if found:
                return found[0]
        return texts[0] if texts else None


class CellLink(NamedTuple):
    """Words first…last (exclusive) of the question name a cell's value in a column."""

    first: int
    last: int
    table: int
    ordinal: int
    value: Cell
    row: int
    occurrences: int


class NameLink(NamedTuple):
    """Words first…last (exclusive) of the question name columns, or the table (no ordinals).

    `share` is how much of the name they say; several ordinals mean that it is not clear which.
    """

    first: int
    last: int
    ordinals: tuple[int, ...]
    share: float


@dataclass(slots=True)
class Question:
    """A question taken apart."""

    text: str
    words: list[Token]
    stems: frozenset[str]
    phrases: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    operations: list[tuple[int, int, Operation]] = field(default_factory=list)

    @classmethod
    def of(cls, text: str) -> Question:
        """Take a question apart: words, and the phrases that may name a cell."""
        words = question_tokens(text)
        found = cls(text, words, frozenset(word.stem for word in words))
        texts = [word.text for word in words]
        for number in range(len(words)):
            known = operation_at(texts, number)
            if known is not None:
                found.operations.append((number, known[1], known[0]))
        starts = {word.start: i for i, word in enumerate(words)}
        begins = [word.start for word in words]
        for phrase in phrases(text[: words[-1].end] if words else "", _LONGEST_PHRASE):
            first, last = starts.get(phrase.start), bisect_left(begins, phrase.end)
            if first is None or phrase.key in STOP_WORDS:
                continue
            if words[last - 1].end > phrase.end + _POSSESSIVE:
                continue  # part of a number such as 1,200
            place = (first, last)
            others = (*ALIASES.get(phrase.key, ()), *inflections(phrase.key))
            for key in (phrase.key[:KEY_LENGTH], *others):
                places = found.phrases.setdefault(key, [])
                if place not in places:
                    places.append(place)
        return found


def link_cells(
    connection: sa.Connection, question: Question, visible: Mapping[int, TableInfo]
) -> list[CellLink]:
    """Look up the question's phrases in the cell index, in visible tables only."""
    names = list(question.phrases)
    numbers = list(visible)
    text = TableText.of(connection.dialect)
    lines: list[Any] = []
    for first in range(0, len(names), _NAMES_AT_ONCE):
        given: list[str | int] = [*names[first : first + _NAMES_AT_ONCE]]
        wanted = text.among(_NAMED, cells.c.name.name, given)
        if len(numbers) <= _TABLES_IN_STATEMENT:
            wanted = text.among(f"{wanted} AND", cells.c.table_number.name, numbers)
            given += numbers
        wanted = f"{wanted} ORDER BY id LIMIT {_MOST_CELLS}"
        lines += connection.exec_driver_sql(wanted, tuple(given)).all()
    return [
        CellLink(place[0], place[1], line[1], line[2], unpack(line[5]), line[3], line[4])
        for line in lines
        if line[1] in visible
        for place in question.phrases[line[0]]
    ]


def link_names(question: Question, table: TableWords) -> list[NameLink]:
    """Find the longest runs of words that name the table or its columns."""
    found = []
    for first, word in enumerate(question.words):
        if word.stem not in table.every:  # most words of most tables
            continue
        for ordinals, names in ((None, (table.name,)), (0, table.columns)):
            best = _best_run(question.words, first, names)
            if best is None:
                continue
            last, share, which = best
            found.append(NameLink(first, last, () if ordinals is None else which, share))
    return found


def _best_run(
    words: Sequence[Token], first: int, names: Iterable[frozenset[str]]
) -> tuple[int, float, tuple[int, ...]] | None:
    """Return (end, share, which) of the names that cover most words from `first` on."""
    best: tuple[int, float, tuple[int, ...]] | None = None
    for number, name in enumerate(names):
        run = _run(words, first, name)
        if run is None:
            continue
        if best is None or run > best[:2]:
            best = (*run, (number,))
        elif run == best[:2]:
            best = (*run, (*best[2], number))
    return best


def _run(words: Sequence[Token], first: int, name: frozenset[str]) -> tuple[int, float] | None:
    """Return (end, share) of the run of words from `first` that all belong to `name`."""
    if words[first].stem not in name:
        return None
    said: set[str] = set()
    last = position = first
    while position < len(words):
        word = words[position]
        if word.stem in name and word.stem not in said:
            said.add(word.stem)
            last = position + 1
        elif not word.stop:
            break
        position += 1
    share = len(said) / len(name)
    if share < 1 and (name - said) & _NEEDED:
        return None
    if share < 1 and said <= _OPERATION_STEMS:
        return None
    return last, share
