"""`python -m benchmarks load`: searchers at the same time, over the real embedded engines."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.load import measure_load
from hetarag import HetaRAG
from hetarag.errors import LedgerError
from hetarag.eval.datasets import Question
from tests.conftest import Opener

ASKED = [Question(str(n), text, (), frozenset()) for n, text in enumerate(
    ("Who designed the Fram?", "Where was Colin Archer born?"))]  # fmt: skip


@pytest.fixture
def filled(open_kb: Opener, write_jsonl: Callable[..., Path]) -> HetaRAG:
    kb = open_kb(search={"concurrency": 2})
    kb.ingest([write_jsonl(
        {"id": "fram", "title": "Fram", "text": "Colin Archer designed the Fram."},
        {"id": "archer", "title": "Colin Archer", "text": "He was born in Larvik."},
    )])  # fmt: skip
    return kb


def test_every_search_is_counted(filled: HetaRAG) -> None:
    said: list[str] = []
    found = measure_load(filled, ASKED, searchers=6, seconds=1, watch=said.append)
    row = found.row()
    assert row["searches"] == len(found.seconds) > 6
    assert row["a second"] == pytest.approx(row["searches"] / found.lasted)
    assert 0 < row["p50, ms"] <= row["p95, ms"] <= row["longest, ms"]
    assert row["with a late or failed store, %"] == 0
    assert not (row["errors"] or row["late, by store"] or row["failed, by store"]) and said


def test_what_is_late_or_fails_is_told(filled: HetaRAG, monkeypatch: pytest.MonkeyPatch) -> None:
    filled.search(ASKED[0].text)
    store = filled._parts.stores.get("fulltext")
    monkeypatch.setattr(store, "search", lambda *_: time.sleep(2))
    found = measure_load(filled, ASKED, searchers=2, seconds=1, deadline=0.2)
    assert found.late["fulltext"] == found.incomplete == len(found.seconds) > 0
    assert found.row()["with a late or failed store, %"] == 100

    def broken(*_: Any, **__: Any) -> Any:
        raise LedgerError("the ledger is gone")

    calls: list[int] = []

    def first_answers(*arguments: Any, **options: Any) -> Any:
        calls.append(1)
        return None if len(calls) == 1 else broken()

    monkeypatch.setattr(filled, "search", first_answers)
    found = measure_load(filled, ASKED, searchers=1, seconds=0.2)
    assert set(found.raised) == {"LedgerError: the ledger is gone"} and not found.seconds
    assert found.row()["searches"] == 0
