"""The fusions by the names that the settings give them, in the form that the plane needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from hetarag.retrievers.fusion import (
    Fused,
    Fuser,
    Lists,
    Weights,
    convex_min_max,
    convex_z_score,
    distribution_based,
    reciprocal_rank,
)
from hetarag.retrievers.reranking.learned_fusion import learned


def _from_zero(fuse: Fuser) -> Fuser:
    """Shift scores so that none is below 0: what follows divides by the best and takes logarithms."""

    def shifted(lists: Lists, weights: Weights) -> Fused:
        fused = fuse(lists, weights)
        least = min((score for _, score in fused), default=0.0)
        return [(identifier, score - min(least, 0.0)) for identifier, score in fused]

    return shifted


_WITH_K: Mapping[str, Callable[..., Fused]] = {"rrf": reciprocal_rank, "learned": learned}
_BY_SCORE: Mapping[str, Fuser] = {
    "convex": convex_min_max,
    "z-score": _from_zero(convex_z_score),
    "distribution": distribution_based,
}
FUSIONS = (*_WITH_K, *_BY_SCORE)
"""The names that the settings give them."""

TAKE_K = frozenset(_WITH_K)
"""Those that the setting `search.rrf_k` makes a difference to."""


def fuser(name: str, k: int) -> Fuser:
    """Return the fusion of that name, with scores of 0 or more; `k` is that of reciprocal ranks."""
    return partial(_WITH_K[name], k=k) if name in _WITH_K else _BY_SCORE[name]
