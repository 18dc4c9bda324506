"""Planning: from the roles of a question's words to one statement over one table, or none.

In the manner of PRECISE (Popescu, Etzioni and Kautz, 2003): a statement is written only if every
word of weight in the question found its role and no role was in doubt. What is not understood is
left to other evidence; a computed answer should be right when it is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hetarag.stores.sql.cells import YEARS
from hetarag.stores.sql.text_to_sql.aggregates import (
    read_aggregates,
    read_counts,
    read_groups,
    read_measures,
)
from hetarag.stores.sql.text_to_sql.conditions import read_comparisons, read_values
from hetarag.stores.sql.text_to_sql.interpretation import Draft, Interpretation, NotUnderstood
from hetarag.stores.sql.text_to_sql.ordering import read_order
from hetarag.stores.sql.text_to_sql.plan import Expression, Plan
from hetarag.stores.sql.text_to_sql.question_items import Item
from hetarag.stores.sql.text_to_sql.schema_linking import TableWords
from hetarag.stores.sql.text_to_sql.superlatives import read_extremes
from hetarag.stores.sql.text_to_sql.tokens import stem
from hetarag.stores.sql.text_to_sql.wordlists import SCALES, UNITS

_PARTICIPLES = ("built", "born", "made", "won", "held", "written", "sold", "begun", "sent")
_PLACES = frozenset(
    stem(word)
    for word in "city town hometown location country place venue address birthplace site".split()  # noqa: SIM905
)


def make_plan(words: TableWords, items: Sequence[Item]) -> Plan | None:
    """Return the statement that the question asks of this table, None if that is not certain."""
    if any(item.asks("refuse") for item in items):
        return None
    if _shadowed(words, items):
        return None
    interpretation = Interpretation(words, [replace(item, used=False) for item in items])
    if any(not _is_explained(interpretation, item) for item in interpretation.left("unknown")):
        return None
    try:
        return _plan(Draft(interpretation))
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


def _is_explained(interpretation: Interpretation, item: Item) -> bool:
    """Tell whether a word that links to nothing goes with a number: "300 km", "made in 1980"."""
    place = interpretation.items.index(item)
    previous = interpretation.items[place - 1] if place else None
    if item.text in UNITS and previous is not None:
        if previous.number is not None:
            return True  # taken by the comparison that the number is in, or left over
        if previous.text == "in" or previous.text in SCALES:
            item.role = "filler"  # "the length in metres", "5 million euros"
            return True
    following = interpretation.after(item)
    if not (item.text.endswith("ed") or item.text in _PARTICIPLES) or following is None:
        return False
    concepts = following.operation.concepts if following.operation else ()
    dated = any(name == "date" for name, _ in concepts) and following.asks("compare")
    if not (dated or (following.number or 0) in YEARS) or interpretation.of_concept("date") is None:
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


def _plan(draft: Draft) -> Plan:
    """Read operation after operation, each marking the words it has used; then what is left."""
    read_comparisons(draft.interpretation)
    read_order(draft)
    read_measures(draft)
    read_aggregates(draft)
    read_extremes(draft)
    read_counts(draft)
    read_groups(draft)
    read_values(draft.interpretation)
    _rest(draft)
    return _select(draft)


def _rest(draft: Draft) -> None:
    """Take the columns that are left as asked for; anything else left over is in the way."""
    for item in draft.interpretation.left("column"):
        ordinal = draft.interpretation.only(item)
        if ordinal is None:
            raise NotUnderstood
        draft.asked.append(ordinal)
        item.used = True
    if draft.interpretation.left("number", "cell", "unknown"):
        raise NotUnderstood
    left = draft.interpretation.left("operation")
    if any(not item.asks("and", "distinct", "by", "between") for item in left):
        raise NotUnderstood


def _select(draft: Draft) -> Plan:
    asked = tuple(dict.fromkeys(draft.asked))
    distinct = any(item.asks("distinct") for item in draft.interpretation.left("operation"))
    info, conditions = draft.interpretation.words.info, tuple(draft.interpretation.conditions)
    years = frozenset(draft.interpretation.years)
    if draft.computed:
        if draft.order is not None or any(ordinal != draft.group for ordinal in asked):
            raise NotUnderstood
        groups = () if draft.group is None else (Expression(draft.group),)
        computed = dict.fromkeys(draft.computed)
        return Plan(info, (*groups, *computed), conditions, draft.group, years=years)
    asked = asked or _place_or_time(draft)
    if not asked:
        label = draft.interpretation.label()
        if label is None or not (draft.order or conditions):
            raise NotUnderstood
        asked = (label,)
    if draft.group is not None and asked != (draft.group,):
        raise NotUnderstood
    if draft.order is None and not conditions and not distinct:
        raise NotUnderstood
    if set(asked) <= {c.column for c in conditions if c.sign == "="}:
        raise NotUnderstood  # it would answer with the question's own words
    select = tuple(Expression(ordinal) for ordinal in asked)
    return Plan(
        info, select, conditions, draft.group, draft.order, draft.descending, draft.limit,
        distinct and draft.order is None, years,
    )  # fmt: skip


def _place_or_time(draft: Draft) -> tuple[int, ...]:
    """Return the one column that "where" or "when" at the beginning asks for."""
    first = draft.interpretation.items[0].text
    if first not in ("where", "when"):
        return ()
    stems = draft.interpretation.words.columns
    date = draft.interpretation.of_concept("date")
    found = [i for i, column in enumerate(stems) if column & _PLACES]
    if first == "when":
        found = [] if date is None else [date]
    if len(found) != 1:
        raise NotUnderstood
    return (found[0],)
