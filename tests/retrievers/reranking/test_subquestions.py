"""What a question is taken apart into."""

from __future__ import annotations

import pytest

from hetarag.retrievers.reranking.subquestions import PARTS, subquestions


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (
            "What is the name of the ship in the country where the Fram Museum is found?",
            ["the Fram Museum is found", "the country where the Fram Museum is found"],
        ),
        ("Who built the first ship of the expedition?", ["the first ship of"]),
        (
            "Which ship is older, Blue Whale or Red Kite?",
            ["Red Kite", "ship is older", "Blue Whale"],
        ),
    ],
)
def test_parts_stand_behind_relative_words_articles_and_commas(
    question: str, expected: list[str]
) -> None:
    assert set(expected) <= set(subquestions(question))


@pytest.mark.parametrize(
    "question",
    ["Fram", "Who?", "", "?", "the of in", "谁建造了这艘船？", "a" * 50_000, ", " * 5_000],
)
def test_a_simple_or_odd_question_has_no_parts(question: str) -> None:
    assert subquestions(question) == []


def test_there_are_few_and_the_innermost_come_first() -> None:
    long = "Who met " + " and ".join(
        f"the man who saw the old ship of captain {n} K" for n in range(50)
    )
    found = subquestions(long)
    assert len(found) == PARTS
    assert found == sorted(found, key=len)
    assert all(part in long for part in found)
