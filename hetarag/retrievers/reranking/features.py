"""What the ranker sees of a candidate: where the lists have it, how the question and the links fit it.

Nothing in it depends on a data set: ranks, scores scaled within their own list, shares of words and
cosines. A feature that does not apply is `NONE`. Lengths are left out, and what is the same for all
candidates of a question, as the number of its words: with few questions to learn from such features
stand for the set that a question is from, and mislead elsewhere (docs/notes/retrieval.md). The features
of the second look, which knows a first judgement of all candidates, are in `neighbours`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from hetarag.retrievers.reranking.link_following import Asked, Reached, sentences
from hetarag.retrievers.reranking.relation_words import relations
from hetarag.text import SECTION, name_key, stems
from hetarag.types import Hit, Query, RankedEvidence, Vector

LISTS = ("vector", "fulltext", "graph", "hops")
NONE = -0.1
_FAR = 200  # the rank of what a list does not have
_WAYS = 4  # links to a candidate whose sentences are read

Rows = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Candidates:
    """All that is known of the candidates of one question.

    `fused` are the scores of the lists' fusion, `reached` the links that lead to each candidate, the
    best first, `parts` the question's parts with their vectors, `answering` what is nearest to those.
    """

    query: Query
    asked: Asked
    ids: Sequence[str]
    fused: Mapping[str, float]
    lists: Mapping[str, Sequence[Hit]]
    passages: Mapping[str, RankedEvidence]
    vectors: Mapping[str, Vector]
    reached: Mapping[str, Sequence[Reached]]
    parts: Mapping[str, Vector]
    answering: Sequence[Hit] = ()

    def stacked(self) -> Vector:
        """Return the candidates' vectors, (candidates, dimension); zeros for one without."""
        width = len(next(iter(self.vectors.values()), np.zeros(1, np.float32)))
        empty = np.zeros(width, np.float32)
        return np.stack([self.vectors.get(i, empty) for i in self.ids])

    def plain(self) -> Rows:
        """Return the candidates' fused scores, the best of all lists being 1; 0 for one that none has."""
        top = max(self.fused.values(), default=0.0) or 1.0
        return np.array([self.fused.get(i, 0.0) / top for i in self.ids])


class ScoredList:
    """One store's list: each id's rank, and its score between the list's last and first."""

    def __init__(self, hits: Sequence[Hit]) -> None:
        self._rank = {hit.id: rank for rank, hit in enumerate(hits, start=1)}
        self._score = {hit.id: hit.score for hit in hits}
        self._low = hits[-1].score if hits else 0.0
        self._span = (hits[0].score - self._low if hits else 0.0) or 1.0

    def rank(self, identifier: str) -> float:
        """Return 1 / (5 + rank), as if at place 200 for one that the list does not have."""
        return 1 / (5 + self._rank.get(identifier, _FAR))

    def score(self, identifier: str) -> float:
        """Return the scaled score, `NONE` for one that the list does not have."""
        score = self._score.get(identifier)
        return NONE if score is None else (score - self._low) / self._span


def matrix(found: Candidates) -> tuple[list[str], Rows]:
    """Return the features' names and a row per candidate, in the order of `found.ids`."""
    if not found.ids:
        return [], np.zeros((0, 0))
    lists = {name: ScoredList(found.lists.get(name, ())) for name in LISTS}
    plain = found.plain().tolist()
    near = cosines(found)
    best_cosine = max(near.values(), default=0.0)
    best_link = max((ways[0].score for ways in found.reached.values()), default=0.0) or 1.0
    outgoing = _outgoing(found)
    places = _places(found)
    unreached = (0.0, NONE)
    parts = _parts(found)
    relations_asked = relations(found.asked.stems)
    rows = []
    for at, identifier in enumerate(found.ids):
        passage = found.passages[identifier]
        fused = plain[at]
        row = {
            "fused": fused,
            "fused gap": math.log(fused + 1e-3),
            "cosine": near[identifier],
            "cosine gap": best_cosine - near[identifier],
            "outgoing": outgoing.get(identifier, 0.0) / best_link,
            "of a table": float(passage.kind != "chunk"),
        }
        row["link place"], row["link behind"] = places.get(identifier, unreached)
        for name, ranked in lists.items():
            row[f"{name} rank"] = ranked.rank(identifier)
            row[f"{name} score"] = ranked.score(identifier)
        row |= _words(found, identifier)
        row |= _link(found, identifier, best_link, near[identifier])
        row |= _relation(found, identifier, relations_asked)
        row |= {name: float(values[at]) for name, values in parts.items()}
        rows.append(row)
    names = sorted(rows[0])
    return names, np.array([[row[name] for name in names] for row in rows], dtype=np.float64)


def _words(found: Candidates, identifier: str) -> dict[str, float]:
    title = found.passages[identifier].title
    in_title, named = stems(title), _names(title)
    return {
        "asked": found.asked.share(found.asked.bag(identifier)),
        "asked in title": found.asked.share(in_title),
        "title asked": len(in_title & found.asked.stems) / max(1, len(in_title)),
        "title named": float(bool(named & found.asked.keys)),
    }


@lru_cache(maxsize=1 << 13)
def _names(title: str) -> frozenset[str]:
    names = [title, *title.split(SECTION)]
    return frozenset(name_key(form) for name in names for form in (name, name.partition("(")[0]))


def _link(found: Candidates, identifier: str, best: float, cosine: float) -> dict[str, float]:
    ways = found.reached.get(identifier, ())
    sources = {way.step.link.source for way in ways}
    row = {
        "links": min(len(ways), 10),
        "sources": len(sources),
        "link cosine most": max((way.cosine for way in ways), default=NONE),
        "link to title": max((w.score / best for w in ways if w.in_title), default=NONE),
    }
    if not ways:
        return row | dict.fromkeys(_OF_THE_BEST, NONE)
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
        others[0].score / best if others else NONE,
        others[0].cosine if others else NONE,
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


def _relation(found: Candidates, identifier: str, asked: frozenset[int]) -> dict[str, float]:
    """Whether the sentence that holds the link's name states a relation that is still asked for."""
    row = {
        "relations": len(asked & relations(found.asked.bag(identifier))) / max(1, len(asked)),
        "relation of link": NONE,
        "relation of link x anchor": NONE,
        "relations left": NONE,
    }
    ways = found.reached.get(identifier, ())[:_WAYS]
    bags = [stems(text) for text in sentences(found.passages[identifier])] if ways else []
    for way in ways:
        left = relations(found.asked.stems - way.step.covered)
        name = stems(way.step.link.name)
        holding = [bag for bag in bags if name and 2 * len(name & bag) >= len(name)]
        stated = max(
            (len(left & relations(bag)) for bag in (bags if way.in_title else holding) or bags),
            default=0,
        ) / max(1, len(left))
        row["relation of link"] = max(row["relation of link"], stated)
        row["relation of link x anchor"] = max(
            row["relation of link x anchor"], stated * way.step.anchor
        )
        row["relations left"] = max(row["relations left"], float(len(left)))
    return row


def _parts(found: Candidates) -> dict[str, Rows]:
    """How near each candidate is to the part of the question that it is nearest to."""
    count = len(found.ids)
    if not found.parts:
        empty = np.full(count, NONE)
        return dict.fromkeys(("part cosine", "part gap", "part rank", "part mean", "part words"), empty)  # fmt: skip
    cosines = np.asarray(found.stacked() @ np.stack(list(found.parts.values())).T, np.float64)
    ranks = np.argsort(np.argsort(-cosines, axis=0, kind="stable"), axis=0, kind="stable") + 1
    wanted = [stems(part) for part in found.parts]
    words = [max(found.asked.share(found.asked.bag(i), want) for want in wanted) for i in found.ids]
    return {
        "part cosine": cosines.max(1),
        "part gap": (cosines.max(0, keepdims=True) - cosines).min(1),
        "part rank": 1 / (5 + ranks.min(1)),
        "part mean": cosines.mean(1),
        "part words": np.array(words),
    }


def cosines(found: Candidates) -> dict[str, float]:
    """Return each candidate's cosine with the question, 0 for one without a vector."""
    question = found.query.vector
    if question is None:
        return dict.fromkeys(found.ids, 0.0)
    return {i: float(found.vectors[i] @ question) if i in found.vectors else 0.0 for i in found.ids}


def _places(found: Candidates) -> dict[str, tuple[float, float]]:
    """Where each passage stands among all that one source leads to, at best: 1 / place, and how far behind.

    A chain goes from a passage to one other. A list of forty names leads to forty passages, all with
    links as good as any: they rival each other, and few can be meant.
    """
    led: dict[str, dict[str, float]] = {}
    for identifier in found.ids:
        for way in found.reached.get(identifier, ()):
            targets = led.setdefault(way.step.link.source, {})
            targets[identifier] = max(targets.get(identifier, -math.inf), way.worth)
    best: dict[str, tuple[float, float]] = {}
    for targets in led.values():
        ordered = sorted(targets.items(), key=lambda item: (-item[1], item[0]))
        for place, (identifier, worth) in enumerate(ordered, start=1):
            old = best.get(identifier, (0.0, -math.inf))
            best[identifier] = max(old[0], 1 / place), max(old[1], worth - ordered[0][1])
    return best


def _outgoing(found: Candidates) -> dict[str, float]:
    """The best score of the links that start at each passage and end at a candidate."""
    best: dict[str, float] = {}
    for identifier in found.ids:
        for way in found.reached.get(identifier, ()):
            source = way.step.link.source
            best[source] = max(best.get(source, 0.0), way.score)
    return best
