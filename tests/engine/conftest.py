"""Real servers for the tests of the whole knowledge base."""

from __future__ import annotations

from tests.engine.refusing_servers import (
    elasticsearch_full,
    mariadb_read_only,
    neo4j_alone,
    neo4j_full,
    neo4j_read_only,
    place,
    postgresql_read_only,
    qdrant_full,
    qdrant_read_only,
)
from tests.servers.elasticsearch_server import elasticsearch_address, elasticsearch_server

__all__ = [
    "elasticsearch_address",
    "elasticsearch_full",
    "elasticsearch_server",
    "mariadb_read_only",
    "neo4j_alone",
    "neo4j_full",
    "neo4j_read_only",
    "place",
    "postgresql_read_only",
    "qdrant_full",
    "qdrant_read_only",
]
