"""Servers that take no more, for a full disk or by decree: what they are owed waits, and nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from hetarag import HetaRAG
from hetarag.stores.fulltext import elasticsearch as fulltext_elasticsearch
from tests.conftest import Opener
from tests.servers.database_servers import PASSWORD, DatabaseServer
from tests.servers.elasticsearch_server import ElasticsearchServer
from tests.servers.neo4j_server import Neo4jServer
from tests.servers.running import database_server, qdrant_server

pytestmark = pytest.mark.slow
QUESTION = "Which yard built the Gauss of Kiel?"


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
    address = database.new_database()
    name = sa.make_url(address).database

    def read_only(on: bool) -> None:
        value = "on" if on else "off"
        database.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {value}")
        database.execute(  # the setting is that of new connections
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        )

    return Place("sql", open_kb(stores={"sql": address}), read_only)


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
    return url.set(username=name).render_as_string(hide_password=False)


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


def test_what_a_server_refuses_is_owed_and_delivered(
    place: Place, write_jsonl: Callable[..., Path], tmp_path: Path
) -> None:
    kb = place.kb
    fram = write_jsonl({"id": "fram", "title": "Fram", "text": "The Fram was built in Larvik."})
    ships = tmp_path / "ships.csv"
    ships.write_text("ship,yard\nFram,Larvik\n")
    assert kb.ingest([fram, ships]).pending == 0
    place.refuse(True)
    more = tmp_path / "more.csv"
    more.write_text("ship,yard\nGauss,Kiel\n")
    gauss = write_jsonl(
        {"id": "gauss", "title": "Gauss", "text": "The Gauss was built in Kiel."}, name="g.jsonl"
    )
    report = kb.ingest([gauss, more])
    assert report.pending
    assert {warning.source.split()[0] for warning in report.warnings} == {place.kind}
    # What was there is found as before, by the store that refuses writes too where it still reads.
    found = kb.search("Which yard built the Fram?", 5, deadline=5, on_error="skip")
    assert found[0].document in ("fram", "ships.csv", str(ships))
    assert found.trace is not None
    assert found.trace.stores[place.kind].status == ("ok" if place.reads else "failed")
    place.refuse(False)
    until = time.monotonic() + 20  # sooner than what was refused twice would be due again
    while kb.status().pending or kb.status().stores[place.kind].owed:
        assert time.monotonic() < until
        kb.ingest([gauss, more])  # the next ingest delivers, whatever it brings
        time.sleep(0.2)
    assert all(difference.ok for difference in kb.verify())
    names = [info.name for info in kb.documents()]
    assert len(names) == len(set(names)) == 4
    hits = [e.id for e in kb.search(QUESTION, 20, stores=[place.kind])]
    assert hits and len(hits) == len(set(hits))
