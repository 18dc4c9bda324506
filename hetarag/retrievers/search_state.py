"""What one search has so far, and the names of the lists that are not a store's own."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hetarag.types import Hit, Hop, Query, StoreKind, StorePlan, StoreStatus
from hetarag.types.common import first_of_kind

HOPS = "hops"
"""The name of stage 2's list: what the graph finds from the best hits of the other stores."""

COMPUTED = "computed"
"""The name of the list of answers that the SQL store has computed, apart from the rows it found."""

LINKED = "links"
"""The name of the list of passages that the reranker's links lead to."""

PARTS = "parts"
"""The name of the list of passages that are nearest to a part of the question."""

RANKED = "ranked"
"""The name of the reranker's order when it is fused with what SQL has found."""

RERANKING = "reranking"
"""The name under which a search tells how the reranker fared."""

CROSS_ENCODER = "cross-encoder"
"""The name of the list of what a cross-encoder has read, and of how it fared."""


@dataclass(slots=True)
class Progress:
    """What one search has so far; `seconds` are those of its stages."""

    plan: Mapping[str, StorePlan]
    kinds: Mapping[str, StoreKind] = field(default_factory=dict)
    """The kind of each store."""
    lists: dict[str, tuple[Hit, ...]] = field(default_factory=dict)
    statuses: dict[str, StoreStatus] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    hops: Sequence[Hop] = ()
    unasked: Mapping[str, StoreStatus] = field(default_factory=dict)
    """Stores that cannot be asked, and why."""

    @property
    def weights(self) -> dict[str, float]:
        """Return the weight of each list in the fusion."""
        return {store: plan.weight for store, plan in self.plan.items()}

    def first_of(self, kind: StoreKind) -> str | None:
        """Return the store that stands for its kind in stage 2 and in reranking."""
        return first_of_kind(self.kinds, kind)

    def lists_by_kind(self) -> dict[str, tuple[Hit, ...]]:
        """Return all lists, those of the stores that stand for a kind under its name."""
        named = {name: kind for kind in set(self.kinds.values()) if (name := self.first_of(kind))}
        return {named.get(name, name): hits for name, hits in self.lists.items()}

    def took(self, stage: str, seconds: float) -> None:
        """Add to what a stage has taken: a search may go through it more than once."""
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds


def end_of(query: Query) -> float:
    """Return the moment (monotonic) at which a search has to be over."""
    return query.deadline if query.deadline is not None else time.monotonic()
