"""Addresses of servers: taken apart, or refused with what is wrong and without their secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from hetarag.config import redact
from hetarag.errors import ConfigError
from hetarag.stores.addresses import parse
from hetarag.stores.registry import StoreOptions, open_store
from hetarag.types import StoreKind


def test_an_address_is_taken_apart() -> None:
    address = parse(
        "fulltext",
        "Elasticsearch+http://el%40stic:p%2Fw%3A@one:1,[::1]:2,three/under/it/?shards=3&prefix=a+b%3D",
        9200,
        {"shards", "prefix"},
    )
    assert address.scheme == "elasticsearch+http"
    assert address.hosts == (("one", 1), ("[::1]", 2), ("three", 9200))
    assert (address.user, address.password, address.path) == ("el@stic", "p/w:", "under/it")
    assert address.number("shards", 1, 9) == 3
    assert address.text("prefix") == "a+b="
    assert address.where == "one:1, [::1]:2, three:9200"
    assert "p/w:" not in address.safe("the password p/w: is wrong")
    assert "p/w:" not in repr(address)


@pytest.mark.parametrize(
    ("kind", "address", "said"),
    [
        ("fulltext", "elasticsearch+http://u:secret@h?shard=1", "unknown 'shard'.*shards"),
        ("fulltext", "elasticsearch+http://u:secret@h?shards=0", "shards .*from 1 to"),
        ("fulltext", "elasticsearch+http://u:secret@h?shards=x", "shards .*from 1 to"),
        ("fulltext", "elasticsearch+http://u:secret@h?shards=1&shards=2", "shards is twice"),
        ("fulltext", "elasticsearch+http://u:secret@h?prefix=A*", "prefix"),
        ("fulltext", "elasticsearch+http://u:secret@h?api_key=secret", "user and an api_key"),
        ("fulltext", "elasticsearch+http://u:secret@h?verify_certs=false", r"\+https"),
        ("fulltext", "elasticsearch+https://u:secret@h?verify_certs=maybe", "true or false"),
        ("fulltext", "elasticsearch+https://u:secret@h?ca_certs=no/such/file", "ca_certs"),
        ("fulltext", "elasticsearch+http://u:sec/ret@h", "%2F"),
        ("fulltext", "elasticsearch+http://u:sec#ret@h", "%23"),
        ("fulltext", "elasticsearch+http://u:secret@h:99999", "host and port"),
        ("fulltext", "elasticsearch+http://u:secret@", "host"),
        ("fulltext", "elasticsearch+http://u@h", "user and a password"),
        ("vector", "http://h?api_key=secret&quantization=int4", "int8"),
        ("vector", "http://h?api_key=secret&color=red", "unknown 'color'.*api_key"),
        ("vector", "http://h,h2?api_key=secret", "one host"),
        ("vector", "http://u:secret@h", "api_key"),
        ("vector", "qdrant+local://host", "no host"),
        ("vector", "qdrant+local://?api_key=secret", "unknown 'api_key'"),
    ],
)
def test_what_cannot_be_used_is_named(
    kind: StoreKind, address: str, said: str, tmp_path: Path
) -> None:
    pytest.importorskip("elasticsearch", reason="needs the extra hetarag[servers]")
    with pytest.raises(ConfigError, match=said) as caught:
        open_store(kind, address, tmp_path, StoreOptions(8))
    assert f"stores.{kind}" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_keys_in_addresses_are_not_shown() -> None:
    shown = redact("nosuch://u:secret@h:1/x?a=1&api_key=secret&b=2")
    assert shown == "nosuch://u:***@h:1/x?a=1&api_key=***&b=2"
