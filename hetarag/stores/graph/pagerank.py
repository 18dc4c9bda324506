"""Personalised PageRank on passages and the entities they name.

A walker at a passage goes to one of its entities, the rarer the likelier; at an entity to one of
the passages that name it, the likelier the more it is about it. With probability 1 - DAMPING it
starts again from the question.

The constants were chosen on three multi-hop sets together, titles and capitalised phrases being the
entities. Mean Recall@5/@20 from the question's entities alone, and with ten hits of a full-text
search as seeds: damping .5: .674/.834 and .687/.891, .85: .698/.835 and .712/.901, .9: .705/.837
and .715/.898; at .85 with a share of .2 instead of .5 for the seeds: .736/.894; title weight 0:
.645/.833, 1 to 8 alike. The form of rarity and the passages' length matter little (±.005).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array  # type: ignore[import-untyped]

Floats = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

DAMPING = 0.85
STEPS = 12  # each there and back; nearer to the end of the walk than 30 pairs made side by side
TITLE_WEIGHT = 4.0
SEED_SHARE = 0.2  # of the start, where the question has both entities and seeds


@dataclass(frozen=True, slots=True)
class _Graph:
    """All passages and entities, whoever may see them.

    `edges` has a row for each passage and a column for each entity that several name. What comes to
    an entity that one passage alone names goes back to that passage, so those, three of four in a
    large corpus, are in no matrix: `owner` and `weight` are their passages and edges. `place` tells
    of each entity its column, or -1 - its place among the owned.
    """

    edges: csr_array
    back: csr_array
    ones: csr_array
    owner: IntArray
    weight: Floats
    place: IntArray


@dataclass(frozen=True, slots=True)
class Walk:
    """The graph, restricted to some passages, ready for walks.

    The rarities are the entities' inverse document frequency among the admitted passages; `home` is
    the part of what is at a passage that goes to entities of its own.
    """

    graph: _Graph
    admitted: npt.NDArray[np.bool_]
    rarity: Floats
    own_rarity: Floats
    per_passage: Floats
    per_entity: Floats
    home: Floats

    @classmethod
    def build(
        cls,
        starts: npt.NDArray[np.int64],
        entities: npt.NDArray[np.int32],
        counts: npt.NDArray[np.int32],
        titles: npt.NDArray[np.bool_],
        width: int,
        live: npt.NDArray[np.bool_],
    ) -> Self:
        """Make the walk over all `live` passages."""
        weights = 1.0 + np.log(np.maximum(counts, 1)) + TITLE_WEIGHT * titles
        rows = np.repeat(np.arange(len(live)), np.diff(starts))
        shared = np.bincount(entities, minlength=width) != 1
        place = np.where(shared, np.cumsum(shared) - 1, -np.cumsum(~shared))
        among, at = shared[entities], place[entities]
        owned = width - int(shared.sum())
        owner, weight = np.empty(owned, np.int64), np.empty(owned)
        owner[-1 - at[~among]] = rows[~among]
        weight[-1 - at[~among]] = weights[~among]
        row_starts = np.append(0, np.cumsum(among))[starts]
        columns, shape = at[among], (len(live), width - owned)
        edges = csr_array((weights[among], columns, row_starts), shape=shape)
        ones = csr_array((np.ones(len(columns)), columns, row_starts), shape=shape)
        return cls._prepare(_Graph(edges, edges.T, ones.T, owner, weight, place), live)

    def restricted(self, admitted: npt.NDArray[np.bool_]) -> Walk:
        """Return the walk over those of its passages that are admitted."""
        if admitted.all():
            return self
        return self._prepare(self.graph, self.admitted & admitted)

    @classmethod
    def _prepare(cls, graph: _Graph, admitted: npt.NDArray[np.bool_]) -> Self:
        mask = admitted.astype(np.float64)
        rarity = _rarity(graph.ones @ mask, mask.sum())
        own_rarity = _rarity(mask[graph.owner], mask.sum())
        to_own = np.bincount(graph.owner, own_rarity * graph.weight, minlength=len(mask))
        per_passage = _inverse((graph.edges @ rarity + to_own) * mask)
        per_entity = _inverse(graph.back @ mask)
        return cls(
            graph, admitted, rarity, own_rarity, per_passage, per_entity, to_own * per_passage
        )

    def scores(
        self,
        entities: Mapping[int, float],
        seeds: Mapping[int, float],
        check: Callable[[], None],
    ) -> Floats:
        """Return each passage's share of the walker's time, rounded so that it is reproducible."""
        from_entities, from_own = self._from_entities(entities)
        from_passages = self._from_passages(seeds)
        started = bool(from_entities.any() or from_own.any())
        share = _share(started, bool(from_passages.any()))
        restart_entity = (1 - DAMPING) * (1 - share) * from_entities
        restart_own = (1 - DAMPING) * (1 - share) * from_own
        restart_passage = (1 - DAMPING) * share * from_passages
        at_entity, at_own, at_passage = restart_entity, restart_own, restart_passage
        before = at_passage
        for _ in range(STEPS):
            check()
            before = at_passage
            down = self.graph.edges @ (at_entity * self.per_entity) + at_own
            at_passage = restart_passage + DAMPING * down * self.admitted
            up = self.rarity * (self.graph.back @ (at_passage * self.per_passage))
            at_entity = restart_entity + DAMPING * up
            at_own = restart_own + DAMPING * self.home * at_passage
        # What is still to come shrinks by the damping there and back with each step: a geometric series.
        there_and_back = DAMPING * DAMPING
        rest = (at_passage - before) * (there_and_back / (1 - there_and_back))
        end: Floats = np.maximum(at_passage + rest, 0.0)
        return end.round(12)

    def _from_entities(self, weights: Mapping[int, float]) -> tuple[Floats, Floats]:
        """Return where the walk starts: at shared entities, and at each passage's own."""
        shared, own = np.zeros(len(self.rarity)), np.zeros(len(self.admitted))
        for entity, weight in weights.items():
            place = self.graph.place[entity]
            if place >= 0:
                shared[place] = max(weight, 0.0) * self.rarity[place]
            else:
                owned = -1 - place
                own[self.graph.owner[owned]] += max(weight, 0.0) * self.own_rarity[owned]
        total = (shared.sum() + own.sum()) or 1.0
        return shared / total, own / total

    def _from_passages(self, weights: Mapping[int, float]) -> Floats:
        vector = np.zeros(len(self.admitted))
        for row, weight in weights.items():
            vector[row] = max(weight, 0.0) * self.admitted[row]
        return vector / (vector.sum() or 1.0)


def _rarity(frequency: Floats, passages: float) -> Floats:
    rarity: Floats = np.log1p(passages / np.maximum(frequency, 1.0)) * (frequency > 0)
    return rarity


def _share(entities: bool, passages: bool) -> float:
    """Return how much of the start belongs to the passages."""
    if not passages:
        return 0.0
    return SEED_SHARE if entities else 1.0


def _inverse(values: Floats) -> Floats:
    result: Floats = np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)
    return result
