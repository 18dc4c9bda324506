"""Counts, sums, averages, measures and groups that a question asks for."""

from __future__ import annotations

from collections.abc import Sequence

from hetarag.stores.sql.text_to_sql.interpretation import Draft, NotUnderstood
from hetarag.stores.sql.text_to_sql.plan import Expression, aggregate_name
from hetarag.stores.sql.text_to_sql.question_items import Item
from hetarag.stores.sql.text_to_sql.superlatives import focused, ranked_group, take_extreme

_TOGETHER = ("altogether", "total", "combined", "overall")


def read_measures(draft: Draft) -> None:
    """Read "how tall is …", a question for a column."""
    for item in list(draft.interpretation.operations("measure")):
        concepts = item.operation.concepts if item.operation else ()
        ordinal = draft.interpretation.of_concept(concepts[0][0]) if concepts else None
        if ordinal is None:
            raise NotUnderstood
        draft.asked.append(ordinal)
        item.used = True


def read_aggregates(draft: Draft) -> None:
    """Read "average and maximum age"; a lone maximum of something else is an extreme."""
    waiting: list[Item] = []
    for item in list(draft.interpretation.operations("aggregate")):
        following = draft.interpretation.after(item)
        if following is not None and following.asks("and"):
            following = draft.interpretation.after(following)
        waiting.append(item)
        if following is not None and following.asks("aggregate") and not following.used:
            continue
        ordinal = draft.interpretation.ordered(following)
        if ordinal is None or following is None:
            raise NotUnderstood
        _aggregate(draft, waiting, following, ordinal)
        waiting = []


def _aggregate(draft: Draft, waiting: Sequence[Item], column: Item, ordinal: int) -> None:
    names = [item.operation.name for item in waiting if item.operation]
    before = draft.interpretation.before(waiting[0])
    nested = before is not None and before.asks("extreme")
    grouped = any(draft.interpretation.operations("each"))
    if names in (["max"], ["min"]) and not grouped and focused(draft, waiting[0]):
        take_extreme(draft, waiting[0], ordinal, names[0], column)
        return
    for name in names:
        if name in ("sum", "avg") and draft.interpretation.column(ordinal).type not in (
            "integer",
            "real",
        ):
            raise NotUnderstood
        expression = Expression(ordinal, aggregate_name(name))
        if nested and before is not None and before.operation:
            ranked_group(draft, before, expression)
        else:
            draft.computed.append(expression)
    for item in (*waiting, column):
        item.used = True


def read_counts(draft: Draft) -> None:
    """Read "how many": rows of the table, distinct names, or a column that holds numbers."""
    for item in list(draft.interpretation.operations("count")):
        following = draft.interpretation.after(item, "cell", "number", "title")
        item.used = True
        distinct = any(
            i.asks("distinct")
            and item.last <= i.first
            and (not following or i.first < following.first)
            for i in draft.interpretation.items
        )
        ordinal = draft.interpretation.only(following)
        if following is None or following.role == "table":
            draft.computed.append(Expression(None, "count"))
        elif ordinal is not None:
            following.used = True
            if draft.interpretation.is_ordered(ordinal) and not distinct:
                _amount(draft, ordinal)
            else:
                draft.computed.append(Expression(ordinal, "count", distinct=True))
        else:
            raise NotUnderstood


def _amount(draft: Draft, ordinal: int) -> None:
    """Read "how many winters": a number as it stands, or their sum when "altogether" is said."""
    if any(item.text in _TOGETHER for item in draft.interpretation.items):
        draft.computed.append(Expression(ordinal, "sum"))
    else:
        draft.asked.append(ordinal)


def read_groups(draft: Draft) -> None:
    """Read "for each country", "by country"."""
    for item in list(draft.interpretation.operations("each", "by")):
        following = draft.interpretation.after(item, "table")
        ordinal = draft.interpretation.only(following)
        if ordinal is None or following is None or not draft.computed:
            if item.asks("by") or not draft.computed:
                item.used = True
                continue
            raise NotUnderstood
        if draft.group is not None or draft.order is not None:
            raise NotUnderstood
        draft.group = ordinal
        following.used = item.used = True
