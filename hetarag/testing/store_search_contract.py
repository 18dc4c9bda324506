"""What `protocols.Store` promises of searching, for stores that rank chunks.

Subclass `StoreSearchContract` and override `store_under_test`, as for `StoreContract`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from hetarag.errors import StoreError, StoreTimeoutError
from hetarag.ids import document_id
from hetarag.protocols import Store, VectorStore
from hetarag.testing.extra import hypothesis, pytest
from hetarag.testing.records import (
    StoreUnderTest,
    changed,
    digests_of,
    entity,
    run_together,
    unit_vector,
)
from hetarag.testing.store_contract import (
    StoreFixtures,
    kill_while_writing,
    step_deletes,
    step_records,
)
from hetarag.types import Filter, LinkedEntity, Mention, Query, Record

st = hypothesis.strategies

HOSTILE = (
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
)
"""Texts that are no syntax of any engine's, whatever they look like."""

_TAGS = ((), ("a",), ("b",), ("a", "b"), ("A",), ("#",), ("\x00",), ("a b",), ("none",)) * 5
_FILTERS = st.builds(
    Filter,
    collections=st.frozensets(st.sampled_from(["c0", "c1", "c2", "c9"]), max_size=3),
    documents=st.none()
    | st.frozensets(
        st.builds(
            document_id,
            st.sampled_from(["c0", "c1", "c2"]),
            st.integers(0, 8).map(lambda number: f"d{number}"),
        ),
        max_size=12,
    ),
    tags=st.none()
    | st.frozensets(
        st.sampled_from(["a", "b", "A", "#", "#a", "\x00", "a b", "none", "unknown"]), max_size=4
    ),
)
_HISTORIES = st.lists(
    st.tuples(st.booleans(), st.lists(st.integers(0, 14), min_size=1, max_size=6)), max_size=8
)


def examples(count: int) -> hypothesis.settings:
    """Return the settings of a property test; the store is kept from one example to the next."""
    return hypothesis.settings(
        max_examples=count, deadline=None, suppress_health_check=[*hypothesis.HealthCheck]
    )


def ids_found(store: Store, query: Query, k: int = 1000) -> list[str]:
    """Return the ids of a search, best first."""
    return [hit.id for hit in store.search(query, k)]


def tagged_chunks(place: StoreUnderTest) -> list[Record]:
    """Return chunks of three collections and seven documents with all sorts of tags."""
    return [
        place.chunk(number, collection=f"c{number % 3}", document=f"d{number % 7}", tags=tags)
        for number, tags in enumerate(_TAGS)
    ]


class StoreSearchContract(StoreFixtures):
    """Ranking, filters, deadlines, hostile text, and searching while others write."""

    @pytest.fixture(scope="class")
    @classmethod
    def tagged(
        cls, store_under_test: StoreUnderTest, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[Store]:
        """A store with `tagged_chunks`, which no test changes."""
        place = store_under_test.at(tmp_path_factory.mktemp("tagged") / "store")
        store = place.open()
        store.apply(tagged_chunks(place))
        yield store
        place.close()

    @pytest.fixture(scope="class")
    @classmethod
    def reused(
        cls, store_under_test: StoreUnderTest, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[Store]:
        """A store that is used by one example after the other."""
        place = store_under_test.at(tmp_path_factory.mktemp("reused") / "store")
        yield place.open()
        place.close()

    def test_hits_are_ranked_and_no_more_than_k(self, place: StoreUnderTest, store: Store) -> None:
        store.apply([place.chunk(number) for number in range(12)])
        for k in (1, 5, 12, 13, 5000):
            hits = list(store.search(place.query_for_all(), k))
            assert len(hits) == min(k, 12)
            assert [hit.rank for hit in hits] == [*range(1, len(hits) + 1)]
            assert [hit.store for hit in hits] == [store.kind] * len(hits)
            keys = [(-hit.score, hit.id) for hit in hits]
            assert keys == sorted(keys)
        assert list(store.search(place.query_for_all(), 0)) == []

    def test_each_record_is_found_first_by_its_own_query(
        self, place: StoreUnderTest, store: Store
    ) -> None:
        records = [place.chunk(number) for number in range(30)]
        store.apply(records)
        for record in records:
            assert ids_found(store, place.query_for(record), 3)[0] == record.id

    def test_a_search_sees_every_write(self, place: StoreUnderTest, store: Store) -> None:
        records = [place.chunk(number) for number in range(6)]
        store.apply(records)
        assert set(ids_found(store, place.query_for_all())) == {record.id for record in records}
        store.delete([records[0].id])
        store.apply([place.chunk(6), changed(records[1])])
        expected = {record.id for record in records[1:]} | {place.chunk(6).id}
        assert set(ids_found(store, place.query_for_all())) == expected
        assert ids_found(store, place.query_for(changed(records[1])), 1) == [records[1].id]

    def test_equal_scores_come_in_the_order_of_their_ids(
        self, place: StoreUnderTest, store: Store
    ) -> None:
        records = [place.chunk(number, alike=True) for number in range(60)]
        store.apply(records[30:])
        store.apply(records[:30])
        in_order = sorted(record.id for record in records)
        for k in (1, 7, 59, 60):
            hits = list(store.search(place.query_for_all(), k))
            assert [hit.id for hit in hits] == in_order[:k]
            assert len({hit.score for hit in hits}) == 1

    def test_a_query_without_what_the_store_needs_has_no_hits(
        self, place: StoreUnderTest, store: Store
    ) -> None:
        store.apply([place.chunk(number) for number in range(3)])
        unknown = LinkedEntity(entity("nobody heard of it"), "it", 1.0)
        for query in (Query(""), Query("?!"), Query("zzz", entities=(unknown,))):
            assert list(store.search(query, 5)) == []

    def test_a_passed_deadline_ends_the_search(self, place: StoreUnderTest, store: Store) -> None:
        store.apply([place.chunk(number) for number in range(3)])
        late = replace(place.query_for_all(), deadline=time.monotonic() - 1)
        with pytest.raises(StoreTimeoutError, match="deadline"):
            store.search(late, 5)
        in_time = replace(place.query_for_all(), deadline=time.monotonic() + 60)
        assert len(store.search(in_time, 5)) == 3

    def test_a_closed_store_does_not_search(self, place: StoreUnderTest, store: Store) -> None:
        store.close()
        with pytest.raises(StoreError, match="closed"):
            store.search(place.query_for_all(), 5)

    def test_hostile_text_is_only_text(self, place: StoreUnderTest, store: Store) -> None:
        for text in HOSTILE:
            self._is_only_text(place, store, text)

    def _is_only_text(self, place: StoreUnderTest, store: Store, text: str) -> None:
        plain, hostile = place.chunk(0), self._hostile(place, text)
        store.apply([plain, hostile])
        assert dict(store.scan()) == digests_of([plain, hostile]), text
        for tags in (frozenset[str](), frozenset([text]), frozenset(["#"])):
            restriction = Filter(tags=tags)
            expected = {r.id for r in (plain, hostile) if restriction.admits("c", "d", r.tags)}
            assert set(ids_found(store, place.query_for_all(restriction))) == expected, text
        inside = Filter(collections=frozenset([hostile.collection]), tags=None)
        assert hostile.id in ids_found(store, place.query_for_all(inside)), text
        named = (LinkedEntity(_hostile_mention(text).entity, text, 1),)
        query = replace(place.query_for_all(), text=text, entities=named)
        assert set(ids_found(store, query)) <= {plain.id, hostile.id}, text
        store.delete([hostile.id])
        assert dict(store.scan()) == digests_of([plain]), text

    @staticmethod
    def _hostile(place: StoreUnderTest, text: str) -> Record:
        made = place.chunk(1, title=text, text=f"Common ground {text}", tags=[text])
        made = replace(made, collection=text or "c")
        if "names" in place.takes:
            made = replace(made, mentions=(*made.mentions, _hostile_mention(text)))
        return made

    def test_a_megabyte_of_text(self, place: StoreUnderTest, store: Store) -> None:
        words = " ".join(f"w{number % 5000}" for number in range(180_000))
        assert len(words) > 1_000_000
        big = place.chunk(1, text="common ground " + words)
        line = place.chunk(2, text="common ground " + "x" * 1_000_000, title="y" * 70_000)
        store.apply([place.chunk(0), big, line])
        every = {place.chunk(0).id, big.id, line.id}
        assert set(ids_found(store, place.query_for_all())) == every
        assert ids_found(store, replace(place.query_for_all(), text=words), 3)

    def test_vectors_come_back(self, place: StoreUnderTest, store: Store) -> None:
        if not hasattr(store, "vectors"):
            pytest.skip("not a VectorStore")
        records = [place.chunk(number) for number in range(3)]
        store.apply(records)
        found = cast(VectorStore, store).vectors([records[0].id, records[2].id, "no id"])
        assert found.keys() == {records[0].id, records[2].id}
        for record in (records[0], records[2]):
            assert found[record.id] == pytest.approx(record.vector, abs=1e-6)

    # ------------------------------------------------------------ filters

    @examples(60)
    @hypothesis.given(restriction=_FILTERS)
    def test_filters_admit_what_filter_admits(
        self, store_under_test: StoreUnderTest, tagged: Store, restriction: Filter
    ) -> None:
        admitted = {
            record.id
            for record in tagged_chunks(store_under_test)
            if restriction.admits(record.collection, record.document_id, record.tags)
        }
        query = store_under_test.query_for_all(restriction)
        assert set(ids_found(tagged, query)) == admitted

    @examples(30)
    @hypothesis.given(restriction=_FILTERS, seed=st.integers(0, 99), k=st.integers(1, 60))
    def test_the_first_k_are_the_first_k_of_all(
        self,
        store_under_test: StoreUnderTest,
        tagged: Store,
        restriction: Filter,
        seed: int,
        k: int,
    ) -> None:
        query = store_under_test.query_for_all(restriction)
        query = replace(query, vector=unit_vector(seed))
        assert list(tagged.search(query, k)) == list(tagged.search(query, 1000))[:k]

    def test_ten_thousand_documents_in_a_filter(
        self, store_under_test: StoreUnderTest, tagged: Store
    ) -> None:
        chunks = tagged_chunks(store_under_test)
        wanted = chunks[4].document_id
        many = frozenset([wanted, *(document_id("x", str(i)) for i in range(10_000))])
        query = store_under_test.query_for_all(Filter(documents=many, tags=None))
        assert set(ids_found(tagged, query)) == {r.id for r in chunks if r.document_id == wanted}

    # ------------------------------------------------------------ histories

    @examples(5)
    @hypothesis.given(history=_HISTORIES)
    def test_the_same_content_ranks_the_same_whatever_its_history(
        self, store_under_test: StoreUnderTest, reused: Store, history: list[tuple[bool, list[int]]]
    ) -> None:
        live: dict[str, Record] = {}
        reused.delete([identifier for identifier, _ in reused.scan()])
        for adding, numbers in [*history, (True, [1, 2])]:
            records = [store_under_test.chunk(number) for number in numbers]
            if adding:
                reused.apply(records)
                live.update((record.id, record) for record in records)
            else:
                reused.delete([record.id for record in records])
                for record in records:
                    live.pop(record.id, None)
        assert dict(reused.scan()) == digests_of(live.values())
        with TemporaryDirectory() as folder:
            fresh = store_under_test.at(Path(folder) / "fresh")
            other = fresh.open()
            other.apply([*live.values()])
            self._rank_alike(store_under_test, reused, other)
            fresh.close()

    def test_killed_and_completed_it_answers_as_if_undisturbed(
        self, place: StoreUnderTest, tmp_path: Path
    ) -> None:
        calm = place.at(tmp_path / "calm")
        last = kill_while_writing(place, 2, 0.03)
        store, other = place.open(), calm.open()
        store.apply(step_records(place, last + 1))
        for step in range(last + 2):
            other.apply(step_records(calm, step))
        store.delete(step_deletes(place, last + 1))
        other.delete([i for step in range(last + 2) for i in step_deletes(calm, step)])
        self._rank_alike(place, store, other)
        calm.close()

    @staticmethod
    def _rank_alike(place: StoreUnderTest, one: Store, other: Store) -> None:
        for query in (place.query_for_all(), place.query_for(place.chunk(1))):
            found, expected = list(one.search(query, 50)), list(other.search(query, 50))
            assert [hit.id for hit in found] == [hit.id for hit in expected]
            scores = pytest.approx([hit.score for hit in expected], abs=place.score_error or None)
            assert [hit.score for hit in found] == scores or place.counts_deleted

    # ------------------------------------------------------------ threads

    def test_searching_while_writing(self, place: StoreUnderTest, store: Store) -> None:
        steady = [place.chunk(number) for number in range(40)]
        store.apply(steady)
        done = threading.Event()

        def write() -> None:
            try:
                for step in range(5):
                    passing = [place.chunk(n) for n in range(100 + 20 * step, 120 + 20 * step)]
                    store.apply(passing)
                    store.delete([record.id for record in passing])
            finally:
                done.set()

        def read() -> None:
            while not done.is_set():
                self._are_found(place, store, steady)

        assert run_together(write, read, read, read) == []
        assert dict(store.scan()) == digests_of(steady)

    @staticmethod
    def _are_found(place: StoreUnderTest, store: Store, records: Sequence[Record]) -> None:
        found = {hit.id for hit in store.search(place.query_for_all(), 1000)}
        assert found >= {record.id for record in records}
        assert store.search(place.query_for(records[7]), 1)[0].id == records[7].id
        assert store.digests([records[3].id]) == digests_of(records[3:4])
        assert store.health().ok

    def test_closing_while_searching(self, place: StoreUnderTest, store: Store) -> None:
        store.apply([place.chunk(number) for number in range(40)])

        def search() -> None:
            try:
                while True:
                    store.search(place.query_for_all(), 10)
            except StoreError as error:
                assert "closed" in str(error)

        assert run_together(search, search, store.close) == []


def _hostile_mention(text: str) -> Mention:
    return Mention(entity(text.encode(errors="replace").decode()), text, 0, 0, 1)
