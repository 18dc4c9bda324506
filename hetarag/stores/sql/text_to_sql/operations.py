"""What the words of a question ask for: counts, sums, extremes, comparisons, groups, order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from hetarag.stores.sql.text_to_sql.tokens import stem

OperationKind = Literal[
    "count",
    "aggregate",
    "extreme",
    "common",
    "compare",
    "or",
    "and",
    "between",
    "each",
    "order",
    "descending",
    "ascending",
    "distinct",
    "measure",
    "by",
    "not",
    "refuse",
]
Concept = Literal[
    "age", "date", "size", "height", "length", "weight", "price", "speed", "time", "depth",
    "width", "wealth", "population", "temperature",
]  # fmt: skip

# The words of column names that stand for a concept, most telling first.
CONCEPTS: dict[Concept, tuple[str, ...]] = {
    "age": ("age",),
    "date": ("date", "year", "foundation", "build", "open", "birth", "complet", "releas"),
    "size": ("size", "area", "capacity", "population"),
    "height": ("height", "elevation", "altitude", "tall", "high"),
    "length": ("length", "duration", "distance", "runtim", "long", "runn"),
    "weight": ("weight", "mass"),
    "price": ("price", "cost", "fee", "fare"),
    "speed": ("speed", "velocity"),
    "time": ("time",),
    "depth": ("depth", "deep"),
    "width": ("width", "wide", "breadth"),
    "wealth": ("worth", "wealth", "income", "gdp", "revenu"),
    "population": ("population", "inhabitant", "person"),
    "temperature": ("temperatur",),
}
_STEMMED = {concept: tuple(stem(w) for w in found) for concept, found in CONCEPTS.items()}


class Operation(NamedTuple):
    """What a word or phrase asks for.

    `name` is the aggregate ("max", "avg" …), the comparison ("<" …) or the direction of an extreme.
    `concepts` are the kinds of column that it speaks of, with the direction for each.
    """

    kind: OperationKind
    name: str = ""
    concepts: tuple[tuple[Concept, str], ...] = ()


def concept_stems(concept: Concept) -> tuple[str, ...]:
    """Return the stems of column words that stand for a concept, most telling first."""
    return _STEMMED[concept]


def operation_at(words: list[str], first: int) -> tuple[Operation, int] | None:
    """Return the operation that begins at a word, and the word after its last."""
    for size in range(min(_LONGEST, len(words) - first), 0, -1):
        found = OPERATIONS.get(" ".join(words[first : first + size]))
        if found:
            return found, first + size
    return None


def _extremes() -> Iterator[tuple[str, Operation]]:
    high = "highest largest greatest biggest most top maximum max"
    low = "lowest smallest least fewest minimum min"
    for word in high.split():
        yield word, Operation("extreme", "max")
    for word in low.split():
        yield word, Operation("extreme", "min")
    for words, concepts in _ADJECTIVES:
        for word in words.split(","):
            directions = tuple((name, way) for name, way in concepts)
            yield word, Operation("extreme", concepts[0][1], directions)


_ADJECTIVES: tuple[tuple[str, tuple[tuple[Concept, str], ...]], ...] = (
    ("oldest", (("age", "max"), ("date", "min"))),
    ("youngest", (("age", "min"), ("date", "max"))),
    ("newest,latest,most recent,last,most recently", (("date", "max"),)),
    ("earliest,first", (("date", "min"),)),
    ("largest,biggest", (("size", "max"),)),
    ("smallest", (("size", "min"),)),
    ("tallest,highest", (("height", "max"),)),
    ("lowest", (("height", "min"),)),
    ("longest", (("length", "max"),)),
    ("shortest", (("length", "min"), ("height", "min"))),
    ("heaviest", (("weight", "max"),)),
    ("lightest", (("weight", "min"),)),
    ("most expensive,priciest,costliest", (("price", "max"),)),
    ("cheapest,least expensive", (("price", "min"),)),
    ("fastest", (("speed", "max"), ("time", "min"))),
    ("slowest", (("speed", "min"), ("time", "max"))),
    ("deepest", (("depth", "max"),)),
    ("shallowest", (("depth", "min"),)),
    ("widest", (("width", "max"),)),
    ("narrowest", (("width", "min"),)),
    ("richest,wealthiest", (("wealth", "max"),)),
    ("poorest", (("wealth", "min"),)),
    ("most populous,most populated", (("population", "max"),)),
    ("least populous,least populated", (("population", "min"),)),
    ("hottest,warmest", (("temperature", "max"),)),
    ("coldest", (("temperature", "min"),)),
)

_COMPARISONS: tuple[tuple[str, str, tuple[Concept, ...]], ...] = (
    ("more than,greater than,above,over,exceeding,exceeds,exceed,bigger than", ">", ()),
    ("larger than", ">", ("size",)),
    ("higher than,taller than", ">", ("height",)),
    ("older than", ">", ("age",)),
    ("longer than", ">", ("length",)),
    ("heavier than", ">", ("weight",)),
    ("deeper than", ">", ("depth",)),
    ("wider than", ">", ("width",)),
    ("faster than", ">", ("speed",)),
    ("at least,no less than,no fewer than,not less than,a minimum of", ">=", ()),
    ("less than,fewer than,below,under", "<", ()),
    ("smaller than", "<", ("size",)),
    ("lower than", "<", ("height",)),
    ("younger than", "<", ("age",)),
    ("shorter than", "<", ("length", "height")),
    ("lighter than", "<", ("weight",)),
    ("slower than", "<", ("speed",)),
    ("cheaper than", "<", ("price",)),
    ("more expensive than", ">", ("price",)),
    ("at most,no more than,not more than,up to,a maximum of", "<=", ()),
    ("after,later than,newer than", ">", ("date",)),
    ("since,starting from", ">=", ("date",)),
    ("before,earlier than,prior to", "<", ("date",)),
    ("until", "<=", ("date",)),
    ("equal to,equals,exactly", "=", ()),
)

_MEASURES: tuple[tuple[str, Concept], ...] = (
    ("old", "age"), ("big large", "size"), ("tall high", "height"), ("long", "length"),
    ("heavy", "weight"), ("expensive", "price"), ("fast", "speed"), ("deep", "depth"),
    ("wide", "width"), ("populous", "population"), ("hot cold warm", "temperature"),
)  # fmt: skip

_PLAIN: dict[str, Operation] = {
    **dict.fromkeys(
        ["how many", "number of", "total number of", "total count of", "count of", "count",
         "count the number of", "count the total number of"],
        Operation("count"),
    ),
    **dict.fromkeys(["average", "mean", "avg", "average of"], Operation("aggregate", "avg")),
    **dict.fromkeys(
        ["sum", "sum of", "total", "combined", "total sum of", "total of"],
        Operation("aggregate", "sum"),
    ),
    **dict.fromkeys(["maximum", "max"], Operation("aggregate", "max")),
    **dict.fromkeys(["minimum", "min"], Operation("aggregate", "min")),
    **dict.fromkeys(
        ["most common", "most frequent", "most often", "most frequently", "most commonly"],
        Operation("common", "max"),
    ),
    **dict.fromkeys(["least common", "least frequent"], Operation("common", "min")),
    **dict.fromkeys(["or more", "or above", "or over", "or older", "or later", "or after"],
                    Operation("or", ">=")),
    **dict.fromkeys(["or less", "or fewer", "or below", "or younger", "or earlier", "or before"],
                    Operation("or", "<=")),
    **{
        f"how {word}": Operation("measure", "", ((concept, ""),))
        for words, concept in _MEASURES
        for word in words.split()
    },
    "by": Operation("by"),
    **dict.fromkeys(["not", "other than"], Operation("not")),
    "or": Operation("or"),
    "and": Operation("and"),
    "between": Operation("between"),
    **dict.fromkeys(
        ["each", "for each", "in each", "of each", "per", "for every", "in every", "each different",
         "for each different", "for each distinct", "grouped by", "from each", "by each"],
        Operation("each"),
    ),
    **dict.fromkeys(
        ["ordered by", "sorted by", "order by", "sort by", "in order of", "sorted in order of",
         "ordered in order of"],
        Operation("order"),
    ),
    **dict.fromkeys(
        ["in descending order of", "in descending order by", "ordered by descending",
         "sorted by descending", "descending order of", "descending by", "in decreasing order of",
         "in descending order of their", "sorted in descending order of",
         "ordered in descending order of"],
        Operation("order", "descending"),
    ),
    **dict.fromkeys(
        ["in ascending order of", "in ascending order by", "ordered by ascending",
         "sorted by ascending", "ascending order of", "ascending by", "in increasing order of",
         "in alphabetical order of", "in alphabetical order by", "in lexicographical order of",
         "alphabetically ordered by", "sorted in ascending order of",
         "ordered in ascending order of"],
        Operation("order"),
    ),
    **dict.fromkeys(
        ["in descending order", "descending", "from highest to lowest", "from high to low",
         "from largest to smallest", "in decreasing order"],
        Operation("descending"),
    ),
    **dict.fromkeys(
        ["in ascending order", "ascending", "from lowest to highest", "from low to high",
         "in alphabetical order", "alphabetically", "in increasing order",
         "in lexicographical order", "sorted alphabetically",
         "ordered alphabetically"],
        Operation("ascending"),
    ),
    **dict.fromkeys(["different", "distinct", "unique"], Operation("distinct")),
    **dict.fromkeys(
        ["without", "except", "excluding", "no", "never", "neither", "nor",
         "both", "except for", "don't", "doesn't", "didn't", "isn't", "aren't", "wasn't",
         "other", "besides", "instead", "same", "respectively", "percentage",
         "second", "third", "fourth", "fifth", "difference", "median", "ratio", "proportion",
         "fraction", "nearly", "approximately", "if", "why"],
        Operation("refuse"),
    ),
}  # fmt: skip


def _comparisons() -> Iterator[tuple[str, Operation]]:
    for words, sign, concepts in _COMPARISONS:
        for word in words.split(","):
            yield word, Operation("compare", sign, tuple((name, sign) for name in concepts))


OPERATIONS: dict[str, Operation] = {
    **dict(_extremes()),
    **dict(_comparisons()),
    **_PLAIN,
}
_LONGEST = max(len(phrase.split()) for phrase in OPERATIONS)
