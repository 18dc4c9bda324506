"""The knowledge base as its user sees it, on the real embedded engines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hetarag import HetaRAG
from hetarag.errors import (
    ConfigError,
    FingerprintError,
    InputError,
    LockedError,
    NotFoundError,
)
from hetarag.retrievers import FUSIONS
from hetarag.testing.doubles import HashingEmbedder
from tests.conftest import RULES, Opener

Writer = Callable[..., Path]
FRAM = {"id": "fram", "title": "Fram", "text": "The Fram was designed by Colin Archer in Larvik."}
ARCHER = {"id": "archer", "title": "Colin Archer", "text": "Colin Archer was born in Larvik."}


def names(found: object) -> list[str]:
    return [e.document for e in found]  # type: ignore[attr-defined]


def _chunks_of(rag: HetaRAG, name: str) -> int:
    return next(info.chunks for info in rag.documents() if info.name == name)


def test_evidence_has_text_place_and_the_rank_of_each_store(
    kb: HetaRAG, write_jsonl: Writer
) -> None:
    report = kb.ingest([write_jsonl(FRAM, ARCHER)])
    assert (report.added, report.failures, report.pending) == (2, (), 0)
    found = kb.search("Who designed the Fram?", 5)
    first = found[0]
    assert (first.document, first.title, first.kind) == ("fram", "Fram", "chunk")
    assert first.text == FRAM["text"]
    assert (first.start, first.end) == (0, len(FRAM["text"]))
    assert {hit.store for hit in first.hits} >= {"vector", "fulltext", "graph"}
    assert all(hit.rank >= 1 for hit in first.hits)
    assert found.complete
    assert found.trace is not None
    assert found.trace.stores["sql"].status == "ok"


def test_the_graph_follows_a_link_that_words_do_not_show(kb: HetaRAG, write_jsonl: Writer) -> None:
    kb.ingest(
        [
            write_jsonl(
                {
                    "id": "fram",
                    "title": "Fram",
                    "text": "The designer of the Fram was Colin Archer.",
                },
                {"id": "archer", "title": "Colin Archer", "text": "His parents left Newburgh."},
                {"id": "other", "title": "Gauss", "text": "The Gauss was a German vessel."},
            )
        ]
    )
    found = kb.search(
        "From where did the parents of the designer of the Fram come?", 3, stores=["graph"]
    )
    assert names(found)[:2] == ["fram", "archer"]


@pytest.mark.parametrize("fusion", FUSIONS.names())
@pytest.mark.parametrize("rerank", ["links", "none"])
def test_each_fusion_finds_what_all_stores_find(
    kb: HetaRAG, write_jsonl: Writer, fusion: str, rerank: str
) -> None:
    kb.ingest([write_jsonl(FRAM, ARCHER)])
    found = kb.search("Who designed the Fram?", 5, settings={"fusion": fusion, "rerank": rerank})
    assert names(found) == ["fram", "archer"]
    assert found[0].score > found[1].score >= 0  # the last is 0 where scores are scaled


def test_unchanged_documents_are_skipped_and_changed_ones_replaced(
    kb: HetaRAG, write_jsonl: Writer, embedder: HashingEmbedder
) -> None:
    kb.ingest([write_jsonl(FRAM, ARCHER)])
    embedded = embedder.embedded
    report = kb.ingest([write_jsonl(FRAM, ARCHER, name="again.jsonl")])
    assert (report.added, report.updated, report.unchanged) == (0, 0, 2)
    assert embedder.embedded == embedded
    report = kb.ingest([write_jsonl({**FRAM, "text": "The Fram lies in Oslo now."})])
    assert (report.added, report.updated, report.unchanged) == (0, 1, 0)
    found = kb.search("Fram", 10)
    assert [e.text for e in found if e.document == "fram"] == ["The Fram lies in Oslo now."]
    assert all(difference.ok for difference in kb.verify())


def test_deleted_documents_are_gone_everywhere(kb: HetaRAG, write_jsonl: Writer) -> None:
    kb.ingest([write_jsonl(FRAM, ARCHER)])
    kb.delete("fram")
    assert "fram" not in names(kb.search("Who designed the Fram?", 10))
    assert [info.name for info in kb.documents()] == ["archer"]
    assert all(difference.ok for difference in kb.verify())
    status = kb.status()
    assert status.documents == 1
    assert {name: store.records for name, store in status.stores.items()} == {
        "vector": 1,
        "fulltext": 1,
        "graph": 1,
        "sql": 0,
    }
    with pytest.raises(NotFoundError, match="no document 'fram'"):
        kb.delete("fram")
    kb.ingest([write_jsonl(FRAM)])
    assert names(kb.search("Who designed the Fram?", 1)) == ["fram"]


def test_tags_hide_documents_from_those_without_them(kb: HetaRAG, write_jsonl: Writer) -> None:
    kb.ingest([write_jsonl(FRAM)], tags=["staff"])
    kb.ingest([write_jsonl(ARCHER, name="open.jsonl")])
    question = "Colin Archer of Larvik designed the Fram"
    assert names(kb.search(question)) == ["archer"]
    assert set(names(kb.search(question, principal=["staff"]))) == {"fram", "archer"}
    assert names(kb.search(question, principal=["guests"])) == ["archer"]
    assert set(names(kb.search(question, access="all"))) == {"fram", "archer"}
    kb.tag("archer", ["board"])
    assert names(kb.search(question)) == []
    kb.tag("archer", [])
    assert names(kb.search(question)) == ["archer"]
    assert all(difference.ok for difference in kb.verify())


def test_new_tags_of_an_unchanged_document_hold_and_none_keeps_them(
    kb: HetaRAG, write_jsonl: Writer
) -> None:
    path = write_jsonl(FRAM)
    kb.ingest([path], tags=["staff"])
    assert kb.ingest([path]).retagged == 0
    assert names(kb.search("Fram")) == []
    assert kb.ingest([path], tags=[]).retagged == 1
    assert names(kb.search("Fram")) == ["fram"]


def test_a_forbidden_table_is_not_computed_over(kb: HetaRAG, tmp_path: Path) -> None:
    (tmp_path / "ships.csv").write_text("ship,length_m\nFram,39.0\nGauss,46.0\nBear,60.0\n")
    kb.ingest([tmp_path / "ships.csv"], tags=["staff"])
    question = "What is the longest ship?"
    assert len(kb.search(question)) == 0
    allowed = kb.search(question, principal=["staff"])
    assert "query" in {e.kind for e in allowed}
    assert any("Bear" in e.text for e in allowed)


def test_where_collections_and_documents_narrow_a_search(kb: HetaRAG, write_jsonl: Writer) -> None:
    kb.ingest([write_jsonl({**FRAM, "year": 1892}, {**ARCHER, "year": 1832})])
    kb.ingest([write_jsonl({**FRAM, "id": "copy"}, name="c.jsonl")], collection="second")
    ask = "Colin Archer designed the Fram in Larvik"
    assert names(kb.search(ask, where={"year": 1892})) == ["fram"]
    assert names(kb.search(ask, where={"year": {"lt": 1850}})) == ["archer"]
    assert set(names(kb.search(ask, where={"year": [1832, 1892]}))) == {"fram", "archer"}
    assert names(kb.search(ask, where={"year": {"gt": 1900}})) == []
    assert names(kb.search(ask, collections=["second"])) == ["copy"]
    assert names(kb.search(ask, documents=["archer"])) == ["archer"]


def test_one_id_in_two_collections_is_two_documents(kb: HetaRAG, write_jsonl: Writer) -> None:
    path = write_jsonl(FRAM)
    kb.ingest([path])
    kb.ingest([path], collection="second")
    with pytest.raises(InputError, match="2 documents are called 'fram'"):
        kb.delete("fram")
    kb.delete("fram", collection="second")
    assert [info.collection for info in kb.documents()] == ["default"]


def test_rows_and_tables_are_found_and_follow_their_file(kb: HetaRAG, tmp_path: Path) -> None:
    path = tmp_path / "ships.csv"
    path.write_text("ship,yard,length_m\nFram,Larvik,39.0\nGauss,Kiel,46.0\n")
    kb.ingest([path])
    found = kb.search("How long is the Gauss?", 5)
    row = next(e for e in found if e.kind == "row")
    assert (row.row, row.table) == (2, "Ships")
    assert "46" in row.text
    path.write_text("ship,yard,length_m\nFram,Larvik,39.0\nGauss,Kiel,47.0\n")
    kb.ingest([path])
    rows = [e for e in kb.search("How long is the Gauss?", 10) if e.kind == "row"]
    assert "47" in rows[0].text
    assert not any("46" in e.text for e in rows)
    assert all(difference.ok for difference in kb.verify())


def test_another_embedder_is_refused_until_reindex(tmp_path: Path, write_jsonl: Writer) -> None:
    with HetaRAG.open(tmp_path / "kb", RULES, embedder=HashingEmbedder(64)) as rag:
        rag.ingest([write_jsonl(FRAM, ARCHER)])
    with HetaRAG.open(tmp_path / "kb", RULES, embedder=HashingEmbedder(32)) as rag:
        for attempt in (lambda: rag.search("Fram"), lambda: rag.ingest([write_jsonl(FRAM)])):
            with pytest.raises(FingerprintError, match="hashing/64.*hetarag reindex"):
                attempt()
        assert len(rag.documents()) == 2
        rag.reindex()
        assert names(rag.search("Who designed the Fram?", 1)) == ["fram"]
        assert all(difference.ok for difference in rag.verify())


def test_another_splitter_is_refused_until_reindex(
    tmp_path: Path, open_kb: Opener, write_jsonl: Writer
) -> None:
    text = " ".join(f"Sentence number {n} tells of the Fram." for n in range(60))
    (tmp_path / "ships.csv").write_text("ship,length_m\nFram,39.0\n")
    before = open_kb()
    before.ingest([write_jsonl({**FRAM, "text": text}), tmp_path / "ships.csv"])
    chunks = _chunks_of(before, "fram")
    before.close()
    small = {"entities": "rules", "chunk_words": 40}
    after = open_kb(ingest=small)
    with pytest.raises(FingerprintError, match="splitter settings.*hetarag reindex"):
        after.ingest([write_jsonl(ARCHER)])
    assert after.reindex().updated == 2
    assert _chunks_of(after, "fram") > chunks
    assert any(e.kind == "row" for e in after.search("How long is the Fram?", 10))
    assert all(difference.ok for difference in after.verify())
    assert after.reindex().updated == 0


def test_repair_mends_what_was_lost_and_what_is_too_many(kb: HetaRAG, write_jsonl: Writer) -> None:
    kb.ingest([write_jsonl(FRAM, ARCHER)])
    victim = kb.search("Fram", 1)[0].id
    for kind in ("vector", "fulltext", "graph"):
        kb._parts.stores.get(kind).delete([victim])
    lacking = {d.store: d.missing for d in kb.verify()}
    assert lacking == {
        "vector": (victim,),
        "fulltext": (victim,),
        "graph": (victim,),
        "sql": (),
    }
    assert all(difference.ok for difference in kb.repair())
    assert {hit.store for hit in kb.search("Who designed the Fram?", 1)[0].hits} >= {
        "vector",
        "fulltext",
    }


def test_orphans_in_a_store_are_never_shown_and_repaired(kb: HetaRAG, write_jsonl: Writer) -> None:
    from dataclasses import replace

    from hetarag.ledger.delivery.record_builder import Destination
    from hetarag.ledger.writing.segments import Segment

    kb.ingest([write_jsonl(FRAM)])
    record = kb._parts.records.records(
        [Segment(1, "chunks", None, 0, 0, 0)],
        Destination("fulltext", frozenset()),
        {kb.search("Fram")[0].id},
    )[0]
    orphan = replace(record, id="00000000-0000-5000-8000-000000000001", text="Fram secret")
    kb._parts.stores.get("fulltext").apply([orphan])
    assert all("secret" not in e.text for e in kb.search("Fram secret", 10))
    assert [d.extra for d in kb.verify() if d.store == "fulltext"] == [(orphan.id,)]
    assert all(difference.ok for difference in kb.repair())


def test_one_process_and_one_opening_at_a_time(kb: HetaRAG) -> None:
    with pytest.raises(LockedError, match="open in another process"):
        HetaRAG.open(kb.folder, RULES)


def test_closing_twice_and_opening_again(tmp_path: Path, write_jsonl: Writer) -> None:
    rag = HetaRAG.open(tmp_path / "kb", RULES, embedder=HashingEmbedder())
    rag.ingest([write_jsonl(FRAM)])
    rag.close()
    rag.close()
    with HetaRAG.open(tmp_path / "kb", RULES, embedder=HashingEmbedder()) as again:
        assert names(again.search("Fram")) == ["fram"]


@pytest.mark.parametrize(
    ("question", "message"),
    [("", "empty"), (" \n\t", "empty"), ("x" * 100_000, "100,000 characters")],
)
def test_questions_that_cannot_be_asked(kb: HetaRAG, question: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        kb.search(question)


@pytest.mark.parametrize(
    "question",
    ["?", "a", "the of and", "🙂🙂", "'; DROP TABLE x; --", "MATCH (n) RETURN n", "\x00"],
)
def test_odd_questions_are_answered(kb: HetaRAG, write_jsonl: Writer, question: str) -> None:
    kb.ingest([write_jsonl(FRAM, ARCHER)])
    assert kb.search(question, 3).complete


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 0}, "k must be"),
        ({"on_error": "ignore"}, "on_error"),
        ({"access": "some"}, "access"),
        ({"stores": ["vektor"]}, "vektor"),
        ({"where": {"year": {"near": 3}}}, "unknown comparison near"),
        ({"documents": ["nowhere"]}, "nowhere"),
        ({"principal": [""]}, "tags"),
    ],
)
def test_wrong_arguments_are_named(kb: HetaRAG, arguments: dict[str, object], message: str) -> None:
    with pytest.raises((InputError, NotFoundError), match=message):
        kb.search("Fram", **arguments)  # type: ignore[arg-type]


def test_opening_what_is_not_there_or_not_a_folder(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no knowledge base"):
        HetaRAG.open(tmp_path / "nowhere", create=False)
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="cannot be used as the folder"):
        HetaRAG.open(tmp_path / "file")


def test_an_empty_knowledge_base_answers_with_nothing(kb: HetaRAG) -> None:
    found = kb.search("Who designed the Fram?")
    assert len(found) == 0
    assert found.complete


def test_settings_beside_the_knowledge_base_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "kb"
    folder.mkdir()
    (folder / "hetarag.toml").write_text("[search]\nk = 3\n[stores]\ngraph = 'none'\n")
    with HetaRAG.open(folder, embedder=HashingEmbedder()) as rag:
        assert rag.settings.search.k == 3
        assert set(rag.status().stores) == {"vector", "fulltext", "sql"}


def ships_in(kb: HetaRAG, folder: Path) -> str:
    file = folder / "ships.csv"
    file.write_text("ship,yard\nFram,Larvik\nGauss,Kiel\n")
    assert kb.ingest([file]).pending == 0
    return kb.documents()[0].name


def rows_of(kb: HetaRAG, **options: object) -> list[str]:
    found = kb.search("Which yard built the Gauss?", 5, **options)  # type: ignore[arg-type]
    return sorted(e.text for e in found if e.kind == "row")


def test_tags_of_a_table_change_and_its_rows_stay(kb: HetaRAG, tmp_path: Path) -> None:
    name = ships_in(kb, tmp_path)
    before = rows_of(kb)
    assert len(before) == 2
    kb.tag(name, ["staff"])
    assert rows_of(kb) == [] and rows_of(kb, principal=["staff"]) == before
    assert all(difference.ok for difference in kb.verify())


def test_a_table_in_an_old_form_is_mended_with_its_rows(kb: HetaRAG, tmp_path: Path) -> None:
    ships_in(kb, tmp_path)
    before = rows_of(kb)
    with kb._parts.stores.get("sql")._database.write() as connection:  # type: ignore[attr-defined]
        connection.exec_driver_sql("UPDATE hetarag_tables SET digest = 'old'")
    assert [len(difference.stale) for difference in kb.verify() if not difference.ok] == [1]
    assert all(difference.ok for difference in kb.repair())
    assert rows_of(kb) == before


def test_rows_that_are_lost_are_said_to_be(kb: HetaRAG, tmp_path: Path) -> None:
    name = ships_in(kb, tmp_path)
    before = rows_of(kb)
    store = kb._parts.stores.get("sql")
    store.delete([identifier for identifier, _ in store.scan()])
    for _ in range(2):  # no empty table takes the place of the lost one
        (left,) = [difference for difference in kb.repair() if not difference.ok]
        assert left.store == "sql" and len(left.missing) == 1
        assert "delete its document and ingest it again" in (left.error or "")
    kb.delete(name)
    ships_in(kb, tmp_path)
    assert all(difference.ok for difference in kb.verify()) and rows_of(kb) == before


def test_a_document_that_no_store_takes_is_there_all_the_same(
    open_kb: Opener, tmp_path: Path, write_jsonl: Writer
) -> None:
    kb = open_kb(stores={"vector": "none", "fulltext": "none", "graph": "none"})
    ships_in(kb, tmp_path)
    assert kb.ingest([write_jsonl(FRAM)]).pending == 0  # text, and SQL alone
    assert {info.state for info in kb.documents()} == {"live"}
    assert kb.status().pending == 0
    kb.ingest([write_jsonl({**FRAM, "text": "Another."})])
    assert [info.generation for info in kb.documents() if info.name == "fram"] == [3]
    assert rows_of(kb)
