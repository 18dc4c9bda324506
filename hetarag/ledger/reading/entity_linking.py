"""Entities that a question names, looked up among the names in the ledger."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import bindparam, select

from hetarag.ids import entity_id
from hetarag.ledger.schema import entities
from hetarag.ledger.session import Ledger, batched
from hetarag.text import STOP_WORDS, phrases
from hetarag.types import Entity, LinkedEntity

_LONGEST = 10
_NAMES = select(entities.c.key, entities.c.name).where(
    entities.c.key.in_(bindparam("some", expanding=True))
)


class AliasLinker:
    """Implements `EntityLinker`: looks every phrase of a question up among the entities' keys.

    The longest phrase wins and phrases do not overlap. A lower-case phrase may be an ordinary word
    that some document happens to capitalise, so it weighs less; lower-case single words count only
    in a question that is written without capitals.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def link(self, question: str) -> tuple[LinkedEntity, ...]:
        """Return the entities that `question` names, the longest names first."""
        candidates = list(phrases(question, _LONGEST))
        keys = {phrase.key for phrase in candidates} - STOP_WORDS
        with self._ledger.reading() as connection:
            names: dict[str, str] = {}
            for part in batched(sorted(keys)):
                rows = connection.execute(_NAMES, {"some": part})
                names.update({key: name for key, name in rows.all()})
        uncased = not any(character.isupper() for character in question)
        taken: list[tuple[int, int]] = []
        linked: dict[str, LinkedEntity] = {}
        for phrase in candidates:
            if phrase.key not in names or _overlaps(phrase.start, phrase.end, taken):
                continue
            surface = question[phrase.start : phrase.end]
            weight = _weight(surface, phrase.size, phrase.start, uncased)
            if weight == 0.0:
                continue
            taken.append((phrase.start, phrase.end))
            entity = Entity(entity_id(phrase.key), phrase.key, names[phrase.key])
            linked.setdefault(phrase.key, LinkedEntity(entity, surface, weight))
        return tuple(linked.values())


def _weight(surface: str, size: int, start: int, uncased: bool) -> float:
    capitalised = any(character.isupper() or character.isdigit() for character in surface)
    if capitalised and start == 0 and size == 1:
        return 0.5  # the first word of a question is capitalised anyway
    if capitalised:
        return 1.0
    if size > 1:
        return 0.7
    return 0.5 if uncased else 0.0


def _overlaps(start: int, end: int, taken: Iterable[tuple[int, int]]) -> bool:
    return any(start < other_end and other_start < end for other_start, other_end in taken)
