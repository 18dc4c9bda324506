"""PDF: the text of each page, its lines joined to paragraphs.

The outline that a PDF carries ("bookmarks") names its headings and their levels; one counts where its
page has it as lines of their own. Larger and bolder type tells headings too, below those that the outline
has. What only reads like a heading counts where the type tells none or next to none.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from hetarag.ingest.cleaning import clean, join_pages, numbered, one_line
from hetarag.ingest.loaders.headings import guessed
from hetarag.ingest.loaders.parsed import Parsed
from hetarag.ingest.loaders.pdf_outline import Bookmark, Lines, bookmarks, heading_lines
from hetarag.ingest.loaders.pdf_type import Line, headings_by_type, lines_of, short_line
from hetarag.types import Heading, MetadataValue

if TYPE_CHECKING:
    from pypdf import PdfReader

_SECTIONS = 3  # headings by type: fewer may be a letterhead or a title alone
_DIVIDED = re.compile(r"[a-zà-ÿ]-\n[a-zà-ÿ]")  # a word at the end of a line
_LIST_LINE = re.compile(r"[-*•‣–—]\s|\d{1,3}[.)]\s|\(?[a-z]\)\s")


def parse(data: bytes) -> Parsed:
    """Read the text and properties of a PDF.

    Raises:
        ValueError: the file is damaged, encrypted, or has no text at all (a scan).
    """
    with _quiet():
        reader = _open(data)
        read, broken = _pages(reader)
        outline = bookmarks(reader)
        metadata, title = _properties(reader)
    deepest = max((mark.level for marks in outline.values() for mark in marks), default=0)
    typed = headings_by_type([lines for _, lines in read], deepest)
    written = [
        paragraphs(text, outline.get(page, ()), typed.get(page, {}))
        for page, (text, _) in enumerate(read, 1)
    ]
    texts = [text for text, _ in written]
    warnings: list[str] = []
    if b"%%EOF" not in data[-2048:]:
        warnings.append("the end of the file is missing; pages may be lost: get a complete copy")
    if broken:
        warnings.append(f"the text of {numbered('page', broken)} could not be read and is left out")
    empty = [n for n, text in enumerate(texts, 1) if not text and n not in broken]
    if not any(texts):
        if broken or warnings:
            raise ValueError("no page could be read: the file is damaged; get a complete copy")
        raise ValueError("it holds no text, only images perhaps; run text recognition (OCR) on it")
    if empty:
        warnings.append(
            f"no text on {numbered('page', empty)}; run text recognition (OCR) on scans"
        )
    text, pages = join_pages(texts)
    headings: Sequence[Heading] = [
        Heading(h.level, page.start + h.start, page.start + h.end)
        for page, (_, own) in zip(pages, written, strict=True)
        for h in own
    ]
    if sum(map(len, typed.values())) < _SECTIONS:
        headings = _with_guesses(headings, guessed(text))
    return Parsed(
        text,
        title,
        pages,
        metadata=metadata,
        warnings=tuple(warnings),
        headings=tuple(headings),
    )


def paragraphs(
    text: str, marks: Sequence[Bookmark] = (), typed: Mapping[int, Lines] = MappingProxyType({})
) -> tuple[str, list[Heading]]:
    """Join the lines of a page to paragraphs; return them and the headings among them.

    A line ends a paragraph when it is clearly shorter than the page's longest lines and ends a
    sentence, or is followed by a line that begins like a new one. Headings, the lines that
    `marks` name and those that begin at the numbers of `typed`, are paragraphs of their own.
    """
    lines, numbers = _lines(text)
    short = short_line(lines)
    starts = _starts(lines, numbers, marks, typed)
    joined, previous = "", ""
    headings: list[Heading] = []
    number = 0
    while number < len(lines):
        level, count = starts.get(number, (0, 1))
        line = " ".join(lines[number : number + count])
        number += count
        if line:
            if not joined:
                joined = line
            elif level or not previous or _breaks(previous, line, short):
                tight = _LIST_LINE.match(line) and previous and not level
                joined += ("\n" if tight else "\n\n") + line
            else:
                joined += " " + line
            if level:
                headings.append(Heading(level, len(joined) - len(line), len(joined)))
        previous = "" if level else line
    return joined, headings


def _lines(text: str) -> tuple[list[str], list[int]]:
    """Return the cleaned lines of a page, and which of its lines each begins with."""
    pieces: list[list[str]] = []
    numbers: list[int] = []
    for number, raw in enumerate(text.split("\n")):
        for line in map(str.strip, clean(raw).split("\n")):
            if pieces and _DIVIDED.fullmatch(f"{pieces[-1][-1][-2:]}\n{line[:1]}"):
                pieces[-1][-1] = pieces[-1][-1][:-1]
                pieces[-1].append(line)
            else:
                pieces.append([line])
                numbers.append(number)
    return ["".join(line) for line in pieces], numbers


def _starts(
    lines: Sequence[str],
    numbers: Sequence[int],
    marks: Sequence[Bookmark],
    typed: Mapping[int, Lines],
) -> dict[int, Lines]:
    """Return the headings by their first line: those of the outline, then those that the type tells."""
    spans: dict[int, Lines] = {}
    for number, heading in typed.items():
        start, end = (bisect_left(numbers, at) for at in (number, number + heading.lines))
        if start < end and numbers[start] == number:
            spans[start] = Lines(heading.level, end - start)
    found = heading_lines(marks, lines, spans.keys())
    taken = {at for start, heading in found.items() for at in range(start, start + heading.lines)}
    for start, heading in spans.items():
        if taken.isdisjoint(range(start, start + heading.lines)):
            found[start] = heading
    return found


def _with_guesses(marked: Sequence[Heading], guesses: Sequence[Heading]) -> Sequence[Heading]:
    """Add what reads like a heading below the sections that are known."""
    if not marked:
        return guesses
    level = max(h.level for h in marked) + 1
    known = {h.start for h in marked}
    below = [Heading(level, h.start, h.end) for h in guesses if h.start not in known]
    return sorted([*marked, *below], key=lambda h: h.start)


def _breaks(previous: str, line: str, short: float) -> bool:
    if _LIST_LINE.match(line):
        return True
    begins = line[0].isupper() or line[0].isdigit() or line[0] in '"“‘«('
    return len(previous) < short and begins


def _open(data: bytes) -> PdfReader:
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, PyPdfError

    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise ValueError("it is encrypted; save a copy without password and ingest that")
        len(reader.pages)
    except ValueError as error:
        if "encrypted" in str(error):
            raise
        raise ValueError(f"the file is damaged ({error}); get a complete copy") from error
    except DependencyError as error:
        raise ValueError(
            "it is encrypted with AES, which needs the package 'cryptography': install it, or save "
            "a copy without encryption"
        ) from error
    except (PyPdfError, OSError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"the file is damaged ({error}); get a complete copy") from error
    if not len(reader.pages):
        raise ValueError("the file is damaged (it has no pages); get a complete copy")
    return reader


def _pages(reader: PdfReader) -> tuple[list[tuple[str, list[Line]]], list[int]]:
    """Return the text of each page and its lines as they are set, and the numbers of broken pages."""
    read: list[tuple[str, list[Line]]] = []
    broken = []
    for number, page in enumerate(reader.pages, 1):
        try:
            read.append(lines_of(page))
        except Exception:  # whatever a damaged page makes the parser raise, the others are read
            read.append(("", []))
            broken.append(number)
    return read, broken


def _properties(reader: PdfReader) -> tuple[dict[str, MetadataValue], str]:
    try:
        found = reader.metadata
        if found is None:
            return {}, ""
        values = {"author": one_line(str(found.author or ""))}
        if found.creation_date:
            values["created"] = found.creation_date.date().isoformat()
        return {k: v for k, v in values.items() if v}, one_line(str(found.title or ""))
    except Exception:  # damaged properties do not matter
        return {}, ""


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the parser's own log lines off the user's screen; what matters is said as a warning."""
    log = logging.getLogger("pypdf")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)
