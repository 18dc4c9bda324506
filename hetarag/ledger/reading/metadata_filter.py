"""`where=`: conditions on metadata, resolved to documents in the ledger.

A condition is `key: value` (equal), `key: [value, …]` (any of them) or `key: {"gte": 1990, "lt": 2000}`
with the comparisons eq, ne, gt, gte, lt, lte and in. All conditions must hold. A document without the
key does not meet a condition on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, select

from hetarag.errors import InputError
from hetarag.ledger.schema import KEY_LENGTH, attributes
from hetarag.ledger.session import Ledger
from hetarag.types import MetadataValue

Condition = MetadataValue | Sequence[MetadataValue] | Mapping[str, Any]
Where = Mapping[str, Condition]

_COMPARISONS: dict[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "eq": lambda column, value: column == value,
    "ne": lambda column, value: column != value,
    "gt": lambda column, value: column > value,
    "gte": lambda column, value: column >= value,
    "lt": lambda column, value: column < value,
    "lte": lambda column, value: column <= value,
}


def documents_where(ledger: Ledger, where: Where) -> frozenset[str]:
    """Return the ids of the documents whose metadata meets all conditions.

    Raises:
        InputError: a condition is not of one of the forms above.
    """
    found: frozenset[str] | None = None
    for key, condition in where.items():
        clauses = [_clause(key, name, value) for name, value in _comparisons(key, condition)]
        with ledger.reading() as connection:
            ids = connection.scalars(
                select(attributes.c.document_id).where(attributes.c.key == key, *clauses)
            )
            matching = frozenset(ids)
        found = matching if found is None else found & matching
    return frozenset() if found is None else found


def _comparisons(key: str, condition: Condition) -> list[tuple[str, Any]]:
    if isinstance(condition, Mapping):
        unknown = set(condition) - {*_COMPARISONS, "in"}
        if unknown or not condition:
            raise InputError(
                f"where[{key!r}]: unknown comparison {', '.join(sorted(unknown)) or 'of nothing'}; "
                f"known: {', '.join(_COMPARISONS)}, in"
            )
        return list(condition.items())
    if isinstance(condition, str | int | float):
        return [("eq", condition)]
    if isinstance(condition, Sequence):
        return [("in", condition)]
    raise InputError(
        f"where[{key!r}]: {type(condition).__name__} cannot be compared; give text, a number, a "
        "list of them or comparisons such as {'gte': 1990}"
    )


def _clause(key: str, comparison: str, value: Any) -> ColumnElement[bool]:
    if comparison == "in":
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise InputError(f"where[{key!r}]: 'in' takes a list, not {value!r}")
        texts = [str(item)[:KEY_LENGTH] for item in value]
        numbers = [float(item) for item in value if isinstance(item, int | float)]
        return attributes.c.text.in_(texts) | attributes.c.number.in_(numbers)
    if not isinstance(value, str | int | float):
        raise InputError(f"where[{key!r}]: {comparison!r} takes text or a number, not {value!r}")
    if isinstance(value, int | float):
        return _COMPARISONS[comparison](attributes.c.number, float(value))
    return _COMPARISONS[comparison](attributes.c.text, value[:KEY_LENGTH])
