import pytest

from hetarag.ids import entity_id
from hetarag.retrievers.router import ROUTERS, route_all, route_by_rules
from hetarag.types import STORE_KINDS, Entity, LinkedEntity, Query

STORES = {kind: kind for kind in STORE_KINDS}


def test_all_asks_every_store_alike() -> None:
    plan = route_all(Query("how many"), 10, STORES)
    assert {p.weight for p in plan.values()} == {1.0}
    assert set(plan) == {*STORE_KINDS, "hops", "computed"}


@pytest.mark.parametrize(
    ("question", "store"),
    [
        ('Who wrote "The Worst Journey"?', "fulltext"),
        ("What does part XJ-900 cost?", "fulltext"),
        ("How many ships were built in Dundee?", "sql"),
        ("Which is the longest ship?", "sql"),
    ],
)
def test_rules_raise_the_store_that_the_question_needs(question: str, store: str) -> None:
    plan = route_by_rules(Query(question), 10, STORES)
    assert plan[store].weight == max(plan[kind].weight for kind in STORE_KINDS) > 1.0, plan


def test_a_named_entity_raises_the_graph() -> None:
    entity = Entity(entity_id("fram"), "fram", "Fram")
    named = Query("Who designed the Fram?", entities=(LinkedEntity(entity, "Fram", 1.0),))
    with_name = route_by_rules(named, 10, {"graph": "graph"})["graph"]
    without = route_by_rules(Query("Who designed it?"), 10, {"graph": "graph"})["graph"]
    assert with_name.weight > without.weight
    assert "Fram" in with_name.reason


@pytest.mark.parametrize("router", ROUTERS.values())
def test_every_plan_gives_its_reason_and_enough_candidates(router) -> None:  # type: ignore[no-untyped-def]
    for plan in router(Query("anything"), 80, STORES).values():
        assert plan.reason, plan
        assert plan.k >= 80
