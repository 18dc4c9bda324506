"""A graph store's edges in memory: passages on one side, entities on the other, rows of a sparse
matrix that only ever grows at its end.

A replaced or deleted passage is masked, its row dropped when half the rows are dead: so adding a
document costs what that document costs, amortised, and a search holds a view that later writes do
not touch. The same code serves every graph store; a store feeds it `Passage` after `Passage`.

A store with far too many edges for that fills one for each question with what lies around it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from hetarag.stores.adapter import encodable_filter
from hetarag.stores.graph.pagerank import Walk
from hetarag.types import Filter, Query

_KEPT = 8  # walks prepared for the latest filters
_COMPACT = 1_000  # dead rows below this number are not worth a rebuild


class Edge(NamedTuple):
    """An entity of a passage: how often it is named there, and whether the passage is about it.

    `in_title`: the title names it, or a paragraph opens with it.
    """

    entity: str
    times: int
    in_title: bool


class Passage(NamedTuple):
    """A passage of the graph, with what filters ask for."""

    id: str
    document: str
    collection: str
    tags: tuple[str, ...]
    edges: tuple[Edge, ...]


class Edges(NamedTuple):
    """The edges of many passages as columns, in any order.

    `passage` and `entity` are places in lists of those; `times` and `in_title` as in `Edge`.
    """

    passage: npt.NDArray[np.integer[Any]]
    entity: npt.NDArray[np.integer[Any]]
    times: npt.NDArray[np.integer[Any]]
    in_title: npt.NDArray[np.bool_]


class _Column:
    """An array that grows at its end; slices handed out before stay as they were."""

    def __init__(self, dtype: npt.DTypeLike) -> None:
        self._data: npt.NDArray[Any] = np.empty(1024, dtype)
        self.size = 0

    def extend(self, values: Sequence[int] | npt.NDArray[Any]) -> None:
        end = self.size + len(values)
        if end > len(self._data):
            grown = np.empty(max(end, 2 * len(self._data)), self._data.dtype)
            grown[: self.size] = self._data[: self.size]
            self._data = grown
        self._data[self.size : end] = values
        self.size = end

    def view(self) -> npt.NDArray[Any]:
        return self._data[: self.size]


@dataclass(slots=True)
class _Rows:
    """The growing matrix; it is replaced as a whole when dead rows are dropped."""

    ids: list[str] = field(default_factory=list)
    row_of: dict[str, int] = field(default_factory=dict)
    entity_of: dict[str, int] = field(default_factory=dict)
    starts: _Column = field(default_factory=lambda: _Column(np.int64))
    entities: _Column = field(default_factory=lambda: _Column(np.int32))
    counts: _Column = field(default_factory=lambda: _Column(np.int32))
    titles: _Column = field(default_factory=lambda: _Column(np.bool_))
    properties: _Column = field(default_factory=lambda: _Column(np.int32))
    property_of: dict[tuple[str, str, tuple[str, ...]], int] = field(default_factory=dict)
    dead: set[int] = field(default_factory=set)

    def append(self, passage: Passage) -> None:
        edges = passage.edges
        code = self.entity_of
        self.starts.extend([self.entities.size])
        self.entities.extend([code.setdefault(edge.entity, len(code)) for edge in edges])
        self.counts.extend([edge.times for edge in edges])
        self.titles.extend([edge.in_title for edge in edges])
        self._name([passage])

    @classmethod
    def of(cls, passages: Sequence[Passage], entities: Sequence[str], edges: Edges) -> Self:
        rows = cls(entity_of={entity: place for place, entity in enumerate(entities)})
        order = np.argsort(edges.passage, kind="stable")
        rows.starts.extend(np.searchsorted(edges.passage[order], np.arange(len(passages))))
        rows.entities.extend(edges.entity[order])
        rows.counts.extend(edges.times[order])
        rows.titles.extend(edges.in_title[order])
        rows._name(passages)
        return rows

    def _name(self, passages: Sequence[Passage]) -> None:
        known, places = self.property_of, []
        for passage in passages:
            self.row_of[passage.id] = len(self.ids)
            self.ids.append(passage.id)
            key = (passage.collection, passage.document, passage.tags)
            places.append(known.setdefault(key, len(known)))
        self.properties.extend(places)


@dataclass(slots=True)
class _View:
    """What one state of the graph looks like; made when a search finds the last one outdated."""

    ids: list[str]
    row_of: dict[str, int]
    entity_of: dict[str, int]
    properties: npt.NDArray[np.int32]
    known: list[tuple[str, str, tuple[str, ...]]]
    walk: Walk
    kept: dict[Filter, Walk] = field(default_factory=dict)

    def walk_for(self, restriction: Filter) -> Walk:
        """Return the walk over the passages that may be seen; no other has a say in it."""
        found = self.kept.get(restriction)
        if found is None:
            admitted = np.fromiter((restriction.admits(*key) for key in self.known), np.bool_)
            found = self.walk.restricted(admitted[self.properties])
            while len(self.kept) >= _KEPT:
                self.kept.pop(next(iter(self.kept)), None)
            self.kept[restriction] = found
        return found


class GraphSnapshot:
    """The graph in memory; `put` and `remove` change it, `search` ranks its passages."""

    def __init__(self, passages: Iterable[Passage] = ()) -> None:
        self._lock = threading.Lock()
        self._rows = _Rows()
        self._view: _View | None = None
        self.put(passages)

    @classmethod
    def of(cls, passages: Sequence[Passage], entities: Sequence[str], edges: Edges) -> Self:
        """Return the graph of these columns, in a fraction of the time that `put` takes.

        No passage has edges of its own, and none comes twice, nor does an entity.
        """
        snapshot = cls()
        snapshot._rows = _Rows.of(passages, entities, edges)
        return snapshot

    def __len__(self) -> int:
        return len(self._rows.row_of)

    def ids(self) -> set[str]:
        """Return the ids of all passages."""
        with self._lock:
            return set(self._rows.row_of)

    def put(self, passages: Iterable[Passage]) -> None:
        """Add passages, in the place of those with the same ids."""
        with self._lock:
            for passage in passages:
                self._drop(passage.id)
                self._rows.append(passage)
            self._changed()

    def remove(self, ids: Iterable[str]) -> None:
        """Take passages away; unknown ids are no error."""
        with self._lock:
            for identifier in ids:
                self._drop(identifier)
            self._changed()

    def search(
        self, query: Query, k: int, check: Callable[[], None] = lambda: None
    ) -> list[tuple[str, float]]:
        """Return (id, score) of the k passages that the walk from the question reaches most.

        They come in no order; those that share the last place are all there.

        The walk starts from the question's entities and seeds; without any there are no hits.
        `check` is called between its steps and may raise.
        """
        view = self._current()
        walk = view.walk_for(encodable_filter(query.filter))
        entities: dict[int, float] = {}
        for linked in query.entities:
            column = view.entity_of.get(linked.entity.id)
            if column is not None:
                entities[column] = max(entities.get(column, 0.0), linked.weight)
        seeds: dict[int, float] = {}
        for seed in query.seeds:
            row = view.row_of.get(seed.id)
            if row is not None and row < len(view.properties):
                seeds[row] = seeds.get(row, 0.0) + seed.weight
        scores = walk.scores(entities, seeds, check)
        least = np.partition(scores, -k)[-k] if k < len(scores) else 0.0
        rows = np.flatnonzero((scores >= least) & (scores > 0))
        return [(view.ids[row], float(scores[row])) for row in rows]

    # ------------------------------------------------------------ inside

    def _drop(self, identifier: str) -> None:
        row = self._rows.row_of.pop(identifier, None)
        if row is not None:
            self._rows.dead.add(row)

    def _changed(self) -> None:
        self._view = None
        dead = len(self._rows.dead)
        if dead >= _COMPACT and dead * 2 >= len(self._rows.ids):
            self._compact()

    def _compact(self) -> None:
        old, self._rows = self._rows, _Rows()
        names, properties = list(old.entity_of), list(old.property_of)
        ends = [*old.starts.view()[1:].tolist(), old.entities.size]
        for row, (start, end) in enumerate(zip(old.starts.view().tolist(), ends, strict=True)):
            if row in old.dead:
                continue
            collection, document, tags = properties[old.properties.view()[row]]
            columns = (old.entities, old.counts, old.titles)
            edges = zip(*(column.view()[start:end].tolist() for column in columns), strict=True)
            named = tuple(Edge(names[entity], count, title) for entity, count, title in edges)
            self._rows.append(Passage(old.ids[row], document, collection, tags, named))

    def _current(self) -> _View:
        with self._lock:
            if self._view is None:
                self._view = self._make_view()
            return self._view

    def _make_view(self) -> _View:
        rows = self._rows
        live = np.ones(len(rows.ids), np.bool_)
        live[list(rows.dead)] = False
        starts = np.append(rows.starts.view(), rows.entities.size)
        walk = Walk.build(
            starts,
            rows.entities.view(),
            rows.counts.view(),
            rows.titles.view(),
            len(rows.entity_of),
            live,
        )
        known = [(collection, document, tags) for collection, document, tags in rows.property_of]
        return _View(rows.ids, rows.row_of, rows.entity_of, rows.properties.view(), known, walk)
