"""Servers that take no more, for a full disk or by decree, each under a knowledge base."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import sqlalchemy as sa

from hetarag import HetaRAG
from hetarag.stores import fulltext_elasticsearch
from tests.conftest import Opener
from tests.servers.database_servers import PASSWORD, DatabaseServer
from tests.servers.elasticsearch_server import ElasticsearchServer
from tests.servers.neo4j_server import Neo4jServer
from tests.servers.running import database_server, qdrant_server


@dataclass
class Place:
    """A knowledge base with one store on a server, and what makes that server refuse and take writes."""

    kind: str
    kb: HetaRAG
    refuse: Callable[[bool], None]
    reads: bool = True
    """Whether the server answers searches while it refuses writes."""


@pytest.fixture
def elasticsearch_full(
    elasticsearch_server: ElasticsearchServer,
    open_kb: Opener,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Place]:
    monkeypatch.setattr(fulltext_elasticsearch, "_RETRIES", 1)

    def full_disk(on: bool) -> None:  # the block that a node sets when its disk is full
        block = {"index.blocks.read_only_allow_delete": True if on else None}
        with elasticsearch_server.client() as client:
            client.indices.put_settings(index="hetarag-*", settings=block)

    address = elasticsearch_server.address
    yield Place("fulltext", open_kb(stores={"fulltext": address}), full_disk)
    elasticsearch_server.clear()


@pytest.fixture
def postgresql_read_only(open_kb: Opener) -> Place:
    database = database_server("postgresql")
    url = sa.make_url(database.new_database())

    def read_only(on: bool) -> None:
        value = "on" if on else "off"
        database.execute(
            f"ALTER DATABASE {url.database} SET default_transaction_read_only = {value}"
        )
        database.execute(  # the setting is that of new connections
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{url.database}'"
        )

    return Place("sql", open_kb(stores={"sql": shown(url)}), read_only)


@pytest.fixture
def mariadb_read_only(open_kb: Opener) -> Iterator[Place]:
    database = database_server("mariadb")
    address = _plain_user(database, sa.make_url(database.new_database()))

    def read_only(on: bool) -> None:
        database.execute(f"SET GLOBAL read_only = {'ON' if on else 'OFF'}")

    yield Place("sql", open_kb(stores={"sql": address}), read_only)
    read_only(False)


def _plain_user(database: DatabaseServer, url: sa.URL) -> str:
    """Make a user who may do everything in one database: read_only does not hold for root."""
    name = f"user_{url.database}"
    for host in ("127.0.0.1", "localhost"):
        database.execute(f"CREATE USER {name}@'{host}' IDENTIFIED BY '{PASSWORD}'")
        database.execute(f"GRANT ALL PRIVILEGES ON {url.database}.* TO {name}@'{host}'")
    return shown(url.set(username=name))


def shown(url: sa.URL) -> str:
    return url.render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def neo4j_alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neo4jServer]:
    """A Neo4j of these tests' own, since it is stopped on the way."""
    try:
        server = Neo4jServer(tmp_path_factory.mktemp("neo4j"))
    except LookupError as error:
        pytest.skip(str(error.args[0]))
    server.start()
    yield server
    server.kill()  # a gentle end takes ten seconds, and nobody needs the data


@pytest.fixture
def neo4j_read_only(neo4j_alone: Neo4jServer, open_kb: Opener) -> Place:
    def read_only(on: bool) -> None:
        if on:  # gently: it could not mend after a crash what it may not write
            neo4j_alone.stop()
            neo4j_alone.start("server.databases.default_to_read_only=true")
        else:
            neo4j_alone.kill()
            neo4j_alone.start()

    return Place("graph", open_kb(stores={"graph": neo4j_alone.url}), read_only)


@pytest.fixture
def neo4j_full(neo4j_alone: Neo4jServer, open_kb: Opener) -> Place:
    def full_disk(on: bool) -> None:
        neo4j_alone.fill_disk(on)
        if not on:  # a database that could not write its log stays down until it is started again
            neo4j_alone.kill()
            neo4j_alone.start()

    return Place("graph", open_kb(stores={"graph": neo4j_alone.url}), full_disk, reads=False)


@pytest.fixture
def qdrant_full(open_kb: Opener) -> Iterator[Place]:
    text = "Service internal error: No space left on device: WAL buffer size exceeds disk space"
    yield from _qdrant(open_kb, 500, text)


@pytest.fixture
def qdrant_read_only(open_kb: Opener) -> Iterator[Place]:
    yield from _qdrant(open_kb, 403, "Forbidden: Global write access is required")


def _qdrant(open_kb: Opener, status: int, error: str) -> Iterator[Place]:
    """Yield a place on the stand-in, which refuses with what Qdrant's own server says."""
    server = qdrant_server()

    def refuse(on: bool) -> None:
        if on:
            server.refuse_writes(status, error)
        else:
            server.take_writes()

    yield Place("vector", open_kb(stores={"vector": server.address}), refuse)
    refuse(False)


@pytest.fixture(
    params=[
        "elasticsearch_full",
        "postgresql_read_only",
        "mariadb_read_only",
        "neo4j_read_only",
        "neo4j_full",
        "qdrant_read_only",
        "qdrant_full",
    ]
)
def place(request: pytest.FixtureRequest) -> Place:
    """Each of them in turn."""
    found: Place = request.getfixturevalue(request.param)
    return found
