"""Links between passages: the names that one passage shares with others.

What multi-hop retrieval follows. Read from the ledger's mentions, so that it grows document by document
and serves every mix of stores.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, func, select

from hetarag.ledger.schema import chunks, documents, entities, mentions
from hetarag.ledger.session import Ledger, batched
from hetarag.protocols import LinkIndex
from hetarag.types import Link

# Made once: making a statement takes SQLAlchemy longer than SQLite takes to answer it.
_SOME: BindParameter[Any] = bindparam("some", expanding=True)
_LIVE = chunks.join(documents, documents.c.live == chunks.c.generation)
_MENTIONED = _LIVE.join(mentions, mentions.c.chunk == chunks.c.number)
_NAMED = (
    select(chunks.c.id, mentions.c.entity, func.min(mentions.c.sentence))
    .select_from(_MENTIONED)
    .where(chunks.c.id.in_(_SOME))
    .group_by(chunks.c.id, mentions.c.entity)
)
_RARE = (
    select(mentions.c.entity)
    .where(mentions.c.entity.in_(_SOME))
    .group_by(mentions.c.entity)
    .having(func.count(mentions.c.chunk.distinct()).between(2, bindparam("most")))
)
_NAMES = select(entities.c.number, entities.c.key, entities.c.name).where(
    entities.c.number.in_(_SOME)
)
_TARGETS = (
    select(mentions.c.entity, chunks.c.id, func.min(mentions.c.sentence))
    .select_from(_MENTIONED)
    .where(mentions.c.entity.in_(_SOME))
    .group_by(mentions.c.entity, chunks.c.id)
)


class MentionLinks(LinkIndex):
    """Implements `LinkIndex` over the mentions of live chunks."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def links(self, sources: Sequence[str], most: int) -> list[Link]:
        """Return the names in these chunks that stand in 2 to `most` live chunks, and in which."""
        if not sources:
            return []
        with self._ledger.reading() as connection:
            named = connection.execute(_NAMED, {"some": list(sources)}).all()
            rare = _rare(connection, sorted({entity for _, entity, _ in named}), most)
            names: dict[int, tuple[str, str]] = {}
            targets: dict[int, dict[str, bool]] = {}
            for part in batched(rare):
                rows = connection.execute(_NAMES, {"some": part})
                names.update({number: (key, name) for number, key, name in rows.all()})
                rows = connection.execute(_TARGETS, {"some": part})
                for number, chunk, sentence in rows.all():
                    targets.setdefault(number, {})[chunk] = sentence < 0
        return [
            Link(source, *names[entity], sentence, targets[entity])
            for source, entity, sentence in named
            if entity in targets
        ]


def _rare(connection: Connection, numbers: Sequence[int], most: int) -> list[int]:
    """Return those of these entities that 2 to `most` chunks name, in their order."""
    found: list[int] = []
    for part in batched(numbers):
        found += connection.execute(_RARE, {"some": part, "most": most}).scalars()
    return sorted(found)
