"""Following names: by hand on a few passages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from hetarag.retrievers.reranking.features import Candidates, matrix
from hetarag.retrievers.reranking.link_following import Asked, Step, choose_steps, follow
from hetarag.retrievers.reranking.neighbour_features import neighbours
from hetarag.retrievers.reranking.profiles import EXCERPTS, TITLED, packaged
from hetarag.retrievers.reranking.tree_ensemble import TreeEnsemble
from hetarag.testing.doubles import evidence
from hetarag.types import Link, Query, RankedEvidence, Vector

QUESTION = "Where were the parents of the designer of the Fram born?"


def passage(identifier: str, title: str, text: str) -> RankedEvidence:
    whole = (0, len(text))
    return evidence(identifier, title, text, start=0, end=len(text), sentences=(whole,))


PASSAGES = {
    "fram": passage("fram", "Fram", "The designer of the Fram was Colin Archer."),
    "archer": passage("archer", "Colin Archer", "His parents came from Newburgh."),
    "gauss": passage("gauss", "Gauss", "The Gauss was built in Kiel."),
}
ARCHER = Link("fram", "colin archer", "Colin Archer", 0, {"fram": False, "archer": True})


def embedded(steps: Sequence[Step]) -> dict[str, Vector]:
    """Two dimensions: parents and everything else."""
    found = {s.question: np.array([float("parents" in s.question), 1.0], np.float32) for s in steps}
    return {text: vector / np.linalg.norm(vector) for text, vector in found.items()}


VECTORS = {
    "fram": np.array([0, 1], np.float32),
    "archer": np.array([1, 0], np.float32),
    "gauss": np.array([0, 1], np.float32),
}


def test_a_step_asks_what_its_sentence_leaves_open() -> None:
    asked = Asked(QUESTION, PASSAGES)
    (step,) = choose_steps([ARCHER], asked, {"fram": 1.0}, PASSAGES, 20)
    assert step.question == "parents born Colin Archer"
    assert step.rarity == pytest.approx(1 / np.log2(3))


def test_names_of_the_question_and_names_that_lead_nowhere_are_not_followed() -> None:
    asked = Asked(QUESTION, PASSAGES)
    named = Link("fram", "fram", "Fram", -1, {"fram": True, "gauss": False})
    alone = Link("fram", "kiel", "Kiel", 0, {"fram": False})
    assert choose_steps([named, alone], asked, {"fram": 1.0}, PASSAGES, 20) == []


def test_where_a_step_leads_is_scored_by_what_is_still_asked() -> None:
    asked = Asked(QUESTION, PASSAGES)
    steps = choose_steps([ARCHER], asked, {"fram": 0.5}, PASSAGES, 20)
    reached = follow(steps, VECTORS, embedded(steps))
    assert set(reached) == {"archer"}  # not back to where it started
    (way,) = reached["archer"]
    cosine = 1 / np.sqrt(2)
    likeness = asked.share(asked.mask({"designer", "fram", "colin", "archer"}))
    worth = cosine + 0.3 / np.log2(3) + 0.1 + 0.1 * likeness
    assert way.score == pytest.approx(0.5 * worth, rel=1e-5)
    assert way.in_title


def test_shares_count_rare_words_more() -> None:
    asked = Asked("designer Fram", {**PASSAGES, "x": passage("x", "Fram", "The Fram again.")})
    assert asked.share(asked.mask({"designer"})) > asked.share(asked.mask({"fram"}))
    assert asked.share(asked.every) == pytest.approx(1.0)
    assert asked.share(asked.mask({"fram"}), 0) == 0.0


@pytest.mark.parametrize("files", [TITLED, EXCERPTS])
def test_features_are_those_that_the_ranker_was_trained_on(files: tuple[str, str]) -> None:
    asked = Asked(QUESTION, PASSAGES)
    steps = choose_steps([ARCHER], asked, {"fram": 1.0}, PASSAGES, 20)
    found = Candidates(
        query=Query(QUESTION, vector=np.array([1, 0], np.float32)),
        asked=asked,
        ids=["fram", "archer", "gauss"],
        fused={"fram": 0.2, "gauss": 0.1},
        lists={},
        passages=PASSAGES,
        vectors=VECTORS,
        reached=follow(steps, VECTORS, embedded(steps)),
        parts={"the designer of the Fram": np.array([0, 1], np.float32)},
    )
    names, rows = matrix(found)
    assert rows.shape == (3, len(names))
    assert np.isfinite(rows).all()
    ranker = packaged(files[0])
    assert tuple(names) == ranker.names
    first = ranker.probabilities(rows)
    more, around = neighbours(found, first)
    names, rows = [*names, *more], np.hstack([rows, around])
    assert rows.shape == (3, len(names))
    assert np.isfinite(rows).all()
    ranker = packaged(files[1])
    assert tuple(names) == ranker.names
    scores = dict(zip(found.ids, ranker.probabilities(rows), strict=True))
    assert scores["archer"] > scores["gauss"]


def test_a_further_step_does_not_ask_again_what_the_way_has_answered() -> None:
    asked = Asked(QUESTION, PASSAGES)
    on = Link("archer", "newburgh", "Newburgh", 0, {"archer": False, "gauss": False})
    (step,) = choose_steps(
        [on], asked, {"archer": 1.0}, PASSAGES, 5, {"archer": asked.mask({"designer", "fram"})}
    )
    assert step.question == "born Newburgh"


def test_trees_are_walked_to_their_leaves() -> None:
    ensemble = TreeEnsemble(
        names=["a", "b"],
        feature=np.array([[0, 1], [1, 0]], np.int32),
        threshold=np.array([[1.0, 5.0], [0.0, 0.0]]),
        left=np.array([[-1, -2], [-1, 0]], np.int32),
        right=np.array([[1, -3], [-2, 0]], np.int32),
        value=np.array([[0.5, 1.0, 2.0], [10.0, 20.0, 0.0]]),
    )
    rows = np.array([[1.0, 0.0], [2.0, 5.0], [2.0, 6.0]])
    total = np.array([0.5 + 10, 1.0 + 20, 2.0 + 20])
    assert ensemble.probabilities(rows) == pytest.approx(1 / (1 + np.exp(-total)))
