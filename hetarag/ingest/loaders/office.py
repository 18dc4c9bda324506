"""What Word, PowerPoint and Excel files say about themselves."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Protocol

from hetarag.ingest.cleaning import one_line
from hetarag.types import MetadataValue


class CoreProperties(Protocol):
    """The part of a file's properties that is read; the three parsers have them in common."""

    @property
    def title(self) -> str | None:
        """The title, often empty or left over from a template."""

    @property
    def created(self) -> datetime | None:
        """When the file was made."""


class Properties(NamedTuple):
    """A title ("" when there is none) and metadata."""

    title: str
    metadata: dict[str, MetadataValue]


def office_properties(core: CoreProperties) -> Properties:
    """Return title, author and date of making of an Office file."""
    author = one_line(str(getattr(core, "author", None) or getattr(core, "creator", None) or ""))
    metadata: dict[str, MetadataValue] = {}
    if author and author not in ("python-docx", "openpyxl", "Unknown"):
        metadata["author"] = author
    try:
        created = core.created
        if created is not None:
            metadata["created"] = created.date().isoformat()
        return Properties(one_line(core.title or ""), metadata)
    except (ValueError, TypeError, AttributeError):  # damaged properties do not matter
        return Properties("", metadata)
