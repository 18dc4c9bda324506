"""Names that lead from passage to passage: which passages are about them."""

from __future__ import annotations

from pathlib import Path

from hetarag import HetaRAG
from hetarag.ledger.reading.passage_links import MentionLinks
from hetarag.testing.doubles import HashingEmbedder
from hetarag.types import Document, Link
from tests.conftest import RULES

REPORT = """Oscar Wisting sailed for many years and over several seas with Roald Amundsen.

The Fram was built by Colin Archer in Larvik, with a hull that the ice lifts.

Later in those years Roald Amundsen took her south to the great ice barrier."""


def document(name: str, text: str) -> Document:
    return Document(f"id:{name}", name, name, text, "text/plain", name)


def test_a_link_tells_which_passages_are_about_its_name(tmp_path: Path) -> None:
    settings = {"ingest": {**RULES["ingest"], "chunk_words": 20}}
    with HetaRAG.open(tmp_path / "kb", settings, embedder=HashingEmbedder()) as rag:
        rag.add(
            [
                document("Report 17", REPORT),
                document("Note 1", "Who had built Fram? She took Oscar Wisting south."),
                document("Roald Amundsen", "He was a Norwegian explorer."),
            ]
        )
        texts = {hit.id: hit.text for hit in rag.search("Fram", 20)}
        (note,) = (i for i, text in texts.items() if text.startswith("Who"))
        found = MentionLinks(rag._parts.ledger).links(list(texts), 40)
    about = {link.key: _about(link, texts) for link in found}
    assert about["oscar wisting"] == {"Oscar": True, "Who": False}
    assert about["roald amundsen"] == {"Oscar": False, "Later": False, "He": True}
    assert [link.sentence for link in found if link.source == note and link.key == "fram"] == [0]
    assert about["fram"] == {"The": True, "Who": False}


def _about(link: Link, texts: dict[str, str]) -> dict[str, bool]:
    return {texts[target].split()[0]: titled for target, titled in link.targets.items()}
