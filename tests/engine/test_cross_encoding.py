"""A search that has a cross-encoder read what the link ranker is unsure of."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hetarag import HetaRAG
from hetarag.errors import ModelError, SearchError
from hetarag.testing.doubles import HashingEmbedder
from hetarag.types import Vector
from tests.conftest import RULES, Opener

QUESTION = "Which harbour has piers?"
ALWAYS = {"cross_encoder": "always", "cross_encode_below": 1.0}
DOCUMENTS = [
    {"id": f"h{n}", "title": f"Harbour {n}", "text": f"The harbour number {n} has {n} piers."}
    for n in range(30)
]


class Scorer:
    """Likes one passage; counts what it has read."""

    def __init__(self, likes: str, seconds: float = 0.0, error: str | None = None) -> None:
        self.likes, self.seconds, self.error = likes, seconds, error
        self.read: list[Sequence[tuple[str, str]]] = []

    def scores(self, question: str, passages: Sequence[tuple[str, str]]) -> Vector:
        self.read.append(passages)
        time.sleep(self.seconds)
        if self.error:
            raise ModelError(self.error)
        return np.array([20.0 if title == self.likes else -1.0 for title, _ in passages])


@pytest.fixture
def search(tmp_path: Path, write_jsonl: Callable[..., Path]) -> Iterator[Callable[..., Any]]:
    """Search a filled knowledge base that has the given cross-encoder."""
    with HetaRAG.open(tmp_path / "kb", RULES, embedder=HashingEmbedder()) as kb:
        kb.ingest([write_jsonl(*DOCUMENTS)])

        def run(scorer: Scorer, settings: dict[str, Any] = ALWAYS, **options: Any) -> Any:
            kb._parts.planes.__dict__["cross_encoder"] = (
                scorer  # what its cached property would load
            )
            return kb.search(QUESTION, 10, settings=settings, **options)

        yield run


def test_what_it_likes_comes_first_and_says_so(search: Callable[..., Any]) -> None:
    plain = search(Scorer(""), {})
    last = plain.hits[9].title
    scorer = Scorer(last)
    found = search(scorer)
    assert found.hits[0].title == last
    assert len(scorer.read) == 1 and 0 < len(scorer.read[0]) <= 12
    status = found.trace.stores["cross-encoder"]
    assert (status.status, status.hits) == ("ok", len(scorer.read[0]))
    said = [hit for hit in found.hits[0].hits if hit.store == "cross-encoder"]
    assert [(hit.rank, hit.score) for hit in said] == [(1, 20.0)]
    assert found.trace.seconds["cross-encoder"] > 0


def test_each_paragraph_of_a_piece_is_read_and_the_best_one_counts(
    open_kb: Opener, tmp_path: Path
) -> None:
    class Piers(Scorer):
        def scores(self, question: str, passages: Sequence[tuple[str, str]]) -> Vector:
            self.read.append(passages)
            return np.array([20.0 if "seven piers" in text else -1.0 for _, text in passages])

    line = "Its harbour was built of stone by men of the town in a year that nobody knows."
    for n in range(12):
        piers = (
            "There are seven piers, and ships of all sizes lie at them all year long, it is said."
        )
        report = f"Report {n}\n\n{line}\n\n{piers if n == 7 else line}"
        (tmp_path / f"report-{n}.txt").write_text(report, encoding="utf-8")
    kb = open_kb()
    kb.ingest([tmp_path / f"report-{n}.txt" for n in range(12)])
    scorer = kb._parts.planes.__dict__["cross_encoder"] = Piers("")
    found = kb.search(QUESTION, 10, settings=ALWAYS)
    assert found.hits[0].document.endswith("report-7.txt")
    (read,) = scorer.read
    assert found.trace is not None
    pieces = found.trace.stores["cross-encoder"].hits
    assert len(read) == 2 * pieces
    (said,) = (hit for hit in found.hits[0].hits if hit.store == "cross-encoder")
    assert (said.rank, said.score) == (1, 20.0)


def test_it_reads_nothing_where_it_need_not_or_may_not(search: Callable[..., Any]) -> None:
    plain = search(Scorer(""), {})
    assert "cross-encoder" not in plain.trace.stores  # "auto": the embedder is another
    for settings, options in (
        ({**ALWAYS, "cross_encode_below": 0.0}, {}),  # everything convinces
        ({**ALWAYS, "cross_encoder": "none"}, {}),
        ({**ALWAYS, "rerank": "none"}, {}),
        (ALWAYS, {"deadline": 0.45}),
    ):
        scorer = Scorer("Harbour 1")
        found = search(scorer, settings, **options)
        assert not scorer.read and found.complete
        if "rerank" not in settings:
            assert [e.document for e in found] == [e.document for e in plain]
        status = found.trace.stores.get("cross-encoder")
        assert status is None or status.status == "skipped"


def test_failing_or_late_it_changes_nothing(search: Callable[..., Any]) -> None:
    plain = [e.document for e in search(Scorer(""), {})]
    for scorer, status in (
        (Scorer("Harbour 1", error="no model here"), "failed"),
        (Scorer("Harbour 1", seconds=3.0), "late"),
    ):
        found = search(scorer, on_error="skip", deadline=1.5)
        assert [e.document for e in found] == plain
        assert found.trace.stores["cross-encoder"].status == status
        assert not found.complete
    with pytest.raises(SearchError, match=r"cross-encoder \(failed: no model here\)"):
        search(Scorer("Harbour 1", error="no model here"))


def test_it_is_loaded_with_the_models_where_it_may_read(tmp_path: Path) -> None:
    unranked = {**RULES, "search": {"rerank": "none"}}
    with HetaRAG.open(tmp_path / "unranked", unranked) as kb:
        kb.warm_up()
        assert "cross_encoder" not in kb._parts.planes.__dict__
    with HetaRAG.open(tmp_path / "kb", RULES, embedder=HashingEmbedder()) as kb:
        kb.warm_up()
        assert "cross_encoder" not in kb._parts.planes.__dict__
    with HetaRAG.open(tmp_path / "other", RULES) as kb:  # the default embedder
        kb.warm_up()
        assert "cross_encoder" in kb._parts.planes.__dict__


def test_searches_at_once_load_it_once(
    kb: HetaRAG, write_jsonl: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[Scorer] = []

    def load(*_: object, **__: object) -> Scorer:
        loaded.append(Scorer("Harbour 1"))
        time.sleep(0.2)
        return loaded[-1]

    monkeypatch.setattr("hetarag.models.rerankers.cross_encoder.CrossEncoder", load)
    monkeypatch.setattr("hetarag.models.rerankers.factory.resolve", lambda *_, **__: None)
    kb.ingest([write_jsonl(*DOCUMENTS)])
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: kb.search(QUESTION, 10, settings=ALWAYS), range(4)))
    assert len(loaded) == 1
    assert all(f.trace and f.trace.stores["cross-encoder"].status == "ok" for f in found)
