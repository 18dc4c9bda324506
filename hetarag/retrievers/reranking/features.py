"""What the ranker sees of a candidate: where the lists have it, how the question and the links fit it.

Nothing in it depends on a data set: ranks, scores scaled within their own list, shares of words and
cosines. A feature that does not apply is `NONE`. Lengths are left out, and what is the same for all
candidates of a question, as the number of its words: with few questions to learn from such features
stand for the set that a question is from, and mislead elsewhere (docs/research/notes/retrieval.md). The features
of the second look, which knows a first judgement of all candidates, are in `neighbours`, those of links
in `link_features`. A feature is a column, shape (candidates,), and a look their columns side by side.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hetarag.retrievers.reranking.candidates import MISSING, Columns, column, side_by_side
from hetarag.retrievers.reranking.candidates import (
    Candidates as Candidates,  # where it has always been found
)
from hetarag.retrievers.reranking.link_features import link_columns, relation_columns
from hetarag.retrievers.reranking.ways import Rows as Rows
from hetarag.text import stems
from hetarag.types import Hit

LISTS = ("vector", "fulltext", "graph")
UNRANKED = 200  # the rank of what a list does not have


class ScoredList:
    """One store's list: each id's rank, and its score between the list's last and first."""

    def __init__(self, hits: Sequence[Hit]) -> None:
        self._rank = {hit.id: rank for rank, hit in enumerate(hits, start=1)}
        self._score = {hit.id: hit.score for hit in hits}
        self._low = hits[-1].score if hits else 0.0
        self._span = (hits[0].score - self._low if hits else 0.0) or 1.0

    def rank(self, identifier: str) -> float:
        """Return 1 / (5 + rank), as if at place 200 for one that the list does not have."""
        return 1 / (5 + self._rank.get(identifier, UNRANKED))

    def score(self, identifier: str) -> float:
        """Return the scaled score, `NONE` for one that the list does not have."""
        score = self._score.get(identifier)
        return MISSING if score is None else (score - self._low) / self._span


def matrix(found: Candidates) -> tuple[list[str], Rows]:
    """Return the features' names and a row per candidate, in the order of `found.ids`."""
    if not found.ids:
        return [], np.zeros((0, 0))
    columns = _listed(found) | _words(found) | _parts(found)
    columns |= link_columns(found) | relation_columns(found)
    return side_by_side(columns)


def _listed(found: Candidates) -> Columns:
    """Where the lists have it, and how near it is to the question."""
    plain, near = found.plain(), found.cosines
    columns = {
        "fused": plain,
        "fused gap": np.log(plain + 1e-3),
        "cosine": near,
        "cosine gap": near.max() - near,
        "of a table": column([found.passages[i].kind != "chunk" for i in found.ids]),
    }
    for name in LISTS:
        scored = ScoredList(found.lists.get(name, ()))
        columns[f"{name} rank"] = column([scored.rank(i) for i in found.ids])
        columns[f"{name} score"] = column([scored.score(i) for i in found.ids])
    return columns


def _words(found: Candidates) -> Columns:
    asked = found.asked
    passages = [asked.passage(i) for i in found.ids]
    titles = [asked.mask(passage.title) & asked.every for passage in passages]
    counts = [
        title.bit_count() / max(1, len(p.title)) for title, p in zip(titles, passages, strict=True)
    ]
    return {
        "asked": asked.shares(found.words),
        "asked in title": asked.shares(titles),
        "title asked": column(counts),
        "title named": column([not asked.keys.isdisjoint(p.names) for p in passages]),
    }


def _parts(found: Candidates) -> Columns:
    """How near each candidate is to the part of the question that it is nearest to."""
    if not found.parts:
        empty = np.full(len(found.ids), MISSING)
        return dict.fromkeys(("part cosine", "part gap", "part rank", "part mean", "part words"), empty)  # fmt: skip
    cosines = np.asarray(found.stacked @ np.stack(list(found.parts.values())).T, np.float64)
    ranks = np.argsort(np.argsort(-cosines, axis=0, kind="stable"), axis=0, kind="stable") + 1
    wanted = [found.asked.mask(stems(part)) for part in found.parts]
    shares = [found.asked.shares(found.words, [want]) for want in wanted]
    return {
        "part cosine": cosines.max(1),
        "part gap": (cosines.max(0, keepdims=True) - cosines).min(1),
        "part rank": 1 / (5 + ranks.min(1)),
        "part mean": cosines.mean(1),
        "part words": np.max(shares, axis=0),
    }
