"""What keeps several processes at one outbox from overtaking one another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from hetarag import HetaRAG
from hetarag.errors import StoreError
from hetarag.types import Record

Writer = Callable[..., Path]


@pytest.fixture
def recorded(kb: HetaRAG, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HetaRAG:
    """A table that is in the ledger and owed to every store."""
    path = tmp_path / "ships.csv"
    path.write_text("ship,yard\nFram,Larvik\nGauss,Kiel\n")
    monkeypatch.setattr(kb._parts.outbox, "drain", lambda *_: {})
    kb.ingest([path])
    monkeypatch.undo()
    return kb


def test_rows_wait_until_the_sql_store_has_their_table(recorded: HetaRAG) -> None:
    outbox = recorded._parts.outbox
    assert all(claim.segment.table is None for claim in outbox._claim("fulltext", "put"))
    claims = outbox._claim("sql", "put")
    assert [claim.segment.part for claim in claims] == ["table"]
    assert all(claim.segment.table is None for claim in outbox._claim("vector", "put"))
    outbox._deliver("sql", "put", claims)
    assert "rows" in {claim.segment.part for claim in outbox._claim("vector", "put")}


def test_nothing_is_claimed_twice(recorded: HetaRAG) -> None:
    assert recorded._parts.outbox._claim("sql", "put")
    assert recorded._parts.outbox._claim("sql", "put") == []


def test_a_removal_waits_for_what_is_being_put(
    recorded: HetaRAG, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = recorded._parts.outbox
    claims = outbox._claim("sql", "put")
    with monkeypatch.context() as patched:
        patched.setattr(outbox, "drain", lambda *_: {})
        recorded.delete(recorded.documents()[0].name)
    assert outbox._claim("sql", "remove") == []
    assert outbox.drain() == {}  # another process at work takes nothing away from it
    assert outbox._claim("sql", "remove") == []
    outbox._deliver("sql", "put", claims)
    assert outbox.drain() == {}
    assert all(difference.ok for difference in recorded.verify())
    assert recorded.status().stores["sql"].records == 0
    assert outbox.owed() == {}


class Refusing:
    """Stands before `apply` of a store: refuses what holds a word, counts how often it is asked."""

    def __init__(self, kb: HetaRAG, kind: str, patch: pytest.MonkeyPatch) -> None:
        store = kb._parts.stores.get(kind)
        self._apply, self.word, self.asked = store.apply, "", 0
        patch.setattr(store, "apply", self.apply)

    def apply(self, records: Sequence[Record]) -> None:
        self.asked += 1
        if any(self.word in record.text for record in records):
            raise StoreError("fulltext", f"refuses {self.word!r}")
        self._apply(records)


def test_what_was_refused_is_delivered_with_the_first_drain_that_can(
    kb: HetaRAG, write_jsonl: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Refusing(kb, "fulltext", monkeypatch)
    ships = [{"id": name, "title": name, "text": f"{name} sails."} for name in ("Fram", "Gauss")]
    for number, ship in enumerate(ships):
        assert kb.ingest([write_jsonl(ship, name=f"{number}.jsonl")]).pending == number + 1
    store.asked = 0
    kb.ingest([write_jsonl(ships[0], name="0.jsonl")])
    assert store.asked == 1  # one of the two that wait
    store.word = "nothing like it"
    assert kb.ingest([write_jsonl(ships[0], name="0.jsonl")]).pending == 0
    assert all(difference.ok for difference in kb.verify())


def test_what_is_refused_for_its_own_sake_does_not_stand_before_others(
    kb: HetaRAG, write_jsonl: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Refusing(kb, "fulltext", monkeypatch)
    paths = [
        write_jsonl({"id": name, "title": name, "text": f"{name} sails."}, name=f"{name}.jsonl")
        for name in ("Fram", "Gauss", "Vega")
    ]
    kb.ingest(paths)
    assert kb.status().pending == 3
    store.word = "Fram"
    for _ in range(2):  # the first that is tried may be that one
        kb.ingest(paths)
    assert kb.status().pending == 1
    assert kb._parts.outbox.owed() == {"fulltext": 1}
    assert "refuses 'Fram'" in kb._parts.outbox.errors()["fulltext"]
