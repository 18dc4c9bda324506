"""Sentence borders by rules, in linear time.

The rules know abbreviations, initials, decimals, ellipses, closing quotes, CJK full stops and list
lines. They look at a window of a few characters around each full stop, so that a text of 50 MB
without any border costs one pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hetarag.ingest.wordlists import (
    BEFORE_NUMBERS,
    MAYBE_FINAL,
    NEVER_FINAL,
    SENTENCE_OPENERS,
)

Span = tuple[int, int]

# Possessive quantifiers and the look-behind keep "....…" linear.
_STOP = re.compile(
    r"(?<![.!?…])[.!?…]++[\"'”’»)\]]*+(?=\s|$)"
    r"|[。！？｡]++[\"”’」』）]*+"
    r"|\n(?=[ \t]*+(?:[-*•‣–—][ \t]|\d{1,3}[.)][ \t]|[a-zA-Z]\)[ \t]))"
    r"|\n(?=(?: {4}|\t)\S)"
)
_NEXT = re.compile(r"\s*+[\"'“‘«(\[]*+\s*+([^\W_]+|\S|$)")
_BLANK_LINE = re.compile(r"\n\s*\n")
_SOLID = re.compile(r"\S")
_LIST_NUMBER = re.compile(r"(?:^|\n)[ \t]*\(?\d{1,3}$")
_LEADING = "\"'“‘«([{„-–—/"
_NUMBER = re.compile(r"\d|[IVXLC]+$")


def paragraphs(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield the spans between blank lines in text[start:end], without white space around them."""
    position = start
    for gap in _BLANK_LINE.finditer(text, start, end):
        yield from trimmed(text, position, gap.start())
        position = gap.end()
    yield from trimmed(text, position, end)


def sentence_spans(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield the sentences of one paragraph, without white space around them."""
    position = start
    for stop in _STOP.finditer(text, start, end):
        if stop.start() >= position and _ends_sentence(text, start, end, stop):
            yield from trimmed(text, position, stop.end())
            position = stop.end()
    yield from trimmed(text, position, end)


def trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield (start, end) without white space at both ends, or nothing when there is no more."""
    first = _SOLID.search(text, start, end)
    if first is None:
        return
    while text[end - 1].isspace():
        end -= 1
    yield first.start(), end


def _ends_sentence(text: str, start: int, end: int, stop: re.Match[str]) -> bool:
    mark = stop.group()
    if mark[0] in "\n。！？｡":
        return True
    follows = _NEXT.match(text, stop.end(), min(end, stop.end() + 80))
    following = follows.group(1) if follows else ""
    if following and following[0].islower():
        return False
    if mark[0] != "." or mark.startswith(".."):
        return True
    window = text[max(start, stop.start() - 40) : stop.start()]
    if window[-1:].isdigit() and _LIST_NUMBER.search(window):
        return not following
    return _full_stop_ends(window, following)


def _full_stop_ends(window: str, following: str) -> bool:
    """Judge one full stop by the word before it and the word after it."""
    word = window[max(window.rfind(" "), window.rfind("\n")) + 1 :].lstrip(_LEADING)
    folded = word.casefold()
    opens = following.casefold() in SENTENCE_OPENERS
    if len(word) == 1 and word.isupper():  # an initial, or "vitamin C."
        return opens
    if folded in MAYBE_FINAL:
        return opens or not following
    if folded in BEFORE_NUMBERS:
        return not _NUMBER.match(following)
    return folded not in NEVER_FINAL or not following
