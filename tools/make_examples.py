#!/usr/bin/env python3
"""Build and check the example knowledge base in ``examples/``.

The Markdown, text, HTML, CSV and JSONL documents are edited by hand and live in
``examples/knowledge`` already. The binary documents (PDF, DOCX, PPTX, XLSX) are written by this
script from small text files in ``tools/examples_src``, so that a reader can see how they came
about and a second run gives the same bytes.

The source files use a handful of Markdown marks: ``# title``, ``## heading``, ``- bullet``,
``| table | row |``, ``Note: speaker note`` and ``---`` for a new page or slide.

    python tools/make_examples.py           # write the binary documents (needs fpdf2)
    python tools/make_examples.py --check   # verify examples/questions.json against the documents
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import json
import re
import sys
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from reshape_corpus import lines_of

ROOT = Path(__file__).resolve().parent.parent
SOURCES = Path(__file__).resolve().parent / "examples_src"
EXAMPLES = ROOT / "examples"
KNOWLEDGE = EXAMPLES / "knowledge"
QUESTIONS = EXAMPLES / "questions.json"

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

EXPECTED_TYPES = {
    "single_hop": 10,
    "two_hop": 8,
    "three_hop": 5,
    "table_lookup": 6,
    "aggregate": 5,
    "row_then_passage": 5,
    "unanswerable": 5,
}

# How the answer to each aggregate question is computed from its table. "where" keeps the rows
# whose cells equal the given values; "column" is the number or date to look at; "give" is the
# column to answer with ("max" and "min" only).
COMPUTE: dict[str, dict[str, Any]] = {
    "q30": {"table": "tables/ships.csv", "op": "count", "where": {"built_at": "Dundee"}},
    "q31": {"table": "tables/ships.csv", "op": "max", "column": "length_m", "give": "ship"},
    "q32": {
        "table": "tables/expeditions.csv",
        "op": "sum",
        "column": "winters",
        "where": {"flag": "Norway"},
    },
    "q33": {
        "table": "tables/ships.csv",
        "op": "mean",
        "column": "length_m",
        "where": {"built_at": "Dundee"},
    },
    "q34": {"table": "tables/explorers.csv", "op": "min", "column": "born", "give": "name"},
}

# For the questions that start from a table row: the row's condition, and the cell it must give.
ROWS: dict[str, dict[str, Any]] = {
    "q35": {"table": "tables/ships.csv", "op": "min", "column": "length_m", "cell": "Gjøa"},
    "q36": {"table": "tables/expeditions.csv", "op": "max", "column": "winters", "cell": "Maud"},
    "q37": {"table": "tables/expeditions.csv", "where": {"flag": "Belgium"}, "cell": "Belgica"},
    "q38": {
        "table": "tables/explorers.csv",
        "where": {"birthplace": "Akaroa"},
        "cell": "Frank Worsley",
    },
    "q39": {"table": "tables/ships.csv", "where": {"fate": "burned"}, "cell": "Scotia"},
}


# --- reading the sources -------------------------------------------------------------------


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


# --- writing the binary documents ----------------------------------------------------------


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


# --- checking the questions ----------------------------------------------------------------


class TextOf(HTMLParser):
    """Collect the text of an HTML page."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        """Keep one run of text."""
        self.parts.append(data)


def read_text(reference: str) -> str:
    """Return the text of a supporting document, given its path below ``examples/knowledge``."""
    name, _, anchor = reference.partition("#")
    path = KNOWLEDGE / name
    match path.suffix:
        case ".pdf":
            import pypdf

            text = "\n".join(page.extract_text() for page in pypdf.PdfReader(path).pages)
        case ".docx":
            import docx

            document = docx.Document(str(path))
            parts = [paragraph.text for paragraph in document.paragraphs]
            parts += [cell.text for t in document.tables for row in t.rows for cell in row.cells]
            text = "\n".join(parts)
        case ".pptx":
            import pptx

            parts = []
            for slide in pptx.Presentation(str(path)).slides:
                parts += [shape.text for shape in slide.shapes if shape.has_text_frame]
                if slide.has_notes_slide:
                    parts.append(slide.notes_slide.notes_text_frame.text)
            text = "\n".join(parts)
        case ".xlsx":
            import openpyxl

            book = openpyxl.load_workbook(path, data_only=True)
            rows = [row for sheet in book for row in sheet.iter_rows(values_only=True)]
            text = "\n".join(", ".join(str(cell) for cell in row) for row in rows)
        case ".html":
            page = TextOf()
            page.feed(path.read_text(encoding="utf-8"))
            text = " ".join(page.parts)
        case ".jsonl":
            documents = {document["id"]: document for document in lines_of(path)}
            text = documents[anchor]["title"] + "\n" + documents[anchor]["text"]
        case _:
            text = path.read_text(encoding="utf-8").replace("*", "")
    return " ".join(text.split())


def select(rule: dict[str, Any]) -> list[dict[str, str]]:
    """Return the table rows that a rule keeps."""
    with (KNOWLEDGE / rule["table"]).open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    where: dict[str, str] = rule.get("where", {})
    rows = [row for row in rows if all(row[name] == value for name, value in where.items())]
    if rule.get("column"):
        rows = [row for row in rows if row[rule["column"]]]
    return rows


def extreme(rule: dict[str, Any]) -> dict[str, str]:
    """Return the one row with the largest or smallest value; ties are an error."""

    def key(row: dict[str, str]) -> Any:
        return typed(row[rule["column"]])

    rows = sorted(select(rule), key=key, reverse=rule["op"] == "max")
    if key(rows[0]) == key(rows[1]):
        raise ValueError(f"a tie in {rule}")
    return rows[0]


def compute(rule: dict[str, Any]) -> str:
    """Compute the answer to an aggregate question."""
    rows = select(rule)
    match rule["op"]:
        case "count":
            return str(len(rows))
        case "sum":
            return f"{sum(float(row[rule['column']]) for row in rows):g}"
        case "mean":
            return f"{sum(float(row[rule['column']]) for row in rows) / len(rows):.2f}"
        case _:
            return extreme(rule)[rule["give"]]


def check_row(rule: dict[str, Any]) -> bool:
    """Tell whether a row question's condition picks exactly one row, with the expected cell."""
    rows = [extreme(rule)] if "op" in rule else select(rule)
    return len(rows) == 1 and rule["cell"] in rows[0].values()


def check_question(question: dict[str, Any]) -> list[str]:
    """Return what is wrong with one question."""
    kind, answers = question["type"], question["answers"]
    supporting = question["supporting"]
    if kind == "unanswerable":
        return ["an unanswerable question has answers or support"] if answers or supporting else []
    problems = [f"no such document: {s}" for s in supporting if not exists(s)]
    if problems:
        return problems
    if not answers or not supporting:
        return ["no answer or no supporting document"]
    if kind == "aggregate":
        value = compute(COMPUTE[question["id"]])
        if value not in answers:
            problems.append(f"the table gives {value!r}")
    else:
        texts = [read_text(reference).casefold() for reference in supporting]
        texts = texts[-1:]  # the last document of a chain must hold the answer
        if not any(answer.casefold() in text for answer in answers for text in texts):
            problems.append("no answer string in the supporting documents")
    if kind in ("two_hop", "three_hop", "row_then_passage"):
        hops = 3 if kind == "three_hop" else 2
        if len(supporting) != hops:
            problems.append(f"{hops} supporting documents expected")
    if kind == "row_then_passage" and not check_row(ROWS[question["id"]]):
        problems.append("the row condition does not pick the expected row")
    return problems


def exists(reference: str) -> bool:
    """Tell whether a supporting reference names a document."""
    name, _, anchor = reference.partition("#")
    path = KNOWLEDGE / name
    if not path.is_file():
        return False
    if path.suffix != ".jsonl":
        return not anchor
    return anchor in {document["id"] for document in lines_of(path)}


def check() -> int:
    """Check all questions and the size of the documents; return the number of problems."""
    questions = json.loads(QUESTIONS.read_text(encoding="utf-8"))
    problems: list[str] = []
    for question in questions:
        problems += [f"{question['id']}: {problem}" for problem in check_question(question)]
    counts = Counter(question["type"] for question in questions)
    if counts != EXPECTED_TYPES:
        problems.append(f"types: {dict(counts)}")
    if len({question["id"] for question in questions}) != len(questions):
        problems.append("question ids are not unique")
    files = [path for path in KNOWLEDGE.rglob("*") if path.is_file()]
    problems += [f"{path.name} is over 100 KB" for path in files if path.stat().st_size > 100_000]
    if sum(path.stat().st_size for path in files) > 1_000_000:
        problems.append("the knowledge base is over 1 MB")
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(files)} files, {len(questions)} questions, {len(problems)} problems")
    return len(problems)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Build or check the example knowledge base.")
    parser.add_argument("--check", action="store_true", help="check the questions, write nothing")
    if parser.parse_args().check:
        return 1 if check() else 0
    build()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
