"""The conditions of a question: cells that it names and comparisons that it makes."""

from __future__ import annotations

from datetime import date, datetime

from hetarag.stores.sql.cells import YEARS
from hetarag.stores.sql.text_to_sql.interpretation import Interpretation, NotUnderstood
from hetarag.stores.sql.text_to_sql.plan import Condition, Sign
from hetarag.stores.sql.text_to_sql.question_items import Item
from hetarag.stores.sql.text_to_sql.wordlists import UNITS
from hetarag.types import Cell

_BEYOND = 2**62
_WHEN = frozenset(["in", "on", "during", "year", "the"])
_COPULAS = frozenset(["of", "is", "are", "was", "were"])


def read_comparisons(interpretation: Interpretation) -> None:
    """Turn "more than 300 m", "between 1900 and 1950", "2014 or later" into conditions."""
    for item in list(interpretation.operations("between")):
        _between(interpretation, item)
    for item in list(interpretation.operations("compare")):
        number = interpretation.after(item)
        if number is None or number.role != "number" or number.used:
            raise NotUnderstood
        _compare(interpretation, item, number, item.operation.name if item.operation else "=")
    for item in list(interpretation.operations("or")):
        if item.operation and item.operation.name:
            number = interpretation.before(item)
            if number is None or number.role != "number" or number.used:
                raise NotUnderstood
            _compare(interpretation, item, number, item.operation.name)


def read_values(interpretation: Interpretation) -> None:
    """Turn the cells and bare numbers that the question names into conditions."""
    found: dict[tuple[int, Sign], list[Cell]] = {}
    for item in interpretation.left("cell", "number"):
        ordinal, values = _placed(interpretation, item)
        item.used, item.ordinals = True, (ordinal,)
        sign: Sign = "!=" if _negated(interpretation, item) else "="
        found.setdefault((ordinal, sign), []).extend(values)
    for item in interpretation.operations("or"):
        _check_choice(interpretation, item)
    for (ordinal, sign), values in found.items():
        if all(isinstance(value, _Year) for value in values):
            years = [value for value in values if isinstance(value, _Year)]
            if len(years) > 1 or sign != "=":
                raise NotUnderstood
            interpretation.conditions += _bounded(interpretation, ordinal, "=", int(years[0]))
        else:
            interpretation.conditions.append(Condition(ordinal, sign, tuple(dict.fromkeys(values))))


class _Year(int):
    """A year asked of a column of dates."""


def _between(interpretation: Interpretation, item: Item) -> None:
    low = interpretation.after(item)
    joint = interpretation.after(low) if low else None
    high = interpretation.after(joint) if joint else None
    if low is None or high is None or low.role != "number" or high.role != "number":
        raise NotUnderstood
    if joint is None or not joint.asks("and"):
        raise NotUnderstood
    ordinal = _compared_column(interpretation, item, high, ())
    joint.used = True
    for number, sign in ((low, ">="), (high, "<=")):
        _add(interpretation, ordinal, sign, number)
        number.used = True
    item.used = True


def _compare(interpretation: Interpretation, item: Item, number: Item, sign: str) -> None:
    first, last = (item, number) if item.first < number.first else (number, item)
    concepts = item.operation.concepts if item.operation else ()
    ordinal = _compared_column(interpretation, first, last, tuple(name for name, _ in concepts))
    _add(interpretation, ordinal, sign, number)
    item.used = number.used = True


def _compared_column(
    interpretation: Interpretation, first: Item, last: Item, concepts: tuple[str, ...]
) -> int:
    """Return the column that a comparison from `first` to `last` speaks of."""
    following = interpretation.after(last)
    unit = _unit(interpretation, last)
    if unit is not None and following is unit:
        following = interpretation.after(unit)
    next_to = following is not None and following.first == (unit or last).last
    candidates = [following if next_to else None, interpretation.before(first)]
    for candidate in candidates:
        ordinal = interpretation.ordered(candidate)
        if ordinal is not None and candidate is not None:
            candidate.used = True
            return ordinal
    numbers = [i.number for i in (first, last) if i.number is not None]
    if not concepts and numbers and first.asks("between") and int(numbers[-1]) in YEARS:
        concepts = ("date",)
    for concept in concepts:
        ordinal = interpretation.of_concept(concept)  # type: ignore[arg-type]
        if ordinal is not None and (concept != "date" or interpretation.is_dated(ordinal)):
            return ordinal
    raise NotUnderstood


def _unit(interpretation: Interpretation, number: Item) -> Item | None:
    """Return the word of measure right after a number."""
    following = interpretation.after(number)
    if following is None or following.first != number.last or following.text not in UNITS:
        return None
    return following if following.role in ("unknown", "title") else None


def _add(interpretation: Interpretation, ordinal: int, sign: str, number: Item) -> None:
    value = number.number
    if value is None:
        raise NotUnderstood
    unit = _unit(interpretation, number)
    if unit is not None:
        unit.used = True
        if not any(
            word in interpretation.words.columns[ordinal] for word in (unit.text, "million")
        ):
            value *= UNITS[unit.text]
    if value >= _BEYOND:
        raise NotUnderstood
    known: Sign = sign if sign in ("<", "<=", ">", ">=") else "="  # type: ignore[assignment]
    interpretation.conditions += _bounded(interpretation, ordinal, known, value)


def _bounded(
    interpretation: Interpretation, ordinal: int, sign: Sign, value: float
) -> list[Condition]:
    """Compare a column with a number; columns of dates with the first and last day of a year."""
    kind = interpretation.column(ordinal).type
    if kind not in ("date", "datetime"):
        plain: Cell = int(value) if float(value).is_integer() else value
        return [Condition(ordinal, sign, (plain,))]
    if int(value) != value or int(value) not in YEARS:
        raise NotUnderstood
    first: date = date(int(value), 1, 1)
    following: date = date(int(value) + 1, 1, 1)
    if kind == "datetime":
        first, following = (datetime(d.year, 1, 1) for d in (first, following))
    bounds: dict[Sign, list[tuple[Sign, date]]] = {
        "<": [("<", first)],
        "<=": [("<", following)],
        ">": [(">=", following)],
        ">=": [(">=", first)],
        "=": [(">=", first), ("<", following)],
    }
    return [Condition(ordinal, own, (day,)) for own, day in bounds[sign]]


def _placed(interpretation: Interpretation, item: Item) -> tuple[int, list[Cell]]:
    """Return the column of a named cell or bare number, and the values it stands for."""
    before, after = interpretation.before(item), interpretation.after(item)
    described = (
        interpretation.before(before) if before is not None and before.asks("not") else before
    )
    for neighbour in (described, after):
        if neighbour is None or neighbour.role != "column" or neighbour.used:
            continue
        shared = [i for i in neighbour.ordinals if i in item.values]
        if len(shared) == 1:
            neighbour.used = True
            return shared[0], list(item.values[shared[0]])
        ordinal = interpretation.ordered(neighbour)
        ordinal = interpretation.only(neighbour) if ordinal is None else ordinal
        if item.number is None or ordinal is None:
            continue
        if _joined(interpretation, ordinal, neighbour, item):
            value = _as_number(interpretation, ordinal, item.number)
            if value is not None:
                neighbour.used = True
                return ordinal, [value]
    return _like_its_twin(interpretation, item, before) or _by_itself(interpretation, item)


def _like_its_twin(
    interpretation: Interpretation, item: Item, joint: Item | None
) -> tuple[int, list[Cell]] | None:
    """Place the 33 of "32 or 33" in the column that the 32 has been placed in."""
    if joint is None or not joint.asks("or", "and") or item.number is None:
        return None
    twin = interpretation.before(joint)
    if twin is None or not twin.used or twin.number is None or not twin.ordinals:
        return None
    value = _as_number(interpretation, twin.ordinals[0], item.number)
    return None if value is None else (twin.ordinals[0], [value])


def _by_itself(interpretation: Interpretation, item: Item) -> tuple[int, list[Cell]]:
    """Place a cell in the one column that holds it, a year in the one column of dates."""
    likely = [i for i in item.values if item.number is None or interpretation.is_dated(i)]
    if item.number is not None and not likely:
        likely = [i for i in item.values if interpretation.column(i).type == "text"]
    if len(likely) == 1:
        return likely[0], list(item.values[likely[0]])
    ordinal = interpretation.of_concept("date")
    if likely or ordinal is None or item.number is None or item.number not in YEARS:
        raise NotUnderstood
    if interpretation.column(ordinal).type in ("date", "datetime"):
        return ordinal, [_Year(item.number)]
    return ordinal, [int(item.number)]


def _negated(interpretation: Interpretation, item: Item) -> bool:
    """Tell whether "not" stands before a cell, a column of its between them at most."""
    before = interpretation.before(item)
    if before is not None and before.role == "column" and before.used:
        before = interpretation.before(before)
    if before is None or not before.asks("not"):
        return False
    before.used = True
    return True


def _joined(interpretation: Interpretation, ordinal: int, column: Item, number: Item) -> bool:
    """Tell whether column and number belong together: "age of 20", "8 cylinders", "hired in 2020"."""
    if number.last == column.first:
        return True
    between = [i.text for i in interpretation.items if column.last <= i.first < number.first]
    allowed = _COPULAS | _WHEN if interpretation.is_dated(ordinal) else _COPULAS
    return column.first < number.first and set(between) <= allowed


def _as_number(interpretation: Interpretation, ordinal: int, number: float) -> Cell:
    kind = interpretation.column(ordinal).type
    if kind in ("integer", "real"):
        return int(number) if number.is_integer() else number
    if kind in ("date", "datetime") and number in YEARS:
        return _Year(number)
    return None


def _check_choice(interpretation: Interpretation, item: Item) -> None:
    """Allow "or" between two cells of one column only."""
    before, after = interpretation.before(item), interpretation.after(item)
    for side in (before, after):
        if side is None or side.role not in ("cell", "number") or not side.used:
            raise NotUnderstood
    if before is None or after is None or before.ordinals != after.ordinals:
        raise NotUnderstood
    item.used = True
