"""A real Elasticsearch for the session, with a password; what a test made is deleted after it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from os import kill
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.servers.process import (
    SERVERS,
    ServerProcess,
    free_port,
    missing_server,
    server_program,
)

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

PASSWORD = "s3cret/w@rd"


@dataclass(slots=True)
class ElasticsearchServer:
    """One node on loopback that can be stopped, started again and frozen."""

    process: ServerProcess
    folder: Path
    port: int

    @property
    def address(self) -> str:
        """Where it is, as the setting stores.fulltext has it."""
        return f"elasticsearch+http://elastic:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}"

    def client(self) -> Elasticsearch:
        """Return a client beside the adapter's."""
        from elasticsearch import Elasticsearch

        return Elasticsearch(
            f"http://127.0.0.1:{self.port}", basic_auth=("elastic", PASSWORD), request_timeout=30
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self.client() as client:
            self.process.start(
                lambda: client.cluster.health(wait_for_status="yellow")["number_of_nodes"] > 0
            )

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the server itself, not to the launcher in front of it."""
        kill(int((self.folder / "server.pid").read_text()), number)

    def clear(self) -> None:
        """Delete every index and template that tests have made."""
        with self.client() as client:
            if names := [*client.indices.get(index="*", expand_wildcards="open")]:
                client.indices.delete(index=names)
            for found in client.indices.get_index_template()["index_templates"]:
                if found["name"].endswith("-fulltext"):
                    client.indices.delete_index_template(name=found["name"])


def start_server(folder: Path) -> ElasticsearchServer:
    """Start a server with its data in `folder`; where there is none the test is skipped, in CI it fails."""
    program = server_program()
    if program is None:
        missing_server(
            "elasticsearch", f"{SERVERS} names no folder with the program that starts it"
        )
    pytest.importorskip("elasticsearch", reason="needs the extra hetarag[servers]")
    port = free_port()
    command = [str(program), "elasticsearch", str(folder), str(port), PASSWORD]
    server = ElasticsearchServer(ServerProcess(command, folder.with_suffix(".log")), folder, port)
    server.start()
    return server


@pytest.fixture(scope="session")
def elasticsearch_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ElasticsearchServer]:
    """The server of the session."""
    server = start_server(tmp_path_factory.mktemp("elasticsearch") / "data")
    yield server
    server.process.stop()


@pytest.fixture(scope="module")
def elasticsearch_address(elasticsearch_server: ElasticsearchServer) -> Iterator[str]:
    """The address of the session's server, left empty after each module."""
    yield elasticsearch_server.address
    elasticsearch_server.clear()
