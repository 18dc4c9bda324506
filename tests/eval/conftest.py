"""Real servers for the benchmarks that compare them with the embedded engines."""

from __future__ import annotations

from tests.servers.elasticsearch_server import elasticsearch_address, elasticsearch_server

__all__ = ["elasticsearch_address", "elasticsearch_server"]
