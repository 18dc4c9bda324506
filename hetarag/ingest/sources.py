"""Paths become sources, sources become documents.

One source that cannot be read is yielded as a failure with its reason; the others go on.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hetarag.ingest.loaders.formats import Format, by_extension, sniff, unknown
from hetarag.ingest.loaders.jsonl import Line, read_lines
from hetarag.ingest.loaders.parsed import Parsed
from hetarag.ingest.tables.tables import unique_tables
from hetarag.ingest.walk import shown, walk
from hetarag.types import Document, SourceFailure

_MB = 2**20
_MOST_LINES_NAMED = 20  # of those that cannot be read, for each file
_EMPTY = "the file is empty; there is nothing to ingest"
# Titles that programs fill in by themselves.
_USELESS = re.compile(
    r"(untitled|no title|unknown|document|dokument|presentation|powerpoint presentation"
    r"|powerpoint-präsentation|slide|title|book|workbook|sheet|mappe|page|index|home|word document"
    r"|microsoft (word|powerpoint|excel)( - .*)?|pdfcreator.*|print|scan(ned)?( document)?)?"
    r"[ _-]*\d*|.{0,200}\.(docx?|pptx?|xlsx?|pdf|tex|dvi|indd|qxd|rtf|odt|html?|txt)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Source:
    """A file to read. `uri` identifies it, `name` is the path as its user knows it."""

    path: Path
    uri: str
    name: str
    format: Format

    @property
    def media_type(self) -> str:
        """The media type that the file's name promises."""
        return self.format.media_type


@dataclass(frozen=True, slots=True)
class SourceWarning:
    """Something the user should know about a source that was read all the same."""

    source: str
    reason: str


def discover_sources(
    paths: Sequence[str | Path], max_file_mb: int
) -> Iterator[Source | SourceFailure | SourceWarning]:
    """Yield the files named and those in the folders named, in sorted order, each file once.

    Hidden files and folders are skipped. A file of unknown type is a failure when it is named
    itself; those in a folder are counted in one warning for that folder.
    """
    seen: set[Path] = set()
    for path in map(Path, paths):
        try:
            is_folder, is_file = path.is_dir(), path.is_file()
        except (OSError, ValueError) as error:  # too long, or with a NUL in it
            yield SourceFailure(str(path)[:200], f"is not a usable path ({error})")
            continue
        if is_folder:
            yield from _folder(path, max_file_mb, seen)
        elif not is_file:
            yield SourceFailure(shown(path), _no_file(path))
        elif by_extension(path) is None:
            yield SourceFailure(shown(path), unknown(path))
        else:
            yield from _file(path, max_file_mb, seen)


def load_source(source: Source) -> Iterator[Document | SourceFailure | SourceWarning]:
    """Read a source: one document, or one for each line of a JSON Lines file, streamed."""
    try:
        if source.format.name == "jsonl":
            yield from _load_lines(source)
        else:
            yield from _load_file(source)
    except OSError as error:
        yield SourceFailure(source.name, f"cannot be read ({error.strerror or error})")
    except MemoryError:
        yield SourceFailure(source.name, "is too large for the memory; split it")


def _folder(
    folder: Path, max_file_mb: int, seen: set[Path]
) -> Iterator[Source | SourceFailure | SourceWarning]:
    skipped: Counter[str] = Counter()
    for item in walk(folder):
        if isinstance(item, SourceFailure):
            yield item
        elif by_extension(item) is None or not item.is_file():
            skipped[item.suffix.lower() or "no extension"] += 1
        else:
            yield from _file(item, max_file_mb, seen)
    if skipped:
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(skipped.items())[:20])
        yield SourceWarning(
            shown(folder),
            f"files of types that are not read were skipped: {kinds}",
        )


def _file(path: Path, max_file_mb: int, seen: set[Path]) -> Iterator[Source | SourceFailure]:
    real = path.resolve()
    known = by_extension(path)
    if known is None or real in seen:
        return
    seen.add(real)
    try:
        size = real.stat().st_size
    except OSError as error:
        yield SourceFailure(shown(path), f"cannot be read ({error.strerror})")
        return
    if size > max_file_mb * _MB:
        yield SourceFailure(
            shown(path),
            f"has {size / _MB:.0f} MB, the limit is {max_file_mb}: split it or raise "
            "ingest.max_file_mb",
        )
    else:
        yield Source(path, real.as_uri(), shown(path), known)


def _no_file(path: Path) -> str:
    if path.is_symlink():
        return "is a symbolic link to itself or to nothing; mend or remove it"
    if path.exists():
        return "is neither a file nor a folder"
    return "does not exist; check the path"


def _load_file(source: Source) -> Iterator[Document | SourceFailure | SourceWarning]:
    data = source.path.read_bytes()
    if not data.strip():
        yield SourceFailure(source.name, _EMPTY)
        return
    try:
        found, warning = sniff(data, source.format)
        parsed = found.parser()(data)
    except ValueError as error:
        yield SourceFailure(source.name, str(error))
        return
    for reason in (warning, *parsed.warnings):
        if reason:
            yield SourceWarning(source.name, reason)
    if not parsed.text and not parsed.tables:
        yield SourceFailure(source.name, "it holds neither text nor tables; nothing to ingest")
        return
    title = choose_title(parsed, source.path)
    digest = hashlib.sha256(data).hexdigest()
    yield _document(parsed, source.uri, source.name, title, found.media_type, digest)


def _load_lines(source: Source) -> Iterator[Document | SourceFailure | SourceWarning]:
    count = failed = 0
    for line in read_lines(source.path):
        count += 1
        if not line.problem:
            yield _line_document(line, source, f"{source.name}#{line.number}")
            continue
        failed += 1
        if failed <= _MOST_LINES_NAMED:
            yield SourceFailure(source.name, f"line {line.number}: {line.problem}")
    if not count:
        yield SourceFailure(source.name, _EMPTY)
    if failed > _MOST_LINES_NAMED:
        more = failed - _MOST_LINES_NAMED
        yield SourceFailure(source.name, f"{more} more of its {count} lines could not be read")


def _line_document(line: Line, source: Source, name: str) -> Document:
    """A line with an id is the same document in whichever file it comes."""
    uri = f"id:{line.id}" if line.id else f"{source.uri}#{line.number}"
    title = line.parsed.title or line.id or choose_title(line.parsed, source.path)
    return _document(line.parsed, uri, line.id or name, title, source.media_type, line.sha256)


def _document(
    parsed: Parsed, uri: str, name: str, title: str, media_type: str, sha256: str
) -> Document:
    tables = unique_tables(parsed.tables, title)
    return Document(
        uri=uri,
        name=name,
        title=title,
        text=parsed.text,
        media_type=media_type,
        sha256=sha256,
        pages=parsed.pages,
        tables=tables,
        metadata=parsed.metadata,
        headings=parsed.headings,
    )


def choose_title(parsed: Parsed, path: Path) -> str:
    """Return the title that the format holds unless a program made it up, else the file's name."""
    title = parsed.title.strip()
    if title and not _USELESS.fullmatch(title) and any(c.isalnum() for c in title):
        return title[:300]
    stem = path.stem.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    words = " ".join(re.sub(r"[_\s]+|(?<=\w)-(?=\w)", " ", stem).split()) or path.name
    return words[0].upper() + words[1:] if words.islower() else words
