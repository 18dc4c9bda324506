"""Retrieval-augmented generation over vectors, full text, a graph and SQL, behind one plane.

    from hetarag import HetaRAG

    with HetaRAG.open("kb") as rag:
        rag.ingest(["documents/"])
        answer = rag.ask("...")

The names below are loaded when they are first used, so that a part (`hetarag.decoding`, say) can be
imported without the rest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hetarag.config import Settings
    from hetarag.engine.knowledge_base import HetaRAG
    from hetarag.errors import (
        ConfigError,
        FingerprintError,
        HetaRAGError,
        IngestError,
        InputError,
        LedgerError,
        LockedError,
        MissingExtraError,
        ModelError,
        NotFoundError,
        SearchError,
        StoreError,
        StoreTimeoutError,
        UnsupportedModelError,
    )
    from hetarag.types import (
        Answer,
        Citation,
        Column,
        Document,
        DocumentInfo,
        Hit,
        IngestReport,
        Page,
        RankedEvidence,
        SearchResult,
        StreamEvent,
        Table,
    )

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Citation",
    "Column",
    "ConfigError",
    "Document",
    "DocumentInfo",
    "FingerprintError",
    "HetaRAG",
    "HetaRAGError",
    "Hit",
    "IngestError",
    "IngestReport",
    "InputError",
    "LedgerError",
    "LockedError",
    "MissingExtraError",
    "ModelError",
    "NotFoundError",
    "Page",
    "RankedEvidence",
    "SearchError",
    "SearchResult",
    "Settings",
    "StoreError",
    "StoreTimeoutError",
    "StreamEvent",
    "Table",
    "UnsupportedModelError",
]

_ELSEWHERE = {"HetaRAG": "hetarag.engine.knowledge_base", "Settings": "hetarag.config"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'hetarag' has no attribute {name!r}")
    default = "hetarag.errors" if name.endswith("Error") else "hetarag.types"
    return getattr(import_module(_ELSEWHERE.get(name, default)), name)
