"""Which candidates lead to which, and what a passage gains from those that it leads to.

A passage that is reached through another one answers only together with it. So the evidence is a chain:
a source is likely where anything that it leads to is likely, however little it says of the question
itself. The ranker's trees judge each candidate alone; they see the likeliest neighbour, and what they
made of it on encyclopedia questions does not hold for a table that leads to forty players. This here is
not learnt and holds for both (docs/research/notes/retrieval.md).
"""

from __future__ import annotations

from collections import defaultdict

from hetarag.retrievers.fusion import Fused, add_log_odds
from hetarag.retrievers.reranking.candidates import Candidates
from hetarag.types import Sources

_LEAST = 1e-6  # of a cosine, so that there is something to share
_DEPENDS = 3  # a cosine better by a third says that a passage is found through its source alone


def support_shares(found: Candidates) -> Sources:
    """Return, of each candidate, the candidates that lead to it and the share of each, at most 1 in all.

    All shares together are larger the better the candidate answers a link's question than the question
    itself: what the question finds without a source says nothing of the source. Of that each source has as
    much as the cosine of its best link. Pieces of one document do not lead to each other.
    """
    documents = {i: found.passages[i].document_id for i in found.ids}
    shares: dict[str, dict[str, float]] = {}
    for target, alone in zip(found.ids, found.cosines.tolist(), strict=True):
        best: dict[str, float] = defaultdict(float)
        for way in found.reached.get(target, ()):
            source = way.step.link.source
            if source in documents and documents[source] != documents[target]:
                best[source] = max(best[source], way.cosine, _LEAST)
        gain = max(best.values(), default=0.0) - max(alone, 0.0)
        if gain > 0:
            unit = min(_DEPENDS * gain, 1.0) / sum(best.values())
            shares[target] = {source: cosine * unit for source, cosine in best.items()}
    return shares


def boost_sources(ranked: Fused, found: Sources, weight: float) -> Fused:
    """Return the pieces in their new order: the log-odds of each grow by weight times what it leads to.

    That is the expected number of passages that are looked for among those, each for its share.
    """
    if not (weight and found):
        return ranked
    judged = dict(ranked)
    leads: dict[str, float] = defaultdict(float)
    for target, shares in found.items():
        for source, share in shares.items():
            leads[source] += judged.get(target, 0.0) * share
    return add_log_odds(ranked, {source: weight * led for source, led in leads.items()})
