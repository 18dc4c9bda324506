"""Stores, a hydrator and rerankers whose answers are lists, and planes over them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hetarag.retrievers.fan_out import FanOut
from hetarag.retrievers.plane import RetrievalPlane
from hetarag.retrievers.router import route_all
from hetarag.testing.doubles import evidence
from hetarag.types import (
    Filter,
    Hit,
    Query,
    RankedEvidence,
    Reranking,
    SearchResult,
)


class ListStore:
    """Answers with a fixed list of ids, after doing what it is told to do."""

    def __init__(
        self, kind: str, ids: Sequence[str], act: Callable[[Query], None] = lambda q: None
    ):
        self.kind, self.ids, self.act = kind, ids, act
        self.asked: list[tuple[Query, int]] = []

    def search(self, query: Query, k: int) -> SearchResult[Hit]:
        self.asked.append((query, k))
        self.act(query)
        found = [Hit(self.kind, i, n, 1.0 / n) for n, i in enumerate(self.ids[:k], start=1)]
        return SearchResult(tuple(found))


class Everything:
    """A hydrator that admits all but what it is told to hide."""

    def __init__(self, hidden: Sequence[str] = ()) -> None:
        self.hidden = set(hidden)

    def hydrate(self, hits: Sequence[Hit], restriction: Filter) -> dict[str, RankedEvidence]:
        return {
            hit.id: evidence(hit.id, hit.id, "text") for hit in hits if hit.id not in self.hidden
        }


def plane(*stores: ListStore, hidden: Sequence[str] = (), **options: object) -> RetrievalPlane:
    return joined({store.kind: store for store in stores}, Everything(hidden), **options)


def joined(
    stores: Mapping[str, ListStore], hydrator: Everything, **options: object
) -> RetrievalPlane:
    """A plane over stores by name."""
    openers: Any = {name: (lambda store=store: store) for name, store in stores.items()}
    options.setdefault("router", route_all)
    kinds = {name: store.kind for name, store in stores.items()}
    return RetrievalPlane(openers, hydrator, FanOut(), kinds=kinds, **options)  # type: ignore[arg-type]


def hang(release: threading.Event) -> None:
    release.wait(30)


def within(seconds: float) -> Query:
    return Query("q", deadline=time.monotonic() + seconds)


def fail(error: Exception) -> Callable[[Query], None]:
    def act(query: Query) -> None:
        raise error

    return act


class Reversing:
    """A reranker that turns the fusion round and adds two passages."""

    def rerank(self, query, lists, fused, hydrate):  # type: ignore[no-untyped-def]
        assert not {"links", "parts"} & set(lists)
        found = hydrate([i for i, _ in fused] + ["new", "part"])
        order = ["new", *reversed([i for i, _ in fused]), "part"]
        ranked = [(i, 1 / n) for n, i in enumerate(order, start=1) if i in found]
        return Reranking(ranked, [Hit("links", "new", 1, 0.5), Hit("parts", "part", 1, 0.5)])
