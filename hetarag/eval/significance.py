"""How sure a difference is: paired bootstrap intervals and exact paired tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

_RESAMPLES = 10_000


class Interval(NamedTuple):
    """A mean with its 95% interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"

    @property
    def signed(self) -> str:
        """The interval of a difference, as text."""
        return f"{self.mean:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def bootstrap(values: Sequence[float], seed: int = 0) -> Interval:
    """Return the mean of `values` with its percentile bootstrap interval.

    Give differences of two systems on the same questions for a paired interval. Source: Efron and
    Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
    """
    data = np.asarray(values, dtype=np.float64)
    if data.size == 0:
        return Interval(0.0, 0.0, 0.0)
    random = np.random.default_rng(seed)
    means = np.concatenate(
        [
            data[random.integers(0, data.size, (1000, data.size))].mean(axis=1)
            for _ in range(_RESAMPLES // 1000)
        ]
    )
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(data.mean()), float(low), float(high))


def paired(one: Sequence[float], other: Sequence[float], seed: int = 0) -> Interval:
    """Return the mean difference one − other on the same questions with its interval."""
    return bootstrap([a - b for a, b in zip(one, other, strict=True)], seed)


def mcnemar(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the two-sided p-value of the exact McNemar test on right (1) and wrong (0) answers.

    It asks whether the questions that only one system gets right fall to both alike. Source: McNemar,
    Psychometrika 12, 1947; exact by the binomial distribution.
    """
    from scipy.stats import binomtest  # type: ignore[import-untyped]

    wins = sum(a > b for a, b in zip(one, other, strict=True))
    losses = sum(a < b for a, b in zip(one, other, strict=True))
    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0
