"""One process at a time for a folder with embedded engines."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from filelock import FileLock, Timeout

from hetarag.errors import LockedError


class FolderLock:
    """Holds `folder` for this process; the kernel lets go of it when the process ends."""

    def __init__(self, folder: Path) -> None:
        self._holder = folder / "lock.holder"
        self._lock = FileLock(folder / "lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise LockedError(
                f"{folder}: the knowledge base is open in another process ({self._who()}); "
                "embedded engines belong to one process at a time: close it there, or put the "
                "question to that process"
            ) from None
        self._holder.write_text(f"pid {os.getpid()}, {Path(sys.argv[0]).name or 'python'}")

    def release(self) -> None:
        """Let go of the folder; a second call does nothing."""
        if self._lock.is_locked:
            self._holder.unlink(missing_ok=True)
            self._lock.release()

    def _who(self) -> str:
        try:
            return self._holder.read_text()
        except OSError:
            return "which one is not known"
