"""Word documents: paragraphs, headings and lists as text, tables as tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hetarag.ingest.cleaning import clean, one_line
from hetarag.ingest.loaders.archives import open_office
from hetarag.ingest.loaders.headings import Outline
from hetarag.ingest.loaders.office import office_properties
from hetarag.ingest.loaders.parsed import Parsed
from hetarag.ingest.tables.tables import build_table
from hetarag.types import Table

if TYPE_CHECKING:
    from docx.table import Table as WordTable
    from docx.text.paragraph import Paragraph

_CAPTION = re.compile(r"Table\b|Tab\.", re.IGNORECASE)


def parse(data: bytes) -> Parsed:
    """Read the body of a Word document; headers, footers and text boxes are left out.

    Raises:
        ValueError: the file is damaged or not a Word document.
    """
    import docx
    from docx.table import Table as WordTable

    file = open_office(data)
    try:
        word = docx.Document(file)
        blocks = list(word.iter_inner_content())
    except Exception as error:  # the parser raises whatever it stumbles over
        raise ValueError(f"the file is damaged ({error}); save it again in its program") from error
    builder = _Builder()
    for block in blocks:
        if isinstance(block, WordTable):
            builder.table(block)
        else:
            builder.paragraph(block)
    properties = office_properties(word.core_properties)
    title = properties.title or builder.first_heading
    text, headings = builder.outline.text()
    return Parsed(
        text,
        title,
        tables=tuple(builder.tables),
        metadata=properties.metadata,
        warnings=tuple(builder.warnings),
        headings=headings,
    )


class _Builder:
    """Collects the text and tables of one document in their order."""

    def __init__(self) -> None:
        self.tables: list[Table] = []
        self.warnings: list[str] = []
        self.first_heading = ""
        self._heading = ""
        self._in_list = False
        self.outline = Outline()

    def paragraph(self, block: Paragraph) -> None:
        """Take in a paragraph, heading or list item."""
        text = clean(block.text)
        if not text:
            return
        style = (block.style.name or "") if block.style is not None else ""
        listed = style.startswith("List")
        is_heading = style.startswith(("Heading", "Title"))
        if is_heading:
            number = style.removeprefix("Heading ")[:2]
            self.outline.begin(1 + int(number) if number.isdecimal() else 1)  # "Title" is above all
            self._heading = one_line(text)
            self.first_heading = self.first_heading or self._heading
        elif style == "Caption" or _CAPTION.match(text):
            self._heading = one_line(text)[:120]
        self._add(f"- {text}" if listed else text, "\n" if listed and self._in_list else "\n\n")
        if is_heading:
            self.outline.end()
        self._in_list = listed

    def table(self, block: WordTable) -> None:
        """Take in a table; one of a single row or column is only a frame around text."""
        self._in_list = False
        rows = [[clean(cell.text) for cell in row.cells] for row in block.rows]
        if max(map(len, rows), default=0) < 2 or len(rows) < 2:
            for row in rows:
                self._add("\n\n".join(dict.fromkeys(cell for cell in row if cell)), "\n\n")
            return
        if built := build_table(self._heading, rows):
            self.tables.append(built.table)
            self.warnings.extend(built.warnings)

    def _add(self, text: str, separator: str) -> None:
        if text:
            self.outline.parts += [separator, text]
