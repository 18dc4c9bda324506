"""JSON Lines: one document per line, read one line at a time."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hetarag.ingest.cleaning import clean, one_line
from hetarag.ingest.loaders.headings import guessed
from hetarag.ingest.loaders.parsed import Parsed
from hetarag.types import MetadataValue

_OWN_KEYS = ("id", "title", "text")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file: its number from 1, and a document or the reason why it is none."""

    number: int
    id: str = ""
    parsed: Parsed = field(default_factory=lambda: Parsed(""))
    sha256: str = ""
    problem: str = ""


def read_lines(path: Path) -> Iterator[Line]:
    """Yield what is on each line that is not blank; memory holds one line and the ids so far."""
    seen: set[bytes] = set()
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            raw = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
            if not raw.strip():
                continue
            try:
                line = _line(number, _object(raw))
            except ValueError as error:
                yield Line(number, problem=str(error))
                continue
            digest = hashlib.blake2b(line.id.encode(), digest_size=12).digest()
            if line.id and digest in seen:
                problem = f"the id {line.id!r} is already used above; give each line its own"
                yield Line(number, problem=problem)
                continue
            seen.add(digest)
            yield line


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"not valid UTF-8 (at byte {error.start}); save it as UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not valid JSON ({str(error)[:100]}); correct this line") from None
    if not isinstance(value, dict):
        raise ValueError('not a JSON object; write {"id": …, "title": …, "text": …}')
    return value


def _line(number: int, value: dict[str, Any]) -> Line:
    text, title, identifier = (value.get(key) for key in ("text", "title", "id"))
    if not isinstance(text, str) or not clean(text):
        raise ValueError('it has no "text"; write {"id": …, "title": …, "text": …}')
    if isinstance(identifier, int) and not isinstance(identifier, bool):
        identifier = str(identifier)
    if identifier is not None and not isinstance(identifier, str):
        raise ValueError('its "id" is not a string; write it in quotation marks')
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    text = clean(text)
    parsed = Parsed(
        text,
        title=one_line(title) if isinstance(title, str) else "",
        metadata={str(k): v for k, v in value.items() if k not in _OWN_KEYS and _is_scalar(v)},
        headings=guessed(text),
    )
    sha256 = hashlib.sha256(canonical.encode()).hexdigest()
    return Line(number, one_line(identifier or ""), parsed, sha256)


def _is_scalar(value: MetadataValue | list[object] | dict[str, object] | None) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, str | int | bool)
