"""The links that lead to candidates, as columns: one entry for each link and candidate it leads to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from hetarag.retrievers.reranking.link_following import Reached, Step
from hetarag.retrievers.reranking.link_following import Rows as Rows

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Ways:
    """What leads to each candidate, shape (ways,): those to one candidate together, its best first.

    `target` and `source` are places among the candidates, `source` -1 for a passage that is none;
    `origin` numbers the passages that links start from, `link` the links. `first` is the place of each
    candidate's best way, shape (candidates,), -1 for one that nothing leads to.
    """

    target: Places
    source: Places
    origin: Places
    link: Places
    score: Rows
    cosine: Rows
    worth: Rows
    titled: npt.NDArray[np.bool_]
    steps: Sequence[Step]
    first: Places

    @classmethod
    def of(cls, ids: Sequence[str], reached: Mapping[str, Sequence[Reached]]) -> Self:
        """Lay out the ways to these candidates; `reached` may have others besides."""
        found = [(at, way) for at, i in enumerate(ids) for way in reached.get(i, ())]
        ways = [way for _, way in found]
        links = [way.step.link for way in ways]
        place = {identifier: at for at, identifier in enumerate(ids)}
        origins: dict[str, int] = {}
        numbers: dict[tuple[str, str], int] = {}
        target = _places([at for at, _ in found])
        first = np.full(len(ids), -1)
        first[target[::-1]] = np.arange(len(ways))[::-1]  # the first of each is written last
        return cls(
            target=target,
            source=_places([place.get(link.source, -1) for link in links]),
            origin=_places([origins.setdefault(link.source, len(origins)) for link in links]),
            link=_places([numbers.setdefault((x.source, x.key), len(numbers)) for x in links]),
            score=np.array([way.score for way in ways], np.float64),
            cosine=np.array([way.cosine for way in ways], np.float64),
            worth=np.array([way.worth for way in ways], np.float64),
            titled=np.array([way.in_title for way in ways], np.bool_),
            steps=[way.step for way in ways],
            first=first,
        )

    def most(self, values: Rows, none: float, among: npt.NDArray[Any] | None = None) -> Rows:
        """Return the largest value of each candidate's ways (`among`: of some), `none` where there is none."""
        chosen = slice(None) if among is None else among
        return largest(values[chosen], self.target[chosen], len(self.first), none)


def largest(values: Rows, group: Places, groups: int, none: float) -> Rows:
    """Return the largest value of each group, shape (groups,), `none` for a group without any."""
    found = np.full(groups, -np.inf)
    np.maximum.at(found, group, values)
    found[np.isneginf(found)] = none
    return found


def best_pairs(group: Places, member: Places, values: Rows) -> tuple[Places, Places, Rows]:
    """Return each pair of group and member once, with its largest value, in the pairs' order."""
    width = int(member.max(initial=0)) + 1
    pairs, number = np.unique(group * width + member, return_inverse=True)
    return pairs // width, pairs % width, largest(values, number, len(pairs), 0.0)


def _places(values: Sequence[int]) -> Places:
    return np.array(values, np.int64)
