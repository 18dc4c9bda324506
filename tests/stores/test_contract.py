"""The contract of stores, on every engine of the table."""

from __future__ import annotations

import pytest

from hetarag.stores.registry import STORES, store_class
from hetarag.testing.records import StoreUnderTest
from hetarag.testing.store_contract import StoreContract
from hetarag.testing.store_search_contract import StoreSearchContract
from hetarag.types import Filter, Query
from tests.stores.engines import ENGINES, RANKING, SAME_ENGINE, WAYS, engine_under_test


class TestEveryStore(StoreContract):
    @pytest.fixture(scope="class", params=ENGINES)
    @classmethod
    def store_under_test(cls, request: pytest.FixtureRequest) -> StoreUnderTest:
        return engine_under_test(request.param, request)


class TestEveryStoreThatRanks(StoreSearchContract):
    @pytest.fixture(scope="class", params=RANKING)
    @classmethod
    def store_under_test(cls, request: pytest.FixtureRequest) -> StoreUnderTest:
        return engine_under_test(request.param, request)

    def test_words_without_spaces_between_them_are_found(self, place: StoreUnderTest) -> None:
        if place.kind != "fulltext":
            pytest.skip("reads words")
        store = place.open()
        ship = place.chunk(1, title="前进号", text="前进号由科林·阿彻设计，用于南森的北极探险。")
        store.apply([ship, place.chunk(2, title="北京", text="北京是一座城市。")])
        for question in ("谁设计了前进号？", "阿彻", "南森の探险"):
            found = store.search(Query(question, filter=Filter(tags=None)), 2)
            assert found[0].id == ship.id


def test_no_engine_is_left_out() -> None:
    own = set(STORES.names()) - set(STORES.declared())
    assert own == set(ENGINES) | set(SAME_ENGINE)
    untested = {part for part in ENGINES if part.partition(".")[2] not in WAYS}
    assert untested == set(), "tests/stores/engines.py has to say how a test gets at them"
    for part, tested in SAME_ENGINE.items():
        assert STORES._own[part].value == STORES._own[tested].value


@pytest.mark.parametrize("part", ENGINES)
def test_what_ranks_chunks_is_tested_for_it(part: str) -> None:
    kind, _, scheme = part.partition(".")
    if scheme != "embedded":
        pytest.importorskip("qdrant_client", reason="needs the extra hetarag[servers]")
        scheme += "://"
    accepts = store_class(kind, scheme).accepts
    assert ("chunk" in accepts) == (part in RANKING)
