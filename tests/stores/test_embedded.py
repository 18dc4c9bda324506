"""What belongs to one embedded engine alone."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest

from hetarag.errors import StoreError, StoreTimeoutError
from hetarag.stores.fulltext import tantivy as fulltext_tantivy
from hetarag.stores.fulltext.tantivy import TantivyStore
from hetarag.stores.graph.ladybug import LadybugStore
from hetarag.stores.graph.snapshot import GraphSnapshot
from hetarag.stores.registry import StoreOptions
from hetarag.stores.vector.qdrant_edge import QdrantEdgeStore
from hetarag.testing.records import (
    DIMENSION,
    StoreUnderTest,
    chunk,
    digests_of,
    entity,
    query_for,
    query_for_all,
    unit_vector,
)
from hetarag.types import Filter, Mention, Query, Relation


@pytest.mark.parametrize("kind", ["vector", "fulltext", "graph"])
def test_a_second_process_is_refused(kind: str, tmp_path: Path) -> None:
    place = StoreUnderTest(kind).at(tmp_path / "store")
    place.open().apply([chunk(0)])
    script = (
        "import sys; from pathlib import Path\n"
        "from hetarag.errors import StoreError\n"
        "from hetarag.stores.registry import StoreOptions, open_store\n"
        "try: open_store(sys.argv[1], 'embedded', Path(sys.argv[2]), StoreOptions(8))\n"
        "except StoreError as error: sys.exit(str(error))\n"
    )
    command = [sys.executable, "-c", script, kind, str(place.folder)]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    assert child.returncode == 1
    assert "close the other process" in child.stderr
    assert "Traceback" not in child.stderr
    place.close()


# ---------------------------------------------------------------- vectors


@pytest.fixture
def vectors(tmp_path: Path) -> QdrantEdgeStore:
    return QdrantEdgeStore.open("embedded", tmp_path / "v", StoreOptions(DIMENSION))


def test_scores_are_cosines(vectors: QdrantEdgeStore) -> None:
    records = [chunk(number) for number in range(50)]
    vectors.apply(records)
    asked = unit_vector(4711)
    cosines = {r.id: float(np.dot(r.vector, asked)) for r in records if r.vector is not None}
    hits = list(vectors.search(Query("", vector=asked, filter=Filter(tags=None)), 50))
    assert [hit.id for hit in hits] == sorted(cosines, key=lambda i: -cosines[i])
    assert [hit.score for hit in hits] == pytest.approx([cosines[h.id] for h in hits], abs=1e-6)


def test_another_dimension_is_refused_with_what_to_do(
    vectors: QdrantEdgeStore, tmp_path: Path
) -> None:
    vectors.apply([chunk(0)])
    for wrong in (np.ones(3, np.float32), np.full(DIMENSION, np.nan, np.float32), None):
        with pytest.raises(StoreError, match=r"reindex|embedder|embed"):
            vectors.apply([chunk(1), replace(chunk(2), vector=wrong)])
    with pytest.raises(StoreError, match="reindex"):
        vectors.search(Query("", vector=np.ones(3, np.float32)), 5)
    assert dict(vectors.scan()) == digests_of([chunk(0)])
    vectors.close()
    with pytest.raises(StoreError, match="reindex"):
        QdrantEdgeStore.open("embedded", tmp_path / "v", StoreOptions(384))


def test_the_dimension_is_that_of_the_first_vector_if_none_was_said(tmp_path: Path) -> None:
    store = QdrantEdgeStore.open("embedded", tmp_path / "v", StoreOptions())
    assert list(store.search(query_for_all(), 5)) == []
    store.apply([chunk(0)])
    store.close()
    again = QdrantEdgeStore.open("embedded", tmp_path / "v", StoreOptions())
    with pytest.raises(StoreError, match="reindex"):
        again.apply([replace(chunk(1), vector=np.ones(3, np.float32))])
    again.close()


def test_an_unfinished_start_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / "v" / "shard" / "segments").mkdir(parents=True)
    (tmp_path / "v" / "shard" / "edge_config.json").write_text("{ half")
    store = QdrantEdgeStore.open("embedded", tmp_path / "v", StoreOptions(DIMENSION))
    store.apply([chunk(0)])
    assert store.health().count == 1
    store.close()


# ---------------------------------------------------------------- full text


@pytest.fixture
def texts(tmp_path: Path) -> TantivyStore:
    return TantivyStore.open("embedded", tmp_path / "t", StoreOptions())


def found(store: TantivyStore, question: str) -> list[str]:
    return [hit.id for hit in store.search(Query(question), 10)]


def test_words_meet_in_any_form(texts: TantivyStore) -> None:
    texts.apply([chunk(0, text="The Beyoncé concerts were running late", title="")])
    for question in ("beyonce", "CONCERT", "who runs?", "“running late”"):
        assert found(texts, question) == [chunk(0).id]


def test_stop_words_count_only_when_there_is_nothing_else(texts: TantivyStore) -> None:
    who, other = chunk(0, title="The Who", text="A band."), chunk(1, title="", text="Rock music.")
    texts.apply([who, other])
    assert found(texts, "who is it") == [who.id]
    assert found(texts, "who plays rock?") == [other.id]


def test_a_title_weighs_more_than_a_text(texts: TantivyStore) -> None:
    inside = chunk(0, title="Other things", text="A word on bridges and on rivers of the land.")
    titled = chunk(1, title="Bridges", text="A word on other things and on rivers of the land.")
    texts.apply([inside, titled])
    assert found(texts, "bridges") == [titled.id, inside.id]


def test_a_quoted_phrase_comes_first(texts: TantivyStore) -> None:
    apart = chunk(0, title="", text="A house that is white, a white day, a house again.")
    joined = chunk(
        1, title="", text="It stands by the white house and by a long green road of old."
    )
    texts.apply([apart, joined])
    assert found(texts, "white house")[0] == apart.id
    assert found(texts, 'the "white house"')[0] == joined.id


def test_a_question_of_many_words_keeps_the_rare_ones(texts: TantivyStore) -> None:
    texts.apply([chunk(number) for number in range(3)])
    long = " ".join(f"word{number}" for number in range(20_000)) + " thing2"
    assert found(texts, long)[0] == chunk(2).id


def test_above_the_small_size_deleted_documents_stay_few(
    texts: TantivyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fulltext_tantivy, "SMALL", 10)
    monkeypatch.setattr(fulltext_tantivy, "DEAD", 0.1)
    texts.apply([chunk(number) for number in range(100)])
    for number in range(25):
        texts.delete([chunk(number).id])
        assert texts._dead() <= 0.1 * (99 - number)
    assert dict(texts.scan()) == digests_of(chunk(number) for number in range(25, 100))


@pytest.mark.parametrize("small", [0, 20])
def test_a_long_history(
    texts: TantivyStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, small: int
) -> None:
    monkeypatch.setattr(fulltext_tantivy, "SMALL", small)
    monkeypatch.setattr(fulltext_tantivy, "DEAD", 0.1)
    random, live, store = Random(3), dict[str, str](), texts
    for step in range(30):
        records = [chunk(random.randrange(40)) for _ in range(random.randrange(1, 9))]
        if random.random() < 0.55:
            store.apply(records)
            live |= digests_of(records)
        else:
            store.delete([record.id for record in records])
            live = {i: d for i, d in live.items() if i not in digests_of(records)}
        assert dict(store.scan()) == live
        if step % 10 == 9:
            store.close()
            store = TantivyStore.open("embedded", tmp_path / "t", StoreOptions())
    store.close()


# ---------------------------------------------------------------- graph


@pytest.fixture
def graph(tmp_path: Path) -> LadybugStore:
    return LadybugStore.open("embedded", tmp_path / "g", StoreOptions())


def test_nothing_is_left_of_deleted_passages(graph: LadybugStore) -> None:
    records = [chunk(number) for number in range(4)]
    graph.apply(records)
    assert graph._rows("MATCH (e:Entity) RETURN count(*)") == [[5]]
    assert graph._rows("MATCH ()-[r:RELATED]->() RETURN count(*)") == [[4]]
    graph.delete([records[0].id])
    assert graph._rows("MATCH (e:Entity) RETURN count(*)") == [[4]]
    assert graph._rows("MATCH ()-[r:RELATED]->() RETURN count(*)") == [[3]]
    graph.delete([record.id for record in records])
    assert graph._rows("MATCH (e) RETURN count(*)") == [[0]]


def test_writing_again_doubles_no_edge(graph: LadybugStore) -> None:
    records = [chunk(number) for number in range(4)]
    for round_ in range(3):
        graph.apply([replace(record, digest=f"{round_}") for record in records])
    assert graph._rows("MATCH ()-[r:MENTIONS]->() RETURN count(*)") == [[8]]
    assert graph._rows("MATCH ()-[r:RELATED]->() RETURN count(*)") == [[4]]


def test_the_ends_of_a_relation_need_no_mention(graph: LadybugStore) -> None:
    ends = entity("one end"), entity("other end")
    record = replace(chunk(0), mentions=(), relations=(Relation(*ends, "holds", 2),) * 2)
    graph.apply([record])
    relation = "MATCH (a)-[r:RELATED]->(b) RETURN a.key, r.predicate, b.key, r.sentence, r.chunk"
    assert graph._rows(relation) == [["one end", "holds", "other end", 2, record.id]] * 2
    graph.delete([record.id])
    assert graph._rows("MATCH (e) RETURN count(*)") == [[0]]


def test_a_failed_batch_changes_nothing(
    graph: LadybugStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph.apply([chunk(0)])
    with monkeypatch.context() as patched:
        patched.setattr("hetarag.stores.graph.ladybug._KNOWN", "no Cypher at all")
        with pytest.raises(StoreError, match="could not write"):
            graph.apply([replace(chunk(0), digest="new"), chunk(1)])
    assert dict(graph.scan()) == digests_of([chunk(0)])
    graph.apply([chunk(1)])
    assert dict(graph.scan()) == digests_of([chunk(0), chunk(1)])


def test_a_passage_about_the_entity_comes_before_one_that_names_it(graph: LadybugStore) -> None:
    thing = entity("thing5")
    names = replace(chunk(0), mentions=(Mention(thing, "X", 0, 0, 1),), relations=())
    about = replace(chunk(1), mentions=(Mention(thing, "X", -1, 0, 1),), relations=())
    graph.apply([names, about])
    asked = replace(query_for_all(), entities=())
    linked = replace(asked, entities=(replace(query_for_all().entities[0], entity=thing),))
    assert [hit.id for hit in graph.search(linked, 5)] == [about.id, names.id]


def test_a_graph_that_is_read_again_ranks_alike(graph: LadybugStore, tmp_path: Path) -> None:
    graph.apply([chunk(number) for number in range(30)])
    graph.delete([chunk(number).id for number in range(0, 30, 3)])  # leaves gaps in its numbering
    graph.apply([chunk(number) for number in range(40, 45)])
    asked = query_for(chunk(7))
    kept = [(hit.id, hit.score) for hit in graph.search(asked, 50)]
    graph.apply([chunk(50)])
    graph.delete([chunk(50).id])
    assert [(hit.id, hit.score) for hit in graph.search(asked, 50)] == kept
    graph.close()
    again = LadybugStore.open("embedded", tmp_path / "g", StoreOptions())
    assert [(hit.id, hit.score) for hit in again.search(asked, 50)] == kept


def test_reading_the_graph_may_outlast_a_search(
    graph: LadybugStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph.apply([chunk(number) for number in range(5)])
    read, times = graph._load, []

    def slowly() -> GraphSnapshot:
        times.append(time.monotonic())
        time.sleep(0.3)
        return read()

    monkeypatch.setattr(graph, "_load", slowly)
    with pytest.raises(StoreTimeoutError):
        graph.search(replace(query_for_all(), deadline=time.monotonic() + 0.1), 5)
    found = graph.search(replace(query_for_all(), deadline=time.monotonic() + 0.2), 5)
    assert len(found) == 5
    assert len(times) == 1, "the second search began anew what the first had read"
