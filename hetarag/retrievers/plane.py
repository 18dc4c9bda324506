"""The retrieval plane: one search over all stores.

route → stage 1 (every store at once) → fuse → rerank (follow the names of the best passages, read what is
doubtful, raise what leads to the likely) → hydrate. Where nothing reranks, stage 2 comes before the fusion:
hops, the graph again, from the best hits of the other stores. What leaves is live, permitted evidence
with the rank and score that each store gave it, and a trace that says how each store fared.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from hetarag.protocols import Hydrator, Retriever, Store
from hetarag.retrievers.fan_out import FanOut
from hetarag.retrievers.fusion import Fused, Fuser, reciprocal_rank
from hetarag.retrievers.hydration import EvidenceCache
from hetarag.retrievers.reranking.stage import ADDED, RerankConfig, RerankStage, can_rerank
from hetarag.retrievers.router import Router, route_by_rules
from hetarag.retrievers.search_state import COMPUTED, HOPS, Progress, end_of
from hetarag.types import (
    Filter,
    Hit,
    Query,
    RankedEvidence,
    SearchResult,
    SearchTrace,
    Seed,
    StorePlan,
    StoreStatus,
)
from hetarag.types.common import first_of_kind

_DERIVED = {HOPS: "graph", COMPUTED: "sql"}  # lists that are not a store's own, and whose they are
_SEEDS = 3  # hits of stage 1 from which stage 2 starts: more of them lead astray
_SECONDS = 10.0  # of a query without a deadline
_DEEPER = (1, 2, 4)  # how much more is asked for when hydration leaves too little
_PUSHED_DOWN = 10_000  # document ids that a store's filter takes; above, hydration sorts out

Opener = Callable[[], Store]


class RetrievalPlane(Retriever):
    """Searches all stores at once.

    `stores` opens a store by its name when first needed, `kinds` tells the kind of each; `fan_out` are the
    threads that they are asked in.
    """

    def __init__(
        self,
        stores: Mapping[str, Opener],
        hydrator: Hydrator,
        fan_out: FanOut,
        *,
        kinds: Mapping[str, str],
        rerank: RerankConfig | None = None,
        router: Router = route_by_rules,
        fuse: Fuser = reciprocal_rank,
        hops: bool = True,
    ) -> None:
        self._stores = stores
        self._kinds = kinds
        self._hydrator = hydrator
        self._rerank = rerank
        self._router = router
        self._fuse = fuse
        self._hops = hops
        self._fan_out = fan_out

    def search(
        self,
        query: Query,
        k: int,
        unasked: Mapping[str, StoreStatus] = MappingProxyType({}),
        spent: Mapping[str, float] = MappingProxyType({}),
    ) -> SearchResult[RankedEvidence]:
        """Return at most k pieces of evidence, best first, by the query's deadline.

        Stores that fail or are late are left out and named in the trace; the caller decides whether
        that is an error. `unasked` are stores that cannot be asked, with the reason; `spent` the seconds of
        what was done before, for the trace.
        """
        if query.deadline is None:
            query = replace(query, deadline=time.monotonic() + _SECONDS)
        started = time.monotonic()
        progress = Progress(self._plan(query, k), self._kinds, seconds=dict(spent), unasked=unasked)
        cache = EvidenceCache(self._hydrator, self._fan_out, query, progress)
        evidence: list[RankedEvidence] = []
        for factor in _DEEPER:
            self._gather(query, progress, factor)
            cache.update(progress)
            evidence = self._hydrate(query, progress, k, cache)
            if len(evidence) >= k or not self._may_hold_more(progress, factor):
                break
        progress.seconds["total"] = sum(spent.values()) + time.monotonic() - started
        shown = {piece.id for piece in evidence}
        trace = SearchTrace(
            plan=progress.plan,
            stores=progress.statuses,
            ranks={store: tuple(h.id for h in hits) for store, hits in progress.lists.items()},
            entities=tuple(linked.entity.name for linked in query.entities),
            seconds=progress.seconds,
            hops=tuple(hop for hop in progress.hops if hop.target in shown),
        )
        return SearchResult(tuple(evidence), trace)

    def _plan(self, query: Query, k: int) -> dict[str, StorePlan]:
        plan = dict(self._router(query, k, self._kinds))
        for store in plan:
            derived = _DERIVED.get(store)
            asked = first_of_kind(self._kinds, derived) if derived else store
            if query.stores is not None and asked not in query.stores:
                plan[store] = replace(plan[store], weight=0.0, reason="not asked for")
        return plan

    def _gather(self, query: Query, progress: Progress, factor: int) -> None:
        narrowed = replace(query, filter=_pushed_down(query.filter))
        started = time.monotonic()
        self._ask(
            narrowed, progress, [store for store in progress.plan if store not in _DERIVED], factor
        )
        middle = time.monotonic()
        self._second_stage(narrowed, progress, factor)
        progress.took("stage 1", middle - started)
        progress.took("stage 2", time.monotonic() - middle)

    def _ask(self, query: Query, progress: Progress, stores: Iterable[str], factor: int) -> None:
        calls = {}
        for store in stores:
            plan = progress.plan[store]
            if plan.weight <= 0:
                progress.statuses[store] = StoreStatus("skipped", reason=plan.reason)
                continue
            if store in progress.unasked:
                progress.statuses[store] = progress.unasked[store]
                continue
            calls[store] = self._call(store, query, plan.k * factor)
        for store, (status, hits) in self._fan_out.ask(calls, end_of(query)).items():
            progress.statuses[store] = status
            if self._kinds[store] != store:  # an adapter knows its kind, and not its name
                hits = tuple(replace(hit, store=store) for hit in hits)
            progress.lists[store] = tuple(hit for hit in hits if hit.payload is None)
            if computed := tuple(hit for hit in hits if hit.payload is not None):
                progress.lists[COMPUTED] = computed

    def _call(self, store: str, query: Query, k: int) -> Callable[[], SearchResult[Hit]]:
        return lambda: self._stores[store]().search(query, k)

    def _second_stage(self, query: Query, progress: Progress, factor: int) -> None:
        """Walk the graph from the best hits of the other stores, apart from the question's names.

        A list of its own: what the names lead to and what the hits lead to are two witnesses, and
        what both find comes first.
        """
        if not self._hops or self._ranks(query, progress) or time.monotonic() >= end_of(query):
            return  # out of time: the graph has answered, and is not to be called late for this
        graph = progress.first_of("graph")
        first = progress.statuses.get(graph) if graph else None
        plan = progress.plan.get(HOPS)
        if not graph or not first or first.status != "ok" or plan is None or plan.weight <= 0:
            return
        others = {
            store: hits for store, hits in progress.lists.items() if store not in (graph, HOPS)
        }
        seeds = self._fuse(others, progress.weights)[:_SEEDS]
        if not seeds:
            return
        top = seeds[0][1] or 1.0  # 0 where no hit is better than another
        bare = replace(query, entities=(), seeds=tuple(Seed(i, s / top) for i, s in seeds))
        call = {graph: self._call(graph, bare, plan.k * factor)}
        status, hits = self._fan_out.ask(call, end_of(query))[graph]
        progress.statuses[graph] = replace(status, seconds=status.seconds + first.seconds)
        progress.lists[HOPS] = tuple(replace(hit, store=HOPS) for hit in hits)

    def _ranks(self, query: Query, progress: Progress) -> bool:
        """Tell whether a reranker follows: it goes from passage to passage itself, by their names.

        Beside it the walk found nothing more (docs/research/cuts.md).
        """
        return self._rerank is not None and can_rerank(query, progress)

    def _hydrate(
        self, query: Query, progress: Progress, k: int, cache: EvidenceCache
    ) -> list[RankedEvidence]:
        started = time.monotonic()
        for name in ADDED:  # of a shallower round
            progress.lists.pop(name, None)
        ranked = self._fuse(progress.lists, progress.weights)
        progress.took("fusion", time.monotonic() - started)
        ranked = self._reranked(query, progress, ranked, cache)
        started = time.monotonic()
        by_id: dict[str, list[Hit]] = {}
        for hits in progress.lists.values():
            for hit in hits:
                by_id.setdefault(hit.id, []).append(hit)
        evidence: list[RankedEvidence] = []
        for at in range(0, len(ranked), max(2 * k, 20)):
            part = ranked[at : at + max(2 * k, 20)]
            found = cache([identifier for identifier, _ in part])
            evidence += [
                replace(found[i], score=score, hits=tuple(by_id[i]))
                for i, score in part
                if i in found
            ]
            if len(evidence) >= k:
                break
        if cache.sql is not None:
            progress.statuses[progress.first_of("sql") or "sql"] = cache.sql
        progress.took("hydration", time.monotonic() - started)
        return evidence[:k]

    def _reranked(
        self, query: Query, progress: Progress, fused: Fused, cache: EvidenceCache
    ) -> Fused:
        if self._rerank is None or not fused or not can_rerank(query, progress):
            return fused
        stage = RerankStage(self._rerank, self._fan_out, self._fuse, query, progress, cache)
        started = time.monotonic()
        ranked = stage.order(fused)
        progress.took("reranking", time.monotonic() - started)
        return ranked

    @staticmethod
    def _may_hold_more(progress: Progress, factor: int) -> bool:
        """Tell whether a store gave as many as it was asked for, so that it may have more."""
        return any(
            progress.plan[store].k * factor <= status.hits
            for store, status in progress.statuses.items()
            if status.status == "ok" and store in progress.plan
        )


def _pushed_down(restriction: Filter) -> Filter:
    documents = restriction.documents
    if documents is not None and len(documents) > _PUSHED_DOWN:
        return replace(restriction, documents=None)
    return restriction
