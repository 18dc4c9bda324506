"""The nouns: plain frozen data that travels between the packages.

Offsets are Unicode code points, `start` inclusive and `end` exclusive, into the extracted text of
the document's version. Vectors are float32 and of unit length.
"""

from __future__ import annotations

from hetarag.types.answers import (
    Answer,
    AnswerTrace,
    Citation,
    ReadTrace,
    StreamEvent,
    TokenStep,
)
from hetarag.types.common import (
    ACCEPTS,
    STORE_KINDS,
    Cell,
    ColumnType,
    EvidenceKind,
    MetadataValue,
    StoreKind,
    Vector,
    plain,
)
from hetarag.types.documents import (
    Chunk,
    Column,
    Document,
    Entity,
    Heading,
    Mention,
    Page,
    Relation,
    Table,
)
from hetarag.types.records import (
    ColumnInfo,
    Record,
    TableInfo,
)
from hetarag.types.reports import (
    Difference,
    DocumentInfo,
    Health,
    IngestReport,
    SourceFailure,
)
from hetarag.types.search import (
    Filter,
    Hit,
    HitT,
    Link,
    LinkedEntity,
    Query,
    QueryResult,
    RankedEvidence,
    Reranking,
    SearchResult,
    SearchTrace,
    Seed,
    Sources,
    Status,
    StorePlan,
    StoreStatus,
)

__all__ = [
    "ACCEPTS",
    "STORE_KINDS",
    "Answer",
    "AnswerTrace",
    "Cell",
    "Chunk",
    "Citation",
    "Column",
    "ColumnInfo",
    "ColumnType",
    "Difference",
    "Document",
    "DocumentInfo",
    "Entity",
    "EvidenceKind",
    "Filter",
    "Heading",
    "Health",
    "Hit",
    "HitT",
    "IngestReport",
    "Link",
    "LinkedEntity",
    "Mention",
    "MetadataValue",
    "Page",
    "Query",
    "QueryResult",
    "RankedEvidence",
    "ReadTrace",
    "Record",
    "Relation",
    "Reranking",
    "SearchResult",
    "SearchTrace",
    "Seed",
    "SourceFailure",
    "Sources",
    "Status",
    "StoreKind",
    "StorePlan",
    "StoreStatus",
    "StreamEvent",
    "Table",
    "TableInfo",
    "TokenStep",
    "Vector",
    "plain",
]
