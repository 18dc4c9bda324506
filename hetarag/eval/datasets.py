"""Question sets: a corpus and its questions as JSON Lines.

`corpus.jsonl` has {"id", "title", "text"} a line, `questions.jsonl` {"id", "question", "answers",
"supporting_ids"} and, where there is one, "type". Questions may also stand in one JSON list, and name
their documents under "supporting".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hetarag.errors import InputError


@dataclass(frozen=True, slots=True)
class Passage:
    """One document of a corpus."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the answers that count, and the documents that hold the answer."""

    id: str
    text: str
    answers: tuple[str, ...]
    supporting: frozenset[str]
    type: str = ""


def read_corpus(path: Path) -> list[Passage]:
    """Read a corpus."""
    return [
        Passage(str(line["id"]), str(line.get("title") or ""), str(line["text"]))
        for line in _lines(path)
    ]


def read_questions(path: Path, limit: int | None = None, skip: int = 0) -> list[Question]:
    """Read questions: `limit` of them, without the first `skip`."""
    found = [
        Question(
            id=str(line["id"]),
            text=str(line["question"]),
            answers=tuple(map(str, line.get("answers", ()))),
            supporting=frozenset(map(str, line.get("supporting_ids", line.get("supporting", ())))),
            type=str(line.get("type") or ""),
        )
        for line in _lines(path)
    ]
    return found[skip:][:limit]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    number = 0
    try:
        if path.suffix == ".json":
            yield from json.loads(path.read_text(encoding="utf-8"))
            return
        with path.open(encoding="utf-8") as file:
            for line in file:
                number += 1
                if line.strip():
                    yield json.loads(line)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError) as error:
        raise InputError(f"{path}, line {number}: not a line of this form: {error}") from error
