"""The connection to a Neo4j server: its address, transactions with a time limit, clear errors.

The driver's asynchronous form runs in one thread of its own: only so can a call that a frozen server
never answers be ended at its deadline, the connection with it. Nothing is sent before the first
call, so a server that is down does not keep a knowledge base from being opened.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

from neo4j import (
    AsyncDriver,
    AsyncGraphDatabase,
    AsyncManagedTransaction,
    unit_of_work,
)
from neo4j.api import READ_ACCESS, WRITE_ACCESS
from neo4j.exceptions import (
    AuthError,
    ClientError,
    ConnectionAcquisitionTimeoutError,
    Neo4jError,
    ServiceUnavailable,
    SessionExpired,
)

from hetarag.config import redact
from hetarag.errors import StoreError, StoreTimeoutError
from hetarag.stores.adapter import check_deadline

# What the driver warns of while it tries again reaches callers as an error when it fails.
logging.getLogger("neo4j").addHandler(logging.NullHandler())

T = TypeVar("T")
Work = Callable[[AsyncManagedTransaction], Awaitable[T]]
Rows = list[list[Any]]

_PATIENCE = 120.0  # seconds for a call without a deadline
_RETRY_SECONDS = 5.0  # of the driver, for what may pass: a leader elected, a restart, a deadlock
_CONNECT_SECONDS = 10.0
_IDLE_SECONDS = 5.0  # a connection idle for longer is tried before it is used
_GRACE = 1.0
_CLOSE_SECONDS = 5.0
_TIMED_OUT = "TransactionTimedOut"
_MADE_MEANWHILE = "Neo.ClientError.Schema.EquivalentSchemaRuleAlreadyExists"
_LEAST_VERSION = 5


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is: `uri` without user and password, which stand apart."""

    uri: str
    user: str
    password: str
    database: str | None

    @classmethod
    def of(cls, address: str) -> Address:
        """Take `scheme://user:password@host:port?database=name` apart.

        Raises:
            StoreError: it has no host, or a path or parameter that means nothing here.
        """
        try:
            parts = urlsplit(address)
            host, port = parts.hostname, parts.port
        except ValueError:
            host = port = None
        if not host:
            raise _wrong("it has no host or a port that is no number")
        if parts.path not in ("", "/") or parts.fragment:
            raise _wrong("nothing may follow the port but ?database=name")
        given = dict(parse_qsl(parts.query, keep_blank_values=True))
        unknown = sorted(given.keys() - {"database"})
        if unknown:
            raise _wrong(f"unknown parameter {', '.join(unknown)}; known: database")
        place = f"[{host}]" if ":" in host else host
        return cls(
            f"{parts.scheme.lower()}://{place}:{port or 7687}",
            unquote(parts.username or ""),
            unquote(parts.password or ""),
            given.get("database") or None,
        )


class Neo4jConnection:
    """Transactions on one database of a server, from any thread."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._driver: AsyncDriver | None = None
        self._closed = False
        self._bookmarks = AsyncGraphDatabase.bookmark_manager()

    @property
    def shown(self) -> str:
        """The address without its secrets, for messages."""
        return self._address.uri

    def read(self, work: Work[T], action: str, deadline: float | None = None) -> T:
        """Run `work` in a transaction that reads; in a cluster followers serve it."""
        return self._run(work, action, READ_ACCESS, deadline)

    def write(self, work: Work[T], action: str) -> T:
        """Run `work` in a transaction that writes; it may run again when that may help."""
        return self._run(work, action, WRITE_ACCESS, None)

    def rows(
        self, statement: str, action: str, deadline: float | None = None, **parameters: Any
    ) -> Rows:
        """Return the rows of one statement that reads."""
        return self.read(lambda tx: rows(tx, statement, **parameters), action, deadline)

    def version(self, deadline: float | None = None) -> str:
        """Return the server's version, such as "5.26.30".

        Raises:
            StoreError: it does not answer, or is older than what is supported.
        """

        async def ask(tx: AsyncManagedTransaction) -> str:
            result = await tx.run("RETURN 1")
            return (await result.consume()).server.agent

        version = self.read(ask, "ask the server for its version", deadline).rpartition("/")[2]
        first = version.partition(".")[0]
        if first.isdigit() and int(first) < _LEAST_VERSION:
            raise StoreError(
                "graph",
                f"{self.shown} is Neo4j {version}, the oldest that can be used is "
                f"{_LEAST_VERSION}: upgrade the server",
            )
        return version

    def close(self) -> None:
        """Give back all connections; a second call does nothing."""
        with self._lock:
            self._closed = True
            loop, self._loop = self._loop, None
            driver, self._driver = self._driver, None
        if loop is None:
            return
        ending = asyncio.run_coroutine_threadsafe(_end(driver), loop)
        try:
            ending.result(_CLOSE_SECONDS + _GRACE)
        except Exception:
            ending.cancel()  # the server is frozen: its connections end with the process
        loop.call_soon_threadsafe(loop.stop)

    def check_open(self) -> None:
        """Raise `StoreError` when it has been closed."""
        if self._closed:
            raise StoreError("graph", "is closed; open the knowledge base again")

    # ------------------------------------------------------------ inside

    def _run(self, work: Work[T], action: str, mode: str, deadline: float | None) -> T:
        check_deadline("graph", deadline)
        limit = _PATIENCE if deadline is None else deadline - time.monotonic()
        with self._translated(action, deadline):
            with self._lock:  # so that `close` finds all that has begun
                loop = self._started()
                running = asyncio.run_coroutine_threadsafe(self._within(work, mode, limit), loop)
            try:
                return running.result(limit + _GRACE)
            finally:
                running.cancel()

    async def _within(self, work: Work[T], mode: str, limit: float) -> T:
        # The server ends the transaction by itself; the client stops waiting in any case.
        timed: Work[T] = unit_of_work(timeout=limit)(work)
        async with (
            asyncio.timeout(limit),
            self._connected().session(
                database=self._address.database,
                default_access_mode=mode,
                bookmark_manager=self._bookmarks,
            ) as session,
        ):
            if mode == READ_ACCESS:
                return await session.execute_read(timed)
            try:
                return await session.execute_write(timed)
            except ClientError as error:
                # "IF NOT EXISTS" does not see an index that another writer is making just now.
                if error.code != _MADE_MEANWHILE:
                    raise
                return await session.execute_write(timed)

    def _connected(self) -> AsyncDriver:
        if self._driver is None:
            address = self._address
            self._driver = AsyncGraphDatabase.driver(
                address.uri,
                auth=(address.user, address.password) if address.user else None,
                max_transaction_retry_time=_RETRY_SECONDS,
                connection_timeout=_CONNECT_SECONDS,
                liveness_check_timeout=_IDLE_SECONDS,
                notifications_min_severity="OFF",
                user_agent="hetarag",
            )
        return self._driver

    def _started(self) -> asyncio.AbstractEventLoop:
        self.check_open()
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(
                target=_serve, args=(self._loop,), name="hetarag-neo4j", daemon=True
            ).start()
        return self._loop

    @contextmanager
    def _translated(self, action: str, deadline: float | None) -> Iterator[None]:
        try:
            yield
        except StoreError:
            raise
        except TimeoutError:
            self._late(deadline)
        except AuthError as error:
            self._failed(action, error, "check user and password in the setting stores.graph")
        except (
            ServiceUnavailable,
            SessionExpired,
            ConnectionAcquisitionTimeoutError,
            OSError,
        ) as e:
            self._failed(
                action,
                e,
                "check that the server runs and that the setting stores.graph has its host, port "
                "and kind of encryption; what it is owed is delivered when it is back",
            )
        except Neo4jError as error:
            if _TIMED_OUT in (error.code or ""):
                self._late(deadline)
            self._failed(action, error, "see the server's log; `hetarag repair` mends the store")
        except Exception as error:
            self.check_open()  # another thread closed it meanwhile
            self._failed(action, error, "check the setting stores.graph and the server's log")

    def _late(self, deadline: float | None) -> NoReturn:
        if deadline is None:
            raise StoreTimeoutError(
                "graph", f"{self.shown} gave no answer within {_PATIENCE:.0f} s; see its log"
            ) from None
        check_deadline("graph", deadline)
        raise StoreTimeoutError("graph", f"{self.shown} ended the search at its deadline") from None

    def _failed(self, action: str, error: Exception, advice: str) -> NoReturn:
        # No chained cause: a driver's traceback may hold what it was called with.
        message = getattr(error, "message", None) or str(error)
        reason = redact(" ".join(str(message).split()))[:500] or type(error).__name__
        secret = self._address.password
        if secret and secret in reason:
            reason = reason.replace(secret, "***")
        raise StoreError(
            "graph", f"could not {action} at {self.shown}: {reason}; {advice}"
        ) from None


async def rows(tx: AsyncManagedTransaction, statement: str, **parameters: Any) -> Rows:
    """Return the rows of a statement of ours; what comes from users is in `parameters`."""
    result = await tx.run(statement, parameters)
    return await result.values()


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.close()


async def _end(driver: AsyncDriver | None) -> None:
    """Stop whatever still runs, so that no thread waits for it in vain, and close the driver."""
    running = asyncio.all_tasks() - {asyncio.current_task()}
    for task in running:
        task.cancel()
    async with asyncio.timeout(_CLOSE_SECONDS):
        await asyncio.gather(*running, return_exceptions=True)
        if driver is not None:
            await driver.close()


def _wrong(reason: str) -> StoreError:
    return StoreError(
        "graph",
        f"setting stores.graph: {reason}; the form is bolt://user:password@host:7687?database=name",
    )
