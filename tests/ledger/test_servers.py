"""The ledger on PostgreSQL and MariaDB: the same schema, texts and answers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, select

from hetarag import HetaRAG
from hetarag.errors import ConfigError, LedgerError
from hetarag.ledger.database import connect, migrations
from hetarag.ledger.schema import entities, metadata
from hetarag.ledger.session import Ledger
from hetarag.store_settings import EMBEDDED
from hetarag.testing.doubles import HashingEmbedder
from tests.conftest import RULES
from tests.ledger import job
from tests.ledger.processes import settle, sources_in
from tests.servers.database_servers import PASSWORD, DatabaseServer


def test_migrations_make_the_tables_of_the_schema_and_can_be_undone(
    url: str, tmp_path: Path
) -> None:
    engine = connect(url, tmp_path)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    command.downgrade(migrations(engine), "base")
    connect(url, tmp_path)


def test_a_wrong_password_or_no_server_is_explained_without_secrets(
    server: DatabaseServer, url: str, tmp_path: Path
) -> None:
    for bad in (url.replace(PASSWORD, "wr0ng-one"), url.replace(str(server.port), "1")):
        with pytest.raises(LedgerError, match=r"ledger\.url") as caught:
            connect(bad, tmp_path)
        assert "wr0ng-one" not in str(caught.value)
        assert PASSWORD not in str(caught.value)
    with pytest.raises(ConfigError, match=r"hetarag\[servers\]"):
        connect(url.replace("+", "+no"), tmp_path)


def test_a_connection_lost_while_its_isolation_is_set_is_an_error_of_the_ledger(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(url, tmp_path)
    dialect = ledger._engine.dialect

    def lost(*_connection_and_level: object) -> None:
        raise dialect.loaded_dbapi.OperationalError(2013, "Lost connection during query")

    monkeypatch.setattr(dialect, "set_isolation_level", lost)
    isolated = ledger.reading if dialect.name == "postgresql" else ledger.claiming
    with (
        pytest.raises(LedgerError, match=r"the ledger: .*Lost connection .* is running"),
        isolated(),
    ):
        pytest.fail("the transaction has begun")


NAMES = ["a", "A", "á", "a ", " a", "ß", "ss", "\U0001f9ff", "日本", "%", "_", "\\", "'", "x" * 400]


def test_keys_stay_apart_by_code_points(url: str, tmp_path: Path) -> None:
    ledger = Ledger(url, tmp_path)
    with ledger.writing() as connection:
        connection.execute(entities.insert(), [{"key": name, "name": name} for name in NAMES])
    with ledger.reading() as connection:
        for name in NAMES:
            wanted = select(entities.c.name).where(entities.c.key == name)
            assert connection.execute(wanted).scalars().all() == [name]
        ordered = connection.scalars(select(entities.c.key).order_by(entities.c.key)).all()
    assert ordered == sorted(NAMES, key=lambda name: name.encode())
    ledger.close()


def test_reading_sees_one_state(url: str, tmp_path: Path) -> None:
    ledger = Ledger(url, tmp_path)
    count = select(func.count()).select_from(entities)
    with ledger.reading() as reading:
        assert reading.scalar(count) == 0
        with ledger.writing() as writing:
            writing.execute(entities.insert().values(key="k", name="k"))
        assert reading.scalar(count) == 0
    with ledger.reading() as reading:
        assert reading.scalar(count) == 1
    ledger.close()


def test_long_texts_and_odd_names_come_back(url: str, tmp_path: Path) -> None:
    text = "Fram \U0001f6a2 lies in Larvik. " * 8_000
    path = tmp_path / "Ünïcode \U0001f9ff.jsonl"
    lines = [
        {"id": "long", "title": "Fram " * 200, "text": text},
        {"id": "Long", "title": "Étude", "text": "Colin Archer drew the Fram."},
        {"id": "lóng", "title": "x", "text": "Nansen sailed the Fram.", "größe \U0001f6a2": "é"},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with HetaRAG.open(
        tmp_path / "kb", {**RULES, "ledger": {"url": url}}, embedder=HashingEmbedder()
    ) as rag:
        report = rag.ingest([path], tags=["größe", "Größe", "\U0001f6a2"])
        assert (report.added, report.failures, report.pending) == (3, (), 0)
        assert rag.ingest([path], tags=["größe", "Größe", "\U0001f6a2"]).unchanged == 3
        assert {info.name for info in rag.documents()} == {"long", "Long", "lóng"}
        assert [e.document for e in rag.search("Who drew it?", 1, principal=["\U0001f6a2"])]
        assert len(rag.search("Fram", principal=["GRÖSSE"])) == 0
        assert all(difference.ok for difference in rag.verify())


@pytest.mark.slow
def test_answers_are_those_of_an_embedded_ledger(
    server: DatabaseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: dict[str, list[object]] = {}
    sources = sources_in(tmp_path)  # the same for both: a document's address makes its id
    for name, place in (("embedded", EMBEDDED), ("served", server.new_database())):
        tables = EMBEDDED if place == EMBEDDED else server.new_database()
        settle(monkeypatch, ledger={"url": place}, stores={"sql": tables})
        for phase in job.PHASES:
            job.run(tmp_path / name, sources, phase)
            answers.setdefault(phase, []).append(job.answers(tmp_path / name))
        shutil.rmtree(sources / "work")
    for one, other in answers.values():
        assert one == other


def test_repair_mends_a_ledger_on_a_server(url: str, tmp_path: Path) -> None:
    path = tmp_path / "ships.csv"
    path.write_text("ship,yard\nFram,Larvik\nGauss,Kiel\n")
    settings = {**RULES, "ledger": {"url": url}, "stores": {"sql": url}}
    with HetaRAG.open(tmp_path / "kb", settings, embedder=HashingEmbedder()) as rag:
        rag.ingest([path])
        for kind in ("sql", "fulltext"):
            store = rag._parts.stores.get(kind)
            store.delete([identifier for identifier, _ in store.scan()])
        assert not all(difference.ok for difference in rag.verify())
        # The rows are in the SQL store alone: its table comes from ingesting the file again.
        rag.delete(rag.documents()[0].name)
        rag.ingest([path])
        assert all(difference.ok for difference in rag.repair())
        assert any("Kiel" in e.text for e in rag.search("Which yard built the Gauss?", 3))
