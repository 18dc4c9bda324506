"""What `protocols.Store` promises about searching, on the stores that rank chunks."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hetarag.errors import StoreError, StoreTimeoutError
from hetarag.ids import document_id
from hetarag.protocols import Store
from hetarag.types import Filter, LinkedEntity, Mention, Query, Record
from tests.stores.store_samples import (
    Bench,
    changed,
    chunk,
    content,
    entity,
    for_everything,
    for_record,
    vector,
)

HOSTILE = [
    "'; DROP TABLE chunks; --",
    '") RETURN c; MATCH (n) DETACH DELETE n //',
    "title:secret AND (body:* OR [a TO z]) ^3 ~2 \\",
    "nul\x00byte",
    "\U0001f9ff\U0001f469\u200d\U0001f680 emoji é\u0301 日本語",
    "\ud800 lone surrogate",
    "$ids {id: 1} %s {} {{0}}",
    "   ",
    "",
    "NaN",
]


def ids(store: Store, query: Query, k: int = 1000) -> list[str]:
    return [hit.id for hit in store.search(query, k)]


def test_hits_are_ranked_and_no_more_than_asked_for(ranked: Store) -> None:
    records = [chunk(number) for number in range(12)]
    ranked.apply(records)
    for k in (1, 5, 12, 13, 5000):
        hits = list(ranked.search(for_everything(), k))
        assert len(hits) == min(k, 12)
        assert [hit.rank for hit in hits] == [*range(1, len(hits) + 1)]
        assert [hit.store for hit in hits] == [ranked.kind] * len(hits)
        keys = [(-hit.score, hit.id) for hit in hits]
        assert keys == sorted(keys)
    assert list(ranked.search(for_everything(), 0)) == []


def test_each_record_is_found_first_by_its_own_question(ranked: Store) -> None:
    records = [chunk(number) for number in range(30)]
    ranked.apply(records)
    for record in records:
        assert ids(ranked, for_record(record), 3)[0] == record.id


def test_a_search_sees_every_write(ranked: Store) -> None:
    records = [chunk(number) for number in range(6)]
    ranked.apply(records)
    assert set(ids(ranked, for_everything())) == {record.id for record in records}
    ranked.delete([records[0].id])
    ranked.apply([chunk(6), changed(records[1])])
    expected = {record.id for record in records[1:]} | {chunk(6).id}
    assert set(ids(ranked, for_everything())) == expected
    assert ids(ranked, for_record(changed(records[1])), 1) == [records[1].id]


def test_equal_scores_come_in_the_order_of_their_ids(ranked: Store) -> None:
    records = [chunk(number, alike=True) for number in range(60)]
    ranked.apply(records[30:])
    ranked.apply(records[:30])
    in_order = sorted(record.id for record in records)
    for k in (1, 7, 59, 60):
        hits = list(ranked.search(for_everything(), k))
        assert [hit.id for hit in hits] == in_order[:k]
        assert len({hit.score for hit in hits}) == 1


def test_a_question_without_what_the_store_needs_has_no_hits(ranked: Store) -> None:
    ranked.apply([chunk(number) for number in range(3)])
    unknown = LinkedEntity(entity("nobody heard of it"), "it", 1.0)
    for query in (Query(""), Query("?!"), Query("zzz", entities=(unknown,))):
        assert list(ranked.search(query, 5)) == []


def test_a_passed_deadline_ends_the_search(ranked: Store) -> None:
    ranked.apply([chunk(number) for number in range(3)])
    late = replace(for_everything(), deadline=time.monotonic() - 1)
    with pytest.raises(StoreTimeoutError, match="deadline"):
        ranked.search(late, 5)
    in_time = replace(for_everything(), deadline=time.monotonic() + 60)
    assert len(ranked.search(in_time, 5)) == 3


def test_a_closed_store_does_not_search(ranked: Store) -> None:
    ranked.close()
    with pytest.raises(StoreError, match="closed"):
        ranked.search(for_everything(), 5)


def test_hostile_text_is_only_text(ranked: Store) -> None:
    for text in HOSTILE:
        check_hostile(ranked, text)


def check_hostile(store: Store, text: str) -> None:
    plain = chunk(0)
    odd = chunk(1, title=text, text=f"Common ground {text}", tags=[text])
    odd = replace(odd, collection=text or "c")
    mention = Mention(entity(text.encode(errors="replace").decode()), text, 0, 0, 1)
    odd = replace(odd, mentions=(*odd.mentions, mention))
    store.apply([plain, odd])
    assert dict(store.scan()) == content([plain, odd]), text
    for restriction in (Filter(), Filter(tags=frozenset([text])), Filter(tags=frozenset(["#"]))):
        expected = {r.id for r in (plain, odd) if restriction.admits("c", "d", r.tags)}
        assert set(ids(store, for_everything(restriction))) == expected, text
    inside = Filter(collections=frozenset([odd.collection]), tags=None)
    assert odd.id in ids(store, for_everything(inside)), text
    asked = replace(for_everything(), text=text, entities=(LinkedEntity(mention.entity, text, 1),))
    assert set(ids(store, asked)) <= {plain.id, odd.id}, text
    store.delete([odd.id])
    assert dict(store.scan()) == content([plain]), text


def test_words_without_spaces_between_them_are_found(ranked: Store) -> None:
    if ranked.kind != "fulltext":
        pytest.skip("reads words")
    ship = chunk(1, title="前进号", text="前进号由科林·阿彻设计，用于南森的北极探险。")
    ranked.apply([ship, chunk(2, title="北京", text="北京是一座城市。")])
    for question in ("谁设计了前进号？", "阿彻", "南森の探险"):
        found = ranked.search(Query(question, filter=Filter(tags=None)), 2)
        assert found[0].id == ship.id


def test_a_megabyte_of_text(ranked: Store) -> None:
    words = " ".join(f"w{number % 5000}" for number in range(180_000))
    assert len(words) > 1_000_000
    big = chunk(1, text="common ground " + words)
    line = chunk(2, text="common ground " + "x" * 1_000_000, title="y" * 70_000)
    ranked.apply([chunk(0), big, line])
    assert set(ids(ranked, for_everything())) == {chunk(0).id, big.id, line.id}
    assert ids(ranked, replace(for_everything(), text=words), 3)


# ---------------------------------------------------------------- filters

WORLD = [
    chunk(number, collection=f"c{number % 3}", document=f"d{number % 7}", tags=tags)
    for number, tags in enumerate(
        [(), ("a",), ("b",), ("a", "b"), ("A",), ("#",), ("\x00",), ("a b",), ("none",)] * 5
    )
]
tag_sets = st.none() | st.frozensets(
    st.sampled_from(["a", "b", "A", "#", "#a", "\x00", "a b", "none", "unknown"]), max_size=4
)
document_sets = st.none() | st.frozensets(
    st.builds(
        document_id,
        st.sampled_from(["c0", "c1", "c2"]),
        st.integers(0, 8).map(lambda number: f"d{number}"),
    ),
    max_size=12,
)
filters = st.builds(
    Filter,
    collections=st.frozensets(st.sampled_from(["c0", "c1", "c2", "c9"]), max_size=3),
    documents=document_sets,
    tags=tag_sets,
)


@pytest.fixture(scope="module")
def world(module_bench: Bench) -> Store:
    store = module_bench.beside(module_bench.folder.with_name("world")).open()
    store.apply(WORLD)
    return store


@settings(max_examples=60, deadline=None, suppress_health_check=[*HealthCheck])
@given(restriction=filters)
def test_filters_admit_what_filter_admits(world: Store, restriction: Filter) -> None:
    admitted = {r.id for r in WORLD if restriction.admits(r.collection, r.document_id, r.tags)}
    assert set(ids(world, for_everything(restriction))) == admitted


@settings(max_examples=30, deadline=None, suppress_health_check=[*HealthCheck])
@given(restriction=filters, seed=st.integers(0, 99), k=st.integers(1, 60))
def test_the_first_k_are_the_first_k_of_all(
    world: Store, restriction: Filter, seed: int, k: int
) -> None:
    query = replace(for_everything(restriction), vector=vector(seed))
    assert list(world.search(query, k)) == list(world.search(query, 1000))[:k]


def test_ten_thousand_documents_in_a_filter(world: Store) -> None:
    wanted = WORLD[4]
    many = frozenset([wanted.document_id, *(document_id("x", str(i)) for i in range(10_000))])
    found = ids(world, for_everything(Filter(documents=many, tags=None)))
    assert set(found) == {r.id for r in WORLD if r.document_id == wanted.document_id}


# ---------------------------------------------------------------- histories

batches = st.lists(
    st.tuples(st.booleans(), st.lists(st.integers(0, 14), min_size=1, max_size=6)), max_size=8
)


@pytest.fixture(scope="module")
def lived(module_bench: Bench) -> Store:
    """A store that is used by one example after the other."""
    return module_bench.beside(module_bench.folder.with_name("lived")).open()


@settings(max_examples=5, deadline=None, suppress_health_check=[*HealthCheck])
@given(history=batches)
def test_the_same_content_ranks_the_same_whatever_its_history(
    module_bench: Bench, lived: Store, history: list[tuple[bool, list[int]]]
) -> None:
    live: dict[str, Record] = {}
    lived.delete([identifier for identifier, _ in lived.scan()])
    for adding, numbers in [*history, (True, [1, 2])]:
        records = [chunk(number) for number in numbers]
        if adding:
            lived.apply(records)
            live.update((record.id, record) for record in records)
        else:
            lived.delete([record.id for record in records])
            for record in records:
                live.pop(record.id, None)
    assert dict(lived.scan()) == content(live.values())
    with TemporaryDirectory() as folder:
        fresh = module_bench.beside(Path(folder) / "fresh").open()
        fresh.apply([*live.values()])
        for query in (for_everything(), for_record(chunk(1))):
            one, other = list(lived.search(query, 20)), list(fresh.search(query, 20))
            assert [hit.id for hit in one] == [hit.id for hit in other]
            scores = [hit.score for hit in other]
            assert [h.score for h in one] == pytest.approx(scores) or module_bench.counts_deleted
        fresh.close()
