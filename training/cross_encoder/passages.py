"""The passages of a set that may be written about, and wrong ones that look like the answer to a question."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from hetarag.eval.datasets import read_questions
from hetarag.protocols import Embedder
from hetarag.text import whole_word_pattern
from training.json_lines import lines_of
from training.question_sets import Name

MOST = 10  # wrong passages that have a name of the question, and as many that are near to it
NEAREST = 40  # farther ones are told apart by their topic alone
BATCH = 64


def passages(data: Path, name: str) -> list[dict[str, str]]:
    """Return the passages of a set; those of "set:250" answer no question that it does not take."""
    parsed = Name.of(name)
    folder = data / parsed.folder
    questions = read_questions(folder / "questions.jsonl")
    taken = {question.id for question in parsed.taken(questions)}
    held = {i for question in questions if question.id not in taken for i in question.supporting}
    return [line for line in lines_of(folder / "corpus.jsonl") if line["id"] not in held]


def beside_wrong(
    embedder: Embedder, held: Sequence[dict[str, str]], questions: Sequence[dict[str, Any]]
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield each question about one passage with that passage first, as (title, text), and wrong ones.

    A passage that has the words of the answer may be right as well, so it is left out. So is a question
    that names nothing, or whose passage is not among those `held`.
    """
    number = {passage["id"]: n for n, passage in enumerate(held)}
    texts = [f"{passage['title']}\n{passage['text']}" for passage in held]
    vectors = _vectors(embedder.embed_passages, texts)
    asked = [
        q
        for q in questions
        if q["id"] in number and (q["names"] or re.search(r" [A-Z0-9]", q["question"]))
    ]
    towards = _vectors(embedder.embed_queries, [q["question"] for q in asked])
    holding = {
        name: {n for n, text in enumerate(texts) if pattern.search(text)}
        for name, pattern in {
            name: whole_word_pattern(name) for q in asked for name in q["names"]
        }.items()
    }
    for question, vector in zip(asked, towards, strict=True):
        right, answer = number[question["id"]], whole_word_pattern(question["answer"])
        order = [int(n) for n in np.argsort(-(vectors @ vector), kind="stable") if n != right]
        named = set().union(*(holding[name] for name in question["names"]))
        naming = _without(answer, texts, [n for n in order if n in named])
        nearest = _without(answer, texts, order[:NEAREST])
        if wrong := list(dict.fromkeys([*naming, *nearest])):
            found = [right, *wrong]
            yield question["question"], [(held[n]["title"], held[n]["text"]) for n in found]


def _without(answer: re.Pattern[str], texts: Sequence[str], numbers: Sequence[int]) -> list[int]:
    """Return the first of those texts that do not have the answer."""
    return list(islice((n for n in numbers if not answer.search(texts[n])), MOST))


def _vectors(embed: Any, texts: Sequence[str]) -> np.ndarray[Any, Any]:
    return np.vstack([embed(texts[at : at + BATCH]) for at in range(0, len(texts), BATCH)])
