"""Settings of the stores: the four of hetarag by name, and further ones as tables."""

from __future__ import annotations

import re
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

EMBEDDED = "embedded"


NO_STORE = "none"


STORE_NAMES = ("vector", "fulltext", "graph", "sql")


RESERVED_NAMES = frozenset(
    ["hops", "computed", "links", "parts", "cross-encoder", "reranking", "ledger", "ranked", "none"]
)
"""What other lists and statuses of a search are called."""


_STORE_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


class StoreConfig(BaseModel):
    """One store: its kind, where it is, and further keys that its own engine knows."""

    model_config = ConfigDict(frozen=True, extra="allow")

    kind: str = Field(
        description='What it indexes: "vector", "fulltext", "graph", "sql", or a kind that another package brings.'
    )
    url: str = Field(default=EMBEDDED, description='"embedded" or the address of a server.')

    @property
    def options(self) -> dict[str, Any]:
        """The further keys."""
        return dict(self.model_extra or {})


class StoreSettings(BaseModel):
    """The stores by name: "embedded", an address, or "none" to leave one out.

    Four are there by default. Further ones are tables, [stores.NAME], with a kind and a url; several of one
    kind stand side by side, each holding all that its kind takes.
    """

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, StoreConfig] = Field(init=False)

    vector: str = Field(
        default=EMBEDDED,
        description='Vectors: "embedded" (Qdrant Edge), the address of a Qdrant server, or "none".',
    )
    fulltext: str = Field(
        default=EMBEDDED,
        description='Full text: "embedded" (Tantivy), the address of an Elasticsearch server, or "none".',
    )
    graph: str = Field(
        default=EMBEDDED,
        description='Graph: "embedded" (Ladybug), the address of a Neo4j server, or "none".',
    )
    sql: str = Field(
        default=EMBEDDED,
        description='Tables: "embedded" (SQLite), an SQLAlchemy URL of a database of their own, or "none".',
    )

    @model_validator(mode="after")
    def _names_are_usable(self) -> Self:
        for name in self.__pydantic_extra__:
            if not _STORE_NAME.fullmatch(name) or name in RESERVED_NAMES:
                raise ValueError(
                    f"a store cannot be called {name!r}: names have up to 40 small letters, digits, - and _, "
                    f"begin with a letter, and are none of {', '.join(sorted(RESERVED_NAMES))}"
                )
        return self

    def named(self) -> dict[str, StoreConfig]:
        """Return the stores in use by name, the four of hetarag first."""
        own = {name: StoreConfig(kind=name, url=getattr(self, name)) for name in STORE_NAMES}
        found = {**own, **self.__pydantic_extra__}
        return {name: store for name, store in found.items() if store.url != NO_STORE}
