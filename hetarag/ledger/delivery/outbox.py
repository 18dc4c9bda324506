"""The outbox: brings the stores up to the ledger, a batch at a time, safe to kill at any point.

A batch is claimed, the store is asked which of its ids it already holds, the missing records are
written and durable, and only then is the batch acknowledged. Versions that all stores then have
become visible in the same transaction. A store that is down keeps its part of the outbox; the others
go on.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import product
from threading import Event, Thread

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, select, update

from hetarag.errors import LedgerError, StoreError
from hetarag.ledger.delivery.record_builder import Destination, RecordReader
from hetarag.ledger.dialects import clock
from hetarag.ledger.schema import outbox, staged_rows, versions
from hetarag.ledger.session import Ledger, batched
from hetarag.ledger.steps import Step, reached
from hetarag.ledger.writing.segments import CHARACTERS, Segment
from hetarag.ledger.writing.versions import VersionWriter
from hetarag.protocols import Store

LEASE = 60.0
"""Seconds after which another process may take over what its owner has not renewed."""
_EMBEDDED_LEASE = 600.0  # nobody else is there to take it over, so nothing is renewed
_RETRY = 30.0  # seconds that a refused segment waits, doubled each time (but see `_probe`)

Opener = Callable[[], Store]
Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class _Claim:
    number: int
    attempts: int
    segment: Segment


class Outbox:
    """Writes what stores are owed.

    `stores` opens a store by its name when first needed, `order` returns the names in the order of
    delivery, and `rows_in` is the store that rows of tables are read back from, if there is one.

    A claim holds for `lease` seconds by the database's clock; it is renewed while its batch is being
    delivered, so that only what a killed or frozen process had claimed goes to another one.
    """

    def __init__(
        self,
        ledger: Ledger,
        writer: VersionWriter,
        records: RecordReader,
        stores: Mapping[str, Opener],
        *,
        order: Callable[[], Sequence[str]],
        rows_in: str | None,
        batch: int,
        lease: float = LEASE,
    ) -> None:
        self._ledger = ledger
        self._writer = writer
        self._records = records
        self._stores = stores
        self._order = order
        self._rows_in = rows_in
        self._batch = batch
        self._lease = _EMBEDDED_LEASE if ledger.embedded else lease
        # A number of a process may come again, in another container or after a restart.
        self._me = f"{socket.gethostname()[:60]}/{os.getpid()}/{uuid.uuid4().hex[:8]}"

    def drain(self, progress: Progress = lambda _store, _count: None) -> dict[str, str]:
        """Write all that is owed; return the reason for each store that could not take it.

        `progress` is told a store's name and how many records it took.
        """
        failed: dict[str, str] = {}
        with self._ledger.writing() as connection:
            self._writer.sweep(connection)
            refused = select(outbox.c.store, outbox.c.operation).where(_waits(connection))
            waiting = {(row.store, row.operation) for row in connection.execute(refused.distinct())}
        # All puts first: the last of them flips versions, and only then are removals owed.
        for operation, store in product(("put", "remove"), self._order()):
            if store in failed:
                continue
            try:
                if (store, operation) in waiting:
                    self._probe(store, operation, progress)
                while claims := self._claim(store, operation):
                    self._bring(store, operation, claims, progress)
            except StoreError as error:
                failed[store] = error.reason
        with self._ledger.writing() as connection:
            purged = self._writer.purge(connection)
        if purged:
            reached(Step.PURGED)
        return failed

    def owed(self) -> dict[str, int]:
        """Return how many segments each store is owed; stores with none are left out."""
        with self._ledger.reading() as connection:
            rows = connection.execute(
                select(outbox.c.store, func.count()).group_by(outbox.c.store)
            ).all()
        return {store: count for store, count in rows if store in self._stores}

    def errors(self) -> dict[str, str]:
        """Return the last reason of each store that could not take what it is owed."""
        with self._ledger.reading() as connection:
            rows = connection.execute(
                select(outbox.c.store, outbox.c.error)
                .where(outbox.c.error.is_not(None))
                .order_by(outbox.c.number)
            ).all()
        return {store: reason for store, reason in rows if store in self._stores}

    def release(self) -> None:
        """Give up all claims and waits: what processes that were killed had claimed is due at once.

        One that lives loses its claims too; what it then writes a second time is the same.
        """
        with self._ledger.writing() as connection:
            connection.execute(update(outbox).values(claimed_by=None, claimed_until=0.0))

    def _probe(self, store: str, operation: str, progress: Progress) -> None:
        """Try one of the segments that wait after a refusal; once one is taken, none waits longer.

        So what a server is owed reaches it with the first drain after its return, while one that
        refuses is asked once a drain. The one tried least comes first: what is refused for its own
        sake does not stand before the others.
        """
        claims = self._claim(store, operation, waiting=True)
        if not claims:  # others have them, or must go first
            return
        try:
            self._bring(store, operation, claims, progress)
        except StoreError:
            if not self._store(store).health().ok:
                raise
            return
        with self._ledger.writing() as connection:
            waiting = (outbox.c.store == store, _waits(connection))
            connection.execute(update(outbox).where(*waiting).values(claimed_until=0.0))

    def _claim(self, store: str, operation: str, *, waiting: bool = False) -> list[_Claim]:
        """Claim what is due, up to a batch; with `waiting`, one of the segments that are not."""
        with self._ledger.claiming() as connection:
            now = clock(connection)
            rows = connection.execute(
                select(outbox)
                .where(
                    outbox.c.store == store,
                    outbox.c.operation == operation,
                    _waits(connection) if waiting else outbox.c.claimed_until <= now,
                    *self._in_order(store, operation),
                )
                .order_by(*((outbox.c.attempts,) if waiting else ()), outbox.c.number)
                .limit(1 if waiting else self._batch)
                .with_for_update(skip_locked=True)
            ).all()
            claims: list[_Claim] = []
            count = size = 0
            for row in rows:
                count += row.last - row.first + 1
                size += row.size
                if claims and (count > self._batch or size > CHARACTERS):
                    break
                segment = Segment(
                    row.generation, row.part, row.table, row.first, row.last, row.size
                )
                claims.append(_Claim(row.number, row.attempts, segment))
            if claims:
                connection.execute(
                    update(outbox)
                    .where(outbox.c.number.in_([claim.number for claim in claims]))
                    .values(claimed_by=self._me, claimed_until=now + self._lease)
                )
        if claims:
            reached(Step.CLAIMED)
        return claims

    def _in_order(self, store: str, operation: str) -> list[ColumnElement[bool]]:
        """Return what keeps several processes from overtaking one another.

        Nothing is removed that is still being put, nothing put twice at a time, and rows wait until
        the store that they are read from has their table.
        """
        other = outbox.alias()
        same = (
            other.c.store == store,
            other.c.generation == outbox.c.generation,
            other.c.operation == "put",
        )
        if operation == "remove":
            return [~exists().where(*same)]
        segment = (
            other.c.number < outbox.c.number,
            other.c.claimed_by.is_not(None),
            other.c.part == outbox.c.part,
            other.c.table.is_not_distinct_from(outbox.c.table),
            other.c.first == outbox.c.first,
        )
        retired = versions.c.state == "retired"
        conditions = [
            ~exists().where(*same, *segment),
            ~exists().where(versions.c.generation == outbox.c.generation, retired),
        ]
        if self._rows_in not in (None, store):
            rows_in = other.c.store == self._rows_in
            owed = (rows_in, other.c.operation == "put", other.c.part == "table")
            mine = (other.c.generation == outbox.c.generation, other.c.table == outbox.c.table)
            conditions.append(~exists().where(*owed, *mine))
        return conditions

    def _bring(
        self, store: str, operation: str, claims: Sequence[_Claim], progress: Progress
    ) -> None:
        with self._renewed(claims):
            count = self._deliver(store, operation, claims)
        progress(store, count)

    def _deliver(self, store: str, operation: str, claims: Sequence[_Claim]) -> int:
        write = self._put if operation == "put" else self._remove
        try:
            count = write(store, [claim.segment for claim in claims])
        except StoreError as error:
            if len(claims) == 1 or not self._store(store).health().ok:
                self._postpone(claims, error)
                raise
            # The store is well and refuses something in the batch: find out what.
            return sum(self._deliver_alone(store, operation, claim) for claim in claims)
        except BaseException:
            self._let_go(claims)
            raise
        self._acknowledge(store, claims)
        return count

    def _deliver_alone(self, store: str, operation: str, claim: _Claim) -> int:
        try:
            return self._deliver(store, operation, [claim])
        except StoreError:
            return 0  # postponed; the others go on

    def _put(self, store: str, segments: Sequence[Segment]) -> int:
        opened = self._store(store)
        wanted = self._records.digests(segments, opened.takes)
        held = opened.digests(wanted.keys())
        missing = {key for key, digest in wanted.items() if held.get(key) != digest}
        reached(Step.COMPARED)
        if missing:
            destination = Destination(store, opened.takes)
            opened.apply(self._records.records(segments, destination, missing))
        reached(Step.APPLIED)
        return len(wanted)

    def _remove(self, store: str, segments: Sequence[Segment]) -> int:
        ids = self._records.ids(segments)
        self._store(store).delete(ids)
        reached(Step.REMOVED)
        return 0

    def _acknowledge(self, store: str, claims: Sequence[_Claim]) -> None:
        generations = sorted({claim.segment.generation for claim in claims})
        with self._ledger.writing() as connection:
            for part in batched([claim.number for claim in claims]):
                connection.execute(delete(outbox).where(outbox.c.number.in_(part)))
            if store == self._rows_in:
                written = [claim.segment.table for claim in claims]
                connection.execute(delete(staged_rows).where(staged_rows.c.table.in_(written)))
            for part in batched(generations):
                self._writer.flip(connection, part)
        reached(Step.ACKNOWLEDGED)

    def _postpone(self, claims: Sequence[_Claim], error: StoreError) -> None:
        wait = _RETRY * 2 ** min(claims[0].attempts, 7)
        with self._ledger.writing() as connection:
            connection.execute(
                update(outbox)
                .where(*self._mine(claims))
                .values(
                    claimed_by=None,
                    claimed_until=clock(connection) + wait,
                    attempts=outbox.c.attempts + 1,
                    error=error.reason[:1000],
                )
            )

    def _let_go(self, claims: Sequence[_Claim]) -> None:
        with self._ledger.writing() as connection:
            connection.execute(
                update(outbox).where(*self._mine(claims)).values(claimed_by=None, claimed_until=0.0)
            )

    @contextmanager
    def _renewed(self, claims: Sequence[_Claim]) -> Iterator[None]:
        """Renew the claims until the end of the block, from a thread of its own."""
        if self._ledger.embedded:
            yield
            return
        done = Event()
        renewer = Thread(target=self._renew, args=(claims, done), name="hetarag-lease", daemon=True)
        renewer.start()
        try:
            yield
        finally:
            done.set()
            renewer.join()

    def _renew(self, claims: Sequence[_Claim], done: Event) -> None:
        while not done.wait(self._lease / 3):
            # A ledger that fails for good is met, and told, by the delivery itself.
            with suppress(LedgerError), self._ledger.claiming() as connection:
                # What is locked is being acknowledged: to wait for it could end in a deadlock.
                free = connection.scalars(
                    select(outbox.c.number)
                    .where(*self._mine(claims))
                    .with_for_update(skip_locked=True)
                ).all()
                connection.execute(
                    update(outbox)
                    .where(outbox.c.number.in_(free))
                    .values(claimed_until=clock(connection) + self._lease)
                )

    def _mine(self, claims: Sequence[_Claim]) -> tuple[ColumnElement[bool], ...]:
        """Return what is true of those of the claims that no other process has taken over."""
        numbers = [claim.number for claim in claims]
        return outbox.c.number.in_(numbers), outbox.c.claimed_by == self._me

    def _store(self, store: str) -> Store:
        return self._stores[store]()


def _waits(connection: Connection) -> ColumnElement[bool]:
    """Return what is true of segments that were refused and whose time has not come."""
    return and_(outbox.c.claimed_by.is_(None), outbox.c.claimed_until > clock(connection))
