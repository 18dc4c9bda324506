"""Sections: the headings that a piece of a document stands under.

A chunk of a long document says "It is 28 days."; that this is about notice, its heading alone may tell.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from hetarag.ingest.cleaning import one_line
from hetarag.text import SECTION, name_key
from hetarag.types import Document, Heading

_LONGEST = 200  # characters of a path; headings beyond are left out, the outermost first


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
        self._last = list(range(len(self._headings)))  # of those in a row with each
        for number in reversed(range(len(self._headings) - 1)):
            if not self._text[self._headings[number].end : self._starts[number + 1]].strip():
                self._last[number] = self._last[number + 1]

    @property
    def starts(self) -> frozenset[int]:
        """Where the headings begin."""
        return frozenset(self._starts)

    def around(self, start: int, end: int) -> list[Heading]:
        """Return the headings of the sections that hold all of text[start:end], outermost first.

        Of headings in a row at its beginning the last one holds what comes after them.
        """
        found = []
        number = bisect_right(self._starts, start) - 1
        if number >= 0 and self._starts[number] == start:
            number = min(self._last[number], bisect_left(self._starts, end) - 1)
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
