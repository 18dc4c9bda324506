"""A server that a test starts, waits for, freezes or kills, and stops by its own pid."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import pytest

SERVERS = "HETARAG_TEST_SERVERS"
"""Environment variable: the folder with the program `run` that starts Elasticsearch and Neo4j."""


LEFT_OUT = "HETARAG_WITHOUT_SERVERS"
"""Environment variable: names of servers with commas that are knowingly not there."""


def missing_server(name: str, reason: str) -> NoReturn:
    """Skip the test of a server that is not there; fail it where servers should be there.

    They should be in CI, and where `HETARAG_TEST_SERVERS` names some, but for those that are knowingly left out.
    """
    expected = os.environ.get("CI", "").lower() in ("true", "1") or SERVERS in os.environ
    if expected and name not in os.environ.get(LEFT_OUT, "").split(","):
        pytest.fail(
            f"no {name} server: {reason}; it should be there (CI or {SERVERS} is set). To leave it out "
            f"knowingly: {LEFT_OUT}={name}",
            pytrace=False,
        )
    pytest.skip(f"no {name} server: {reason}")


def server_program() -> Path | None:
    """Return the program that starts servers, or None where there is none."""
    folder = os.environ.get(SERVERS)
    program = Path(folder) / "run" if folder else None
    return program if program is not None and program.is_file() else None


def free_port() -> int:
    """Return a port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ServerProcess:
    """One server in the background; its output goes to a file that failures point to."""

    def __init__(
        self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.command, self.log = list(command), log
        self.environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, ready: Callable[[], bool], timeout: float = 120.0) -> None:
        """Start it and wait until `ready` says so; raises RuntimeError with the log's end."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self.command, stdout=output, stderr=output, env=self.environment
            )
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            if self._process.poll() is not None:
                break
            try:
                if ready():
                    return
            except Exception:  # not listening yet: drivers raise what they like
                pass
            time.sleep(0.25)
        self.stop()
        tail = self.log.read_text("utf-8", "replace")[-2000:]
        raise RuntimeError(f"{self.command[0]} did not come up within {timeout:g} s: {tail}")

    @property
    def pid(self) -> int:
        """The process that was started and runs."""
        assert self._process is not None
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process that was started."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def stop(self, timeout: float = 30.0) -> None:
        """End it, gently first; one that was never started or has ended is left alone."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None
