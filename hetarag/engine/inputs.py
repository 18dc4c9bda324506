"""What callers of `HetaRAG` give it, checked and brought into one form."""

from __future__ import annotations

from collections.abc import Sequence

from hetarag.errors import InputError
from hetarag.types import RankedEvidence, SearchResult


def tags_of(tags: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return tags as a tuple of names, or None; `InputError` for what is none."""
    if tags is None:
        return None
    given = (tags,) if isinstance(tags, str) else tuple(tags)
    if not all(is_name(tag) for tag in given):
        raise InputError(f"tags must be texts that are not empty, not {list(given)!r}")
    return given


def is_name(value: object) -> bool:
    """Tell whether a tag or collection can be stored everywhere as it is."""
    return isinstance(value, str) and 0 < len(value.strip()) <= 400 and value.isprintable()


def missing_stores(found: SearchResult[RankedEvidence]) -> str:
    """Say which stores gave no answer, why, and what to do."""
    stores = found.trace.stores if found.trace else {}
    reasons = [
        f"{kind} ({status.status}: {status.reason})"
        for kind, status in stores.items()
        if status.status in ("failed", "late")
    ]
    return (
        f"the search is incomplete, these stores gave no answer: {'; '.join(reasons)}; "
        "`hetarag status` shows their health, on_error='skip' searches without them"
    )
