"""Records and filters in the terms of Qdrant Edge."""

from __future__ import annotations

import uuid
from collections.abc import Collection

import qdrant_edge as edge

from hetarag.text import encodable
from hetarag.types import Filter, Record

INDEXED = ("collection", "document", "tags")
"""The fields of the payload that filters ask for."""


def payload(record: Record) -> edge.Payload:
    """Return what is kept beside the vector of `record`."""
    return {
        "collection": encodable(record.collection),
        "document": record.document_id,
        "tags": [encodable(tag) for tag in record.tags],
        "digest": record.digest,
        "kind": record.kind,
    }


def condition(restriction: Filter) -> edge.Filter | None:
    """Return `restriction` as the engine takes it; None lets everything pass."""
    must: list[edge.ConditionType] = []
    if restriction.collections:
        must.append(_any("collection", restriction.collections))
    if restriction.documents is not None:
        must.append(_any("document", restriction.documents))
    if restriction.tags is not None:
        visible: list[edge.ConditionType] = [edge.IsEmptyCondition("tags")]
        if restriction.tags:
            visible.append(_any("tags", restriction.tags))
        must.append(edge.Filter(should=visible))
    return edge.Filter(must=must) if must else None


def _any(key: str, values: Collection[str]) -> edge.FieldCondition:
    return edge.FieldCondition(key, edge.MatchAny(sorted(encodable(value) for value in values)))


def uuids(ids: Collection[str]) -> list[edge.PointId]:
    """Return the ids that can be there at all: the engine takes UUIDs only."""
    return [identifier for identifier in ids if _is_uuid(identifier)]


def _is_uuid(identifier: str) -> bool:
    try:
        return str(uuid.UUID(identifier)) == identifier
    except ValueError:
        return False
