"""The learned fuser: what it may not do whatever it has learnt, and what it does beside SQL."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from hetarag.retrievers.fusion import Lists, reciprocal_rank
from hetarag.retrievers.reranking.features import LISTS, NONE
from hetarag.retrievers.reranking.learned_fusion import FUSER, NAMES, NEEDED, learned, rows_of
from hetarag.retrievers.reranking.tree_ensemble import packaged
from hetarag.types import Hit


def hits(store: str, *scored: tuple[str, float]) -> tuple[Hit, ...]:
    return tuple(Hit(store, i, rank, score) for rank, (i, score) in enumerate(scored, start=1))


FOUND: Lists = {
    "vector": hits("vector", ("a", 0.9), ("b", 0.5), ("c", 0.1)),
    "fulltext": hits("fulltext", ("b", 12.0), ("d", 4.0)),
    "graph": hits("graph", ("b", 0.3), ("e", 0.1)),
    "hops": hits("hops", ("e", 0.2)),
}


def test_a_row_has_rank_and_score_of_each_list() -> None:
    ids, rows = rows_of(FOUND)
    assert ids == ["a", "b", "c", "d", "e"]
    row = dict(zip(NAMES, rows[ids.index("b")].tolist(), strict=True))
    assert row["vector rank"] == pytest.approx(1 / 7)
    assert row["vector score"] == pytest.approx(0.5)
    assert row["fulltext rank"] == pytest.approx(1 / 6)
    assert row["fulltext score"] == 1.0
    assert row["hops rank"] == pytest.approx(1 / 205)
    assert row["hops score"] == NONE
    assert packaged(FUSER).names == NAMES


def test_what_most_lists_have_near_their_top_is_first() -> None:
    fused = learned(FOUND, {})
    assert fused[0][0] == "b"
    assert {i for i, _ in fused} == {"a", "b", "c", "d", "e"}
    assert all(0 <= score <= 1 for _, score in fused)


@pytest.mark.parametrize("seed", range(5))
def test_a_better_place_never_costs(seed: int) -> None:
    draw = random.Random(seed)
    ids = [f"p{n:02}" for n in range(30)]
    lists: dict[str, tuple[Hit, ...]] = {}
    for name in LISTS:
        some = draw.sample(ids, 20)
        lists[name] = hits(name, *((i, 1 / (n + 1)) for n, i in enumerate(some)))
    before = dict(learned(lists, {}))
    for name in LISTS:
        places = list(lists[name])
        better, worse = places[11], places[10]  # they change places, and nothing else changes
        places[10] = replace(better, rank=worse.rank, score=worse.score)
        places[11] = replace(worse, rank=better.rank, score=better.score)
        after = dict(learned({**lists, name: tuple(places)}, {}))
        assert after[better.id] >= before[better.id]
        assert after[worse.id] <= before[worse.id]


@pytest.mark.parametrize("missing", NEEDED)
def test_without_a_list_that_it_needs_ranks_decide(missing: str) -> None:
    rest = {name: found for name, found in FOUND.items() if name != missing}
    weights = {"graph": 2.5}
    assert learned(rest, weights, k=20) == reciprocal_rank(rest, weights, k=20)
    assert learned({**rest, missing: ()}, weights, k=20) == reciprocal_rank(rest, weights, k=20)


def test_what_sql_computed_comes_first_and_its_rows_rise() -> None:
    lists = {
        **FOUND,
        "sql": hits("sql", ("d", 3.0), ("row", 2.0)),
        "computed": hits("computed", ("answer", 1.0)),
    }
    fused = learned(lists, {"computed": 10.0}, k=20)
    assert fused[0][0] == "answer"
    before, after = dict(learned(FOUND, {}, k=20)), dict(fused)
    assert after["d"] > before["d"]
    assert after["b"] == before["b"]
    assert after["row"] < after["b"]
