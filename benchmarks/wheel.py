"""The wheel as a stranger gets it: built, installed alone into an empty environment, and used."""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
QUESTION = "Who designed the Fram?"
IMPORTS = 5

_IMPORT = (
    "import time; clocks = time.perf_counter, time.process_time; began = [c() for c in clocks]; "
    "import hetarag; print(*(c() - b for c, b in zip(clocks, began)))"
)
_OPEN = _IMPORT.replace("import hetarag", "from hetarag import HetaRAG")
_DEPENDENCIES = """
import json
from importlib.metadata import distributions, requires
own = {"hetarag", "pip", "setuptools", "wheel"}
names = sorted({d.metadata["Name"].lower() for d in distributions()} - own)
direct = [r for r in requires("hetarag") if "extra ==" not in r]
print(json.dumps({"all": names, "direct": direct}))
"""


def wheel_costs(knowledge: Path, constraints: Path | None = None) -> dict[str, Any]:
    """Build, install with base dependencies alone, ingest a folder, search it; return what it takes.

    `constraints` pins versions, as a file of pip. Needs a package index. Raises `RuntimeError` with the output of
    what fails.
    """
    with tempfile.TemporaryDirectory(prefix="hetarag-wheel-") as name:
        folder = Path(name)
        wheel = build(folder)
        python = install(folder / "venv", wheel, constraints)
        found = json.loads(_run([str(python), "-c", _DEPENDENCIES], folder))
        row: dict[str, Any] = {
            "wheel, MB": wheel.stat().st_size / 2**20,
            "dependencies, named": len(found["direct"]),
            "dependencies, installed": len(found["all"]),
            "installed with them, MB": _size(folder / "venv") / 2**20,
        }
        for way, code in (("import hetarag", _IMPORT), ("from hetarag import HetaRAG", _OPEN)):
            wall, processor = _median(python, code, folder)
            row[f"{way}, ms"] = wall
            row[f"{way}, ms of the processor"] = processor
        command = str(python.with_name("hetarag"))
        report = json.loads(
            _run([command, "ingest", str(knowledge), "--kb", "kb", "--json"], folder)
        )
        if report["failures"] or not report["added"]:
            raise RuntimeError(f"the ingest did not take everything in: {report}")
        shown = json.loads(_run([command, "search", QUESTION, "--kb", "kb", "--json"], folder))
        if not shown["complete"] or not shown["evidence"]:
            raise RuntimeError("the search found nothing, or a store failed")
        row["documents ingested"] = report["added"]
        row["found first"] = shown["evidence"][0]["title"]
    return row


def build(folder: Path) -> Path:
    """Build the wheel of this checkout into `folder`; return its path."""
    _run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)])
    return next(folder.glob("hetarag-*.whl"))


def install(place: Path, wheel: Path, constraints: Path | None = None) -> Path:
    """Make an environment at `place` with the wheel and its base dependencies; return its Python."""
    has_uv = importlib.util.find_spec("uv") is not None
    venv.create(place, with_pip=not has_uv)
    python = place / "bin" / "python"
    pinned = ["-c", str(constraints.resolve())] if constraints else []
    if has_uv:
        _run([sys.executable, "-m", "uv", "pip", "install", "-q", "--python", str(python), *pinned, str(wheel)])  # fmt: skip
    else:
        _run([str(python), "-m", "pip", "install", "-q", *pinned, str(wheel)])
    return python


def _median(python: Path, code: str, folder: Path) -> tuple[float, float]:
    """Return milliseconds by the clock and of the processor, each the median of `IMPORTS` processes."""
    times = [_run([str(python), "-c", code], folder).split() for _ in range(IMPORTS + 1)]
    rest = times[1:]  # the first one writes byte code
    wall, processor = (1000 * statistics.median(float(t[at]) for t in rest) for at in (0, 1))
    return wall, processor


def _size(folder: Path) -> int:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files)


def _run(command: Sequence[str], folder: Path | None = None) -> str:
    environment: Mapping[str, str] = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=folder or ROOT, env=environment
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout[-1000:]} {done.stderr[-2000:]}")
    return done.stdout
