"""The one id space: every id is a UUID in text form, the same in the ledger and in every store.

A document's id comes from its collection and address, so that a second ingest finds it again. A
chunk's id also holds the generation of its version: an id made from the text alone would be shared
by the old and the new version, and the clean-up of the old one would delete the new one.

Tables and rows have no row of their own in the ledger's list of chunks: their ids pack the number
of the table version and the row number into a version-8 UUID (RFC 9562, section 5.8), so that a hit
on a row is found again without a look-up table. Row 0 is the table itself.
"""

from __future__ import annotations

import uuid
from hashlib import blake2b
from typing import NamedTuple

_NAMESPACE = uuid.UUID("6f0c3a5e-0b7d-5d43-9c5a-6d0a4c9f1b27")
_LOW = (1 << 62) - 1
_TABLE_BITS = 56
_ROW_BITS = 48
_LENGTH, _VERSION = 36, 14  # of an id as text, and the place of its version
# 48 + 12 + 62 bits of a version-8 UUID are free: 56 for the table, 48 for the row, the rest zero.


class TableRowId(NamedTuple):
    """What the id of a table (row 0) or of one of its rows (1, 2, …) holds."""

    table: int
    row: int


def document_id(collection: str, uri: str) -> str:
    """Return the id of the document at `uri` in `collection`."""
    return _named(f"document\x00{collection}\x00{uri}")


def chunk_id(document: str, generation: int, ordinal: int) -> str:
    """Return the id of chunk `ordinal` of the version `generation` of a document."""
    return str(uuid.uuid5(uuid.UUID(document), f"{generation}/{ordinal}"))


def entity_id(key: str) -> str:
    """Return the id of the entity with the normalised name `key`."""
    return _named(f"entity\x00{key}")


def relation_id(chunk: str, number: int) -> str:
    """Return the id of relation `number` of a chunk."""
    return str(uuid.uuid5(uuid.UUID(chunk), f"relation/{number}"))


def query_id(statement: str) -> str:
    """Return the id of the result of an SQL statement, its parameters included."""
    return _named(f"query\x00{statement}")


def row_id(table: int, row: int) -> str:
    """Return the id of row `row` (1-based; 0 is the table itself) of table version `table`."""
    if not (0 <= table < 1 << _TABLE_BITS and 0 <= row < 1 << _ROW_BITS):
        raise ValueError(f"table {table} or row {row} does not fit into an id")
    packed = (table << _ROW_BITS) | row  # 104 of the 122 free bits
    value = ((packed >> 62) << 80) | (0x8 << 76) | (0b10 << 62) | (packed & _LOW)
    return str(uuid.UUID(int=value))


def parse_row_id(identifier: str) -> TableRowId | None:
    """Return what `identifier` packs if it is the id of a table or row, else None."""
    if len(identifier) == _LENGTH and identifier[_VERSION] != "8":
        return None  # as most are; parsing takes longer
    try:
        value = uuid.UUID(identifier)
    except ValueError:
        return None
    if value.version != 8:
        return None
    packed = ((value.int >> 80) << 62) | (value.int & _LOW)
    return TableRowId(packed >> _ROW_BITS, packed & ((1 << _ROW_BITS) - 1))


def _named(name: str) -> str:
    # Names from files may hold lone surrogates, which UTF-8 cannot: they are spelt out.
    return str(uuid.uuid5(_NAMESPACE, name.encode("utf-8", "backslashreplace").decode()))


def digest_of(*values: str | bytes) -> str:
    """Return a digest of these values, 32 hexadecimal digits."""
    state = blake2b(digest_size=16)
    for value in values:
        data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
        state.update(len(data).to_bytes(8, "little"))
        state.update(data)
    return state.hexdigest()
