"""PDF files made by hand: pages, titles, and every way of being broken."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, cast

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    IndirectObject,
    NameObject,
    NullObject,
    NumberObject,
    TextStringObject,
)

from hetarag.ingest.chunking.sections import Sections
from hetarag.ingest.loaders.pdf import paragraphs
from hetarag.ingest.loaders.pdf_outline import Bookmark, heading_lines
from tests.ingest.conftest import Outcome, make_pdf

Read = Callable[[str, "str | bytes"], Outcome]


def test_pages_and_properties(read: Read) -> None:
    found = read(
        "a.pdf", make_pdf("Page one.\nSecond line", "Page two.", title="Real Title")
    ).document
    assert found.title == "Real Title"
    assert dict(found.metadata) == {"author": "Ada Writer"}
    assert [p.number for p in found.pages] == [1, 2]
    assert found.text[found.pages[1].start : found.pages[1].end] == "Page two."


def test_a_title_of_the_typesetter_is_not_used(read: Read) -> None:
    pdf = make_pdf("Text.", title="Microsoft Word - draft_7.doc")
    assert read("polar_ships.pdf", pdf).document.title == "Polar ships"


def test_lines_are_joined_to_paragraphs() -> None:
    page = (
        "Heading\nThis is a long line of the first paragraph that was broken and hyphen-\nated by "
        "the typesetter to fit\nthe page.\nThe second paragraph begins here and it goes on and on "
        "for quite a while\nuntil it ends.\n- item one\n- item two"
    )
    assert paragraphs(page)[0] == (
        "Heading\n\nThis is a long line of the first paragraph that was broken and hyphenated by "
        "the typesetter to fit the page.\n\nThe second paragraph begins here and it goes on and on "
        "for quite a while until it ends.\n- item one\n- item two"
    )


def outlined(*pages: str, marks: list[tuple[int, int, str]]) -> bytes:
    """Return a PDF with an outline of (level, page from 1, title) entries."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(make_pdf(*pages))))
    above: dict[int, IndirectObject] = {}
    for level, page, title in marks:
        above[level] = writer.add_outline_item(
            title=title, page_number=page - 1, parent=above.get(level - 1)
        )
    return saved(writer)


def saved(writer: PdfWriter) -> bytes:
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


LONG = "A line of the text that is as long as the lines of this page are, from margin to margin"


def test_the_outline_names_headings_and_their_levels(read: Read) -> None:
    pages = (
        f"2 Leave\n{LONG}\nunto the end.\n2.1 Parental\nleave\nit lasts {LONG}\n{LONG} and\n"
        f"Notice periods\n{LONG}",
        f"{LONG}\nPay\n{LONG}\nto the end.\nLeave\n{LONG}",
    )
    marks = [
        (1, 1, "Leave"),
        (2, 1, "2.1 Parental Leave"),
        (3, 1, "Notice  Periods"),
        (1, 2, "4. Pay"),
    ]
    document = read("a.pdf", outlined(*pages, marks=marks)).document
    found = [(h.level, document.text[h.start : h.end]) for h in document.headings]
    assert found == [
        (1, "2 Leave"),
        (2, "2.1 Parental leave"),  # over two lines of the page
        (3, "Notice periods"),
        (1, "Pay"),
        (4, "Leave"),  # its bookmark leads elsewhere: it only reads like a heading
    ]
    for _, words in found:  # also where the line before it is a full one
        assert f"\n\n{words}\n\n" in f"\n\n{document.text}"
    at = document.text.index("it lasts")
    assert Sections(document).path(at, at + 8) == "2 Leave › 2.1 Parental leave"


def test_a_bookmark_means_the_line_with_its_number_and_no_running_head() -> None:
    page = ["Leave", "1 Results", "7 Leave", "12 Pay", "3 Pay", "2 Results", "Leave", "2", "Sick"]
    marks = [
        Bookmark(1, "2 Results"), Bookmark(2, "Leave"), Bookmark(3, "3 Pay"), Bookmark(1, "2"),
        Bookmark(1, "4 Sick"), Bookmark(1, "9 Results"), Bookmark(1, "..."),
    ]  # fmt: skip
    assert heading_lines(marks, page) == {5: (1, 1), 6: (2, 1), 4: (3, 1), 8: (1, 1)}
    assert heading_lines([Bookmark(1, "Leave")], ["", "Leave", "text"]) == {1: (1, 1)}
    assert heading_lines(marks, [""]) == {}


def rewritten(data: bytes, change: Callable[[PdfWriter, Any], None]) -> bytes:
    """Return the PDF after `change` of it and of the first entry of its outline."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    change(writer, cast("Any", writer.root_object)["/Outlines"]["/First"])
    return saved(writer)


def found_in(read: Read, data: bytes) -> list[str]:
    document = read("a.pdf", data).document
    return [document.text[h.start : h.end] for h in document.headings]


def test_damaged_entries_of_an_outline_cost_themselves_alone(read: Read) -> None:
    page = f"{LONG}\nLeave\n{LONG}\n{LONG}\nPay\n{LONG}\n{LONG}"
    whole = outlined(page, marks=[(1, 1, "Leave"), (1, 1, "Pay"), (1, 1, "Not on it"), (1, 1, "…")])
    assert found_in(read, whole) == ["Leave", "Pay"]
    assert found_in(read, make_pdf(page)) == []  # nothing else tells them from the text

    def change(key: str, value: Any) -> Callable[[PdfWriter, Any], None]:
        return lambda _, entry: entry.update({NameObject(key): value})

    name, zero = NameObject("/Fit"), NumberObject(0)
    assert found_in(read, rewritten(whole, change("/Dest", NullObject()))) == ["Pay"]
    assert found_in(read, rewritten(whole, change("/Dest", ArrayObject([])))) == ["Pay"]
    assert found_in(read, rewritten(whole, change("/Dest", TextStringObject("nowhere")))) == ["Pay"]
    by_number = change("/Dest", ArrayObject([zero, name]))
    assert found_in(read, rewritten(whole, by_number)) == ["Leave", "Pay"]
    beyond = change("/Dest", ArrayObject([NumberObject(7), name]))
    assert found_in(read, rewritten(whole, beyond)) == ["Pay"]
    assert found_in(read, rewritten(whole, change("/Title", ArrayObject([])))) == ["Pay"]
    assert found_in(read, whole.replace(b"/Outlines", b"/Outlinez")) == []

    def named(writer: PdfWriter, entry: Any) -> None:
        writer.add_named_destination("leave.here", page_number=0)
        entry[NameObject("/Dest")] = TextStringObject("leave.here")

    assert found_in(read, rewritten(whole, named)) == ["Leave", "Pay"]


def test_names_that_cannot_be_read_are_tried_once(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = f"{LONG}\nLeave\n{LONG}\n{LONG}"
    whole = outlined(page, marks=[(1, 1, "Leave")] * 3)

    def named(_: PdfWriter, entry: Any) -> None:
        entry[NameObject("/Dest")] = TextStringObject("leave.here")
        while "/Next" in entry:
            entry = entry["/Next"]
            entry[NameObject("/Dest")] = TextStringObject("leave.here")

    tried: list[object] = []

    def fail(reader: PdfReader) -> None:
        tried.append(reader)
        raise ValueError("too many")

    monkeypatch.setattr(PdfReader, "named_destinations", property(fail))
    assert found_in(read, rewritten(whole, named)) == []
    assert len(tried) == 1


def test_an_outline_without_end_is_read_once(read: Read) -> None:
    page = f"{LONG}\nLeave\n{LONG}\n{LONG}"
    whole = outlined(page, marks=[(1, 1, "Leave")])

    def looped(_: PdfWriter, entry: Any) -> None:
        entry[NameObject("/Next")] = entry[NameObject("/First")] = entry.indirect_reference

    assert found_in(read, rewritten(whole, looped)) == ["Leave"]

    def joined(writer: PdfWriter, entry: Any) -> None:
        for _ in range(60):  # 2^60 ways through, without a loop
            below = writer._add_object(DictionaryObject({NameObject("/Title"): entry["/Title"]}))
            entry[NameObject("/Next")] = entry[NameObject("/First")] = below
            entry = below.get_object()

    assert found_in(read, rewritten(whole, joined)) == ["Leave"]


def test_an_empty_page_is_said(read: Read) -> None:
    outcome = read("a.pdf", make_pdf("Text.", ""))
    assert outcome.document.text.strip() == "Text."
    assert outcome.warnings == ["a.pdf: no text on page 2; run text recognition (OCR) on scans"]


def test_a_pdf_without_any_text_is_a_failure(read: Read) -> None:
    assert "it holds no text, only images perhaps; run text recognition (OCR)" in (
        read("scan.pdf", make_pdf("", "")).failure
    )


def test_a_truncated_pdf_fails_or_says_that_its_end_is_missing(read: Read) -> None:
    whole = make_pdf("Page one is here.", "Page two.", "Page three.")
    for size in (20, len(whole) // 3):
        assert "a.pdf: the file is damaged" in read("a.pdf", whole[:size]).failure
    outcome = read("a.pdf", whole[:-40])
    said = outcome.failures + outcome.warnings
    assert any("damaged" in text or "the end of the file is missing" in text for text in said)


def test_an_encrypted_pdf_is_a_failure_and_one_without_password_is_read(read: Read) -> None:
    def encrypted(password: str) -> bytes:
        writer = PdfWriter(clone_from=PdfReader(io.BytesIO(make_pdf("Hidden text."))))
        writer.encrypt(password, "owner", algorithm="RC4-128")
        return saved(writer)

    assert read("a.pdf", encrypted("secret")).failure == (
        "a.pdf: it is encrypted; save a copy without password and ingest that"
    )
    assert read("b.pdf", encrypted("")).document.text == "Hidden text."


def test_something_else_called_pdf(read: Read) -> None:
    assert "its name says PDF but its content is something else" in read("a.pdf", "Hello.").failure


def test_a_pdf_called_text_is_read_as_pdf(read: Read) -> None:
    outcome = read("a.txt", make_pdf("Hello there."))
    assert outcome.document.text == "Hello there."
    assert outcome.warnings == ["a.txt: its name says plain, its content is pdf: read as pdf"]
