"""Joining ranked lists: one function per published method.

Each takes the lists of the stores, best first, with a weight per store, and returns (id, score) with
the best first and equal scores in the order of their ids. The table has them by the names that
`search.fusion` gives them: hetarag's own, or entry points in the group `hetarag.fusions` of any other package.
A function with a parameter `k` gets the setting `search.rrf_k`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import log, tanh
from statistics import fmean, pstdev
from typing import cast

from hetarag.plugins import PartTable
from hetarag.types import Hit

Lists = Mapping[str, Sequence[Hit]]
Weights = Mapping[str, float]
Fused = list[tuple[str, float]]
Fuser = Callable[[Lists, Weights], Fused]

FUSIONS = PartTable(
    "fusions",
    {
        "rrf": f"{__name__}:reciprocal_rank",
        "convex": f"{__name__}:convex_min_max",
        "z-score": f"{__name__}:convex_z_score",
        "distribution": f"{__name__}:distribution_based",
    },
    "fusion",
)

_TINY = 1e-9
RANKED_WEIGHT = 6.0
"""Of an order that was judged, beside 1 to 1.5 for SQL's rows and 10 for what SQL computed."""


def fuser(name: str, k: int) -> Fuser:
    """Return the fusion of that name, with scores of 0 or more; `k` is that of reciprocal ranks.

    Raises:
        ConfigError: there is none of that name, or its package cannot be loaded.
    """
    found = FUSIONS.load(name)
    fuse: Fuser = partial(found, k=k) if takes_k(name) else found

    def from_zero(lists: Lists, weights: Weights) -> Fused:
        # What follows divides by the best score and takes logarithms.
        fused = fuse(lists, weights)
        least = min(0.0, min((score for _, score in fused), default=0.0))
        return [(identifier, score - least) for identifier, score in fused]

    return from_zero


def takes_k(name: str) -> bool:
    """Tell whether the setting `search.rrf_k` makes a difference to the fusion of that name."""
    return "k" in inspect.signature(cast(Fuser, FUSIONS.load(name))).parameters


def reciprocal_rank(lists: Lists, weights: Weights, *, k: int = 60) -> Fused:
    """Weighted reciprocal rank fusion: the sum of weight / (k + rank).

    Source: Cormack, Clarke and Büttcher, "Reciprocal rank fusion outperforms Condorcet and individual
    rank learning methods", SIGIR 2009; k = 60 is theirs.
    """
    scores: dict[str, float] = {}
    for store, hits in lists.items():
        for rank, hit in enumerate(hits, start=1):
            scores[hit.id] = scores.get(hit.id, 0.0) + weights.get(store, 1.0) / (k + rank)
    return ordered(scores)


def convex_min_max(lists: Lists, weights: Weights) -> Fused:
    """Convex combination of scores scaled to 0…1 by the least and the greatest of each list.

    Source: Bruch, Gai and Ingber, "An analysis of fusion functions for hybrid retrieval", TOIS 2023.
    """
    return _convex(lists, weights, _min_max)


def convex_z_score(lists: Lists, weights: Weights) -> Fused:
    """Convex combination of scores in standard deviations from the mean of each list."""
    return _convex(lists, weights, _z_score)


def distribution_based(lists: Lists, weights: Weights) -> Fused:
    """Convex combination of scores scaled to 0…1 between mean − 3σ and mean + 3σ of each list.

    Source: Mazzeschi, "Distribution-based score fusion", 2023; in use in Qdrant.
    """
    return _convex(lists, weights, _three_sigma)


def _convex(
    lists: Lists, weights: Weights, scale: Callable[[Sequence[float]], list[float]]
) -> Fused:
    total = sum(weights.get(store, 1.0) for store, hits in lists.items() if hits) or 1.0
    scores: dict[str, float] = {}
    for store, hits in lists.items():
        weight = weights.get(store, 1.0) / total
        for hit, scaled in zip(hits, scale([hit.score for hit in hits]), strict=True):
            scores[hit.id] = scores.get(hit.id, 0.0) + weight * scaled
    return ordered(scores)


def _min_max(scores: Sequence[float]) -> list[float]:
    if not scores:
        return []
    low, high = min(scores), max(scores)
    return [(score - low) / (high - low) if high > low else 1.0 for score in scores]


def _z_score(scores: Sequence[float]) -> list[float]:
    if not scores:
        return []
    mean, deviation = fmean(scores), pstdev(scores)
    return [(score - mean) / deviation if deviation > 0 else 0.0 for score in scores]


def _three_sigma(scores: Sequence[float]) -> list[float]:
    if not scores:
        return []
    mean, deviation = fmean(scores), pstdev(scores)
    if deviation == 0:
        return [0.5 for _ in scores]
    return [
        min(1.0, max(0.0, (score - mean + 3 * deviation) / (6 * deviation))) for score in scores
    ]


def ordered(scores: Mapping[str, float]) -> Fused:
    """Return (id, score), the best first and equal scores in the order of their ids."""
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def add_log_odds(ranked: Fused, by: Mapping[str, float]) -> Fused:
    """Return the pieces in their new order, the log-odds of each probability larger by what `by` has for it."""
    return ordered({i: _with_odds(p, by[i]) if i in by else p for i, p in ranked})


def _with_odds(probability: float, by: float) -> float:
    odds = log((probability + _TINY) / (1 - probability + _TINY)) + by
    return 0.5 + 0.5 * tanh(odds / 2)  # the logistic function, which overflows in its usual form
