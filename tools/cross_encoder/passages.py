"""The passages of a set that may be written about, and wrong ones that look like the answer to a question."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from wording import whole

from hetarag.protocols import Embedder

MOST = 10  # wrong passages that have a name of the question, and as many that are near to it
NEAREST = 40  # farther ones are told apart by their topic alone
BATCH = 64


def passages(data: Path, name: str) -> list[dict[str, str]]:
    """Return the passages of a set; those of "set:250" answer no question after the first 250."""
    folder, _, count = name.partition(":")
    later = _lines(data / folder / "questions.jsonl")[int(count) :] if count else []
    held = {i for line in later for i in line["supporting_ids"]}
    return [line for line in _lines(data / folder / "corpus.jsonl") if line["id"] not in held]


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
    for question, vector in zip(asked, towards, strict=True):
        right, answer = number[question["id"]], whole(question["answer"])
        names = [whole(name) for name in question["names"]]
        order = [int(n) for n in np.argsort(-(vectors @ vector), kind="stable") if n != right]
        nearest = [n for n in order[:NEAREST] if not answer.search(texts[n])][:MOST]
        named = (n for n in order if any(name.search(texts[n]) for name in names))
        naming = list(islice((n for n in named if not answer.search(texts[n])), MOST))
        if wrong := list(dict.fromkeys([*naming, *nearest])):
            found = [right, *wrong]
            yield question["question"], [(held[n]["title"], held[n]["text"]) for n in found]


def _vectors(embed: Any, texts: Sequence[str]) -> np.ndarray[Any, Any]:
    return np.vstack([embed(texts[at : at + BATCH]) for at in range(0, len(texts), BATCH)])


def _lines(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]
