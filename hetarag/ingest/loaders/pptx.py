"""PowerPoint files: one page per slide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from hetarag.ingest.cleaning import clean, join_pages, one_line
from hetarag.ingest.loaders.archives import open_office
from hetarag.ingest.loaders.office import office_properties
from hetarag.ingest.loaders.parsed import Parsed
from hetarag.ingest.tables.tables import BuiltTable, build_table
from hetarag.types import Table

if TYPE_CHECKING:
    from pptx.slide import Slide

_MAX_DEPTH = 20  # of groups in groups


def parse(data: bytes) -> Parsed:
    """Read title, text, tables and speaker's notes of each slide.

    Raises:
        ValueError: the file is damaged or not a presentation.
    """
    from pptx import Presentation

    file = open_office(data)
    tables: list[Table] = []
    warnings: list[str] = []
    try:
        deck = Presentation(file)
        texts = [clean("\n\n".join(_slide_text(slide))) for slide in deck.slides]
        for slide in deck.slides:
            for built in _slide_tables(slide):
                tables.append(built.table)
                warnings.extend(built.warnings)
        properties = office_properties(deck.core_properties)
        title = properties.title or next(filter(None, map(_title, deck.slides)), "")
    except Exception as error:  # the parser raises whatever it stumbles over
        raise ValueError(f"the file is damaged ({error}); save it again in its program") from error
    text, pages = join_pages(texts) if any(texts) else ("", ())
    return Parsed(text, title, pages, tuple(tables), properties.metadata, tuple(warnings))


def _title(slide: Slide) -> str:
    shape = slide.shapes.title
    return one_line(shape.text_frame.text) if shape is not None else ""


def _slide_text(slide: Slide) -> Iterator[str]:
    title = slide.shapes.title
    if title is not None:
        yield clean(title.text_frame.text)
    for shape in _shapes(slide.shapes):
        if title is not None and shape.shape_id == title.shape_id:
            continue
        if shape.has_text_frame:
            paragraphs = shape.text_frame.paragraphs
            lines = [text for text in (clean(p.text) for p in paragraphs) if text]
            yield "\n".join(f"- {line}" if len(lines) > 1 else line for line in lines)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        yield clean(slide.notes_slide.notes_text_frame.text)


def _slide_tables(slide: Slide) -> Iterator[BuiltTable]:
    for shape in _shapes(slide.shapes):
        if shape.has_table:
            rows = [[cell.text for cell in row.cells] for row in shape.table.rows]
            if built := build_table(_title(slide), rows):
                yield built


def _shapes(shapes: Iterable[Any], depth: int = 0) -> Iterator[Any]:
    """Yield all shapes, those in groups included."""
    for shape in shapes:
        if hasattr(shape, "shapes"):
            if depth < _MAX_DEPTH:
                yield from _shapes(shape.shapes, depth + 1)
        else:
            yield shape
