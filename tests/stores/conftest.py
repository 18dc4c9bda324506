"""Fixtures of the store tests: each contract test runs on every store, servers included."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import sql_samples
from server_benches import GRAPH_SERVERS, SQL_SERVERS, bench_of
from store_samples import RANKED, Bench

from hetarag.protocols import Store
from hetarag.stores.registry import ENGINES
from tests.servers.running import database_server

EMBEDDED = [kind for kind, scheme in ENGINES if scheme == "embedded"]


@pytest.fixture(params=[*EMBEDDED, *GRAPH_SERVERS, *SQL_SERVERS])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """One of all stores."""
    bench = bench_of(request.param, tmp_path / "store")
    yield bench
    bench.close()


@pytest.fixture
def store(bench: Bench) -> Store:
    """One of all stores, open and empty."""
    return bench.open()


@pytest.fixture(params=[*RANKED, *GRAPH_SERVERS])
def ranked_bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """One of the stores that rank chunks."""
    bench = bench_of(request.param, tmp_path / "store")
    yield bench
    bench.close()


@pytest.fixture
def ranked(ranked_bench: Bench) -> Store:
    """One of the stores that rank chunks, open and empty."""
    return ranked_bench.open()


@pytest.fixture(scope="module", params=["sqlite", *SQL_SERVERS])
def sql_engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """The engine under the SQL store, for a whole module."""
    if request.param != "sqlite":
        database_server(request.param)
        sql_samples.SERVER.append(request.param)
    yield request.param
    sql_samples.SERVER.clear()
