"""What `protocols.Store` promises about writing, on every store."""

from __future__ import annotations

import pytest

from hetarag.errors import StoreError
from hetarag.protocols import Store
from tests.stores.store_samples import Bench, changed, content, for_everything


def test_an_empty_store_has_nothing(bench: Bench, store: Store) -> None:
    assert dict(store.scan()) == {}
    assert store.digests([bench.sample(0).id]) == {}
    assert store.digests([]) == {}
    assert list(store.search(for_everything(), 5)) == []
    store.apply([])
    store.delete([])
    health = store.health()
    assert health.ok
    assert health.count == 0
    assert health.engine


def test_what_is_applied_is_there(bench: Bench, store: Store) -> None:
    records = bench.samples(7)
    store.apply(records)
    assert dict(store.scan()) == content(records)
    asked = [records[2].id, bench.sample(90).id, records[5].id]
    assert store.digests(asked) == content([records[2], records[5]])
    assert store.health().count == 7


def test_applying_twice_is_the_same_as_once(bench: Bench, store: Store) -> None:
    records = bench.samples(5)
    store.apply(records)
    once = list(store.search(for_everything(), 9))
    store.apply(records)
    assert dict(store.scan()) == content(records)
    assert store.health().count == 5
    again = list(store.search(for_everything(), 9))
    assert [hit.id for hit in again] == [hit.id for hit in once]
    assert again == once or bench.counts_deleted


def test_a_record_replaces_the_one_with_its_id(bench: Bench, store: Store) -> None:
    records = bench.samples(4)
    store.apply(records)
    other = changed(records[1])
    store.apply([other, bench.sample(4)])
    assert dict(store.scan()) == content([*records, other, bench.sample(4)])


def test_of_two_records_with_one_id_the_last_counts(bench: Bench, store: Store) -> None:
    first = bench.sample(0)
    store.apply([first, changed(first)])
    assert dict(store.scan()) == content([changed(first)])


def test_deleting(bench: Bench, store: Store) -> None:
    records = bench.samples(6)
    store.apply(records)
    store.delete([records[0].id, records[3].id, bench.sample(77).id, "no id at all"])
    left = [records[i] for i in (1, 2, 4, 5)]
    assert dict(store.scan()) == content(left)
    store.delete([records[0].id])
    assert store.health().count == 4
    store.apply(records[:1])
    assert dict(store.scan()) == content([*left, records[0]])
    store.delete([record.id for record in records])
    assert dict(store.scan()) == {}


def test_a_reopened_store_has_what_it_had(bench: Bench) -> None:
    records = bench.samples(5)
    store = bench.open()
    store.apply(records)
    store.delete([records[0].id])
    found = list(store.search(for_everything(), 9))
    store.close()
    again = bench.open()
    assert dict(again.scan()) == content(records[1:])
    assert list(again.search(for_everything(), 9)) == found
    again.apply([changed(records[2])])
    assert dict(again.scan()) == content([*records[1:], changed(records[2])])


def test_a_closed_store_says_so(bench: Bench) -> None:
    store = bench.open()
    store.apply(bench.samples(1))
    store.close()
    store.close()
    with pytest.raises(StoreError):
        store.apply(bench.samples(2))
    with pytest.raises(StoreError):
        dict(store.scan())
    assert not store.health().ok


def test_records_of_a_kind_it_does_not_take_are_refused(bench: Bench, store: Store) -> None:
    assert store.kind == bench.kind
    wrong = bench.sample(0)
    object.__setattr__(wrong, "kind", "query")
    object.__setattr__(wrong, "table", None)
    with pytest.raises(StoreError):
        store.apply([wrong])
    assert dict(store.scan()) == {}


def test_a_folder_that_cannot_be_made_is_named(bench: Bench) -> None:
    if bench.address != "embedded":
        pytest.skip("a server keeps its data in no folder of ours")
    bench.folder.write_text("a file is in the way")
    with pytest.raises(StoreError, match=str(bench.folder)):
        bench.open()
