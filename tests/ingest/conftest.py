"""Helpers of the ingest tests: read one file, make a small PDF."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from hetarag.ingest import Source, SourceWarning, discover_sources, load_source
from hetarag.types import Document, SourceFailure


@dataclass(frozen=True)
class Outcome:
    documents: list[Document]
    failures: list[str]
    warnings: list[str]

    @property
    def document(self) -> Document:
        assert self.failures == []
        assert len(self.documents) == 1
        return self.documents[0]

    @property
    def failure(self) -> str:
        assert self.documents == []
        assert len(self.failures) == 1
        return self.failures[0]


def ingest(*paths: Path, max_file_mb: int = 512) -> Outcome:
    outcome = Outcome([], [], [])
    for item in discover_sources(paths, max_file_mb):
        for result in load_source(item) if isinstance(item, Source) else [item]:
            if isinstance(result, Document):
                outcome.documents.append(result)
            elif isinstance(result, SourceFailure):
                outcome.failures.append(f"{result.source}: {result.reason}")
            elif isinstance(result, SourceWarning):
                outcome.warnings.append(f"{result.source}: {result.reason}")
    return outcome


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str | bytes], Outcome]:
    """Write a file into the current folder and read it."""
    monkeypatch.chdir(tmp_path)

    def write_and_read(name: str, content: str | bytes) -> Outcome:
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(data)
        return ingest(tmp_path / name)

    return write_and_read


def make_pdf(*pages: str, title: str = "") -> bytes:
    """Return a PDF with one line of text for each line of each page."""
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for index, page in enumerate(pages):
        lines = "".join(f"({line}) Tj T* " for line in page.split("\n"))
        stream = f"BT /F1 12 Tf 14 TL 50 700 Td {lines}ET" if page else ""
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R "
            f">> >> /Contents {5 + 2 * index} 0 R >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    objects.append(f"<< /Title ({title}) /Author (Ada Writer) >>")
    data, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(data))
        data += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    xref = len(data)
    data += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    data += b"".join(f"{offset:010} 00000 n \n".encode() for offset in offsets)
    trailer = f"<< /Size {len(objects) + 1} /Root 1 0 R /Info {len(objects)} 0 R >>"
    return data + f"trailer\n{trailer}\nstartxref\n{xref}\n%%EOF\n".encode()
