"""What callers of `HetaRAG` give it, checked and brought into one form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hetarag.config import EMBEDDED, Settings, load, validate
from hetarag.errors import InputError, SearchError
from hetarag.types import Answer, RankedEvidence, SearchResult, StreamEvent

SETTINGS_FILE = "hetarag.toml"


def settings_of(config: str | Path | Mapping[str, Any] | Settings | None, folder: Path) -> Settings:
    """Return the settings that `config` stands for, or those beside the knowledge base."""
    if isinstance(config, Settings):
        return config
    if isinstance(config, Mapping):
        return validate(config, "config")
    if config is None and (folder / SETTINGS_FILE).is_file():
        return load(folder / SETTINGS_FILE)
    return load(config)


def is_embedded(settings: Settings) -> bool:
    """Tell whether any part lives in the folder, which then belongs to one process."""
    addresses = [settings.ledger.url, *settings.stores.model_dump().values()]
    return EMBEDDED in addresses


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


def readable(found: SearchResult[RankedEvidence], count: int) -> SearchResult[RankedEvidence]:
    """Return the first `count` pieces of evidence that a reader should see.

    A table's schema and sample tell a person what there is; to a reader they are rows that happen to
    come first, beside the row or the computed answer that was asked for.
    """
    chosen = [evidence for evidence in found if evidence.kind != "table"] or list(found)
    return replace(found, hits=tuple(chosen[:count]))


def last_answer(events: Iterator[StreamEvent]) -> Answer:
    """Return the answer that ends a stream."""
    for event in events:
        if event.answer is not None:
            return event.answer
    raise SearchError("the reader ended without an answer; this is a defect of hetarag")
