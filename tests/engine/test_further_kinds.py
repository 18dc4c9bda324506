"""A kind of store that hetarag does not know, in the table as an entry point of another package would be."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from hetarag.errors import ConfigError, SearchError
from hetarag.stores.registry import STORES
from hetarag.stores.vector.qdrant_edge import QdrantEdgeStore
from hetarag.types import StoreKind
from tests.conftest import Opener

FRAM = {"id": "fram", "title": "Fram", "text": "The Fram was designed by Colin Archer."}
NEAREST = {"stores": {"vector": "none", "near": {"kind": "nearest"}}}


class NearestStore(QdrantEdgeStore):
    """A store of another kind that takes vectors."""

    kind: StoreKind = "nearest"


@pytest.fixture
def nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("nearest.embedded", f"{__name__}:NearestStore", STORES.group)
    monkeypatch.setitem(STORES._own, point.name, point)


@pytest.mark.usefixtures("nearest")
def test_a_kind_that_takes_vectors_is_asked_with_one(
    open_kb: Opener, write_jsonl: Callable[..., Path]
) -> None:
    kb = open_kb(**NEAREST)
    kb.ingest([write_jsonl(FRAM)])
    for stores in (None, ["near"]):
        found = kb.search("Who designed the Fram?", stores=stores)
        assert found.trace is not None
        assert found.trace.stores["near"].hits == 1
        assert "near" in {hit.store for hit in found[0].hits}


def test_where_its_package_is_gone_the_others_answer(
    open_kb: Opener, write_jsonl: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    point = EntryPoint("nearest.embedded", f"{__name__}:NearestStore", STORES.group)
    with monkeypatch.context() as patched:
        patched.setitem(STORES._own, point.name, point)
        made = open_kb(**NEAREST)
        made.ingest([write_jsonl(FRAM)])
        made.close()
    kb = open_kb(**NEAREST)
    missing = "unknown kind of store 'nearest'.*install the package that brings it"
    with pytest.raises(SearchError, match=missing):
        kb.search("Who designed the Fram?")
    found = kb.search("Who designed the Fram?", on_error="skip")
    assert [evidence.document for evidence in found] == ["fram"]
    with pytest.raises(ConfigError, match=missing):
        kb.ingest([write_jsonl({"text": "Another."}, name="other.jsonl")])
