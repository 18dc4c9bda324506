"""Statements: a plan becomes a parametrised SELECT, and the same in the user's own names to show."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import sqlalchemy as sa

from hetarag.rendering import render_cell
from hetarag.stores.sql.cells import YEARS
from hetarag.stores.sql.schema import ROW, misfits, readable_table
from hetarag.stores.sql.text_to_sql.plan import Condition, Expression, Plan
from hetarag.types import Cell, QueryResult

MOST_ROWS = 20
_MOST_TIES = 4
_SHOWN_NAME = 80
_KEY = "order_key"
_HEADINGS = {"sum": "sum of", "avg": "average of", "max": "maximum of", "min": "minimum of"}


class Computed(NamedTuple):
    """What a plan came to: the result, and the numbers of the rows if it consists of rows."""

    result: QueryResult
    rows: tuple[int, ...]


def compute(connection: sa.Connection, plan: Plan) -> Computed | None:
    """Run a plan; None when its result is empty, too long to show whole, or not exact."""
    if _has_misfits(connection, plan) or not _are_years(connection, plan):
        return None
    lines = connection.execute(_statement(plan)).fetchmany(MOST_ROWS + 2)
    extra = (plan.order is not None) + plan.of_rows
    if plan.order is not None and plan.limit is not None:
        wanted = _with_ties([line[-1 - plan.of_rows] for line in lines], plan.limit)
        if wanted > plan.limit + _MOST_TIES:
            return None  # no extreme at all
        lines = lines[:wanted]
    if not lines or len(lines) > MOST_ROWS:
        return None
    computed = [expression.aggregate is not None for expression in plan.select]
    shown = [tuple(map(_plain, line[: len(line) - extra], computed)) for line in lines]
    if plan.order is None and all(cell is None for row in shown for cell in row):
        return None
    limit = len(lines) if plan.limit is not None and len(lines) > plan.limit else plan.limit
    result = QueryResult(
        statement=shown_statement(plan, limit),
        tables=(plan.table.id,),
        columns=tuple(_heading(plan, expression) for expression in plan.select),
        rows=tuple(shown),
    )
    return Computed(result, tuple(line[-1] for line in lines) if plan.of_rows else ())


def shown_statement(plan: Plan, limit: int | None = None) -> str:
    """Return the statement with the names the user gave, and the parameters in their places."""
    parts = [
        "SELECT" + (" DISTINCT" if plan.distinct else ""),
        ", ".join(_shown(plan, expression) for expression in plan.select),
        f"FROM {_quoted(plan.table.name)}",
    ]
    conditions = [_shown_condition(plan, condition) for condition in plan.conditions]
    if conditions:
        parts.append("WHERE " + " AND ".join(conditions))
    if plan.group is not None:
        parts.append(f"GROUP BY {_name(plan, plan.group)}")
    if plan.order is not None:
        way = " DESC" if plan.descending else ""
        parts.append(f"ORDER BY {_shown(plan, plan.order)}{way}")
    if limit is not None:
        parts.append(f"LIMIT {limit}")
    return " ".join(parts)


def _statement(plan: Plan) -> sa.Select[Any]:
    """Build the SELECT: what is shown, then the key of the order, then the row's number."""
    table = readable_table(plan.table)
    columns = [_column(plan, table, e).label(f"shown_{i}") for i, e in enumerate(plan.select)]
    if plan.order is not None:
        columns.append(_column(plan, table, plan.order).label(_KEY))
    if plan.of_rows:
        columns.append(table.c[ROW].label("row_number_"))
    statement = sa.select(*columns).select_from(table)
    for condition in plan.conditions:
        statement = statement.where(_compared(plan, table, condition))
    if plan.order is not None and plan.order.aggregate is None and plan.order.column is not None:
        statement = statement.where(_physical(plan, table, plan.order.column).is_not(None))
    if plan.group is not None:
        group = _physical(plan, table, plan.group)
        statement = statement.where(group.is_not(None)).group_by(group)
    if plan.distinct:
        statement = statement.distinct()
    return statement.order_by(*_order(plan, table)).limit((plan.limit or 0) + MOST_ROWS + 1)


def _order(plan: Plan, table: sa.TableClause) -> list[sa.ColumnElement[Any]]:
    keys: list[sa.ColumnElement[Any]] = []
    if plan.order is not None:
        key = _column(plan, table, plan.order)
        if plan.order.aggregate is not None and not plan.distinct:
            # Engines put NULL, the sum of nothing, at different ends: it is the smallest.
            keys.append(key.is_(None).asc() if plan.descending else key.is_(None).desc())
        keys.append(key.desc() if plan.descending else key.asc())
    if plan.group is not None:
        keys.append(_physical(plan, table, plan.group).asc())
    elif plan.of_rows:
        keys.append(table.c[ROW].asc())
    return keys


def _physical(plan: Plan, table: sa.TableClause, ordinal: int) -> sa.ColumnClause[Any]:
    return table.c[plan.table.columns[ordinal].physical]


def _column(plan: Plan, table: sa.TableClause, expression: Expression) -> sa.ColumnElement[Any]:
    if expression.column is None:
        return sa.func.count()
    column = _physical(plan, table, expression.column)
    if expression.aggregate is None:
        return column
    inner: sa.ColumnElement[Any] = column.distinct() if expression.distinct else column
    if expression.aggregate == "avg":
        inner = sa.cast(inner, sa.Double())  # MariaDB's mean of integers has four decimal places
    function: sa.ColumnElement[Any] = getattr(sa.func, expression.aggregate)(inner)
    return function


def _compared(plan: Plan, table: sa.TableClause, condition: Condition) -> sa.ColumnElement[bool]:
    column = _physical(plan, table, condition.column)
    value = condition.values[0]
    comparisons = {
        "<": column < value,
        "<=": column <= value,
        ">": column > value,
        ">=": column >= value,
    }
    if condition.sign == "=":
        return column.in_(condition.values)
    if condition.sign == "!=":
        return column.not_in(condition.values)
    return comparisons[condition.sign]


def _has_misfits(connection: sa.Connection, plan: Plan) -> bool:
    """Tell whether a column that is read holds cells the engine cannot compute with."""
    kept = misfits.c
    wanted = sa.select(kept.ordinal).where(
        kept.table_number == plan.table.number, kept.ordinal.in_(plan.columns)
    )
    return connection.execute(wanted.limit(1)).first() is not None


def _are_years(connection: sa.Connection, plan: Plan) -> bool:
    """Tell whether the columns of numbers that were taken to hold years do."""
    table = readable_table(plan.table)
    for ordinal in plan.years & plan.columns:
        column = _physical(plan, table, ordinal)
        low, high = connection.execute(sa.select(sa.func.min(column), sa.func.max(column))).one()
        if low is not None and (low < YEARS.start or high >= YEARS.stop):
            return False
    return True


def _with_ties(keys: Sequence[object], limit: int) -> int:
    """Return how many rows are among the first `limit` when equal keys share a place."""
    wanted = min(limit, len(keys))
    while 0 < wanted < len(keys) and keys[wanted] == keys[wanted - 1]:
        wanted += 1
    return wanted


def _plain(cell: Any, computed: bool) -> Cell:
    if isinstance(cell, Decimal):
        return int(cell) if cell == cell.to_integral_value() else float(cell)
    if isinstance(cell, float) and computed:
        return float(f"{cell:.12g}")  # 52.32, not 52.31999999999999
    plain: Cell = cell
    return plain


def _quoted(name: str) -> str:
    name = " ".join(name.split())
    short = name if len(name) <= _SHOWN_NAME else name[: _SHOWN_NAME - 1] + "…"
    return '"' + short.replace('"', '""') + '"'


def _name(plan: Plan, ordinal: int) -> str:
    return _quoted(plan.table.columns[ordinal].name)


def _shown(plan: Plan, expression: Expression) -> str:
    if expression.column is None:
        return "count(*)"
    name = ("DISTINCT " if expression.distinct else "") + _name(plan, expression.column)
    return f"{expression.aggregate}({name})" if expression.aggregate else name


def _shown_condition(plan: Plan, condition: Condition) -> str:
    name = _name(plan, condition.column)
    values = [_literal(value) for value in condition.values]
    if len(values) > 1:
        absent = "NOT " if condition.sign == "!=" else ""
        return f"{name} {absent}IN ({', '.join(values)})"
    return f"{name} {condition.sign} {values[0]}"


def _literal(value: Cell) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return render_cell(value)
    return "'" + render_cell(value).replace("'", "''") + "'"


def _heading(plan: Plan, expression: Expression) -> str:
    if expression.column is None:
        return "count"
    name = plan.table.columns[expression.column].name
    if expression.aggregate == "count":
        return f"count of different {name}"
    return f"{_HEADINGS[expression.aggregate]} {name}" if expression.aggregate else name
