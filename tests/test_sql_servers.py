"""Which servers of databases are refused, whatever is kept on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from hetarag.errors import LedgerError, StoreError
from hetarag.ledger.database import connect
from hetarag.sql_servers import OLDEST
from hetarag.stores.registry import StoreOptions, open_store
from tests.servers.database_servers import DATABASES
from tests.servers.running import database_server


@pytest.mark.parametrize("name", [*DATABASES])
def test_a_server_that_is_too_old_is_refused_before_anything_is_written(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No old server is at hand: the real one is, when the oldest that can be used is newer."""
    url = database_server(name).new_database()
    monkeypatch.setattr("hetarag.sql_servers.OLDEST", dict.fromkeys(OLDEST, (99, 1)))
    with pytest.raises(LedgerError, match=r"the oldest that can be used is 99\.1.*'ledger\.url'"):
        connect(url, tmp_path)
    with pytest.raises(StoreError, match=r"the oldest that can be used is 99\.1.*\[stores\] sql"):
        open_store("sql", url, tmp_path, StoreOptions())
    monkeypatch.undo()
    connect(url, tmp_path).dispose()  # nothing was left that would be in the way
