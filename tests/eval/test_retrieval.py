"""`bench retrieval` over a small knowledge base on the real engines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hetarag import HetaRAG
from hetarag.errors import ConfigError
from hetarag.eval import retrieval
from hetarag.eval.datasets import Question

QUESTIONS = [
    Question("1", "Who designed the Fram?", ("Colin Archer",), frozenset({"fram"}), "single"),
    Question("2", "Where was the designer of the Fram born?", ("Larvik",), frozenset({"fram", "archer"}), "two hops"),
]  # fmt: skip


@pytest.fixture
def ships(kb: HetaRAG, write_jsonl: Callable[..., Path]) -> HetaRAG:
    kb.ingest(
        [
            write_jsonl(
                {"id": "fram", "title": "Fram", "text": "Colin Archer designed the Fram."},
                {"id": "archer", "title": "Colin Archer", "text": "He was born in Larvik."},
                {"id": "gauss", "title": "Gauss", "text": "The Gauss was built in Kiel."},
            )
        ]
    )
    return kb


def test_all_systems_are_measured_on_the_same_questions(ships: HetaRAG) -> None:
    runs = retrieval.run_systems(ships, QUESTIONS, retrieval.SYSTEMS)
    rows = {row["system"]: row for row in retrieval.summarise(runs, QUESTIONS)}
    assert list(rows) == list(retrieval.SYSTEMS)
    assert rows["plane"]["recall@5"] == 1.0
    assert rows["sql alone"]["recall@5"] == 0.0
    assert rows["sql alone"]["plane minus this, recall@5"].mean == 1.0
    kinds = retrieval.by_type(runs, QUESTIONS)
    assert kinds["plane"] == {"single": 1.0, "two hops": 1.0}
    assert "| plane |" in retrieval.markdown(list(rows.values()))


def test_a_search_may_differ_from_the_settings(ships: HetaRAG) -> None:
    assert ships.search("Who designed the Fram?").trace is not None
    plain = ships.search("Who designed the Fram?", settings={"rerank": "none", "hops": False})
    assert plain.trace is not None
    assert "reranking" not in plain.trace.seconds
    assert "hops" not in plain.trace.ranks
    whole = ships.search("Who designed the Fram?")
    assert whole.trace is not None
    assert "reranking" in whole.trace.seconds
    with pytest.raises(ConfigError, match="beams"):
        ships.search("Who designed the Fram?", settings={"beams": 2})
