"""Every engine of the table of stores, and how a test gets at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import pytest

from hetarag.store_settings import EMBEDDED
from hetarag.stores.registry import STORES
from hetarag.testing.records import StoreUnderTest
from tests.servers.running import database_server, neo4j_server, qdrant_server

SAME_ENGINE = {
    "vector.https": "vector.http",
    "fulltext.elasticsearch+https": "fulltext.elasticsearch+http",
    "graph.neo4j": "graph.bolt",
    **{f"graph.{way}{tls}": "graph.bolt" for way in ("bolt", "neo4j") for tls in ("+s", "+ssc")},
    "sql.mysql+pymysql": "sql.mariadb+pymysql",
}
"""Schemes that only say how a server is reached (test_tls has them), and the one that is tested in their place."""

ENGINES = [
    part
    for part in STORES.names()
    if part not in SAME_ENGINE and part not in STORES.declared()  # other packages test their own
]
"""The parts that the contract tests run on."""
RANKING = [part for part in ENGINES if not part.startswith("sql.")]
"""Those that rank chunks."""


@dataclass
class DatabaseUnderTest(StoreUnderTest):
    """The SQL store on a server: each place is a database of its own."""

    server: str = ""

    def at(self, folder: Path) -> Self:
        return replace(super().at(folder), address=database_server(self.server).new_database())


def _embedded(kind: str, _: pytest.FixtureRequest) -> StoreUnderTest:
    return StoreUnderTest(kind)


def _qdrant_local(kind: str, _: pytest.FixtureRequest) -> StoreUnderTest:
    pytest.importorskip("qdrant_client", reason="needs the extra hetarag[servers]")
    return StoreUnderTest(kind, "qdrant+local://", score_error=2e-6)  # it rounds them to six digits


def _qdrant_http(kind: str, _: pytest.FixtureRequest) -> StoreUnderTest:
    """The client's own engine behind Qdrant's REST interface: a stand-in, not its server."""
    return StoreUnderTest(kind, qdrant_server().address, score_error=2e-6)


def _elasticsearch(kind: str, request: pytest.FixtureRequest) -> StoreUnderTest:
    address = request.getfixturevalue("elasticsearch_address")
    return StoreUnderTest(kind, address, counts_deleted=True)


def _neo4j(kind: str, _: pytest.FixtureRequest) -> StoreUnderTest:
    return StoreUnderTest(kind, neo4j_server().url)


def _postgresql(kind: str, _: pytest.FixtureRequest) -> StoreUnderTest:
    address = database_server("postgresql").url("unused")  # skips where there is none
    return DatabaseUnderTest(kind, address, server="postgresql")


def _mariadb(kind: str, _: pytest.FixtureRequest) -> StoreUnderTest:
    # DDL commits by itself there: a table that is half done has no digest.
    address = database_server("mariadb").url("unused")
    return DatabaseUnderTest(kind, address, shows_unfinished=True, server="mariadb")


WAYS: dict[str, Callable[[str, pytest.FixtureRequest], StoreUnderTest]] = {
    EMBEDDED: _embedded,
    "qdrant+local": _qdrant_local,
    "http": _qdrant_http,
    "elasticsearch+http": _elasticsearch,
    "bolt": _neo4j,
    "postgresql+psycopg": _postgresql,
    "mariadb+pymysql": _mariadb,
}
"""How a test gets at the engine behind a scheme; a server that is not there skips the test."""


def engine_under_test(part: str, request: pytest.FixtureRequest) -> StoreUnderTest:
    """Return the store of a part of the table."""
    kind, _, scheme = part.partition(".")
    return WAYS[scheme](kind, request)
