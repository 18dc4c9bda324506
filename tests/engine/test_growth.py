"""One more document costs what that document costs: counted, not timed, through the public API."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.pool import Pool

from hetarag import HetaRAG
from hetarag.testing.doubles import HashingEmbedder
from hetarag.types import Document
from tests.conftest import RULES

SIZES = (100, 1000)
EACH = (
    10  # additions at each size: a store that merges its files now and then does not do so for all
)
LIMIT = 1.5
_STEPS = 10  # SQLite's virtual machine tells after so many of its instructions

pytestmark = pytest.mark.slow


class Counts:
    """What is counted from now on."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.statements = self.instructions = self.calls = 0

    def statement(self, *_: Any) -> None:
        self.statements += 1

    def instruction(self) -> int:
        self.instructions += _STEPS
        return 0

    def call(self, *_: Any) -> None:
        self.calls += 1

    def connected(self, connection: Any, _record: Any) -> None:
        if hasattr(connection, "set_progress_handler"):
            connection.set_progress_handler(self.instruction, _STEPS)


@pytest.fixture(scope="module")
def costs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[float]]]:
    """Name of a measure → its median over the additions that lead up to each size."""
    counts = Counts()
    event.listen(Pool, "connect", counts.connected)
    event.listen(Engine, "before_cursor_execute", counts.statement)
    found: dict[str, list[float]] = {}
    try:
        folder = tmp_path_factory.mktemp("growth")
        with HetaRAG.open(folder / "kb", RULES, embedder=HashingEmbedder()) as rag:
            done = 0
            for size in SIZES:
                rag.add([ship(n) for n in range(done, size - EACH)])
                rows = [addition(rag, n, counts) for n in range(size - EACH, size)]
                for name in rows[0]:
                    found.setdefault(name, []).append(median(row[name] for row in rows))
                done = size
            assert rag.status().documents == SIZES[-1]
        yield found
    finally:
        event.remove(Pool, "connect", counts.connected)
        event.remove(Engine, "before_cursor_execute", counts.statement)


def ship(number: int) -> Document:
    """A document that names two things of its own and two that it shares with others."""
    text = (
        f"The Vessel{number:05} was built by Master{number:05} in Town{number % 50:02}. "
        f"It sailed for Owner{number % 20:02} and was sold in {1800 + number % 90}."
    )
    return Document(
        uri=f"ship-{number}",
        name=f"ship-{number}",
        title=f"Vessel{number:05}",
        text=text,
        media_type="text/plain",
        sha256=f"{number:064x}",
    )


def addition(rag: HetaRAG, number: int, counts: Counts) -> dict[str, float]:
    counts.reset()
    document = ship(number)
    before = transferred()
    sys.setprofile(counts.call)
    try:
        rag.add([document])
    finally:
        sys.setprofile(None)
    return {
        "statements": counts.statements,
        "instructions": counts.instructions,
        "calls": counts.calls,
        "bytes": transferred() - before,
    }


def transferred() -> int:
    """Bytes that this process has read and written; 0 where the system does not tell."""
    path = Path("/proc/self/io")
    if not path.is_file():
        return 0
    values = dict(line.split(": ") for line in path.read_text().splitlines())
    return int(values["rchar"]) + int(values["wchar"])


@pytest.mark.parametrize("measure", ["statements", "calls", "bytes", "instructions"])
def test_the_thousandth_addition_costs_what_the_hundredth_does(
    costs: dict[str, list[float]], measure: str
) -> None:
    hundredth, thousandth = costs[measure]
    assert thousandth <= LIMIT * hundredth
