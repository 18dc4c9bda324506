"""Sections: the headings that a piece of a document stands under.

A chunk of a long document says "It is 28 days."; that this is about notice, its heading alone may tell.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter

from hetarag.ingest.parsed import clean, one_line
from hetarag.ingest.sentences import paragraphs
from hetarag.text import SECTION, name_key
from hetarag.types import Document, Heading

_LONGEST = 200  # characters of a path; headings beyond are left out, the outermost first
# Of headings that are guessed:
_LONGEST_LINE, _MOST_WORDS = 96, 12
_SHORTEST_BODY = 80  # characters of the paragraph below it
_OFTEN = 2


class Outline:
    """Collects the text of a document as its loader reads it, and notes where headings stand.

    Each heading begins a stretch of text that is cleaned on its own, so that its place is known without
    looking for its words.
    """

    def __init__(self) -> None:
        self.parts: list[str] = []
        """Where the text goes; pieces are joined as they are."""
        self._stretches = [self.parts]
        self._headings: dict[int, tuple[int, int]] = {}  # of a stretch: level, length
        self._level = 0

    def begin(self, level: int) -> None:
        """Begin a heading: its words come next, up to `end`."""
        self.parts = []
        self._stretches.append(self.parts)
        self._level = level

    def end(self) -> None:
        """End the heading that was begun; one without words is none."""
        words = clean("".join(self.parts))
        self.parts[:] = [words]
        if words:
            self._headings[len(self._stretches) - 1] = (self._level, len(words))

    def text(self) -> tuple[str, tuple[Heading, ...]]:
        """Return the cleaned text and the headings in it."""
        found: list[Heading] = []
        texts: list[str] = []
        position = 0
        for number, parts in enumerate(self._stretches):
            text = clean("".join(parts))
            if not text:
                continue
            if number in self._headings:
                level, length = self._headings[number]
                found.append(Heading(level, position, position + length))
            texts.append(text)
            position += len(text) + 2
        return "\n\n".join(texts), tuple(found)


def guessed(text: str) -> tuple[Heading, ...]:
    """Return what reads like headings in a text that does not mark them.

    That is a short line of its own that begins like a sentence, does not end like one, and is followed by
    a paragraph of some length. What comes again and again is a page's head or an advertisement. All are
    of one level.
    """
    if "\n\n" not in text:
        return ()
    spans = list(paragraphs(text, 0, len(text)))
    lines = [
        text[start:end] if _reads_like_a_heading(text, start, end) else "" for start, end in spans
    ]
    often = Counter(lines)
    return tuple(
        Heading(1, *span)
        for span, line, (start, end), below in zip(spans, lines, spans[1:], lines[1:], strict=False)
        if line and not below and end - start >= _SHORTEST_BODY and often[line] <= _OFTEN
    )


def _reads_like_a_heading(text: str, start: int, end: int) -> bool:
    if end - start > _LONGEST_LINE or text[end - 1] in ".!?…:;,。！？":
        return False
    line = text[start:end]
    begins = line[0].isdigit() or (line[0].isalpha() and not line[0].islower())
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
