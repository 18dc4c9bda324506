"""Words of questions and of names: tokens, their stems, and names taken apart."""

from __future__ import annotations

import re
from typing import NamedTuple

from hetarag.text import STOP_WORDS, fold, snowball_stem, unmarked

_TOKEN = re.compile(
    r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.\d+|\d+(?![^\W_])|[^\W_]+(?:['’][^\W_]+)*", re.UNICODE
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_LONGEST_QUESTION = 160
_BEYOND = 1e15  # numbers from here on are not exact

_NUMBER_WORDS = {
    word: float(value)
    for value, word in enumerate(
        ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"], start=2
    )
}
_IRREGULAR = {
    "aged": "age",
    "people": "person",
    "children": "child",
    "men": "man",
    "women": "woman",
    "feet": "foot",
    "built": "build",
    "born": "birth",
    "died": "death",
    "won": "win",
    "held": "hold",
    "founded": "foundation",
    "founding": "foundation",
    "established": "foundation",
}
_ABBREVIATIONS = {
    "no": ("number",),
    "num": ("number",),
    "nr": ("number",),
    "qty": ("quantity",),
    "abbrev": ("abbreviation",),
    "abbr": ("abbreviation",),
    "dest": ("destination",),
    "dob": ("date", "birth"),
    "fname": ("first", "name"),
    "lname": ("last", "name"),
    "firstname": ("first", "name"),
    "lastname": ("last", "name"),
    "fullname": ("full", "name"),
    "pct": ("percent",),
    "avg": ("average",),
    "lang": ("language",),
    "desc": ("description",),
}
_SYMBOLS = frozenset(
    "m km cm mm ft mi kg g t lb lbs ha km2 m2 m3 kmh mph kw mw gw kwh usd eur gbp deg min s h l".split()  # noqa: SIM905
)
_NOT_A_NAME = frozenset(["csv", "tsv", "xlsx", "xls", "parquet", "html", "table", "sheet", "data"])


class Token(NamedTuple):
    """A word of a question: folded, its stem, its place, and its value if it is a number."""

    text: str
    stem: str
    start: int
    end: int
    number: float | None
    stop: bool


def question_tokens(question: str) -> list[Token]:
    """Return the words of a question; of a very long one only the first."""
    found = []
    for match in _TOKEN.finditer(question):
        text = re.sub("['’]s$", "", fold(match.group()))
        found.append(
            Token(text, stem(text), match.start(), match.end(), _number(text), text in STOP_WORDS)
        )
        if len(found) == _LONGEST_QUESTION:
            break
    return found


def stem(word: str) -> str:
    """Return what stands for a folded word: the stem of the word itself, or of the one that it means here."""
    return snowball_stem(_IRREGULAR.get(word, word))


def inflections(word: str) -> tuple[str, ...]:
    """Return the forms under which a cell may hold a folded word: "launched" as "launch"."""
    if len(word) < 4 or not word.isalpha():
        return ()
    forms = (_singular(word), _IRREGULAR.get(word, word), stem(word))
    return tuple(form for form in dict.fromkeys(forms) if form != word)


def name_stems(name: str) -> tuple[str, ...]:
    """Return the stems of the words that a table's or column's name is made of.

    Names in the manner of programs are taken apart: `Song_release_year`, `CountryName`, `FlightNo`.
    """
    found: list[str] = []
    for part in unmarked(_CAMEL.sub(" ", name[:300])).split():
        word = fold(part)
        found += [stem(w) for w in _ABBREVIATIONS.get(word, (word,))]
    kept = [word for word in found if word not in STOP_WORDS]
    if len(kept) > 1 and kept[-1] in _SYMBOLS:  # `length_m`, "Length (m)"
        kept.pop()
    return tuple(dict.fromkeys(kept or found))


def table_stems(name: str) -> tuple[str, ...]:
    """Return the stems of a table's name without file endings; of "Sheet1" nothing is left."""
    kept = tuple(word for word in name_stems(name) if word not in _NOT_A_NAME)
    return () if all(any(c.isdigit() for c in word) for word in kept) else kept


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _number(text: str) -> float | None:
    if _NUMBER.fullmatch(text):
        value = float(text.replace(",", ""))
        return value if value < _BEYOND else None
    return _NUMBER_WORDS.get(text)
