"""What the link ranker is unsure of, read by a cross-encoder.

The ranker compares vectors, words and links; among twenty passages of one name they often do not tell
which is asked for. A cross-encoder reads question and passage together. It is slow, so it gets the few
pieces that the ranker neither trusts nor dismisses; the sure ones keep their places (docs/notes/retrieval.md).
"""

from __future__ import annotations

from collections.abc import Mapping

from hetarag.retrievers.fusion import Fused
from hetarag.retrievers.odds import shifted

_MOST = 12  # 10 ms each on two cores
_DISMISSED, _TRUSTED = 0.02, 0.97
_WEIGHT = 0.5  # of the log-odds read beside those judged; chosen with that of training


def convinces(ranked: Fused, at_least: float) -> bool:
    """Tell whether the evidence convinces: a question of several hops needs two pieces at least."""
    return len(ranked) > 1 and ranked[1][1] >= at_least


def doubtful(ranked: Fused) -> list[str]:
    """Return the ids of the best pieces that are neither trusted nor dismissed, at most twelve."""
    return [i for i, probability in ranked if _DISMISSED < probability < _TRUSTED][:_MOST]


def reread(ranked: Fused, scores: Mapping[str, float]) -> Fused:
    """Return the pieces in their new order; `scores` are log-odds of those that were read."""
    return shifted(ranked, {i: _WEIGHT * score for i, score in scores.items()})
