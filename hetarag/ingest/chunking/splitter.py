"""Documents become chunks: whole sentences, on one page, at paragraph borders where possible."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from hetarag.errors import InputError
from hetarag.ingest.chunking.sections import Sections
from hetarag.ingest.chunking.sentences import Span, paragraphs, sentence_spans, trimmed
from hetarag.types import Chunk, Document

_VERSION = "sentences-1"
# Scripts without spaces between words: each character counts as a word.
_WIDE = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_WIDE}]|[^\s{_WIDE}]+")
_WORD_LENGTH = 12  # characters: a longer word counts as several, so that no chunk grows too long
_SLACK = 1.25  # a rest of up to this many chunks is not cut again
_HEADING_WORDS = 12


@dataclass(frozen=True, slots=True)
class _Sentence:
    start: int
    end: int
    weight: int
    opens: bool  # first of its block: a paragraph with the headings above it
    section: bool  # the block begins with a heading of the document


@dataclass(frozen=True, slots=True)
class Splitter:
    """Cuts a document into chunks of about `chunk_words` words.

    A chunk holds whole sentences of one page. It ends at the end of a section once it is a quarter
    full, and at a paragraph border when it is at least half full there; one that ends inside a
    paragraph gives its last `overlap_sentences` sentences to the next one as well. A heading stays
    with what follows it. A document, a page, or the rest of one of up to 1.25 times `chunk_words` is
    cut at sections only. A sentence that is longer than a chunk is cut between words, a word that is
    longer than a chunk anywhere.
    """

    chunk_words: int = 160
    overlap_sentences: int = 1

    def __post_init__(self) -> None:
        if self.chunk_words < 1 or self.overlap_sentences < 0:
            raise InputError(
                f"chunk_words must be at least 1 and overlap_sentences at least 0, "
                f"not {self.chunk_words} and {self.overlap_sentences}"
            )

    @property
    def fingerprint(self) -> str:
        """Changes whenever the same text would be cut in another way."""
        return f"{_VERSION}/{self.chunk_words}/{self.overlap_sentences}"

    def split(self, document: Document) -> list[Chunk]:
        """Return the chunks of `document` in the order of its text."""
        chunks: list[Chunk] = []
        sections = Sections(document)
        headings = sections.starts
        for number, start, end in _spans(document):
            found = list(self._sentences(document.text, start, end, headings))
            for group in self._groups(found):
                borders = tuple((s.start, s.end) for s in group)
                first, last = borders[0][0], borders[-1][1]
                chunks.append(
                    Chunk(len(chunks), first, last, number, borders, sections.path(first, last))
                )
        return chunks

    def _sentences(
        self, text: str, start: int, end: int, headings: Collection[int]
    ) -> Iterator[_Sentence]:
        heading_before = marked_before = False
        for first, last in paragraphs(text, start, end):
            marked = first in headings
            opens = not heading_before or (marked and not marked_before)
            for a, b in sentence_spans(text, first, last):
                for c, d, weight in self._pieces(text, a, b):
                    yield _Sentence(c, d, weight, opens, opens and marked)
                    opens = False
            heading_before, marked_before = marked or _is_heading(text, first, last), marked

    def _pieces(self, text: str, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Yield a sentence with its weight; in pieces when it is longer than a chunk."""
        if end - start <= self.chunk_words:  # as short as this, it cannot be too heavy
            yield start, end, _weight(text, start, end)
            return
        begin, used, last = start, 0, start
        for a, b in self._words(text, start, end):
            cost = 1 + (b - a) // _WORD_LENGTH
            if used and used + cost > self.chunk_words:
                yield begin, last, used
                begin, used = a, 0
            used, last = used + cost, b
        yield begin, last, used

    def _words(self, text: str, start: int, end: int) -> Iterator[Span]:
        """Yield the words, those longer than a chunk in pieces."""
        longest = max((self.chunk_words - 1) * _WORD_LENGTH, 1)
        for token in _TOKEN.finditer(text, start, end):
            for begin in range(token.start(), token.end(), longest):
                yield begin, min(begin + longest, token.end())

    def _groups(self, found: list[_Sentence]) -> Iterator[list[_Sentence]]:
        left = sum(s.weight for s in found)
        at, carried = 0, 0  # sentences from `carried` to `at` are the overlap
        while at < len(found):
            overlap = sum(s.weight for s in found[carried:at])
            fits = left + overlap <= self.chunk_words * _SLACK
            stop = self._stop(found, at, overlap, math.inf if fits else self.chunk_words)
            yield found[carried:stop]
            left -= sum(s.weight for s in found[at:stop])
            carried, at = self._overlap(found, at, stop), stop

    def _stop(self, found: list[_Sentence], at: int, used: int, room: float) -> int:
        """Return the index behind the last sentence of the chunk that goes on at `at`.

        `used` is the weight of what it has already, `room` what it may weigh at most.
        """
        border = at
        for index in range(at, len(found)):
            sentence = found[index]
            if index > at:
                if sentence.section and used * 4 >= self.chunk_words:
                    return index
                if sentence.opens and used * 2 >= self.chunk_words:
                    border = index
                if used + sentence.weight > room:
                    return border if border > at else index
            used += sentence.weight
        return len(found)

    def _overlap(self, found: list[_Sentence], at: int, stop: int) -> int:
        """Return where the next chunk begins: some sentences back if a paragraph was cut."""
        begin = stop
        room = self.chunk_words // 4
        for _ in range(self.overlap_sentences):
            if begin <= at + 1 or begin >= len(found) or found[begin].opens:
                break
            room -= found[begin - 1].weight
            if room < 0:
                break
            begin -= 1
        return begin


def _weight(text: str, start: int, end: int) -> int:
    return sum(1 + len(t) // _WORD_LENGTH for t in _TOKEN.findall(text, start, end))


def _is_heading(text: str, start: int, end: int) -> bool:
    """Tell whether a paragraph is a short line without the punctuation of a sentence."""
    if end - start > _HEADING_WORDS * 16 or text[end - 1] in ".!?…;,。！？":
        return False
    line = text[start:end]
    return "\n" not in line and len(line.split()) <= _HEADING_WORDS and line[0] not in "-*•"


def _spans(document: Document) -> Iterator[tuple[int | None, int, int]]:
    """Yield the pages, and as page None the text between them."""
    position = 0
    for page in sorted(document.pages, key=lambda p: (p.start, p.end)):
        for start, end in trimmed(document.text, position, max(page.start, position)):
            yield None, start, end
        yield page.number, max(page.start, position), page.end
        position = max(position, page.end)
    for start, end in trimmed(document.text, position, len(document.text)):
        yield None, start, end
