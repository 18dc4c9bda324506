"""Which engine serves which kind of store, by the scheme of its address.

The names of the table are "KIND.SCHEME", with "embedded" for an engine in process. A further store is a class
that implements `protocols.Store` and has

    @classmethod
    def open(cls, address: str, folder: Path, options: StoreOptions) -> Self

and one line: here for hetarag's own, or an entry point in the group `hetarag.stores` of any other package.
`folder` belongs to that store alone and is made for it; `address` is "embedded" or a URL. `open` raises
`StoreError` when the engine cannot be reached or its data belong to something else. The drivers are imported
only when a store is opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from hetarag.config import redact
from hetarag.errors import ConfigError, MissingExtraError, StoreError
from hetarag.plugins import PartTable
from hetarag.protocols import Store, TableCatalogue
from hetarag.store_settings import EMBEDDED


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """What a store is told when it is opened.

    `dimension` is that of the embedder (None: what the store holds or is given first); `prefix`
    goes before the names of everything made on a server; `catalogue` are the live tables; `settings` the
    further keys of the store's own table in the settings.
    """

    dimension: int | None = None
    prefix: str = "hetarag"
    catalogue: TableCatalogue | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


_ELASTICSEARCH = "hetarag.stores.fulltext.elasticsearch:ElasticsearchStore [servers]"
_QDRANT = "hetarag.stores.vector.qdrant:QdrantStore [servers]"
_NEO4J = "hetarag.stores.graph.neo4j:Neo4jStore [servers]"
_SQL = "hetarag.stores.sql.sqlalchemy:SqlAlchemyStore"

STORES = PartTable(
    "stores",
    {
        "vector.embedded": "hetarag.stores.vector.qdrant_edge:QdrantEdgeStore",
        "vector.http": _QDRANT,
        "vector.https": _QDRANT,
        "vector.qdrant+local": _QDRANT,
        "fulltext.embedded": "hetarag.stores.fulltext.tantivy:TantivyStore",
        "fulltext.elasticsearch+http": _ELASTICSEARCH,
        "fulltext.elasticsearch+https": _ELASTICSEARCH,
        "graph.embedded": "hetarag.stores.graph.ladybug:LadybugStore",
        **{f"graph.{way}{tls}": _NEO4J for tls in ("", "+s", "+ssc") for way in ("bolt", "neo4j")},
        "sql.embedded": _SQL,
        "sql.postgresql+psycopg": f"{_SQL} [servers]",
        "sql.mariadb+pymysql": f"{_SQL} [servers]",
        "sql.mysql+pymysql": f"{_SQL} [servers]",
    },
    "store",
)


def store_class(kind: str, address: str, name: str = "") -> type[Store]:
    """Return the class of the store of `kind` at `address`; `name` is how the settings call it.

    Raises:
        ConfigError: the address has a form that no engine of this kind knows.
        MissingExtraError: the engine's driver is not installed.
    """
    part = _part(kind, address, name or kind)
    try:
        return cast(type[Store], STORES.load(part))
    except MissingExtraError as error:
        if error.extra:
            raise
        raise StoreError(
            kind,
            f"the package {error.package!r} is missing: install hetarag again with its dependencies",
        ) from error


def open_store(
    kind: str, address: str, folder: Path, options: StoreOptions, name: str = ""
) -> Store:
    """Open the store of `kind` at `address`; its own files, if any, lie in `folder`.

    Raises:
        ConfigError, MissingExtraError: as `store_class` does.
        StoreError: the engine does not answer, or its data cannot be used.
    """
    found: Any = store_class(kind, address, name)
    return cast(Store, found.open(address, folder, options))


def kinds() -> tuple[str, ...]:
    """Return the kinds of store that there are engines for."""
    return tuple(dict.fromkeys(part.partition(".")[0] for part in STORES.names()))


def schemes(kind: str) -> tuple[str, ...]:
    """Return the schemes of the addresses that stores of `kind` may have."""
    return tuple(
        part.removeprefix(f"{kind}.") for part in STORES.names() if part.startswith(f"{kind}.")
    )


def _part(kind: str, address: str, name: str) -> str:
    """The name of an engine in the table; `ConfigError` where there is none."""
    scheme, is_url, _ = address.partition("://")
    known = address == EMBEDDED or (is_url and scheme != EMBEDDED)
    part = f"{kind}.{scheme.lower()}"
    if known and part in STORES:
        return part
    if kind not in kinds():
        raise ConfigError(
            f"setting stores.{name}: unknown kind of store {kind!r}; known: {', '.join(kinds())}; "
            "install the package that brings it, or take the store out of the settings"
        )
    forms = [s if s == EMBEDDED else f"{s}://…" for s in schemes(kind)]
    raise ConfigError(
        f"setting stores.{name}: no engine of the kind {kind!r} knows the address {redact(address)!r}; "
        f"known forms: {', '.join([*forms, 'none'])}"
    )
