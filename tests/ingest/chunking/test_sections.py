"""Headings: where they stand, what stands under them, and where they cut."""

from __future__ import annotations

import time

import pytest

from hetarag.ingest import RuleExtractor, Splitter
from hetarag.ingest.chunking.sections import Sections
from hetarag.ingest.loaders.headings import Outline, guessed
from hetarag.types import Document


def handbook(*parts: str | tuple[int, str], title: str = "Handbook") -> Document:
    """A document of paragraphs and of headings, which are given with their level."""
    outline = Outline()
    for part in parts:
        if isinstance(part, str):
            outline.parts += ["\n\n", part]
        else:
            outline.begin(part[0])
            outline.parts.append(part[1])
            outline.end()
    text, headings = outline.text()
    return Document("id:d", "d.md", title, text, "text/markdown", "", headings=headings)


def words(count: int, word: str = "word") -> str:
    return " ".join([word] * (count - 1)) + f" {word}end."


def test_headings_know_their_places_whatever_their_words() -> None:
    document = handbook(
        "Fram", (1, " Fram\x00 "), "Fram", (2, ""), (2, "Other\nwords"), (3, "End"), title="D"
    )
    assert document.text == "Fram\n\nFram\n\nFram\n\nOther\nwords\n\nEnd"
    assert [(h.level, h.start, h.end) for h in document.headings] == [
        (1, 6, 10),
        (2, 18, 29),
        (3, 31, 34),
    ]
    assert Sections(document).path(31, 34) == "Fram › Other words › End"
    assert Outline().text() == ("", ())


def test_a_section_goes_to_the_next_heading_of_its_level_or_above() -> None:
    document = handbook(
        "start", (1, "A"), "in A", (3, "B"), "in B", (2, "C"), "in C", (1, "D"), "in D"
    )
    sections = Sections(document)

    def path(words: str, to: str = "") -> str:
        start = document.text.index(words)
        return sections.path(start, document.text.index(to or words) + len(to or words))

    assert path("start") == ""
    assert path("in A") == "A"
    assert path("in B") == "A › B"
    assert path("in C") == "A › C"
    assert path("in D") == "D"
    assert path("in A", "in B") == "A"  # the section that holds all of it
    assert path("in B", "in C") == "A"
    assert path("in C", "in D") == ""
    assert path("B") == "A › B"  # the heading itself


def test_headings_in_a_row_hold_what_comes_after_them() -> None:
    document = handbook((1, "A"), (2, "B"), (2, "C"), (3, "D"), "text", (2, "E"))
    sections = Sections(document)
    end = document.text.index("text") + 4
    assert sections.path(0, end) == "A › C › D"
    assert sections.path(document.text.index("B"), end) == "A › C › D"
    assert sections.path(0, 1) == "A"  # alone it holds nothing yet
    assert sections.path(0, len(document.text)) == "A"
    assert sections.path(end - 4, end) == "A › C › D"


def test_the_title_is_not_repeated_and_long_paths_lose_their_beginning() -> None:
    document = handbook((1, "The Handbook"), (2, "x" * 150), (3, "y" * 150), "text")
    at = document.text.index("text")
    assert Sections(document).path(at, at + 4) == "y" * 150
    short = handbook((1, "The Handbook"), (2, "Leave"), (3, "—"), "text")
    at = short.text.index("text")
    assert Sections(short).path(at, at + 4) == "Leave"
    long = handbook((1, "z" * 300), "text")
    assert Sections(long).path(302, 306) == "z" * 200


def test_chunks_begin_where_sections_do_and_know_theirs() -> None:
    document = handbook(
        (1, "Handbook"), words(30), (2, "Leave"), words(60), (3, "Notice"), words(90), words(90), (2, "Pay"), words(50)
    )  # fmt: skip
    chunks = Splitter(100).split(document)
    assert [(document.text[c.start : c.end].split()[0], c.section) for c in chunks] == [
        ("Handbook", ""),
        ("Leave", "Leave"),
        ("Notice", "Leave › Notice"),
        ("word", "Leave › Notice"),
        ("Pay", "Pay"),
    ]


def test_a_line_without_a_full_stop_hides_no_section() -> None:
    document = handbook(
        (1, "Handbook"), (2, "Install"), words(60), "pip install it", (2, "Usage"), words(90)
    )
    assert [c.section for c in Splitter(80).split(document)] == ["Install", "Usage"]


def test_small_sections_stay_together_under_what_holds_them_all() -> None:
    document = handbook(
        (1, "Leave"), (2, "Sick"), words(10), (2, "Paid"), words(10), (1, "Pay"), words(10)
    )
    (chunk,) = Splitter(160).split(document)
    assert chunk.section == ""
    assert [c.section for c in Splitter(80).split(document)] == ["Leave", "Pay"]


def test_without_headings_nothing_changes() -> None:
    text = "\n\n".join(["Short line", words(60)] * 5)
    plain = Document("id:d", "d.txt", "D", text, "text/plain", "")
    assert {chunk.section for chunk in Splitter(100).split(plain)} == {""}
    assert len(Splitter(1000).split(plain)) == 1


def test_all_chunks_of_a_section_are_about_its_name() -> None:
    document = handbook(
        (1, "Ships"), words(30), (2, "Roald Amundsen"), words(30), (3, "Later"), words(30), (2, "Oscar Wisting"), words(30)
    )  # fmt: skip
    chunks = Splitter(30).split(document)
    (found,) = RuleExtractor().extract([(document, chunks)])
    topics = {
        chunk.section: {m.entity.name for m in mentions if m.label == "TOPIC"}
        for chunk, (mentions, _) in zip(chunks, found, strict=True)
    }
    assert topics["Ships › Roald Amundsen"] == {"Roald Amundsen"}
    assert "Roald Amundsen" in topics["Ships › Roald Amundsen › Later"]
    assert topics["Ships › Oscar Wisting"] == {"Oscar Wisting"}
    row = handbook(*[(2, f"Ada Lovelace the {n}") for n in range(60)], words(50))
    chunks += Splitter(60).split(row)
    found = [*found, *RuleExtractor().extract([(row, chunks[-len(Splitter(60).split(row)) :])])[0]]
    for chunk, (mentions, _) in zip(chunks, found, strict=True):
        assert all(chunk.start <= m.start <= m.end <= chunk.end for m in mentions)


BODY = (
    "This is a paragraph of some length, which tells what there is to tell of the matter at hand."
)


def test_headings_of_plain_text_are_guessed() -> None:
    parts = ["Leave", BODY, "2. Notice", BODY, "Überstunden", BODY, "休暇", BODY, "Отпуск", BODY]
    text = "\n\n".join(parts)
    found = [(h.level, text[h.start : h.end]) for h in guessed(text)]
    assert found == [(1, name) for name in parts[::2]]


@pytest.mark.parametrize(
    "parts",
    [
        [BODY],
        ["Leave"],
        ["Dear Ann,", BODY],
        ["It is so.", BODY],
        ["and so on", BODY],
        ["- an item", BODY],
        ["и так далее", BODY],
        ["été dernier", BODY],
        ["• Sick leave", BODY],
        ["2024", BODY],
        ["One line\nand another", BODY],
        ["This line has more words than a heading that anyone would ever write has", BODY],
        ["Yes", "No", "Perhaps"],
        ["Leave", "Short."],
        ["Advertisement", BODY, "Advertisement", BODY, "Advertisement", BODY],
        [BODY, "Best regards", "Ann"],
    ],
)
def test_what_is_no_heading(parts: list[str]) -> None:
    assert guessed("\n\n".join(parts)) == ()


@pytest.mark.parametrize(("same", "body"), [(True, "Text."), (False, "Text."), (False, "")])
def test_fifty_thousand_headings_take_no_longer_than_their_number(same: bool, body: str) -> None:
    names = ["Same" if same else f"Heading {n}" for n in range(50_000)]
    began = time.monotonic()
    parts: list[tuple[tuple[int, str], str]] = [
        ((1 + n % 6, name), body) for n, name in enumerate(names)
    ]
    document = handbook(*[part for pair in parts for part in pair])
    sections = Sections(document)
    assert len(document.headings) == 50_000
    assert all(sections.path(h.start, h.end) for h in document.headings[::10])
    assert time.monotonic() - began < 10
