import pytest

from hetarag.retrievers import FUSIONS, fuser
from hetarag.retrievers.fusion import (
    convex_min_max,
    convex_z_score,
    distribution_based,
    reciprocal_rank,
)
from hetarag.types import Hit


def hits(store: str, *scored: tuple[str, float]) -> tuple[Hit, ...]:
    return tuple(Hit(store, i, rank, score) for rank, (i, score) in enumerate(scored, start=1))


LISTS = {
    "vector": hits("vector", ("a", 0.9), ("b", 0.5), ("c", 0.1)),
    "fulltext": hits("fulltext", ("b", 12.0), ("d", 4.0)),
}


def test_reciprocal_rank() -> None:
    fused = dict(reciprocal_rank(LISTS, {}, k=60))
    assert fused == pytest.approx({"a": 1 / 61, "b": 1 / 62 + 1 / 61, "c": 1 / 63, "d": 1 / 62})
    assert [i for i, _ in reciprocal_rank(LISTS, {})] == ["b", "a", "d", "c"]


def test_reciprocal_rank_weighs_stores() -> None:
    fused = dict(reciprocal_rank(LISTS, {"fulltext": 3.0}, k=1))
    assert fused == pytest.approx({"a": 1 / 2, "b": 1 / 3 + 3 / 2, "c": 1 / 4, "d": 3 / 3})


def test_min_max_scales_each_list() -> None:
    fused = dict(convex_min_max(LISTS, {"vector": 1.0, "fulltext": 3.0}))
    assert fused == pytest.approx({"a": 0.25, "b": 0.25 * 0.5 + 0.75, "c": 0.0, "d": 0.0})


def test_z_score_counts_deviations() -> None:
    fused = dict(convex_z_score({"x": hits("x", ("a", 3.0), ("b", 1.0))}, {}))
    assert fused == pytest.approx({"a": 1.0, "b": -1.0})


def test_distribution_based_is_half_at_the_mean() -> None:
    fused = dict(distribution_based({"x": hits("x", ("a", 3.0), ("m", 2.0), ("b", 1.0))}, {}))
    assert fused["m"] == pytest.approx(0.5)
    assert fused["a"] == pytest.approx(0.5 + 1 / (6 * (2 / 3) ** 0.5))


@pytest.mark.parametrize(
    "fuse", [reciprocal_rank, convex_min_max, convex_z_score, distribution_based]
)
def test_ties_stand_in_the_order_of_their_ids(fuse) -> None:  # type: ignore[no-untyped-def]
    lists = {"x": hits("x", ("b", 1.0)), "y": hits("y", ("a", 1.0))}
    assert [i for i, _ in fuse(lists, {})] == ["a", "b"]


@pytest.mark.parametrize(
    "fuse", [reciprocal_rank, convex_min_max, convex_z_score, distribution_based]
)
def test_nothing_in_nothing_out(fuse) -> None:  # type: ignore[no-untyped-def]
    assert fuse({}, {}) == []
    assert fuse({"x": ()}, {}) == []


@pytest.mark.parametrize("name", FUSIONS.names())
def test_by_its_name_no_method_scores_below_zero_or_orders_otherwise(name: str) -> None:
    fused = fuser(name, 60)(LISTS, {})
    assert min(score for _, score in fused) >= 0
    plain = {
        "rrf": reciprocal_rank,
        "convex": convex_min_max,
        "z-score": convex_z_score,
    }
    assert [i for i, _ in fused] == [i for i, _ in plain.get(name, distribution_based)(LISTS, {})]
    assert fuser(name, 60)({}, {}) == []
