"""What a question asks of one table: the plan of a statement, in column ordinals, without SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hetarag.types import Cell, TableInfo

Aggregate = Literal["count", "sum", "avg", "max", "min"]
Sign = Literal["=", "!=", "<", "<=", ">", ">="]


def aggregate_name(name: str) -> Aggregate:
    """Return `name` as the aggregate it is; "count" is not asked for by name."""
    aggregates: dict[str, Aggregate] = {"sum": "sum", "avg": "avg", "max": "max", "min": "min"}
    return aggregates[name]


@dataclass(frozen=True, slots=True)
class Expression:
    """A column, or an aggregate over it; `column` None counts rows."""

    column: int | None
    aggregate: Aggregate | None = None
    distinct: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """A column compared: with "=" and "!=" to all of the values, else to the one value."""

    column: int
    sign: Sign
    values: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """One SELECT over one table. With `order` and `limit` it asks for the extreme rows.

    `years` are columns of numbers that were taken to hold years, which is still to be checked.
    """

    table: TableInfo
    select: tuple[Expression, ...]
    conditions: tuple[Condition, ...] = ()
    group: int | None = None
    order: Expression | None = None
    descending: bool = False
    limit: int | None = None
    distinct: bool = False
    years: frozenset[int] = frozenset()

    @property
    def columns(self) -> frozenset[int]:
        """The ordinals of all columns that the plan reads."""
        found = {e.column for e in (*self.select, *filter(None, (self.order,)))}
        found |= {condition.column for condition in self.conditions} | {self.group}
        return frozenset(column for column in found if column is not None)

    @property
    def of_rows(self) -> bool:
        """Whether each row of the result is a row of the table."""
        return (
            self.group is None
            and not self.distinct
            and not any(e.aggregate for e in (*self.select, *filter(None, (self.order,))))
        )
