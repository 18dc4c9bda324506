"""Phases of a small knowledge base's life (`job`), here or in child processes, on chosen places."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ledger import job

ROOT = Path(__file__).parents[2]


def settle(monkeypatch: pytest.MonkeyPatch, **places: object) -> None:
    monkeypatch.setenv(job.PLACES, json.dumps(places))


def start(kb: Path, sources: Path, phase: str, *arm: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.ledger.job", str(kb), str(sources), phase, *arm]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=os.environ)


def finish(*children: subprocess.Popen[str], timeout: float = 180) -> None:
    for child in children:
        _, errors = child.communicate(timeout=timeout)
        assert child.returncode in (0, -signal.SIGKILL), errors


def sources_in(folder: Path) -> Path:
    sources = folder / "sources"
    job.write_sources(sources)
    return sources
