"""Probabilities that are shifted on the scale of their log-odds."""

from __future__ import annotations

from math import log, tanh

_TINY = 1e-9


def shifted(probability: float, by: float) -> float:
    """Return the probability whose log-odds are larger by `by`; it stays within 0 and 1."""
    odds = log((probability + _TINY) / (1 - probability + _TINY)) + by
    return 0.5 + 0.5 * tanh(odds / 2)  # the logistic function, which overflows in its usual form
