"""Give a corpus of short titled passages the forms in which documents come elsewhere.

    python tools/reshape_corpus.py DATA/hotpotqa_dev_b runs/shapes/hotpotqa_dev_b

writes to the second folder, each with the questions whose supporting documents are named anew:

    untitled/corpus.jsonl     the passages without their titles
    paragraphs/corpus.jsonl   eight passages a document, drawn at random, as paragraphs, titles gone
    sections/files/           Markdown: eight titles a file, each the heading of what stands under it

    hetarag bench retrieval --corpus runs/shapes/hotpotqa_dev_b/sections/files \
        --questions runs/shapes/hotpotqa_dev_b/sections/questions.jsonl
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

PER_DOCUMENT = 8
SEED = 5

Line = dict[str, Any]


def lines_of(path: Path) -> list[Line]:
    """Return the objects of a JSON Lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Write JSON Lines; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    path.write_text(text, encoding="utf-8")


def ask(path: Path, questions: Iterable[Line], place: Mapping[str, str]) -> None:
    """Write the questions with the documents that hold their passages now."""
    write(
        path,
        (
            {**q, "supporting_ids": list(dict.fromkeys(place[i] for i in q["supporting_ids"]))}
            for q in questions
        ),
    )


def untitled(corpus: list[Line], questions: list[Line], out: Path) -> None:
    """Leave the titles out."""
    write(out / "corpus.jsonl", ({"id": p["id"], "text": p["text"]} for p in corpus))
    write(out / "questions.jsonl", questions)


def paragraphs(corpus: list[Line], questions: list[Line], out: Path) -> None:
    """Put eight passages into a document, without their titles."""
    drawn = corpus[:]
    random.Random(SEED).shuffle(drawn)
    documents, place = [], {}
    for number, first in enumerate(range(0, len(drawn), PER_DOCUMENT)):
        group = drawn[first : first + PER_DOCUMENT]
        text = "\n\n".join(p["text"] for p in group)
        documents.append({"id": f"doc-{number}", "title": f"Report {number}", "text": text})
        place |= {p["id"]: f"doc-{number}" for p in group}
    write(out / "corpus.jsonl", documents)
    ask(out / "questions.jsonl", questions, place)


def sections(corpus: list[Line], questions: list[Line], out: Path) -> None:
    """Write Markdown with eight titles a file, each over all passages that have it."""
    titled: dict[str, list[Line]] = {}
    for passage in corpus:
        titled.setdefault(passage["title"], []).append(passage)
    drawn = sorted(titled)
    random.Random(SEED).shuffle(drawn)
    files, place = out / "files", {}
    files.mkdir(parents=True, exist_ok=True)
    for number, first in enumerate(range(0, len(drawn), PER_DOCUMENT)):
        file = files / f"report-{number}.md"
        parts = [f"# Report {number}"]
        for title in drawn[first : first + PER_DOCUMENT]:
            parts.append(f"## {title}")
            for passage in titled[title]:
                parts.append(" ".join(passage["text"].split()))
                place[passage["id"]] = str(file)
        file.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    ask(out / "questions.jsonl", questions, place)


def main() -> None:
    """Write all three."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="folder with corpus.jsonl and questions.jsonl")
    parser.add_argument("out", type=Path, help="as `bench retrieval --corpus` will name it")
    given = parser.parse_args()
    corpus, questions = (lines_of(given.data / f"{name}.jsonl") for name in ("corpus", "questions"))
    for shape in (untitled, paragraphs, sections):
        shape(corpus, questions, given.out / shape.__name__)


if __name__ == "__main__":
    main()
