"""Room that a knowledge base takes: on disk by store, and in memory once it has been searched."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from hetarag import HetaRAG
from hetarag.config import Settings
from hetarag.protocols import Embedder


def resident_mb() -> float:
    """Return the resident memory of this process in MB; 0.0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def sizes_on_disk(folder: Path) -> dict[str, int]:
    """Return the bytes of each part of a knowledge base: a store's kind, or "ledger" for the rest.

    Stores on servers are not in the folder and so not counted.
    """
    sizes: dict[str, int] = {}
    for path in folder.rglob("*"):
        if path.is_file():
            parts = path.relative_to(folder).parts
            part = parts[1] if parts[0] == "stores" and len(parts) > 2 else "ledger"
            sizes[part] = sizes.get(part, 0) + _taken(path)
    return sizes


def _taken(path: Path) -> int:
    """Return the bytes that a file takes: engines reserve room in files that is not taken yet."""
    status = path.stat()
    return 512 * status.st_blocks if hasattr(status, "st_blocks") else status.st_size


def room(
    kb: Path,
    settings: Settings,
    passages: int,
    questions: list[str],
    embedder: Embedder | None = None,
) -> dict[str, Any]:
    """Return index size and search memory in all and per passage; the knowledge base must be closed.

    Memory is taken in two processes of their own, of which one searches an empty knowledge base, so
    that models and libraries do not count as the passages'.
    """
    disk = sizes_on_disk(kb)
    spawn = multiprocessing.get_context("spawn")
    same = Settings(models=settings.models, search=settings.search)
    with (
        tempfile.TemporaryDirectory(prefix="hetarag-bench-") as folder,
        ProcessPoolExecutor(1, mp_context=spawn, max_tasks_per_child=1) as pool,
    ):
        empty = pool.submit(_searched, Path(folder) / "kb", same, questions, embedder).result()
        full = pool.submit(_searched, kb, settings, questions, embedder).result()
    return {
        "passages": passages,
        "index, MB": sum(disk.values()) / 2**20,
        "index by part, bytes a passage": {
            part: round(size / passages) for part, size in sorted(disk.items())
        },
        "memory of a process that has searched, MB": full,
        "of which models and libraries, MB": empty,
        "search memory, kB a passage": (full - empty) * 1024 / passages,
    }


def _searched(
    kb: Path, settings: Settings, questions: list[str], embedder: Embedder | None
) -> float:
    with HetaRAG.open(kb, settings, embedder=embedder) as rag:
        rag.warm_up()
        for question in questions:
            rag.search(question, access="all")
        return resident_mb()
