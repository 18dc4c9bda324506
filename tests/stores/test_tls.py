"""Servers behind TLS: a certificate that is trusted is used, one that is not is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from store_samples import chunk

from hetarag.errors import StoreError
from hetarag.protocols import Store
from hetarag.stores.registry import StoreOptions, open_store
from hetarag.types import StoreKind
from tests.servers.certificates import certificate
from tests.servers.proxy import Proxy

RECORDS = [chunk(number) for number in range(3)]
Opened = tuple[StoreKind, str, Path]


@pytest.fixture(params=["fulltext", "graph", "vector"])
def behind_tls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    """A store's kind, its address through TLS, and the certificate to trust."""
    trusted, context = certificate(tmp_path)
    kind: StoreKind = request.param
    if kind == "fulltext":
        pytest.importorskip("elasticsearch", reason="needs the extra hetarag[servers]")
        server = request.getfixturevalue("elasticsearch_server")
        request.addfinalizer(server.clear)
        plain, secure = server.address, server.address.replace("+http:", "+https:")
    elif kind == "graph":
        plain = request.getfixturevalue("neo4j_address")
        secure = plain.replace("bolt:", "bolt+s:")
    else:
        plain = request.getfixturevalue("qdrant_http_address")
        secure = plain.replace("http:", "https:")
    port = urlsplit(plain).port
    assert port is not None
    with Proxy(port, tls=context) as proxy:
        yield kind, proxy.in_front_of(secure), trusted


def opened(kind: StoreKind, address: str, tmp_path: Path) -> Store:
    return open_store(kind, address, tmp_path, StoreOptions(prefix="hetarag-tls", dimension=8))


def written(store: Store) -> None:
    try:
        store.apply(RECORDS)
        assert dict(store.scan()) == {record.id: record.digest for record in RECORDS}
        store.delete([record.id for record in RECORDS])
    finally:
        store.close()


def test_a_trusted_certificate_is_used(
    behind_tls: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, address, trusted = behind_tls
    if kind == "fulltext":
        address += f"?ca_certs={trusted}"
    else:  # the machine's own trust, as OpenSSL reads it
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    written(opened(kind, address, tmp_path))


def test_one_that_nobody_trusts_is_refused(behind_tls: Opened, tmp_path: Path) -> None:
    kind, address, _ = behind_tls
    store = opened(kind, address, tmp_path)
    with pytest.raises(StoreError, match=rf"127\.0\.0\.1.*stores[\].]? ?{kind}") as caught:
        store.apply(RECORDS)
    assert "s3cret" not in str(caught.value)
    store.close()


def test_checking_can_be_left_out(behind_tls: Opened, tmp_path: Path) -> None:
    kind, address, _ = behind_tls
    if kind == "vector":
        pytest.skip("Qdrant's client checks in any case")
    unchecked = {
        "fulltext": f"{address}?verify_certs=false",
        "graph": address.replace("+s:", "+ssc:"),
    }
    written(opened(kind, unchecked[kind], tmp_path))
