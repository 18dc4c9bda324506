"""A chunk knows the section that it is from, in every store, after a reindex and in old ledgers."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update

from hetarag import HetaRAG
from hetarag.ledger import schema
from hetarag.ledger.delivery.record_builder import section_title
from hetarag.testing.doubles import HashingEmbedder, ScriptedReader
from tests.conftest import RULES, Opener

FILLING = " ".join(f"Point {n} of this part is as dull as the others." for n in range(20))
HANDBOOK = f"""# Handbook

{FILLING}

## Leave

### Sabbatical

{FILLING}

It is granted after seven years.

## Travel

{FILLING}

It is granted by the head of the office.
"""
QUESTION = "After how many years is a sabbatical granted?"


def write(folder: Path) -> Path:
    file = folder / "handbook.md"
    file.write_text(HANDBOOK)
    return file


def sections(rag: HetaRAG) -> list[str]:
    found = rag.search(QUESTION, 20)
    return [e.title for e in sorted(found, key=lambda e: e.start or 0) if e.kind == "chunk"]


EXPECTED = [
    "Handbook",
    "Handbook",
    *["Handbook › Leave › Sabbatical"] * 2,
    *["Handbook › Travel"] * 2,
]


def test_the_section_is_part_of_the_title_everywhere(tmp_path: Path) -> None:
    reader = ScriptedReader("after seven years")
    kb = HetaRAG.open(tmp_path / "kb", RULES, embedder=HashingEmbedder(), reader=reader)
    kb.ingest([write(tmp_path)])
    assert sections(kb) == EXPECTED
    for store in ("vector", "fulltext"):
        best = kb.search(QUESTION, 1, stores=[store])[0]  # the word is in no text but the heading
        assert best.title == "Handbook › Leave › Sabbatical"
    answer = kb.ask(QUESTION)
    assert "Handbook › Leave › Sabbatical: " in str(reader.messages)
    assert answer.citations[0].title == "Handbook › Leave › Sabbatical"
    assert all(difference.ok for difference in kb.verify())
    kb.close()


@pytest.mark.parametrize(
    ("section", "text", "shown"),
    [
        (None, "Text.", "Handbook"),
        ("Leave", "It is 28 days.", "Handbook › Leave"),
        ("Leave", "Leave\n\nIt is 28 days.", "Handbook"),
        ("Leave", "Leaves are green.", "Handbook › Leave"),
        ("Leave › Notice", "Notice\n\nIt is 28 days.", "Handbook › Leave"),
        ("Leave › Notice", "Leave\n\nNotice\n\nIt is 28 days.", "Handbook"),
        ("Leave", "The Handbook\n\nLeave\n\nIt is 28 days.", "Handbook"),
    ],
)
def test_stores_have_no_heading_twice(section: str | None, text: str, shown: str) -> None:
    assert section_title("Handbook", section, text) == shown


def test_a_reindex_keeps_sections(tmp_path: Path, open_kb: Opener) -> None:
    file = write(tmp_path)
    before = open_kb()
    before.ingest([file])
    before.close()
    after = open_kb(ingest={"entities": "rules", "chunk_words": 60})
    assert after.reindex().updated == 1
    assert len(sections(after)) > len(EXPECTED)
    assert set(sections(after)) == set(EXPECTED)
    assert all(difference.ok for difference in after.verify())


def test_a_document_from_before_headings_were_kept_gets_them_when_it_comes_again(
    kb: HetaRAG, tmp_path: Path
) -> None:
    file = write(tmp_path)
    kb.ingest([file])
    with kb._parts.ledger.writing() as connection:
        old = {"headings": None, "splitter": "another"}
        connection.execute(update(schema.versions).values(**old))
    assert kb.reindex().updated == 1  # from the stored text, which tells no headings
    assert set(sections(kb)) == {"Handbook"}
    assert kb.ingest([file]).updated == 1
    assert kb.ingest([file]).unchanged == 1
    assert sections(kb) == EXPECTED
