"""Superlatives: the rows with the most or least of something, or the extreme value itself."""

from __future__ import annotations

from hetarag.stores.sql.text_to_sql.interpretation import Draft, Interpretation, NotUnderstood
from hetarag.stores.sql.text_to_sql.plan import Expression, aggregate_name
from hetarag.stores.sql.text_to_sql.question_items import Item

_MOST_ASKED = 50
_ENTITY_WORDS = ("which", "who", "whose")
_MANY = ("most", "fewest", "least", "highest", "largest", "greatest", "lowest", "smallest")


def read_extremes(draft: Draft) -> None:
    """Read superlatives, with the column they speak of or the concept they stand for."""
    for item in list(draft.interpretation.operations("common")):
        ordinal = draft.interpretation.only(column := draft.interpretation.after(item, "table"))
        if ordinal is None or column is None:
            raise NotUnderstood
        draft.asked.append(ordinal)
        column.used = True
        ranked_group(draft, item, Expression(None, "count"))
    for item in list(draft.interpretation.operations("extreme")):
        if not item.used:
            _superlative(draft, item)


def _superlative(draft: Draft, item: Item) -> None:
    following = draft.interpretation.after(item)
    if following is not None and following.role == "number" and following.last - item.last <= 1:
        _take_limit(draft, following)
        following = draft.interpretation.after(following)
    if following is not None and following.asks("count"):
        following = _counted(draft, following)
    ordinal = draft.interpretation.ordered(following)
    if ordinal is not None and following is not None:
        take_extreme(
            draft, item, ordinal, direction_of(draft.interpretation, item, ordinal), following
        )
    elif (
        item.operation
        and any(name == "date" for name, _ in item.operation.concepts)
        and ((dated := _dated_before(draft, item)) is not None)
    ):
        take_extreme(
            draft,
            item,
            dated,
            direction_of(draft.interpretation, item, dated),
            draft.interpretation.before(item),
            True,
        )
    elif (found := _by_concept(draft, item)) is not None:
        take_extreme(draft, item, *found, None)
    elif following is not None and following.role == "table" and item.text in _MANY:
        ranked_group(draft, item, Expression(None, "count"))
    else:
        _elsewhere(draft, item)


def _counted(draft: Draft, count: Item) -> Item:
    """Return the table of "the most number of concerts"."""
    following = draft.interpretation.after(count)
    if following is None or following.role != "table":
        raise NotUnderstood
    count.used = True
    return following


def _dated_before(draft: Draft, item: Item) -> int | None:
    """Return the dates of "was born first"."""
    ordinal = draft.interpretation.ordered(draft.interpretation.before(item))
    return ordinal if ordinal is not None and draft.interpretation.is_dated(ordinal) else None


def _by_concept(draft: Draft, item: Item) -> tuple[int, str] | None:
    for concept, direction in item.operation.concepts if item.operation else ():
        ordinal = draft.interpretation.of_concept(concept)
        if ordinal is not None and (concept != "date" or draft.interpretation.is_dated(ordinal)):
            return ordinal, direction
    return None


def _elsewhere(draft: Draft, item: Item) -> None:
    """Find the column of a superlative before it, or after "by": "top 3 cities by area"."""
    by = next(draft.interpretation.operations("by"), None)
    for column in (
        draft.interpretation.after(by) if by else None,
        draft.interpretation.before(item),
    ):
        ordinal = draft.interpretation.ordered(column)
        if ordinal is not None and column is not None:
            if by:
                by.used = True
            take_extreme(
                draft,
                item,
                ordinal,
                direction_of(draft.interpretation, item, ordinal),
                column,
                rows=True,
            )
            return
    raise NotUnderstood


def take_extreme(
    draft: Draft, item: Item, ordinal: int, direction: str, column: Item | None, rows: bool = False
) -> None:
    """Take the rows with the extreme, or the extreme itself if nothing else is asked for."""
    previous = draft.interpretation.before(item)
    if previous is not None and previous.role == "number" and previous.last == item.first:
        _take_limit(draft, previous)
    item.used = True
    if column is not None:
        column.used = True
    named = column is None or rows or draft.limit is not None
    if not (named or focused(draft, item) or draft.interpretation.left("column")):
        draft.computed.append(Expression(ordinal, aggregate_name(direction)))
        return
    if draft.order is not None:
        raise NotUnderstood
    draft.order, draft.descending = Expression(ordinal), direction == "max"
    draft.limit = draft.limit or 1


def _take_limit(draft: Draft, number: Item) -> None:
    if number.number is None or not 1 <= number.number <= _MOST_ASKED or draft.limit:
        raise NotUnderstood
    draft.limit, number.used = int(number.number), True


def ranked_group(draft: Draft, item: Item, by: Expression) -> None:
    """Group by the one column asked for: "the year with the most concerts"."""
    if draft.order is not None:
        raise NotUnderstood
    item.used = True
    if not draft.asked:
        columns = draft.interpretation.left("column")
        ordinal = draft.interpretation.only(columns[0]) if len(columns) == 1 else None
        if ordinal is None:
            raise NotUnderstood
        columns[0].used = True
        draft.asked.append(ordinal)
    draft.group = draft.asked[0]
    direction = item.operation.name if item.operation else "max"
    draft.order, draft.descending, draft.limit = by, direction == "max", draft.limit or 1


def focused(draft: Draft, item: Item) -> bool:
    """Tell whether something else than the extreme value is asked for before it is named."""
    for other in draft.interpretation.items:
        if other.first >= item.first:
            return False
        if other.text in _ENTITY_WORDS or (other.role == "table" and not other.used):
            return True
        if other.role == "column" and not other.used:
            return True
    return False


def direction_of(interpretation: Interpretation, item: Item, ordinal: int) -> str:
    """Return "max" or "min"; the oldest has the highest age, but the earliest date."""
    operation = item.operation
    if operation is None:
        raise NotUnderstood
    for concept, direction in operation.concepts:
        if interpretation.of_concept(concept) == ordinal:
            return direction
        if concept == "date" and interpretation.is_dated(ordinal):
            return direction
    return operation.name
