"""Other names of what a paragraph is about, as its first sentence gives them.

The opening has the name in full, "Nicholas Lofton "Nick" Hexum", "Publix Super Markets, Inc., commonly
known as Publix", and everybody else says Nick Hexum and Publix.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from hetarag.ingest.chunking.sentences import Span
from hetarag.ingest.entities.name_rules import Name
from hetarag.ingest.wordlists import GENERIC

_MARKS = re.compile(r"[\s\"“”„«»'‘’]*+")
_SUFFIX = frozenset(("jr", "sr", "ii", "iii", "iv"))
_LIVED = re.compile(
    r"(?:,? (?:Jr|Sr|I{2,3}|IV)\b\.?)?,?[^().;]{0,30}\([^()]{0,80}?(?:\b(?:born|died)\b|\d{4}\s?[–—-])"
)
_KNOWN_AS = re.compile(
    r"\b(?:known|billed|credited|referred to|called|nicknamed|styled|abbreviated|shortened)"
    r"(?: \w+){0,2}?(?: (?:as|by|to))?(?: (?:the|his|her|their|its|stage|pen|ring|screen|professional|name"
    r"|mononym|nickname|pseudonym|acronym|simply|just))*[\s\"“'‘,(]*$"
)
_LONGEST = 6  # words of a person's name
_CUE = 80  # characters before a name that say what it is


def forms(text: str, sentence: Span, names: Sequence[Name]) -> Iterator[str]:
    """Yield the first of `names` as it stands in the sentence, then other forms of it.

    All of `names` stand in that sentence, in their order, and none is a date.
    """
    first, *others = names
    surface = first.of(text)
    yield surface
    if len(others) > 1 and others[0].label == "QUOTED" and _joined(text, first, *others[:2]):
        nick, last = (name.of(text) for name in others[:2])
        yield f"{nick} {last}"
        yield f"{surface.split()[0]} {last}"
        others = others[2:]
    elif first.label == "PERSON" or _LIVED.match(text, first.end, sentence[1]):
        yield from _shorter(surface)
    before = first.end
    for name in others:
        between = text[max(before, name.start - _CUE) : name.start]
        if _KNOWN_AS.search(between) or _stands_for(text, name, surface):
            yield name.of(text)
        before = name.end


def _joined(text: str, *names: Name) -> bool:
    """Tell whether nothing but quotation marks is between the names."""
    return all(_MARKS.fullmatch(text, one.end, other.start) for one, other in pairwise(names))


def _shorter(surface: str) -> Iterator[str]:
    """Yield a person's first and last name, without what stands before, between and after them."""
    words = surface.split()
    while len(words) > 2 and words[0].lower() in GENERIC:
        words.pop(0)
    while len(words) > 2 and (words[-1].strip(".").lower() in _SUFFIX or _is_honour(words[-1])):
        words.pop()
    proper = all(word[0].isupper() and not any(c.isdigit() for c in word) for word in words)
    if 1 < len(words) <= _LONGEST and proper and len(words[0].strip(".")) > 1:
        yield f"{words[0]} {words[-1]}"


def _is_honour(word: str) -> bool:
    return word.isupper() and 1 < len(word) < 5 and "." not in word


def _stands_for(text: str, name: Name, surface: str) -> bool:
    """Tell an acronym in parentheses: its letters are those that the name's words begin with."""
    short = text[name.start : name.end]
    if len(short) < 2 or text[name.start - 1] != "(":
        return False
    return short == "".join(word[0] for word in re.split(r"[\s-]+", surface) if word[:1].isupper())
