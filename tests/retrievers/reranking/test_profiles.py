"""Which trees judge: by hand on a few passages, and through a search."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hetarag.retrievers.reranking import profiles as excerpts
from hetarag.retrievers.reranking.profiles import (
    EXCERPTS,
    TITLED,
    Trees,
    mostly_excerpts,
    packaged,
    trees_for,
)
from hetarag.retrievers.reranking.tree_ensemble import TreeEnsemble
from hetarag.testing.doubles import evidence
from hetarag.text import SECTION
from hetarag.types import EvidenceKind, RankedEvidence
from tests.conftest import Opener


def passage(
    document: str,
    text: str = "It sailed in 1893.",
    title: str = "Fram",
    number: int = 0,
    kind: EvidenceKind = "chunk",
) -> RankedEvidence:
    return evidence(f"{document}-{number}", title, text, kind=kind, document=document)


SHIPS = [passage(f"ships/{n}") for n in range(3)]
REPORT = [passage("r", text, "Report 17", n) for n, text in enumerate(["One.", "Two.\n\nThree."])]


@pytest.mark.parametrize(
    ("passages", "expected"),
    [
        ([], False),
        (SHIPS, False),
        ([passage("ships/4", title="ships/4"), passage("17", title="17")], True),
        ([passage("Fram", title="Fram")], False),  # a document that is called by its title
        ([passage("handbook.md", title=f"Handbook{SECTION}Leave")], True),
        (REPORT, True),  # one of its pieces tells it of both
        ([*REPORT, *SHIPS[:1]], True),
        ([*REPORT, *SHIPS[:2]], False),
        ([*REPORT, passage("t", kind="row"), passage("t", kind="table")], False),
        ([passage("t", "a\n\nb", kind="row")], False),
    ],
)
def test_most_of_the_candidates_decide(passages: list[RankedEvidence], expected: bool) -> None:
    assert mostly_excerpts(passages) is expected
    files = EXCERPTS if expected else TITLED
    assert trees_for(passages) == Trees(packaged(files[0]), packaged(files[1]))


def test_a_search_takes_the_trees_of_its_documents_kind(
    open_kb: Opener,
    write_jsonl: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[str] = []

    def take(name: str) -> TreeEnsemble:
        taken.append(name)
        return packaged(name)

    monkeypatch.setattr(excerpts, "packaged", take)
    titles = [f"Harbour {n}" for n in range(6)]
    ships = [
        {"id": f"{n}", "title": t, "text": f"{t} has {n} piers."} for n, t in enumerate(titles)
    ]
    handbook = tmp_path / "handbook.md"
    sections = "\n\n".join(f"## {t}\n\n{t} has piers." for t in titles)
    handbook.write_text(f"# Harbours\n\n{sections}", encoding="utf-8")
    for name, source, files in (("a", write_jsonl(*ships), TITLED), ("b", handbook, EXCERPTS)):
        kb = open_kb(name)
        kb.ingest([source])
        taken.clear()
        assert kb.search("Which harbour has 4 piers?", 3).hits
        assert tuple(taken) == files
