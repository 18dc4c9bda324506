"""The link ranker: candidates of the plane and where their names lead, ranked by a learned function.

Trained on questions of three multi-hop sets (tools/train_ranker.py); its features say nothing of any
of them. Source of the idea: multi-hop dense retrieval (Xiong et al., 2021) encodes question and evidence
so far; here the evidence's part is a name and the words of the question that it does not answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from hetarag.protocols import LinkIndex, Reranker, VectorStore
from hetarag.retrievers.features import Candidates, matrix
from hetarag.retrievers.links import SHARED_BY, Asked, Reached, choose_steps, follow
from hetarag.retrievers.plane import LINKED
from hetarag.retrievers.trees import TreeEnsemble
from hetarag.types import Hit, Query, RankedEvidence, Vector

MODEL = "ranker.npz"
_ANCHORS = 10
_FUSED = 60
_TARGETS = 40

Hydrate = Callable[[Sequence[str]], dict[str, RankedEvidence]]


class LinkRanker(Reranker):
    """Ranks the best fused candidates and the passages that their names lead to."""

    def __init__(
        self,
        links: LinkIndex,
        vectors: Callable[[], VectorStore],
        embed: Callable[[Sequence[str]], Vector],
    ) -> None:
        self._links = links
        self._vectors = vectors
        self._embed = embed

    @cached_property
    def _trees(self) -> TreeEnsemble:
        return TreeEnsemble.load(MODEL)

    def rerank(
        self,
        query: Query,
        lists: Mapping[str, Sequence[Hit]],
        fused: Sequence[tuple[str, float]],
        hydrate: Hydrate,
    ) -> tuple[list[tuple[str, float]], list[Hit]]:
        """Return the candidates with their probabilities, best first, and the list of links."""
        found = self.candidates(query, lists, fused, hydrate)
        names, rows = matrix(found)
        if not names:
            return [], []
        if tuple(names) != self._trees.names:
            raise ValueError("the ranker was trained on other features: run tools/train_ranker.py")
        scores = dict(zip(found.ids, self._trees.probabilities(rows).tolist(), strict=True))
        ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
        return ranked, _as_list(found.reached, scores)

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
        top = scores[base[0]] if base else 1.0
        anchors = {i: scores[i] / top for i in base[:_ANCHORS]}
        asked = Asked(query.text, passages)
        links = self._links.links(list(anchors), SHARED_BY)
        steps = choose_steps(links, asked, anchors, passages)
        targets = sorted({target for step in steps for target in step.link.targets})
        vectors = self._vectors().vectors(list(dict.fromkeys([*base, *targets])))
        reached = follow(steps, vectors, self._embed)
        further = sorted(
            (target for target in reached if target not in scores),
            key=lambda target: (-reached[target][0].score, target),
        )
        new = hydrate(further[:_TARGETS])
        asked.add(new)
        return Candidates(
            query=query,
            asked=asked,
            ids=[*base, *(target for target in further[:_TARGETS] if target in new)],
            fused=scores,
            lists=lists,
            passages={**passages, **new},
            vectors=vectors,
            reached=reached,
        )


def _as_list(reached: Mapping[str, Sequence[Reached]], known: Mapping[str, float]) -> list[Hit]:
    ordered = sorted(
        (target for target in reached if target in known),
        key=lambda target: (-reached[target][0].score, target),
    )
    return [
        Hit(LINKED, target, rank, reached[target][0].score)
        for rank, target in enumerate(ordered, start=1)
    ]
