"""What `protocols.Store` promises of writing: subclass `StoreContract` and override `store_under_test`.

A store that ranks chunks is also tested by `store_search_contract.StoreSearchContract`.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import cast

from hetarag.errors import StoreError
from hetarag.protocols import Store, TableStore
from hetarag.store_settings import EMBEDDED
from hetarag.stores.registry import store_class
from hetarag.testing.extra import pytest
from hetarag.testing.records import (
    SENT_KINDS,
    StoreUnderTest,
    changed,
    digests_of,
    run_together,
    table,
)
from hetarag.types import Record

BATCH = 12
"""Records that a process writes in one step before it is killed."""


class StoreFixtures:
    """The store under test in a folder of its own, for the contracts of this package."""

    @pytest.fixture(scope="class")
    @classmethod
    def store_under_test(cls) -> StoreUnderTest:
        """Override this one: return the store that the contract is for."""
        raise NotImplementedError(f"{cls.__name__} has to override the fixture store_under_test")

    @pytest.fixture
    def place(self, store_under_test: StoreUnderTest, tmp_path: Path) -> Iterator[StoreUnderTest]:
        """The store in a new folder, closed at the end of the test."""
        place = store_under_test.at(tmp_path / "store")
        yield place
        place.close()

    @pytest.fixture
    def store(self, place: StoreUnderTest) -> Store:
        """The store of `place`, open and empty."""
        return place.open()


class StoreContract(StoreFixtures):
    """Writing, reading back, and what is left after a process was killed."""

    def test_its_class_says_what_it_takes(self, place: StoreUnderTest) -> None:
        found = store_class(place.kind, place.address)
        assert found.kind == place.kind
        assert found.accepts & set(SENT_KINDS), "the ledger would never send it anything"
        assert found.takes <= {"vector", "names", "table"}

    def test_an_empty_store_has_nothing(self, place: StoreUnderTest, store: Store) -> None:
        assert dict(store.scan()) == {}
        assert store.digests([place.sample(0).id]) == {}
        assert store.digests([]) == {}
        assert list(store.search(place.query_for_all(), 5)) == []
        store.apply([])
        store.delete([])
        health = store.health()
        assert health.ok
        assert health.count == 0
        assert health.engine

    def test_what_is_applied_is_there(self, place: StoreUnderTest, store: Store) -> None:
        records = place.samples(7)
        store.apply(records)
        assert dict(store.scan()) == digests_of(records)
        wanted = [records[2].id, place.sample(90).id, records[5].id]
        assert store.digests(wanted) == digests_of([records[2], records[5]])
        assert store.health().count == 7

    def test_every_kind_that_it_accepts(self, place: StoreUnderTest, store: Store) -> None:
        kinds = [kind for kind in SENT_KINDS if kind in place.accepts]
        records = [place.sample(n, kind) for kind in kinds for n in range(3)]
        store.apply(records)
        assert dict(store.scan()) == digests_of(records)
        found = store.search(place.query_for_all(), 50)
        assert {hit.id for hit in found} <= {record.id for record in records}
        store.delete([record.id for record in records[::2]])
        assert dict(store.scan()) == digests_of(records[1::2])

    def test_applying_twice_is_the_same_as_once(self, place: StoreUnderTest, store: Store) -> None:
        records = place.samples(5)
        store.apply(records)
        once = list(store.search(place.query_for_all(), 9))
        store.apply(records)
        assert dict(store.scan()) == digests_of(records)
        assert store.health().count == 5
        again = list(store.search(place.query_for_all(), 9))
        assert [hit.id for hit in again] == [hit.id for hit in once]
        assert again == once or place.counts_deleted

    def test_a_record_replaces_the_one_with_its_id(
        self, place: StoreUnderTest, store: Store
    ) -> None:
        records = place.samples(4)
        store.apply(records)
        other = changed(records[1])
        store.apply([other, place.sample(4)])
        assert dict(store.scan()) == digests_of([*records, other, place.sample(4)])

    def test_of_two_records_with_one_id_the_last_counts(
        self, place: StoreUnderTest, store: Store
    ) -> None:
        first = place.sample(0)
        store.apply([first, changed(first)])
        assert dict(store.scan()) == digests_of([changed(first)])

    def test_deleting(self, place: StoreUnderTest, store: Store) -> None:
        records = place.samples(6)
        store.apply(records)
        store.delete([records[0].id, records[3].id, place.sample(77).id, "no id at all"])
        left = [records[i] for i in (1, 2, 4, 5)]
        assert dict(store.scan()) == digests_of(left)
        store.delete([records[0].id])
        assert store.health().count == 4
        store.apply(records[:1])
        assert dict(store.scan()) == digests_of([*left, records[0]])
        store.delete([record.id for record in records])
        assert dict(store.scan()) == {}

    def test_a_reopened_store_has_what_it_had(self, place: StoreUnderTest) -> None:
        records = place.samples(5)
        store = place.open()
        store.apply(records)
        store.delete([records[0].id])
        found = list(store.search(place.query_for_all(), 9))
        store.close()
        again = place.open()
        assert dict(again.scan()) == digests_of(records[1:])
        assert list(again.search(place.query_for_all(), 9)) == found
        again.apply([changed(records[2])])
        assert dict(again.scan()) == digests_of([*records[1:], changed(records[2])])

    def test_another_place_is_another_store(
        self, place: StoreUnderTest, store: Store, tmp_path: Path
    ) -> None:
        other = place.at(tmp_path / "other")
        store.apply(place.samples(2))
        beside = other.open()
        assert dict(beside.scan()) == {}
        beside.apply(other.samples(1))
        beside.delete([other.sample(0).id])
        other.close()
        assert dict(store.scan()) == digests_of(place.samples(2))

    def test_a_closed_store_says_so(self, place: StoreUnderTest) -> None:
        store = place.open()
        store.apply(place.samples(1))
        store.close()
        store.close()
        with pytest.raises(StoreError):
            store.apply(place.samples(2))
        with pytest.raises(StoreError):
            dict(store.scan())
        assert not store.health().ok

    def test_records_of_a_kind_it_does_not_take_are_refused(
        self, place: StoreUnderTest, store: Store
    ) -> None:
        assert store.kind == place.kind
        wrong = replace(place.sample(0), kind="query", table=None)
        with pytest.raises(StoreError):
            store.apply([wrong])
        assert dict(store.scan()) == {}

    def test_a_folder_that_cannot_be_made_is_named(self, place: StoreUnderTest) -> None:
        if place.address != EMBEDDED:
            pytest.skip("a server keeps its data in no folder of ours")
        place.folder.write_text("a file is in the way")
        with pytest.raises(StoreError, match=str(place.folder)):
            place.open()

    def test_writing_from_several_threads(self, place: StoreUnderTest, store: Store) -> None:
        parts = [[place.sample(n) for n in range(first, first + 10)] for first in (0, 10, 20)]
        assert run_together(*(lambda part=part: store.apply(part) for part in parts)) == []
        assert dict(store.scan()) == digests_of(record for part in parts for record in part)

    def test_rows_of_tables_come_back(self, store: Store) -> None:
        if not hasattr(store, "rows"):
            pytest.skip("not a TableStore")
        record = table(0)
        assert record.table is not None
        assert record.rows is not None
        store.apply([record])
        rows = [tuple(cells) for cells in record.rows]
        assert cast(TableStore, store).rows(record.table, 1, 2) == rows
        assert cast(TableStore, store).rows(record.table, 2, 2) == rows[1:]

    @pytest.mark.parametrize("steps", [1, 4])
    def test_killed_while_it_writes(self, place: StoreUnderTest, steps: int) -> None:
        random = Random(f"{place.kind} {steps}")
        last = kill_while_writing(place, steps, random.uniform(0, 0.1))
        store = place.open()
        held, finished = dict(store.scan()), written_after(place, last)
        unfinished = digests_of(step_records(place, last + 1))
        dropped = set(step_deletes(place, last + 1))
        assert {i: d for i, d in finished.items() if i not in dropped}.items() <= held.items()
        if place.shows_unfinished:
            assert {i for i, digest in held.items() if not digest} <= unfinished.keys() | dropped
            held = {i: digest for i, digest in held.items() if digest}
        assert held.items() <= (finished | unfinished).items()
        store.apply(step_records(place, last + 1))
        store.delete(step_deletes(place, last + 1))
        assert dict(store.scan()) == written_after(place, last + 1)


def step_records(place: StoreUnderTest, step: int) -> list[Record]:
    """Return what step `step` of a process that is killed applies."""
    return [place.sample(number) for number in range(step * BATCH, (step + 1) * BATCH)]


def step_deletes(place: StoreUnderTest, step: int) -> list[str]:
    """Return the ids that step `step` deletes: the first of the step before."""
    return [place.sample((step - 1) * BATCH).id] if step else []


def written_after(place: StoreUnderTest, step: int) -> dict[str, str]:
    """Return what `scan` tells after steps 0 to `step`."""
    found = digests_of(record for n in range(step + 1) for record in step_records(place, n))
    for n in range(step + 1):
        for identifier in step_deletes(place, n):
            found.pop(identifier)
    return found


def kill_while_writing(place: StoreUnderTest, steps: int, pause: float) -> int:
    """Let a process write `steps` steps and a little more, kill it; return its last finished step."""
    context = multiprocessing.get_context(
        "spawn"
    )  # a fork would share the engines' threads and files
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(
        target=_write_for_ever, args=(replace(place, _opened=[]), sender), daemon=True
    )
    child.start()
    sender.close()
    finished = -1
    try:
        for _ in range(steps):
            finished = receiver.recv()
        time.sleep(pause)
        child.kill()
        while True:
            finished = receiver.recv()
    except EOFError:
        pass
    finally:
        child.kill()
        child.join()
        receiver.close()
    assert finished + 1 >= steps, "the process ended by itself"
    return finished


def _write_for_ever(place: StoreUnderTest, done: Connection) -> None:
    """Write step by step, and tell of each when it is on disk as far as the store's promise goes."""
    store = place.open()
    for step in count():
        store.apply(step_records(place, step))
        store.delete(step_deletes(place, step))
        done.send(step)
