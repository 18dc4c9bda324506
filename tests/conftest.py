"""Fixtures that several packages' tests share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hetarag import HetaRAG
from hetarag.testing.doubles import HashingEmbedder
from tests.servers.elasticsearch_server import elasticsearch_address, elasticsearch_server
from tests.servers.running import stop_all

# Here and nowhere else: a session's fixture that two packages import is made twice.
__all__ = ["elasticsearch_address", "elasticsearch_server"]

Opener = Callable[..., HetaRAG]
RULES = {"ingest": {"entities": "rules"}}


def pytest_sessionfinish() -> None:
    """Stop the servers that this process has started: each worker has its own."""
    stop_all()


@pytest.fixture
def embedder() -> HashingEmbedder:
    return HashingEmbedder()


@pytest.fixture
def open_kb(tmp_path: Path, embedder: HashingEmbedder) -> Iterator[Opener]:
    """Open knowledge bases on the real embedded engines; they are closed at the end."""
    opened: list[HetaRAG] = []

    def opener(name: str = "kb", **settings: object) -> HetaRAG:
        rag = HetaRAG.open(tmp_path / name, {**RULES, **settings}, embedder=embedder)
        opened.append(rag)
        return rag

    yield opener
    for rag in opened:
        rag.close()


@pytest.fixture
def kb(open_kb: Opener) -> HetaRAG:
    return open_kb()


@pytest.fixture
def write_jsonl(tmp_path: Path) -> Callable[..., Path]:
    """Write documents, each a dictionary with id, title, text, into a JSON Lines file."""

    def write(*documents: dict[str, object], name: str = "corpus.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(d, ensure_ascii=False) + "\n" for d in documents))
        return path

    return write


@pytest.fixture
def bench_files(write_jsonl: Callable[..., Path], tmp_path: Path) -> list[str]:
    """Write a small corpus with questions; return the options that name them."""
    corpus = write_jsonl(
        {"id": "fram", "title": "Fram", "text": "Colin Archer designed the Fram."},
        {"id": "archer", "title": "Colin Archer", "text": "He was born in Larvik."},
        {"id": "gauss", "title": "Gauss", "text": "The Gauss was built in Kiel."},
    )
    questions = write_jsonl(
        {"id": "1", "question": "Who designed the Fram?", "supporting_ids": ["fram"], "type": "one"},
        {"id": "2", "question": "Who asks this?", "supporting_ids": []},
        name="questions.jsonl",
    )  # fmt: skip
    return ["--corpus", str(corpus), "--questions", str(questions), "--kb", str(tmp_path / "kb")]
