"""The contracts of stores, and what this store is for."""

from __future__ import annotations

from pathlib import Path

import pytest
from hetarag_plugin_example.trigram import TrigramStore, trigrams_of

from hetarag.stores.registry import StoreOptions
from hetarag.testing.records import StoreUnderTest, chunk
from hetarag.testing.store_contract import StoreContract
from hetarag.testing.store_search_contract import StoreSearchContract
from hetarag.types import Query


class TestTrigramStore(StoreContract):
    @pytest.fixture(scope="class")
    @classmethod
    def store_under_test(cls) -> StoreUnderTest:
        return StoreUnderTest("trigram")


class TestTrigramSearch(StoreSearchContract):
    @pytest.fixture(scope="class")
    @classmethod
    def store_under_test(cls) -> StoreUnderTest:
        return StoreUnderTest("trigram")


def test_another_spelling_is_found(tmp_path: Path) -> None:
    store = TrigramStore.open("embedded", tmp_path, StoreOptions())
    nansen = chunk(1, title="Nansen", text="Fridtjof Nansen had the Fram built.")
    store.apply([nansen, chunk(2, title="Amundsen", text="Roald Amundsen took her south.")])
    (hit,) = store.search(Query("Nanssen"), 5)
    assert hit.id == nansen.id
    assert hit.score == pytest.approx(2 * 6 / (7 + 8))  # 6 trigrams in common of 7 and 8
    assert len(store.search(Query("Nansen"), 5)) == 1
    assert list(store.search(Query("Scott"), 5)) == []
    store.close()


def test_trigrams() -> None:
    assert trigrams_of("ab") == {"  a", " ab", "ab "}
