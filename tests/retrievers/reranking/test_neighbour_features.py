"""The second look, by hand on three passages: one leads to the second, the third rivals the second."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hetarag.retrievers.reranking.candidates import MISSING, Candidates
from hetarag.retrievers.reranking.features import matrix
from hetarag.retrievers.reranking.link_following import Asked, Reached, Step
from hetarag.retrievers.reranking.link_ranker import interpolate_with_fusion
from hetarag.retrievers.reranking.neighbour_features import neighbours
from hetarag.retrievers.reranking.relation_words import relations
from hetarag.testing.doubles import evidence
from hetarag.types import Link, Query, RankedEvidence

QUESTION = "Where was the designer of the Fram born?"


PASSAGES = {
    "fram": evidence("fram", "Fram", "The designer of the Fram was Colin Archer."),
    "archer": evidence("archer", "Colin Archer", "He was born in Larvik."),
    "other": evidence("other", "Colin Archer", "A lifeboat of that name."),
}
STEP = Step(
    Link("fram", "colin archer", "Colin Archer", 0, {"archer": True, "other": True}),
    1.0, 0.5, 0.6, Asked(QUESTION, {}).mask({"designer", "fram"}), "born Colin Archer",
)  # fmt: skip
FIRST = np.array([0.9, 0.6, 0.2])


def candidates(passages: dict[str, RankedEvidence] = PASSAGES) -> Candidates:
    return Candidates(
        query=Query(QUESTION),
        asked=Asked(QUESTION, passages),
        ids=["fram", "archer", "other"],
        fused={"fram": 0.4, "archer": 0.1, "elsewhere": 0.8},
        lists={},
        passages=passages,
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


def look(passages: dict[str, RankedEvidence] = PASSAGES) -> dict[str, list[float]]:
    names, rows = neighbours(candidates(passages), FIRST)
    return dict(zip(names, rows.T.tolist(), strict=True))


def test_a_passage_is_as_likely_as_what_leads_to_it() -> None:
    seen = look()
    assert seen["source p"] == pytest.approx([MISSING, 0.9, 0.9])
    assert seen["source p x cosine"] == pytest.approx([MISSING, 0.9 * 0.8, 0.9 * 0.5])
    assert seen["leads to p"] == pytest.approx([0.6, MISSING, MISSING])
    assert seen["best of link"] == pytest.approx([MISSING, 0.9, 0.9 * 0.7])


def test_siblings_and_likes_are_rivals() -> None:
    seen = look()
    assert seen["sibling p"] == pytest.approx([MISSING, 0.2, 0.6])
    assert seen["siblings better"] == [0, 0, 1]
    assert seen["like a better one"] == pytest.approx([MISSING, 0, 1])
    assert seen["p rank"] == pytest.approx([1, 1 / 2, 1 / 3])


def test_chunks_of_one_document_are_no_rivals() -> None:
    seen = look(PASSAGES | {"other": replace(PASSAGES["other"], document_id="archer")})
    assert seen["sibling p"] == pytest.approx([MISSING] * 3)
    assert seen["siblings better"] == [0, 0, 0]
    assert seen["rival p"] == pytest.approx([MISSING, 0, 0])


def test_what_one_source_leads_to_rivals_each_other() -> None:
    seen = look()
    assert seen["rival p"] == pytest.approx([MISSING, 0.2, 0.6])
    assert seen["rival place"] == pytest.approx([MISSING, 1, 1 / 2])
    names, rows = matrix(candidates())
    links = dict(zip(names, rows.T.tolist(), strict=True))
    assert links["link place"] == pytest.approx([0, 1, 1 / 2])
    assert links["link behind"] == pytest.approx([MISSING, 0, -0.3])


def test_plain_fusion_keeps_a_voice() -> None:
    plain = candidates().plain()
    assert plain == pytest.approx([0.5, 0.125, 0])
    assert interpolate_with_fusion(FIRST, plain, 0) == pytest.approx(FIRST)
    weighed = interpolate_with_fusion(FIRST, plain, 2)
    odds = FIRST / (1 - FIRST) * np.exp(2 * plain)
    assert weighed == pytest.approx(odds / (1 + odds))


def test_what_the_best_leaves_open_counts_for_the_others() -> None:
    seen = look()
    assert seen["has words left"][1] == pytest.approx(1.0)  # "born" is all that is left
    assert seen["has words left"][2] == 0.0


def test_words_of_one_relation_meet() -> None:
    assert relations(frozenset(["spouse"])) & relations(frozenset(["husband"]))
    assert not relations(frozenset(["spouse"])) & relations(frozenset(["born"]))
    assert relations(frozenset(["xyzzy"])) == 0
