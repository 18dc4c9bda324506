"""Planning: from the roles of a question's words to one statement over one table, or none.

In the manner of PRECISE (Popescu, Etzioni and Kautz, 2003): a statement is written only if every
word of weight in the question found its role and no role was in doubt. What is not understood is
left to other evidence; a computed answer should be right when it is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hetarag.stores.sql_cells import YEARS
from hetarag.stores.sql_conditions import read_comparisons, read_values
from hetarag.stores.sql_items import Item
from hetarag.stores.sql_linking import TableWords
from hetarag.stores.sql_plans import Aggregate, Expression, Plan
from hetarag.stores.sql_reading import NotUnderstood, Reading
from hetarag.stores.sql_vocabulary import UNITS
from hetarag.stores.sql_words import stem

_MOST_ASKED = 50
_TOGETHER = ("altogether", "total", "combined", "overall")
_PARTICIPLES = ("built", "born", "made", "won", "held", "written", "sold", "begun", "sent")
_PLACES = frozenset(
    stem(word)
    for word in [
        "city",
        "town",
        "hometown",
        "location",
        "country",
        "place",
        "venue",
        "address",
        "birthplace",
        "site",
    ]
)
_ENTITY_WORDS = ("which", "who", "whose")


def make_plan(words: TableWords, items: Sequence[Item]) -> Plan | None:
    """Return the statement that the question asks of this table, None if that is not certain."""
    if any(item.asks("refuse") for item in items):
        return None
    if _shadowed(words, items):
        return None
    reading = Reading(words, [replace(item, used=False) for item in items])
    if any(not _is_explained(reading, item) for item in reading.left("unknown")):
        return None
    try:
        return _Planner(reading).plan()
    except NotUnderstood:
        return None


def plan_fragment(words: TableWords, items: Sequence[Item]) -> Plan | None:
    """Return the plan of a superlative inside a longer question, that finds one row or few.

    "Who was the piper on the longest ship?" is not for a table; "on the longest ship" is.
    """
    run: list[Item] = []
    for item in [*items, Item("unknown", 0, 0)]:
        if item.role not in ("unknown", "cell") and not item.asks("refuse"):
            run.append(item)
            continue
        full = any(i.role == "table" and i.share == 1 for i in run)
        if full and any(i.asks("extreme") for i in run):
            plan = make_plan(words, run)
            if plan is not None and plan.of_rows and plan.order is not None and plan.limit:
                return plan
        run = []
    return None


def _is_explained(reading: Reading, item: Item) -> bool:
    """Tell whether a word that links to nothing goes with a number: "300 km", "made in 1980"."""
    place = reading.items.index(item)
    if place and reading.items[place - 1].number is not None:
        return True  # `sql_conditions` knows the words of measure
    following = reading.after(item)
    if item.text in UNITS and place and reading.items[place - 1].text == "in":
        item.role = "filler"  # "the length in metres"
        return True
    if not (item.text.endswith("ed") or item.text in _PARTICIPLES) or following is None:
        return False
    concepts = following.operation.concepts if following.operation else ()
    dated = any(name == "date" for name, _ in concepts) and following.asks("compare")
    if not (dated or (following.number or 0) in YEARS) or reading.of_concept("date") is None:
        return False
    item.role = "filler"
    return True


def _shadowed(words: TableWords, items: Sequence[Item]) -> bool:
    """Tell whether a column that is named has a fuller sibling whose other words stand elsewhere.

    "The name and the release year of the song" may ask for `Song_name` and not for `Name`.
    """
    columns = [item for item in items if item.role == "column"]
    said = frozenset[str]().union(*(item.stems for item in items))
    full = {o for item in columns if item.share == 1 for o in item.ordinals}
    for item in columns:
        own = words.columns[item.ordinals[0]]
        for ordinal, other in enumerate(words.columns):
            if ordinal not in full and own < other and other <= said:
                return True
    return False


class _Planner:
    """Reads operation after operation; each marks the items it has used."""

    def __init__(self, reading: Reading) -> None:
        self.r = reading
        self.computed: list[Expression] = []
        self.group: int | None = None
        self.order: Expression | None = None
        self.descending = False
        self.limit: int | None = None
        self.asked: list[int] = []

    def plan(self) -> Plan:
        """Return the plan; `NotUnderstood` when something is left over."""
        read_comparisons(self.r)
        self._sorted()
        self._measured()
        self._aggregates()
        self._extremes()
        self._counts()
        self._groups()
        read_values(self.r)
        self._rest()
        return self._select()

    # ------------------------------------------------------------ operations

    def _sorted(self) -> None:
        """Read "ordered by age in descending order"."""
        for item in list(self.r.operations("order")):
            ordinal = self.r.only(column := self.r.after(item))
            if ordinal is None or column is None or self.order:
                raise NotUnderstood
            self.order = Expression(ordinal)
            self.descending = bool(item.operation and item.operation.name)
            item.used = column.used = True
            ways = [self.r.after(column)]
            ways.append(self.r.after(ways[0]) if ways[0] else None)
            if all(way is not None and way.asks("extreme") for way in ways):
                first, last = ways
                if first and last and first.operation:
                    self.descending = _direction(self.r, first, ordinal) == "max"
                    first.used = last.used = True
        for item in list(self.r.operations("descending", "ascending")):
            if self.order is None:
                self._order_before(item)
            self.descending = item.asks("descending")
            item.used = True

    def _order_before(self, item: Item) -> None:
        """Read "sorted by"-less order: "list names in alphabetical order"."""
        ordinal = self.r.only(self.r.before(item))
        if ordinal is None:
            columns = self.r.left("column")
            if columns and len(columns) != 1:
                raise NotUnderstood
            ordinal = self.r.only(columns[0]) if columns else self.r.label()
        if ordinal is None:
            raise NotUnderstood
        self.order = Expression(ordinal)

    def _measured(self) -> None:
        """Read "how tall is …", a question for a column."""
        for item in list(self.r.operations("measure")):
            concepts = item.operation.concepts if item.operation else ()
            ordinal = self.r.of_concept(concepts[0][0]) if concepts else None
            if ordinal is None:
                raise NotUnderstood
            self.asked.append(ordinal)
            item.used = True

    def _aggregates(self) -> None:
        """Read "average and maximum age"; a lone maximum of something else is an extreme."""
        waiting: list[Item] = []
        for item in list(self.r.operations("aggregate")):
            following = self.r.after(item)
            if following is not None and following.asks("and"):
                following = self.r.after(following)
            waiting.append(item)
            if following is not None and following.asks("aggregate") and not following.used:
                continue
            ordinal = self.r.ordered(following)
            if ordinal is None or following is None:
                raise NotUnderstood
            self._aggregate(waiting, following, ordinal)
            waiting = []

    def _aggregate(self, waiting: Sequence[Item], column: Item, ordinal: int) -> None:
        names = [item.operation.name for item in waiting if item.operation]
        before = self.r.before(waiting[0])
        nested = before is not None and before.asks("extreme")
        grouped = any(self.r.operations("each"))
        if names in (["max"], ["min"]) and not grouped and self._focused(waiting[0]):
            self._extreme(waiting[0], ordinal, names[0], column)
            return
        for name in names:
            if name in ("sum", "avg") and self.r.column(ordinal).type not in ("integer", "real"):
                raise NotUnderstood
            expression = Expression(ordinal, _aggregate_name(name))
            if nested and before is not None and before.operation:
                self._ranked_group(before, expression)
            else:
                self.computed.append(expression)
        for item in (*waiting, column):
            item.used = True

    def _extremes(self) -> None:
        """Read superlatives, with the column they speak of or the concept they stand for."""
        for item in list(self.r.operations("common")):
            ordinal = self.r.only(column := self.r.after(item, "table"))
            if ordinal is None or column is None:
                raise NotUnderstood
            self.asked.append(ordinal)
            column.used = True
            self._ranked_group(item, Expression(None, "count"))
        for item in list(self.r.operations("extreme")):
            if not item.used:
                self._superlative(item)

    def _superlative(self, item: Item) -> None:
        following = self.r.after(item)
        if following is not None and following.role == "number" and following.last - item.last <= 1:
            self._take_limit(following)
            following = self.r.after(following)
        if following is not None and following.asks("count"):
            following.used = True
            following = self.r.after(following)
            if following is None or following.role != "table":
                raise NotUnderstood
        ordinal = self.r.ordered(following)
        if ordinal is not None and following is not None:
            self._extreme(item, ordinal, _direction(self.r, item, ordinal), following)
        elif (
            item.operation
            and any(name == "date" for name, _ in item.operation.concepts)
            and ((dated := self._dated_before(item)) is not None)
        ):
            self._extreme(item, dated, _direction(self.r, item, dated), self.r.before(item), True)
        elif (found := self._by_concept(item)) is not None:
            self._extreme(item, *found, None)
        elif following is not None and following.role == "table" and item.text in _MANY:
            self._ranked_group(item, Expression(None, "count"))
        else:
            self._elsewhere(item)

    def _dated_before(self, item: Item) -> int | None:
        """Return the dates of "was born first"."""
        ordinal = self.r.ordered(self.r.before(item))
        return ordinal if ordinal is not None and self.r.is_dated(ordinal) else None

    def _by_concept(self, item: Item) -> tuple[int, str] | None:
        for concept, direction in item.operation.concepts if item.operation else ():
            ordinal = self.r.of_concept(concept)
            if ordinal is not None and (concept != "date" or self.r.is_dated(ordinal)):
                return ordinal, direction
        return None

    def _elsewhere(self, item: Item) -> None:
        """Find the column of a superlative before it, or after "by": "top 3 cities by area"."""
        by = next(self.r.operations("by"), None)
        for column in (self.r.after(by) if by else None, self.r.before(item)):
            ordinal = self.r.ordered(column)
            if ordinal is not None and column is not None:
                if by:
                    by.used = True
                self._extreme(item, ordinal, _direction(self.r, item, ordinal), column, rows=True)
                return
        raise NotUnderstood

    def _extreme(
        self, item: Item, ordinal: int, direction: str, column: Item | None, rows: bool = False
    ) -> None:
        """Take the rows with the extreme, or the extreme itself if nothing else is asked for."""
        previous = self.r.before(item)
        if previous is not None and previous.role == "number" and previous.last == item.first:
            self._take_limit(previous)
        item.used = True
        if column is not None:
            column.used = True
        named = column is None or rows or self.limit is not None
        if not (named or self._focused(item) or self.r.left("column")):
            self.computed.append(Expression(ordinal, _aggregate_name(direction)))
            return
        if self.order is not None:
            raise NotUnderstood
        self.order, self.descending = Expression(ordinal), direction == "max"
        self.limit = self.limit or 1

    def _take_limit(self, number: Item) -> None:
        if number.number is None or not 1 <= number.number <= _MOST_ASKED or self.limit:
            raise NotUnderstood
        self.limit, number.used = int(number.number), True

    def _ranked_group(self, item: Item, by: Expression) -> None:
        """Group by the one column asked for: "the year with the most concerts"."""
        if self.order is not None:
            raise NotUnderstood
        item.used = True
        if not self.asked:
            columns = self.r.left("column")
            ordinal = self.r.only(columns[0]) if len(columns) == 1 else None
            if ordinal is None:
                raise NotUnderstood
            columns[0].used = True
            self.asked.append(ordinal)
        self.group = self.asked[0]
        direction = item.operation.name if item.operation else "max"
        self.order, self.descending, self.limit = by, direction == "max", self.limit or 1

    def _counts(self) -> None:
        """Read "how many": rows of the table, distinct names, or a column that holds numbers."""
        for item in list(self.r.operations("count")):
            following = self.r.after(item, "cell", "number", "title")
            item.used = True
            distinct = any(
                i.asks("distinct")
                and item.last <= i.first
                and (not following or i.first < following.first)
                for i in self.r.items
            )
            ordinal = self.r.only(following)
            if following is None or following.role == "table":
                self.computed.append(Expression(None, "count"))
            elif ordinal is not None:
                following.used = True
                if self.r.is_ordered(ordinal) and not distinct:
                    self._amount(ordinal)
                else:
                    self.computed.append(Expression(ordinal, "count", distinct=True))
            else:
                raise NotUnderstood

    def _amount(self, ordinal: int) -> None:
        """Read "how many winters": a number as it stands, or their sum when "altogether" is said."""
        if any(item.text in _TOGETHER for item in self.r.items):
            self.computed.append(Expression(ordinal, "sum"))
        else:
            self.asked.append(ordinal)

    def _groups(self) -> None:
        """Read "for each country", "by country"."""
        for item in list(self.r.operations("each", "by")):
            following = self.r.after(item, "table")
            ordinal = self.r.only(following)
            if ordinal is None or following is None or not self.computed:
                if item.asks("by") or not self.computed:
                    item.used = True
                    continue
                raise NotUnderstood
            if self.group is not None or self.order is not None:
                raise NotUnderstood
            self.group = ordinal
            following.used = item.used = True

    # ------------------------------------------------------------ the whole

    def _rest(self) -> None:
        """Take the columns that are left as asked for; anything else left over is in the way."""
        for item in self.r.left("column"):
            ordinal = self.r.only(item)
            if ordinal is None:
                raise NotUnderstood
            self.asked.append(ordinal)
            item.used = True
        if self.r.left("number", "cell"):
            raise NotUnderstood
        left = self.r.left("operation")
        if any(not item.asks("and", "distinct", "by", "between") for item in left):
            raise NotUnderstood

    def _select(self) -> Plan:
        asked = tuple(dict.fromkeys(self.asked))
        distinct = any(item.asks("distinct") for item in self.r.left("operation"))
        info, conditions = self.r.words.info, tuple(self.r.conditions)
        if self.computed:
            if self.order is not None or any(ordinal != self.group for ordinal in asked):
                raise NotUnderstood
            groups = () if self.group is None else (Expression(self.group),)
            computed = dict.fromkeys(self.computed)
            return Plan(info, (*groups, *computed), conditions, self.group)
        asked = asked or self._place_or_time()
        if not asked:
            label = self.r.label()
            if label is None or not (self.order or conditions):
                raise NotUnderstood
            asked = (label,)
        if self.group is not None and asked != (self.group,):
            raise NotUnderstood
        if self.order is None and not conditions and not distinct:
            raise NotUnderstood
        if set(asked) <= {c.column for c in conditions if c.sign == "="}:
            raise NotUnderstood  # it would answer with the question's own words
        select = tuple(Expression(ordinal) for ordinal in asked)
        return Plan(
            info, select, conditions, self.group, self.order, self.descending, self.limit,
            distinct and self.order is None,
        )  # fmt: skip

    def _place_or_time(self) -> tuple[int, ...]:
        """Return the one column that "where" or "when" at the beginning asks for."""
        first = self.r.items[0].text
        if first not in ("where", "when"):
            return ()
        stems = self.r.words.columns
        date = self.r.of_concept("date")
        found = [i for i, column in enumerate(stems) if column & _PLACES]
        if first == "when":
            found = [] if date is None else [date]
        if len(found) != 1:
            raise NotUnderstood
        return (found[0],)

    def _focused(self, item: Item) -> bool:
        """Tell whether something else than the extreme value is asked for before it is named."""
        for other in self.r.items:
            if other.first >= item.first:
                return False
            if other.text in _ENTITY_WORDS or (other.role == "table" and not other.used):
                return True
            if other.role == "column" and not other.used:
                return True
        return False


_MANY = ("most", "fewest", "least", "highest", "largest", "greatest", "lowest", "smallest")


def _direction(reading: Reading, item: Item, ordinal: int) -> str:
    """Return "max" or "min"; the oldest has the highest age, but the earliest date."""
    operation = item.operation
    if operation is None:
        raise NotUnderstood
    for concept, direction in operation.concepts:
        if reading.of_concept(concept) == ordinal:
            return direction
        if concept == "date" and reading.is_dated(ordinal):
            return direction
    return operation.name


def _aggregate_name(name: str) -> Aggregate:
    if name not in ("sum", "avg", "max", "min"):
        raise NotUnderstood
    return name  # type: ignore[return-value]
