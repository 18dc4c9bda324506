"""Sentence borders, exact offsets, and how sentences become chunks."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hetarag.errors import InputError
from hetarag.ingest import Splitter
from hetarag.ingest.chunking.sentences import sentence_spans
from hetarag.types import Document, Page


def document(text: str, pages: tuple[Page, ...] = ()) -> Document:
    return Document("file:///d", "d", "D", text, "text/plain", "", pages)


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text, 0, len(text))]


@pytest.mark.parametrize(
    "expected",
    [
        ["Dr. Smith met J. K. Rowling on Jan. 5.", "He left."],
        ["The U.S. team lost.", "It was bad."],
        ["He works for Apple Inc.", "The firm is big."],
        ["Pi is 3.14, e.g. here.", "See fig. 3 and No. 5 vs. the rest.", "Done."],
        ['"Really?" he asked.', "“Yes.”", "She left...", "Then it ended!"],
        ['He said "Stop."', "(See below.)", "Next."],
        ["He was born in St. Louis.", "Mt. Everest is high.", "He loved art.", "Then he left."],
        ["It grew to 5.", "The rest shrank."],
        ["Wait... what happened?", "Nothing."],
    ],
)
def test_sentence_borders(expected: list[str]) -> None:
    assert cut(" ".join(expected)) == expected


def test_cjk_full_stops_need_no_space() -> None:
    assert cut("これは文です。次の文です！終わり") == ["これは文です。", "次の文です！", "終わり"]


def test_list_lines_are_sentences_of_their_own() -> None:
    assert cut("Items:\n- one\n- two\n1. three\n2. four") == [
        "Items:", "- one", "- two", "1. three", "2. four",
    ]  # fmt: skip


def test_a_line_end_inside_a_sentence_is_no_border() -> None:
    assert cut("a hard\nwrapped line.\nNext one.") == ["a hard\nwrapped line.", "Next one."]


TEXTS = st.text(alphabet=st.sampled_from("aB.!? \n\t\"'-1(。漢é…"), max_size=400)


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.integers(1, 12), st.integers(0, 3), st.lists(st.integers(0, 400), max_size=6))
def test_chunks_cover_the_text_in_order_with_exact_offsets(
    text: str, words: int, overlap: int, cuts: list[int]
) -> None:
    borders = sorted({min(c, len(text)) for c in cuts})
    pages = tuple(Page(n, a, b) for n, (a, b) in enumerate(pairwise(borders), 1))
    chunks = Splitter(words, overlap).split(document(text, pages))
    assert chunks == Splitter(words, overlap).split(document(text, pages))
    covered: set[int] = set()
    for number, chunk in enumerate(chunks):
        assert chunk.ordinal == number
        assert (chunk.start, chunk.end) == (chunk.sentences[0][0], chunk.sentences[-1][1])
        for start, end in chunk.sentences:
            assert text[start:end] == text[start:end].strip() != ""
        for (_, before), (after, _) in pairwise(chunk.sentences):
            assert before <= after
            assert text[before:after].strip() == ""
        for page in pages:  # no chunk crosses a page
            inside = page.start <= chunk.start and chunk.end <= page.end
            assert inside or chunk.end <= page.start or chunk.start >= page.end
            assert not inside or chunk.page == page.number
        covered.update(range(chunk.start, chunk.end))
    assert [c.start for c in chunks] == sorted(c.start for c in chunks)
    assert all(i in covered or c.isspace() for i, c in enumerate(text))


def paragraph(word: str, count: int) -> str:
    return " ".join([word] * (count - 1)) + f" {word}end."


def test_a_short_document_is_one_chunk() -> None:
    assert (
        len(Splitter(100).split(document("\n\n".join(paragraph("w", 25) for _ in range(5))))) == 1
    )
    assert (
        len(Splitter(100).split(document("\n\n".join(paragraph("w", 25) for _ in range(6))))) == 2
    )
    assert Splitter(100).split(document("")) == []


def test_chunks_end_at_paragraphs_where_they_can() -> None:
    text = "\n\n".join(paragraph("w", 60) for _ in range(4))
    chunks = Splitter(100).split(document(text))
    assert [text[c.start : c.end].count("wend.") for c in chunks] == [
        1,
        1,
        2,
    ]  # the rest may be 125 words


def test_a_heading_stays_with_what_follows() -> None:
    text = paragraph("a", 30) + "\n\nThe Heading\n\n" + paragraph("b", 30)
    chunks = Splitter(32).split(document(text))
    assert [text[c.start : c.end].split()[0] for c in chunks] == ["a", "The"]


def test_a_cut_paragraph_repeats_its_last_sentence_and_a_whole_one_does_not() -> None:
    text = " ".join(f"Sentence {n} has six words." for n in range(20))
    chunks = Splitter(30, 1).split(document(text))
    assert len(chunks) > 2
    for before, after in pairwise(chunks):
        assert after.sentences[0] == before.sentences[-1]
    bare = Splitter(30, 0).split(document(text))
    assert all(b.end < a.start for b, a in pairwise(bare))


def test_chunks_stay_near_the_wanted_size() -> None:
    text = " ".join(f"Sentence {n} has six words." for n in range(500))
    sizes = [len(text[c.start : c.end].split()) for c in Splitter(50, 1).split(document(text))]
    assert max(sizes) <= 50 * 1.25
    assert min(sizes) >= 25


def test_pages_keep_their_numbers() -> None:
    text = "First page.\n\nSecond page."
    pages = (Page(1, 0, 11), Page(2, 13, 25))
    assert [c.page for c in Splitter().split(document(text, pages))] == [1, 2]
    assert Splitter().split(document(text))[0].page is None


@pytest.mark.parametrize("unit", ["x", "word ", ".", "A. ", "漢", "- ", '"Aa', "a\n"])
def test_a_text_without_borders_is_cut_in_linear_time(unit: str) -> None:
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        start = time.thread_time()  # its own work: the other tests' is not to count
        chunks = Splitter(160, 1).split(document(text))
        assert max(c.end - c.start for c in chunks) <= 160 * 12 * 1.5
        return time.thread_time() - start

    small, large = seconds(100_000), seconds(400_000)
    assert large < small * 8 + 0.5  # quadratic would be 16 times, and far above the half second
    assert large < 5


def test_the_fingerprint_covers_the_settings() -> None:
    prints = {s.fingerprint for s in (Splitter(160, 1), Splitter(161, 1), Splitter(160, 2))}
    assert len(prints) == 3
    assert Splitter(160, 1).fingerprint == Splitter().fingerprint


def test_senseless_settings_are_refused() -> None:
    with pytest.raises(InputError, match="chunk_words must be at least 1"):
        Splitter(0)
