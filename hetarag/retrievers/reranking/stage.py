"""What follows the fusion: the reranker's order, and what a cross-encoder reads.

Each of them is asked as a store is: until the search's deadline, and late or failing it costs what it
would have added and not the search.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hetarag.config import READ_BELOW, SOURCE_WEIGHT
from hetarag.protocols import PassageScorer, Reranker
from hetarag.retrievers.fan_out import FanOut
from hetarag.retrievers.fusion import RANKED_WEIGHT, Fused, Fuser, ordered
from hetarag.retrievers.hydration import EvidenceCache
from hetarag.retrievers.reranking.cross_encoding import (
    best_scores,
    blend_scores,
    is_confident,
    passages_to_score,
    uncertain,
)
from hetarag.retrievers.reranking.support import boost_sources
from hetarag.retrievers.search_state import (
    COMPUTED,
    CROSS_ENCODER,
    LINKED,
    PARTS,
    RANKED,
    RERANKING,
    Progress,
    end_of,
)
from hetarag.types import Hit, Query, Reranking, StoreStatus

ADDED = (LINKED, PARTS, CROSS_ENCODER)
"""The names of the lists that reranking adds."""

_RANKED_KINDS = ("vector", "fulltext", "graph")  # of stores whose lists the ranker sees
_READING = 0.5  # seconds: with less left nothing is read
_CONVINCED = StoreStatus("skipped", reason="the evidence convinces")


@dataclass(frozen=True, slots=True)
class RerankConfig:
    """Who orders what was fused; the `cross_encoder` is asked where it convinces little.

    `source_weight` is what a passage gains by those that it leads to (`chains`).
    """

    reranker: Reranker
    cross_encoder: Callable[[], PassageScorer] | None = None
    cross_encode_below: float = READ_BELOW
    source_weight: float = SOURCE_WEIGHT


def can_rerank(query: Query, progress: Progress) -> bool:
    """Tell whether the reranker has what it needs: vectors and the graph's lists, and time.

    One that has failed or was late, in a shallower round, is not asked again.
    """
    statuses = progress.statuses
    needed = [progress.first_of(kind) for kind in ("vector", "graph")]
    answered = all(name in statuses and statuses[name].status == "ok" for name in needed)
    fared = statuses.get(RERANKING)
    not_failed = fared is None or fared.status == "ok"
    return answered and not_failed and time.monotonic() < end_of(query)


class RerankStage:
    """The reranking of one search's candidates."""

    def __init__(
        self,
        config: RerankConfig,
        fan_out: FanOut,
        fuse: Fuser,
        query: Query,
        progress: Progress,
        evidence: EvidenceCache,
    ) -> None:
        self._config = config
        self._fan_out = fan_out
        self._fuse = fuse
        self._query = query
        self._progress = progress
        self._evidence = evidence

    def order(self, fused: Fused) -> Fused:
        """Order the best anew, and fuse that order with what SQL has found.

        The ranker knows nothing of tables and of what other packages' stores find: SQL's rows and answers
        and those stores' lists keep a voice of their own.
        """
        lists = self._progress.lists
        computed = {hit.id for hit in lists.get(COMPUTED, ())}
        others = [(i, score) for i, score in fused if i not in computed]
        if not others:
            return fused
        status, answer = self._judge(others)
        if answer is None:
            self._progress.statuses[RERANKING] = status
            return fused
        self._progress.statuses[RERANKING] = replace(status, hits=len(answer.ranked))
        self._progress.hops = answer.hops
        ranked, read = self._read(answer.ranked)
        ranked = boost_sources(ranked, answer.sources, self._config.source_weight)
        added = [*answer.hits, *read]
        for name in ADDED:
            lists[name] = tuple(hit for hit in added if hit.store == name)
        placed = {identifier for identifier, _ in ranked}
        order = [*ranked, *((i, 0.0) for i, _ in others if i not in placed)]
        voices: dict[str, Sequence[Hit]] = {name: lists.get(name, ()) for name in self._beside()}
        voices[RANKED] = _as_list(RANKED, order)
        return self._fuse(voices, self._progress.weights | {RANKED: RANKED_WEIGHT})

    def _beside(self) -> list[str]:
        """The lists of which the ranker knows nothing."""
        kinds = self._progress.kinds
        return [*(name for name in kinds if kinds[name] not in _RANKED_KINDS), COMPUTED]

    def _judge(self, fused: Fused) -> tuple[StoreStatus, Reranking | None]:
        # It asks the vector store and the ledger, so it keeps the deadline as they do.
        lists = self._progress.lists_by_kind()
        return self._fan_out.run(
            "reranker",
            lambda: self._config.reranker.rerank(self._query, lists, fused, self._evidence),
            end_of(self._query),
        )

    def _read(self, ranked: Fused) -> tuple[Fused, Sequence[Hit]]:
        """Have a cross-encoder read what is doubtful where the evidence convinces little.

        Return the new order, and what it has read by its scores; late or failing it changes nothing.
        """
        load, progress = self._config.cross_encoder, self._progress
        if load is None:
            return ranked, ()
        convinced = is_confident(ranked, self._config.cross_encode_below)
        pieces = {} if convinced else self._evidence(uncertain(ranked))
        if not pieces:
            progress.statuses[CROSS_ENCODER] = _CONVINCED
            return ranked, ()
        question, end = self._query.text, end_of(self._query)
        if end - time.monotonic() < _READING:
            progress.statuses[CROSS_ENCODER] = StoreStatus("skipped", reason="no time is left")
            return ranked, ()
        ids, texts = zip(*passages_to_score(pieces), strict=True)
        status, found = self._fan_out.run(
            CROSS_ENCODER, lambda: load().scores(question, texts).tolist(), end
        )
        scores = best_scores(ids, found) if found is not None else {}
        progress.took(CROSS_ENCODER, status.seconds)
        progress.statuses[CROSS_ENCODER] = replace(status, hits=len(scores))
        hits = _as_list(CROSS_ENCODER, ordered(scores))
        return blend_scores(ranked, scores) if scores else ranked, hits


def _as_list(name: str, order: Fused) -> list[Hit]:
    return [Hit(name, i, rank, score) for rank, (i, score) in enumerate(order, start=1)]
