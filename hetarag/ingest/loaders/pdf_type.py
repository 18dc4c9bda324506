"""What the type of a PDF tells: lines set larger or bolder than its text are its headings."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from hetarag.ingest.loaders.pdf_outline import DEEPEST, HEADING_LINES, Lines, bare_key

if TYPE_CHECKING:
    from pypdf import PageObject

_LARGER = 1.1  # times the size of the text
_ONE_WAY = 0.4  # of the letters are set as the text: with fewer it has no size (a scan's, by OCR)
_MOST_OF_TEXT = 1 / 3  # of the letters: what more of them are set in tells no headings
_LONGEST = 140  # characters of a heading
_EDGE = 2  # lines at either end of a page that may be running heads
_RUNNING = 3  # pages that have them
_MOST_DRAWN = 200_000  # bytes that draw a page: with more, plots and maps take longer than the text
_SHOWS = re.compile(rb"T[jJ]|['\"]|Do\b")  # text, or a form that may
_BOLD = re.compile(
    r"bold|black|heavy|demi(?!light)|medi(?!um)|cmbx|cmssbx|sfbx|ecbx", re.IGNORECASE
)
_BEGINS = re.compile(r"""[^\W_]|["'“‘«(\[§¿¡（【《「『■◆●]""")
_ENDS = ".,;:。，、；："
_LEADER = re.compile(r"(?:\.\s?){4}|…\s?…|_{4}")  # to the number of a page, in a table of contents
_NUMBERED = re.compile(r"\d+(?:\.\d+)*\.?\s")
_PAGE_AT_END = re.compile(r"(?<!\s)\s++(\d{1,4})(\s*(?:/|of)\s*\d{1,4})?$")
_PAGE_AT_START = re.compile(r"^(\d{1,4})(?=\s|$)")


class Style(NamedTuple):
    """How a line is set: points, to the half, and whether it is bold."""

    size: float
    bold: bool


class Line(NamedTuple):
    """A line of a page; one without words has no style to speak of."""

    text: str
    style: Style


class _Block(NamedTuple):
    """Lines in a row that stand out in one way and read like a heading."""

    page: int
    first: int
    lines: Sequence[str]
    style: Style


def short_line(lines: Sequence[str]) -> float:
    """Return below how many characters a line is clearly shorter than the long ones of its page."""
    lengths = sorted(len(line) for line in lines if line)
    return 0.75 * lengths[len(lengths) * 9 // 10] if lengths else 0.0


def lines_of(page: PageObject) -> tuple[str, list[Line]]:
    """Return the text of a page and its lines as they are set.

    A page that draws a lot, or is damaged in what only the type needs, has its text and no lines.
    """
    with suppress(Exception):
        if _worth_it(page):
            return _set_lines(page)
    return page.extract_text(), []


def _set_lines(page: PageObject) -> tuple[str, list[Line]]:
    lines: list[Line] = []
    pieces: list[tuple[str, Style]] = []

    def end() -> None:
        lines.append(Line("".join(text for text, _ in pieces).strip(), _style(pieces)))
        pieces.clear()

    def visit(text: str, here: Any, matrix: Any, font: Any, size: Any) -> None:
        style = Style(0.0, False)
        with suppress(Exception):  # whatever a damaged font or matrix holds: the text is there
            name = str(font.get("/BaseFont", ""))[:_LONGEST] if font else ""
            points = abs(size) * math.sqrt(_area(here) * _area(matrix))
            style = Style(round(2 * points) / 2, bool(_BOLD.search(name)))
        first, *others = text.split("\n")
        pieces.append((first, style))
        for other in others:
            end()
            pieces.append((other, style))

    text = page.extract_text(visitor_text=visit)
    end()
    if [line.strip() for line in text.split("\n")] != [line.text for line in lines]:
        return text, []  # a form that broke half way: its lines were told and are not in the text
    return text, lines


def headings_by_type(
    pages: Sequence[Sequence[Line]], above: int = 0
) -> dict[int, dict[int, Lines]]:
    """Return the headings by page, from 1, and by their first line, from 0.

    The level is the place of their size after `above`, the largest being first; bold type of the text's size
    comes after all larger ones. Running heads are none, nor is a table of contents, nor a paragraph. Where too few of the
    letters are set in one way, or more than a third stand out, nothing does.
    """
    letters: Counter[Style] = Counter()
    for lines in pages:
        for line in lines:
            letters[line.style] += _letters(line.text)
    if not letters.total():
        return {}
    ((text, most),) = letters.most_common(1)
    out = {style for style in letters if _stands_out(style, text)}
    standing = sum(letters[style] for style in out)
    if most < _ONE_WAY * letters.total() or standing > _MOST_OF_TEXT * letters.total():
        return {}
    own = _without_running_heads(pages, text)
    found = [b for page, lines in enumerate(own, 1) for b in _blocks(page, lines, out, text)]
    last = {bare_key(" ".join(block.lines)): block.page for block in found}
    kept = [block for block in found if not _of_contents(block, last, len(pages))]
    place = {style: n for n, style in enumerate(sorted({b.style for b in kept}, reverse=True), 1)}
    headings: dict[int, dict[int, Lines]] = {}
    for block in kept:
        level = min(above + place[block.style], DEEPEST)
        headings.setdefault(block.page, {})[block.first] = Lines(level, len(block.lines))
    return headings


def _without_running_heads(pages: Sequence[Sequence[Line]], text: Style) -> list[list[Line]]:
    """Return the pages without the words that come again and again as their first or last lines."""
    heads = [
        {at: _running(page, lines[at], text) for at in _edges(lines)}
        for page, lines in enumerate(pages, 1)
    ]
    seen = Counter(key for keys in heads for key in set(keys.values()))
    return [
        [
            line._replace(text="") if at in keys and seen[keys[at]] >= _RUNNING else line
            for at, line in enumerate(lines)
        ]
        for lines, keys in zip(pages, heads, strict=True)
    ]


def _edges(lines: Sequence[Line]) -> list[int]:
    """Return where the first and last lines with words are."""
    written = [at for at, line in enumerate(lines) if line.text]
    return [*written[:_EDGE], *written[-_EDGE:]]


def _running(page: int, line: Line, text: Style) -> Line:
    """Return the line with the number at its start or end as told from the page's place in the file.

    So the heads of pages are alike. At the end of larger type a number is of "Annex 1", unless it says "1 of 4".
    """
    larger = _is_larger(line.style, text)
    words = _PAGE_AT_START.sub(lambda m: f"#{int(m[1]) - page}", line.text)
    words = _PAGE_AT_END.sub(
        lambda m: m[0] if larger and not m[2] else f" #{int(m[1]) - page}", words
    )
    return line._replace(text=words)


def _blocks(page: int, lines: Sequence[Line], out: set[Style], text: Style) -> Iterator[_Block]:
    """Yield what reads like a heading among the lines that stand out; of larger type the weight is left out."""
    short = short_line([line.text for line in lines])
    at = 0
    for (style, words), group in groupby(lines, key=lambda line: (line.style, bool(line.text))):
        same = [line.text for line in group]
        at += len(same)
        if not words or style not in out or len(same) > 2 * HEADING_LINES:
            continue
        after = lines[at].text if at < len(lines) else ""
        if len(same[-1]) >= short and after[:1].islower():
            continue  # a sentence that begins in bold and goes on
        kind = Style(max(style.size, text.size), style.size <= text.size)
        first = at - len(same)
        for part in _parts(same):
            if len(part) <= HEADING_LINES and _reads_like_a_heading(" ".join(part)):
                yield _Block(page, first, part, kind)
            first += len(part)


def _parts(lines: Sequence[str]) -> Iterator[Sequence[str]]:
    """Divide lines of one style where one begins with the number of a section."""
    begin = 0
    for at in range(1, len(lines) + 1):
        if at == len(lines) or _NUMBERED.match(lines[at]):
            yield lines[begin:at]
            begin = at


def _of_contents(block: _Block, last: Mapping[str, int], pages: int) -> bool:
    """Tell whether each line is a heading of a later page, and the number of a page."""
    for line in block.lines:
        number = _PAGE_AT_END.search(line)
        if number is None or int(number[1]) > pages:
            return False
        if last.get(bare_key(line[: number.start()]), 0) <= block.page:
            return False
    return True


def _reads_like_a_heading(words: str) -> bool:
    return (
        len(words) <= _LONGEST
        and _letters(words) > 1
        and bool(_BEGINS.match(words))
        and words[-1] not in _ENDS
        and not _LEADER.search(words)
    )


def _stands_out(style: Style, text: Style) -> bool:
    return _is_larger(style, text) or (
        style.bold and not text.bold and style.size >= text.size - 0.5
    )


def _is_larger(style: Style, text: Style) -> bool:
    return style.size >= _LARGER * text.size


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


def _worth_it(page: PageObject) -> bool:
    """Tell whether a page shows text and draws little besides.

    Told how lines are set, pypdf reads drawings that it passes over otherwise.
    """
    contents = page.get_contents()
    data = contents.get_data() if contents is not None else b""
    return bool(_SHOWS.search(data)) and _drawn(data, page, {}) <= _MOST_DRAWN


def _drawn(data: bytes, place: Any, known: dict[int, float]) -> float:
    """Return how many bytes draw a page or form, its forms as often as they are drawn."""
    total: float = len(data)
    resources = place.get("/Resources")
    objects = resources and resources.get_object().get("/XObject")
    for name, reference in objects.get_object().items() if objects else ():
        times = data.count(name.encode())
        form: Any = reference.get_object() if times else None
        if not hasattr(form, "get_data") or form.get("/Subtype") != "/Form":
            continue
        if id(form) not in known:
            known[id(form)] = math.inf  # while it is read: it draws itself
            known[id(form)] = _drawn(form.get_data(), form, known)
        total += times * known[id(form)]
    return total


def _area(matrix: Sequence[float]) -> float:
    return abs(matrix[0] * matrix[3] - matrix[1] * matrix[2])


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text))
