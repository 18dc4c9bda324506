"""What the steps of planning share: the items of a question and the columns of its table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hetarag.stores.sql_items import Item
from hetarag.stores.sql_linking import TableWords
from hetarag.stores.sql_plans import Condition
from hetarag.stores.sql_vocabulary import Concept, concept_stems
from hetarag.types import ColumnInfo

_ORDERED = ("integer", "real", "date", "datetime")
_YEARLY = frozenset(concept_stems("date")) | {"season", "edition"}


class NotUnderstood(Exception):  # noqa: N818 - no error: the question is left to other evidence
    """The question asks this table for something that the rules cannot say for sure."""


@dataclass(slots=True)
class Reading:
    """A question against one table, while its items are turned into a plan one after the other."""

    words: TableWords
    items: Sequence[Item]
    conditions: list[Condition] = field(default_factory=list)

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
        if item is None or item.role != "column" or item.used:
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
        """Tell whether a column holds dates or years."""
        kind = self.column(ordinal).type
        named = bool(self.words.columns[ordinal] & _YEARLY)
        return kind in ("date", "datetime") or (kind in ("integer", "real") and named)

    def of_concept(self, concept: Concept) -> int | None:
        """Return the one ordered column that stands for a concept, if there is just one."""
        dated = [i for i in range(len(self.words.columns)) if self.is_dated(i)]
        if concept == "date" and len(dated) < 2:
            return dated[0] if dated else None
        for word in concept_stems(concept)[: 2 if concept == "date" else None]:
            found = [i for i, c in enumerate(self.words.columns) if word in c]
            found = [i for i in found if self.is_ordered(i)]
            exact = [i for i in found if len(self.words.columns[i]) == 1]
            if len(exact) == 1:
                return exact[0]
            if concept == "date":
                continue
            if found:
                return found[0] if len(found) == 1 else None
        return None

    def label(self) -> int | None:
        """Return the column that names the things the table is about."""
        return self.words.label()
