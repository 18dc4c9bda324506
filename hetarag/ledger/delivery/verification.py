"""`verify` and `repair`: hold every store against the ledger, and mend the difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import select

from hetarag.errors import StoreError
from hetarag.ledger.delivery.outbox import Opener
from hetarag.ledger.delivery.record_builder import Destination, RecordReader
from hetarag.ledger.schema import outbox, versions
from hetarag.ledger.session import Ledger, batched
from hetarag.ledger.writing.segments import Segment, segments_of
from hetarag.protocols import Store
from hetarag.types import Difference, Record
from hetarag.types.common import AcceptedKinds

_VERSIONS_AT_ONCE = 200


class Checker:
    """Compares stores with the ledger by ids and digests, in memory that holds the ids alone."""

    def __init__(
        self,
        ledger: Ledger,
        records: RecordReader,
        stores: Mapping[str, Opener],
        accepts: Callable[[], AcceptedKinds],
        *,
        order: Callable[[], Sequence[str]],
        batch: int,
    ) -> None:
        self._ledger = ledger
        self._records = records
        self._stores = stores
        self._accepts = accepts
        self._order = order
        self._batch = batch

    def verify(self) -> list[Difference]:
        """Return what each store lacks, has too many, or holds in an old form.

        What the outbox still owes counts as a difference: drain it first.
        """
        return [self._compare(name) for name in self._stores]

    def repair(self) -> list[Difference]:
        """Mend what `verify` finds and return what is left, per store, with the reason."""
        reasons: dict[str, str] = {}
        for name in self._order():
            difference = self._compare(name)
            if difference.ok or difference.error:
                continue
            if reason := self._mend(self._stores[name](), difference):
                reasons[name] = reason
        left = self.verify()
        return [d if d.ok else replace(d, error=d.error or reasons.get(d.store)) for d in left]

    def records(self, name: str) -> Iterator[list[Record]]:
        """Yield all that the store of this name must hold, in batches."""
        to = Destination(name, self._stores[name]().takes)
        for segments in self._live_segments(name):
            ids = set(self._records.ids(segments))
            if found := self._records.records(segments, to, ids):
                yield found

    def _compare(self, name: str) -> Difference:
        try:
            store = self._stores[name]()
            held = dict(store.scan())
            missing, stale, expected = [], [], set()
            for segments in self._live_segments(name):
                for identifier, digest in self._records.digests(segments, store.takes).items():
                    expected.add(identifier)
                    if identifier not in held:
                        missing.append(identifier)
                    elif held[identifier] != digest:
                        stale.append(identifier)
        except StoreError as error:
            return Difference(name, error=error.reason)
        extra = sorted(held.keys() - expected)
        return Difference(name, tuple(missing), tuple(extra), tuple(stale))

    def _mend(self, store: Store, difference: Difference) -> str | None:
        """Write and delete what can be; return why the rest cannot."""
        lost = None
        for part in batched(difference.extra):
            store.delete(part)
        wanted = {*difference.missing, *difference.stale}
        to = Destination(difference.store, store.takes)
        for segments in self._live_segments(difference.store):
            records = []
            for record in self._records.records(segments, to, wanted):
                if record.rows is None and record.id in difference.missing:
                    lost = record.title
                else:
                    records.append(record)
            if records:
                store.apply(records)
        return lost and (
            f"the rows of {lost!r} are gone from this store, which alone had them: delete its "
            "document and ingest it again"
        )

    def _live_segments(self, name: str) -> Iterator[list[Segment]]:
        """Yield what a store must hold: live versions, and pending ones as far as delivered."""
        with self._ledger.reading() as connection:
            generations = connection.scalars(
                select(versions.c.generation)
                .where(versions.c.state != "retired")
                .order_by(versions.c.generation)
            ).all()
        accepts = self._accepts()[name]
        for part in batched(generations, _VERSIONS_AT_ONCE):
            with self._ledger.reading() as connection:
                owed = {
                    (row.generation, row.part, row.table, row.first)
                    for row in connection.execute(
                        select(outbox).where(
                            outbox.c.store == name,
                            outbox.c.operation == "put",
                            outbox.c.generation.in_(part),
                        )
                    )
                }
                segments = [
                    segment
                    for segment in segments_of(connection, part, self._batch)
                    if segment.kind in accepts
                    and (segment.generation, segment.part, segment.table, segment.first) not in owed
                ]
            yield segments
