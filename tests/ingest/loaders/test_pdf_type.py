"""Headings of a PDF that its type tells: sizes, weights, running heads, tables of contents, damage."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    NameObject,
    NullObject,
    NumberObject,
    StreamObject,
)

from hetarag.ingest.loaders.pdf import paragraphs
from hetarag.ingest.loaders.pdf_type import Line, Style, headings_by_type, lines_of
from hetarag.types import Document
from tests.ingest.conftest import Outcome
from tests.ingest.loaders.test_pdf import LONG, saved

Read = Callable[[str, "str | bytes"], Outcome]
Set = tuple[str, float, str]  # words, size, font
TEXT = [(LONG, 10.0, "Regular")] * 6
FONTS = {"Regular": "/Helvetica", "Bold": "/ABCDEF+Helvetica-Bold", "TeX": "/XYZABC+CMBX10"}


def typeset(*pages: Sequence[Set], scaled: bool = False, fonts: bool = True) -> PdfWriter:
    """Return a PDF with each line in its size and font; `scaled` has the size in the matrix alone.

    Without `fonts` they have no names, as those that a file draws itself (Type 3).
    """
    writer = PdfWriter()
    named = {
        NameObject(f"/{name}"): DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Font"),
                NameObject("/Subtype"): NameObject("/Type1"),
                **({NameObject("/BaseFont"): NameObject(base)} if fonts else {}),
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
        ("Sick", 14, "Bold"),
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
    writer = typeset([*TEXT, ("Leave", 14, "Bold"), *TEXT], fonts=False)
    document = read("a.pdf", saved(writer)).document
    assert LONG in document.text
    assert headings(document) == [(1, "Leave")]  # by its size, which the page itself tells


def test_a_letterhead_or_a_title_alone_leaves_the_look_to_tell(read: Read) -> None:
    short = ("It ends here", 10, "Regular")
    plain = [
        line
        for words in ("Notice periods", "Sick pay")
        for line in (short, (words, 10, "Regular"), *TEXT)
    ]
    document = read("a.pdf", saved(typeset([("ACME", 24, "Regular"), *TEXT, *plain]))).document
    assert headings(document) == [(1, "ACME"), (2, "Notice periods"), (2, "Sick pay")]


def test_a_sentence_that_begins_in_bold_is_no_heading(read: Read) -> None:
    begins = (LONG.replace("A line", "Some line"), 10, "Bold")
    goes_on = ("and this is where its sentence ends.", 10, "Regular")
    lines = [("Leave", 14, "Bold"), *TEXT, begins, goes_on, *TEXT, ("Pay", 14, "Bold"), *TEXT, ("Sick", 14, "Bold"), *TEXT]  # fmt: skip
    document = read("a.pdf", saved(typeset(lines))).document
    assert [words for _, words in headings(document)] == ["Leave", "Pay", "Sick"]
    assert f"{begins[0]} {goes_on[0]}" in document.text


def test_divided_words_numbers_and_other_scripts(read: Read) -> None:
    lines = [
        ("Management of travel reim-", 14, "Bold"), ("bursement claims", 14, "Bold"), *TEXT,
        ("4 Terms of payment", 14, "Bold"), ("4.1 Invoices", 14, "Bold"), *TEXT,
        ("Name of the child:", 10, "Bold"), *TEXT,
    ]  # fmt: skip
    document = read("a.pdf", saved(typeset(lines))).document
    words = [words for _, words in headings(document)]
    assert words == [
        "Management of travel reimbursement claims",
        "4 Terms of payment",
        "4.1 Invoices",
    ]
    text = [Line(LONG, Style(10.0, False))] * 9
    for opening in ("（一）总则", "【重要】概要", "■概要", "Ωμέγα"):
        assert list(headings_by_type([[Line(opening, Style(14.0, True)), *text]])) == [1]


def test_a_heading_is_the_line_that_is_set_so(read: Read) -> None:
    table = [("Grade", 10, "Regular"), ("Pay", 10, "Regular"), ("Days", 10, "Regular")]
    lines = [
        ("Pay", 14, "Bold"),
        *TEXT,
        *table,
        *TEXT,
        ("Sick", 14, "Bold"),
        *TEXT,
        ("Trips", 14, "Bold"),
    ]
    writer = typeset(lines)
    for outlined in (False, True):
        if outlined:
            writer.add_outline_item(title="Pay", page_number=0)
        document = read("a.pdf", saved(writer)).document
        assert [document.text[h.start : h.end] for h in document.headings] == [
            "Pay",
            "Sick",
            "Trips",
        ]
        assert document.headings[0].start == 0


def test_headings_with_numbers_are_no_table_of_contents(read: Read) -> None:
    names = ("Budget", "Budget 2024", "Option", "Option 1", "Option 2")
    lines = [line for name in names for line in ((name, 14, "Bold"), *TEXT[:3])]
    later = [("Budget", 14, "Bold"), *TEXT]
    document = read("a.pdf", saved(typeset(lines, later))).document
    assert [words for _, words in headings(document)] == [*names, "Budget"]
    annexes = [[(f"Annex {n}", 14, "Bold"), *TEXT, ("Terms", 14, "Bold"), *TEXT] for n in (1, 2, 3)]
    pages = [page for annex in annexes for page in (annex, TEXT)]
    for given in (pages, annexes):  # also one a page
        found = [words for _, words in headings(read("b.pdf", saved(typeset(*given))).document)]
        assert found == ["Annex 1", "Terms", "Annex 2", "Terms", "Annex 3", "Terms"]


def test_numbers_of_pages_are_no_headings(read: Read) -> None:
    pages = [[*TEXT, (f"Page {n} of 4", 14, "Bold")] for n in (1, 2, 3, 4)]
    assert headings(read("a.pdf", saved(typeset(*pages))).document) == []


def drawn(writer: PdfWriter, data: bytes, *names: str) -> StreamObject:
    """Return a form that draws and shows what `data` says; the pages list it under `names`."""
    form = StreamObject()
    form.set_data(data)
    form[NameObject("/Type")] = NameObject("/XObject")
    form[NameObject("/Subtype")] = NameObject("/Form")
    form[NameObject("/BBox")] = ArrayObject([NumberObject(n) for n in (0, 0, 612, 792)])
    reference = writer._add_object(form)
    for page in writer.pages:
        forms = cast("Any", page["/Resources"]).setdefault(
            NameObject("/XObject"), DictionaryObject()
        )
        for name in names:
            forms[NameObject(name)] = reference
    return form


def shows(writer: PdfWriter, page: int, data: bytes) -> None:
    stream = cast("Any", writer.pages[page])["/Contents"]
    stream.set_data(data + stream.get_data())


STROKES = b"10 10 m 20 20 l S "


def test_pages_that_draw_a_lot_have_their_text_alone(read: Read) -> None:
    lines = [("Leave", 14, "Bold"), *TEXT]

    def told(writer: PdfWriter) -> list[bool]:
        reader = PdfReader(io.BytesIO(saved(writer)))
        found = [lines_of(page) for page in reader.pages]
        assert all(
            text == page.extract_text() for (text, _), page in zip(found, reader.pages, strict=True)
        )
        return [bool(own) for _, own in found]

    writer = typeset(lines, lines, lines, [])
    drawn(writer, STROKES * 1_000, "/Logo", "/Unused")
    drawn(writer, STROKES * 20_000, "/Map")
    cast("Any", writer.pages[0]["/Resources"])["/XObject"][NameObject("/Odd")] = NullObject()
    shows(writer, 1, b"/Logo Do " * 30)
    shows(writer, 2, b"/Map Do ")
    shows(writer, 3, STROKES * 5_000)
    assert told(writer) == [True, False, False, False]
    around = typeset(lines)
    form = drawn(around, b"/Again Do ", "/Again")
    form[NameObject("/Resources")] = cast("Any", around.pages[0])["/Resources"]
    shows(around, 0, b"/Again Do ")
    assert told(around) == [False]
    outcome = read("a.pdf", saved(writer))
    assert outcome.warnings == ["a.pdf: no text on page 4; run text recognition (OCR) on scans"]


def test_a_form_that_breaks_half_way_shifts_no_headings(read: Read) -> None:
    lines = [line for words in ("Alpha", "Beta", "Gamma") for line in ((words, 14, "Bold"), *TEXT)]
    writer = typeset(lines)
    form = drawn(
        writer, b"BT /Regular 10 Tf 50 780 Td (Seen) Tj 0 -20 Td (Gone) Tj [1] 5 Tf ET", "/F"
    )
    form[NameObject("/Resources")] = cast("Any", writer.pages[0])["/Resources"]
    shows(writer, 0, b"/F Do ")
    document = read("a.pdf", saved(writer)).document
    assert LONG not in [words for _, words in headings(document)]


def test_words_divided_again_and_again_are_joined_at_once() -> None:
    begun = time.monotonic()
    text, _ = paragraphs("\n".join(["abcdefgh-"] * 200_000))
    assert time.monotonic() - begun < 4
    assert text == "abcdefgh" * 200_000 + "-"


def test_long_blanks_are_read_at_once() -> None:
    line = Line("a" + " " * 50_000 + "b", Style(14.0, False))
    begun = time.monotonic()
    headings_by_type([[line, *[Line(LONG, Style(10.0, False))] * 9]])
    assert time.monotonic() - begun < 2


def test_sizes_that_an_ocr_guesses_tell_nothing() -> None:
    sizes = 35 * [10.0] + 27 * [9.5] + 27 * [10.5] + 11 * [12.0]
    lines = [Line(f"Line {n} of a scan", Style(sizes[37 * n % 100], False)) for n in range(100)]
    assert headings_by_type([lines]) == {}


def test_levels_end_at_six_and_empty_pages_have_none() -> None:
    text = [Line(LONG, Style(10.0, False))] * 9
    sizes = [Line(f"Heading {n}", Style(30.0 - n, True)) for n in range(9)]
    lines = [line for heading in sizes for line in (heading, *text)]
    found = headings_by_type([[], lines, [Line("", Style(0.0, False))]])
    assert [heading.level for heading in found[2].values()] == [1, 2, 3, 4, 5, 6, 6, 6, 6]
    assert list(found) == [2]
    assert headings_by_type([]) == headings_by_type([[]]) == {}
