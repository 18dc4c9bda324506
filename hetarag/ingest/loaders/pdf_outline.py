"""The outline of a PDF ("bookmarks"), and the lines of a page that are its headings."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from hetarag.ingest.cleaning import one_line
from hetarag.text import name_key

if TYPE_CHECKING:
    from pypdf import PdfReader

_MOST = 10_000
"""Entries that are read: a hostile outline has no end, or joins its branches again and again."""
DEEPEST = 6
"""Level of a heading; entries below count as of this one."""
HEADING_LINES = 3
_NUMBER = re.compile(r"^(?:\d+ )+")


class Bookmark(NamedTuple):
    """An entry of the outline; level 1 is the outermost."""

    level: int
    title: str


class Lines(NamedTuple):
    """A heading of a page: its level and how many lines it takes."""

    level: int
    lines: int


def bookmarks(reader: PdfReader) -> dict[int, list[Bookmark]]:
    """Return the entries of the outline by page, from 1, in their order.

    Entries that are damaged or lead to no page are left out. Walked here and not by pypdf, which
    gives up all of an outline for one bad entry and takes long over some.
    """
    found: dict[int, list[Bookmark]] = defaultdict(list)
    targets = _Targets(reader)
    with suppress(Exception):  # whatever a damaged one makes the parser raise: the text is there
        for node, level in _entries(reader):
            title = one_line(str(node.get("/Title") or ""))
            page = targets.page(node)
            if page is not None and title:
                found[page].append(Bookmark(min(level, DEEPEST), title))
    return found


def heading_lines(
    marks: Sequence[Bookmark], lines: Sequence[str], set_off: Collection[int] = ()
) -> dict[int, Lines]:
    """Return the headings that `marks` name among the lines of their page, by their first line.

    A heading's number may be in its bookmark or on the page alone, but not differ. Where words stand on
    the page more than once, lines that are `set_off` are taken first, and its first line is taken last: it
    is a running head most of the time.
    """
    found: dict[int, Lines] = {}
    if not marks:
        return found
    whole: dict[str, list[range]] = defaultdict(list)
    numbered: dict[str, list[range]] = defaultdict(list)
    for count in range(1, HEADING_LINES + 1):
        for start in range(len(lines) - count + 1):
            if all(lines[start : start + count]):
                key = name_key(" ".join(lines[start : start + count]))
                whole[key].append(range(start, start + count))
                if (bare := _bare(key)) != key:
                    numbered[bare].append(range(start, start + count))
    first = next((at for at, line in enumerate(lines) if line), 0)
    for spans in (*whole.values(), *numbered.values()):  # the best one last
        spans.sort(
            key=lambda span: (
                span.start not in set_off,
                span.start == first,
                span.start,
                len(span),
            ),
            reverse=True,
        )
    taken: set[int] = set()

    def free(spans: list[range]) -> range | None:
        """Return the best span that is free; what is taken stays so, and is looked at once."""
        while spans:
            if taken.isdisjoint(span := spans.pop()):
                return span
        return None

    # The longest first: the end of one may be all of another.
    for level, title in sorted(marks, key=lambda mark: -len(mark.title)):
        key = name_key(title)
        bare = _bare(key)
        if not any(sign.isalpha() for sign in bare):
            continue
        span = free(whole[key]) or free(whole[bare] if bare != key else numbered[bare])
        if span:
            taken.update(span)
            found[span.start] = Lines(level, len(span))
    return found


def bare_key(title: str) -> str:
    """Return the key of a title without the number before it."""
    return _bare(name_key(title))


def _bare(key: str) -> str:
    return _NUMBER.sub("", key)


def _entries(reader: PdfReader) -> Iterator[tuple[Any, int]]:
    """Yield the entries in their order with their levels, each once."""
    waiting = [(_child(reader.root_object.get("/Outlines"), "/First"), 1)]
    seen: set[object] = set()
    while waiting and len(seen) < _MOST:
        raw, level = waiting.pop()
        reference = getattr(raw, "idnum", None) or id(raw)
        if raw is None or reference in seen:
            continue
        seen.add(reference)
        node = raw.get_object()
        if isinstance(node, dict):
            waiting += [(_child(node, "/Next"), level), (_child(node, "/First"), level + 1)]
            yield node, level


def _child(node: Any, name: str) -> Any:
    """Return an entry as it stands there: a reference tells what was seen before."""
    node = None if node is None else node.get_object()
    return node.raw_get(name) if hasattr(node, "raw_get") and name in node else None


class _Targets:
    """To which page, from 1, an entry leads."""

    def __init__(self, reader: PdfReader) -> None:
        self._reader = reader

    @cached_property
    def _numbers(self) -> dict[int, int]:
        """The pages by the numbers of their objects."""
        references = [page.indirect_reference for page in self._reader.pages]
        return {r.idnum: n for n, r in enumerate(references, 1) if r is not None}

    @cached_property
    def _named(self) -> Mapping[Any, Any]:
        try:
            return self._reader.named_destinations
        except Exception:  # damaged, or more than pypdf reads: not to be tried for each entry
            return {}

    def page(self, node: Any) -> int | None:
        """Return the page; None where the entry leads to none or is damaged."""
        numbers = self._numbers
        try:
            target: Any = node.get("/Dest")
            if target is None and node["/A"]["/S"] == "/GoTo":
                target = node["/A"]["/D"]
            target = target.get_object()
            page = self._named[target].page if isinstance(target, str | bytes) else target[0]
            if isinstance(page, int):  # the number of a page, from 0, as some programs write it
                return page + 1 if 0 <= page < len(self._reader.pages) else None
            return numbers.get(page.idnum)
        except Exception:  # whatever a damaged entry makes the parser raise, the others are read
            return None
