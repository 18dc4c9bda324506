"""What the steps of planning share: the items of a question and the columns of its table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hetarag.stores.sql.text_to_sql.operations import CONCEPTS, Concept, concept_stems
from hetarag.stores.sql.text_to_sql.plan import Condition, Expression
from hetarag.stores.sql.text_to_sql.question_items import Item
from hetarag.stores.sql.text_to_sql.schema_linking import TableWords
from hetarag.types import ColumnInfo

_ORDERED = ("integer", "real", "date", "datetime")
_YEARLY = frozenset(concept_stems("date"))
_YEAR_NAMES = frozenset(["year", "date", "season"])

# Names that stand for a concept beyond doubt even where other columns might: `date`, `length`.
# Size has none: an area and a population are both one.
_PLAINLY = {
    concept: [{word} for word in concept_stems(concept)[: {"size": 0, "date": 2}.get(concept, 1)]]
    for concept in CONCEPTS
}


class NotUnderstood(Exception):  # noqa: N818 - no error: the question is left to other evidence
    """The question asks this table for something that the rules cannot say for sure."""


@dataclass(slots=True)
class Interpretation:
    """A question against one table, while its items are turned into a plan one after the other."""

    words: TableWords
    items: Sequence[Item]
    conditions: list[Condition] = field(default_factory=list)
    years: set[int] = field(default_factory=set)

    def column(self, ordinal: int) -> ColumnInfo:
        """Return a column of the table."""
        return self.words.info.columns[ordinal]

    def left(self, *roles: str) -> list[Item]:
        """Return the items of these roles that no step has used."""
        return [item for item in self.items if not item.used and item.role in roles]

    def operations(self, *kinds: str) -> Iterator[Item]:
        """Yield the operations of these kinds that no step has used."""
        return (item for item in self.items if not item.used and item.asks(*kinds))

    def after(self, item: Item, *skipped: str) -> Item | None:
        """Return the next item of weight; `skipped` are roles passed over besides fillers."""
        return self._neighbour(self.items.index(item), 1, skipped)

    def before(self, item: Item) -> Item | None:
        """Return the previous item of weight."""
        return self._neighbour(self.items.index(item), -1, ())

    def _neighbour(self, place: int, step: int, skipped: Sequence[str]) -> Item | None:
        place += step
        while 0 <= place < len(self.items):
            item = self.items[place]
            passed = item.role == "filler" or item.role in skipped or item.asks("distinct", "by")
            if not passed:
                return item
            place += step
        return None

    def only(self, item: Item | None) -> int | None:
        """Return the column an item names, if it is one column beyond doubt."""
        if item is None or item.role != "column" or item.used or len(item.ordinals) != 1:
            return None
        return item.ordinals[0]

    def ordered(self, item: Item | None) -> int | None:
        """Return the column an item names if its cells are numbers or dates."""
        if item is None or item.role not in ("column", "table") or item.used:
            return None
        found = [ordinal for ordinal in item.ordinals if self.is_ordered(ordinal)]
        return found[0] if len(found) == 1 else None

    def is_ordered(self, ordinal: int) -> bool:
        """Tell whether a column's cells are numbers or dates, and not mere numbers of things."""
        return self.column(ordinal).type in _ORDERED and not self.is_key(ordinal)

    def is_key(self, ordinal: int) -> bool:
        """Tell whether a column holds identifiers."""
        return bool(self.words.columns[ordinal] & {"id", "uid", "code", "cod", "key"})

    def is_dated(self, ordinal: int) -> bool:
        """Tell whether a column holds dates, or numbers that its name calls years."""
        kind, stems = self.column(ordinal).type, self.words.columns[ordinal]
        if kind in ("date", "datetime"):
            return True
        if kind not in ("integer", "real"):
            return False
        named = bool(stems & _YEAR_NAMES) or (len(stems) == 1 and bool(stems & _YEARLY))
        if named:
            self.years.add(ordinal)
        return named

    def of_concept(self, concept: Concept) -> int | None:
        """Return the one ordered column that stands for a concept, if there is just one."""
        columns = self.words.columns
        if concept == "date":
            found = [i for i in range(len(columns)) if self.is_dated(i)]
        else:
            words = set(concept_stems(concept))
            found = [i for i, c in enumerate(columns) if c & words and self.is_ordered(i)]
        if len(found) > 1:
            found = [i for i in found if columns[i] in _PLAINLY[concept]]
        return found[0] if len(found) == 1 else None

    def label(self) -> int | None:
        """Return the column that names the things the table is about."""
        return self.words.label()


@dataclass(slots=True)
class Draft:
    """What has been read so far of the statement that a question asks for."""

    interpretation: Interpretation
    computed: list[Expression] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    group: int | None = None
    order: Expression | None = None
    descending: bool = False
    limit: int | None = None
