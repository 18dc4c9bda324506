"""Markdown: text without markup, headings as lines, code kept, tables as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hetarag.ingest.cleaning import clean, one_line
from hetarag.ingest.loaders.encoding import decode
from hetarag.ingest.loaders.frontmatter import split_front_matter
from hetarag.ingest.loaders.headings import Outline
from hetarag.ingest.loaders.html import parse_markup
from hetarag.ingest.loaders.parsed import Parsed
from hetarag.ingest.tables.tables import build_table
from hetarag.types import Table

if TYPE_CHECKING:
    from markdown_it.token import Token

_LONGEST_LINE = 200_000  # beyond this a line is data, and its markup is not looked for
_LARGEST = 20_000_000


def parse(data: bytes) -> Parsed:
    """Read CommonMark with tables and front matter."""
    text, warning = decode(data)
    metadata, text, problem = split_front_matter(text.replace("\r\n", "\n"))
    warnings = [w for w in (warning, problem) if w]
    title = one_line(str(metadata.pop("title", "")))
    if len(text) > _LARGEST or max(map(len, text.split("\n"))) > _LONGEST_LINE:
        warnings.append(
            "it is too long for Markdown (a line of over 200 KB, or over 20 MB) and "
            "was read as plain text"
        )
        return Parsed(clean(text), title, metadata=metadata, warnings=tuple(warnings))
    builder = _Builder(_tokens(text))
    builder.build()
    body, headings = builder.outline.text()
    return Parsed(
        body,
        title or builder.first_heading,
        tables=tuple(builder.tables),
        metadata=metadata,
        warnings=(*warnings, *builder.warnings),
        headings=headings,
    )


def _tokens(text: str) -> list[Token]:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table").parse(text)


class _Builder:
    """Turns the parser's flat list of tokens into text and tables."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self.outline = Outline()
        self.tables: list[Table] = []
        self.warnings: list[str] = []
        self.first_heading = ""
        self._heading = ""
        self._lists: list[int] = []  # number of the next item; 0 for bullets
        self._item_begins = False
        self._rows: list[list[str]] | None = None

    def build(self) -> None:
        """Take in all tokens."""
        previous = ""
        for token in self._tokens:
            self._structure(token)
            top = token.level == 0  # neither in a list nor in a quotation
            if token.type == "heading_open" and top:
                self.outline.begin(int(token.tag[1:]))
            if token.type == "inline":
                self._inline(_plain(token), heading=previous == "heading_open")
            elif token.type in ("fence", "code_block"):
                self._block(token.content.rstrip("\n"))
            elif token.type == "html_block":
                self._html(token.content)
            if token.type == "heading_close" and top:
                self.outline.end()
            previous = token.type

    def _structure(self, token: Token) -> None:
        kind = token.type
        if kind in ("bullet_list_open", "ordered_list_open"):
            if not self._lists:
                self.outline.parts.append("\n")  # with the item's own: a blank line
            start = token.attrGet("start") if kind == "ordered_list_open" else 0
            self._lists.append(1 if start is None else int(start))
        elif kind in ("bullet_list_close", "ordered_list_close"):
            self._lists.pop()
        elif kind == "list_item_open":
            self._item_begins = True
        elif kind == "table_open":
            self._rows = []
        elif kind == "tr_open" and self._rows is not None:
            self._rows.append([])
        elif kind == "table_close" and self._rows is not None:
            rows, self._rows = self._rows, None
            if built := build_table(self._heading, rows, header=True):
                self.tables.append(built.table)
                self.warnings.extend(built.warnings)

    def _inline(self, text: str, heading: bool) -> None:
        if self._rows is not None:
            self._rows[-1].append(one_line(text))
            return
        if heading:
            self._heading = one_line(text)
            self.first_heading = self.first_heading or self._heading
        self._block(text)

    def _block(self, text: str) -> None:
        if self._item_begins and self._lists:
            number = self._lists[-1]
            self._lists[-1] += bool(number)
            indent = "  " * (len(self._lists) - 1)
            marker = f"{number}." if number else "-"
            self.outline.parts += ["\n", indent, marker, " ", text]
            self._item_begins = False
        else:
            self.outline.parts += ["\n\n", text]

    def _html(self, markup: str) -> None:
        parsed = parse_markup(markup)
        self._block(parsed.text)
        self.tables.extend(parsed.tables)


def _plain(token: Token) -> str:
    """Return the text of an inline token: its words, code and line ends, without markup."""
    parts: list[str] = []
    for child in token.children or ():
        if child.type in ("text", "code_inline", "image"):
            parts.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            parts.append(" " if child.type == "softbreak" else "\n")
        elif child.type == "html_inline" and child.content.lower().startswith("<br"):
            parts.append("\n")
    return "".join(parts)
