"""What belongs to Elasticsearch alone, on a real server: its index, its refusals, its absence."""

from __future__ import annotations

import importlib
import re
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hetarag.testing.records import chunk, digests_of, query_for, query_for_all, run_together

pytest.importorskip("elasticsearch", reason="needs the extra hetarag[servers]")

from hetarag.errors import StoreError, StoreTimeoutError
from hetarag.stores.fulltext import elasticsearch as adapter
from hetarag.stores.fulltext.elasticsearch import ElasticsearchStore
from hetarag.stores.registry import StoreOptions
from tests.servers.elasticsearch_server import PASSWORD, ElasticsearchServer
from tests.servers.process import free_port

RECORDS = [chunk(number) for number in range(6)]
PREFIX = "special"
ALIAS = f"{PREFIX}-fulltext"


def opened(address: str, prefix: str = PREFIX) -> ElasticsearchStore:
    return ElasticsearchStore.open(address, Path("unused"), StoreOptions(prefix=prefix))


@pytest.fixture
def server(elasticsearch_server: ElasticsearchServer) -> Iterator[ElasticsearchServer]:
    """The session's server, left empty."""
    yield elasticsearch_server
    elasticsearch_server.clear()


@pytest.fixture
def store(server: ElasticsearchServer) -> Iterator[ElasticsearchStore]:
    store = opened(server.address)
    yield store
    store.close()


def everything(store: ElasticsearchStore) -> set[str]:
    return {hit.id for hit in store.search(query_for_all(), 100)}


# ---------------------------------------------------------------- the client


def test_a_client_that_is_newer_than_the_server_is_said(
    server: ElasticsearchServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client asks for its own version's answers, and an older server refuses that."""
    base = importlib.import_module("elasticsearch._sync.client._base")
    newer = re.sub(
        r"(?<=with=)\d+", lambda found: str(int(found[0]) + 1), base._COMPAT_MIMETYPE_SUB
    )
    monkeypatch.setattr(base, "_COMPAT_MIMETYPE_SUB", newer)
    store = opened(server.address)
    with pytest.raises(StoreError, match=r"newer than the server.*pip install 'elasticsearch<"):
        list(store.scan())
    assert "newer than the server" in store.health().detail
    store.close()


def test_a_server_that_is_too_old_is_refused() -> None:
    """No old server is at hand: this one says what one of version 7 says of itself."""

    class Old(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"version": {"number": "7.17.9"}}'
            self.send_response(200)
            self.send_header("X-Elastic-Product", "Elasticsearch")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Old) as old:
        threading.Thread(target=old.serve_forever, daemon=True).start()
        store = opened(f"elasticsearch+http://127.0.0.1:{old.server_port}")
        with pytest.raises(
            StoreError, match=r"version 7\.17\.9; Elasticsearch 8 and 9 are supported"
        ):
            store.apply(RECORDS)
        store.close()
        old.shutdown()


# ---------------------------------------------------------------- the index


def test_alias_template_and_mapping(server: ElasticsearchServer) -> None:
    store = opened(server.address + "?shards=2&replicas=0&prefix=mine")
    assert store.health().ok
    with server.client() as client:
        (name, index), *rest = client.indices.get(index="mine-special-fulltext").items()
        template = client.indices.get_index_template(name="mine-special-fulltext")
    assert (name, rest) == ("mine-special-fulltext-000001", [])
    assert index["mappings"]["dynamic"] == "strict"
    settings = index["settings"]["index"]
    assert (settings["number_of_shards"], settings["number_of_replicas"]) == ("2", "0")
    assert len(template["index_templates"]) == 1
    store.apply(RECORDS)
    scores = [hit.score for hit in store.search(query_for_all(), 10)]
    assert len(scores) == 6
    assert len(set(scores)) == 1, "statistics are those of all shards together"
    store.close()


def test_the_alias_can_be_flipped_to_another_index(
    server: ElasticsearchServer, store: ElasticsearchStore
) -> None:
    store.apply(RECORDS[:2])
    old, new = f"{ALIAS}-000001", f"{ALIAS}-000002"
    with server.client() as client:
        client.indices.create(index=new)  # the template gives it settings and mapping
        client.indices.update_aliases(
            actions=[
                {"remove": {"index": old, "alias": ALIAS}},
                {"add": {"index": new, "alias": ALIAS, "is_write_index": True}},
            ]
        )
    assert dict(store.scan()) == {}
    store.apply(RECORDS[2:])
    assert dict(store.scan()) == digests_of(RECORDS[2:])
    again = opened(server.address)
    assert everything(again) == {record.id for record in RECORDS[2:]}
    again.close()


def test_a_name_that_someone_else_uses_is_refused(server: ElasticsearchServer) -> None:
    with server.client() as client:
        client.indices.create(index=ALIAS)
        client.indices.create(index="theirs", aliases={"other-fulltext": {}})
        client.indices.put_index_template(name="third-fulltext", index_patterns=["third-x*"])
        for prefix in (PREFIX, "other", "third"):
            store = opened(server.address, prefix)
            with pytest.raises(StoreError, match=r"not made by hetarag.*prefix=|which.*prefix="):
                store.apply(RECORDS)
            assert not store.health().ok
            store.close()
        assert client.count(index=f"{ALIAS},theirs")["count"] == 0
        assert not client.indices.exists(index="third-fulltext-000001")


def test_an_index_of_another_version_is_refused(server: ElasticsearchServer) -> None:
    meta = {"made_by": "hetarag", "format": "before"}
    with server.client() as client:
        client.indices.create(
            index=f"{ALIAS}-000001", aliases={ALIAS: {}}, mappings={"_meta": meta}
        )
    store = opened(server.address)
    with pytest.raises(StoreError, match=r"another version.*repair"):
        store.search(query_for_all(), 1)
    store.close()


def test_an_index_that_was_deleted_is_made_again(
    server: ElasticsearchServer, store: ElasticsearchStore
) -> None:
    store.apply(RECORDS)
    with server.client() as client:
        client.indices.delete(index=f"{ALIAS}-000001")
    with pytest.raises(StoreError, match=ALIAS):
        store.apply(RECORDS)
    with server.client() as client:
        assert not client.indices.exists(index=ALIAS), "a write made an index without mapping"
    store.apply(RECORDS)
    assert dict(store.scan()) == digests_of(RECORDS)


def test_several_that_begin_at_once_make_one_index(server: ElasticsearchServer) -> None:
    stores = [opened(server.address) for _ in range(4)]
    begin = [partial(store.apply, [RECORDS[n]]) for n, store in enumerate(stores)]
    assert run_together(*begin) == []
    assert dict(stores[0].scan()) == digests_of(RECORDS[:4])
    for store in stores:
        store.close()


def test_ids_that_no_index_can_hold_are_not_there(store: ElasticsearchStore) -> None:
    store.apply(RECORDS)
    odd = ["", "x" * 600, "\ud800", "é" * 300]
    assert store.digests(odd) == {}
    store.delete(odd)
    assert dict(store.scan()) == digests_of(RECORDS)


@pytest.mark.slow
def test_scores_forget_what_was_deleted(
    server: ElasticsearchServer, store: ElasticsearchStore
) -> None:
    store.apply(RECORDS)
    fresh = [hit.score for hit in store.search(query_for(RECORDS[0]), 6)]
    store.apply(RECORDS)
    store.delete([RECORDS[5].id])
    store.apply(RECORDS[5:])
    until = time.monotonic() + 3 * adapter.HISTORY
    while time.monotonic() < until:
        if [hit.score for hit in store.search(query_for(RECORDS[0]), 6)] == fresh:
            return
        time.sleep(1)
    pytest.fail("deleted documents still count")


# ---------------------------------------------------------------- refusals


def blocked(server: ElasticsearchServer, on: bool) -> None:
    """Set the block that a full disk sets: the server answers 429 to every item."""
    with server.client() as client:
        client.indices.put_settings(
            index=ALIAS, settings={"index.blocks.read_only_allow_delete": True if on else None}
        )


def test_rejected_items_are_sent_again(
    server: ElasticsearchServer, store: ElasticsearchStore
) -> None:
    store.apply(RECORDS[:1])
    blocked(server, True)
    release = threading.Timer(1.5, blocked, (server, False))
    release.start()
    store.apply(RECORDS[1:])
    release.join()
    assert dict(store.scan()) == digests_of(RECORDS)


def test_items_that_stay_rejected_are_reported(
    server: ElasticsearchServer, store: ElasticsearchStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "_RETRIES", 1)
    store.apply(RECORDS[:1])
    blocked(server, True)
    with pytest.raises(StoreError, match=r"5 of 5 items.*disk.*repair"):
        store.apply(RECORDS[1:])
    assert dict(store.scan()) == digests_of(RECORDS[:1])
    blocked(server, False)
    store.apply(RECORDS[1:])
    assert dict(store.scan()) == digests_of(RECORDS)


def test_an_item_that_can_never_be_written_is_named(store: ElasticsearchStore) -> None:
    immense = replace(RECORDS[1], tags=("x" * 40_000,))
    with pytest.raises(StoreError, match=f"1 of 3 items.*{immense.id}.*tags"):
        store.apply([RECORDS[0], immense, RECORDS[2]])
    assert everything(store) == {RECORDS[0].id, RECORDS[2].id}


def test_a_wrong_password_says_so_and_is_not_shown(server: ElasticsearchServer) -> None:
    wrong = f"elasticsearch+http://elastic:wr0ng@127.0.0.1:{server.port}"
    key = f"elasticsearch+http://127.0.0.1:{server.port}?api_key=d3JvbmcwOmtleXdyb25nMA=="
    for address, secret in ((wrong, "wr0ng"), (key, "d3Jvbmcw")):
        store = opened(address)
        with pytest.raises(StoreError, match=r"401.*stores\.fulltext") as caught:
            store.search(query_for_all(), 1)
        assert secret not in str(caught.value)
        assert secret not in store.health().detail
        store.close()


def test_https_against_a_plain_port(server: ElasticsearchServer) -> None:
    store = opened(server.address.replace("+http:", "+https:"))
    with pytest.raises(StoreError, match=r"connection to 127\.0\.0\.1.*stores\.fulltext") as caught:
        store.search(query_for_all(), 1)
    assert PASSWORD not in str(caught.value)
    store.close()


# ---------------------------------------------------------------- a server that is not there


def test_a_server_that_is_not_there_fails_when_it_is_asked() -> None:
    store = opened(f"elasticsearch+http://elastic:s3cret@127.0.0.1:{free_port()}")
    with pytest.raises(StoreError, match=r"no connection to 127.*stores\.fulltext") as caught:
        store.apply(RECORDS)
    assert "s3cret" not in str(caught.value)
    assert not store.health().ok
    store.close()


def test_a_frozen_server_is_late_and_thaws(server: ElasticsearchServer) -> None:
    store = opened(server.address + "?timeout=2")
    store.apply(RECORDS)
    fresh = opened(server.address)
    server.signal(signal.SIGSTOP)
    try:
        for asked in (store, fresh):
            began = time.monotonic()
            with pytest.raises(StoreTimeoutError, match=r"deadline"):
                asked.search(replace(query_for_all(), deadline=began + 1.0), 3)
            assert time.monotonic() - began < 1.6
        began = time.monotonic()
        with pytest.raises(StoreTimeoutError, match=r"2 s.*timeout="):
            store.apply(RECORDS[:1])
        assert time.monotonic() - began < 4
        assert not store.health().ok
    finally:
        server.signal(signal.SIGCONT)
    assert everything(store) == everything(fresh) == {record.id for record in RECORDS}
    for asked in (store, fresh):
        asked.close()


def test_a_restarted_server_has_its_data_and_is_found_again(
    server: ElasticsearchServer, store: ElasticsearchStore
) -> None:
    store.apply(RECORDS)
    server.process.stop()
    try:
        with pytest.raises(StoreError, match="no connection"):
            store.search(query_for_all(), 3)
        with pytest.raises(StoreError, match="no connection"):
            store.delete([RECORDS[0].id])
    finally:
        server.start()
    assert everything(store) == {record.id for record in RECORDS}
    store.delete([RECORDS[0].id])
    assert dict(store.scan()) == digests_of(RECORDS[1:])
