"""The servers of one test run: each is started when a test first needs it, and all are stopped."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.servers.database_servers import DATABASES, DatabaseServer
from tests.servers.neo4j_server import Neo4jServer
from tests.servers.qdrant_server import QdrantServer

_running: dict[str, Any] = {}
_missing: dict[str, str] = {}
_folders: list[Path] = []


def database_server(name: str) -> DatabaseServer:
    """Return the running "postgresql" or "mariadb"; skip the test where it is not installed."""
    server: DatabaseServer = _server(name, DATABASES[name])
    return server


def neo4j_server() -> Neo4jServer:
    """Return the running Neo4j; skip the test where there is none."""
    server: Neo4jServer = _server("neo4j", Neo4jServer)
    return server


def qdrant_server() -> QdrantServer:
    """Return the running stand-in for Qdrant; skip the test without Qdrant's client."""
    server: QdrantServer = _server("qdrant", QdrantServer)
    return server


def _server(name: str, kind: type[Any]) -> Any:
    if name in _missing:
        pytest.skip(_missing[name])
    if name not in _running:
        folder = Path(tempfile.mkdtemp(prefix=f"hetarag-{name}-"))
        _folders.append(folder)
        try:
            server = kind(folder)
        except LookupError as error:
            _missing[name] = f"no {name} server: {error.args[0]}"
            pytest.skip(_missing[name])
        server.start()
        _running[name] = server
    return _running[name]


def stop_all() -> None:
    """Stop what has been started and remove its data; called when the session ends."""
    while _running:
        _running.popitem()[1].stop()
    while _folders:
        shutil.rmtree(_folders.pop(), ignore_errors=True)
