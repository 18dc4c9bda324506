"""The manifest of an installed model: what its folder holds and what it was checked to be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAME = "manifest.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """`files` maps each path in the folder to (sha256, size in bytes); `source` is where from."""

    name: str
    kind: str
    licence: str
    source: str
    fingerprint: str
    files: Mapping[str, tuple[str, int]]

    @property
    def size(self) -> int:
        """Return the bytes that the model takes on disk."""
        return sum(size for _, size in self.files.values())


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe(folder: Path, name: str, kind: str, licence: str, source: str) -> Manifest:
    """Return the manifest of everything that lies in `folder` now; it hashes each file."""
    files = {
        path.relative_to(folder).as_posix(): (sha256_of(path), path.stat().st_size)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != NAME
    }
    lines = "\n".join(f"{path} {sha256}" for path, (sha256, _) in files.items())
    fingerprint = hashlib.sha256(lines.encode()).hexdigest()
    return Manifest(name, kind, licence, source, fingerprint, files)


def write(folder: Path, manifest: Manifest) -> None:
    """Write `manifest` into `folder`."""
    content = {
        "format": _FORMAT,
        "name": manifest.name,
        "kind": manifest.kind,
        "licence": manifest.licence,
        "source": manifest.source,
        "fingerprint": manifest.fingerprint,
        "files": {
            path: {"sha256": sha256, "size": size}
            for path, (sha256, size) in manifest.files.items()
        },
    }
    (folder / NAME).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read(folder: Path) -> Manifest | None:
    """Return the manifest in `folder`, or None if the model there is not whole.

    Sizes are compared and contents are not, so that a start costs no hashing: see `damaged`.
    """
    try:
        raw: dict[str, Any] = json.loads((folder / NAME).read_text("utf-8"))
        if raw["format"] != _FORMAT:
            return None
        files = {path: (str(x["sha256"]), int(x["size"])) for path, x in raw["files"].items()}
        found = Manifest(
            name=str(raw["name"]),
            kind=str(raw["kind"]),
            licence=str(raw["licence"]),
            source=str(raw["source"]),
            fingerprint=str(raw["fingerprint"]),
            files=files,
        )
        whole = all((folder / p).stat().st_size == size for p, (_, size) in files.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return found if whole else None


def damaged(folder: Path, manifest: Manifest) -> list[str]:
    """Return the files whose content is not what the manifest says; it hashes each file."""
    return [p for p, (sha256, _) in manifest.files.items() if sha256_of(folder / p) != sha256]
