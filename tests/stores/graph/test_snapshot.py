"""The graph in memory: the same whatever its history, and PageRank as it is defined."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hetarag.stores.graph import snapshot as graph_snapshot
from hetarag.stores.graph.pagerank import DAMPING, SEED_SHARE
from hetarag.stores.graph.snapshot import Edge, Edges, GraphSnapshot, Passage
from hetarag.testing.records import entity
from hetarag.types import Filter, LinkedEntity, Query, Seed

UNTAGGED = Filter()


def passage(number: int, *names: str, tags: tuple[str, ...] = (), title: str = "") -> Passage:
    edges = tuple(Edge(entity(name).id, 1, name == title) for name in dict.fromkeys(names))
    return Passage(f"p{number:03}", f"d{number % 2}", "c", tags, edges)


def asking(*names: str, seeds: tuple[str, ...] = (), restriction: Filter = UNTAGGED) -> Query:
    linked = tuple(LinkedEntity(entity(name), name, 1.0) for name in names)
    return Query("", entities=linked, seeds=tuple(Seed(i, 1.0) for i in seeds), filter=restriction)


def scores(snapshot: GraphSnapshot, query: Query) -> dict[str, float]:
    return dict(snapshot.search(query, 10_000))


def test_the_walk_reaches_passages_over_shared_entities() -> None:
    chain = [passage(n, f"e{n}", f"e{n + 1}") for n in range(4)]
    found = scores(GraphSnapshot([*chain, passage(9, "elsewhere")]), asking("e0"))
    assert [*found] == ["p000", "p001", "p002", "p003"]
    assert all(one > other for one, other in pairwise(found.values()))


def test_shares_add_up_to_at_most_one() -> None:
    snapshot = GraphSnapshot([passage(n, "hub", f"e{n}", f"e{n + 1}") for n in range(20)])
    assert 0 < sum(scores(snapshot, asking("e3", seeds=("p007",))).values()) < 1


def test_one_passage_and_one_entity_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hetarag.stores.graph.pagerank.DAMPING", 0.5)
    monkeypatch.setattr("hetarag.stores.graph.pagerank.STEPS", 60)
    # e = 1/2 + 1/2 p and p = 1/2 e, so p = 1/3
    assert scores(GraphSnapshot([passage(1, "a")]), asking("a")) == pytest.approx({"p001": 1 / 3})


@pytest.mark.parametrize("width", [60, 1_500])  # entities that many passages name, or mostly one
@pytest.mark.parametrize("start", [("entities",), ("seeds",), ("entities", "seeds")])
def test_the_walk_is_near_its_end(start: tuple[str, ...], width: int) -> None:
    random = np.random.default_rng(4)
    names = [random.choice(width, size=4, replace=False).tolist() for _ in range(150)]
    snapshot = GraphSnapshot([passage(n, *(f"e{e}" for e in own)) for n, own in enumerate(names)])
    walk = snapshot._current().walk
    column = snapshot._current().entity_of
    first = names[0][0], names[1][1]
    entities = (
        {column[entity(f"e{e}").id]: weight for e, weight in zip(first, (1.0, 0.5), strict=True)}
        if "entities" in start
        else {}
    )
    seeds = {7: 1.0} if "seeds" in start else {}
    named = np.zeros((150, width))
    for row, own in enumerate(names):
        named[row, own] = 1.0
    frequency = named.sum(0)
    rarity = np.log1p(150 / np.maximum(frequency, 1)) * (frequency > 0)
    down = named / np.maximum(frequency, 1)
    up = (named * rarity / (named @ rarity)[:, None]).T
    share = SEED_SHARE if entities and seeds else float(not entities)
    at_entity, at_passage = np.zeros(width), np.zeros(150)
    if entities:
        at_entity[list(first)] = np.array([1.0, 0.5]) * rarity[list(first)]
        at_entity *= (1 - DAMPING) * (1 - share) / at_entity.sum()
    if seeds:
        at_passage[7] = (1 - DAMPING) * share
    # p = at_passage + d · down · e and e = at_entity + d · up · p
    system = np.eye(150) - DAMPING**2 * down @ up
    end = np.linalg.solve(system, at_passage + DAMPING * down @ at_entity)
    found = walk.scores(entities, seeds, lambda: None)
    assert np.abs(found - end).sum() < 0.01 * end.sum()
    assert np.argsort(-found)[:10].tolist() == np.argsort(-end)[:10].tolist()


def test_rare_entities_lead_farther_than_hubs() -> None:
    crowd = [passage(n, "hub", f"x{n}") for n in range(10, 40)]
    found = scores(
        GraphSnapshot([passage(0, "asked", "hub", "rare"), passage(1, "rare"), *crowd]),
        asking("asked"),
    )
    assert found["p001"] > 5 * found["p010"]


def test_seeds_alone_are_enough_and_unknown_ones_are_not() -> None:
    snapshot = GraphSnapshot([passage(0, "a"), passage(1, "a"), passage(2, "b")])
    assert set(scores(snapshot, asking(seeds=("p000",)))) == {"p000", "p001"}
    assert scores(snapshot, asking("unknown", seeds=("p777",))) == {}
    assert scores(snapshot, asking()) == {}
    assert scores(GraphSnapshot(), asking("a")) == {}


def test_what_may_not_be_seen_has_no_say() -> None:
    open_ = [passage(n, "a", f"e{n}") for n in range(3)]
    secret = [passage(n, "a", "e1", "bridge", tags=("secret",)) for n in range(10, 20)]
    far = passage(3, "bridge")
    query = asking("a", restriction=Filter())
    assert scores(GraphSnapshot([*open_, *secret, far]), query) == scores(
        GraphSnapshot([*open_, far]), query
    )
    allowed = asking("a", restriction=Filter(tags=frozenset(["secret"])))
    assert "p003" in scores(GraphSnapshot([*open_, *secret, far]), allowed)


def test_a_search_is_not_touched_by_later_writes() -> None:
    snapshot = GraphSnapshot([passage(n, "a", f"e{n}") for n in range(5)])
    before = scores(snapshot, asking("a"))

    def write() -> None:
        snapshot.remove(["p000"])
        snapshot.put([passage(50, "a")])

    assert dict(snapshot.search(asking("a"), 99, write)) == before
    assert set(scores(snapshot, asking("a"))) == {"p001", "p002", "p003", "p004", "p050"}


def test_an_entity_in_very_many_passages() -> None:
    snapshot = GraphSnapshot([passage(n, "hub", f"e{n % 50}") for n in range(3_000)])
    found = scores(snapshot, asking("hub", "e7"))
    assert len(found) == 3_000
    assert max(found, key=lambda i: (found[i], i)) in {f"p{n:03}" for n in range(7, 3_000, 50)}


@pytest.mark.parametrize("compact", [2, 1_000])
@settings(max_examples=40, deadline=None)
@given(
    history=st.lists(
        st.tuples(st.booleans(), st.integers(0, 9), st.lists(st.sampled_from("abcdef"))),
        max_size=30,
    )
)
def test_the_same_passages_give_the_same_scores(
    compact: int, history: list[tuple[bool, int, list[str]]]
) -> None:
    live: dict[str, Passage] = {}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(graph_snapshot, "_COMPACT", compact)
        lived = GraphSnapshot()
        for adding, number, names in history:
            one = passage(number, *names, title=names[0] if names else "")
            if adding:
                lived.put([one])
                live[one.id] = one
            else:
                lived.remove([one.id])
                live.pop(one.id, None)
            lived.search(asking("a"), 3)
    fresh = GraphSnapshot(live.values())
    assert len(lived) == len(live)
    for query in (asking("a"), asking("b", "c", seeds=("p003",))):
        by_lived, by_fresh = scores(lived, query), scores(fresh, query)
        assert by_lived == pytest.approx(by_fresh, abs=1e-11)
        assert sorted(by_lived) == sorted(by_fresh)


def test_columns_give_the_same_scores_as_passages() -> None:
    random = np.random.default_rng(7)
    names = [
        [f"e{n}" for n in random.choice(30, size=int(random.integers(0, 5)))] for _ in range(60)
    ]
    passages = [passage(n, *own, title=own[0] if own else "") for n, own in enumerate(names)]
    entities = sorted({edge.entity for one in passages for edge in one.edges})
    lines = [
        (place, entities.index(edge.entity), edge.times, edge.in_title)
        for place, one in enumerate(passages)
        for edge in one.edges
    ]
    random.shuffle(lines)
    edges = Edges(*(np.array(column) for column in zip(*lines, strict=True)))
    filled = GraphSnapshot.of([one._replace(edges=()) for one in passages], entities, edges)
    other = GraphSnapshot(passages)
    for snapshot in (filled, other):  # and both go on alike
        snapshot.put([passage(3, "e1", "new"), passage(200, "new", "e2")])
        snapshot.remove(["p007"])
    for query in (asking("e1"), asking("new", "e4", seeds=("p005",))):
        assert scores(filled, query) == pytest.approx(scores(other, query), abs=1e-11)
    assert filled.ids() == other.ids()


def test_the_best_k_come_with_those_that_share_the_last_place() -> None:
    snapshot = GraphSnapshot([passage(n, "a", *["b"] * (n < 2)) for n in range(8)])
    query = asking("a", "b")
    assert {i for i, _ in snapshot.search(query, 1)} == {"p000", "p001"}
    assert {i for i, _ in snapshot.search(query, 2)} == {"p000", "p001"}
    assert len(snapshot.search(query, 3)) == 8


def test_scores_are_rounded_so_that_they_repeat() -> None:
    snapshot = GraphSnapshot([passage(n, "a", f"e{n}") for n in range(7)])
    found = np.array([*scores(snapshot, asking("a")).values()])
    assert (found == np.round(found, 12)).all()
    assert len(set(found)) == 1
