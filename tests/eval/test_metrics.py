"""Answers scored by hand, and intervals against known figures."""

from __future__ import annotations

import pytest

from hetarag.eval.metrics import containment, exact_match, f1, retrieval_scores
from hetarag.eval.significance import bootstrap, mcnemar, paired


@pytest.mark.parametrize(
    ("answer", "gold", "em", "overlap", "contained"),
    [
        ("The Fram.", ["Fram"], 1.0, 1.0, 1.0),
        ("Roald Amundsen", ["Amundsen"], 0.0, 2 / 3, 1.0),
        ("Amundsen", ["Roald Amundsen"], 0.0, 2 / 3, 0.0),
        ("no", ["yes"], 0.0, 0.0, 0.0),
        ("yes, it was", ["yes"], 0.0, 0.0, 1.0),
        ("1911", ["14 December 1911", "1911"], 1.0, 1.0, 1.0),
        ("", ["Fram"], 0.0, 0.0, 0.0),
    ],
)
def test_an_answer_is_scored_as_squad_does(
    answer: str, gold: list[str], em: float, overlap: float, contained: float
) -> None:
    assert exact_match(answer, gold) == em
    assert f1(answer, gold) == pytest.approx(overlap)
    assert containment(answer, gold) == contained


def test_retrieval_is_scored_per_question() -> None:
    gold = {"one": frozenset({"a", "b"}), "two": frozenset({"c"}), "none": frozenset({"d"})}
    ranked = {"one": ["a", "x", "y", "z", "b"], "two": ["x", "c"]}
    scores = retrieval_scores(gold, ranked)
    assert scores["recall@2"] == {"one": 0.5, "two": 1.0, "none": 0.0}
    assert scores["recall@5"] == {"one": 1.0, "two": 1.0, "none": 0.0}
    assert scores["all@5"] == {"one": 1.0, "two": 1.0, "none": 0.0}
    assert scores["mrr"] == {"one": 1.0, "two": 0.5, "none": 0.0}


def test_intervals_hold_the_mean_and_shrink_with_the_sample() -> None:
    few, many = bootstrap([0.0, 1.0] * 10), bootstrap([0.0, 1.0] * 200)
    assert few.mean == many.mean == 0.5
    assert few.low < many.low < 0.5 < many.high < few.high
    # The normal approximation for a proportion: 0.5 +- 1.96 * sqrt(0.25 / 400).
    assert many.low == pytest.approx(0.451, abs=0.01)


def test_a_paired_difference_is_surer_than_two_means() -> None:
    one = [0.1 * i for i in range(50)]
    gap = paired([x + 0.5 for x in one], one)
    assert gap.mean == pytest.approx(0.5) == pytest.approx(gap.low)


def test_mcnemar_is_the_exact_binomial() -> None:
    one, other = [1, 1, 1, 1, 1, 0, 1, 0], [0, 0, 0, 0, 0, 1, 1, 0]
    # 5 against 1: 2 * (C(6, 0) + C(6, 1)) / 2**6
    assert mcnemar(one, other) == pytest.approx(14 / 64)
    assert mcnemar([1, 0], [1, 0]) == 1.0
