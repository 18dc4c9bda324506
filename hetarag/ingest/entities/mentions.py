"""Names found in sentences become the mentions of a chunk."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from hetarag.ids import entity_id
from hetarag.ingest.chunking.sentences import Span
from hetarag.ingest.entities.name_rules import Name, is_name
from hetarag.ingest.entities.topics import Topic
from hetarag.text import name_key
from hetarag.types import Chunk, Entity, Mention

_PARENTHESIS = re.compile(r"\s*\([^()]*\)\s*$")
_LONGEST_TITLE = 120
TITLE = -1
"""The number that stands for the title where a sentence is counted; for a topic as well."""


class Titled(NamedTuple):
    """The entities of a title: its form without a final parenthesis first, then the whole.

    `words` are all its words in normal form, `name` the form that is looked for in the text.
    """

    entities: tuple[Entity, ...]
    words: frozenset[str]
    name: str = ""

    @property
    def entity(self) -> Entity | None:
        """The entity that the document is about."""
        return self.entities[0] if self.entities else None


def title_names(title: str) -> Titled:
    """Return the entities that a document's title names and the words in it."""
    words = frozenset(name_key(word) for word in title.split())
    if len(title) > _LONGEST_TITLE:
        return Titled((), words)
    forms = dict.fromkeys([_PARENTHESIS.sub("", title).strip(), title.strip()])
    entities = [make_entity(form) for form in forms if is_title(name_key(form))]
    unique = tuple({entity.key: entity for entity in entities}.values())
    return Titled(unique, words, unique[0].name if unique else "")


def is_title(key: str) -> bool:
    """Tell whether a normalised title can be an entity; "1984" and "May" can."""
    return len(key) > 1


def chunk_mentions(
    text: str,
    chunk: Chunk,
    names: Mapping[Span, Sequence[Name]],
    titled: Titled,
    topics: Sequence[Topic],
) -> tuple[Mention, ...]:
    """Return the mentions of a chunk: the title's, those of `topics`, then those of its sentences in their order."""
    found = [
        Mention(entity, "TITLE", TITLE, chunk.start, chunk.start) for entity in titled.entities
    ]
    about = {entity.id for entity in titled.entities}
    for name, form in [(topic.name, form) for topic in topics for form in topic.forms]:
        entity = make_entity(form)
        if entity.id not in about and is_name(entity.key, name.label):
            about.add(entity.id)
            inside = name.start >= chunk.start  # else it is a heading further up
            span = (name.start, name.end) if inside else (chunk.start, chunk.start)
            found.append(Mention(entity, "TOPIC", TITLE, *span))
    for number, span in enumerate(chunk.sentences):
        for name in names.get(span, ()):
            surface = name.of(text)
            if is_name(name_key(surface), name.label):
                entity = make_entity(surface)
                found.append(Mention(entity, name.label, number, name.start, name.end))
    return tuple(found)


@lru_cache(maxsize=20_000)
def make_entity(name: str) -> Entity:
    """Return the entity with this name; names with the same key are the same entity."""
    key = name_key(name)
    return Entity(entity_id(key), key, name)
