"""Several threads search one store while another writes to it."""

from __future__ import annotations

import threading

from hetarag.errors import StoreError
from hetarag.protocols import Store
from tests.stores.store_samples import Bench, chunk, content, for_everything, for_record, together

STEADY = [chunk(number) for number in range(40)]


def test_searching_while_writing(ranked: Store) -> None:
    ranked.apply(STEADY)
    done = threading.Event()

    def write() -> None:
        try:
            for step in range(5):
                passing = [chunk(number) for number in range(100 + 20 * step, 120 + 20 * step)]
                ranked.apply(passing)
                ranked.delete([record.id for record in passing])
        finally:
            done.set()

    def read() -> None:
        while not done.is_set():
            found = {hit.id for hit in ranked.search(for_everything(), 1000)}
            assert found >= {record.id for record in STEADY}
            assert ranked.search(for_record(STEADY[7]), 1)[0].id == STEADY[7].id
            assert ranked.digests([STEADY[3].id]) == content(STEADY[3:4])
            assert ranked.health().ok

    assert together(write, read, read, read) == []
    assert dict(ranked.scan()) == content(STEADY)


def test_writing_from_several_threads(ranked: Store) -> None:
    parts = [[chunk(number) for number in range(first, first + 10)] for first in (0, 10, 20)]
    assert together(*(lambda part=part: ranked.apply(part) for part in parts)) == []
    assert dict(ranked.scan()) == content(record for part in parts for record in part)


def test_closing_while_searching(ranked_bench: Bench) -> None:
    store = ranked_bench.open()
    store.apply(STEADY)

    def search() -> None:
        try:
            while True:
                store.search(for_everything(), 10)
        except StoreError as error:
            assert "closed" in str(error)

    assert together(search, search, store.close) == []
