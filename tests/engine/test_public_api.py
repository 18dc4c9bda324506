"""The public face: options that say what is wrong with them, and what is paid for when."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hetarag import HetaRAG, InputError, ModelError, SearchError, SearchSettings
from hetarag.errors import ConfigError
from hetarag.testing.doubles import HashingEmbedder
from hetarag.types import Vector
from tests.conftest import RULES, Opener

FRAM = {"id": "fram", "title": "Fram", "text": "Colin Archer designed the Fram in 1892."}
MAUD = {"id": "maud", "title": "Maud", "text": "Christian Jensen built the Maud in 1916."}
QUESTION = "Who designed the Fram?"


class SlowEmbedder(HashingEmbedder):
    """Takes its time for a question, and counts how many it is asked at once."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.asked = self.running = self.most = 0
        self._lock = threading.Lock()

    def embed_query(self, text: str) -> Vector:
        with self._lock:
            self.asked += 1
            self.running += 1
            self.most = max(self.most, self.running)
        time.sleep(self.seconds)
        with self._lock:
            self.running -= 1
        return super().embed_query(text)


@pytest.fixture
def filled(kb: HetaRAG, write_jsonl: Callable[..., Path]) -> HetaRAG:
    kb.ingest([write_jsonl(FRAM, MAUD)])
    return kb


@pytest.mark.parametrize(("old", "new"), [("list", "documents"), ("load_models", "warm_up")])
def test_names_from_before_say_the_new_one(kb: HetaRAG, old: str, new: str) -> None:
    with pytest.raises(AttributeError, match=rf"HetaRAG\.{old}\(\) is called {new}\(\) now"):
        getattr(kb, old)
    assert not hasattr(kb, "nothing")


def test_an_option_that_is_not_there_names_those_that_are(filled: HetaRAG) -> None:
    with pytest.raises(InputError, match=r"no option 'principals'; known are .*principal"):
        filled.search(QUESTION, principals=["a"])  # type: ignore[call-arg]
    with pytest.raises(InputError, match="'evidence' is called 'evidence_k' now"):
        filled.ask(QUESTION, evidence=3)  # type: ignore[call-arg]
    with pytest.raises(InputError, match="'decoder' is an option of ask and stream"):
        filled.search(QUESTION, decoder="lfd")  # type: ignore[call-arg]
    with pytest.raises(InputError, match="evidence_k must be at least 1"):
        filled.ask(QUESTION, evidence_k=0)


def test_settings_of_one_search_may_be_an_object(filled: HetaRAG) -> None:
    plain = filled.search(QUESTION, settings=SearchSettings(rerank="none"))
    assert plain.trace is not None and "reranking" not in plain.trace.seconds
    same = filled.search(QUESTION, settings={"rerank": "none"})
    assert [e.id for e in same] == [e.id for e in plain]
    with pytest.raises(ConfigError, match="no fusion is called 'sum'; known: rrf, "):
        filled.search(QUESTION, settings={"fusion": "sum"})
    with pytest.raises(ConfigError, match="no cross-encoder 'large'; known: auto"):
        filled.search(QUESTION, settings={"cross_encoder": "large"})


def test_names_that_nobody_has_are_refused_when_a_knowledge_base_is_opened(tmp_path: Path) -> None:
    for search in ({"fusion": "sum"}, {"cross_encoder": "large"}):
        with pytest.raises(ConfigError, match="known"):
            HetaRAG.open(tmp_path / "kb", {"search": search})
    HetaRAG.open(tmp_path / "kb", RULES, embedder=HashingEmbedder()).close()


def test_a_misspelt_decoder_is_refused_before_the_search_is_paid(
    tmp_path: Path, write_jsonl: Callable[..., Path]
) -> None:
    embedder = SlowEmbedder(0)
    with HetaRAG.open(tmp_path / "kb", RULES, embedder=embedder) as rag:
        rag.ingest([write_jsonl(FRAM)])
        embedder.asked = 0  # for questions, from now on
        with pytest.raises(InputError, match=r"no decoder 'ldf'; it has lfd, "):
            rag.ask(QUESTION, decoder="ldf")
        with pytest.raises(InputError, match="no decoder 'ldf'"):
            rag.read(QUESTION, [], decoder="ldf")
        assert embedder.asked == 0
    wrong = {**RULES, "reader": {"decoder": "ldf"}}
    with (
        HetaRAG.open(tmp_path / "kb", wrong, embedder=embedder) as rag,
        pytest.raises(InputError, match=r"'ldf' \(setting reader\.decoder\)"),
    ):
        rag.ask(QUESTION)


def test_the_evidence_comes_before_the_reader_is_loaded(
    open_kb: Opener, write_jsonl: Callable[..., Path], tmp_path: Path
) -> None:
    rag = open_kb(models={"reader": str(tmp_path / "no reader here")})
    rag.ingest([write_jsonl(FRAM)])
    events = rag.stream(QUESTION)
    first = next(events)
    assert first.type == "evidence" and first.evidence[0].document == "fram"
    with pytest.raises(ModelError, match="no reader here"):
        next(events)


def test_searches_are_admitted_a_few_at_a_time_whatever_their_settings(
    tmp_path: Path, write_jsonl: Callable[..., Path]
) -> None:
    embedder = SlowEmbedder(0.05)
    settings = {**RULES, "search": {"concurrency": 2}}
    with HetaRAG.open(tmp_path / "kb", settings, embedder=embedder) as rag:
        rag.ingest([write_jsonl(FRAM)])
        done: list[bool] = []

        def ask(number: int) -> None:
            changed = {"rrf_k": 10 + number % 5}  # five planes
            done.append(rag.search(QUESTION, deadline=2.0, settings=changed).complete)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert embedder.most <= 2
    assert done == [True] * 12  # waiting does not eat the deadline


def test_the_deadline_holds_while_the_question_is_embedded(
    tmp_path: Path, write_jsonl: Callable[..., Path]
) -> None:
    embedder = SlowEmbedder(3.0)
    with HetaRAG.open(tmp_path / "kb", RULES, embedder=embedder) as rag:
        rag.ingest([write_jsonl(FRAM)])
        started = time.monotonic()
        with pytest.raises(SearchError, match=r"vector \(late: the question was not embedded"):
            rag.search(QUESTION, deadline=0.5)
        assert time.monotonic() - started < 2.0


def test_two_stores_of_one_kind_hold_the_same_and_are_asked_by_name(
    open_kb: Opener, write_jsonl: Callable[..., Path]
) -> None:
    rag = open_kb(stores={"words": {"kind": "fulltext"}, "more": {"kind": "vector"}})
    rag.ingest([write_jsonl(FRAM, MAUD)])
    assert {info.state for info in rag.documents()} == {"live"}
    stores = rag.status().stores
    assert [(name, store.kind) for name, store in stores.items()][4:] == [
        ("words", "fulltext"),
        ("more", "vector"),
    ]
    assert stores["words"].records == stores["fulltext"].records == 2
    found = rag.search(QUESTION)
    assert {hit.store for hit in found[0].hits} >= {"vector", "fulltext", "words", "more"}
    (alone,) = {hit.store for e in rag.search(QUESTION, stores=["words"]) for hit in e.hits}
    assert alone == "words"
    with pytest.raises(InputError, match="has vector, fulltext, graph, sql, words, more"):
        rag.search(QUESTION, stores=["papers"])
    rag.delete("fram")
    assert all(difference.ok for difference in rag.verify())
    assert rag.status().stores["more"].records == 1
