"""JSON Lines, as all tools here read and write them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

Line = dict[str, Any]


def lines_of(path: Path) -> list[Line]:
    """Return the objects of a JSON Lines file."""
    with path.open(encoding="utf-8") as file:  # no splitlines(): texts may hold U+2028 as it is
        return [json.loads(line) for line in file]


def write(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Write JSON Lines."""
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    path.write_text(text, encoding="utf-8")
