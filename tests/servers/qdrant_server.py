"""The stand-in for a Qdrant server, as tests have it."""

from __future__ import annotations

import importlib.util
import json
import signal
import sys
from pathlib import Path

import httpx

from tests.servers.process import ServerProcess, free_port


class QdrantServer:
    """Started, frozen, stopped and started again with its data; `qdrant_http` says what it is."""

    def __init__(self, folder: Path, api_key: str | None = None) -> None:
        if importlib.util.find_spec("qdrant_client") is None:
            raise LookupError("needs the extra hetarag[servers]")
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self._refused = folder / "refused.json"
        self._api_key = api_key
        key = [api_key] if api_key else []
        command = [sys.executable, "-m", "tests.servers.qdrant_http", str(folder / "data")]
        self.process = ServerProcess(
            [*command, str(self.port), str(self._refused), *key],
            folder / "qdrant.log",
            {"PYTHONPATH": str(Path(__file__).parents[2])},
        )

    @property
    def address(self) -> str:
        """Where it is, as the setting stores.vector has it."""
        key = f"?api_key={self._api_key}" if self._api_key else ""
        return f"http://127.0.0.1:{self.port}{key}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.process.start(
            lambda: httpx.get(f"http://127.0.0.1:{self.port}/").status_code in (200, 403)
        )

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        self.process.signal(number)

    def refuse_writes(self, status: int, error: str) -> None:
        """Answer whatever writes with this status and text, until `take_writes`."""
        self._refused.write_text(json.dumps({"status": status, "error": error}))

    def take_writes(self) -> None:
        """Write again."""
        self._refused.unlink(missing_ok=True)

    def stop(self) -> None:
        """End it; one that was frozen is woken first."""
        self.process.signal(signal.SIGCONT)
        self.process.stop()
