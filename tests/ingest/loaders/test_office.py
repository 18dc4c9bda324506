"""Word, PowerPoint and Excel files, made by their own libraries, and damaged ones."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import docx
import openpyxl
import pptx
import pytest
from docx.enum.style import WD_STYLE_TYPE
from pptx.util import Inches

from tests.ingest.conftest import Outcome

Read = Callable[[str, "str | bytes"], Outcome]


def saved(document: object) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)  # type: ignore[attr-defined]
    return buffer.getvalue()


def word() -> bytes:
    document = docx.Document()
    document.core_properties.author = "Ann Author"
    document.core_properties.created = datetime(2024, 5, 1)
    document.add_heading("The Heading", 1)
    document.add_paragraph("First paragraph.")
    document.add_paragraph("one", style="List Bullet")
    document.add_paragraph("two", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(
        [c for r in table.rows for c in r.cells], ["k", "v", "a", "1"], strict=True
    ):
        cell.text = text
    document.add_paragraph("Last paragraph.")
    return saved(document)


def test_a_word_document(read: Read) -> None:
    found = read("a.docx", word()).document
    assert found.text == ("The Heading\n\nFirst paragraph.\n\n- one\n- two\n\nLast paragraph.")
    assert found.title == "The Heading"  # its own title property is empty
    assert dict(found.metadata) == {"author": "Ann Author", "created": "2024-05-01"}
    (table,) = found.tables
    assert (table.name, list(table.rows)) == ("The Heading", [("a", 1)])


def test_word_headings_have_their_levels_and_places(read: Read) -> None:
    document = docx.Document()
    for level, words in ((0, "The Title"), (1, "One"), (2, "Two")):
        document.add_heading(words, level)
        document.add_paragraph(f"Under {words}.")
    document.styles.add_style("Heading " + "9" * 200, WD_STYLE_TYPE.PARAGRAPH)
    document.add_paragraph("Deep", style="Heading " + "9" * 200)
    found = read("a.docx", saved(document)).document
    places = [(h.level, found.text[h.start : h.end]) for h in found.headings]
    assert places == [(1, "The Title"), (2, "One"), (3, "Two"), (100, "Deep")]


@pytest.mark.parametrize(
    "useless", ["Untitled", "Microsoft Word - report.doc", "untitled 3", ".docx"]
)
def test_titles_that_programs_make_up_are_not_used(read: Read, useless: str) -> None:
    document = docx.Document()
    document.core_properties.title = useless
    document.add_paragraph("Text.")
    assert read("good_name.docx", saved(document)).document.title == "Good name"


def test_a_presentation_has_a_page_per_slide(read: Read) -> None:
    deck = pptx.Presentation()
    for number in (1, 2):
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = f"Slide title {number}"
        slide.placeholders[1].text = "point one\npoint two"
    deck.slides[1].notes_slide.notes_text_frame.text = "Say hello."
    shape = deck.slides[0].shapes.add_table(2, 2, Inches(1), Inches(1), Inches(4), Inches(1))
    for index, text in enumerate(["k", "v", "a", "2"]):
        shape.table.cell(index // 2, index % 2).text = text
    found = read("a.pptx", saved(deck)).document
    first = "Slide title 1\n\n- point one\n- point two"
    assert [found.text[p.start : p.end] for p in found.pages] == [
        first, "Slide title 2\n\n- point one\n- point two\n\nSay hello.",
    ]  # fmt: skip
    assert [p.number for p in found.pages] == [1, 2]
    assert found.title == "Slide title 1"
    assert list(found.tables[0].rows) == [("a", 2)]


def test_a_workbook_has_a_table_per_sheet(read: Read) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Ships"
    sheet.append(["All ships of the line"])
    sheet.append([])
    sheet.append(["Name", "Launched", "Length", "Zip"])
    sheet.append(["Fram", date(1892, 10, 26), 39.5, "01234"])
    sheet.append(["Endurance", date(1912, 12, 17), 44, "98765"])
    notes = book.create_sheet("Notes")
    notes.append(["Only a remark."])
    book.create_sheet("Empty")
    found = read("a.xlsx", saved(book)).document
    (table,) = found.tables
    assert table.name == "Ships"
    assert [(c.name, c.type) for c in table.columns] == [
        ("Name", "text"), ("Launched", "date"), ("Length", "real"), ("Zip", "text"),
    ]  # fmt: skip
    assert table.rows[0] == ("Fram", date(1892, 10, 26), 39.5, "01234")
    assert [(p.number, found.text[p.start : p.end]) for p in found.pages] == [
        (1, "All ships of the line"), (2, "Only a remark."),
    ]  # fmt: skip


# ------------------------------------------------------------------------------ bad files


@pytest.mark.parametrize("name", ["a.docx", "a.pptx", "a.xlsx"])
def test_a_truncated_office_file(read: Read, name: str) -> None:
    assert "the file is damaged or cut off" in read(name, word()[:3000]).failure


def test_a_wrong_extension_is_read_as_what_it_is(read: Read) -> None:
    outcome = read("a.txt", word())
    assert outcome.document.text.startswith("The Heading")
    assert outcome.document.media_type.endswith("wordprocessingml.document")
    assert outcome.warnings == ["a.txt: its name says plain, its content is docx: read as docx"]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.docx", b"just text", "its name says DOCX but its content is something else"),
        ("a.xlsx", b"a,b\n1,2\n", "give it the right extension"),
        ("a.txt", b"\x89PNG\r\n\x1a\nrest", "its content is a PNG image"),
        ("a.docx", b"\xd0\xcf\x11\xe0rest", "an encrypted or old (before 2007) Office file"),
    ],
)
def test_contents_that_are_not_what_the_name_says(
    read: Read, name: str, data: bytes, message: str
) -> None:
    assert message in read(name, data).failure


def test_a_plain_zip_archive_is_refused(read: Read) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert (
        "a zip archive, which is not read; unpack it first"
        in read("a.docx", buffer.getvalue()).failure
    )


def repacked(data: bytes, member: str, change: Callable[[bytes], bytes]) -> bytes:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content) if name == member else content)
    return buffer.getvalue()


def test_a_zip_bomb_is_refused_before_it_is_unpacked(read: Read) -> None:
    bomb = repacked(word(), "word/document.xml", lambda _: b" " * (100 * 2**20))
    assert len(bomb) < 2**20
    assert "which looks like a zip bomb" in read("a.docx", bomb).failure


def test_xml_entities_in_an_office_file_are_refused(read: Read, tmp_path: Path) -> None:
    def with_entity(content: bytes) -> bytes:
        head, rest = content.split(b"?>", 1)
        return head + b'?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>' + rest

    attacked = repacked(word(), "word/document.xml", with_entity)
    assert "declares XML entities" in read("a.docx", attacked).failure
