"""The registry: known forms of addresses, and drivers that are missing."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from hetarag.errors import ConfigError, MissingExtraError, StoreError
from hetarag.stores import registry
from hetarag.stores.registry import STORES, StoreOptions, open_store, schemes
from hetarag.types import STORE_KINDS


def test_every_kind_has_an_embedded_engine() -> None:
    for kind in STORE_KINDS:
        assert "embedded" in schemes(kind)


@pytest.mark.parametrize(
    "address", ["nosuch://user:secret@host", "Embedded?", "", "embedded://x", "nosuch"]
)
def test_an_unknown_address_names_setting_and_known_forms(address: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"stores\.vector.*embedded.*none") as caught:
        open_store("vector", address, tmp_path, StoreOptions())
    assert "secret" not in str(caught.value)


def test_an_unknown_kind(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="vector, fulltext, graph, sql"):
        open_store("tape", "embedded", tmp_path, StoreOptions())


def test_a_missing_driver_names_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "adapter_without_driver.py"
    module.write_text("import a_driver_that_nobody_has\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    def declare(value: str) -> None:
        monkeypatch.setitem(STORES._own, "graph.odd", EntryPoint("graph.odd", value, STORES.group))

    declare("adapter_without_driver:Odd [servers]")
    with pytest.raises(MissingExtraError, match=r"hetarag\[servers\]"):
        open_store("graph", "odd://host", tmp_path, StoreOptions())
    declare("adapter_without_driver:Odd")
    with pytest.raises(StoreError, match="a_driver_that_nobody_has"):
        open_store("graph", "odd://host", tmp_path, StoreOptions())


def test_the_registry_loads_no_engine() -> None:
    source = Path(registry.__file__).read_text("utf-8")
    assert not any(f"import {name}" in source for name in ("tantivy", "ladybug", "qdrant_edge"))
    assert "hetarag.stores.registry" in sys.modules
