"""Question sets: a corpus and its questions as JSON Lines.

`corpus.jsonl` has {"id", "title", "text"} a line, `questions.jsonl` {"id", "question", "answers",
"supporting_ids"} and, where there is one, "type". Questions may also stand in one JSON list, and name
their documents under "supporting".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from hetarag.errors import InputError

T = TypeVar("T")


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


def corpus_name(corpus: Path) -> str:
    """Return what a corpus is called: its folder, or its file where that is not corpus.jsonl."""
    return corpus.resolve().parent.name if corpus.stem == "corpus" else corpus.stem


def read_corpus(path: Path) -> list[Passage]:
    """Read a corpus; `InputError` names the line that has no id or text."""
    return [
        _part(
            path, number, line, lambda x: Passage(str(x["id"]), _text(x, "title"), str(x["text"]))
        )
        for number, line in _lines(path)
    ]


def read_questions(path: Path, limit: int | None = None, skip: int = 0) -> list[Question]:
    """Read questions: `limit` of them, without the first `skip`.

    `InputError` names the line that has no id or question.
    """
    found = [_part(path, number, line, _question) for number, line in _lines(path)]
    return found[skip:][:limit]


def _question(line: dict[str, Any]) -> Question:
    return Question(
        id=str(line["id"]),
        text=str(line["question"]),
        answers=tuple(map(str, line.get("answers", ()))),
        supporting=frozenset(map(str, line.get("supporting_ids", line.get("supporting", ())))),
        type=_text(line, "type"),
    )


def _text(line: dict[str, Any], key: str) -> str:
    return str(line.get(key) or "")


def _part(path: Path, number: int, line: dict[str, Any], make: Callable[[dict[str, Any]], T]) -> T:
    try:
        return make(line)
    except KeyError as error:
        raise InputError(f"{path}, line {number}: lacks {error}") from error
    except (AttributeError, TypeError) as error:
        raise InputError(f"{path}, line {number}: not an object of this form: {error}") from error


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    try:
        if path.suffix == ".json":
            yield from enumerate(json.loads(path.read_text(encoding="utf-8")), start=1)
            return
        with path.open(encoding="utf-8") as file:
            for line in file:
                number += 1
                if line.strip():
                    yield number, json.loads(line)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise InputError(f"{path}, line {number}: not a line of this form: {error}") from error
