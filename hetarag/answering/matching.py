"""Finding an answer's words in a text, with their place: exactly, or by the share found."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from hetarag.text import STOP_WORDS, name_key, words

_NUMBER_WORDS = {
    word: str(number)
    for number, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
        ]
    )
}
_ARTICLES = frozenset(("a", "an", "the"))
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?!\d)")
_BORDER = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+(?=[\"'“‘(\[]?[^\W_a-z])|\n+")


@dataclass(frozen=True, slots=True)
class Token:
    """A word in normal form and its place in the text."""

    key: str
    start: int
    end: int


def answer_tokens(text: str) -> list[Token]:
    """Return the words of `text` in normal form: no articles, numbers without separators.

    "56,000" is "56000", "three" is "3", "Twenty-One" is "twenty" and "one".
    """
    ends = {match.start(): match.end() for match in _THOUSANDS.finditer(text)}
    return [
        Token(_NUMBER_WORDS.get(key, key), word.start, ends.get(word.start, word.end))
        for word in words(_THOUSANDS.sub(_joined, text))
        for key in name_key(word.text).split()
        if key not in _ARTICLES
    ]


def keys(text: str) -> list[str]:
    """Return the words of `text` in normal form, without their places."""
    return [token.key for token in answer_tokens(text)]


def content(text: str) -> list[str]:
    """Return the words of `text` in normal form that carry meaning."""
    return [key for key in keys(text) if key not in STOP_WORDS]


def spans(wanted: Sequence[str], text: str) -> list[tuple[int, int]]:
    """Return where the words `wanted` stand in a row in `text`, as (start, end)."""
    if not wanted:
        return []
    found = answer_tokens(text)
    size = len(wanted)
    row = [token.key for token in found]
    return [
        (found[i].start, found[i + size - 1].end)
        for i in range(len(row) - size + 1)
        if row[i] == wanted[0] and row[i : i + size] == list(wanted)
    ]


def share(wanted: Collection[str], text: str) -> float:
    """Return the share of the words `wanted` that `text` has; 0 where none is wanted."""
    if not wanted:
        return 0.0
    present = set(keys(text))
    return sum(key in present for key in wanted) / len(wanted)


def answer_sentences(text: str) -> list[tuple[int, int]]:
    """Return the sentences of `text` as (start, end), without the space around them."""
    found, start = [], 0
    for border in [*_BORDER.finditer(text), None]:
        end = border.start() if border else len(text)
        piece = text[start:end]
        inner = piece.strip()
        if inner:
            first = start + piece.index(inner)
            found.append((first, first + len(inner)))
        start = border.end() if border else end
    return found


def _joined(match: re.Match[str]) -> str:
    """Close up a number's groups; as many places follow it as it lost, so that offsets hold."""
    number = match.group()
    return number.replace(",", "") + " " * number.count(",")
