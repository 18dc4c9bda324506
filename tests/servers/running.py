"""The servers of one test run: each is started when a test first needs it, and all are stopped."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from tests.servers.database_servers import DATABASES, DatabaseServer
from tests.servers.neo4j_server import Neo4jServer
from tests.servers.process import missing_server
from tests.servers.qdrant_server import QdrantServer

_running: dict[str, Any] = {}
_missing: dict[str, str] = {}
_folders: list[Path] = []


def database_server(name: str) -> DatabaseServer:
    """Return the running "postgresql" or "mariadb"; without it the test is skipped, in CI it fails."""
    server: DatabaseServer = _server(name, DATABASES[name])
    return server


def neo4j_server() -> Neo4jServer:
    """Return the running Neo4j; without it the test is skipped, in CI it fails."""
    server: Neo4jServer = _server("neo4j", Neo4jServer)
    return server


def qdrant_server() -> QdrantServer:
    """Return the running stand-in for Qdrant; without its client the test is skipped, in CI it fails."""
    server: QdrantServer = _server("qdrant", QdrantServer)
    return server


def _server(name: str, kind: type[Any]) -> Any:
    if name in _missing:
        missing_server(name, _missing[name])
    if name not in _running:
        folder = Path(tempfile.mkdtemp(prefix=f"hetarag-{name}-"))
        _folders.append(folder)
        try:
            server = kind(folder)
        except LookupError as error:
            _missing[name] = str(error.args[0])
            missing_server(name, _missing[name])
        server.start()
        _running[name] = server
    return _running[name]


def stop_all() -> None:
    """Stop what has been started and remove its data; called when the session ends."""
    while _running:
        _running.popitem()[1].stop()
    while _folders:
        shutil.rmtree(_folders.pop(), ignore_errors=True)
