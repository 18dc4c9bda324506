"""A knowledge base moves to other engines, and answers as before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hetarag import HetaRAG
from hetarag.engine.maintenance import copy
from hetarag.engine.migration import migrate
from hetarag.errors import FingerprintError, InputError
from hetarag.testing.doubles import HashingEmbedder
from tests.conftest import RULES, Opener
from tests.servers.running import database_server

QUESTIONS = ["Who designed the Fram?", "How many ships are longer than 40 m?", "Kiel"]


class NeverAgain(HashingEmbedder):
    """The same embedder, which is not to embed a passage again."""

    def embed_passages(self, texts: Any) -> Any:
        raise AssertionError("embedded again")


@pytest.fixture
def filled(open_kb: Opener, write_jsonl: Callable[..., Path], tmp_path: Path) -> Path:
    table = tmp_path / "ships.csv"
    table.write_text("ship,length\n" + "".join(f"Ship {n},{n}.5\n" for n in range(1, 60)))
    documents = write_jsonl(
        {"id": "fram", "title": "Fram", "text": "Colin Archer designed the Fram."},
        {"id": "gauss", "title": "Gauss", "text": "The Gauss was built in Kiel 🚢."},
    )
    rag = open_kb("old")
    rag.ingest([documents, table], tags=["staff"])
    rag.ingest([write_jsonl({"id": "fram", "title": "Fram", "text": "Archer drew the Fram."}, name="corpus.jsonl")])  # fmt: skip
    rag.close()
    return tmp_path / "old"


def answers(rag: HetaRAG) -> list[list[tuple[str, str]]]:
    found = [rag.search(q, principal=["staff"]) for q in QUESTIONS]
    return [[(e.document, e.text) for e in result] for result in found]


def settings(kind: str) -> dict[str, Any]:
    if kind == "embedded":
        return RULES
    server = database_server(kind)
    return {
        **RULES,
        "ledger": {"url": server.new_database()},
        "stores": {"sql": server.new_database()},
    }


@pytest.mark.parametrize("kind", ["embedded", "postgresql", "mariadb"])
def test_a_move_keeps_every_answer_and_embeds_nothing(
    kind: str, filled: Path, tmp_path: Path
) -> None:
    to = settings(kind)
    left = migrate(filled, tmp_path / "new", to, config=RULES, embedder=NeverAgain())
    assert left and all(difference.ok for difference in left)
    with HetaRAG.open(filled, RULES, embedder=HashingEmbedder()) as old:
        before = answers(old)
    with HetaRAG.open(tmp_path / "new", to, embedder=HashingEmbedder()) as new:
        assert answers(new) == before
        assert any("59" in text or "19" in text for _, text in before[1])
        # It lives on: new documents get numbers of their own.
        path = tmp_path / "more.txt"
        path.write_text("The Belgica was led by Adrien de Gerlache.")
        assert new.ingest([path]).added == 1
        assert all(difference.ok for difference in new.verify())
        assert new.search("Who led the Belgica?").hits[0].document.endswith("more.txt")
        later = answers(new)
    if kind != "embedded":  # and back again
        back = migrate(tmp_path / "new", tmp_path / "back", RULES, config=to, embedder=NeverAgain())
        assert all(difference.ok for difference in back)
        with HetaRAG.open(tmp_path / "back", RULES, embedder=HashingEmbedder()) as again:
            assert answers(again) == later


def test_what_cannot_move_is_said(filled: Path, tmp_path: Path) -> None:
    embedder = HashingEmbedder()
    with pytest.raises(InputError, match="the folder to move from"):
        migrate(filled, filled, RULES, embedder=embedder)
    migrate(filled, tmp_path / "new", RULES, config=RULES, embedder=embedder)
    with pytest.raises(InputError, match="has documents already"):
        migrate(filled, tmp_path / "new", RULES, config=RULES, embedder=embedder)

    class Other(HashingEmbedder):
        def __init__(self) -> None:
            super().__init__()
            self.fingerprint = "another"

    with (
        HetaRAG.open(filled, RULES, embedder=embedder) as old,
        HetaRAG.open(tmp_path / "other", RULES, embedder=Other()) as new,
        pytest.raises(FingerprintError),
    ):
        copy(old._parts, new._parts)
