"""Walks files and folders in sorted order; links that loop are found, not followed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from hetarag.types import SourceFailure


def walk(root: Path) -> Iterator[Path | SourceFailure]:
    """Yield the files below the folder `root`, hidden ones left out, each folder once."""
    yield from _walk(root, root.resolve(), (), set())


def shown(path: Path) -> str:
    """Return a path as its user knows it: relative to the current folder when it is below it."""
    absolute = Path(os.path.normpath(path.absolute()))  # lexical: links keep their names
    try:
        return _printable(absolute.relative_to(Path.cwd()).as_posix())
    except ValueError:
        return _printable(absolute.as_posix())


def is_hidden(path: Path) -> bool:
    """Tell whether a file or folder is hidden, or an open Office document's lock file."""
    return path.name.startswith((".", "~$"))


def _walk(
    folder: Path, real: Path, parents: tuple[Path, ...], seen: set[Path]
) -> Iterator[Path | SourceFailure]:
    if real in parents:
        yield SourceFailure(
            shown(folder), f"is a symbolic link to the folder around it ({real}); it is left out"
        )
        return
    if real in seen:  # reached by another link already
        return
    seen.add(real)
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        yield SourceFailure(shown(folder), f"cannot be listed ({error.strerror}); check its rights")
        return
    for entry in entries:
        if is_hidden(entry):
            continue
        try:
            target = entry.resolve(strict=True)
        except (OSError, RuntimeError):
            yield SourceFailure(
                shown(entry), "is a symbolic link to itself or to nothing; mend or remove it"
            )
            continue
        if target.is_dir():
            yield from _walk(entry, target, (*parents, real), seen)
        else:
            yield entry


def _printable(path: str) -> str:
    """Replace the bytes of a file name that are not valid UTF-8."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
