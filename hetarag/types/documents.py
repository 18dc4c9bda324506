"""What is read from files: documents, their tables and chunks, and what these name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hetarag.types.common import Cell, ColumnType, MetadataValue


@dataclass(frozen=True, slots=True)
class Page:
    """One page, slide or sheet of a source and where its text lies in the extracted text."""

    number: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading and where it stands in the extracted text; 1 is the highest `level`."""

    level: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a user's table: its own name and the type its cells were found to have."""

    name: str
    type: ColumnType


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a source; each row has as many cells as there are columns."""

    name: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Cell, ...]]


@dataclass(frozen=True, slots=True)
class Document:
    """One source, parsed: its text, pages, headings and tables.

    `uri` is the address that identifies it within a collection, `name` what its user calls it (the
    path as given, or the id of a JSONL line); `sha256` is the digest of the bytes it was read from.
    """

    uri: str
    name: str
    title: str
    text: str
    media_type: str
    sha256: str
    pages: tuple[Page, ...] = ()
    tables: tuple[Table, ...] = ()
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)
    headings: tuple[Heading, ...] = ()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document's text; `sentences` are (start, end) in the same offsets.

    `section` names the headings that all of it stands under: "Leave › Notice".
    """

    ordinal: int
    start: int
    end: int
    page: int | None = None
    sentences: tuple[tuple[int, int], ...] = ()
    section: str = ""


@dataclass(frozen=True, slots=True)
class Entity:
    """A thing with a name; `key` is the normalised name, `id` is made from it."""

    id: str
    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Mention:
    """An entity named in a chunk; `sentence` counts the chunk's sentences, -1 is the title or a topic."""

    entity: Entity
    label: str
    sentence: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Relation:
    """Two entities held together by one sentence of one chunk."""

    source: Entity
    target: Entity
    predicate: str
    sentence: int
