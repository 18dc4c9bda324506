"""`python -m benchmarks growth`: a row per size, and what cannot be asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import growth
from hetarag.errors import InputError
from hetarag.testing.doubles import HashingEmbedder


@pytest.fixture
def corpus(write_jsonl: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(growth, "make_embedder", lambda _: HashingEmbedder())
    monkeypatch.setenv("HETARAG_INGEST__ENTITIES", "rules")
    return write_jsonl(*({"id": str(n), "title": f"Ship {n}", "text": f"A hull {n}."} for n in range(9)))  # fmt: skip


def test_additions_are_timed_at_each_size_that_the_corpus_reaches(corpus: Path) -> None:
    rows = growth.growth_costs(corpus, None, (4, 8, 16), each=2)
    assert [row["documents"] for row in rows] == [4, 8]
    assert all(row["addition, ms"] > row["of which embedding, ms"] for row in rows)
    assert rows[0]["ratio to the first"] == 1.0


def test_a_corpus_that_is_too_small_is_refused(corpus: Path) -> None:
    with pytest.raises(InputError, match="has 9 passages; sizes must lie between 20 and that"):
        growth.growth_costs(corpus, None, (100,))
