"""Odd questions and odd corpora, through the public API on the real embedded stores."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hetarag import HetaRAG
from hetarag.testing.doubles import HashingEmbedder
from hetarag.types import RankedEvidence, SearchResult
from tests.conftest import RULES, Opener

Writer = Callable[..., Path]
SETTINGS: tuple[dict[str, Any], ...] = (
    {},
    {"rerank": "none"},
    {"hops": False, "rerank": "none"},
    {"router": "all"},
    {"fusion": "convex"},
    {"fusion": "z-score"},
    {"fusion": "distribution"},
    {"fusion": "convex", "rerank": "none"},
)

SHIPS = [
    {"id": "fram", "title": "Fram", "text": "The Fram was designed by Colin Archer in Larvik."},
    {"id": "archer", "title": "Colin Archer", "text": "Colin Archer was born in Larvik in 1832."},
    {"id": "gauss", "title": "Gauss", "text": "The Gauss was built in Kiel for Drygalski."},
    {"id": "schiff", "title": "Das Forschungsschiff",
     "text": "Die Gauß wurde in Kiel gebaut; Erich von Drygalski führte die Südpolarexpedition."},
    {"id": "chuan", "title": "前进号", "text": "前进号由科林·阿彻设计，用于南森的北极探险。"},
    {"id": "safina", "title": "سفينة فرام", "text": "صمم كولن آرتشر سفينة فرام لرحلة نانسن إلى القطب الشمالي."},
]  # fmt: skip

QUESTIONS = [
    "who was it?",
    "something about wooden hulls and long winters",
    "the of and to in",
    "is it?",
    "a",
    "?",
    "7",
    "船",
    "谁设计了前进号？",
    "من صمم سفينة فرام؟",
    "Wer führte die Südpolarexpedition?",
    "Wer leitete das Überwinterungslager auf Spitzbergen?",
    "ΠΟΙΟΣ ΣΧΕΔΙΑΣΕ ΤΟ ΦΡΑΜ;",
    "\u0301\u200d\ufeff",
    "🚢❄️",
    "x" * 5000,
    "Fram " * 2000,
    '"""""" \'\'\' «»',
]


def search(rag: HetaRAG, question: str, k: int = 10) -> SearchResult[RankedEvidence]:
    """Search with every setting; what must hold of each result."""
    results = []
    for settings in SETTINGS:
        found = rag.search(question, k, settings=settings)
        assert found.complete
        assert len({e.id for e in found}) == len(found) <= k
        scores = [e.score for e in found]
        assert all(map(math.isfinite, scores))
        assert scores == sorted(scores, reverse=True)
        assert [e.id for e in found] == [e.id for e in rag.search(question, k, settings=settings)]
        results.append(found)
    return results[0]


@pytest.fixture(scope="module")
def ships(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HetaRAG]:
    folder = tmp_path_factory.mktemp("ships")
    corpus = folder / "corpus.jsonl"
    corpus.write_text("".join(json.dumps(d) + "\n" for d in SHIPS))
    with HetaRAG.open(folder / "kb", RULES, embedder=HashingEmbedder()) as rag:
        assert rag.ingest([corpus]).added == len(SHIPS)
        yield rag


@pytest.mark.parametrize("question", QUESTIONS, ids=range(len(QUESTIONS)))
def test_every_question_gets_a_whole_answer(ships: HetaRAG, question: str) -> None:
    found = search(ships, question)
    assert found.trace is not None
    assert {status.status for status in found.trace.stores.values()} <= {"ok", "skipped"}


@pytest.mark.parametrize(
    ("question", "document"),
    [
        ("前进号 由 科林", "chuan"),
        ("谁设计了前进号？", "chuan"),
        ("من صمم سفينة فرام؟", "safina"),
        ("Wer führte die Südpolarexpedition?", "schiff"),
        ("wer führte die SÜDPOLAREXPEDITION", "schiff"),
    ],
)
def test_other_languages_are_found_by_their_words(
    ships: HetaRAG, question: str, document: str
) -> None:
    assert search(ships, question)[0].document == document


def test_one_passage_is_found_by_whatever_is_asked(kb: HetaRAG, write_jsonl: Writer) -> None:
    kb.ingest([write_jsonl(SHIPS[0])])
    for question in ("Who designed the Fram?", "Colin Archer", "Where is Paris?", "the of"):
        assert [e.document for e in search(kb, question)] == ["fram"]


def test_a_thousand_identical_passages(kb: HetaRAG, write_jsonl: Writer) -> None:
    same = {"title": "Fram", "text": "The Fram was designed by Colin Archer in Larvik."}
    kb.ingest([write_jsonl(*({"id": f"copy-{n:04}", **same} for n in range(1000)), SHIPS[2])])
    found = search(kb, "Who designed the Fram?", 20)
    assert len(found) == 20
    assert {e.text for e in found} == {same["text"]}
    assert search(kb, "Who led the Gauss to Kiel for Drygalski?", 3)[0].document == "gauss"
    assert len(kb.search("Fram", 1000)) == 1000


def test_passages_without_titles(kb: HetaRAG, write_jsonl: Writer) -> None:
    kb.ingest([write_jsonl(*({"id": d["id"], "text": d["text"]} for d in SHIPS))])
    found = search(kb, "Where was the designer of the Fram born?")
    assert {"fram", "archer"} <= {e.document for e in list(found)[:3]}


def test_titles_that_are_empty_or_all_the_same(open_kb: Opener, write_jsonl: Writer) -> None:
    for name, title in (("empty", ""), ("blank", "  "), ("same", "Ships")):
        rag = open_kb(name)
        rag.ingest([write_jsonl(*({**d, "title": title} for d in SHIPS), name=f"{name}.jsonl")])
        assert search(rag, "Who designed the Fram?")[0].document == "fram"


def test_an_entity_of_every_passage_does_not_drown_the_others(
    kb: HetaRAG, write_jsonl: Writer
) -> None:
    texts = [f"Roald Amundsen visited Harbour{n:03} and met Captain{n:03}." for n in range(300)]
    documents = [{"id": f"d{n:03}", "title": f"Log {n:03}", "text": t} for n, t in enumerate(texts)]
    kb.ingest([write_jsonl(*documents)])
    assert search(kb, "Whom did Roald Amundsen meet in Harbour123?")[0].document == "d123"
    assert len(search(kb, "Roald Amundsen")) == 10
