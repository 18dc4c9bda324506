"""`python -m benchmarks stores` on real servers: both sides write and find the same, and leave nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from benchmarks import store_costs
from hetarag.config import Settings
from hetarag.errors import InputError
from hetarag.testing.doubles import HashingEmbedder
from hetarag.types import StoreKind
from tests.servers.elasticsearch_server import ElasticsearchServer
from tests.servers.running import database_server, neo4j_server

QUESTIONS = [f"Which ship was built by Yard{n}?" for n in range(6)]


@pytest.fixture
def bench(
    write_jsonl: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[store_costs.StoreCosts]]:
    monkeypatch.setenv("HETARAG_INGEST__ENTITIES", "rules")
    monkeypatch.setattr(store_costs, "BATCH", 10)
    monkeypatch.setattr(store_costs, "TABLES", 10)
    corpus = write_jsonl(
        *({"id": f"ship-{n}", "title": f"Ship{n}", "text": f"Ship{n} was built by Yard{n}."}
          for n in range(40)),
    )  # fmt: skip
    tables = tmp_path / "tables"
    tables.mkdir()
    for n in range(25):
        (tables / f"fleet{n}.csv").write_text(f"ship,yard,year\nShip{n},Yard{n},{1850 + n}\n")

    def run(kind: StoreKind, address: str) -> list[store_costs.StoreCosts]:
        return store_costs.measure_adapters(
            corpus=corpus,
            questions=QUESTIONS,
            config=Settings.model_validate({"stores": {kind: address}}),
            folder=tmp_path / "kb",
            tables=tables,
            table_questions=QUESTIONS,
            embedder=HashingEmbedder(),
        )

    return run


def check(found: list[store_costs.StoreCosts], kind: StoreKind, least: int) -> None:
    (costs,) = found
    assert costs.store == kind and costs.records >= least
    assert len(costs.writes[0]) == len(costs.writes[1]) > 0
    assert len(costs.searches[0]) == len(costs.searches[1]) == len(QUESTIONS) - 1
    row = costs.row()
    assert row["of the bare rate (target 0.85)"] > 0 and row["of the bare p50 (target 1.2)"] > 0


def test_vectors(bench: Callable[..., list[store_costs.StoreCosts]]) -> None:
    pytest.importorskip("qdrant_client", reason="needs the extra hetarag[servers]")
    check(bench("vector", "qdrant+local://"), "vector", 30)


@pytest.mark.slow
def test_full_text(
    bench: Callable[..., list[store_costs.StoreCosts]], elasticsearch_server: ElasticsearchServer
) -> None:
    check(bench("fulltext", elasticsearch_server.address), "fulltext", 30)
    with elasticsearch_server.client() as client:
        assert not [*client.indices.get(index="hetarag-bench-*")]


@pytest.mark.slow
def test_graph(bench: Callable[..., list[store_costs.StoreCosts]]) -> None:
    from neo4j import GraphDatabase

    from hetarag.stores.graph.neo4j_connection import Address

    address = neo4j_server().url
    check(bench("graph", address), "graph", 30)
    where = Address.of(address)
    with GraphDatabase.driver(where.uri, auth=(where.user, where.password)) as driver:
        labels = driver.execute_query(
            "MATCH (n) WHERE any(l IN labels(n) WHERE l STARTS WITH 'hetarag-bench') RETURN count(n)"
        )
        assert labels.records[0][0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["postgresql", "mariadb"])
def test_tables(bench: Callable[..., list[store_costs.StoreCosts]], name: str) -> None:
    url = database_server(name).new_database()
    for _ in range(2):  # the database stays the benchmark's
        check(bench("sql", url), "sql", 15)
    engine = sa.create_engine(url)
    left = [table for table in sa.inspect(engine).get_table_names() if "fleet" in table]
    engine.dispose()
    assert not left


def test_settings_without_servers_are_refused(
    bench: Callable[..., list[store_costs.StoreCosts]],
) -> None:
    with pytest.raises(InputError, match="no store of the settings is on a server"):
        bench("fulltext", "embedded")
