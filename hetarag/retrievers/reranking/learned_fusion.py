"""A learned fuser: trees over where each list has a piece of evidence, and how well it scored there.

Eight numbers a piece: of the vector store, full text, the graph and the hops the rank and the score
between the list's last and first. Trained with the link ranker's questions (training/link_ranker.py); a
better rank or score never makes a piece less likely. On questions of the kinds that it was trained on it
finds more at five than weighted reciprocal ranks do, on others not surely. The link ranker sees these
numbers itself and was trained on ranks, so that it is not the default (docs/notes/retrieval.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hetarag.retrievers.fusion import (
    RANKED_WEIGHT,
    Fused,
    Lists,
    Weights,
    ordered,
    reciprocal_rank,
)
from hetarag.retrievers.reranking.features import LISTS, Rows, ScoredList
from hetarag.retrievers.reranking.tree_ensemble import packaged

FUSER = "fuser.npz"
NEEDED = ("vector", "fulltext", "graph")
"""Without one of these lists ranks decide: it was trained on questions that had them all."""

NAMES = (*(f"{name} rank" for name in LISTS), *(f"{name} score" for name in LISTS))


def learned(lists: Lists, weights: Weights, *, k: int = 60) -> Fused:
    """Fuse the lists of texts by what was learnt, and the SQL store's beside them.

    Scores of texts are probabilities. Rows and computed answers add their weighted reciprocal ranks, in the
    measure that the best piece is the first of a list of weight `RANKED_WEIGHT`. Where one of the lists
    that it needs is empty, reciprocal ranks alone fuse.
    """
    if not all(lists.get(name) for name in NEEDED):
        return reciprocal_rank(lists, weights, k=k)
    ids, rows = rows_of(lists)
    judged = packaged(FUSER).probabilities(rows)
    scores = dict(zip(ids, judged.tolist(), strict=True))
    unit = float(judged.max()) * (k + 1) / RANKED_WEIGHT
    others = {name: hits for name, hits in lists.items() if name not in LISTS}
    for identifier, score in reciprocal_rank(others, weights, k=k):
        scores[identifier] = scores.get(identifier, 0.0) + unit * score
    return ordered(scores)


def rows_of(lists: Lists) -> tuple[Sequence[str], Rows]:
    """Return the ids in the lists of texts, each once, and a row of `NAMES` for each."""
    scored = [ScoredList(lists.get(name, ())) for name in LISTS]
    ids = list(dict.fromkeys(hit.id for name in LISTS for hit in lists.get(name, ())))
    rows = [[*(s.rank(i) for s in scored), *(s.score(i) for s in scored)] for i in ids]
    return ids, np.array(rows, dtype=np.float64)
