"""HTML pages: visible text and data tables. Nothing is executed and nothing is fetched."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from hetarag.ingest.cleaning import one_line
from hetarag.ingest.loaders.encoding import decode
from hetarag.ingest.loaders.headings import Outline
from hetarag.ingest.loaders.parsed import Parsed
from hetarag.ingest.tables.tables import build_table
from hetarag.ingest.wordlists import word_set
from hetarag.types import MetadataValue, Table

_SKIPPED = word_set(
    "head script style noscript template nav svg math canvas iframe object embed applet audio "
    "video form button select option textarea input dialog"
)
_BLOCKS = word_set(
    "address article aside blockquote body center dd details div dl dt fieldset figcaption figure "
    "footer h1 h2 h3 h4 h5 h6 header hgroup hr html main ol p pre section summary table tbody "
    "tfoot thead tr ul"
)
_HEADINGS = frozenset(["h1", "h2", "h3", "h4", "h5", "h6"])
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset=[\"']?([\w-]{2,30})", re.IGNORECASE)
_SPACE = re.compile(r"[ \t\r\n\f]+")
_META = {
    "author": "author",
    "date": "date",
    "dcterms.created": "date",
    "article:published_time": "date",
}


def parse(data: bytes) -> Parsed:
    """Read the visible text of a page; scripts, styles, navigation and hidden parts are dropped."""
    declared = _CHARSET.search(data[:4096])
    text, warning = decode(data, declared.group(1).decode("ascii") if declared else None)
    parsed = parse_markup(text)
    warnings = (warning, *parsed.warnings) if warning else parsed.warnings
    return replace(parsed, warnings=warnings)


def parse_markup(markup: str) -> Parsed:
    """Read a page or a fragment of one."""
    from lxml import etree  # type: ignore[import-untyped]

    # An HTML parser knows no entity declarations; no_network is the default, said for clarity.
    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=True
    )
    root = etree.fromstring(markup.encode("utf-8", "replace") or b"<p></p>", parser)
    if root is None:
        return Parsed("")
    walker = _Walker()
    walker.walk(root)
    title = one_line(root.findtext(".//head/title") or "") or walker.first_heading
    text, headings = walker.outline.text()
    return Parsed(
        text,
        title,
        tables=tuple(walker.tables),
        metadata=_metadata(root),
        warnings=tuple(walker.warnings),
        headings=headings,
    )


class _Walker:
    """Walks the tree without recursion, so that deep nesting cannot exhaust the stack."""

    def __init__(self) -> None:
        self.outline = Outline()
        self.tables: list[Table] = []
        self.warnings: list[str] = []
        self.first_heading = ""
        self._heading = ""
        self._preformatted = self._in_heading = 0

    def walk(self, root: Any) -> None:
        """Collect text and tables below `root`."""
        stack: list[tuple[Any, bool]] = [(root, True)]
        while stack:
            element, entering = stack.pop()
            if not entering:
                self._leave(element)
                continue
            if not self._enter(element):
                self._tail(element)
                continue
            stack.append((element, False))
            stack.extend((child, True) for child in reversed(element))

    def _enter(self, element: Any) -> bool:
        """Take in the text before an element's children; False when they are not to be read."""
        tag = element.tag
        if not isinstance(tag, str) or tag in _SKIPPED or _is_hidden(element):
            return False
        if tag == "table" and self._data_table(element):
            self.outline.parts.append("\n\n")
            return False
        if tag in _HEADINGS:
            self._heading = one_line("".join(element.itertext()))[:120]
            self.first_heading = self.first_heading or self._heading
            if not self._in_heading:
                self.outline.begin(int(tag[1]))
            self._in_heading += 1
        if tag in _BLOCKS:
            self.outline.parts.append("\n\n")
        elif tag in ("br", "td", "th", "li"):
            self.outline.parts.append({"br": "\n", "li": "\n- "}.get(tag, " "))
        self._preformatted += tag == "pre"
        self._text(element.text)
        return True

    def _leave(self, element: Any) -> None:
        self._preformatted -= element.tag == "pre"
        if element.tag in _HEADINGS:
            self._in_heading -= 1
            if not self._in_heading:
                self.outline.end()
        if element.tag in _BLOCKS:
            self.outline.parts.append("\n\n")
        self._tail(element)

    def _tail(self, element: Any) -> None:
        self._text(element.tail)

    def _text(self, text: str | None) -> None:
        if not text:
            return
        if not self._preformatted:
            text = _SPACE.sub(" ", text)
            if text[0] == " " and (
                not self.outline.parts or self.outline.parts[-1][-1:] in ("\n", " ")
            ):
                text = text[1:]
        if text:
            self.outline.parts.append(text)

    def _data_table(self, element: Any) -> bool:
        """Take in a table of data; one with tables inside, a single row or column is layout."""
        if element.find(".//table") is not None:
            return False
        rows = [_cells(row) for row in element.iter("tr")]
        if len(rows) < 2 or max(map(len, rows)) < 2:
            return False
        caption = element.find("caption")
        name = one_line("".join(caption.itertext())) if caption is not None else self._heading
        header = True if all(c.tag == "th" for c in next(element.iter("tr"))) else None
        built = build_table(name, rows, header=header)
        if built is None:
            return False
        self.tables.append(built.table)
        self.warnings.extend(built.warnings)
        return True


def _cells(row: Any) -> list[str]:
    """Return the cells of a row; one that spans columns is repeated in each."""
    cells: list[str] = []
    for cell in row:
        if cell.tag in ("td", "th"):
            span = cell.get("colspan", "1")
            times = min(max(int(span), 1), 1000) if span.isascii() and span.isdigit() else 1
            cells += [one_line("".join(_visible(cell)))] * times
    return cells


def _visible(cell: Any) -> list[str]:
    from lxml import etree

    texts = etree.XPath(".//text()[not(ancestor::script or ancestor::style)]")(cell)
    return [str(text) for text in texts]


def _is_hidden(element: Any) -> bool:
    attributes = element.attrib
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or bool(_HIDDEN.search(attributes.get("style", "")))
    )


def _metadata(root: Any) -> dict[str, MetadataValue]:
    found: dict[str, MetadataValue] = {}
    for meta in root.iter("meta"):
        key = _META.get((meta.get("name") or meta.get("property") or "").lower())
        value = one_line(meta.get("content") or "")
        if key and value:
            found.setdefault(key, value)
    return found
