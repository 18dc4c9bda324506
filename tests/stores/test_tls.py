"""Servers behind TLS: a certificate that is trusted is used, one that is not is refused."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from hetarag.errors import LedgerError, StoreError
from hetarag.ledger.database import connect
from hetarag.protocols import Store
from hetarag.stores.registry import StoreOptions, open_store
from hetarag.testing.records import chunk
from hetarag.types import StoreKind
from tests.servers.certificates import certificate
from tests.servers.database_servers import DATABASES, PASSWORD, DatabaseServer
from tests.servers.proxy import Proxy
from tests.servers.running import database_server

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


# ---------------------------------------------------------------- databases, which speak TLS themselves

SERVES = {
    "postgresql": "-c ssl=on -c ssl_cert_file={0}/trusted.pem -c ssl_key_file={0}/private.pem",
    "mariadb": "--ssl-cert={0}/trusted.pem --ssl-key={0}/private.pem",
}
TRUSTS = {"postgresql": "?sslmode=verify-full&sslrootcert={}", "mariadb": "?ssl_ca={}"}


@pytest.fixture(scope="module", params=[*DATABASES])
def database_with_tls(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[DatabaseServer, str]]:
    """A server of this module's own, and how an address names the certificate to trust."""
    database_server(request.param)  # skips where there is none
    folder = tmp_path_factory.mktemp("tls")
    certificate(folder)

    class Secure(DATABASES[request.param]):  # type: ignore[name-defined, misc, valid-type]
        def command(self) -> list[str]:
            return [*super().command(), *SERVES[request.param].format(folder).split()]

    server = Secure(folder / "server")
    private = folder / "private.pem"
    private.chmod(0o600)
    if os.geteuid() == 0:
        shutil.chown(private, server._owner().pw_uid)
    server.start()
    yield server, TRUSTS[request.param]
    server.stop()


def test_databases_with_a_trusted_certificate_are_used(
    database_with_tls: tuple[DatabaseServer, str], tmp_path: Path
) -> None:
    server, trusts = database_with_tls
    address = server.new_database() + trusts.format(server.folder.parent / "trusted.pem")
    connect(address, tmp_path).dispose()
    store = open_store("sql", address, tmp_path, StoreOptions())
    assert store.health().ok
    store.close()


def test_databases_that_nobody_trusts_are_refused(
    database_with_tls: tuple[DatabaseServer, str], tmp_path: Path
) -> None:
    server, trusts = database_with_tls
    other, _ = certificate(tmp_path)
    address = server.new_database() + trusts.format(other)
    with pytest.raises(StoreError, match=r"(?i)certificate") as caught:
        open_store("sql", address, tmp_path, StoreOptions())
    assert PASSWORD not in str(caught.value)
    with pytest.raises(LedgerError, match=r"(?i)certificate") as told:
        connect(address, tmp_path)
    assert PASSWORD not in str(told.value)
