"""The connection of the Qdrant store: its client, and what goes wrong as `StoreError`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from math import ceil
from pathlib import Path
from typing import Any, TypeVar

import httpx
from qdrant_client import QdrantClient
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from hetarag.errors import HetaRAGError, StoreError, StoreTimeoutError
from hetarag.stores.adapter import check_deadline
from hetarag.stores.addresses import ServerAddress
from hetarag.types import StoreKind

T = TypeVar("T")

LOCAL = "qdrant+local"
_PATIENCE = 60  # seconds that a call without a deadline may take, unless the address says else
_CLOSE_SECONDS = 5.0


class Connection:
    """Calls to the server about one collection; nothing is sent before the first."""

    kind: StoreKind = "vector"

    def __init__(self, address: ServerAddress, folder: Path, name: str) -> None:
        self._address = address
        self._name = name
        self._closed = False
        self._inside = 0  # calls that use the client now
        self._counting = threading.Lock()
        self._ended = threading.Event()
        self._patience = address.number("timeout", 1, 3600) or _PATIENCE
        self.local = address.scheme == LOCAL
        # The client on its own is written for one thread.
        self._calls: AbstractContextManager[Any] = (
            threading.RLock() if self.local else nullcontext()
        )
        self.gone = False
        """Set when the server said that the collection is not there."""
        self._client = self._opened(folder)

    def _opened(self, folder: Path) -> QdrantClient:
        try:
            return client_of(self._address, folder, self._patience)
        except HetaRAGError:
            raise
        except Exception as error:
            raise self._explained("open", error, None) from error

    def close(self) -> None:
        """Let no call begin and close the connections; a second call does nothing.

        A socket that is closed under a thread that waits for it can keep that thread waiting, so the
        connections stay until the last call has ended. It is waited for, a few seconds where it is a
        server's; the folder of the client on its own is free on return.
        """
        with self._counting:
            first, self._closed = not self._closed, True
            idle = not self._inside
        if first and idle:
            self._end()
        self._ended.wait(None if self.local else _CLOSE_SECONDS)

    def _end(self) -> None:
        try:
            self._client.close()
        finally:
            self._ended.set()

    @contextmanager
    def _call(self) -> Iterator[QdrantClient]:
        """Yield the client for one call; the last one after `close` ends the connections."""
        with self._counting:
            if self._closed:
                raise self.is_closed()
            self._inside += 1
        try:
            with self._calls:
                yield self._client
        finally:
            with self._counting:
                self._inside -= 1
                last = self.closed and not self._inside
            if last:
                with suppress(Exception):  # the call itself went well
                    self._end()

    @property
    def closed(self) -> bool:
        """Tell whether `close` was called."""
        return self._closed

    def seconds(self, deadline: float | None) -> int:
        """Return the time a call may take; the engine takes whole seconds only."""
        left = self._patience if deadline is None else deadline - time.monotonic()
        return max(1, ceil(left))

    def run(
        self, action: str, call: Callable[[QdrantClient], T], deadline: float | None = None
    ) -> T:
        """Call the engine; `action` completes "could not … the collection"."""
        check_deadline(self.kind, deadline)
        try:
            with self._call() as client:
                return call(client)
        except HetaRAGError:
            raise
        except Exception as error:
            raise self._explained(action, error, deadline) from error

    def _explained(self, action: str, error: Exception, deadline: float | None) -> StoreError:
        setting, where = self._address.setting, self._address.where
        code = error.code().name if hasattr(error, "code") and callable(error.code) else ""
        cause = error.source if isinstance(error, ResponseHandlingException) else error
        status = error.status_code if isinstance(error, UnexpectedResponse) else None
        if (
            isinstance(cause, httpx.TimeoutException)
            or code == "DEADLINE_EXCEEDED"
            or status == 408
        ):
            return self.late(deadline)
        if isinstance(cause, httpx.TransportError) or code == "UNAVAILABLE":
            advice = f"start the server or correct {setting}; what is owed is written later"
            return self.failed(action, f"no connection to {where}: {_reason(cause)}", advice)
        if status in (401, 403) or code in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
            return self.failed(action, f"{where} refuses who asks", f"correct api_key in {setting}")
        if status == 404 or code == "NOT_FOUND":
            self.gone = True
        return self.failed(action, _reason(error), f"look at the server and at {setting}")

    def failed(self, action: str, reason: str, advice: str) -> StoreError:
        """Return an error that names the collection, without secrets."""
        text = f"could not {action} the collection {self._name}: {reason}; {advice}"
        return StoreError(self.kind, self._address.safe(text))

    def late(self, deadline: float | None) -> StoreTimeoutError:
        """Return the error for a call that took too long."""
        check_deadline(self.kind, deadline)
        return StoreTimeoutError(
            self.kind,
            f"{self._address.where}: no answer in time; look at the server, or allow more with "
            f"?timeout=SECONDS in {self._address.setting}",
        )

    def is_closed(self) -> StoreError:
        """Return the error for calls after `close`."""
        return StoreError(self.kind, "is closed; open the knowledge base again")


def client_of(address: ServerAddress, folder: Path, patience: int) -> QdrantClient:
    """Return a client; to a server it connects when it is first used."""
    if address.scheme == LOCAL:
        if address.hosts or address.path:
            raise address.wrong(
                "qdrant+local:// has no host and no path: it uses the store's folder"
            )
        return QdrantClient(path=str(folder / "qdrant"), force_disable_check_same_thread=True)
    if len(address.hosts) != 1 or address.user or address.password:
        raise address.wrong("the address has one host and no user: http://host:6333?api_key=KEY")
    ((host, port),) = address.hosts
    return QdrantClient(
        host=host,
        port=port,
        grpc_port=address.number("grpc_port", 1, 65535) or 6334,
        prefer_grpc=address.flag("grpc", False),
        https=address.scheme == "https",
        prefix=address.path or None,
        api_key=address.text("api_key"),
        timeout=patience,
        check_compatibility=False,  # it would connect at once
    )


def _reason(error: Exception) -> str:
    # An error of gRPC prints its whole inside; its details are what happened.
    details = getattr(error, "details", None)
    text = details() if callable(details) else str(error)
    return " ".join(str(text).split())[:300] or type(error).__name__
