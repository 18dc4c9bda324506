"""Plain text, as it is."""

from __future__ import annotations

from hetarag.ingest.encoding import decode
from hetarag.ingest.parsed import Parsed, clean


def parse(data: bytes) -> Parsed:
    """Read plain text in any common encoding."""
    text, warning = decode(data)
    return Parsed(clean(text), warnings=(warning,) if warning else ())
