"""Plain text, as it is."""

from __future__ import annotations

from hetarag.ingest.cleaning import clean
from hetarag.ingest.loaders.encoding import decode
from hetarag.ingest.loaders.headings import guessed
from hetarag.ingest.loaders.parsed import Parsed

_HEADING_WORDS = 12
_LONGEST_HEADING = 120


def parse(data: bytes) -> Parsed:
    """Read plain text in any common encoding."""
    text, warning = decode(data)
    text = clean(text)
    warnings = (warning,) if warning else ()
    return Parsed(text, heading(text), warnings=warnings, headings=guessed(text))


def heading(text: str) -> str:
    """Return the first line when it stands alone and reads like a heading, else ""."""
    first, blank, rest = text[: _LONGEST_HEADING + 2].partition("\n\n")
    alone = blank and rest and "\n" not in first and len(first.split()) <= _HEADING_WORDS
    return first if alone and first[-1] not in ".!;:,…" else ""
