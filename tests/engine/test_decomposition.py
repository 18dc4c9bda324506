"""A search that has a language model say what is still to be looked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from hetarag import HetaRAG
from hetarag.errors import SearchError
from hetarag.protocols import Reader
from hetarag.testing.doubles import HashingEmbedder, ScriptedReader
from tests.conftest import RULES

QUESTION = "Where did the designer of the Fram go to school?"
ALWAYS = {"decompose": "reader", "decompose_below": 1.0}
DOCUMENTS = [
    {"id": "fram", "title": "Fram", "text": "The Fram was designed by a man of Larvik."},
    {
        "id": "school",
        "title": "Tollerodden",
        "text": "Young Archer learned to read at Tollerodden.",
    },
    *(
        {"id": f"n{n}", "title": f"Harbour {n}", "text": f"The harbour number {n} has {n} piers."}
        for n in range(60)
    ),
]


@pytest.fixture
def search(tmp_path: Path, write_jsonl: Callable[..., Path]) -> Iterator[Callable[..., Any]]:
    """Search a filled knowledge base that has the given reader."""
    path = write_jsonl(*DOCUMENTS)
    opened: list[HetaRAG] = []

    def run(reader: Reader, settings: Mapping[str, Any] = ALWAYS, **options: Any) -> Any:
        if opened:
            opened.pop().close()
        kb = HetaRAG.open(tmp_path / "kb", RULES, embedder=HashingEmbedder(), reader=reader)
        opened.append(kb)
        kb.ingest([path])
        return kb.search(QUESTION, 5, settings=settings, **options)

    yield run
    for kb in opened:
        kb.close()


def test_what_it_tells_apart_is_looked_for(search: Callable[..., Any]) -> None:
    reader = ScriptedReader("Where did young Archer learn to read?")
    plain = search(reader, {})
    assert reader.asked == 0
    assert "school" not in [e.document for e in plain]
    found = search(reader)
    assert reader.asked == 1
    assert "school" in [e.document for e in found]
    assert found.trace.stores["decomposition"].status == "ok"
    assert found.trace.stores["decomposition"].hits == 1


def test_it_is_not_asked_where_the_evidence_convinces(search: Callable[..., Any]) -> None:
    reader = ScriptedReader("Where did young Archer learn to read?")
    found = search(reader, {"decompose": "reader", "decompose_below": 0.0})
    assert reader.asked == 0 and found.complete
    assert found.trace.stores["decomposition"].status == "skipped"


def test_a_model_that_fails_or_is_late_costs_its_parts_alone(search: Callable[..., Any]) -> None:
    plain = [e.document for e in search(ScriptedReader(), {})]
    for reader, status in (
        (ScriptedReader(error="no model here"), "failed"),
        (ScriptedReader("Who?", seconds=3.0), "late"),
    ):
        started = time.monotonic()
        found = search(reader, on_error="skip", deadline=2.0)
        assert [e.document for e in found] == plain
        assert found.trace.stores["decomposition"].status == status
        assert not found.complete
        assert time.monotonic() - started < 4.5
    with pytest.raises(SearchError, match=r"decomposition \(failed: no model here\)"):
        search(ScriptedReader(error="no model here"))
