"""What ingest, search and reading cost on this machine."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hetarag import HetaRAG
from hetarag.config import load_settings
from hetarag.engine.progress import IngestProgress
from hetarag.eval.datasets import Question, read_corpus
from hetarag.eval.footprint import resident_mb
from hetarag.models.embedders.factory import make_embedder
from hetarag.protocols import Embedder
from hetarag.types import STORE_KINDS, RankedEvidence, ReadTrace, Vector

_TOKENS_PER_WORD = 1.3  # of the default reader on plain English


class TimedEmbedder(Embedder):
    """An embedder that adds up the time it takes."""

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self.fingerprint = inner.fingerprint
        self.dimension = inner.dimension
        self.seconds = 0.0

    def embed_passages(self, texts: Sequence[str]) -> Vector:
        """Return one row per text, as the inner embedder does."""
        started = time.perf_counter()
        try:
            return self._inner.embed_passages(texts)
        finally:
            self.seconds += time.perf_counter() - started

    def embed_query(self, text: str) -> Vector:
        """Return the vector of a question, as the inner embedder does."""
        return self._inner.embed_query(text)

    def embed_queries(self, texts: Sequence[str]) -> Vector:
        """Return one row per question, as the inner embedder does."""
        return self._inner.embed_queries(texts)


def ingest_costs(corpus: Path, config: Path | None) -> dict[str, Any]:
    """Ingest `corpus` into a new knowledge base; times in ms a passage, memory in MB."""
    passages = len(read_corpus(corpus))
    embedder = TimedEmbedder(make_embedder(load_settings(config).models))
    memory: list[tuple[int, float]] = []

    def watch(state: IngestProgress) -> None:
        memory.append((state.documents, resident_mb()))

    with (
        tempfile.TemporaryDirectory(prefix="hetarag-bench-") as folder,
        HetaRAG.open(Path(folder) / "kb", config, embedder=embedder) as rag,
    ):
        started = time.perf_counter()
        report = rag.ingest([corpus], progress=watch)
        total = time.perf_counter() - started
    entities = report.seconds.get("entities", 0.0)
    rest = total - embedder.seconds - entities
    per = 1000 / passages
    return {
        "passages": passages,
        "total, s": total,
        "embedding, ms a passage": embedder.seconds * per,
        "entities, ms a passage": entities * per,
        "all else, ms a passage (target 10)": rest * per,
        "of which by part, ms a passage": {
            part: round(value * per, 2) for part, value in report.seconds.items()
        },
        "memory at 25, 50, 75, 100% of the passages, MB": [
            round(_memory_at(memory, passages * share)) for share in (0.25, 0.5, 0.75, 1.0)
        ],
        "peak memory, MB (target 2000)": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def search_costs(rag: HetaRAG, questions: Sequence[Question]) -> dict[str, Any]:
    """Search warm; medians in ms, and the plane's own share beside its parts."""
    rag.search(questions[0].text, access="all")
    walls, embeds, seconds, stages, parts = [], [], [], [], []
    for question in questions:
        started = time.perf_counter()
        rag.embedder.embed_query(question.text)
        embeds.append(time.perf_counter() - started)
        started = time.perf_counter()
        found = rag.search(question.text, access="all")
        walls.append(time.perf_counter() - started)
        if found.trace is None:
            continue
        times = found.trace.seconds
        hops = times.get("stage 2", 0.0)
        stores = {k: s for k, s in found.trace.stores.items() if k in STORE_KINDS}
        slowest = max(
            status.seconds - (hops if store == "graph" else 0.0) for store, status in stores.items()
        )
        second = hops + times.get("reranking", 0.0)
        seconds.append(second)
        stages.append(slowest + second)
        parts.append({store: s.seconds for store, s in found.trace.stores.items()})
    bound = np.median(np.array(embeds) + np.array(stages))
    return {
        "questions": len(questions),
        "search p50, ms": _ms(np.quantile(walls, 0.5)),
        "search p95, ms": _ms(np.quantile(walls, 0.95)),
        "embedding of the question p50, ms": _ms(np.median(embeds)),
        "stage 2 (hops and links) p50, ms": _ms(np.median(seconds)),
        "slowest store of stage 1 + stage 2 p50, ms": _ms(np.median(stages)),
        "plane beside these, p50, ms (target 10)": _ms(np.quantile(walls, 0.5) - bound),
        "stores p50, ms": {
            store: _ms(np.median([part[store] for part in parts if store in part]))
            for store in sorted({store for part in parts for store in part})
        },
    }


def cold_search(kb: Path, question: Question, config: Path | None, runs: int = 5) -> dict[str, Any]:
    """Time `hetarag search` as a process of its own; the first run also warms the disk's cache."""
    command = [sys.executable, "-m", "hetarag", "search", question.text, "--kb", str(kb)]
    command += ["--config", str(config)] if config else []
    seconds = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - started)
    return {
        "`hetarag search` from the shell, median of 5, s (target 3)": float(np.median(seconds[1:]))
    }


def reader_costs(
    name: str | None, decoders: Sequence[str], repeats: int, config: Path | None
) -> list[dict[str, Any]]:
    """Time decoders in turn on 5 passages of 200 tokens; medians over the rounds."""
    settings = load_settings(config)
    if name is not None:
        settings = settings.model_copy(
            update={"models": settings.models.model_copy(update={"reader": name})}
        )
    evidence = _passages(5, round(200 / _TOKENS_PER_WORD))
    reads: dict[str, list[ReadTrace]] = {decoder: [] for decoder in decoders}
    with (
        tempfile.TemporaryDirectory(prefix="hetarag-bench-") as folder,
        HetaRAG.open(Path(folder) / "kb", settings) as rag,
    ):
        for turn in range(repeats + 1):
            for decoder in decoders:
                question = "Tell in five sentences what these notes say about the harbour."
                read = rag.read(question, evidence, decoder=decoder).trace.read
                if turn and read is not None:
                    reads[decoder].append(read)
    rows: list[dict[str, Any]] = []
    for decoder, traces in reads.items():
        per_token = [1000 / t.tokens_per_second for t in traces if t.tokens_per_second]
        rows.append(
            {
                "decoder": decoder,
                "prompt tokens": traces[0].prompt_tokens,
                "answer tokens": int(np.median([t.answer_tokens for t in traces])),
                "first token, s": float(np.median([t.first_token_seconds for t in traces])),
                "ms a token": float(np.median(per_token)) if per_token else float("nan"),
                "spread, ms": f"{min(per_token):.0f}–{max(per_token):.0f}" if per_token else "",
            }
        )
    for row in rows:
        row["ratio to the first"] = row["ms a token"] / rows[0]["ms a token"]
    return rows


def _passages(count: int, words: int) -> list[RankedEvidence]:
    """Passages of plain English of a fixed length, the same in every run."""
    sentences = [
        "The harbour of the old town was deepened so that larger ships could come in.",
        "A stone pier was built on the northern side, where the wind is strongest.",
        "In winter the boats lie behind the wall and their crews mend nets and sails.",
        "The lighthouse was moved twice because the cliff below it fell into the sea.",
        "Every spring the council counts the boats and writes their names into a book.",
    ]
    found = []
    for number in range(count):
        text: list[str] = []
        while len(text) < words:
            text += sentences[(number + len(text)) % len(sentences)].split()
        found.append(
            RankedEvidence(
                id=str(number),
                kind="chunk",
                document=f"note-{number}",
                document_id=str(number),
                collection="bench",
                title=f"Harbour note {number}",
                text=" ".join(text[:words]),
                score=1.0,
                start=0,
                end=0,
            )
        )
    return found


def _memory_at(memory: Sequence[tuple[int, float]], documents: float) -> float:
    return next((mb for count, mb in memory if count >= documents), memory[-1][1])


def _ms(seconds: Any) -> float:
    return round(float(seconds) * 1000, 2)
