"""Relations between the entities of a chunk, bounded and always in the same order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from hetarag.types import Entity, Mention, Relation

MOST_RELATIONS = 40
MOST_FROM_TITLE = 16


def chunk_relations(mentions: Sequence[Mention], title: Entity | None) -> tuple[Relation, ...]:
    """Return at most 40 relations: from the title first, then the nearest pairs of names.

    Two dates are not related to each other.
    """
    inner = [mention for mention in mentions if mention.sentence >= 0]
    found = _from_title(inner, title)[:MOST_FROM_TITLE]
    seen: set[frozenset[str]] = set()
    for first, second in _pairs(inner):
        if len(found) >= MOST_RELATIONS:
            break
        pair = frozenset([first.entity.id, second.entity.id])
        if len(pair) < 2 or pair in seen or first.label == second.label == "DATE":
            continue
        seen.add(pair)
        found.append(Relation(first.entity, second.entity, "co_occurs", first.sentence))
    return tuple(found)


def _from_title(mentions: Sequence[Mention], title: Entity | None) -> list[Relation]:
    if title is None:
        return []
    first_mentions: dict[str, Mention] = {}
    for mention in mentions:
        if mention.entity.id != title.id:
            first_mentions.setdefault(mention.entity.id, mention)
    return [Relation(title, m.entity, "mentions", m.sentence) for m in first_mentions.values()]


def _pairs(mentions: Sequence[Mention]) -> Iterator[tuple[Mention, Mention]]:
    """Yield the pairs within each sentence, neighbours first, each entity once a sentence."""
    groups = [
        list({m.entity.id: m for m in reversed(list(group))}.values())[::-1]
        for _, group in groupby(mentions, key=lambda m: m.sentence)
    ]
    for distance in range(1, max(map(len, groups), default=0)):
        for group in groups:
            yield from zip(group, group[distance:], strict=False)
