"""What one more document costs, the more there are."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.costs import TimedEmbedder
from hetarag import HetaRAG
from hetarag.config import load_settings
from hetarag.errors import InputError
from hetarag.eval.datasets import Passage, read_corpus
from hetarag.models.embedders.factory import make_embedder
from hetarag.types import Document


def growth_costs(
    corpus: Path, config: Path | None, sizes: Sequence[int] = (100, 1000, 3000), each: int = 20
) -> list[dict[str, Any]]:
    """Return a row per size: medians in ms of the last `each` additions up to it, one at a time.

    The documents before them are added at once. Embedding is told apart; after each addition a
    question is searched twice, since a search that follows a change may have to read it.
    """
    passages = read_corpus(corpus)
    sizes = [size for size in sorted(sizes) if size <= len(passages)]
    if not sizes or sizes[0] < each:
        raise InputError(
            f"{corpus}: has {len(passages)} passages; sizes must lie between {each} and that"
        )
    embedder = TimedEmbedder(make_embedder(load_settings(config).models))
    rows = []
    with (
        tempfile.TemporaryDirectory(prefix="hetarag-bench-") as folder,
        HetaRAG.open(Path(folder) / "kb", config, embedder=embedder) as rag,
    ):
        done = 0
        for size in sizes:
            rag.add(map(as_document, passages[done : size - each]))
            rows.append(_additions(rag, embedder, passages[size - each : size], size))
            done = size
    for row in rows:
        row["ratio to the first"] = row["addition, ms"] / rows[0]["addition, ms"]
    return rows


def as_document(passage: Passage) -> Document:
    """Return a passage as a document to add."""
    content = f"{passage.title}\0{passage.text}".encode()
    return Document(
        uri=passage.id,
        name=passage.id,
        title=passage.title,
        text=passage.text,
        media_type="text/plain",
        sha256=sha256(content).hexdigest(),
    )


def _additions(
    rag: HetaRAG, embedder: TimedEmbedder, passages: Sequence[Passage], size: int
) -> dict[str, Any]:
    parts: dict[str, list[float]] = {"addition": [], "embedding": [], "first": [], "second": []}
    for passage in passages:
        before, started = embedder.seconds, time.perf_counter()
        rag.add([as_document(passage)])
        parts["addition"].append(time.perf_counter() - started)
        parts["embedding"].append(embedder.seconds - before)
        for which in ("first", "second"):
            started = time.perf_counter()
            rag.search(passage.title or passage.text[:100], access="all")
            parts[which].append(time.perf_counter() - started)
    medians = {name: float(np.median(values) * 1000) for name, values in parts.items()}
    return {
        "documents": size,
        "addition, ms": medians["addition"],
        "of which embedding, ms": medians["embedding"],
        "search right after it, ms": medians["first"],
        "the search again, ms": medians["second"],
    }
