"""The documents of the example knowledge base that are no text: written from small text files.

The source files use a handful of Markdown marks: ``# title``, ``## heading``, ``- bullet``,
``| table | row |``, ``Note: speaker note`` and ``---`` for a new page or slide.
"""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SOURCES = Path(__file__).resolve().parent / "examples_src"
KNOWLEDGE = ROOT / "examples" / "knowledge"

AUTHOR = "The hetarag authors"
WHEN = dt.datetime(2025, 1, 1, 12, 0, 0)

# Every binary document, with the source file it is written from.
OUTPUTS = {
    "reports/fram-drift.pdf": "fram-drift.md",
    "reports/imperial-trans-antarctic.pdf": "imperial-trans-antarctic.md",
    "reports/race-to-the-south-pole.docx": "race-to-the-south-pole.md",
    "reports/ross-sea-party.docx": "ross-sea-party.md",
    "slides/heroic-age.pptx": "heroic-age.md",
    "slides/franklin-search.pptx": "franklin-search.md",
    "tables/farthest.xlsx": "farthest.md",
}


@dataclass
class Block:
    """One piece of a source document: a heading, paragraph, bullet, note, table or page break."""

    kind: str
    text: str = ""
    rows: list[list[str]] = field(default_factory=list)


def parse(path: Path) -> tuple[str, list[Block]]:
    """Return the title and the blocks of a source file."""
    title = ""
    blocks: list[Block] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if not text:
            continue
        if text == "---":
            blocks.append(Block("break"))
        elif text.startswith("## "):
            blocks.append(Block("heading", text[3:]))
        elif text.startswith("# "):
            title = text[2:]
        elif text.startswith("- "):
            blocks.append(Block("bullet", text[2:]))
        elif text.startswith("Note: "):
            blocks.append(Block("note", text[6:]))
        elif text.startswith("|"):
            if not blocks or blocks[-1].kind != "table":
                blocks.append(Block("table"))
            cells = [cell.strip() for cell in text.strip("|").split("|")]
            if set("".join(cells)) - set("- "):
                blocks[-1].rows.append(cells)
        else:
            blocks.append(Block("paragraph", text))
    return title, blocks


def write_pdf(title: str, blocks: list[Block], target: Path) -> None:
    """Write a PDF with one page for each part of the source."""
    # fpdf2 is only needed to write the examples, not to read them.
    from fpdf import FPDF  # type: ignore[import-untyped]

    pdf = FPDF(format="A4")
    pdf.set_creation_date(WHEN.replace(tzinfo=dt.UTC))
    pdf.set_title(title)
    pdf.set_author(AUTHOR)
    pdf.set_lang("en")
    pdf.set_margins(25, 25)
    pdf.add_page()
    pdf.set_font("Helvetica", "B", 20)
    pdf.multi_cell(0, 10, title, align="L", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(4)
    for block in blocks:
        if block.kind == "break":
            pdf.add_page()
        elif block.kind == "heading":
            pdf.set_font("Helvetica", "B", 14)
            pdf.multi_cell(0, 8, block.text, align="L", new_x="LMARGIN", new_y="NEXT")
            pdf.ln(2)
        else:
            pdf.set_font("Helvetica", "", 11)
            pdf.multi_cell(0, 6, block.text, align="L", new_x="LMARGIN", new_y="NEXT")
            pdf.ln(3)
    pdf.output(str(target))


def write_docx(title: str, blocks: list[Block], target: Path) -> None:
    """Write a Word document with headings, paragraphs and tables."""
    import docx

    document = docx.Document()
    set_properties(document.core_properties, title)
    document.add_heading(title, level=0)
    for block in blocks:
        if block.kind == "heading":
            document.add_heading(block.text, level=1)
        elif block.kind == "bullet":
            document.add_paragraph(block.text, style="List Bullet")
        elif block.kind == "table":
            table = document.add_table(rows=0, cols=len(block.rows[0]))
            table.style = "Table Grid"
            for row in block.rows:
                for cell, text in zip(table.add_row().cells, row, strict=True):
                    cell.text = text
        else:
            document.add_paragraph(block.text)
    document.save(str(target))
    fix_zip(target)


def write_pptx(title: str, blocks: list[Block], target: Path) -> None:
    """Write slides: a title slide, then one slide with bullets and notes for each part."""
    import pptx

    deck = pptx.Presentation()
    set_properties(deck.core_properties, title)
    slide = deck.slides.add_slide(deck.slide_layouts[0])
    slide.shapes.title.text = title
    body = slide.placeholders[1].text_frame
    fresh = True
    for block in blocks:
        if block.kind == "break":
            slide = deck.slides.add_slide(deck.slide_layouts[1])
            body = slide.placeholders[1].text_frame
            fresh = True
        elif block.kind == "heading":
            slide.shapes.title.text = block.text
        elif block.kind == "note":
            slide.notes_slide.notes_text_frame.text = block.text
        else:
            paragraph = body.paragraphs[0] if fresh else body.add_paragraph()
            paragraph.text = block.text
            fresh = False
    deck.save(str(target))
    fix_zip(target)


def write_xlsx(title: str, blocks: list[Block], target: Path) -> None:
    """Write a workbook with one sheet for each table, named by the heading before it."""
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    heading = title
    for block in blocks:
        if block.kind == "heading":
            heading = block.text
        elif block.kind == "table":
            sheet = book.create_sheet(heading)
            for row in block.rows:
                sheet.append([typed(cell) for cell in row])
            sheet.freeze_panes = "A2"
    book.properties.title = title
    book.properties.creator = AUTHOR
    book.properties.created = WHEN
    book.save(str(target))
    fix_zip(target)


def set_properties(properties: Any, title: str) -> None:
    """Set the core properties that Word and PowerPoint files share."""
    properties.title = title
    properties.author = AUTHOR
    properties.last_modified_by = AUTHOR
    properties.comments = ""
    properties.created = WHEN
    properties.modified = WHEN
    properties.revision = 1


def fix_zip(path: Path) -> None:
    """Rewrite an Office file with constant time stamps, so that each run gives the same bytes."""
    with zipfile.ZipFile(path) as source:
        parts = [(info.filename, source.read(info)) for info in source.infolist()]
    stamp = WHEN.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    modified = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*(</dcterms:modified>)")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in parts:
            if name == "docProps/core.xml":
                data = modified.sub(rb"\g<1>" + stamp + rb"\g<2>", data)
            info = zipfile.ZipInfo(name, date_time=WHEN.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            target.writestr(info, data)


def typed(cell: str) -> str | int | float:
    """Turn a table cell into a number where it is one."""
    if re.fullmatch(r"-?\d+", cell):
        return int(cell)
    if re.fullmatch(r"-?\d+\.\d+", cell):
        return float(cell)
    return cell


WRITERS: dict[str, Callable[[str, list[Block], Path], None]] = {
    ".pdf": write_pdf,
    ".docx": write_docx,
    ".pptx": write_pptx,
    ".xlsx": write_xlsx,
}


def build() -> None:
    """Write every binary document."""
    for name, source in OUTPUTS.items():
        target = KNOWLEDGE / name
        target.parent.mkdir(parents=True, exist_ok=True)
        title, blocks = parse(SOURCES / source)
        WRITERS[target.suffix](title, blocks, target)
        print(f"{target.relative_to(ROOT)}: {target.stat().st_size} bytes")
