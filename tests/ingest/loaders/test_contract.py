"""The contract of loaders, on every format of the table."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import docx
import openpyxl
import pptx
import pytest

from hetarag.ingest.loaders import formats
from hetarag.ingest.loaders.formats import LOADERS, Format
from hetarag.ingest.loaders.jsonl import read_lines
from hetarag.ingest.loaders.parsed import Parsed
from hetarag.testing.loader_contract import LoaderContract, LoaderUnderTest, Sample
from tests.ingest.conftest import make_pdf

MARKDOWN = """---
title: The Fram
year: 1892
---
# The Fram

She was designed by *Colin Archer*.

| Ship | Yard |
|------|------|
| Fram | Larvik |
"""
HTML = """<html><head><title>The Fram</title></head><body><h1>The Fram</h1><p>Designed by Archer.
<table><tr><th>Ship</th><th>Yard</th></tr><tr><td>Fram</td><td>Larvik</td></tr></table></body></html>
"""


def saved(document: object) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)  # type: ignore[attr-defined]
    return buffer.getvalue()


def word() -> bytes:
    document = docx.Document()
    document.add_heading("The Fram", 1)
    document.add_paragraph("Designed by Archer.")
    document.add_table(rows=2, cols=2).cell(1, 1).text = "Larvik"
    return saved(document)


def slides() -> bytes:
    presentation = pptx.Presentation()
    for title in ("The Fram", "The Gauss"):
        slide = presentation.slides.add_slide(presentation.slide_layouts[5])
        slide.shapes.title.text = title
    return saved(presentation)


def workbook() -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (("Ship", "Length"), ("Fram", 39), ("Gauss", 46)):
        book.active.append(row)
    return saved(book)


SAMPLES: dict[str, Callable[[], list[Sample]]] = {
    "markdown": lambda: [Sample(MARKDOWN.encode(), ("Colin Archer", "Larvik"))],
    "plain": lambda: [
        Sample("The Fram\n\nBuilt in Larvik, für Nansen.".encode(), ("für Nansen",)),
        Sample("Zoë “naïve”".encode("utf-16"), ("Zoë",)),
    ],
    "html": lambda: [Sample(HTML.encode(), ("Designed by Archer.", "Larvik"))],
    "pdf": lambda: [Sample(make_pdf("The Fram", "Built in Larvik"), ("The Fram", "Larvik"))],
    "docx": lambda: [Sample(word(), ("Designed by Archer.",))],
    "pptx": lambda: [Sample(slides(), ("The Fram", "The Gauss"))],
    "xlsx": lambda: [Sample(workbook(), ("Ship", "Gauss", "46"))],
    "csv": lambda: [
        Sample(b"ship,length\nFram,39\nGauss,46\n", ("Fram", "46")),
        Sample("Schiff;Länge\nFram;39,5\n".encode("cp1252"), ("Fram",)),
    ],
    "jsonl": lambda: [
        Sample(b'{"id": "1", "title": "Fram", "text": "By Archer."}\n{"text": "Two"}', ("Archer",))
    ],
}


def format_of(name: str) -> Format:
    loaded: Format = LOADERS.load(name)
    return loaded


def reading_lines(folder: Path) -> Callable[[bytes], list[Parsed]]:
    """JSON Lines are read from a file, a document for each line."""

    def read(data: bytes) -> list[Parsed]:
        path = folder / "lines.jsonl"
        path.write_bytes(data)
        lines = list(read_lines(path))
        problems = [line.problem for line in lines if line.problem]
        assert all(len(problem) > 10 for problem in problems)
        if len(problems) == len(lines):
            raise ValueError("; ".join(problems) or "there is no line")
        return [line.parsed for line in lines if not line.problem]

    return read


class TestEveryLoader(LoaderContract):
    @pytest.fixture(params=[n for n in LOADERS.names() if n not in LOADERS.declared()])
    def loader_under_test(self, request: pytest.FixtureRequest, tmp_path: Path) -> LoaderUnderTest:
        name = request.param
        assert name in SAMPLES, "a new format needs a sample here"
        read = reading_lines(tmp_path) if name == "jsonl" else None
        return LoaderUnderTest(format_of(name), SAMPLES[name](), read)


def test_no_format_is_left_out() -> None:
    own = [name for name in LOADERS.names() if name not in LOADERS.declared()]
    assert own == [known.name for known in formats._OWN]
    assert set(own) == set(SAMPLES)
