import os
import subprocess
import sys
from pathlib import Path

import pytest

from hetarag.errors import LockedError
from hetarag.ledger.lock import FolderLock

HOLD = """
import sys, time
from pathlib import Path
from hetarag.ledger.lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_another_process_is_named_and_its_end_lets_go(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None and child.stdout.readline() == "held\n"
        with pytest.raises(LockedError, match=f"open in another process \\(pid {child.pid}"):
            FolderLock(tmp_path)
    finally:
        child.kill()
        child.wait()
    lock = FolderLock(tmp_path)
    assert f"pid {os.getpid()}" in (tmp_path / "lock.holder").read_text()
    lock.release()
    lock.release()
    FolderLock(tmp_path).release()
