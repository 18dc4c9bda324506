"""Which pieces a cross-encoder reads, and what its scores do to their order."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetarag.retrievers.reranking.cross_encoding import (
    best_scores,
    blend_scores,
    is_confident,
    paragraphs,
    passages_to_score,
    uncertain,
)
from hetarag.testing.doubles import evidence
from hetarag.types import RankedEvidence

PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=60).map(
    lambda found: [(f"p{n:02}", p) for n, p in enumerate(sorted(found, reverse=True))]
)


def test_two_good_pieces_convince() -> None:
    assert is_confident([("a", 0.99), ("b", 0.85)], 0.85)
    assert not is_confident([("a", 0.99), ("b", 0.84)], 0.85)
    assert not is_confident([("a", 0.99)], 0.85) and not is_confident([], 0.0)


@given(PROBABILITIES)
def test_trusted_and_dismissed_pieces_are_not_read(ranked: list[tuple[str, float]]) -> None:
    known = dict(ranked)
    read = uncertain(ranked)
    assert len(read) <= 12 and all(0.02 < known[i] < 0.97 for i in read)
    left = [i for i, p in ranked if 0.02 < p < 0.97 and i not in read]
    assert not left or len(read) == 12


@given(PROBABILITIES, st.data())
def test_only_what_was_read_changes_and_by_half_its_score(
    ranked: list[tuple[str, float]], data: st.DataObject
) -> None:
    scores = {i: data.draw(st.floats(-20, 20)) for i in uncertain(ranked)}
    after = dict(blend_scores(ranked, scores))
    assert set(after) == {i for i, _ in ranked}
    for i, p in ranked:
        if i not in scores:
            assert after[i] == p
        else:
            by = math.log(after[i] / (1 - after[i])) - math.log(p / (1 - p))
            assert math.isclose(by, scores[i] / 2, abs_tol=1e-3)
    order = [p for _, p in blend_scores(ranked, scores)]
    assert order == sorted(order, reverse=True)


def test_no_score_is_too_large() -> None:
    assert dict(blend_scores([("a", 0.5), ("b", 0.4)], {"a": -1e6, "b": 1e6})) == {
        "a": 0.0,
        "b": 1.0,
    }


WORDS = "It sailed to the ice in the summer of that year with thirteen men on board of her."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [""]),
        ("\n\n \n\n", ["\n\n \n\n"]),
        ("Fram", ["Fram"]),
        (f"{WORDS}\n{WORDS}", [f"{WORDS}\n{WORDS}"]),  # a line is no paragraph
        (f"{WORDS}\n\n\n\n{WORDS}", [WORDS, WORDS]),
        (f"Ships\n\n{WORDS}\n\n{WORDS}", [f"Ships\n\n{WORDS}", WORDS]),
        (f"{WORDS}\n\n{WORDS}\n\nThe end.", [WORDS, f"{WORDS}\n\nThe end."]),
        ("One.\n\nTwo.", ["One.\n\nTwo."]),
    ],
)
def test_paragraphs_are_read_by_themselves(text: str, expected: list[str]) -> None:
    assert paragraphs(text) == expected


@given(st.text(alphabet="ab \n", max_size=400))
def test_nothing_is_lost_and_few_are_read(text: str) -> None:
    found = paragraphs(text)
    assert " ".join(found).split() == text.split()
    assert 1 <= len(found) <= 6


def piece(number: int, paragraphs: int) -> RankedEvidence:
    text = "\n\n".join([WORDS] * paragraphs)
    return evidence(f"p{number}", "Ships", text, document="d")


def test_twelve_paragraphs_are_read_of_whole_pieces() -> None:
    short = {f"p{n}": piece(n, 1) for n in range(12)}
    assert passages_to_score(short) == [(i, ("Ships", WORDS)) for i in short]
    long = {f"p{n}": piece(n, 3) for n in range(12)}
    assert [i for i, _ in passages_to_score(long)] == [f"p{n}" for n in range(4) for _ in range(3)]


def test_the_best_paragraph_counts() -> None:
    assert best_scores(["a", "a", "b"], [-2.0, -1.0, -3.0]) == {"a": -1.0, "b": -3.0}
    assert best_scores([], []) == {}
