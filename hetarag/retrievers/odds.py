"""Probabilities that are shifted on the scale of their log-odds."""

from __future__ import annotations

from collections.abc import Mapping
from math import log, tanh

from hetarag.retrievers.fusion import Fused, ordered

_TINY = 1e-9


def shifted(ranked: Fused, by: Mapping[str, float]) -> Fused:
    """Return the pieces in their new order, the log-odds of each larger by what `by` has for it."""
    return ordered({i: _shifted(p, by[i]) if i in by else p for i, p in ranked})


def _shifted(probability: float, by: float) -> float:
    odds = log((probability + _TINY) / (1 - probability + _TINY)) + by
    return 0.5 + 0.5 * tanh(odds / 2)  # the logistic function, which overflows in its usual form
