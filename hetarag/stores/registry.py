"""Which engine serves which kind of store, by the scheme of its address.

A further store is one new file with a class that implements `protocols.Store` and has

    @classmethod
    def open(cls, address: str, folder: Path, options: StoreOptions) -> Self

and one line in `ENGINES`. `folder` belongs to that store alone and is made by it if it needs one;
`address` is "embedded" or a URL. `open` raises `StoreError` when the engine cannot be reached or
its data belong to something else. The drivers are imported only when a store is opened.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, cast

from hetarag.config import EMBEDDED, redact
from hetarag.errors import ConfigError, MissingExtraError, StoreError
from hetarag.protocols import Store, TableCatalogue
from hetarag.types import STORE_KINDS, StoreKind


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """What a store is told when it is opened.

    `dimension` is that of the embedder (None: what the store holds or is given first); `prefix`
    goes before the names of everything made on a server; `catalogue` are the live tables.
    """

    dimension: int | None = None
    prefix: str = "hetarag"
    catalogue: TableCatalogue | None = None


class Engine(NamedTuple):
    """Where a store's class is; `extra` is what brings its driver, "" for the base package."""

    module: str
    name: str
    extra: str = ""


_ELASTICSEARCH = Engine("hetarag.stores.fulltext.elasticsearch", "ElasticsearchStore", "servers")
_QDRANT = Engine("hetarag.stores.vector.qdrant", "QdrantStore", "servers")

ENGINES: dict[tuple[StoreKind, str], Engine] = {
    ("vector", EMBEDDED): Engine("hetarag.stores.vector.qdrant_edge", "QdrantEdgeStore"),
    ("fulltext", EMBEDDED): Engine("hetarag.stores.fulltext.tantivy", "TantivyStore"),
    ("graph", EMBEDDED): Engine("hetarag.stores.graph.ladybug", "LadybugStore"),
    ("sql", EMBEDDED): Engine("hetarag.stores.sql.sqlalchemy", "SqlAlchemyStore"),
    ("fulltext", "elasticsearch+http"): _ELASTICSEARCH,
    ("fulltext", "elasticsearch+https"): _ELASTICSEARCH,
    ("vector", "http"): _QDRANT,
    ("vector", "https"): _QDRANT,
    ("vector", "qdrant+local"): _QDRANT,
    **{
        ("graph", scheme): Engine("hetarag.stores.graph.neo4j", "Neo4jStore", "servers")
        for scheme in ("bolt", "neo4j", "bolt+s", "neo4j+s", "bolt+ssc", "neo4j+ssc")
    },
    **{
        ("sql", scheme): Engine("hetarag.stores.sql.sqlalchemy", "SqlAlchemyStore", "servers")
        for scheme in ("postgresql+psycopg", "mariadb+pymysql", "mysql+pymysql")
    },
}


def open_store(kind: StoreKind, address: str, folder: Path, options: StoreOptions) -> Store:
    """Open the store of `kind` at `address`; its own files, if any, lie in `folder`.

    Raises:
        ConfigError: the address has a form that no engine of this kind knows.
        MissingExtraError: the engine's driver is not installed.
        StoreError: the engine does not answer, or its data cannot be used.
    """
    engine = _engine(kind, address)
    try:
        module = importlib.import_module(engine.module)
    except ModuleNotFoundError as error:
        package = (error.name or engine.module).partition(".")[0]
        if package == "hetarag":
            raise
        if engine.extra:
            raise MissingExtraError(package, engine.extra, f"The {kind} store") from error
        raise StoreError(
            kind, f"the package {package!r} is missing: install hetarag again with its dependencies"
        ) from error
    return cast(Store, getattr(module, engine.name).open(address, folder, options))


def schemes(kind: StoreKind) -> tuple[str, ...]:
    """Return the schemes of the addresses that stores of `kind` may have."""
    return tuple(scheme for known, scheme in ENGINES if known == kind)


def _engine(kind: StoreKind, address: str) -> Engine:
    if kind not in STORE_KINDS:
        raise ConfigError(f"unknown kind of store {kind!r}; known: {', '.join(STORE_KINDS)}")
    scheme, is_url, _ = address.partition("://")
    known = address == EMBEDDED or (is_url and scheme != EMBEDDED)
    engine = ENGINES.get((kind, scheme.lower())) if known else None
    if engine is None:
        forms = [s if s == EMBEDDED else f"{s}://…" for s in schemes(kind)]
        raise ConfigError(
            f"setting stores.{kind}: no engine knows the address {redact(address)!r}; "
            f"known forms: {', '.join([*forms, 'none'])}"
        )
    return engine
