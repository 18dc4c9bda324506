"""The link ranker: candidates of the plane and where their names lead, ranked by a learned function.

Two rounds. The first follows names from the best fused passages and judges all candidates by
themselves; the second follows names from those judged best, so that a chain goes on, and judges each
candidate among its neighbours: by what leads to it and by what rivals it.

Trained on questions of three multi-hop sets (training/link_ranker.py); its features say nothing of any
of them. Source of the idea: multi-hop dense retrieval (Xiong et al., 2021) encodes question and evidence
so far; here the evidence's part is a name and the words of the question that it does not answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from hetarag.config import PLAIN_WEIGHT
from hetarag.protocols import LinkIndex, Reranker, VectorStore
from hetarag.retrievers.fusion import ordered
from hetarag.retrievers.reranking.candidates import Candidates
from hetarag.retrievers.reranking.features import matrix
from hetarag.retrievers.reranking.kept import Kept
from hetarag.retrievers.reranking.link_following import (
    SHARED_BY,
    Asked,
    Reached,
    Step,
    choose_steps,
    follow,
)
from hetarag.retrievers.reranking.neighbour_features import neighbours
from hetarag.retrievers.reranking.passage_words import WordCache
from hetarag.retrievers.reranking.profiles import TreesByKind, trees_for
from hetarag.retrievers.reranking.subquestions import subquestions
from hetarag.retrievers.reranking.support import support_shares
from hetarag.retrievers.reranking.tree_ensemble import TreeEnsemble
from hetarag.retrievers.reranking.ways import Rows
from hetarag.retrievers.search_state import LINKED, PARTS
from hetarag.types import Hit, Hop, Link, Query, RankedEvidence, Reranking, Vector

_FUSED = 60
_ANCHORS = (10, 8)  # passages that each round starts from
_LINKS = (14, 6)  # as many questions are embedded, 3.5 ms each: the larger part of what a hop costs
_TARGETS = (40, 20)
_PER_PART = 8
_KEPT = 4096  # vectors of passages that searches have met last: 6 MB of 384 dimensions

Hydrate = Callable[[Sequence[str]], dict[str, RankedEvidence]]


class LinkRanker(Reranker):
    """Ranks the best fused candidates and the passages that their names lead to.

    `trees` take the place of the package's (`profiles.own_trees`).
    """

    def __init__(
        self,
        links: LinkIndex,
        vectors: Callable[[], VectorStore],
        embed: Callable[[Sequence[str]], Vector],
        plain_weight: float = PLAIN_WEIGHT,
        trees: TreesByKind | None = None,
    ) -> None:
        self._links = links
        self._vectors = vectors
        self._embed = embed
        self._plain_weight = plain_weight
        self._trees = trees
        self._words = WordCache()
        self._kept: Kept[Vector] = Kept(_KEPT)

    def rerank(
        self,
        query: Query,
        lists: Mapping[str, Sequence[Hit]],
        fused: Sequence[tuple[str, float]],
        hydrate: Hydrate,
    ) -> Reranking:
        """Return the candidates with their probabilities, best first, and what links and parts led to."""
        found = self.candidates(query, lists, fused, hydrate)
        if not found.ids:
            return Reranking([])
        trees = trees_for(found.passages.values(), self._trees)
        found, names, rows = self.two_pass_features(found, hydrate, trees.first)
        judged = trees.second.probabilities(_checked(names, rows, trees.second))
        judged = interpolate_with_fusion(judged, found.plain(), self._plain_weight)
        scores = dict(zip(found.ids, judged.tolist(), strict=True))
        near = [hit for hit in found.answering if hit.id in scores]
        return Reranking(
            ordered(scores),
            [*_as_list(found.reached, scores), *near],
            support_shares(found),
            _hops(found.reached, scores),
        )

    def two_pass_features(
        self, found: Candidates, hydrate: Hydrate, trees: TreeEnsemble
    ) -> tuple[Candidates, list[str], Rows]:
        """Judge the candidates by `trees`, follow names from the best, and look at all of them among each other.

        Returns the candidates, more by then, with the names and rows of the second judgement's features.
        """
        rows, first = _judged(found, trees)
        further = self.expand_candidates(found, first, hydrate)
        if further is not found:
            found = further
            rows, first = _judged(found, trees)
        names, around = neighbours(found, first)
        return found, [*trees.names, *names], np.hstack([rows, around])

    def candidates(
        self,
        query: Query,
        lists: Mapping[str, Sequence[Hit]],
        fused: Sequence[tuple[str, float]],
        hydrate: Hydrate,
    ) -> Candidates:
        """Gather the candidates of a question and all that the features are made from."""
        passages = hydrate([identifier for identifier, _ in fused[:_FUSED]])
        scores = {i: score for i, score in fused if i in passages}
        base = list(scores)
        top = (scores[base[0]] if base else 0.0) or 1.0
        anchors = {i: scores[i] / top for i in base[: _ANCHORS[0]]}
        pieces = subquestions(query.text)
        asked = Asked(query.text, passages, pieces, self._words)
        links = self._from(anchors, {})
        steps = choose_steps(_joined(links), asked, anchors, passages, _LINKS[0])
        embedded = self._embedded([*pieces, *(step.question for step in steps)])
        answering = self._answering(query, [embedded[piece] for piece in pieces])
        near = [hit.id for hit in answering]
        vectors = self._vectors_of([*base, *near, *_targets(steps)])
        reached = follow(steps, vectors, embedded)
        new = hydrate([*dict.fromkeys([*_further(reached, scores, _TARGETS[0]), *near])])
        asked.add(new)
        return Candidates(
            query=query,
            asked=asked,
            ids=list(dict.fromkeys([*base, *new])),
            fused=scores,
            lists=lists,
            passages={**passages, **new},
            vectors=vectors,
            reached=reached,
            parts={piece: embedded[piece] for piece in pieces},
            answering=answering,
            links=links,
        )

    def expand_candidates(self, found: Candidates, first: Rows, hydrate: Hydrate) -> Candidates:
        """Follow names from the candidates that were judged best, for another hop."""
        order = np.argsort(-first, kind="stable")[: _ANCHORS[1]]
        top = max(float(first.max()), 1e-9)
        anchors = {found.ids[at]: float(first[at]) / top for at in order}
        known = {
            (way.step.link.source, way.step.link.key)
            for ways in found.reached.values()
            for way in ways
        }
        read = self._from(anchors, found.links)
        links = [
            link
            for link in _joined({i: read[i] for i in anchors})
            if (link.source, link.key) not in known
        ]
        answered = {i: found.reached[i][0].step.covered for i in anchors if i in found.reached}
        steps = choose_steps(links, found.asked, anchors, found.passages, _LINKS[1], answered)
        if not steps:
            return found
        missing = [i for i in _targets(steps) if i not in found.vectors]
        vectors = {**found.vectors, **self._vectors_of(missing)}
        reached = follow(steps, vectors, self._embedded([step.question for step in steps]))
        new = hydrate(_further(reached, found.passages, _TARGETS[1]))
        found.asked.add(new)
        together = {
            i: sorted(
                [*found.reached.get(i, ()), *reached.get(i, ())],
                key=lambda way: (-way.score, way.step.link.source, way.step.link.key),
            )
            for i in {**found.reached, **reached}
        }
        return replace(
            found,
            ids=list(dict.fromkeys([*found.ids, *new])),
            passages={**found.passages, **new},
            vectors=vectors,
            reached=together,
            links=read,
        )

    def _from(
        self, anchors: Iterable[str], read: Mapping[str, Sequence[Link]]
    ) -> Mapping[str, Sequence[Link]]:
        """Return the links of these passages by where they start, and those that are `read` already."""
        links: dict[str, list[Link]] = {i: [] for i in anchors if i not in read}
        for link in self._links.links(list(links), SHARED_BY) if links else ():
            links[link.source].append(link)
        return {**read, **links}

    def _vectors_of(self, ids: Iterable[str]) -> dict[str, Vector]:
        """Return the vectors of those of these passages that have one; one embedder has made them all."""
        wanted = list(dict.fromkeys(ids))
        found = self._kept.of(wanted)
        new = [i for i in wanted if i not in found]
        if new:
            read = dict(self._vectors().vectors(new))
            self._kept.add(read)
            found |= read
        return found

    def _embedded(self, texts: Sequence[str]) -> dict[str, Vector]:
        distinct = list(dict.fromkeys(texts))
        return dict(zip(distinct, self._embed(distinct), strict=True)) if distinct else {}

    def _answering(self, query: Query, vectors: Sequence[Vector]) -> list[Hit]:
        """Return the passages nearest to the parts of the question, each at its best place."""
        best: dict[str, Hit] = {}
        for vector in vectors:
            for hit in self._vectors().search(replace(query, vector=vector), _PER_PART):
                if hit.id not in best or hit.score > best[hit.id].score:
                    best[hit.id] = hit
        ordered = sorted(best.values(), key=lambda hit: (-hit.score, hit.id))
        return [Hit(PARTS, hit.id, rank, hit.score) for rank, hit in enumerate(ordered, start=1)]


def interpolate_with_fusion(judged: Rows, plain: Rows, weight: float = PLAIN_WEIGHT) -> Rows:
    """Multiply the odds of each judgement by e^(weight · plain), the plain fusion's score from 0 to 1.

    What was learnt on three sets knows less of another: there the lists' own order counts for more than
    the trees give it, and where they were trained this costs next to nothing (docs/research/notes/retrieval.md).
    """
    odds = judged / (1 - judged + 1e-12) * np.exp(weight * plain)
    return odds / (1 + odds)


def _judged(found: Candidates, trees: TreeEnsemble) -> tuple[Rows, Rows]:
    """Return the rows of the first judgement, and a probability for each candidate."""
    rows = _checked(*matrix(found), trees)
    return rows, trees.probabilities(rows)


def _checked(names: Sequence[str], rows: Rows, ensemble: TreeEnsemble) -> Rows:
    if tuple(names) != ensemble.names:
        raise ValueError("the ranker was trained on other features: run training/link_ranker.py")
    return rows


def _joined(links: Mapping[str, Sequence[Link]]) -> list[Link]:
    return [link for started in links.values() for link in started]


def _targets(steps: Sequence[Step]) -> list[str]:
    return sorted({target for step in steps for target in step.link.targets})


def _further(
    reached: Mapping[str, Sequence[Reached]], known: Mapping[str, object], most: int
) -> list[str]:
    """Return the passages that were reached and are not known yet, the best first."""
    new = (target for target in reached if target not in known)
    return sorted(new, key=lambda target: (-reached[target][0].score, target))[:most]


def _as_list(reached: Mapping[str, Sequence[Reached]], known: Mapping[str, float]) -> list[Hit]:
    ordered = sorted(
        (target for target in reached if target in known),
        key=lambda target: (-reached[target][0].score, target),
    )
    return [
        Hit(LINKED, target, rank, reached[target][0].score)
        for rank, target in enumerate(ordered, start=1)
    ]


def _hops(reached: Mapping[str, Sequence[Reached]], known: Mapping[str, float]) -> list[Hop]:
    """The best way to each candidate that a name leads to."""
    best = {target: ways[0].step.link for target, ways in reached.items() if target in known}
    return [Hop(link.source, target, link.name) for target, link in best.items()]
