"""The second look, by hand on three passages: one leads to the second, the third rivals the second."""

from __future__ import annotations

import numpy as np
import pytest

from hetarag.retrievers.features import NONE, Candidates
from hetarag.retrievers.links import Asked, Reached, Step
from hetarag.retrievers.neighbours import neighbours
from hetarag.retrievers.relation_words import relations
from hetarag.types import Link, Query, RankedEvidence

QUESTION = "Where was the designer of the Fram born?"


def passage(identifier: str, title: str, text: str) -> RankedEvidence:
    return RankedEvidence(identifier, "chunk", identifier, identifier, "c", title, text, 0.0)


PASSAGES = {
    "fram": passage("fram", "Fram", "The designer of the Fram was Colin Archer."),
    "archer": passage("archer", "Colin Archer", "He was born in Larvik."),
    "other": passage("other", "Colin Archer", "A lifeboat of that name."),
}
STEP = Step(
    Link("fram", "colin archer", "Colin Archer", 0, {"archer": True, "other": True}),
    1.0, 0.5, 0.6, frozenset({"designer", "fram"}), "born Colin Archer",
)  # fmt: skip
FIRST = np.array([0.9, 0.6, 0.2])


def look() -> dict[str, list[float]]:
    found = Candidates(
        query=Query(QUESTION),
        asked=Asked(QUESTION, PASSAGES),
        ids=["fram", "archer", "other"],
        fused={},
        lists={},
        passages=PASSAGES,
        vectors={
            "fram": np.array([1, 0], np.float32),
            "archer": np.array([0, 1], np.float32),
            "other": np.array([0, 1], np.float32),
        },
        reached={
            "archer": [Reached(0.8, 0.8, True, STEP, 0.8)],
            "other": [Reached(0.5, 0.5, True, STEP, 0.5)],
        },
        parts={},
    )
    names, rows = neighbours(found, FIRST)
    return dict(zip(names, rows.T.tolist(), strict=True))


def test_a_passage_is_as_likely_as_what_leads_to_it() -> None:
    seen = look()
    assert seen["source p"] == pytest.approx([NONE, 0.9, 0.9])
    assert seen["source p x cosine"] == pytest.approx([NONE, 0.9 * 0.8, 0.9 * 0.5])
    assert seen["leads to p"] == pytest.approx([0.6, NONE, NONE])
    assert seen["best of link"] == pytest.approx([NONE, 0.9, 0.9 * 0.7])


def test_siblings_and_likes_are_rivals() -> None:
    seen = look()
    assert seen["sibling p"] == pytest.approx([NONE, 0.2, 0.6])
    assert seen["siblings better"] == [0, 0, 1]
    assert seen["like a better one"] == pytest.approx([NONE, 0, 1])
    assert seen["p rank"] == pytest.approx([1, 1 / 2, 1 / 3])


def test_what_the_best_leaves_open_counts_for_the_others() -> None:
    seen = look()
    assert seen["has words left"][1] == pytest.approx(1.0)  # "born" is all that is left
    assert seen["has words left"][2] == 0.0


def test_words_of_one_relation_meet() -> None:
    assert relations({"spouse"}) & relations({"husband"})
    assert not relations({"spouse"}) & relations({"born"})
    assert relations({"xyzzy"}) == frozenset()
