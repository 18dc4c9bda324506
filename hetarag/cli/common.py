"""What several commands share: options, opening a knowledge base, JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from hetarag.engine.knowledge_base import HetaRAG
from hetarag.errors import InputError
from hetarag.types import plain

Kb = Annotated[Path, typer.Option("--kb", help="Folder of the knowledge base.")]
Config = Annotated[
    Path | None,
    typer.Option("--config", help="TOML file with settings (default: hetarag.toml in the folder)."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Collection = Annotated[str | None, typer.Option("--collection", help="Only this collection.")]
DEFAULT_KB = Path("kb")


def open_kb(kb: Path, config: Path | None, *, create: bool = False) -> HetaRAG:
    """Open the knowledge base of a command."""
    return HetaRAG.open(kb, config, create=create)


def echo(text: str = "") -> None:
    """Print a line to standard output."""
    sys.stdout.write(text + "\n")


def echo_json(value: Any) -> None:
    """Print a value as JSON."""
    echo(json.dumps(plain(value), ensure_ascii=False, indent=2))


def conditions(where: list[str]) -> dict[str, Any]:
    """Turn `key=value`, `key>=value` and the like into the form of `search(where=…)`.

    Raises:
        InputError: an item has no comparison.
    """
    found: dict[str, Any] = {}
    for item in where:
        for sign, name in (
            (">=", "gte"),
            ("<=", "lte"),
            ("!=", "ne"),
            (">", "gt"),
            ("<", "lt"),
            ("=", "eq"),
        ):
            key, separator, value = item.partition(sign)
            if separator:
                comparisons = found.setdefault(key.strip(), {})
                comparisons[name] = _value(value.strip())
                break
        else:
            raise InputError(f"--where {item!r}: give it as key=value, key>=value or key!=value")
    return found


def _value(text: str) -> str | int | float:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
