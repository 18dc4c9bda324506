"""What belongs to the Neo4j store alone: its address, several processes, a server that is not well."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from hetarag.errors import StoreError, StoreTimeoutError
from hetarag.protocols import Store
from hetarag.stores.graph.ladybug import LadybugStore
from hetarag.stores.graph.neo4j import Neo4jStore
from hetarag.stores.graph.neo4j_connection import Address
from hetarag.stores.registry import StoreOptions, open_store
from hetarag.testing.records import (
    StoreUnderTest,
    changed,
    chunk,
    digests_of,
    entity,
    query_for,
    query_for_all,
    run_together,
)
from hetarag.types import Filter, LinkedEntity, Query, Seed
from tests.servers.neo4j_server import PASSWORD, Neo4jServer
from tests.servers.process import free_port
from tests.servers.running import neo4j_server


@pytest.fixture
def place(tmp_path: Path) -> Iterator[StoreUnderTest]:
    bench = StoreUnderTest("graph", neo4j_server().url).at(tmp_path / "one")
    yield bench
    bench.close()


def found(store: object, query: Query | None = None, seconds: float = 20.0) -> list[str]:
    from dataclasses import replace

    query = replace(query or query_for_all(), deadline=time.monotonic() + seconds)
    return [hit.id for hit in store.search(query, 100)]  # type: ignore[attr-defined]


# ---------------------------------------------------------------- addresses


def test_addresses_are_taken_apart() -> None:
    assert Address.of("bolt://neo4j:p%40ss%2Fword@host:7000/?database=books") == Address(
        "bolt://host:7000", "neo4j", "p@ss/word", "books"
    )
    assert Address.of("neo4j+s://[::1]").uri == "neo4j+s://[::1]:7687"


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("bolt://u:secret@host:7687?databse=x", "unknown parameter databse; known: database"),
        ("bolt://u:secret@", "no host"),
        ("bolt://u:secret@host:port", "no host or a port"),
        ("bolt://u:secret@host:7687/books", "nothing may follow the port"),
    ],
)
def test_wrong_addresses_are_explained(address: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=message) as caught:
        open_store("graph", address, tmp_path, StoreOptions())
    assert "stores.graph" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_prefix_that_is_no_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="prefix"):
        open_store("graph", "bolt://host", tmp_path, StoreOptions(prefix="a`) DETACH DELETE n //"))


def test_a_server_that_is_down_is_met_at_the_first_use(tmp_path: Path) -> None:
    address = f"bolt://neo4j:secret@127.0.0.1:{free_port()}"
    store = open_store("graph", address, tmp_path, StoreOptions())
    health = store.health()
    assert not health.ok
    began = time.monotonic()
    with pytest.raises(StoreError, match="check that the server runs") as caught:
        store.apply([chunk(1)])
    assert time.monotonic() - began < 20
    for text in (health.detail, str(caught.value)):
        assert "secret" not in text
    store.close()


def test_a_wrong_password_and_an_unknown_database_are_explained(place: StoreUnderTest) -> None:
    for address, message in (
        (place.address.replace(PASSWORD, "wr0ng-one"), "check user and password"),
        (place.address + "?database=nowhere", "nowhere"),
        (place.address.replace("bolt:", "bolt+s:"), "kind of encryption"),
    ):
        store = Neo4jStore(address)
        with pytest.raises(StoreError, match=message) as caught:
            store.digests(["x"])
        assert "wr0ng-one" not in str(caught.value)
        assert PASSWORD not in str(caught.value)
        store.close()


def test_a_server_that_is_too_old_is_refused(
    place: StoreUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No old server is at hand: the real one is, when the oldest that can be used is newer."""
    monkeypatch.setattr("hetarag.stores.graph.neo4j_connection._LEAST_VERSION", 99)
    with pytest.raises(StoreError, match="the oldest that can be used is 99: upgrade the server"):
        place.open().apply([chunk(1)])


def test_labels_of_someone_else_are_left_alone(place: StoreUnderTest) -> None:
    neo4j_server().run(f"CREATE (:`{place.prefix}_Chunk` {{name: 'of another program'}})")
    with pytest.raises(StoreError, match="hetarag did not make"):
        place.open().apply([chunk(1)])


# ---------------------------------------------------------------- content


def test_knowledge_bases_share_a_server(place: StoreUnderTest, tmp_path: Path) -> None:
    other = place.at(tmp_path / "two")
    one, two = place.open(), other.open()
    one.apply([chunk(n) for n in range(5)])
    two.apply([changed(chunk(1)), chunk(2)])
    one.delete([chunk(2).id])
    assert dict(one.scan()) == digests_of(chunk(n) for n in (0, 1, 3, 4))
    assert dict(two.scan()) == digests_of([changed(chunk(1)), chunk(2)])
    two.delete([i for i, _ in two.scan()])
    left = neo4j_server().run(f"MATCH (n:`{other.prefix}_Entity`) RETURN count(n)")
    assert left == [[0]]
    assert found(one) == sorted(found(one), key=found(one).index)
    assert len(found(one)) == 4
    other.close()


def test_both_engines_rank_alike(place: StoreUnderTest, tmp_path: Path) -> None:
    records = [chunk(n, tags=("t",) if n % 5 == 0 else ()) for n in range(80)]
    embedded = LadybugStore(tmp_path / "ladybug")
    served = place.open()
    for store in (embedded, served):
        store.apply(records)
        store.delete([records[3].id, records[40].id])
    seeded = Query("", seeds=(Seed(records[7].id, 1.0), Seed(records[9].id, 0.5)))
    for query in (query_for_all(), query_for_all(Filter()), query_for(records[8]), seeded):
        one, other = embedded.search(query, 20), served.search(query, 20)
        assert [(hit.id, hit.score) for hit in one] == [(hit.id, hit.score) for hit in other]
    embedded.close()


def test_what_another_process_writes_is_seen_by_the_next_search(place: StoreUnderTest) -> None:
    one, two = place.open(), place.open()
    one.apply([chunk(n) for n in range(6)])
    assert len(found(one)) == len(found(two)) == 6
    two.apply([chunk(6), changed(chunk(1))])
    assert set(found(one)) == {chunk(n).id for n in range(7)}
    assert found(one, query_for(changed(chunk(1))))[0] == chunk(1).id
    two.delete([chunk(0).id, chunk(1).id])
    assert set(found(one)) == {chunk(n).id for n in range(2, 7)}
    one.delete([chunk(2).id])
    two.apply([chunk(8)])
    one.apply([chunk(9)])
    expected = {chunk(n).id for n in (3, 4, 5, 6, 8, 9)}
    assert set(found(one)) == set(found(two)) == expected
    time.sleep(1.1)
    assert set(found(one)) == set(found(two)) == expected


def test_writers_at_the_same_time_lose_and_double_nothing(place: StoreUnderTest) -> None:
    stores = [place.open() for _ in range(4)]

    def write(store: Store, own: int) -> None:
        for turn in range(6):
            store.apply([chunk(n) for n in range(turn * 10, turn * 10 + 10)])
            store.apply([chunk(1000 + own * 100 + turn)])

    assert run_together(*(partial(write, store, own) for own, store in enumerate(stores))) == []
    expected = [chunk(n) for n in range(60)]
    expected += [chunk(1000 + own * 100 + turn) for own in range(4) for turn in range(6)]
    assert dict(stores[0].scan()) == digests_of(expected)
    doubled = neo4j_server().run(
        f"MATCH (c:`{place.prefix}_Chunk`)-[m:`{place.prefix}_MENTIONS`]->(e) "
        "WITH c, e, count(m) AS n WHERE n > 1 RETURN count(*)"
    )
    assert doubled == [[0]]
    for store in stores:
        assert set(found(store)) == {record.id for record in expected}


def test_writers_that_begin_at_the_same_moment_make_the_indexes_once(tmp_path: Path) -> None:
    def begin(bench: StoreUnderTest, ready: threading.Barrier) -> None:
        store = bench.open()
        ready.wait()
        store.apply([chunk(1)])

    for turn in range(5):
        bench = StoreUnderTest("graph", neo4j_server().url).at(tmp_path / str(turn))
        assert run_together(*[partial(begin, bench, threading.Barrier(6))] * 6) == []
        assert dict(bench.open().scan()) == digests_of([chunk(1)])
        bench.close()


def test_a_graph_that_is_too_large_to_copy_is_asked_for_a_neighbourhood(
    place: StoreUnderTest,
) -> None:
    records = [chunk(n, tags=("t",) if n % 4 == 0 else ()) for n in range(40)]
    store = place.open()
    store.apply(records)
    small = Neo4jStore(place.address, place.prefix, snapshot_edges=10)
    for query in (query_for_all(), query_for_all(Filter()), query_for(records[8])):
        one, other = store.search(query, 40), small.search(query, 40)
        assert [hit.id for hit in one] == [hit.id for hit in other]
    inside = Filter(documents=frozenset([records[7].document_id]), tags=None)
    assert found(small, query_for_all(inside)) == found(store, query_for_all(inside))
    unknown = LinkedEntity(entity("nobody"), "nobody", 1.0)
    assert found(small, Query("", entities=(unknown,))) == []
    assert small._snapshot is None
    small.close()


# ---------------------------------------------------------------- a server that is not well


def test_a_frozen_server_is_late_and_then_answers_again(neo4j_alone: Neo4jServer) -> None:
    store = Neo4jStore(neo4j_alone.url, "frozen")
    store.apply([chunk(n) for n in range(5)])
    assert len(found(store)) == 5
    neo4j_alone.signal(signal.SIGSTOP)
    try:
        for _ in range(3):
            began = time.monotonic()
            with pytest.raises(StoreTimeoutError, match="deadline"):
                found(store, seconds=1.0)
            assert time.monotonic() - began < 1.5
        assert not store.health().ok
    finally:
        neo4j_alone.signal(signal.SIGCONT)
    assert len(found(store, seconds=30)) == 5
    store.apply([chunk(6)])
    assert len(found(store)) == 6
    store.close()


def test_a_store_on_a_frozen_server_can_be_closed(neo4j_alone: Neo4jServer) -> None:
    store = Neo4jStore(neo4j_alone.url, "frozen")
    store.digests(["x"])
    neo4j_alone.signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        store.close()
        assert time.monotonic() - began < 10
    finally:
        neo4j_alone.signal(signal.SIGCONT)


def test_a_killed_server_that_returns_has_everything(neo4j_alone: Neo4jServer) -> None:
    store = Neo4jStore(neo4j_alone.url, "killed")
    store.apply([chunk(n) for n in range(20)])
    assert len(found(store)) == 20
    neo4j_alone.kill()
    began = time.monotonic()
    with pytest.raises(StoreError, match="check that the server runs") as caught:
        found(store, seconds=30)
    assert PASSWORD not in str(caught.value)
    assert time.monotonic() - began < 20
    neo4j_alone.start()
    assert len(found(store, seconds=60)) == 20
    store.apply([chunk(21)])
    assert dict(store.scan()) == digests_of(chunk(n) for n in (*range(20), 21))
    store.close()
