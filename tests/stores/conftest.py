"""Fixtures of the store tests: each contract test runs on every store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hetarag.protocols import Store
from tests.servers.neo4j_server import neo4j_alone
from tests.servers.running import database_server, neo4j_server, qdrant_server
from tests.stores.sql import samples as sql_samples
from tests.stores.store_samples import RANKED_TARGETS, TARGETS, Bench, Target

__all__ = ["neo4j_alone"]


def bench_of(request: pytest.FixtureRequest, folder: Path) -> Iterator[Bench]:
    """Yield the store of the fixture's target; a server that is not there skips the test."""
    target: Target = request.param
    address = request.getfixturevalue(target.server) if target.server else target.scheme
    bench = Bench(target.kind, folder, address)
    yield bench
    bench.close()


def name_of(target: Target) -> str:
    """Return the target as test ids show it."""
    return target.kind if target.scheme == "embedded" else f"{target.kind}-{target.scheme}"


@pytest.fixture(scope="session")
def qdrant_local_address() -> str:
    """Qdrant's client on its own, in the store's folder: no server."""
    pytest.importorskip("qdrant_client", reason="needs the extra hetarag[servers]")
    return "qdrant+local://"


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


@pytest.fixture(params=TARGETS, ids=name_of)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """One of all stores."""
    yield from bench_of(request, tmp_path / "store")


@pytest.fixture
def store(bench: Bench) -> Store:
    """One of all stores, open and empty."""
    return bench.open()


@pytest.fixture(params=RANKED_TARGETS, ids=name_of)
def ranked_bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """One of the stores that rank chunks."""
    yield from bench_of(request, tmp_path / "store")


@pytest.fixture
def ranked(ranked_bench: Bench) -> Store:
    """One of the stores that rank chunks, open and empty."""
    return ranked_bench.open()


@pytest.fixture(scope="module", params=RANKED_TARGETS, ids=name_of)
def module_bench(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    """One of the stores that rank chunks, for all tests of a module."""
    yield from bench_of(request, tmp_path_factory.mktemp("module") / "store")
