"""Fixtures of the store tests: addresses of servers, and the engines under the SQL store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.neo4j_server import neo4j_alone
from tests.servers.running import database_server, neo4j_server, qdrant_server
from tests.stores.sql import samples as sql_samples

__all__ = ["neo4j_alone"]


@pytest.fixture(scope="session")
def qdrant_http_address() -> str:
    """Where Qdrant's REST interface is, over the client's engine: a stand-in, not its server."""
    return qdrant_server().address


@pytest.fixture(scope="session")
def neo4j_address() -> str:
    """The address of a Neo4j that all tests share, each under its own prefix."""
    return neo4j_server().url


@pytest.fixture
def postgresql_address() -> str:
    """The address of a new database on PostgreSQL."""
    return database_server("postgresql").new_database()


@pytest.fixture
def mariadb_address() -> str:
    """The address of a new database on MariaDB."""
    return database_server("mariadb").new_database()


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def sql_engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """The engine under the SQL store, for a whole module."""
    if request.param != "sqlite":
        database_server(request.param)
        sql_samples.SERVER.append(request.param)
    yield request.param
    sql_samples.SERVER.clear()
