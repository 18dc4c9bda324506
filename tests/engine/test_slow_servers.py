"""Servers that are slow, silent or reset connections: a search keeps its deadline all the same."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from hetarag import HetaRAG
from hetarag.errors import LedgerError, SearchError
from tests.conftest import Opener
from tests.servers.proxy import Mode, Proxy
from tests.servers.running import database_server, neo4j_server, qdrant_server

DEADLINE = 2.0
QUESTION = "Which yard built the Fram of Colin Archer?"

FRAM = {"id": "fram", "title": "Fram", "text": "The Fram was designed by Colin Archer."}

pytestmark = pytest.mark.slow


@pytest.fixture(params=["vector", "fulltext", "graph", "sql"])
def behind_a_proxy(
    request: pytest.FixtureRequest,
    open_kb: Opener,
    write_jsonl: Callable[..., Path],
    tmp_path: Path,
) -> Iterator[tuple[str, HetaRAG, Proxy]]:
    """A kind of store, a knowledge base that has it on a server, and the proxy between the two."""
    kind = request.param
    if kind == "vector":
        address = qdrant_server().address
    elif kind == "fulltext":
        address = request.getfixturevalue("elasticsearch_address")
    elif kind == "graph":
        address = neo4j_server().url
    else:
        address = database_server("postgresql").new_database()
    port = urlsplit(address).port
    assert port is not None
    with Proxy(port) as proxy:
        kb = open_kb(stores={kind: proxy.in_front_of(address)})
        corpus = write_jsonl(
            FRAM,
            {"id": "archer", "title": "Colin Archer", "text": "Colin Archer was born in Larvik."},
        )
        ships = tmp_path / "ships.csv"
        ships.write_text("ship,yard\nFram,Larvik\nGauss,Kiel\n")
        assert kb.ingest([corpus, ships]).pending == 0
        assert kb.search(QUESTION, 5, settings={"router": "all"}).complete
        yield kind, kb, proxy
        proxy.mode = "pass"


@pytest.mark.parametrize("mode", ["delay", "black-hole", "reset"])
def test_a_search_keeps_its_deadline(
    behind_a_proxy: tuple[str, HetaRAG, Proxy], mode: Mode
) -> None:
    kind, kb, proxy = behind_a_proxy
    proxy.mode = mode
    options = {"deadline": DEADLINE, "settings": {"router": "all"}}
    started = time.monotonic()
    found = kb.search(QUESTION, 5, on_error="skip", **options)  # type: ignore[arg-type]
    assert time.monotonic() - started < DEADLINE + 1
    assert len(found) > 0 and not found.complete
    assert found.trace is not None
    status = found.trace.stores[kind]
    assert status.status in ("failed", "late") and status.reason
    # The graph's second walk waits for the slowest store, and may then be late itself.
    others = {k: s.status for k, s in found.trace.stores.items() if k not in (kind, "graph")}
    assert not {"failed", "late"} & set(others.values()), others
    started = time.monotonic()
    with pytest.raises(SearchError, match=kind):
        kb.search(QUESTION, 5, **options)  # type: ignore[arg-type]
    assert time.monotonic() - started < DEADLINE + 1


@pytest.fixture(params=["postgresql", "mariadb"])
def frozen_ledger(
    request: pytest.FixtureRequest, open_kb: Opener, write_jsonl: Callable[..., Path]
) -> Iterator[tuple[HetaRAG, Callable[[], None], Callable[[], None]]]:
    """A knowledge base with its ledger on a server, and what stops and wakes that server.

    MariaDB's process is stopped itself; PostgreSQL has one for each connection, and is cut off instead.
    """
    server = database_server(request.param)
    with Proxy(server.port) as proxy:
        kb = open_kb(ledger={"url": proxy.in_front_of(server.new_database())})
        assert kb.ingest([write_jsonl(FRAM)]).pending == 0
        assert kb.search(QUESTION, 5).complete

        def freeze() -> None:
            if request.param == "mariadb":
                server.process.signal(signal.SIGSTOP)
            else:
                proxy.mode = "black-hole"

        def wake() -> None:
            server.process.signal(signal.SIGCONT)
            proxy.mode = "pass"

        yield kb, freeze, wake
        wake()


def test_a_frozen_ledger_ends_a_search_in_time(
    frozen_ledger: tuple[HetaRAG, Callable[[], None], Callable[[], None]],
) -> None:
    kb, freeze, wake = frozen_ledger
    freeze()
    for on_error in ("skip", "raise"):  # nothing can be shown without the ledger
        started = time.monotonic()
        with pytest.raises(LedgerError, match="the ledger did not answer within the deadline"):
            kb.search(QUESTION, 5, on_error=on_error, deadline=DEADLINE)
        assert time.monotonic() - started < DEADLINE + 1
    wake()
    until = time.monotonic() + 30
    while True:  # a connection that was cut off is only then found to be dead
        try:
            assert kb.search(QUESTION, 5, deadline=DEADLINE)[0].document == "fram"
            break
        except LedgerError:
            assert time.monotonic() < until
