"""The plane with a reranker: its order, what it adds, what it may not show, and when it is late."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from hetarag.errors import StoreError
from hetarag.retrievers.reranking.stage import RerankConfig
from hetarag.types import (
    Filter,
    Hit,
    Hop,
    Query,
    RankedEvidence,
)
from tests.retrievers.plane_doubles import (
    Everything,
    ListStore,
    Reversing,
    fail,
    joined,
    plane,
    within,
)


def test_a_reranker_orders_anew_and_adds_and_sql_keeps_a_voice() -> None:
    stores = [ListStore(kind, ["a", "b", "c"]) for kind in ("vector", "graph")]
    found = plane(*stores, ListStore("sql", ["b"]), rerank=RerankConfig(Reversing())).search(
        Query("q"), 9
    )
    assert [e.id for e in found] == ["b", "new", "c", "a", "part"]
    found = plane(*stores, rerank=RerankConfig(Reversing())).search(Query("q"), 9)
    assert [e.id for e in found] == ["new", "c", "b", "a", "part"]
    scores = [e.score for e in found]
    assert scores == sorted(scores, reverse=True)
    assert [h.store for e in found if e.id == "new" for h in e.hits] == ["links"]
    assert [h.store for e in found if e.id == "part" for h in e.hits] == ["parts"]


def test_what_leads_to_the_likely_is_raised_after_all_else() -> None:
    class Linking(Reversing):
        def rerank(self, query, lists, fused, hydrate):  # type: ignore[no-untyped-def]
            return super().rerank(query, lists, fused, hydrate)._replace(sources={"new": {"a": 1}})

    stores = [ListStore(kind, ["a", "b", "c"]) for kind in ("vector", "graph")]
    found = plane(*stores, rerank=RerankConfig(Linking(), source_weight=2)).search(Query("q"), 9)
    assert [e.id for e in found] == ["new", "a", "c", "b", "part"]
    found = plane(*stores, rerank=RerankConfig(Linking(), source_weight=0)).search(Query("q"), 9)
    assert [e.id for e in found] == ["new", "c", "b", "a", "part"]


def test_what_may_not_be_seen_does_not_come_back_through_a_reranker() -> None:
    stores = [ListStore(kind, ["a", "b"]) for kind in ("vector", "graph")]
    found = plane(*stores, rerank=RerankConfig(Reversing()), hidden=["new", "b", "part"]).search(
        Query("q"), 9
    )
    assert [e.id for e in found] == ["a"]


def test_a_reranker_that_hangs_costs_the_deadline_and_the_fusion_stands() -> None:
    release = threading.Event()

    class Hanging(Reversing):
        def rerank(self, query, lists, fused, hydrate):  # type: ignore[no-untyped-def]
            release.wait(30)  # as a vector store does that is silent
            return super().rerank(query, lists, fused, hydrate)

    stores = [ListStore(kind, ["a", "b"]) for kind in ("vector", "graph")]
    started = time.monotonic()
    found = plane(*stores, rerank=RerankConfig(Hanging())).search(within(0.3), 9)
    assert time.monotonic() - started < 2
    release.set()
    assert [e.id for e in found] == ["a", "b"]
    assert found.trace is not None and not found.complete
    assert found.trace.stores["reranking"].status == "late"
    assert found.trace.stores["reranking"].reason
    assert found.trace.stores["vector"].status == "ok"  # it has answered


def test_a_reranker_that_fails_is_asked_once_and_says_why() -> None:
    asked = []

    class Broken(Reversing):
        def rerank(self, query, lists, fused, hydrate):  # type: ignore[no-untyped-def]
            asked.append(query)
            raise ValueError("a defect")

    stores = [ListStore(kind, [f"{n:03}" for n in range(120)]) for kind in ("vector", "graph")]
    hidden = [f"{n:03}" for n in range(45)]  # so that a deeper round is needed
    found = plane(*stores, rerank=RerankConfig(Broken()), hidden=hidden).search(Query("q"), 9)
    assert len(stores[0].asked) > 1
    assert len(asked) == 1 and not found.complete
    assert found.trace is not None
    assert found.trace.stores["reranking"].status == "failed"
    assert found.trace.stores["reranking"].reason == "ValueError: a defect"


def test_each_id_is_hydrated_once_a_search() -> None:
    asked: list[str] = []

    class Counting(Everything):
        def hydrate(self, hits: Sequence[Hit], restriction: Filter) -> dict[str, RankedEvidence]:
            asked.extend(hit.id for hit in hits)
            return super().hydrate(hits, restriction)

    stores = {k: ListStore(k, [f"{n:03}" for n in range(120)]) for k in ("vector", "graph")}
    hidden = [f"{n:03}" for n in range(45)]
    retrieval = joined(stores, Counting(hidden), rerank=RerankConfig(Reversing()))
    found = retrieval.search(Query("q"), 12)
    assert len(stores["vector"].asked) > 1  # what is hidden leaves too little: a deeper round
    assert len(found) == 12
    assert len(asked) == len(set(asked))
    assert found.trace is not None and found.trace.stores["reranking"].status == "ok"


def test_without_vectors_the_fusion_stands() -> None:
    graph = ListStore("graph", ["a", "b"])
    broken = ListStore("vector", ["a"], fail(StoreError("vector", "is down")))
    found = plane(graph, broken, rerank=RerankConfig(Reversing())).search(Query("q"), 9)
    assert [e.id for e in found] == ["a", "b"]


def test_the_stores_of_other_packages_keep_a_voice_beside_the_reranker() -> None:
    stores = [ListStore(kind, ["a", "b", "c"]) for kind in ("vector", "graph")]
    found = plane(*stores, ListStore("geo", ["b"]), rerank=RerankConfig(Reversing())).search(
        Query("q"), 9
    )
    assert [e.id for e in found] == ["b", "new", "c", "a", "part"]


def test_a_graph_by_another_name_is_walked_once_and_its_list_is_the_rankers() -> None:
    seen: list[set[str]] = []

    class Watching(Reversing):
        def rerank(self, query, lists, fused, hydrate):  # type: ignore[no-untyped-def]
            seen.append(set(lists))
            return super().rerank(query, lists, fused, hydrate)

    stores = {"vector": ListStore("vector", ["a"]), "people": ListStore("graph", ["g"])}
    retrieval = joined(stores, Everything(), rerank=RerankConfig(Watching()))
    found = retrieval.search(Query("q"), 3)
    assert found.trace is not None
    assert found.trace.ranks["people"] == ("g",)
    assert seen == [{"vector", "graph"}]
    assert len(stores["people"].asked) == 1


def test_the_graph_is_walked_again_where_the_reranker_cannot_rank() -> None:
    stores = [ListStore(kind, ["a", "b"]) for kind in ("fulltext", "graph")]
    found = plane(*stores, rerank=RerankConfig(Reversing())).search(Query("q"), 3)
    assert found.trace is not None
    assert found.trace.ranks["hops"] == ("a", "b")
    assert len(stores[1].asked) == 2


def test_the_hops_to_what_is_shown_are_in_the_trace() -> None:
    class Hopping(Reversing):
        def rerank(self, query, lists, fused, hydrate):  # type: ignore[no-untyped-def]
            hops = [Hop("a", "new", "Fram"), Hop("b", "hidden", "Maud")]
            return super().rerank(query, lists, fused, hydrate)._replace(hops=hops)

    stores = [ListStore(kind, ["a", "b", "c"]) for kind in ("vector", "graph")]
    found = plane(*stores, rerank=RerankConfig(Hopping())).search(Query("q"), 9)
    assert found.trace is not None
    assert found.trace.hops == (Hop("a", "new", "Fram"),)
