"""What the type of a PDF tells: lines set larger or bolder than its text are its headings."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from hetarag.ingest.loaders.pdf_outline import DEEPEST, HEADING_LINES, Bookmark
from hetarag.text import name_key

if TYPE_CHECKING:
    from pypdf import PageObject

_LARGER = 1.1  # times the size of the text
_MOST_OF_TEXT = 1 / 3  # of the letters: what more of them are set in tells no headings
_LONGEST = 140  # characters of a heading
_EDGE = 2  # lines at either end of a page that may be running heads
_RUNNING = 3  # pages that have them
_BOLD = re.compile(r"bold|black|heavy|demi|cmbx|cmssbx|sfbx|ecbx", re.IGNORECASE)
_BEGINS = re.compile(r"""[^\W_]|["'“‘«(\[§¿¡]""")
_LEADER = re.compile(r"(?:\.\s?){4}|…\s?…|_{4}")  # to the number of a page, in a table of contents
_PAGE = re.compile(r"\s+\d{1,4}$")
_PAGE_AT_EITHER_END = re.compile(rf"^\d{{1,4}}(?=\s|$)|{_PAGE.pattern}")


class Style(NamedTuple):
    """How a line is set: points, to the half, and whether it is bold."""

    size: float
    bold: bool


class Line(NamedTuple):
    """A line of a page; one without words has no style to speak of."""

    text: str
    style: Style


class _Block(NamedTuple):
    """Lines in a row that stand out in one way."""

    page: int
    style: Style
    text: str


def lines_of(page: PageObject) -> tuple[str, list[Line]]:
    """Return the text of a page and its lines as they are set."""
    lines: list[Line] = []
    pieces: list[tuple[str, Style]] = []

    def end() -> None:
        lines.append(Line("".join(text for text, _ in pieces).strip(), _style(pieces)))
        pieces.clear()

    def visit(text: str, here: Any, matrix: Any, font: Any, size: Any) -> None:
        style = Style(0.0, False)
        with suppress(Exception):  # whatever a damaged font or matrix holds: the text is there
            area = _area(here) * _area(matrix)
            name = str(font["/BaseFont"]) if font else ""
            style = Style(round(2 * abs(size) * math.sqrt(area)) / 2, bool(_BOLD.search(name)))
        first, *others = text.split("\n")
        pieces.append((first, style))
        for other in others:
            end()
            pieces.append((other, style))

    text = page.extract_text(visitor_text=visit)
    end()
    return text, lines


def bookmarks_by_type(pages: Sequence[Sequence[Line]]) -> dict[int, list[Bookmark]]:
    """Return the headings by page, from 1; the level is the place of their size, the largest being 1.

    Bold type of the text's size comes after all larger ones. Running heads are none, nor is a table of
    contents, nor a paragraph. Where more than a third of the letters stand out, nothing does.
    """
    letters: Counter[Style] = Counter()
    for lines in pages:
        for line in lines:
            letters[line.style] += _letters(line.text)
    total = letters.total()
    if not total:
        return {}
    text = letters.most_common(1)[0][0]
    out = {style for style in letters if _stands_out(style, text)}
    if sum(letters[style] for style in out) > _MOST_OF_TEXT * total:
        return {}
    often = _often(pages)
    own = [_without_running_heads(lines, often) for lines in pages]
    found = [b for n, lines in enumerate(own, 1) for b in _blocks(n, lines, out, text)]
    words = {name_key(block.text) for block in found}
    kept = [
        block
        for block in found
        if (bare := _PAGE.sub("", block.text)) == block.text or name_key(bare) not in words
    ]
    place = {style: n for n, style in enumerate(sorted({b.style for b in kept}, reverse=True), 1)}
    marks: dict[int, list[Bookmark]] = defaultdict(list)
    for block in kept:
        marks[block.page].append(Bookmark(min(place[block.style], DEEPEST), block.text))
    return marks


def _often(pages: Sequence[Sequence[Line]]) -> set[Line]:
    """Return what comes again and again as the first or last lines of pages, numbers aside."""
    seen = Counter(key for lines in pages for key in {_plain(lines[at]) for at in _edges(lines)})
    return {key for key, count in seen.items() if count >= _RUNNING}


def _without_running_heads(lines: Sequence[Line], often: set[Line]) -> list[Line]:
    heads = {at for at in _edges(lines) if _plain(lines[at]) in often}
    return [line._replace(text="") if at in heads else line for at, line in enumerate(lines)]


def _edges(lines: Sequence[Line]) -> list[int]:
    """Return where the first and last lines with words are."""
    written = [at for at, line in enumerate(lines) if line.text]
    return [*written[:_EDGE], *written[-_EDGE:]]


def _plain(line: Line) -> Line:
    return line._replace(text=_PAGE_AT_EITHER_END.sub("", line.text))


def _blocks(page: int, lines: Sequence[Line], out: set[Style], text: Style) -> Iterator[_Block]:
    """Yield what reads like a heading among the lines that stand out; of larger type the weight is left out."""
    for (style, words), group in groupby(lines, key=lambda line: (line.style, bool(line.text))):
        same = list(group)
        if words and style in out and len(same) <= HEADING_LINES:
            heading = " ".join(line.text for line in same)
            if _reads_like_a_heading(heading):
                kind = Style(max(style.size, text.size), style.size <= text.size)
                yield _Block(page, kind, heading)


def _reads_like_a_heading(words: str) -> bool:
    return (
        len(words) <= _LONGEST
        and _letters(words) > 1
        and bool(_BEGINS.match(words))
        and words[-1] not in ".,;。，、"
        and not _LEADER.search(words)
    )


def _stands_out(style: Style, text: Style) -> bool:
    larger = style.size >= _LARGER * text.size
    return larger or (style.bold and not text.bold and style.size >= text.size - 0.5)


def _style(pieces: Sequence[tuple[str, Style]]) -> Style:
    """Return how a line is set: by the most of its letters, bold where nearly all of them are."""
    sizes: Counter[float] = Counter()
    bold = 0
    for text, style in pieces:
        count = len(text) - text.count(" ")
        sizes[style.size] += count
        bold += count * style.bold
    total = sizes.total()
    return Style(sizes.most_common(1)[0][0], bold >= 0.9 * total) if total else Style(0.0, False)


def _area(matrix: Sequence[float]) -> float:
    return abs(matrix[0] * matrix[3] - matrix[1] * matrix[2])


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text))
