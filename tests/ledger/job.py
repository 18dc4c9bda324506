"""What the consistency tests run in a child process: one phase of a small knowledge base's life.

    python -m tests.ledger.job KB SOURCES PHASE [STEP COUNT | seconds]

With a step and a count the process kills itself (SIGKILL) when it reaches that step for the count-th
time; with seconds alone, after that many.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
from pathlib import Path

from hetarag import HetaRAG
from hetarag.ledger import steps
from hetarag.testing.doubles import HashingEmbedder

PLACES = "HETARAG_JOB_PLACES"
"""Environment variable: further settings as JSON, such as the ledger's URL."""

LEASE = "HETARAG_JOB_LEASE"
"""Environment variable: seconds that claims hold, when not the usual."""

PHASES = ("new", "changed", "deleted")
_CITIES = [
    "Bergen",
    "Oslo",
    "Tromso",
    "Hamburg",
    "Dundee",
    "Hobart",
    "Ushuaia",
    "Lima",
    "Quito",
    "Malmo",
]
_TRADES = ["shipwright", "geologist", "surgeon", "navigator", "cook", "carpenter", "botanist"]


def write_sources(folder: Path) -> None:
    """Write the sources of all phases: a folder per phase, with the same names."""
    for phase in ("new", "changed"):
        target = folder / phase
        target.mkdir(parents=True)
        lines = [_person(n, phase) for n in range(40)]
        (target / "people.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        for number, city in enumerate(_CITIES):
            changed = phase == "changed" and number % 3 == 0
            population = 1000 * (number + 1) + (7 if changed else 0)
            (target / f"{city}.md").write_text(
                f"# {city}\n\n{city} is a harbour town of {population} people.\n\n"
                + (f"The mayor of {city} repaired the old pier. " * 40)
            )
        rows = [f"{city},{(n * 37) % 11 + (phase == 'changed')}" for n, city in enumerate(_CITIES)]
        (target / "ships.csv").write_text("town,ships\n" + "\n".join(rows) + "\n")


def opened(kb: Path) -> HetaRAG:
    """Open the knowledge base with the settings that all its processes share."""
    settings = {"ingest": {"entities": "rules", "batch": 16, "chunk_words": 60}}
    settings |= json.loads(os.environ.get(PLACES, "{}"))
    rag = HetaRAG.open(kb, settings, embedder=HashingEmbedder())
    if LEASE in os.environ:
        rag._parts.outbox._lease = float(os.environ[LEASE])
    return rag


def run(kb: Path, sources: Path, phase: str) -> None:
    """Do one phase; to do it again after an interruption completes it."""
    work = sources / "work"
    with opened(kb) as rag:
        if phase in ("new", "changed"):
            shutil.copytree(sources / phase, work, dirs_exist_ok=True)
            rag.ingest([work])
            return
        there = {info.name for info in rag.documents()}
        for name in [f"person-{n}" for n in range(0, 40, 5)] + [_shown(work / "Lima.md")]:
            if name in there:
                rag.delete(name)
        rag.ingest([work / "Oslo.md"])  # what is owed is delivered by any ingest


def answers(kb: Path) -> list[list[tuple[str, str, float]]]:
    """Return what searches find: documents, texts and scores in their order."""
    found = []
    with opened(kb) as rag:
        for city in _CITIES:
            for question in (
                f"Who is the {_TRADES[len(city) % 7]} from {city}?",
                f"How many ships are in {city}?",
            ):
                hits = rag.search(question, 10)
                found.append([(e.document, e.text, round(e.score, 6)) for e in hits])
        differences = rag.verify()
        owed = sum(store.owed for store in rag.status().stores.values())
    if not all(difference.ok for difference in differences):
        raise AssertionError(f"stores and ledger differ: {differences}")
    if owed:
        raise AssertionError(f"{owed} batches are still owed")
    return found


def _person(number: int, phase: str) -> dict[str, str]:
    city, trade = _CITIES[number % 10], _TRADES[number % 7]
    text = f"Person {number} is a {trade} from {city}, born in {1850 + number}."
    if phase == "changed" and number % 4 == 1:
        text += f" Later Person {number} moved to {_CITIES[(number + 3) % 10]}."
    return {"id": f"person-{number}", "title": f"Person {number}", "text": text}


def _shown(path: Path) -> str:
    return path.resolve().as_posix()


def _arm(arguments: list[str]) -> None:
    def kill() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    if len(arguments) == 1:
        timer = threading.Timer(float(arguments[0]), kill)
        timer.daemon = True
        timer.start()
    elif arguments:
        step, left = steps.Step[arguments[0]], int(arguments[1])

        def watch(reached: steps.Step) -> None:
            nonlocal left
            left -= reached is step
            if left == 0:
                kill()

        steps.watch(watch)


if __name__ == "__main__":
    _arm(sys.argv[4:])
    run(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
