"""What is known of the candidates of one question, and what several features are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from hetarag.retrievers.reranking.link_following import Asked, Reached
from hetarag.retrievers.reranking.ways import Places, Rows, Ways
from hetarag.types import Hit, Link, Query, RankedEvidence, Vector

MISSING = -0.1
"""The value of a feature that does not apply."""

Columns = dict[str, Rows]
"""Features by their names, each of shape (candidates,)."""


@dataclass(frozen=True)
class Candidates:
    """All that is known of the candidates of one question.

    `fused` are the scores of the lists' fusion, `reached` the links that lead to each candidate, the
    best first, `parts` the question's parts with their vectors, `answering` what is nearest to those,
    `links` what has been read of the links that start at passages. What several features are made from
    is laid out once, when it is first asked for.
    """

    query: Query
    asked: Asked
    ids: Sequence[str]
    fused: Mapping[str, float]
    lists: Mapping[str, Sequence[Hit]]
    passages: Mapping[str, RankedEvidence]
    vectors: Mapping[str, Vector]
    reached: Mapping[str, Sequence[Reached]]
    parts: Mapping[str, Vector]
    answering: Sequence[Hit] = ()
    links: Mapping[str, Sequence[Link]] = field(default_factory=dict)

    @cached_property
    def stacked(self) -> Vector:
        """The candidates' vectors, (candidates, dimension); zeros for one without."""
        width = len(next(iter(self.vectors.values()), np.zeros(1, np.float32)))
        empty = np.zeros(width, np.float32)
        return np.stack([self.vectors.get(i, empty) for i in self.ids])

    @cached_property
    def cosines(self) -> Rows:
        """Each candidate's cosine with the question, 0 for one without a vector."""
        if self.query.vector is None or not self.vectors:
            return np.zeros(len(self.ids))
        return np.asarray(self.stacked @ self.query.vector, np.float64)

    @cached_property
    def ways(self) -> Ways:
        """The links that lead to candidates."""
        return Ways.of(self.ids, self.reached)

    @cached_property
    def words(self) -> Sequence[int]:
        """The question's words that each candidate has (`Asked`)."""
        return [self.asked.covered(i) for i in self.ids]

    def plain(self) -> Rows:
        """Return the candidates' fused scores, the best of all lists being 1; 0 for one that none has."""
        top = max(self.fused.values(), default=0.0) or 1.0
        return np.array([self.fused.get(i, 0.0) / top for i in self.ids])


def side_by_side(columns: Columns) -> tuple[list[str], Rows]:
    """Return the names of columns in their order, and the columns as (candidates, names)."""
    names = sorted(columns)
    return names, np.stack([columns[name] for name in names], axis=1)


def column(values: npt.ArrayLike) -> Rows:
    """Return the values of one feature, shape (candidates,)."""
    return np.array(values, np.float64)


def spread(values: Rows, at: Places, count: int) -> Rows:
    """Return a column of so many candidates with these values at some places, and `MISSING` elsewhere."""
    found = np.full(count, MISSING)
    found[at] = values
    return found
