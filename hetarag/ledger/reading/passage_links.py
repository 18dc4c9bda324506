"""Links between passages: the names that one passage shares with others.

What multi-hop retrieval follows. Read from the ledger's mentions, so that it grows document by document
and serves every mix of stores.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from hetarag.ledger.schema import chunks, documents, entities, mentions
from hetarag.ledger.session import Ledger, batched
from hetarag.protocols import LinkIndex
from hetarag.types import Link


class MentionLinks(LinkIndex):
    """Implements `LinkIndex` over the mentions of live chunks."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def links(self, sources: Sequence[str], most: int) -> list[Link]:
        """Return the names in these chunks that stand in 2 to `most` live chunks, and in which."""
        live = chunks.join(documents, documents.c.live == chunks.c.generation)
        with self._ledger.reading() as connection:
            named = connection.execute(
                select(chunks.c.id, mentions.c.entity, func.min(mentions.c.sentence))
                .select_from(live.join(mentions, mentions.c.chunk == chunks.c.number))
                .where(chunks.c.id.in_(sources))
                .group_by(chunks.c.id, mentions.c.entity)
            ).all()
            numbers = sorted({entity for _, entity, _ in named})
            rare: list[int] = []
            for part in batched(numbers):
                found = connection.execute(
                    select(mentions.c.entity)
                    .where(mentions.c.entity.in_(part))
                    .group_by(mentions.c.entity)
                    .having(func.count(mentions.c.chunk.distinct()).between(2, most))
                )
                rare += found.scalars()
            names: dict[int, tuple[str, str]] = {}
            targets: dict[int, dict[str, bool]] = {}
            for part in batched(sorted(rare)):
                rows = connection.execute(
                    select(entities.c.number, entities.c.key, entities.c.name).where(
                        entities.c.number.in_(part)
                    )
                )
                names.update({number: (key, name) for number, key, name in rows.all()})
                rows = connection.execute(
                    select(mentions.c.entity, chunks.c.id, func.min(mentions.c.sentence))
                    .select_from(live.join(mentions, mentions.c.chunk == chunks.c.number))
                    .where(mentions.c.entity.in_(part))
                    .group_by(mentions.c.entity, chunks.c.id)
                )
                for number, chunk, sentence in rows.all():
                    targets.setdefault(number, {})[chunk] = sentence < 0
        return [
            Link(source, *names[entity], sentence, targets[entity])
            for source, entity, sentence in named
            if entity in targets
        ]
