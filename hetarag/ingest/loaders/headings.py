"""Headings: noted by a loader as it reads, or guessed where a format does not mark them."""

from __future__ import annotations

from collections import Counter

from hetarag.ingest.chunking.sentences import paragraphs
from hetarag.ingest.cleaning import clean
from hetarag.types import Heading

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
