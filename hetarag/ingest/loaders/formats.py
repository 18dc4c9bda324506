"""The formats that can be read: extensions, media types, and the function that reads each.

A further format is a module with a function `parse(data: bytes) -> Parsed` and a `Format` that names it: a
constant and a line of the table here for hetarag's own, or an entry point in the group `hetarag.loaders` of any
other package. What hetarag reads itself is not read by another package's loader.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import PurePath

from hetarag.errors import ConfigError
from hetarag.ingest.loaders.archives import DAMAGED
from hetarag.ingest.loaders.parsed import Parsed
from hetarag.plugins import PartTable

_OFFICE = "application/vnd.openxmlformats-officedocument"
_HERE = "hetarag.ingest.loaders"


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file; `target` is "package.module:function" of what reads it."""

    name: str
    media_type: str
    extensions: tuple[str, ...]
    target: str

    def parser(self) -> Callable[[bytes], Parsed]:
        """Return the function that reads this format; `ValueError` from it is for the user."""
        module, _, name = self.target.partition(":")
        parse: Callable[[bytes], Parsed] = getattr(import_module(module), name)
        return parse


MARKDOWN = Format(
    "markdown", "text/markdown", (".md", ".markdown", ".mdown"), f"{_HERE}.markdown:parse"
)
PLAIN = Format("plain", "text/plain", (".txt", ".text", ".rst", ".log"), f"{_HERE}.plain:parse")
HTML = Format("html", "text/html", (".html", ".htm", ".xhtml"), f"{_HERE}.html:parse")
PDF = Format("pdf", "application/pdf", (".pdf",), f"{_HERE}.pdf:parse")
DOCX = Format("docx", f"{_OFFICE}.wordprocessingml.document", (".docx",), f"{_HERE}.docx:parse")
PPTX = Format("pptx", f"{_OFFICE}.presentationml.presentation", (".pptx",), f"{_HERE}.pptx:parse")
XLSX = Format("xlsx", f"{_OFFICE}.spreadsheetml.sheet", (".xlsx", ".xlsm"), f"{_HERE}.xlsx:parse")
CSV = Format("csv", "text/csv", (".csv", ".tsv", ".tab"), f"{_HERE}.csv:parse")
JSONL = Format("jsonl", "application/jsonl", (".jsonl", ".ndjson"), f"{_HERE}.jsonl:read_lines")

_OWN = (MARKDOWN, PLAIN, HTML, PDF, DOCX, PPTX, XLSX, CSV, JSONL)
LOADERS = PartTable(
    "loaders", {own.name: f"{_HERE}.formats:{own.name.upper()}" for own in _OWN}, "loader"
)
_BY_NAME = {known.name: known for known in _OWN}
_BY_EXTENSION = {extension: known for known in _OWN for extension in known.extensions}
_ADVICE = {".doc": "docx", ".rtf": "docx", ".odt": "docx", ".ppt": "pptx", ".odp": "pptx",
           ".xls": "xlsx", ".ods": "xlsx"}  # fmt: skip


_BINARY = frozenset(["pdf", "docx", "pptx", "xlsx"])


_MAGIC = (
    (b"\x89PNG", "a PNG image"), (b"\xff\xd8\xff", "a JPEG image"), (b"GIF8", "a GIF image"),
    (b"\x1f\x8b", "a gzip archive"), (b"\x7fELF", "a program"), (b"SQLite format 3", "a database"),
    (b"PAR1", "a Parquet file"), (b"BZh", "a bzip2 archive"), (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"\xd0\xcf\x11\xe0", "an encrypted or old (before 2007) Office file"),
)  # fmt: skip


_MEMBERS = (
    ("word/document.xml", "docx"),
    ("ppt/presentation.xml", "pptx"),
    ("xl/workbook.xml", "xlsx"),
)


def by_extension(path: PurePath) -> Format | None:
    """Return the format that a file's name promises, None when it is not known."""
    suffix = path.suffix.lower()
    return _BY_EXTENSION.get(suffix) or (_declared().get(suffix) if suffix else None)


def unknown(path: PurePath) -> str:
    """Say why a file with this name is not read, and what to do."""
    suffix = path.suffix.lower()
    if suffix in _ADVICE:
        return f"{suffix} files are not read; save it as .{_ADVICE[suffix]}"
    known = " ".join([*_BY_EXTENSION, *_declared()])
    what = f"files of the type {suffix}" if suffix else "files without an extension"
    return f"{what} are not read; known are {known}"


def sniff(data: bytes, promised: Format) -> tuple[Format, str]:
    """Return the format that the bytes have, and a warning when it is not the promised one.

    Raises:
        ValueError: the content is of no format that is read, or not of the promised binary one.
    """
    if promised.name not in _BY_NAME:
        return promised, ""  # another package's loader knows its own content
    found = _of_content(data)
    if found is promised or (found is None and promised.name not in _BINARY):
        return promised, ""
    if found is None:
        raise ValueError(
            f"its name says {promised.name.upper()} but its content is something else (it begins "
            f"with {data[:8]!r}); give it the right extension"
        )
    return (
        found,
        f"its name says {promised.name}, its content is {found.name}: read as {found.name}",
    )


@cache
def _declared() -> dict[str, Format]:
    """The formats of other packages by extension; one that cannot be loaded is told, and left out."""
    found: dict[str, Format] = {}
    for name in LOADERS.declared():
        try:
            known = LOADERS.load(name)
        except ConfigError as error:
            warnings.warn(str(error), stacklevel=2)
            continue
        if not isinstance(known, Format):
            warnings.warn(f"the loader {name!r} is no Format of {_HERE}.formats", stacklevel=2)
            continue
        for extension in known.extensions:
            found.setdefault(extension, known)
    return found


def _of_content(data: bytes) -> Format | None:
    """Recognise binary formats; None for what may be text."""
    if b"%PDF-" in data[:1024]:
        return _BY_NAME["pdf"]
    if data.startswith(b"PK\x03\x04"):
        return _of_archive(data)
    for magic, what in _MAGIC:
        if data.startswith(magic):
            raise ValueError(f"its content is {what}, which is not read; save it in a known format")
    return None


def _of_archive(data: bytes) -> Format | None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
    except (*DAMAGED, ValueError):
        raise ValueError(
            "the file is damaged or cut off; open and save it again in its program"
        ) from None
    for member, name in _MEMBERS:
        if member in names:
            return _BY_NAME[name]
    raise ValueError("its content is a zip archive, which is not read; unpack it first")
