"""A guard for Office files, which are zip archives of XML: no bombs, no document types."""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib

_MAX_MEMBERS = 20_000
_MAX_MEMBER = 512 * 2**20
_MAX_TOTAL = 1024 * 2**20
_MAX_RATIO = 300  # sheets of repeated cells reach about 100
_RATIO_FROM = 16 * 2**20

DAMAGED = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, UnicodeError, EOFError,
    NotImplementedError, RuntimeError, OSError,
)  # fmt: skip
"""What reading a damaged archive raises."""


def open_office(data: bytes) -> io.BytesIO:
    """Return `data` as a file after checking that it is safe to unpack.

    Raises:
        ValueError: it is damaged, unpacks to far too much, or holds a document type declaration.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_sizes(archive.infolist())
            for member in archive.infolist():
                if member.filename.endswith((".xml", ".rels")):
                    _check_member(archive, member)
    except DAMAGED as error:
        raise ValueError(
            f"the file is damaged or cut off ({error}); open and save it again in its program"
        ) from error
    return io.BytesIO(data)


def _check_sizes(members: list[zipfile.ZipInfo]) -> None:
    total = sum(member.file_size for member in members)
    if len(members) > _MAX_MEMBERS or total > _MAX_TOTAL:
        raise ValueError(
            f"it would unpack to {len(members)} parts of {total // 2**20} MB, which looks like a "
            "zip bomb; split the file if it is real"
        )
    for member in members:
        ratio = member.file_size / max(member.compress_size, 1)
        if member.file_size > _MAX_MEMBER or (
            member.file_size > _RATIO_FROM and ratio > _MAX_RATIO
        ):
            raise ValueError(
                f"its part {member.filename!r} would unpack from {member.compress_size // 1024} KB "
                f"to {member.file_size // 2**20} MB, which looks like a zip bomb; split the file if "
                "it is real"
            )


def _check_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Refuse a DTD: Office files have none, and entities (bombs, external files) need one."""
    with archive.open(member) as file:
        head = file.read(4096).replace(b"\0", b"")  # UTF-16 as well
    if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
        raise ValueError(
            f"its part {member.filename!r} declares XML entities, which Office files never do; "
            "it is refused"
        )
