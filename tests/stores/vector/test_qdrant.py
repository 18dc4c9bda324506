"""The Qdrant adapter beside the contract: in process, and over HTTP to a stand-in for its server."""

from __future__ import annotations

import signal
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from hetarag.testing.records import DIMENSION, chunk, digests_of, query_for_all, unit_vector

pytest.importorskip("qdrant_client", reason="needs the extra hetarag[servers]")

from hetarag.errors import StoreError, StoreTimeoutError
from hetarag.stores.registry import StoreOptions
from hetarag.stores.vector.qdrant import QdrantStore
from hetarag.types import Filter, Query
from tests.servers.process import free_port
from tests.servers.qdrant_server import QdrantServer


@pytest.fixture
def store(tmp_path: Path) -> QdrantStore:
    return QdrantStore.open("qdrant+local://", tmp_path, StoreOptions(DIMENSION))


def test_scores_are_cosines_and_vectors_come_back(store: QdrantStore) -> None:
    records = [chunk(number) for number in range(5)]
    store.apply(records)
    asked = unit_vector(99)
    for hit in store.search(Query("", vector=asked), 5):
        own = store.vectors([hit.id, "no id"])[hit.id]
        assert own.dtype == np.float32
        assert hit.score == pytest.approx(float(own @ asked), abs=1e-5)


def test_another_dimension_is_refused_with_what_to_do(tmp_path: Path) -> None:
    store = QdrantStore.open("qdrant+local://", tmp_path, StoreOptions(DIMENSION))
    store.apply([chunk(0)])
    with pytest.raises(StoreError, match=r"shape \(3,\).*reindex"):
        store.search(Query("", vector=np.ones(3, np.float32)), 1)
    store.close()
    other = QdrantStore.open("qdrant+local://", tmp_path, StoreOptions(3))
    with pytest.raises(StoreError, match="8 dimensions.*makes 3.*embedder"):
        other.apply([chunk(1)])
    assert not other.health().ok
    other.close()
    again = QdrantStore.open("qdrant+local://", tmp_path, StoreOptions())
    assert dict(again.scan()) == digests_of([chunk(0)])
    again.close()


def test_the_dimension_is_that_of_the_first_vector_if_none_was_said(tmp_path: Path) -> None:
    store = QdrantStore.open("qdrant+local://", tmp_path, StoreOptions())
    assert list(store.search(query_for_all(), 3)) == []
    store.apply([chunk(0)])
    assert len(store.search(query_for_all(), 3)) == 1


def test_two_prefixes_are_two_stores(store: QdrantStore, tmp_path: Path) -> None:
    store.apply([chunk(0)])
    store.close()
    other = QdrantStore.open("qdrant+local://?prefix=kb2", tmp_path, StoreOptions(DIMENSION))
    assert dict(other.scan()) == {}
    other.close()


def test_a_folder_in_use_is_refused(store: QdrantStore, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="already accessed"):
        QdrantStore.open("qdrant+local://", tmp_path, StoreOptions(DIMENSION))


def test_the_folder_is_free_when_it_is_closed(store: QdrantStore, tmp_path: Path) -> None:
    store.apply([chunk(0)])
    inside, link = threading.Event(), store._link

    def call(client: object) -> None:
        inside.set()
        time.sleep(0.5)

    calling = threading.Thread(target=lambda: link.run("look at", call))
    calling.start()
    inside.wait(10)
    store.close()
    calling.join(0.1)
    assert not calling.is_alive()
    again = QdrantStore.open("qdrant+local://", tmp_path, StoreOptions(DIMENSION))
    assert dict(again.scan()) == digests_of([chunk(0)])
    again.close()


def test_everything_goes_over_grpc_when_asked(tmp_path: Path) -> None:
    """No REST interface is behind the address, so that nothing can go another way."""
    from tests.servers.qdrant_grpc import grpc_stand_in

    records = [chunk(number, collection="ab"[number % 2]) for number in range(9)]
    with grpc_stand_in(tmp_path / "engine") as (port, points):
        address = f"http://127.0.0.1:{free_port()}?grpc=true&grpc_port={port}"
        store = QdrantStore.open(address, tmp_path, StoreOptions(DIMENSION))
        store.apply(records)
        assert dict(store.scan()) == digests_of(records)
        assert store.digests([records[0].id, "nobody"]) == {records[0].id: records[0].digest}
        every = replace(query_for_all(), vector=records[3].vector)
        assert next(iter(store.search(every, 3))).id == records[3].id
        some = replace(every, filter=Filter(collections=frozenset("a")))
        assert {hit.id for hit in store.search(some, 9)} == {r.id for r in records[::2]}
        expected: Any = records[3].vector
        np.testing.assert_allclose(store.vectors([records[3].id])[records[3].id], expected)
        store.delete([records[0].id])
        assert dict(store.scan()) == digests_of(records[1:])
        store.close()
        assert {"index", "upsert", "query", "delete"} <= set(points.calls)


def test_a_grpc_port_that_is_silent_is_late(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        address = f"http://127.0.0.1:{port}?grpc=true&grpc_port={port}&timeout=1"
        store = QdrantStore.open(address, tmp_path, StoreOptions(DIMENSION))
        with pytest.raises(StoreTimeoutError, match="no answer in time.*timeout=SECONDS"):
            store.apply([chunk(0)])
        store.close()


def test_a_grpc_error_says_what_happened(tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}?grpc=true&grpc_port=1"
    store = QdrantStore.open(address, tmp_path, StoreOptions(DIMENSION))
    with pytest.raises(StoreError, match="failed to connect to all addresses") as caught:
        store.apply([chunk(0)])
    assert "_InactiveRpcError" not in str(caught.value)
    store.close()


@pytest.mark.parametrize("way", ["", "&grpc=true"])
def test_a_server_that_is_not_there_fails_when_it_is_asked(tmp_path: Path, way: str) -> None:
    address = f"http://127.0.0.1:{free_port()}?api_key=s3cret{way}"
    with pytest.warns(UserWarning, match="insecure"):
        store = QdrantStore.open(address, tmp_path, StoreOptions(DIMENSION))
    for call in (
        lambda: store.search(query_for_all(), 3),
        lambda: store.apply([chunk(0)]),
        lambda: dict(store.scan()),
    ):
        with pytest.raises(StoreError, match="no connection to 127.0.0.1.*stores.vector") as caught:
            call()
        assert not isinstance(caught.value, StoreTimeoutError)
        assert "s3cret" not in str(caught.value)
    assert not store.health().ok
    store.close()


# ---------------------------------------------------------------- over HTTP

RECORDS = [chunk(number) for number in range(6)]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[QdrantServer]:
    """A stand-in of the test's own, with a key."""
    made = QdrantServer(tmp_path / "server", "s3cretKey")
    made.start()
    yield made
    made.stop()


def opened(address: str, tmp_path: Path) -> QdrantStore:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a key over plain HTTP
        return QdrantStore.open(address, tmp_path, StoreOptions(DIMENSION, "kb"))


def everything(store: QdrantStore) -> set[str]:
    return {hit.id for hit in store.search(query_for_all(), 20)}


def test_a_wrong_key_is_refused_and_not_shown(server: QdrantServer, tmp_path: Path) -> None:
    store = opened(server.address.replace("s3cretKey", "wr0ng"), tmp_path)
    with pytest.raises(
        StoreError, match=r"refuses who asks; correct api_key in .*stores\.vector"
    ) as caught:
        store.apply(RECORDS)
    assert "wr0ng" not in str(caught.value)
    assert "wr0ng" not in store.health().detail
    store.close()


def test_https_against_a_plain_port(server: QdrantServer, tmp_path: Path) -> None:
    store = opened(server.address.replace("http:", "https:"), tmp_path)
    with pytest.raises(StoreError, match=r"no connection to 127.*stores\.vector") as caught:
        store.search(query_for_all(), 1)
    assert "s3cretKey" not in str(caught.value)
    store.close()


def test_a_collection_of_someone_else_is_left_alone(server: QdrantServer, tmp_path: Path) -> None:
    from qdrant_client import QdrantClient, models

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = QdrantClient(port=server.port, host="127.0.0.1", api_key="s3cretKey", https=False)
    client.create_collection(
        "kb-vector", models.VectorParams(size=DIMENSION, distance=models.Distance.EUCLID)
    )
    store = opened(server.address, tmp_path)
    with pytest.raises(StoreError, match=r"was not made by hetarag; .*prefix"):
        store.apply(RECORDS)
    assert client.count("kb-vector").count == 0
    other = opened(server.address + "&prefix=own", tmp_path)
    other.apply(RECORDS)
    assert dict(other.scan()) == digests_of(RECORDS)
    for each in (store, other, client):
        each.close()


def test_a_frozen_server_is_late_and_thaws(server: QdrantServer, tmp_path: Path) -> None:
    store = opened(server.address + "&timeout=2", tmp_path)
    store.apply(RECORDS)
    server.signal(signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(StoreTimeoutError, match="deadline"):
        store.search(replace(query_for_all(), deadline=began + 1.0), 3)
    with pytest.raises(StoreTimeoutError, match=r"timeout=SECONDS in stores\.vector"):
        store.apply(RECORDS[:1])
    assert time.monotonic() - began < 6
    server.signal(signal.SIGCONT)
    assert everything(store) == {record.id for record in RECORDS}
    store.close()


def test_what_is_under_way_when_it_is_closed_ends_well(
    server: QdrantServer, tmp_path: Path
) -> None:
    store = opened(server.address, tmp_path)
    store.apply(RECORDS)
    assert everything(store) == {record.id for record in RECORDS}  # the next asks only once
    found: list[set[str]] = []
    server.signal(signal.SIGSTOP)
    searching = threading.Thread(target=lambda: found.append(everything(store)))
    closing = threading.Thread(target=store.close)
    for thread in (searching, closing):
        thread.start()
        time.sleep(0.3)
    with pytest.raises(StoreError, match="is closed"):
        store.search(query_for_all(), 3)
    server.signal(signal.SIGCONT)
    for thread in (searching, closing):
        thread.join(10)
    assert found == [{record.id for record in RECORDS}]
    assert not closing.is_alive()


def test_a_restarted_server_has_its_data_and_is_found_again(
    server: QdrantServer, tmp_path: Path
) -> None:
    store = opened(server.address, tmp_path)
    store.apply(RECORDS)
    server.stop()
    with pytest.raises(StoreError, match="no connection"):
        store.search(query_for_all(), 3)
    with pytest.raises(StoreError, match="no connection"):
        store.delete([RECORDS[0].id])
    server.start()
    assert everything(store) == {record.id for record in RECORDS}
    store.delete([RECORDS[0].id])
    assert dict(store.scan()) == digests_of(RECORDS[1:])
    store.close()


def test_a_collection_that_was_deleted_is_made_again(server: QdrantServer, tmp_path: Path) -> None:
    store = opened(server.address, tmp_path)
    store.apply(RECORDS)
    httpx.delete(
        f"http://127.0.0.1:{server.port}/collections/kb-vector", headers={"api-key": "s3cretKey"}
    ).raise_for_status()
    with pytest.raises(StoreError, match="404.*kb-vector"):
        store.search(query_for_all(), 3)
    store.apply(RECORDS[:2])
    assert dict(store.scan()) == digests_of(RECORDS[:2])
    store.close()
