"""Give a corpus of short titled passages the forms in which documents come elsewhere.

    python -m training.reshape_corpus DATA/hotpotqa_dev_b runs/shapes

writes to the second folder, each beside NAME.questions.jsonl, where supporting documents are named anew:

    hotpotqa_dev_b-untitled.jsonl     the passages without their titles
    hotpotqa_dev_b-paragraphs.jsonl   eight passages a document, drawn at random, as paragraphs, titles gone
    hotpotqa_dev_b-sections/          Markdown: eight titles a file, each the heading of what stands under it

    hetarag bench retrieval --corpus runs/shapes/hotpotqa_dev_b-sections \
        --questions runs/shapes/hotpotqa_dev_b-sections.questions.jsonl
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterable, Mapping
from pathlib import Path

from training.json_lines import Line, lines_of, write

PER_DOCUMENT = 8
SEED = 5


def ask(path: Path, questions: Iterable[Line], place: Mapping[str, str]) -> None:
    """Write the questions with the documents that hold their passages now."""
    write(
        path,
        (
            {**q, "supporting_ids": list(dict.fromkeys(place[i] for i in q["supporting_ids"]))}
            for q in questions
        ),
    )


def untitled(corpus: list[Line], out: Path) -> dict[str, str]:
    """Leave the titles out; return the document of each passage, as the others do."""
    write(out.with_suffix(".jsonl"), ({"id": p["id"], "text": p["text"]} for p in corpus))
    return {p["id"]: p["id"] for p in corpus}


def paragraphs(corpus: list[Line], out: Path) -> dict[str, str]:
    """Put eight passages into a document, without their titles."""
    drawn = corpus[:]
    random.Random(SEED).shuffle(drawn)
    documents: list[Line] = []
    place: dict[str, str] = {}
    for number, first in enumerate(range(0, len(drawn), PER_DOCUMENT)):
        group = drawn[first : first + PER_DOCUMENT]
        text = "\n\n".join(p["text"] for p in group)
        documents.append({"id": f"doc-{number}", "title": f"Report {number}", "text": text})
        place |= {p["id"]: f"doc-{number}" for p in group}
    write(out.with_suffix(".jsonl"), documents)
    return place


def sections(corpus: list[Line], out: Path) -> dict[str, str]:
    """Write Markdown with eight titles a file, each over all passages that have it."""
    titled: dict[str, list[Line]] = {}
    for passage in corpus:
        titled.setdefault(passage["title"], []).append(passage)
    drawn = sorted(titled)
    random.Random(SEED).shuffle(drawn)
    place = {}
    out.mkdir(exist_ok=True)
    for number, first in enumerate(range(0, len(drawn), PER_DOCUMENT)):
        file = out / f"report-{number}.md"
        parts = [f"# Report {number}"]
        for title in drawn[first : first + PER_DOCUMENT]:
            parts.append(f"## {title}")
            for passage in titled[title]:
                parts.append(" ".join(passage["text"].split()))
                place[passage["id"]] = str(file)
        file.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return place


SHAPES = {shape.__name__: shape for shape in (untitled, paragraphs, sections)}


def main() -> None:
    """Write all three."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="folder with corpus.jsonl and questions.jsonl")
    parser.add_argument("out", type=Path, help="as `bench retrieval --corpus` will name it")
    given = parser.parse_args()
    corpus, questions = (lines_of(given.data / f"{name}.jsonl") for name in ("corpus", "questions"))
    given.out.mkdir(parents=True, exist_ok=True)
    for title, shape in SHAPES.items():
        name = f"{given.data.resolve().name}-{title}"
        ask(given.out / f"{name}.questions.jsonl", questions, shape(corpus, given.out / name))


if __name__ == "__main__":
    main()
