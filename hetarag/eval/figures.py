"""Figures of a measurement as Markdown tables and as JSON, with the machine that they were measured on."""

from __future__ import annotations

import json as jsonlib
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """Return what a figure needs beside it: processor, cores, versions."""
    import os
    from importlib.metadata import version

    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        flags = [line for line in info.read_text().splitlines() if line.startswith("flags")]
        vnni = bool(flags) and "avx512_vnni" in flags[0]
        model = f"{names[0].partition(':')[2].strip()}, AVX-512 VNNI: {vnni}" if names else model
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "hetarag": version("hetarag"),
    }


def print_table(title: str, table: str) -> None:
    """Print a table with its title and the machine that it was measured on."""
    facts = machine()
    sys.stdout.write(f"### {title}\n\n{table}\n\n")
    sys.stdout.write(f"{facts['cores']} cores, {facts['processor']}, Python {facts['python']}\n")


def write_figures(path: Path | None, figures: dict[str, Any]) -> None:
    """Write figures as JSON to the file that --json names, if it does."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(as_json(figures), encoding="utf-8")


def as_json(figures: dict[str, Any]) -> str:
    """Return figures as indented JSON."""
    return jsonlib.dumps(figures, indent=2, default=str) + "\n"


def as_table(row: Mapping[str, Any]) -> str:
    """Return figures as a Markdown table of two columns."""
    lines = ["| figure | value |", "|---|---|"]
    return "\n".join(lines + [f"| {name} | {_shown(value)} |" for name, value in row.items()])


def as_rows(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows with the same keys as a Markdown table."""
    names = list(rows[0])
    lines = [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
    return "\n".join(
        lines + [f"| {' | '.join(_shown(row[name]) for name in names)} |" for row in rows]
    )


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_shown(part)}" for name, part in value.items())
    return f"{value:.2f}" if isinstance(value, float) else str(value)
