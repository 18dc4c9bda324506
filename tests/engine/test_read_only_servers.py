"""Servers that take no more, for a full disk or by decree: what they are owed waits, and nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from hetarag import HetaRAG
from hetarag.stores import fulltext_elasticsearch
from tests.conftest import Opener
from tests.servers.database_servers import PASSWORD, DatabaseServer
from tests.servers.elasticsearch_server import ElasticsearchServer
from tests.servers.running import database_server

pytestmark = pytest.mark.slow
QUESTION = "Which yard built the Gauss of Kiel?"


@dataclass
class Place:
    """A knowledge base with one store on a server, and what makes that server refuse and take writes."""

    kind: str
    kb: HetaRAG
    refuse: Callable[[bool], None]


@pytest.fixture(params=["fulltext", "postgresql", "mariadb"])
def place(
    request: pytest.FixtureRequest, open_kb: Opener, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    if request.param == "fulltext":
        server: ElasticsearchServer = request.getfixturevalue("elasticsearch_server")
        monkeypatch.setattr(fulltext_elasticsearch, "_RETRIES", 1)

        def full_disk(on: bool) -> None:  # the block that a node sets when its disk is full
            block = {"index.blocks.read_only_allow_delete": True if on else None}
            with server.client() as client:
                client.indices.put_settings(index="hetarag-*", settings=block)

        yield Place("fulltext", open_kb(stores={"fulltext": server.address}), full_disk)
        server.clear()
        return
    database = database_server(request.param)
    url = sa.make_url(database.new_database())
    if request.param == "mariadb":
        yield Place("sql", open_kb(stores={"sql": _plain_user(database, url)}), _maria(database))
        database.execute("SET GLOBAL read_only = OFF")
        return

    def read_only(on: bool) -> None:
        value = "on" if on else "off"
        database.execute(
            f"ALTER DATABASE {url.database} SET default_transaction_read_only = {value}"
        )
        database.execute(  # the setting is that of new connections
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{url.database}'"
        )

    yield Place("sql", open_kb(stores={"sql": shown(url)}), read_only)


def _plain_user(database: DatabaseServer, url: sa.URL) -> str:
    """Make a user who may do everything in one database: read_only does not hold for root."""
    name = f"user_{url.database}"
    for host in ("127.0.0.1", "localhost"):
        database.execute(f"CREATE USER {name}@'{host}' IDENTIFIED BY '{PASSWORD}'")
        database.execute(f"GRANT ALL PRIVILEGES ON {url.database}.* TO {name}@'{host}'")
    return shown(url.set(username=name))


def _maria(database: DatabaseServer) -> Callable[[bool], None]:
    return lambda on: database.execute(f"SET GLOBAL read_only = {'ON' if on else 'OFF'}")


def shown(url: sa.URL) -> str:
    return url.render_as_string(hide_password=False)


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
    # What was there is found as before, the store that refuses writes included.
    found = kb.search("Which yard built the Fram?", 5, deadline=5)
    assert found.complete and found[0].document in ("fram", "ships.csv", str(ships))
    place.refuse(False)
    until = time.monotonic() + 30
    while kb.status()["pending"] or kb.status()["stores"][place.kind]["owed"]:
        assert time.monotonic() < until
        kb.ingest([gauss, more])  # the next ingest delivers, whatever it brings
        time.sleep(0.2)
    assert all(difference.ok for difference in kb.verify())
    names = [info.name for info in kb.list()]
    assert len(names) == len(set(names)) == 4
    hits = [e.id for e in kb.search(QUESTION, 20, stores=[place.kind])]
    assert hits and len(hits) == len(set(hits))
