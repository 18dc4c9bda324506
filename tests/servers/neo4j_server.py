"""A Neo4j server for tests, from the program that HETARAG_TEST_SERVERS names."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.process import SERVERS, ServerProcess, free_port, server_program

PASSWORD = "s3cret-Of-Tests"


class Neo4jServer:
    """One server in a folder; it can be frozen, killed and started again with its data."""

    def __init__(self, folder: Path, password: str = PASSWORD) -> None:
        program = server_program()
        if program is None:
            raise LookupError(f"{SERVERS} names no folder with the program that starts Neo4j")
        self.folder, self.port, self.password = folder, free_port(), password
        folder.mkdir(parents=True, exist_ok=True)
        command = [str(program), "neo4j", str(folder / "data"), str(self.port), password]
        environment = {"HEAP": "512m", "PAGE_CACHE": "64m"}
        self.process = ServerProcess(command, folder / "neo4j.log", environment)

    @property
    def url(self) -> str:
        """The address with user and password."""
        return f"bolt://neo4j:{self.password}@127.0.0.1:{self.port}"

    def start(self, settings: str = "") -> None:
        """Start it, with lines of neo4j.conf of one's own, and wait until it answers."""
        self.process.environment["EXTRA_SETTINGS"] = settings
        self.process.start(self._answers)

    def fill_disk(self, full: bool = True) -> None:
        """Let the server write to no file any more, as where the disk is full."""
        most = 0 if full else resource.RLIM_INFINITY
        hard = resource.prlimit(self._pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (most, hard))

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the server itself."""
        os.kill(self._pid, number)

    def stop(self) -> None:
        """End it; one that was frozen is woken first."""
        try:
            self.signal(signal.SIGCONT)
        except (OSError, ValueError):
            pass
        self.process.stop()

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self.process.signal(signal.SIGKILL)
        self.process.stop()

    def run(self, statement: str) -> list[list[object]]:
        """Return the rows of a statement, run by the bare driver."""
        from neo4j import (
            GraphDatabase,  # the root conftest imports this file, with the extra or not
        )

        with GraphDatabase.driver(
            f"bolt://127.0.0.1:{self.port}",
            auth=("neo4j", self.password),
            notifications_min_severity="OFF",
            max_transaction_retry_time=0.0,
        ) as driver:
            return [list(r.values()) for r in driver.execute_query(statement).records]

    @property
    def _pid(self) -> int:
        return int((self.folder / "data" / "server.pid").read_text())

    def _answers(self) -> bool:
        return self.run("RETURN 1") == [[1]]


@pytest.fixture(scope="module")
def neo4j_alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neo4jServer]:
    """A server of one module's own, for tests that freeze, kill or stop it."""
    try:
        server = Neo4jServer(tmp_path_factory.mktemp("neo4j"))
    except LookupError as error:
        pytest.skip(f"no neo4j server: {error.args[0]}")
    server.start()
    yield server
    server.kill()  # a gentle end takes ten seconds, and nobody needs the data
