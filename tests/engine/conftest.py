"""Real servers for the tests of the whole knowledge base."""

from __future__ import annotations

from tests.servers.neo4j_server import neo4j_alone

__all__ = ["neo4j_alone"]
