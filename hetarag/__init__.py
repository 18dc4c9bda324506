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
    from hetarag.config import (
        SearchSettings,
        Settings,
    )
    from hetarag.engine.knowledge_base import (
        HetaRAG,
    )
    from hetarag.engine.progress import (
        IngestProgress,
    )
    from hetarag.engine.search_request import (
        AnswerOptions,
        SearchOptions,
    )
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
    from hetarag.protocols import (
        BatchReader,
        Embedder,
        Extractor,
        PassageScorer,
        Reader,
        Reranker,
        Retriever,
        Store,
        TableStore,
        VectorStore,
    )
    from hetarag.types import (
        Answer,
        AnswerTrace,
        Citation,
        Column,
        Difference,
        Document,
        DocumentInfo,
        Heading,
        Health,
        Hit,
        IngestReport,
        KnowledgeBaseInfo,
        Page,
        QueryResult,
        RankedEvidence,
        ReadTrace,
        SearchResult,
        SearchTrace,
        SourceFailure,
        StoreInfo,
        StorePlan,
        StoreStatus,
        StreamEvent,
        Table,
        TokenStep,
    )

__version__ = "0.2.0"

__all__ = [
    "Answer",
    "AnswerOptions",
    "AnswerTrace",
    "BatchReader",
    "Citation",
    "Column",
    "ConfigError",
    "Difference",
    "Document",
    "DocumentInfo",
    "Embedder",
    "Extractor",
    "FingerprintError",
    "Heading",
    "Health",
    "HetaRAG",
    "HetaRAGError",
    "Hit",
    "IngestError",
    "IngestProgress",
    "IngestReport",
    "InputError",
    "KnowledgeBaseInfo",
    "LedgerError",
    "LockedError",
    "MissingExtraError",
    "ModelError",
    "NotFoundError",
    "Page",
    "PassageScorer",
    "QueryResult",
    "RankedEvidence",
    "ReadTrace",
    "Reader",
    "Reranker",
    "Retriever",
    "SearchError",
    "SearchOptions",
    "SearchResult",
    "SearchSettings",
    "SearchTrace",
    "Settings",
    "SourceFailure",
    "Store",
    "StoreError",
    "StoreInfo",
    "StorePlan",
    "StoreStatus",
    "StoreTimeoutError",
    "StreamEvent",
    "Table",
    "TableStore",
    "TokenStep",
    "UnsupportedModelError",
    "VectorStore",
]

_HOMES = {
    "hetarag.config": ("SearchSettings", "Settings"),
    "hetarag.engine.knowledge_base": ("HetaRAG",),
    "hetarag.engine.progress": ("IngestProgress",),
    "hetarag.engine.search_request": ("AnswerOptions", "SearchOptions"),
    "hetarag.protocols": (
        "BatchReader",
        "Embedder",
        "Extractor",
        "PassageScorer",
        "Reader",
        "Reranker",
        "Retriever",
        "Store",
        "TableStore",
        "VectorStore",
    ),
}
_ELSEWHERE = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'hetarag' has no attribute {name!r}")
    default = "hetarag.errors" if name.endswith("Error") else "hetarag.types"
    return getattr(import_module(_ELSEWHERE.get(name, default)), name)
