"""Headings of a PDF that its type tells: sizes, weights, running heads, tables of contents, damage."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from pypdf import PdfWriter
from pypdf.generic import DictionaryObject, NameObject, NumberObject, StreamObject

from hetarag.ingest.loaders.pdf_type import Line, Style, bookmarks_by_type
from hetarag.types import Document
from tests.ingest.conftest import Outcome
from tests.ingest.loaders.test_pdf import LONG, saved

Read = Callable[[str, "str | bytes"], Outcome]
Set = tuple[str, float, str]  # words, size, font
TEXT = [(LONG, 10.0, "Regular")] * 6
FONTS = {"Regular": "/Helvetica", "Bold": "/ABCDEF+Helvetica-Bold", "TeX": "/XYZABC+CMBX10"}


def typeset(*pages: Sequence[Set], scaled: bool = False, fonts: bool = True) -> PdfWriter:
    """Return a PDF with each line in its size and font; `scaled` has the size in the matrix alone."""
    writer = PdfWriter()
    named = {
        NameObject(f"/{name}"): DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Font"),
                NameObject("/Subtype"): NameObject("/Type1"),
                NameObject("/BaseFont"): NameObject(base) if fonts else NumberObject(7),
            }
        )
        for name, base in FONTS.items()
    }
    for lines in pages:
        page = writer.add_blank_page(612, 792)
        resources = {NameObject("/Font"): DictionaryObject(named)}
        page[NameObject("/Resources")] = DictionaryObject(resources)
        drawn = ""
        for number, (words, size, font) in enumerate(lines):
            unit = (1, size) if scaled else (size, 1)
            place = f"{unit[1]} 0 0 {unit[1]} 50 {740 - 26 * number} Tm"
            drawn += f"BT /{font} {unit[0]} Tf {place} ({words}) Tj ET\n"
        stream = StreamObject()
        stream.set_data(drawn.encode("latin-1"))
        page[NameObject("/Contents")] = writer._add_object(stream)
    return writer


def headings(document: Document) -> list[tuple[int, str]]:
    return [(h.level, document.text[h.start : h.end]) for h in document.headings]


@pytest.mark.parametrize("scaled", [False, True])
def test_larger_and_bolder_lines_are_headings_by_their_size(read: Read, scaled: bool) -> None:
    pages = (
        [("Handbook", 20, "Regular"), *TEXT, ("Leave and", 14, "Bold"), ("notice", 14, "Bold"), *TEXT],
        [("Parental leave", 10, "Bold"), *TEXT, ("How long?", 10, "TeX"), *TEXT, ("Pay", 14, "Bold"), *TEXT],
    )  # fmt: skip
    document = read("a.pdf", saved(typeset(*pages, scaled=scaled))).document
    assert headings(document) == [
        (1, "Handbook"),
        (2, "Leave and notice"),
        (3, "Parental leave"),
        (3, "How long?"),
        (2, "Pay"),
    ]
    for _, words in headings(document):  # also where the line before it is a full one
        assert f"\n\n{words}\n\n" in f"\n\n{document.text}"


def test_bold_words_sentences_and_paragraphs_are_no_headings(read: Read) -> None:
    bold = [(f"a bold line of few words {n}a", 10, "Bold") for n in range(4)]
    lines = [
        *TEXT,
        *bold,
        *TEXT,
        ("It ends like a sentence.", 14, "Bold"),
        *TEXT,
        ("12", 14, "Bold"),
    ]
    writer = typeset(lines, TEXT)
    stream = writer.pages[1]["/Contents"]
    assert isinstance(stream, StreamObject)
    within = b"BT /Bold 10 Tf 50 20 Td (Bold) Tj /Regular 10 Tf ( is the beginning alone) Tj ET"
    stream.set_data(stream.get_data() + within)
    document = read("a.pdf", saved(writer)).document
    assert "Bold is the beginning alone" in document.text
    assert headings(document) == []


def test_running_heads_and_tables_of_contents_are_no_headings(read: Read) -> None:
    def page(number: int, *lines: Set) -> list[Set]:
        return [(f"{number} Handbook", 14, "Bold"), *lines, *TEXT, ("For internal use", 14, "Bold")]

    contents = [
        ("Contents", 14, "Bold"), *TEXT[:1], ("Leave 2", 14, "Bold"), *TEXT[:1],
        ("Annex . . . . . 9", 14, "Bold"), *TEXT,
    ]  # fmt: skip
    chapters = [
        page(n, (words, 14, "Bold")) for n, words in ((2, "Leave"), (3, "Pay"), (4, "Sick"))
    ]
    document = read("a.pdf", saved(typeset(contents, *chapters))).document
    assert headings(document) == [(1, "Contents"), (1, "Leave"), (1, "Pay"), (1, "Sick")]


def test_the_outline_comes_first(read: Read) -> None:
    page = [
        ("1 Leave", 14, "Bold"),
        *TEXT,
        ("Notice", 12, "Bold"),
        *TEXT,
        ("Sick", 10, "Bold"),
        *TEXT,
    ]
    writer = typeset(page, [("Leave", 10, "Regular"), *TEXT])
    above = writer.add_outline_item(title="Leave", page_number=0)
    writer.add_outline_item(title="Notice", page_number=0, parent=above)
    found = headings(read("a.pdf", saved(writer)).document)
    assert [words for _, words in found] == ["1 Leave", "Notice", "Sick"]
    assert [level for level, _ in found][:2] == [1, 2]
    assert found[2][0] > 2


def test_where_much_stands_out_or_nothing_the_look_decides(read: Read) -> None:
    guessable = [("Notice periods", 10, "Regular"), *TEXT]
    short = ("It ends here", 10, "Regular")
    assert headings(read("a.pdf", saved(typeset([*TEXT, short, *guessable]))).document) == [
        (1, "Notice periods")
    ]
    mixed = [("Words of the text", 10, "Regular"), ("Larger words", 14, "Regular")] * 4
    assert headings(read("b.pdf", saved(typeset(mixed))).document) == []
    bold = [(LONG, 10, "Bold")] * 6
    lines = [*bold, ("Leave", 10, "Bold"), *bold, ("Pay", 14, "Regular"), *bold]
    assert headings(read("c.pdf", saved(typeset(lines))).document) == [(1, "Pay")]


def test_fonts_that_cannot_be_read_cost_no_text(read: Read) -> None:
    writer = typeset([("Leave", 14, "Bold"), *TEXT], fonts=False)
    document = read("a.pdf", saved(writer)).document
    assert LONG in document.text
    assert headings(document) == [(1, "Leave")]  # by its size, which the page itself tells


def test_levels_end_at_six_and_empty_pages_have_none() -> None:
    text = [Line(LONG, Style(10.0, False))] * 9
    sizes = [Line(f"Heading {n}", Style(30.0 - n, True)) for n in range(9)]
    lines = [line for heading in sizes for line in (heading, *text)]
    marks = bookmarks_by_type([[], lines, [Line("", Style(0.0, False))]])
    assert [mark.level for mark in marks[2]] == [1, 2, 3, 4, 5, 6, 6, 6, 6]
    assert list(marks) == [2]
    assert bookmarks_by_type([]) == bookmarks_by_type([[]]) == {}
