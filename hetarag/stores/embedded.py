"""What the embedded stores share: a folder of their own, held by one process at a time."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from hetarag.errors import StoreError
from hetarag.stores.adapter import prepare, translated
from hetarag.types import StoreKind

T = TypeVar("T")


class Embedded:
    """An engine in process: its folder, and its failures as `StoreError`."""

    kind: StoreKind

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._closed = False
        prepare(self.kind, folder)

    @property
    def _advice(self) -> str:
        return (
            f"if it stays so, remove the folder {self._folder} and run `hetarag repair`: a store "
            "holds nothing that the ledger cannot write again"
        )

    def _run(self, action: str, call: Callable[[], T]) -> T:
        """Call into the engine; `action` completes "could not …"."""
        advice = self._advice
        if action == "open":
            advice = f"close the other process that has it open, if there is one; {advice}"
        try:
            with translated(self.kind, action, advice):
                return call()
        except StoreError as error:
            if self._closed and action != "close":  # another thread closed it meanwhile
                raise self._is_closed() from error
            raise

    def _is_closed(self) -> StoreError:
        return StoreError(self.kind, "is closed; open the knowledge base again")


def read_marker(path: Path) -> dict[str, Any] | None:
    """Return what `write_marker` wrote, or None: then the store beside it was never finished."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def write_marker(path: Path, value: dict[str, Any]) -> None:
    """Write `value` so that after a crash the file is there as a whole or not at all."""
    fresh = path.with_suffix(".tmp")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
