"""A knowledge base on servers: the same calls as on the embedded engines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hetarag.errors import SearchError
from tests.conftest import Opener
from tests.servers.process import free_port

Writer = Callable[..., Path]
FRAM = {"id": "fram", "title": "Fram", "text": "The Fram was designed by Colin Archer in Larvik."}
ARCHER = {"id": "archer", "title": "Colin Archer", "text": "Colin Archer was born in Larvik."}


def test_a_knowledge_base_on_elasticsearch_and_qdrant(
    open_kb: Opener, write_jsonl: Writer, elasticsearch_address: str
) -> None:
    stores = {"fulltext": elasticsearch_address, "vector": "qdrant+local://"}
    kb = open_kb(stores=stores)
    report = kb.ingest([write_jsonl(FRAM, ARCHER)])
    assert (report.added, report.failures, report.pending) == (2, (), 0)
    found = kb.search("Who designed the Fram?", 5)
    assert found.complete
    assert found[0].document == "fram"
    assert {hit.store for hit in found[0].hits} >= {"vector", "fulltext", "graph"}
    kb.delete("fram")
    assert [e.document for e in kb.search("Who designed the Fram?", 5)] == ["archer"]
    kb.ingest([write_jsonl({**ARCHER, "text": "Colin Archer died in Larvik."})])
    assert [e.text for e in kb.search("Archer died", 1)] == ["Colin Archer died in Larvik."]
    assert all(difference.ok for difference in kb.verify())
    kb.close()
    again = open_kb(stores=stores)
    again.search("Colin Archer", 1)
    fulltext = again._parts.stores.get("fulltext")
    fulltext.delete([identifier for identifier, _ in fulltext.scan()])
    assert [d.store for d in again.verify() if d.missing] == ["fulltext"]
    assert all(difference.ok for difference in again.repair())
    assert again.search("Archer died", 1, stores=["fulltext"])[0].document == "archer"


def test_servers_that_are_down_are_named_and_owed(open_kb: Opener, write_jsonl: Writer) -> None:
    for driver in ("elasticsearch", "qdrant_client"):
        pytest.importorskip(driver, reason="needs the extra hetarag[servers]")
    nobody = f"elasticsearch+http://elastic:s3cret@127.0.0.1:{free_port()}"
    kb = open_kb(stores={"fulltext": nobody, "vector": f"http://127.0.0.1:{free_port()}"})
    report = kb.ingest([write_jsonl(FRAM)])
    assert report.pending
    assert {warning.source.split()[0] for warning in report.warnings} == {"fulltext", "vector"}
    found = kb.search("Who designed the Fram?", 5, on_error="skip")
    assert not found.complete
    assert found.trace is not None
    for kind in ("fulltext", "vector"):
        status = found.trace.stores[kind]
        assert status.status == "failed"
        assert "no connection to 127.0.0.1" in (status.reason or "")
        assert "s3cret" not in (status.reason or "")
    with pytest.raises(SearchError, match="no connection to") as caught:
        kb.search("Who designed the Fram?", 5)
    assert "s3cret" not in str(caught.value)
