"""One ledger on a server and several processes: at once, killed, and while the server is not well."""

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
from sqlalchemy import func, select

from hetarag.ledger.database import connect
from hetarag.ledger.schema import documents, outbox, versions
from tests.ledger import job
from tests.ledger.processes import ROOT, finish, settle, sources_in, start
from tests.servers.database_servers import DATABASES, PASSWORD, DatabaseServer
from tests.servers.running import database_server, neo4j_server

PROCESSES = 3


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
    with job.opened(kb) as rag, rag._parts.ledger.reading() as connection:
        live = select(func.count()).select_from(documents).where(documents.c.live.is_not(None))
        return {
            "live": connection.scalar(live),
            "versions": connection.scalar(select(func.count()).select_from(versions)),
            "owed": connection.scalar(select(func.count()).select_from(outbox)),
            "documents": [(i.name, i.chunks, i.tables, i.state) for i in rag.documents()],
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
        while rag._parts.outbox.owed():
            assert time.monotonic() - ended < 8
            assert rag._parts.outbox.drain() == {}
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
            patched.setattr(rag._parts.outbox, "drain", lambda *_: {})
            rag.ingest([path])
        claims = rag._parts.outbox._claim("sql", "put")
        assert claims
        with rag._parts.outbox._renewed(claims):
            time.sleep(4)
            assert other._parts.outbox._claim("sql", "put") == []
        time.sleep(3)
        assert other._parts.outbox._claim("sql", "put")
        rag._parts.outbox._let_go(claims)  # no longer its own
        assert other._parts.outbox._claim("sql", "put") == []


@pytest.mark.slow
def test_processes_that_open_a_new_ledger_at_once_make_it_once(
    server: DatabaseServer, tmp_path: Path
) -> None:
    url = server.new_database()
    code = (
        "import sys; from pathlib import Path; from hetarag.ledger.session import Ledger;"
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
