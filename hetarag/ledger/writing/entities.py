"""Entities of the ledger: found or made by their key, collected when nothing mentions them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import Connection, delete, exists, insert, select

from hetarag.ledger.schema import KEY_LENGTH, entities, mentions, relations
from hetarag.ledger.session import batched
from hetarag.types import Mention, Relation


def resolve(
    connection: Connection,
    extractions: Iterable[tuple[tuple[Mention, ...], tuple[Relation, ...]]],
) -> dict[str, int]:
    """Return the number of each entity in these extractions by its key, making new ones."""
    names: dict[str, str] = {}
    for found, related in extractions:
        for mention in found:
            names.setdefault(mention.entity.key, mention.entity.name)
        for relation in related:
            names.setdefault(relation.source.key, relation.source.name)
            names.setdefault(relation.target.key, relation.target.name)
    short = {key: key[:KEY_LENGTH] for key in names}
    numbers = _numbers(connection, set(short.values()))
    new = {key: names[full] for full, key in short.items() if key not in numbers}
    if new:
        rows = [{"key": key, "name": name[:1000]} for key, name in new.items()]
        connection.execute(insert(entities), rows)
        numbers.update(_numbers(connection, new.keys()))
    return {full: numbers[key] for full, key in short.items()}


def collect(connection: Connection, candidates: Collection[int]) -> None:
    """Remove those of these entities that no mention and no relation names any more."""
    for part in batched(sorted(candidates)):
        connection.execute(
            delete(entities).where(
                entities.c.number.in_(part),
                ~exists().where(mentions.c.entity == entities.c.number),
                ~exists().where(relations.c.source == entities.c.number),
                ~exists().where(relations.c.target == entities.c.number),
            )
        )


def _numbers(connection: Connection, keys: Collection[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in batched(sorted(keys)):
        rows = connection.execute(
            select(entities.c.key, entities.c.number).where(entities.c.key.in_(part))
        )
        found.update({key: number for key, number in rows.all()})
    return found
