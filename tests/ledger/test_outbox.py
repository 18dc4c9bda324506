"""What keeps several processes at one outbox from overtaking one another."""

from __future__ import annotations

from pathlib import Path

import pytest

from hetarag import HetaRAG


@pytest.fixture
def recorded(kb: HetaRAG, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HetaRAG:
    """A table that is in the ledger and owed to every store."""
    path = tmp_path / "ships.csv"
    path.write_text("ship,yard\nFram,Larvik\nGauss,Kiel\n")
    monkeypatch.setattr(kb._outbox, "drain", lambda *_: {})
    kb.ingest([path])
    monkeypatch.undo()
    return kb


def test_rows_wait_until_the_sql_store_has_their_table(recorded: HetaRAG) -> None:
    outbox = recorded._outbox
    assert all(claim.segment.table is None for claim in outbox._claim("fulltext", "put"))
    claims = outbox._claim("sql", "put")
    assert [claim.segment.part for claim in claims] == ["table"]
    assert all(claim.segment.table is None for claim in outbox._claim("vector", "put"))
    outbox._deliver("sql", "put", claims)
    assert "rows" in {claim.segment.part for claim in outbox._claim("vector", "put")}


def test_nothing_is_claimed_twice(recorded: HetaRAG) -> None:
    assert recorded._outbox._claim("sql", "put")
    assert recorded._outbox._claim("sql", "put") == []


def test_a_removal_waits_for_what_is_being_put(
    recorded: HetaRAG, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = recorded._outbox
    claims = outbox._claim("sql", "put")
    with monkeypatch.context() as patched:
        patched.setattr(outbox, "drain", lambda *_: {})
        recorded.delete(recorded.list()[0].name)
    assert outbox._claim("sql", "remove") == []
    assert outbox.drain() == {}  # another process at work takes nothing away from it
    assert outbox._claim("sql", "remove") == []
    outbox._deliver("sql", "put", claims)
    assert outbox.drain() == {}
    assert all(difference.ok for difference in recorded.verify())
    assert recorded.status()["stores"]["sql"]["records"] == 0
    assert outbox.owed() == {}
