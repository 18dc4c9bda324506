"""Real servers for the tests of the whole knowledge base."""

from __future__ import annotations

from tests.servers.elasticsearch_server import elasticsearch_address, elasticsearch_server

__all__ = ["elasticsearch_address", "elasticsearch_server"]
