"""The Qdrant adapter beside the contract: in process, and against a server that is not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from store_samples import DIMENSION, chunk, content, for_everything, vector

pytest.importorskip("qdrant_client", reason="needs the extra hetarag[servers]")

from hetarag.errors import StoreError, StoreTimeoutError
from hetarag.stores.registry import StoreOptions
from hetarag.stores.vector_qdrant import QdrantStore
from hetarag.types import Query
from tests.servers.process import free_port


@pytest.fixture
def store(tmp_path: Path) -> QdrantStore:
    return QdrantStore.open("qdrant+local://", tmp_path, StoreOptions(DIMENSION))


def test_scores_are_cosines_and_vectors_come_back(store: QdrantStore) -> None:
    records = [chunk(number) for number in range(5)]
    store.apply(records)
    asked = vector(99)
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
    assert dict(again.scan()) == content([chunk(0)])
    again.close()


def test_the_dimension_is_that_of_the_first_vector_if_none_was_said(tmp_path: Path) -> None:
    store = QdrantStore.open("qdrant+local://", tmp_path, StoreOptions())
    assert list(store.search(for_everything(), 3)) == []
    store.apply([chunk(0)])
    assert len(store.search(for_everything(), 3)) == 1


def test_two_prefixes_are_two_stores(store: QdrantStore, tmp_path: Path) -> None:
    store.apply([chunk(0)])
    store.close()
    other = QdrantStore.open("qdrant+local://?prefix=kb2", tmp_path, StoreOptions(DIMENSION))
    assert dict(other.scan()) == {}
    other.close()


def test_a_folder_in_use_is_refused(store: QdrantStore, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="already accessed"):
        QdrantStore.open("qdrant+local://", tmp_path, StoreOptions(DIMENSION))


@pytest.mark.parametrize("way", ["", "&grpc=true"])
def test_a_server_that_is_not_there_fails_when_it_is_asked(tmp_path: Path, way: str) -> None:
    address = f"http://127.0.0.1:{free_port()}?api_key=s3cret{way}"
    with pytest.warns(UserWarning, match="insecure"):
        store = QdrantStore.open(address, tmp_path, StoreOptions(DIMENSION))
    for call in (
        lambda: store.search(for_everything(), 3),
        lambda: store.apply([chunk(0)]),
        lambda: dict(store.scan()),
    ):
        with pytest.raises(StoreError, match="no connection to 127.0.0.1.*stores.vector") as caught:
            call()
        assert not isinstance(caught.value, StoreTimeoutError)
        assert "s3cret" not in str(caught.value)
    assert not store.health().ok
    store.close()
