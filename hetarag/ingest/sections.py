"""Sections: the headings that a piece of a document stands under.

A chunk of a long document says "It is 28 days."; that this is about notice, its heading alone may tell.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter, defaultdict, deque
from collections.abc import Sequence

from hetarag.ingest.parsed import one_line
from hetarag.ingest.sentences import Span, paragraphs
from hetarag.text import SECTION, name_key
from hetarag.types import Document, Heading

_LONGEST = 200  # characters of a path; headings beyond are left out, the outermost first
# Of headings that are guessed:
_LONGEST_LINE, _MOST_WORDS = 96, 12
_SHORTEST_BODY = 80  # characters of the paragraph below it
_OFTEN = 2
_NUMBER = re.compile(r"(\d{1,2}(?:\.\d{1,2})*)\.?\s")


def placed(text: str, headings: Sequence[tuple[int, str]]) -> tuple[Heading, ...]:
    """Return where the headings (level, words) stand in `text`, in their order.

    A heading is a paragraph of its own. One that `text` does not have as such is left out.
    """
    wanted = {one_line(words) for _, words in headings}
    longest = 2 * max(map(len, wanted), default=0)
    spans: dict[str, deque[Span]] = defaultdict(deque)
    for start, end in paragraphs(text, 0, len(text)) if wanted else ():
        if end - start <= longest and (line := one_line(text[start:end])) in wanted:
            spans[line].append((start, end))
    found: list[Heading] = []
    behind = 0
    for level, words in headings:
        left = spans[one_line(words)]
        while left and left[0][0] < behind:
            left.popleft()
        if left:
            start, behind = left.popleft()
            found.append(Heading(level, start, behind))
    return tuple(found)


def guessed(text: str) -> tuple[Heading, ...]:
    """Return what reads like headings in a text that does not mark them.

    That is a short line of its own that begins like a sentence, does not end like one, and is followed by
    a paragraph of some length. What comes again and again is a page's head or an advertisement. The
    number before it gives its level: "2.1 Notice" stands under "2 Leave".
    """
    if "\n\n" not in text:
        return ()
    spans = list(paragraphs(text, 0, len(text)))
    lines = [
        text[start:end] if _reads_like_a_heading(text, start, end) else "" for start, end in spans
    ]
    often = Counter(lines)
    return tuple(
        Heading(number[1].count(".") + 1 if (number := _NUMBER.match(line)) else 1, *span)
        for span, line, (start, end), below in zip(spans, lines, spans[1:], lines[1:], strict=False)
        if line and not below and end - start >= _SHORTEST_BODY and often[line] <= _OFTEN
    )


def _reads_like_a_heading(text: str, start: int, end: int) -> bool:
    if end - start > _LONGEST_LINE or text[end - 1] in ".!?…:;,。！？":
        return False
    line = text[start:end]
    begins = line[0].isupper() or line[0].isdigit() or not line[0].isascii()
    letters = any(sign.isalpha() for sign in line)
    return begins and letters and "\n" not in line and len(line.split()) <= _MOST_WORDS


class Sections:
    """The sections of one document, each from its heading to the next one of its level or above."""

    def __init__(self, document: Document) -> None:
        self._text, self._title = document.text, name_key(document.title)
        self._headings = document.headings
        self._starts = [heading.start for heading in document.headings]
        self._ends = [len(document.text)] * len(document.headings)
        self._above: list[int] = []  # of each heading, the number of the one it stands under
        opened: list[int] = []
        for number, heading in enumerate(document.headings):
            while opened and document.headings[opened[-1]].level >= heading.level:
                self._ends[opened.pop()] = heading.start
            self._above.append(opened[-1] if opened else -1)
            opened.append(number)
        self._last = list(range(len(self._headings)))  # of the headings right below each
        for number in reversed(range(len(self._headings) - 1)):
            if not self._text[self._headings[number].end : self._starts[number + 1]].strip():
                self._last[number] = self._last[number + 1]

    @property
    def starts(self) -> frozenset[int]:
        """Where the headings begin."""
        return frozenset(self._starts)

    def around(self, start: int, end: int) -> list[Heading]:
        """Return the headings of the sections that hold all of text[start:end], outermost first.

        Headings that it begins with hold what comes after them.
        """
        found = []
        number = bisect_right(self._starts, start) - 1
        if number >= 0 and self._starts[number] == start:
            number = self._last[number]
        while number >= 0:
            if self._ends[number] >= end:
                found.append(self._headings[number])
            number = self._above[number]
        return found[::-1]

    def path(self, start: int, end: int) -> str:
        """Return those headings as "Leave › Notice", without one that is the document's title."""
        lines = [one_line(self._text[h.start : h.end]) for h in self.around(start, end)]
        words = [line for line in lines if name_key(line) not in ("", self._title)]
        while len(words) > 1 and len(SECTION.join(words)) > _LONGEST:
            del words[0]
        return SECTION.join(words)[:_LONGEST]
