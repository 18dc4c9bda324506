"""What a knowledge base says of itself: documents, stores, ingests and differences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hetarag.types.common import MetadataValue, StoreKind


@dataclass(frozen=True, slots=True)
class Health:
    """The state of one store: `count` is how many records it holds."""

    ok: bool
    engine: str
    count: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """A document as `documents()` returns it; `state` is "live", "pending" or "updating"."""

    id: str
    name: str
    uri: str
    title: str
    collection: str
    tags: tuple[str, ...]
    metadata: Mapping[str, MetadataValue]
    media_type: str
    generation: int
    chunks: int
    tables: int
    state: str


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """A store of a knowledge base: its engine and health, and how far it is behind the ledger.

    `owed` counts batches, `latency_ms` is that of the question for its health; `address` shows no secret.
    """

    kind: StoreKind
    ok: bool
    engine: str
    address: str
    latency_ms: float
    records: int
    owed: int
    detail: str


@dataclass(frozen=True, slots=True)
class KnowledgeBaseInfo:
    """What a knowledge base holds: live documents and their parts, `pending` versions, its stores by name.

    `embedder` and `splitter` are the fingerprints that it was made with, None before the first document.
    """

    folder: str
    ledger: str
    documents: int
    pending: int
    chunks: int
    tables: int
    entities: int
    embedder: str | None
    splitter: str | None
    stores: Mapping[str, StoreInfo]


@dataclass(frozen=True, slots=True)
class SourceFailure:
    """A source of an ingest that could not be taken in, and why."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest did, counted in documents; `failures` names what could not be read."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    retagged: int = 0
    pending: int = 0
    failures: tuple[SourceFailure, ...] = ()
    warnings: tuple[SourceFailure, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """What `verify` found in one store: ids it lacks, has too many, or holds in an old form.

    `error` says why it could not be checked or, after `repair`, why it could not be mended.
    """

    store: str
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Tell whether store and ledger agree."""
        return not (self.missing or self.extra or self.stale or self.error)
