"""What every loader returns, and the cleaning of text that all of them share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hetarag.types import Heading, MetadataValue, Page, Table


@dataclass(frozen=True, slots=True)
class Parsed:
    """The content of one source: plain text with blank lines between paragraphs, headings, and tables.

    `title` is what the format itself says, "" when it says nothing; `warnings` are for the user.
    """

    text: str
    title: str = ""
    pages: tuple[Page, ...] = ()
    tables: tuple[Table, ...] = ()
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    headings: tuple[Heading, ...] = ()
