"""The way out of the stores: nothing leaves the plane that is not live and permitted."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from hetarag.ids import parse_row_id
from hetarag.protocols import Hydrator
from hetarag.retrievers.fan_out import FanOut
from hetarag.retrievers.search_state import LINKED, Progress, end_of
from hetarag.types import Hit, Query, RankedEvidence

_LEDGER_AT_LEAST = 2.0  # seconds for the texts of what was found in time


class EvidenceCache:
    """Hydrates each id of a search once; what may not be shown does not come out.

    Texts are in the ledger, rows of tables in the SQL store: those are read as a store is asked, so
    that one that is slow costs its rows and not the search. `sql` is how that store has fared so far;
    it is the cache's own, since a reranker that is late goes on in its thread after the search.
    """

    def __init__(
        self, hydrator: Hydrator, fan_out: FanOut, query: Query, progress: Progress
    ) -> None:
        self._hydrator = hydrator
        self._fan_out = fan_out
        self._query = query
        self._known: dict[str, RankedEvidence | None] = {}
        self.update(progress)

    def update(self, progress: Progress) -> None:
        """Take over what the stores have found, in a deeper round as well; what is known stays so."""
        self._tables = progress.first_of("sql") or "sql"
        self.sql = progress.statuses.get(self._tables)
        self._hits = {hit.id: hit for hits in progress.lists.values() for hit in hits}

    def __call__(self, ids: Sequence[str]) -> dict[str, RankedEvidence]:
        """Return the evidence behind those of the ids that may be shown, in their order."""
        new = [i for i in ids if i not in self._known]
        hits = [self._hits.get(i) or Hit(LINKED, i, 0, 0.0) for i in new]
        rows: list[Hit] = []
        others: list[Hit] = []
        for hit in hits:
            (others if parse_row_id(hit.id) is None else rows).append(hit)
        found = self._texts(others) | self._rows(rows)
        self._known.update({i: found.get(i) for i in new})
        return {i: e for i in ids if (e := self._known[i]) is not None}

    def _texts(self, hits: Sequence[Hit]) -> dict[str, RankedEvidence]:
        if not hits:
            return {}
        # A store that was late has used up the time, and its search is still to show the others' hits.
        end = max(end_of(self._query), time.monotonic() + _LEDGER_AT_LEAST)
        return self._fan_out.read_ledger(lambda: self._hydrate(hits), end)

    def _hydrate(self, hits: Sequence[Hit]) -> dict[str, RankedEvidence]:
        return self._hydrator.hydrate(hits, self._query.filter)

    def _rows(self, hits: Sequence[Hit]) -> dict[str, RankedEvidence]:
        if not hits or (self.sql is not None and self.sql.status in ("failed", "late")):
            return {}
        status, found = self._fan_out.run(
            self._tables, lambda: self._hydrate(hits), end_of(self._query)
        )
        if found is None:
            self.sql = replace(status, reason=f"rows: {status.reason}")
        return found or {}
