"""The ledger on PostgreSQL and MariaDB: the same schema and answers, and several processes at once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, select

from hetarag import HetaRAG
from hetarag.config import EMBEDDED
from hetarag.errors import ConfigError, LedgerError
from hetarag.ledger.database import connect, migrations
from hetarag.ledger.ledger import Ledger
from hetarag.ledger.schema import documents, entities, metadata, outbox, versions
from tests.conftest import RULES
from tests.hashing import HashingEmbedder
from tests.ledger import job
from tests.servers.database_servers import DATABASES, PASSWORD, DatabaseServer
from tests.servers.running import database_server, neo4j_server

ROOT = Path(__file__).parents[2]
PROCESSES = 3


@pytest.fixture(scope="module", params=[*DATABASES])
def server(request: pytest.FixtureRequest) -> DatabaseServer:
    return database_server(request.param)


@pytest.fixture
def url(server: DatabaseServer) -> str:
    return server.new_database()


def settle(monkeypatch: pytest.MonkeyPatch, **places: object) -> None:
    monkeypatch.setenv(job.PLACES, json.dumps(places))


def start(kb: Path, sources: Path, phase: str, *arm: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.ledger.job", str(kb), str(sources), phase, *arm]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=os.environ)


def finish(*children: subprocess.Popen[str]) -> None:
    for child in children:
        _, errors = child.communicate(timeout=180)
        assert child.returncode in (0, -signal.SIGKILL), errors


def sources_in(folder: Path) -> Path:
    sources = folder / "sources"
    job.write_sources(sources)
    return sources


# ---------------------------------------------------------------- schema and texts


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
        assert {info.name for info in rag.list()} == {"long", "Long", "lóng"}
        assert [e.document for e in rag.search("Who drew it?", 1, principal=["\U0001f6a2"])]
        assert len(rag.search("Fram", principal=["GRÖSSE"])) == 0
        assert all(difference.ok for difference in rag.verify())


# ---------------------------------------------------------------- the life of a knowledge base


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
            store = rag._shelf.get(kind)  # type: ignore[arg-type]
            store.delete([identifier for identifier, _ in store.scan()])
        assert not all(difference.ok for difference in rag.verify())
        # The rows are in the SQL store alone: its table comes from ingesting the file again.
        rag.delete(rag.list()[0].name)
        rag.ingest([path])
        assert all(difference.ok for difference in rag.repair())
        assert any("Kiel" in e.text for e in rag.search("Which yard built the Gauss?", 3))


# ---------------------------------------------------------------- several processes at once


def all_on_servers(server: DatabaseServer) -> dict[str, Any]:
    """Settings without an embedded engine; the graph is empty."""
    stores = {"vector": "none", "fulltext": "none", "sql": server.new_database()}
    stores["graph"] = neo4j_server().url
    neo4j_server().run("MATCH (n) WHERE any(l IN labels(n) WHERE l STARTS WITH 'hetarag_') "
                       "DETACH DELETE n")  # fmt: skip
    return {"ledger": {"url": server.new_database()}, "stores": stores}


def sql_alone(server: DatabaseServer) -> dict[str, Any]:
    """Settings with no other store than tables."""
    stores = dict.fromkeys(("vector", "fulltext", "graph"), "none") | {"sql": server.new_database()}
    return {"ledger": {"url": server.new_database()}, "stores": stores}


def state_of(kb: Path) -> dict[str, object]:
    """What the ledger holds when all is delivered."""
    with job.opened(kb) as rag, rag._ledger.reading() as connection:
        live = select(func.count()).select_from(documents).where(documents.c.live.is_not(None))
        return {
            "live": connection.scalar(live),
            "versions": connection.scalar(select(func.count()).select_from(versions)),
            "owed": connection.scalar(select(func.count()).select_from(outbox)),
            "documents": [(i.name, i.chunks, i.tables, i.state) for i in rag.list()],
        }


@pytest.mark.slow
def test_processes_that_ingest_the_same_files_at_once_end_with_one_version_of_each(
    server: DatabaseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = []
    sources = sources_in(tmp_path)
    for count in (1, PROCESSES):
        settle(monkeypatch, **all_on_servers(server))
        kb = tmp_path / f"kb-{count}"
        for phase in ("new", "changed"):
            shutil.copytree(sources / phase, sources / "work", dirs_exist_ok=True)
            finish(*[start(kb, sources, phase) for _ in range(count)])
        job.run(kb, sources, "changed")  # what a removal had to wait for is delivered by any ingest
        # Generations differ, so ids do, and with them the places of what scores the same.
        firsts = [hits[0][:2] for hits in job.answers(kb)[1::2]]
        results.append((firsts, state_of(kb)))
        shutil.rmtree(sources / "work")
    assert results[0][1]["live"] == results[0][1]["versions"] == 51
    assert results[0] == results[1]


@pytest.mark.slow
def test_searches_go_on_while_others_ingest(
    server: DatabaseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch, **all_on_servers(server))
    sources, kb = sources_in(tmp_path), tmp_path / "kb"
    job.run(kb, sources, "new")
    shutil.copytree(sources / "changed", sources / "work", dirs_exist_ok=True)
    with job.opened(kb) as rag:
        children = [start(kb, sources, "changed") for _ in range(2)]
        searches = 0
        while any(child.poll() is None for child in children):
            found = rag.search("Which person from Bergen is a shipwright?", 5)
            assert found.complete
            assert all(evidence.text for evidence in found)
            searches += 1
        finish(*children)
        assert searches > 3
        assert {e.text for e in rag.search("Where did Person 1 move?", 10)}


def check_whole(kb: Path) -> None:
    """Assert that searches answer and that the sources' documents are live, each once."""
    assert job.answers(kb)
    assert state_of(kb)["live"] == state_of(kb)["versions"] == 51


@pytest.fixture(params=[*DATABASES])
def ailing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DatabaseServer]:
    """A server of the test's own, to be stopped in the middle of things."""
    database_server(request.param)  # skips where it is not installed
    server = DATABASES[request.param](tmp_path / "server")
    server.start()
    yield server
    server.stop()


def begun(server: DatabaseServer, kb: Path, sources: Path) -> subprocess.Popen[str]:
    """Ingest in a child process; return once it has versions in the ledger."""
    child = start(kb, sources, "new")
    ledger = connect(json.loads(os.environ[job.PLACES])["ledger"]["url"], kb.parent)
    until = time.monotonic() + 60
    while child.poll() is None and time.monotonic() < until:
        with ledger.connect() as connection:
            if connection.scalar(select(func.count()).select_from(versions)):
                break
    ledger.dispose()
    assert child.poll() is None, "the ingest was over before the server was stopped"
    return child


@pytest.mark.slow
def test_an_ingest_waits_for_a_frozen_ledger_and_goes_on(
    ailing: DatabaseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch, ledger={"url": ailing.new_database()})
    sources, kb = sources_in(tmp_path), tmp_path / "kb"
    child = begun(ailing, kb, sources)
    ailing.signal_all(signal.SIGSTOP)
    time.sleep(3)
    assert child.poll() is None
    ailing.signal_all(signal.SIGCONT)
    finish(child)
    assert child.returncode == 0
    check_whole(kb)


@pytest.mark.slow
def test_an_ingest_says_that_the_ledger_has_gone_and_is_completed_once_it_is_back(
    ailing: DatabaseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch, ledger={"url": ailing.new_database()})
    monkeypatch.setenv(job.LEASE, "2")
    sources, kb = sources_in(tmp_path), tmp_path / "kb"
    child = begun(ailing, kb, sources)
    ailing.crash()
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 1
    assert "LedgerError" in errors.splitlines()[-1], errors
    assert PASSWORD not in errors
    ailing.start()
    time.sleep(2)  # what the first process had claimed is free then
    job.run(kb, sources, "new")
    check_whole(kb)


@pytest.mark.slow
@pytest.mark.parametrize("step", ["CLAIMED", "APPLIED"])
def test_a_process_that_is_killed_leaves_work_that_another_does(
    server: DatabaseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    settle(monkeypatch, **all_on_servers(server))
    sources, kb = sources_in(tmp_path), tmp_path / "kb"
    shutil.copytree(sources / "new", sources / "work", dirs_exist_ok=True)
    child = start(kb, sources, "new", step, "2")
    finish(child)
    assert child.returncode == -signal.SIGKILL
    with job.opened(kb) as rag:
        assert all(difference.ok for difference in rag.repair())
    job.run(kb, sources, "new")
    check_whole(kb)


@pytest.mark.slow
def test_what_a_killed_process_had_claimed_goes_to_another_without_a_repair(
    server: DatabaseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch, **sql_alone(server))
    monkeypatch.setenv(job.LEASE, "3")
    sources, kb = sources_in(tmp_path), tmp_path / "kb"
    shutil.copytree(sources / "new", sources / "work", dirs_exist_ok=True)
    child = start(kb, sources, "new", "CLAIMED", "1")
    finish(child)
    assert child.returncode == -signal.SIGKILL
    ended = time.monotonic()
    with job.opened(kb) as rag:
        while rag._outbox.owed():
            assert time.monotonic() - ended < 8
            assert rag._outbox.drain() == {}
            time.sleep(0.2)
    assert state_of(kb)["live"] == 51  # the texts at once, as SQL takes none; then the table


def test_a_claim_is_renewed_while_its_batch_is_being_delivered(
    server: DatabaseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch, **sql_alone(server))
    monkeypatch.setenv(job.LEASE, "2")
    path = tmp_path / "ships.csv"
    path.write_text("ship,yard\nFram,Larvik\n")
    with job.opened(tmp_path / "kb") as rag, job.opened(tmp_path / "kb") as other:
        with monkeypatch.context() as patched:
            patched.setattr(rag._outbox, "drain", lambda *_: {})
            rag.ingest([path])
        claims = rag._outbox._claim("sql", "put")
        assert claims
        with rag._outbox._renewed(claims):
            time.sleep(4)
            assert other._outbox._claim("sql", "put") == []
        time.sleep(3)
        assert other._outbox._claim("sql", "put")
        rag._outbox._let_go(claims)  # no longer its own
        assert other._outbox._claim("sql", "put") == []


@pytest.mark.slow
def test_processes_that_open_a_new_ledger_at_once_make_it_once(
    server: DatabaseServer, tmp_path: Path
) -> None:
    url = server.new_database()
    code = (
        "import sys; from pathlib import Path; from hetarag.ledger.ledger import Ledger;"
        "print(Ledger(sys.argv[1], Path('.')).get('id'))"
    )
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, cwd=ROOT,
        )
        for _ in range(4)
    ]  # fmt: skip
    said = [child.communicate(timeout=60) for child in children]
    assert all(child.returncode == 0 for child in children), said
    assert len({out for out, _ in said}) == 1
