"""Stores on real servers for the contract tests, each in a place of its own on its server."""

from __future__ import annotations

import itertools
from pathlib import Path

from store_samples import Bench

from tests.servers.running import database_server, neo4j_server

GRAPH_SERVERS = ("neo4j",)
SQL_SERVERS = ("postgresql", "mariadb")
_numbers = itertools.count(1)


def bench_of(name: str, folder: Path) -> Bench:
    """Return a bench by its name: a kind for the embedded store, or the name of a server."""
    if name in GRAPH_SERVERS:
        prefix = f"test-{next(_numbers)}"
        return Bench("graph", folder, address=neo4j_server().url, prefix=prefix)
    if name in SQL_SERVERS:
        return Bench("sql", folder, address=database_server(name).new_database())
    return Bench(name, folder)  # type: ignore[arg-type]
