"""Writing versions: a new one with its outbox, the flip that makes it visible, its end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from sqlalchemy import Connection, bindparam, delete, exists, insert, or_, select, update

from hetarag.errors import InputError
from hetarag.ledger import schema
from hetarag.ledger.dialects import clock
from hetarag.ledger.session import Ledger, batched
from hetarag.ledger.writing.contents import (
    NewVersion,
    forget,
    write_attributes,
    write_chunks,
    write_tags,
    write_versions,
)
from hetarag.ledger.writing.segments import outbox_rows, segments_of
from hetarag.types.common import AcceptedKinds


class VersionWriter:
    """Writes versions into the ledger and what the stores are owed for them into the outbox.

    `stores` are the names of all stores in use, `accepts` says which kinds of evidence each takes: that
    is asked when something is first owed, as it may load the stores' drivers.
    """

    def __init__(
        self,
        ledger: Ledger,
        stores: Sequence[str],
        accepts: Callable[[], AcceptedKinds],
        *,
        batch: int,
        embed_rows: int,
    ) -> None:
        self._ledger = ledger
        self._stores = list(stores)
        self._accepts = accepts
        self._batch = batch
        self._embed_rows = embed_rows

    def record(self, items: Sequence[NewVersion]) -> list[int]:
        """Write versions and outbox in one transaction; return their generations."""
        with self._ledger.writing() as connection:
            generations = self._ledger.next_generations(connection, len(items))
            self._write_documents(connection, items)
            # A version that never became visible gives way to the new one at once.
            self._retire(connection, [item.id for item in items], ("pending",))
            batch = list(zip(generations, items, strict=True))
            write_versions(connection, batch, self._embed_rows)
            write_chunks(connection, batch)
            self.owe(connection, generations, "put")
            self.flip(connection, generations)  # what no store takes is owed to none
        return list(generations)

    def owe(
        self,
        connection: Connection,
        generations: Iterable[int],
        operation: str,
        only: Collection[str] | None = None,
    ) -> None:
        """Put all segments of these versions into the outbox, for every store that takes them.

        `only` are the names of the stores that are owed them, None for all.
        """
        accepted = {
            store: kinds
            for store, kinds in self._accepts().items()
            if only is None or store in only
        }
        segments = segments_of(connection, generations, self._batch)
        rows = outbox_rows(segments, operation, accepted)
        if rows:
            connection.execute(insert(schema.outbox), rows)

    def retag(self, tags: Mapping[str, tuple[str, ...]]) -> None:
        """Give documents (by id) new tags: at once in the ledger, by and by in the stores."""
        if not tags:
            return
        with self._ledger.writing() as connection:
            write_tags(connection, tags)
            live = connection.scalars(
                select(schema.versions.c.generation).where(
                    schema.versions.c.document_id.in_(list(tags)),
                    schema.versions.c.state != "retired",
                )
            ).all()
            self.owe(connection, live, "put")
            self._ledger.touch(connection)

    def rename(self, names: Mapping[str, str]) -> None:
        """Give documents (by id) the names that their user knows them by now."""
        if names:
            with self._ledger.writing() as connection:
                connection.execute(
                    update(schema.documents).where(schema.documents.c.id == bindparam("document")),
                    [{"document": identifier, "name": name} for identifier, name in names.items()],
                )

    def delete(self, documents: Sequence[str]) -> None:
        """Take documents (by id) out of every search at once; the stores follow."""
        with self._ledger.writing() as connection:
            connection.execute(
                update(schema.documents)
                .where(schema.documents.c.id.in_(documents))
                .values(live=None, deleted=True)
            )
            self._retire(connection, documents, ("pending", "live"))
            self._ledger.touch(connection)

    def flip(self, connection: Connection, generations: Iterable[int]) -> list[int]:
        """Make those of these versions visible that all stores have; return them.

        The versions that they replace are retired, their removal is owed from then on.
        """
        ready = connection.execute(
            select(
                schema.versions.c.generation,
                schema.versions.c.document_id,
                schema.versions.c.metadata,
            ).where(
                schema.versions.c.generation.in_(list(generations)),
                schema.versions.c.state == "pending",
                ~exists().where(
                    schema.outbox.c.generation == schema.versions.c.generation,
                    schema.outbox.c.operation == "put",
                    schema.outbox.c.store.in_(self._stores),
                ),
            )
        ).all()
        if not ready:
            return []
        self._retire(connection, [row.document_id for row in ready], ("live",))
        connection.execute(
            update(schema.versions)
            .where(schema.versions.c.generation.in_([row.generation for row in ready]))
            .values(state="live")
        )
        connection.execute(
            update(schema.documents).where(schema.documents.c.id == bindparam("document")),
            [{"document": row.document_id, "live": row.generation} for row in ready],
        )
        write_attributes(connection, {row.document_id: row.metadata for row in ready})
        self._ledger.touch(connection)
        return [row.generation for row in ready]

    def sweep(self, connection: Connection) -> None:
        """Forget puts of retired versions that a process claimed and did not finish."""
        retired = select(schema.versions.c.generation).where(schema.versions.c.state == "retired")
        connection.execute(
            delete(schema.outbox).where(
                schema.outbox.c.operation == "put",
                schema.outbox.c.generation.in_(retired),
                schema.outbox.c.claimed_until <= clock(connection),
            )
        )

    def purge(self, connection: Connection) -> int:
        """Forget retired versions that no store is owed a removal for; return how many."""
        gone = connection.scalars(
            select(schema.versions.c.generation).where(
                schema.versions.c.state == "retired",
                ~exists().where(
                    schema.outbox.c.generation == schema.versions.c.generation,
                    schema.outbox.c.store.in_(self._stores),
                ),
            )
        ).all()
        for part in batched(gone):
            forget(connection, part)
        if gone:
            connection.execute(
                delete(schema.documents).where(
                    schema.documents.c.deleted,
                    ~exists().where(schema.versions.c.document_id == schema.documents.c.id),
                )
            )
        return len(gone)

    def _write_documents(self, connection: Connection, items: Sequence[NewVersion]) -> None:
        ids = [item.id for item in items]
        if len(set(ids)) != len(ids):
            raise InputError("two versions of one document in one batch: record them in turn")
        known: set[str] = set()
        for part in batched(ids):
            found = select(schema.documents.c.id).where(schema.documents.c.id.in_(part))
            known.update(connection.scalars(found))
        rows = [
            {
                "id": item.id,
                "collection": item.collection,
                "uri": item.document.uri,
                "name": item.document.name,
            }
            for item in items
        ]
        if fresh := [{**row, "deleted": False} for row in rows if row["id"] not in known]:
            connection.execute(insert(schema.documents), fresh)
        if old := [{"b_id": r["id"], "b_name": r["name"]} for r in rows if r["id"] in known]:
            connection.execute(
                update(schema.documents)
                .where(schema.documents.c.id == bindparam("b_id"))
                .values(name=bindparam("b_name"), deleted=False),
                old,
            )
        write_tags(connection, {item.id: item.tags for item in items if item.tags is not None})

    def _retire(
        self, connection: Connection, documents: Sequence[str], states: tuple[str, ...]
    ) -> None:
        for part in batched(documents):
            # States are told apart here: with one in the statement SQLite goes through all versions
            # of that state instead of the few of these documents.
            found = connection.execute(
                select(schema.versions.c.generation, schema.versions.c.state).where(
                    schema.versions.c.document_id.in_(part)
                )
            ).all()
            gone = [row.generation for row in found if row.state in states]
            if not gone:
                continue
            connection.execute(
                update(schema.versions)
                .where(schema.versions.c.generation.in_(gone))
                .values(state="retired")
            )
            # What another process is writing now stays: the removal waits for its end.
            connection.execute(
                delete(schema.outbox).where(
                    schema.outbox.c.generation.in_(gone),
                    schema.outbox.c.operation == "put",
                    or_(
                        schema.outbox.c.claimed_by.is_(None),
                        schema.outbox.c.claimed_until <= clock(connection),
                    ),
                )
            )
            self.owe(connection, gone, "remove")
