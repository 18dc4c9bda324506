"""Ledgers on servers: each test that asks for one runs on PostgreSQL and on MariaDB."""

from __future__ import annotations

import pytest

from tests.servers.database_servers import DATABASES, DatabaseServer
from tests.servers.running import database_server


@pytest.fixture(scope="module", params=[*DATABASES])
def server(request: pytest.FixtureRequest) -> DatabaseServer:
    return database_server(request.param)


@pytest.fixture
def url(server: DatabaseServer) -> str:
    return server.new_database()
