"""The connection of the Elasticsearch store: its client, and what goes wrong as `StoreError`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import elasticsearch
from elasticsearch import Elasticsearch

from hetarag.errors import HetaRAGError, StoreError, StoreTimeoutError
from hetarag.stores.adapter import check_deadline
from hetarag.stores.addresses import ServerAddress
from hetarag.types import StoreKind

T = TypeVar("T")

_PATIENCE = 60  # seconds that a call without a deadline may take, unless the address says else


class Connection:
    """Calls to the server about one alias; nothing is sent before the first."""

    kind: StoreKind = "fulltext"

    def __init__(self, address: ServerAddress, alias: str) -> None:
        self._address = address
        self._alias = alias
        self._client = client_of(address)
        self._closed = False
        self.patience = float(address.number("timeout", 1, 3600) or _PATIENCE)
        self.gone = False
        """Set when the server said that the alias is not there."""

    def close(self) -> None:
        """Close the connections; a second call does nothing."""
        if not self._closed:
            self._closed = True
            self._client.close()

    @property
    def closed(self) -> bool:
        """Tell whether `close` was called."""
        return self._closed

    def left(self, deadline: float | None) -> float:
        """Return how many seconds a call may take."""
        return self.patience if deadline is None else max(0.01, deadline - time.monotonic())

    def run(
        self, action: str, call: Callable[[Elasticsearch], T], deadline: float | None = None
    ) -> T:
        """Call the server; `action` completes "could not … the index"."""
        if self._closed:
            raise self.is_closed()
        check_deadline(self.kind, deadline)
        try:
            return call(self._client.options(request_timeout=self.left(deadline)))
        except HetaRAGError:
            raise
        except Exception as error:
            if self._closed:
                raise self.is_closed() from None
            raise self._explained(action, error, deadline) from error

    def _explained(self, action: str, error: Exception, deadline: float | None) -> StoreError:
        where, setting = self._address.where, self._address.setting
        if isinstance(error, elasticsearch.ConnectionTimeout):
            return self.late(deadline)
        if isinstance(error, elasticsearch.SSLError):
            advice = f"check the certificate, and ca_certs and verify_certs in {setting}"
            return self.failed(action, f"no trusted connection to {where}: {error.message}", advice)
        if isinstance(error, elasticsearch.ConnectionError):
            advice = f"start the server or correct {setting}; what is owed is written later"
            return self.failed(action, f"no connection to {where}: {error.message}", advice)
        if isinstance(error, elasticsearch.AuthenticationException):
            advice = f"correct the user and password, or api_key, in {setting}"
            return self.failed(action, f"{where} refuses who asks (401)", advice)
        if isinstance(error, elasticsearch.UnsupportedProductError):
            return self.failed(action, f"{where} is no Elasticsearch", f"correct {setting}")
        if isinstance(error, elasticsearch.ApiError):
            if error.status_code in (404, 410):
                self.gone = True
            if _is_late(error):
                return self.late(deadline)
            if "media_type_header_exception" in str(error.body):
                client = ".".join(map(str, elasticsearch.__version__))
                return self.failed(
                    action,
                    f"elasticsearch-py {client} is newer than the server at {where}",
                    f"install the server's major version of it (pip install 'elasticsearch<"
                    f"{elasticsearch.__version__[0]}'), or a newer server",
                )
            body = error.body if isinstance(error.body, Mapping) else {}
            return self.refused(action, body.get("error", f"HTTP status {error.status_code}"))
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        return self.failed(action, reason, f"look at the server at {where} and at {setting}")

    def refused(self, action: str, error: Any) -> StoreError:
        """Return the error for what the server refused; `error` is its answer."""
        advice = f"look at the log of the server at {self._address.where}"
        return self.failed(action, reason(error), advice)

    def foreign(self, what: str) -> StoreError:
        """Return the error for an alias that hetarag did not make."""
        advice = (
            f"give this knowledge base a prefix of its own: ?prefix=NAME in {self._address.setting}"
        )
        return self.failed("use", f"the alias {self._alias} {what}", advice)

    def failed(self, action: str, reason: str, advice: str) -> StoreError:
        """Return an error that names the alias, without secrets."""
        text = f"could not {action} the index {self._alias}: {reason}; {advice}"
        return StoreError(self.kind, self._address.safe(text))

    def late(self, deadline: float | None) -> StoreTimeoutError:
        """Return the error for a call that took too long."""
        if deadline is not None:
            reason = "no answer within the deadline; allow more with the setting search.deadline"
        else:
            reason = (
                f"no answer within {self.patience:g} s; look at the server, or allow more with "
                f"?timeout=SECONDS in {self._address.setting}"
            )
        return StoreTimeoutError(self.kind, f"{self._address.where}: {reason}")

    def is_closed(self) -> StoreError:
        """Return the error for calls after `close`."""
        return StoreError(self.kind, "is closed; open the knowledge base again")


def client_of(address: ServerAddress) -> Elasticsearch:
    """Return a client; it connects when it is first used."""
    if not address.hosts:
        raise address.wrong("the address needs a host: elasticsearch+http://host:9200")
    secure = address.scheme.endswith("https")
    key, certificates = address.text("api_key"), address.file("ca_certs")
    verify = address.flag("verify_certs", True)
    if key and address.user:
        raise address.wrong("the address has a user and an api_key; leave one of them out")
    if (address.user is None) != (address.password is None):
        raise address.wrong("the address needs a user and a password, or neither")
    if not secure and (certificates or not verify):
        raise address.wrong("ca_certs and verify_certs are for elasticsearch+https://")
    way = {"verify_certs": verify, "ssl_show_warn": False} if secure else {}
    if certificates:
        way["ca_certs"] = certificates  # type: ignore[assignment]
    scheme, path = ("https" if secure else "http"), f"/{address.path}" if address.path else ""
    return Elasticsearch(
        [f"{scheme}://{host}:{port}{path}" for host, port in address.hosts],
        basic_auth=(address.user, address.password) if address.user and address.password else None,
        api_key=key,
        connections_per_node=32,
        **way,  # type: ignore[arg-type]
    )


def reason(error: Any) -> str:
    """Return what the server says is wrong."""
    if not isinstance(error, Mapping):
        return str(error)[:300]
    cause = next(iter(error.get("root_cause") or [error]))
    return f"{cause.get('type')}: {cause.get('reason')}"[:300]


def _is_late(error: elasticsearch.ApiError) -> bool:
    """Tell whether the engine itself ended the call for lack of time."""
    return error.status_code in (408, 504) or "Time exceeded" in str(error.body)
