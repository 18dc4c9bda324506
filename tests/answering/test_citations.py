"""Answers checked against evidence, with offsets counted by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetarag.answering.citations import NOT_IN_SOURCES, check
from hetarag.answering.matching import answer_sentences, keys, spans
from tests.models.conftest import piece

OSLO = piece(1, "Oslo", "Oslo is the capital of Norway. It has 709,037 people.", start=100)
#                        0                             31                  (52 long)
KERN = piece(
    2, "Anna Kern", "Anna Kern (born 5 May 1880) was an engineer. She came from Bergen.", 0
)
COUNT = piece(3, "Query", "count: 17", kind="query")
CAPITAL = piece(4, "Washington", "The seat is Washington D.C. since 1800.", start=10, page=3)
ROW = piece(5, "Cities", "Cities: city is Bergen; people is 291940.", kind="row", table="c", row=7)
ALL = [OSLO, KERN, COUNT, CAPITAL, ROW]


def cited(answer: str, question: str = "") -> list[int]:
    return [c.number for c in check(question, answer, ALL).citations]


def test_a_right_mark_is_kept_and_quoted() -> None:
    text, (citation,), supported = check("", "Oslo [1]", ALL)
    assert (text, supported) == ("Oslo [1]", True)
    assert citation.number == 1
    assert citation.evidence == "id-1"
    assert citation.document == "Oslo.txt"
    assert citation.quote == "Oslo is the capital of Norway."
    assert (citation.start, citation.end) == (100, 130)


def test_offsets_lie_in_the_document() -> None:
    document = "é" * 100 + OSLO.text + " More."
    (citation,) = check("", "709,037", ALL).citations
    assert (citation.start, citation.end) == (131, 153)
    assert document[131:153] == citation.quote == "It has 709,037 people."


def test_the_given_sentences_are_quoted() -> None:
    text = "Dr. Ono wrote it. He died."
    evidence = piece(1, "Ono", text, start=50, sentences=((50, 67), (68, 76)))
    (citation,) = check("", "Dr. Ono", [evidence]).citations
    assert (citation.start, citation.end, citation.quote) == (50, 67, "Dr. Ono wrote it.")


def test_among_several_places_the_questions_words_decide() -> None:
    evidence = piece(1, "T", "Ada was born in Rome. Ada died in Rome.", start=0)
    (citation,) = check("Where did Ada die or where had she died?", "Rome", [evidence]).citations
    assert citation.quote == "Ada died in Rome."


@pytest.mark.parametrize(
    ("answer", "text", "numbers"),
    [
        ("Bergen [1]", "Bergen [2]", [2]),  # a wrong mark
        ("Oslo [9]", "Oslo [1]", [1]),  # a mark of nothing
        ("Oslo", "Oslo [1]", [1]),  # no mark
        ("Oslo [1][2]", "Oslo [1]", [1]),  # one of two is wrong
        ("Oslo [1, 2]", "Oslo [1]", [1]),
        ("709037 [1]", "709037 [1]", [1]),  # written otherwise
        ("17 [3]", "17 [3]", [3]),  # of a query
        ("Bergen [5]", "Bergen [5]", [5]),  # of a row
        ("Answer: Oslo. [1]", "Oslo [1]", [1]),
        ('"Oslo" [1', "Oslo [1]", [1]),  # cut off
        ("Washington D.C. [4]", "Washington D.C. [4]", [4]),
        ("May 5, 1880", "May 5, 1880 [2]", [2]),  # other order: most words, all numbers
        ("The capital of Norway is Oslo.", "The capital of Norway is Oslo [1]", [1]),
        ("Oslo and Bergen", "Oslo and Bergen [1][2]", [1, 2]),  # parts in different evidence
        ("Yes [2]", "Yes [2]", [2]),
        ("no", "no [1]", [1]),
    ],
)
def test_what_is_held_is_cited(answer: str, text: str, numbers: list[int]) -> None:
    checked = check("", answer, ALL)
    assert checked.text == text
    assert [c.number for c in checked.citations] == numbers
    assert checked.supported


@pytest.mark.parametrize(
    "answer",
    [
        "Not in the sources.",
        "Not in the sources. [1]",
        "The sources do not mention this [2]",
        "It cannot be determined",
        "Paris [1]",
        "Paris",
        "1881 [2]",  # a number that is not there
        "Anna Kern was born in 1881",  # most words, but not its number
        "Michelle Kern Smith",  # a third of it
        "",
        "[1]",
        "the",
        " \n",
    ],
)
def test_what_nothing_holds_is_not_in_the_sources(answer: str) -> None:
    assert check("", answer, ALL) == (NOT_IN_SOURCES, (), False)


def test_without_evidence_nothing_is_held() -> None:
    assert not check("", "Oslo", []).supported


def test_yes_and_no_cite_what_the_question_compares() -> None:
    assert cited("yes", "Is Anna Kern an engineer from Bergen?") == [2]
    assert cited("no", "Do Anna Kern and the capital of Norway have names?") == [1, 2]


def test_places_are_handed_on() -> None:
    (row,) = check("", "291940", ALL).citations
    assert (row.table, row.row, row.start, row.end) == ("c", 7, None, None)
    (page,) = check("", "1800", ALL).citations
    assert page.page == 3


def test_a_title_holds_an_answer_too() -> None:
    evidence = piece(1, "Blue Water", "A film of 1958. By Tom Reed.", start=5)
    (citation,) = check("Which film is of 1958?", "Blue Water", [evidence]).citations
    assert citation.quote == "A film of 1958."


def test_words_in_normal_form() -> None:
    assert keys("The Élan of 56,000 and three Twenty-One") == [
        "elan", "of", "56000", "and", "3", "twenty", "1",
    ]  # fmt: skip
    assert spans(keys("56000 men"), "had 56,000 men") == [(4, 14)]
    assert spans(keys("56000"), "had 56,000 men") == [(4, 10)]
    assert spans([], "text") == []


def test_sentences() -> None:
    text = "One.  Two is 2.5 long!\nThree"
    assert [text[a:b] for a, b in answer_sentences(text)] == ["One.", "Two is 2.5 long!", "Three"]
    assert answer_sentences(" \n ") == []


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=30))
def test_a_quote_is_always_the_text_at_its_offsets(answer: str, text: str, question: str) -> None:
    evidence = piece(1, "T", text, start=7)
    checked = check(question, answer, [evidence])
    assert checked.supported == bool(checked.citations)
    for citation in checked.citations:
        assert citation.start is not None
        assert citation.end is not None
        assert citation.quote == text[citation.start - 7 : citation.end - 7]
