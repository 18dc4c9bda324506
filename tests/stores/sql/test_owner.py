"""A database on a server belongs to one knowledge base."""

from __future__ import annotations

from pathlib import Path

import pytest

from hetarag.errors import StoreError
from hetarag.stores.registry import StoreOptions, open_store


@pytest.mark.parametrize("server", ["postgresql_address", "mariadb_address"])
def test_a_second_knowledge_base_is_refused(
    server: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    address = request.getfixturevalue(server)
    for _ in range(2):  # the same one comes back
        open_store("sql", address, tmp_path, StoreOptions(prefix="hetarag-one")).close()
    with pytest.raises(StoreError, match="another knowledge base, hetarag-one"):
        open_store("sql", address, tmp_path, StoreOptions(prefix="hetarag-two"))
