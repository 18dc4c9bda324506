"""What the ranker sees of a candidate: where the lists have it, how the question and the links fit it.

Nothing in it depends on a data set: ranks, scores scaled within their own list, shares of words and
cosines. A feature that does not apply is `_NONE`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hetarag.retrievers.links import Asked, Reached
from hetarag.text import name_key, stems
from hetarag.types import Hit, Query, RankedEvidence, Vector

LISTS = ("vector", "fulltext", "graph", "hops")
_NONE = -0.1
_FAR = 200  # the rank of what a list does not have


@dataclass(frozen=True, slots=True)
class Candidates:
    """All that is known of the candidates of one question."""

    query: Query
    asked: Asked
    ids: Sequence[str]
    fused: Mapping[str, float]
    lists: Mapping[str, Sequence[Hit]]
    passages: Mapping[str, RankedEvidence]
    vectors: Mapping[str, Vector]
    reached: Mapping[str, Sequence[Reached]]


class _List:
    """One store's list: each id's rank, and its score between the list's last and first."""

    def __init__(self, hits: Sequence[Hit]) -> None:
        self._rank = {hit.id: rank for rank, hit in enumerate(hits, start=1)}
        self._score = {hit.id: hit.score for hit in hits}
        self._low = hits[-1].score if hits else 0.0
        self._span = (hits[0].score - self._low if hits else 0.0) or 1.0

    def rank(self, identifier: str) -> float:
        return 1 / (5 + self._rank.get(identifier, _FAR))

    def score(self, identifier: str) -> float:
        score = self._score.get(identifier)
        return _NONE if score is None else (score - self._low) / self._span


def matrix(found: Candidates) -> tuple[list[str], npt.NDArray[np.float64]]:
    """Return the features' names and a row per candidate, in the order of `found.ids`."""
    lists = {name: _List(found.lists.get(name, ())) for name in LISTS}
    top = max(found.fused.values(), default=1.0) or 1.0
    cosines = _cosines(found)
    best_cosine = max(cosines.values(), default=0.0)
    best_link = max((ways[0].score for ways in found.reached.values()), default=0.0) or 1.0
    outgoing = _outgoing(found)
    siblings = Counter(found.passages[i].title for i in found.ids)
    rows = []
    for identifier in found.ids:
        passage = found.passages[identifier]
        fused = found.fused.get(identifier, 0.0) / top
        row = {
            "fused": fused,
            "fused gap": math.log(fused + 1e-3),
            "cosine": cosines[identifier],
            "cosine gap": best_cosine - cosines[identifier],
            "outgoing": outgoing.get(identifier, 0.0) / best_link,
            "siblings": min(siblings[passage.title], 5),
            "length": math.log(1 + len(passage.text)),
            "of a table": float(passage.kind != "chunk"),
            "words asked": len(found.asked.stems),
            "entities asked": len(found.query.entities),
        }
        for name, ranked in lists.items():
            row[f"{name} rank"] = ranked.rank(identifier)
            row[f"{name} score"] = ranked.score(identifier)
        row |= _words(found, identifier)
        row |= _link(found, identifier, best_link, cosines[identifier])
        rows.append(row)
    names = sorted(rows[0]) if rows else []
    return names, np.array([[row[name] for name in names] for row in rows], dtype=np.float64)


def _words(found: Candidates, identifier: str) -> dict[str, float]:
    title = found.passages[identifier].title
    in_title = stems(title)
    named = {name_key(title), name_key(title.partition("(")[0])}
    return {
        "asked": found.asked.share(found.asked.bag(identifier)),
        "asked in title": found.asked.share(in_title),
        "title asked": len(in_title & found.asked.stems) / max(1, len(in_title)),
        "title named": float(bool(named & found.asked.keys)),
        "title length": len(in_title),
    }


def _link(found: Candidates, identifier: str, best: float, cosine: float) -> dict[str, float]:
    ways = found.reached.get(identifier, ())
    sources = {way.step.link.source for way in ways}
    row = {
        "links": min(len(ways), 10),
        "sources": len(sources),
        "link cosine most": max((way.cosine for way in ways), default=_NONE),
        "link to title": max((w.score / best for w in ways if w.in_title), default=_NONE),
    }
    if not ways:
        return row | dict.fromkeys(_OF_THE_BEST, _NONE)
    first = ways[0]
    step = first.step
    source = step.link.source
    rest = found.asked.stems - step.covered
    bag, of_source = found.asked.bag(identifier), found.asked.bag(source)
    others = [way for way in ways if way.step.link.source != source]
    same = found.passages[source].document_id == found.passages[identifier].document_id
    values = (
        first.score / best,
        first.cosine,
        step.rarity,
        float(first.in_title),
        step.likeness,
        step.anchor,
        found.asked.share(bag, rest),
        len(rest) / max(1, len(found.asked.stems)),
        first.cosine - cosine,
        found.asked.share(bag | of_source) - found.asked.share(of_source),
        float(same),
        others[0].score / best if others else _NONE,
        others[0].cosine if others else _NONE,
    )
    return row | dict(zip(_OF_THE_BEST, values, strict=True))


_OF_THE_BEST = (
    "link score",
    "link cosine",
    "link rarity",
    "link in title",
    "link likeness",
    "link anchor",
    "rest answered",
    "rest left",
    "link gain",
    "pair gain",
    "link within document",
    "second link score",
    "second link cosine",
)


def _cosines(found: Candidates) -> dict[str, float]:
    question = found.query.vector
    if question is None:
        return dict.fromkeys(found.ids, 0.0)
    return {i: float(found.vectors[i] @ question) if i in found.vectors else 0.0 for i in found.ids}


def _outgoing(found: Candidates) -> dict[str, float]:
    """The best score of the links that start at each passage and end at a candidate."""
    best: dict[str, float] = {}
    for identifier in found.ids:
        for way in found.reached.get(identifier, ()):
            source = way.step.link.source
            best[source] = max(best.get(source, 0.0), way.score)
    return best
