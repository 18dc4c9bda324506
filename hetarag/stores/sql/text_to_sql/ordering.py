"""The order that a question asks for."""

from __future__ import annotations

from hetarag.stores.sql.text_to_sql.interpretation import Draft, NotUnderstood
from hetarag.stores.sql.text_to_sql.plan import Expression
from hetarag.stores.sql.text_to_sql.question_items import Item
from hetarag.stores.sql.text_to_sql.superlatives import direction_of


def read_order(draft: Draft) -> None:
    """Read "ordered by age in descending order"."""
    for item in list(draft.interpretation.operations("order")):
        ordinal = draft.interpretation.only(column := draft.interpretation.after(item))
        if ordinal is None or column is None or draft.order:
            raise NotUnderstood
        draft.order = Expression(ordinal)
        draft.descending = bool(item.operation and item.operation.name)
        item.used = column.used = True
        ways = [draft.interpretation.after(column)]
        ways.append(draft.interpretation.after(ways[0]) if ways[0] else None)
        if all(way is not None and way.asks("extreme") for way in ways):
            first, last = ways
            if first and last and first.operation:
                draft.descending = direction_of(draft.interpretation, first, ordinal) == "max"
                first.used = last.used = True
    for item in list(draft.interpretation.operations("descending", "ascending")):
        if draft.order is None:
            _order_before(draft, item)
        draft.descending = item.asks("descending")
        item.used = True


def _order_before(draft: Draft, item: Item) -> None:
    """Read "sorted by"-less order: "list names in alphabetical order"."""
    ordinal = draft.interpretation.only(draft.interpretation.before(item))
    if ordinal is None:
        columns = draft.interpretation.left("column")
        if columns and len(columns) != 1:
            raise NotUnderstood
        ordinal = draft.interpretation.only(columns[0]) if columns else draft.interpretation.label()
    if ordinal is None:
        raise NotUnderstood
    draft.order = Expression(ordinal)
