"""The plane over stores that misbehave. Its work on real stores is in tests/engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from hetarag.errors import StoreError, StoreTimeoutError
from hetarag.ids import parse_row_id, row_id
from hetarag.retrievers.router import route_by_rules
from hetarag.types import (
    Entity,
    Filter,
    Hit,
    LinkedEntity,
    Query,
    QueryResult,
    RankedEvidence,
    SearchResult,
    StoreStatus,
)
from tests.retrievers.plane_doubles import (
    Everything,
    ListStore,
    fail,
    hang,
    joined,
    plane,
    within,
)


def test_ids_are_joined_over_stores_and_keep_each_rank() -> None:
    found = plane(ListStore("vector", ["a", "b"]), ListStore("fulltext", ["b", "c"])).search(
        Query("q"), 3
    )
    assert [e.id for e in found] == ["b", "a", "c"]
    assert [(h.store, h.rank) for h in found[0].hits] == [("vector", 2), ("fulltext", 1)]
    assert found.complete


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StoreError("vector", "is down"), "failed"),
        (StoreTimeoutError("vector", "too slow"), "late"),
        (ValueError("a defect"), "failed"),
    ],
)
def test_a_store_that_fails_is_flagged_and_the_others_answer(error: Exception, status: str) -> None:
    found = plane(ListStore("vector", ["a"], fail(error)), ListStore("fulltext", ["b"])).search(
        Query("q"), 3
    )
    assert [e.id for e in found] == ["b"]
    assert not found.complete
    assert found.trace is not None
    assert found.trace.stores["vector"].status == status
    assert found.trace.stores["vector"].reason
    assert found.trace.stores["fulltext"].status == "ok"


def test_a_store_that_hangs_costs_its_deadline_and_not_more() -> None:
    release = threading.Event()
    hanging = ListStore("vector", ["a"], lambda query: hang(release))
    started = time.monotonic()
    found = plane(hanging, ListStore("fulltext", ["b"])).search(within(0.2), 3)
    assert time.monotonic() - started < 2
    release.set()
    assert found.trace is not None
    assert found.trace.stores["vector"].status == "late"
    assert [e.id for e in found] == ["b"]


class SlowRows(Everything):
    """A hydrator whose rows of tables come when `release` is set, or not at all."""

    def __init__(self, release: threading.Event, error: Exception | None = None) -> None:
        super().__init__()
        self.release, self.error = release, error

    def hydrate(self, hits: Sequence[Hit], restriction: Filter) -> dict[str, RankedEvidence]:
        if any(parse_row_id(hit.id) for hit in hits):
            if self.error is not None:
                raise self.error
            self.release.wait(30)
        return super().hydrate(hits, restriction)


@pytest.mark.parametrize(
    ("error", "status"), [(None, "late"), (StoreError("sql", "gone"), "failed")]
)
def test_rows_that_cannot_be_read_are_missing_and_the_texts_come(
    error: Exception | None, status: str
) -> None:
    release = threading.Event()
    store = ListStore("vector", [row_id(1, 1), "a"])  # tables are found by their vectors too
    slow = SlowRows(release, error)
    retrieval = joined({"vector": store}, slow)
    started = time.monotonic()
    found = retrieval.search(within(0.2), 3)
    assert time.monotonic() - started < 2
    release.set()
    assert [e.id for e in found] == ["a"]
    assert found.trace is not None and not found.complete
    assert found.trace.stores["sql"].status == status
    assert (found.trace.stores["sql"].reason or "").startswith("rows: ")


def test_a_store_that_is_late_again_and_again_is_rested() -> None:
    release = threading.Event()
    hanging = ListStore("vector", ["a"], lambda query: hang(release))
    retrieval = plane(hanging, ListStore("fulltext", ["b"]))
    for _ in range(3):
        retrieval.search(within(0.05), 3)
    asked = len(hanging.asked)
    found = retrieval.search(within(0.05), 3)
    release.set()
    assert len(hanging.asked) == asked
    assert found.trace is not None
    assert "rested" in (found.trace.stores["vector"].reason or "")


def test_the_deadline_reaches_the_stores() -> None:
    store = ListStore("vector", ["a"])
    query = within(5.0)
    plane(store).search(query, 1)
    assert store.asked[0][0].deadline == query.deadline
    before = time.monotonic()
    plane(store).search(Query("q"), 1)
    deadline = store.asked[1][0].deadline
    assert deadline is not None and 9.0 < deadline - before < 11.0


def test_more_is_asked_for_when_hydration_leaves_too_little() -> None:
    ids = [f"{n:03d}" for n in range(200)]
    store = ListStore("vector", ids)
    found = plane(store, hidden=ids[:98]).search(Query("q"), 5)
    assert [e.id for e in found] == ids[98:103]
    assert [k for _, k in store.asked] == [50, 100, 200]


def test_large_filters_stay_out_of_the_stores() -> None:
    store = ListStore("vector", ["a"])
    many = frozenset(str(n) for n in range(10_001))
    plane(store).search(Query("q", filter=Filter(documents=many)), 1)
    assert store.asked[0][0].filter.documents is None
    few = frozenset(["1"])
    plane(store).search(Query("q", filter=Filter(documents=few)), 1)
    assert store.asked[-1][0].filter.documents == few


def test_the_graph_walks_again_from_the_best_hits_of_the_others() -> None:
    graph = ListStore("graph", ["g"])
    entity = LinkedEntity(Entity("e", "fram", "Fram"), "Fram", 1.0)
    vector = ListStore("vector", ["a", "b", "c", "d"])
    found = plane(vector, graph).search(Query("q", entities=(entity,)), 9)
    first, second = (query for query, _ in graph.asked)
    assert (first.entities, first.seeds) == ((entity,), ())
    assert second.entities == ()
    assert [seed.id for seed in second.seeds] == ["a", "b", "c"]
    assert second.seeds[0].weight == 1.0
    assert found.trace is not None
    assert found.trace.ranks["hops"] == ("g",)
    graph_hits = next(e.hits for e in found if e.id == "g")
    assert [hit.store for hit in graph_hits] == ["graph", "hops"]
    assert set(found.trace.stores) == {"vector", "graph"}


def test_a_computed_answer_comes_first() -> None:
    class Computing(ListStore):
        def search(self, query: Query, k: int) -> SearchResult[Hit]:
            result = QueryResult("SELECT 1", (), ("n",), ((1,),))
            return SearchResult((Hit("sql", "sum", 1, 1.0, result), Hit("sql", "row", 2, 0.9)))

    everyone = ["a", "row", "b"]
    stores = [ListStore(kind, everyone) for kind in ("vector", "fulltext", "graph")]
    found = plane(*stores, Computing("sql", []), router=route_by_rules).search(Query("how many"), 4)
    assert [e.id for e in found][:2] == ["sum", "row"]
    assert [(h.store, h.rank) for h in found[0].hits] == [("sql", 1)]


def test_stores_that_are_not_asked_for_are_skipped() -> None:
    vector, fulltext = ListStore("vector", ["a"]), ListStore("fulltext", ["b"])
    query = replace(Query("q"), stores=frozenset({"fulltext"}))
    found = plane(vector, fulltext).search(query, 3)
    assert vector.asked == []
    assert found.complete
    assert found.trace is not None
    assert found.trace.stores["vector"].status == "skipped"


def test_a_store_that_cannot_be_asked_is_told_with_its_reason() -> None:
    vector, fulltext = ListStore("vector", ["a"]), ListStore("fulltext", ["b"])
    late = StoreStatus("late", reason="the question was not embedded")
    found = plane(vector, fulltext).search(Query("q"), 3, {"vector": late}, {"before": 0.5})
    assert vector.asked == [] and not found.complete
    assert found.trace is not None
    assert found.trace.stores["vector"] == late
    assert found.trace.seconds["before"] == 0.5 <= found.trace.seconds["total"]


def test_stores_of_one_kind_stand_side_by_side_under_their_names() -> None:
    stores = {"vector": ListStore("vector", ["a", "b"]), "papers": ListStore("vector", ["b", "c"])}
    retrieval = joined(stores, Everything(), router=route_by_rules)
    found = retrieval.search(Query("where was it built"), 3)
    assert [(h.store, h.rank) for h in found[0].hits] == [("vector", 2), ("papers", 1)]
    assert found.trace is not None
    assert found.trace.plan["papers"].weight == found.trace.plan["vector"].weight
    only = retrieval.search(Query("q", stores=frozenset({"papers"})), 3)
    assert [e.id for e in only] == ["b", "c"]
