"""The retrieval plane: one search over all stores.

route → stage 1 (every store at once) → stage 2 (hops: the graph again, from the best hits of the other
stores) → fuse → rerank (follow the names of the best passages, read what is doubtful, raise what leads
to the likely) → hydrate. What leaves is live, permitted evidence with the rank and score that each store
gave it, and a trace that says how each store fared.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import BoundedSemaphore

from hetarag.config import SOURCE_WEIGHT, UNSURE_BELOW
from hetarag.ids import parse_row_id
from hetarag.protocols import (
    Decomposer,
    Hydrator,
    PassageScorer,
    Reranker,
    Retriever,
    Store,
)
from hetarag.retrievers.chains import raised
from hetarag.retrievers.fanout import FanOut
from hetarag.retrievers.fusion import Fused, Lists, Weights, ordered, reciprocal_rank
from hetarag.retrievers.reading import convinces, doubtful, reread
from hetarag.retrievers.router import Router, route_by_rules
from hetarag.types import (
    Filter,
    Hit,
    Query,
    RankedEvidence,
    Reranking,
    SearchResult,
    SearchTrace,
    Seed,
    StorePlan,
    StoreStatus,
)

HOPS = "hops"
"""The name of stage 2's list: what the graph finds from the best hits of the other stores."""

COMPUTED = "computed"
"""The name of the list of answers that the SQL store has computed, apart from the rows it found."""

LINKED = "links"
"""The name of the list of passages that the reranker's links lead to."""

PARTS = "parts"
"""The name of the list of passages that are nearest to a part of the question."""

RANKED = "ranked"
"""The name of the reranker's order when it is fused with what SQL has found."""

DECOMPOSITION = "decomposition"
"""The name under which a search tells how a language model fared that was asked for parts."""

CROSS_ENCODER = "cross-encoder"
"""The name of the list of what a cross-encoder has read, and of how it fared."""

_READING = 0.5  # seconds: with less left nothing is read
_CONVINCED = StoreStatus("skipped", reason="the evidence convinces")
_RERANKERS = (LINKED, PARTS, CROSS_ENCODER)  # lists that reranking adds
_RANKER_WEIGHT = 6.0  # beside 1 to 1.5 for SQL's rows, 10 for what it computed
_DERIVED = {HOPS: "graph", COMPUTED: "sql"}  # lists that are not a store's own, and whose they are
_TOLD = 3  # pieces of evidence that a language model gets to see before it decomposes a question
_SEEDS = 3  # hits of stage 1 from which stage 2 starts: more of them lead astray
_DEEPER = (1, 2, 4)  # how much more is asked for when hydration leaves too little
_LEDGER_AT_LEAST = 2.0  # seconds for the texts of what was found in time
_PUSHED_DOWN = 10_000  # document ids that a store's filter takes; above, hydration sorts out


Fuser = Callable[[Lists, Weights], Fused]
Opener = Callable[[], Store]


@dataclass(slots=True)
class _Progress:
    """What one search has so far."""

    plan: Mapping[str, StorePlan]
    lists: dict[str, tuple[Hit, ...]] = field(default_factory=dict)
    statuses: dict[str, StoreStatus] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    parts: tuple[str, ...] | None = None
    """What a language model has told apart; None before it was asked, which is done once."""

    @property
    def weights(self) -> dict[str, float]:
        return {store: plan.weight for store, plan in self.plan.items()}


class _Gate:
    """Hydrates each id of a search once; what may not be shown does not come out.

    Texts are in the ledger, rows of tables in the SQL store: those are read as a store is asked, so
    that one that is slow costs its rows and not the search. `sql` is how that store has fared so far;
    it is the gate's own, since a reranker that is late goes on in its thread after the search.
    """

    def __init__(
        self, hydrator: Hydrator, fan_out: FanOut, query: Query, progress: _Progress
    ) -> None:
        self._hydrator = hydrator
        self._fan_out = fan_out
        self._query = query
        self.sql = progress.statuses.get("sql")
        self._hits = {hit.id: hit for hits in progress.lists.values() for hit in hits}
        self._known: dict[str, RankedEvidence | None] = {}

    def __call__(self, ids: Sequence[str]) -> dict[str, RankedEvidence]:
        new = [i for i in ids if i not in self._known]
        hits = [self._hits.get(i) or Hit(LINKED, i, 0, 0.0) for i in new]
        rows: list[Hit] = []
        others: list[Hit] = []
        for hit in hits:
            (others if parse_row_id(hit.id) is None else rows).append(hit)
        found = self._texts(others) | self._rows(rows)
        self._known.update({i: found.get(i) for i in new})
        return {i: e for i in ids if (e := self._known[i]) is not None}

    def _texts(self, hits: Sequence[Hit]) -> dict[str, RankedEvidence]:
        if not hits:
            return {}
        # A store that was late has used up the time, and its search is still to show the others' hits.
        end = max(_end(self._query), time.monotonic() + _LEDGER_AT_LEAST)
        return self._fan_out.read_ledger(lambda: self._hydrate(hits), end)

    def _hydrate(self, hits: Sequence[Hit]) -> dict[str, RankedEvidence]:
        return self._hydrator.hydrate(hits, self._query.filter)

    def _rows(self, hits: Sequence[Hit]) -> dict[str, RankedEvidence]:
        if not hits or (self.sql is not None and self.sql.status in ("failed", "late")):
            return {}
        status, found = self._fan_out.run("sql", lambda: self._hydrate(hits), _end(self._query))
        if found is None:
            self.sql = replace(status, reason=f"rows: {status.reason}")
        return found or {}


class RetrievalPlane(Retriever):
    """Searches all stores at once. `stores` opens a store by its kind when first needed."""

    def __init__(
        self,
        stores: Mapping[str, Opener],
        hydrator: Hydrator,
        *,
        reranker: Reranker | None = None,
        decomposer: Decomposer | None = None,
        decompose_below: float = UNSURE_BELOW,
        cross_encoder: Callable[[], PassageScorer] | None = None,
        cross_encode_below: float = UNSURE_BELOW,
        source_weight: float = SOURCE_WEIGHT,
        router: Router = route_by_rules,
        fuse: Fuser = reciprocal_rank,
        hops: bool = True,
        deadline: float = 10.0,
        concurrency: int = 8,
    ) -> None:
        self._stores = stores
        self._hydrator = hydrator
        self._reranker = reranker
        self._decomposer = decomposer
        self._decompose_below = decompose_below
        self._cross_encoder = cross_encoder
        self._cross_encode_below = cross_encode_below
        self._source_weight = source_weight
        self._router = router
        self._fuse = fuse
        self._hops = hops
        self._deadline = deadline
        self._admission = BoundedSemaphore(concurrency)
        self._fan_out = FanOut()

    def search(
        self, query: Query, k: int, seconds: float | None = None
    ) -> SearchResult[RankedEvidence]:
        """Return at most k pieces of evidence, best first, after at most `seconds`.

        Stores that fail or are late are left out and named in the trace; the caller decides whether
        that is an error. Waiting for admission does not count: the time starts after it.
        """
        with self._admission:
            if query.deadline is None:
                limit = self._deadline if seconds is None else seconds
                query = replace(query, deadline=time.monotonic() + limit)
            return self._search(query, k)

    def close(self) -> None:
        """End the plane's threads."""
        self._fan_out.close()

    def _search(self, query: Query, k: int) -> SearchResult[RankedEvidence]:
        started = time.monotonic()
        progress = _Progress(self._plan(query, k))
        evidence: list[RankedEvidence] = []
        for factor in _DEEPER:
            self._gather(query, progress, factor)
            evidence = self._hydrate(query, progress, k)
            if len(evidence) >= k or not self._may_hold_more(progress, factor):
                break
        progress.seconds["total"] = time.monotonic() - started
        trace = SearchTrace(
            plan=progress.plan,
            stores=progress.statuses,
            ranks={store: tuple(h.id for h in hits) for store, hits in progress.lists.items()},
            entities=tuple(linked.entity.name for linked in query.entities),
            seconds=progress.seconds,
        )
        return SearchResult(tuple(evidence), trace)

    def _plan(self, query: Query, k: int) -> dict[str, StorePlan]:
        plan = dict(self._router(query, k, self._stores.keys()))
        for store in plan:
            asked = _DERIVED.get(store, store)
            if query.stores is not None and asked not in query.stores:
                plan[store] = replace(plan[store], weight=0.0, reason="not asked for")
        return plan

    def _gather(self, query: Query, progress: _Progress, factor: int) -> None:
        narrowed = replace(query, filter=_pushed_down(query.filter))
        started = time.monotonic()
        self._ask(
            narrowed, progress, [store for store in progress.plan if store not in _DERIVED], factor
        )
        middle = time.monotonic()
        self._second_stage(narrowed, progress, factor)
        _add(progress.seconds, "stage 1", middle - started)
        _add(progress.seconds, "stage 2", time.monotonic() - middle)

    def _ask(self, query: Query, progress: _Progress, stores: Iterable[str], factor: int) -> None:
        calls = {}
        for store in stores:
            plan = progress.plan[store]
            if plan.weight <= 0:
                progress.statuses[store] = StoreStatus("skipped", reason=plan.reason)
                continue
            calls[store] = self._call(store, query, plan.k * factor)
        for store, (status, hits) in self._fan_out.ask(calls, _end(query)).items():
            progress.statuses[store] = status
            progress.lists[store] = tuple(hit for hit in hits if hit.payload is None)
            if computed := tuple(hit for hit in hits if hit.payload is not None):
                progress.lists[COMPUTED] = computed

    def _call(self, store: str, query: Query, k: int) -> Callable[[], SearchResult[Hit]]:
        return lambda: self._stores[store]().search(query, k)

    def _second_stage(self, query: Query, progress: _Progress, factor: int) -> None:
        """Walk the graph from the best hits of the other stores, apart from the question's names.

        A list of its own: what the names lead to and what the hits lead to are two witnesses, and
        what both find comes first.
        """
        if not self._hops or time.monotonic() >= _end(query):
            return  # out of time: the graph has answered, and is not to be called late for this
        first = progress.statuses.get("graph")
        plan = progress.plan.get(HOPS)
        if first is None or first.status != "ok" or plan is None or plan.weight <= 0:
            return
        others = {
            store: hits for store, hits in progress.lists.items() if store not in ("graph", HOPS)
        }
        seeds = self._fuse(others, progress.weights)[:_SEEDS]
        if not seeds:
            return
        top = seeds[0][1] or 1.0  # 0 where no hit is better than another
        bare = replace(query, entities=(), seeds=tuple(Seed(i, s / top) for i, s in seeds))
        call = {"graph": self._call("graph", bare, plan.k * factor)}
        status, hits = self._fan_out.ask(call, _end(query))["graph"]
        progress.statuses["graph"] = replace(status, seconds=status.seconds + first.seconds)
        progress.lists[HOPS] = tuple(replace(hit, store=HOPS) for hit in hits)

    def _hydrate(self, query: Query, progress: _Progress, k: int) -> list[RankedEvidence]:
        started = time.monotonic()
        for name in _RERANKERS:  # the reranker's, of a shallower round
            progress.lists.pop(name, None)
        ranked = self._fuse(progress.lists, progress.weights)
        _add(progress.seconds, "fusion", time.monotonic() - started)
        gate = _Gate(self._hydrator, self._fan_out, query, progress)
        if ranked and self._reranks(query, progress):
            started = time.monotonic()
            ranked = self._rerank(query, progress, ranked, gate)
            _add(progress.seconds, "reranking", time.monotonic() - started)
        started = time.monotonic()
        by_id: dict[str, list[Hit]] = {}
        for hits in progress.lists.values():
            for hit in hits:
                by_id.setdefault(hit.id, []).append(hit)
        evidence: list[RankedEvidence] = []
        for at in range(0, len(ranked), max(2 * k, 20)):
            part = ranked[at : at + max(2 * k, 20)]
            found = gate([identifier for identifier, _ in part])
            evidence += [
                replace(found[i], score=score, hits=tuple(by_id[i]))
                for i, score in part
                if i in found
            ]
            if len(evidence) >= k:
                break
        if gate.sql is not None:
            progress.statuses["sql"] = gate.sql
        _add(progress.seconds, "hydration", time.monotonic() - started)
        return evidence[:k]

    def _reranks(self, query: Query, progress: _Progress) -> bool:
        """Tell whether the reranker has what it needs: vectors and the graph's lists, and time."""
        answered = all(
            kind in progress.statuses and progress.statuses[kind].status == "ok"
            for kind in ("vector", "graph")
        )
        return self._reranker is not None and answered and time.monotonic() < _end(query)

    def _rerank(self, query: Query, progress: _Progress, fused: Fused, gate: _Gate) -> Fused:
        """Order the best anew, and fuse that order with what SQL has found.

        The ranker knows nothing of tables, so SQL's rows and answers keep a voice of their own.
        """
        computed = {hit.id for hit in progress.lists.get(COMPUTED, ())}
        others = [(i, score) for i, score in fused if i not in computed]
        if self._reranker is None or not others:
            return fused
        status, answer = self._judge(self._reranker, query, progress, others, gate)
        if answer is not None and self._decompose(
            query, progress, answer.ranked, gate, status.seconds
        ):
            answer = self._judge(self._reranker, query, progress, others, gate)[1] or answer
        if answer is None:
            progress.statuses["vector"] = replace(
                progress.statuses["vector"],
                status=status.status,
                reason=f"reranking: {status.reason}",
            )
            return fused
        ranked, read = self._read(query, progress, answer.ranked, gate)
        ranked = raised(ranked, answer.sources, self._source_weight)
        added = [*answer.hits, *read]
        for name in _RERANKERS:
            progress.lists[name] = tuple(hit for hit in added if hit.store == name)
        placed = {identifier for identifier, _ in ranked}
        order = [*ranked, *((i, 0.0) for i, _ in others if i not in placed)]
        voices: dict[str, Sequence[Hit]] = {
            name: progress.lists.get(name, ()) for name in ("sql", COMPUTED)
        }
        voices[RANKED] = [Hit(RANKED, i, n, score) for n, (i, score) in enumerate(order, start=1)]
        return self._fuse(voices, progress.weights | {RANKED: _RANKER_WEIGHT})

    def _judge(
        self,
        reranker: Reranker,
        query: Query,
        progress: _Progress,
        fused: Fused,
        gate: _Gate,
    ) -> tuple[StoreStatus, Reranking | None]:
        # It asks the vector store and the ledger, so it keeps the deadline as they do.
        query = replace(query, parts=progress.parts or ())
        lists = dict(progress.lists)
        return self._fan_out.run(
            "reranker", lambda: reranker.rerank(query, lists, fused, gate), _end(query)
        )

    def _decompose(
        self, query: Query, progress: _Progress, ranked: Fused, gate: _Gate, seconds: float
    ) -> bool:
        """Ask for parts where the evidence convinces little; tell whether to judge once more.

        `seconds` is what a judgement takes: as much is left for the second one.
        """
        decomposer = self._decomposer
        if decomposer is None or progress.parts is not None:
            return False
        progress.parts = ()
        if convinces(ranked, self._decompose_below):
            progress.statuses[DECOMPOSITION] = _CONVINCED
            return False
        best = list(gate([identifier for identifier, _ in ranked[:_TOLD]]).values())
        end = _end(query) - 2 * seconds
        status, parts = self._fan_out.run(
            DECOMPOSITION, lambda: decomposer.parts(query.text, best, end), end
        )
        _add(progress.seconds, DECOMPOSITION, status.seconds)
        progress.parts = parts or ()
        progress.statuses[DECOMPOSITION] = replace(status, hits=len(progress.parts))
        return bool(progress.parts)

    def _read(
        self, query: Query, progress: _Progress, ranked: Fused, gate: _Gate
    ) -> tuple[Fused, list[Hit]]:
        """Have a cross-encoder read what is doubtful where the evidence convinces little.

        Return the new order, and what it has read by its scores; late or failing it changes nothing.
        """
        load = self._cross_encoder
        if load is None:
            return ranked, []
        pieces = {} if convinces(ranked, self._cross_encode_below) else gate(doubtful(ranked))
        if not pieces:
            progress.statuses[CROSS_ENCODER] = _CONVINCED
            return ranked, []
        if _end(query) - time.monotonic() < _READING:
            progress.statuses[CROSS_ENCODER] = StoreStatus("skipped", reason="no time is left")
            return ranked, []
        texts = [(piece.title, piece.text) for piece in pieces.values()]
        status, found = self._fan_out.run(
            CROSS_ENCODER, lambda: load().scores(query.text, texts).tolist(), _end(query)
        )
        scores = dict(zip(pieces, found, strict=True)) if found is not None else {}
        _add(progress.seconds, CROSS_ENCODER, status.seconds)
        progress.statuses[CROSS_ENCODER] = replace(status, hits=len(scores))
        hits = [
            Hit(CROSS_ENCODER, i, n, score) for n, (i, score) in enumerate(ordered(scores), start=1)
        ]
        return reread(ranked, scores) if scores else ranked, hits

    @staticmethod
    def _may_hold_more(progress: _Progress, factor: int) -> bool:
        """Tell whether a store gave as many as it was asked for, so that it may have more."""
        return any(
            progress.plan[store].k * factor <= status.hits
            for store, status in progress.statuses.items()
            if status.status == "ok" and store in progress.plan
        )


def _end(query: Query) -> float:
    """Return the moment (monotonic) at which a search has to be over."""
    return query.deadline if query.deadline is not None else time.monotonic()


def _pushed_down(restriction: Filter) -> Filter:
    documents = restriction.documents
    if documents is not None and len(documents) > _PUSHED_DOWN:
        return replace(restriction, documents=None)
    return restriction


def _add(seconds: dict[str, float], stage: str, value: float) -> None:
    seconds[stage] = seconds.get(stage, 0.0) + value
