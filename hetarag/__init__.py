"""Retrieval-augmented generation over vectors, full text, a graph and SQL, behind one plane.

    from hetarag import HetaRAG

    with HetaRAG.open("kb") as rag:
        rag.ingest(["documents/"])
        answer = rag.ask("...")
"""

from hetarag.config import Settings
from hetarag.engine import HetaRAG
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
