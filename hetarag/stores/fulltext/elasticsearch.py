"""Full text on Elasticsearch 8 and 9, or a cluster of it.

    elasticsearch+http://user:password@host:9200,host2:9200?shards=1&replicas=1
    elasticsearch+https://host:9200?api_key=KEY&ca_certs=/etc/ca.pem

Reads and writes go through an alias, "<prefix>-fulltext". Behind it is one index that an index
template shapes, so that another index "<prefix>-fulltext-…" can be filled and the alias flipped.
BM25 counts deleted documents until they are merged away, which the engine does not do in their first
half minute; scores of a small index are those of its content alone after that, not at once.

Opening sends nothing: the index is looked for, and made, when the store is first used, so that a
server that is down now is one that returns later.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self
from zlib import crc32

from elasticsearch import Elasticsearch, helpers

from hetarag.errors import StoreError
from hetarag.protocols import Store
from hetarag.stores.adapter import check_deadline, dedupe_by_id, lock_until, ranked, sees_nothing
from hetarag.stores.addresses import ServerAddress, parse
from hetarag.stores.fulltext.elasticsearch_connection import Connection, reason
from hetarag.stores.fulltext.elasticsearch_index import is_ours, question, source, template
from hetarag.stores.registry import StoreOptions
from hetarag.text import encodable
from hetarag.types import EvidenceKind, Health, Hit, Query, Record, SearchResult, StoreKind

SETTINGS = frozenset(
    ["api_key", "ca_certs", "prefix", "replicas", "shards", "timeout", "verify_certs"]
)
SMALL = 5_000
"""Up to so many documents deleted ones are merged away at our word, above when the engine likes."""
HISTORY = 35.0
"""Seconds for which the engine keeps what was deleted, for copies that lag; its BM25 counts it."""
_HEALTH = 5.0
_PAGE = 5_000
_WINDOW = 10_000  # the engine's own limit of hits in one answer
_BULK_ITEMS, _BULK_BYTES = 1_000, 8_000_000
_RETRIES, _FIRST_WAIT, _LONGEST_WAIT = 6, 0.25, 8.0  # of items that the engine is too busy for


class ElasticsearchStore(Store):
    """BM25 over titles and texts; the score of a hit is the sum over the question's terms."""

    kind: StoreKind = "fulltext"
    accepts: frozenset[EvidenceKind] = frozenset({"chunk", "row", "table"})

    def __init__(self, address: ServerAddress, prefix: str) -> None:
        self._alias = f"{address.prefixed(prefix)}-{self.kind}"
        self._template = template(address.number("shards", 1, 64), address.number("replicas", 0, 8))
        self._link = Connection(address, self._alias)
        self._engine = "elasticsearch"
        self._lock = threading.Lock()
        self._ready = False
        self._tidy_at: float | None = None

    @classmethod
    def open(cls, address: str, folder: Path, options: StoreOptions) -> Self:  # noqa: ARG003
        """Take the address apart; the server is asked when the store is first used."""
        return cls(parse("fulltext", address, 9200, SETTINGS), options.prefix)

    def apply(self, records: Sequence[Record]) -> None:
        """Write `records` in bulk; they are in the engine's log and seen by searches on return."""
        new = dedupe_by_id(self.kind, self.accepts, records).values()
        self._write({"_id": encodable(r.id), "_source": source(r)} for r in new)

    def delete(self, ids: Collection[str]) -> None:
        """Remove the documents with these ids, in bulk."""
        self._write({"_op_type": "delete", "_id": i} for i in _possible(ids))

    def digests(self, ids: Collection[str]) -> dict[str, str]:
        """Return the digest of each of these ids that is there."""
        self._prepare(None)
        wanted, found = _possible(ids), {}
        for first in range(0, len(wanted), _PAGE):
            part = wanted[first : first + _PAGE]
            answer = self._link.run(
                "read",
                lambda client, part=part: client.mget(  # type: ignore[misc]
                    index=self._alias, ids=part, source_includes=["digest"]
                ),
            )
            for document in answer["docs"]:
                if "error" in document:
                    raise self._link.refused("read", document["error"])
                if document["found"]:
                    found[document["_id"]] = document["_source"]["digest"]
        return found

    def scan(self) -> Iterator[tuple[str, str]]:
        """Yield (id, digest) of every document, as of one point in time."""
        self._prepare(None)
        keep = f"{int(self._link.patience) + 60}s"
        opened = self._link.run(
            "scan", lambda c: c.open_point_in_time(index=self._alias, keep_alive=keep)
        )
        view, after = opened["id"], None
        try:
            while True:
                page = self._link.run(
                    "scan",
                    lambda c: c.search(
                        pit={"id": view, "keep_alive": keep},  # noqa: B023
                        search_after=after,  # noqa: B023
                        sort=["_shard_doc"],
                        size=_PAGE,
                        source_includes=["digest"],
                        track_total_hits=False,
                        allow_partial_search_results=False,
                    ),
                )
                hits, view = page["hits"]["hits"], page["pit_id"]
                for hit in hits:
                    yield hit["_id"], hit["_source"]["digest"]
                if len(hits) < _PAGE:
                    return
                after = hits[-1]["sort"]
        finally:
            with suppress(StoreError):  # it ends by itself after a while
                self._link.run(
                    "scan", lambda c: c.options(ignore_status=404).close_point_in_time(id=view)
                )

    def search(self, query: Query, k: int) -> SearchResult[Hit]:
        """Return the k best documents that pass the filter."""
        self._prepare(query.deadline)
        check_deadline(self.kind, query.deadline)
        asked = question(query)
        if k <= 0 or asked is None or sees_nothing(query.filter):
            return SearchResult()
        found: list[tuple[str, float]] = []
        after = None
        while True:
            size = min(k - len(found), _WINDOW)
            hits = self._best(asked, size, after, query)
            found += [(hit["_id"], float(hit["_score"])) for hit in hits]
            if len(hits) < size or len(found) >= k:
                return ranked(self.kind, found, k)
            after = hits[-1]["sort"]

    def health(self) -> Health:
        """Tell whether the server answers and how many documents the index holds."""
        try:
            until = time.monotonic() + _HEALTH
            self._prepare(until)
            count = self._link.run("count", lambda c: c.count(index=self._alias), until)["count"]
            state = self._link.run(
                "ask for the state of",
                lambda c: c.options(ignore_status=403).cluster.health(index=self._alias),
                until,
            )
        except StoreError as error:
            return Health(False, self._engine, detail=error.reason)
        return Health(True, self._engine, count, f"{self._alias}, {state.get('status', 'unknown')}")

    def close(self) -> None:
        """Close the connections."""
        self._link.close()

    # ------------------------------------------------------------ asking

    def _best(
        self, asked: dict[str, Any], size: int, after: list[Any] | None, query: Query
    ) -> list[dict[str, Any]]:
        left = self._link.left(query.deadline)
        answer = self._link.run(
            "search",
            lambda client: client.search(
                index=self._alias,
                query=asked,
                size=size,
                sort=[{"_score": "desc"}, {"id": "asc"}],
                search_after=after,
                source=False,
                track_total_hits=False,
                # Statistics of all shards together, and always from the same copies of them.
                search_type="dfs_query_then_fetch",
                preference=f"q{crc32(encodable(query.text).encode()) % 1024}",
                allow_partial_search_results=False,
                timeout=f"{max(1, int(left * 1000))}ms",
            ),
            query.deadline,
        )
        if answer["timed_out"]:
            raise self._link.late(query.deadline)
        hits: list[dict[str, Any]] = answer["hits"]["hits"]
        return hits

    def _write(self, actions: Iterable[dict[str, Any]]) -> None:
        """Send actions in chunks, each when the last is done; raise what is refused for good."""
        work = [{"_index": self._alias, **action} for action in actions]
        self._prepare(None)
        if not work:
            return
        refused, replaced = self._link.run("write", lambda client: _send(client, work))
        self._link.run("write", lambda client: client.indices.refresh(index=self._alias))
        if replaced:
            self._tidy_at = time.monotonic() + HISTORY
        if refused:
            self._link.gone = any(item["status"] == 404 for item in refused)
            first = "; ".join(f"{i['_id']}: {reason(i['error'])}" for i in refused[:3])
            raise self._link.failed(
                "write",
                f"{len(refused)} of {len(work)} items were refused, the others are written "
                f"({first})",
                "correct what the server says; `hetarag repair` writes what is missing",
            )

    def _tidy(self, deadline: float | None) -> None:
        """Merge deleted documents away in a small index, so that history does not move scores."""
        self._tidy_at = None
        index = self._alias
        stats = self._link.run(
            "merge", lambda c: c.indices.stats(index=index, metric="docs"), deadline
        )
        docs = stats["_all"]["primaries"].get("docs")  # none while its shards are starting
        if docs and docs["deleted"] and docs["count"] <= SMALL:
            # Only what a forced flush has covered can be merged away.
            self._link.run("merge", lambda c: c.indices.flush(index=index, force=True), deadline)
            self._link.run(
                "merge",
                lambda c: c.indices.forcemerge(
                    index=index, only_expunge_deletes=True, wait_for_completion=False
                ),
                deadline,
            )

    # ------------------------------------------------------------ the index

    def _prepare(self, deadline: float | None) -> None:
        """Look for the alias and its index, and make them if they are not there."""
        if self._link.closed:
            raise self._link.is_closed()
        if self._link.gone:  # deleted behind our back: made again
            self._ready = self._link.gone = False
        if self._ready and (self._tidy_at is None or time.monotonic() < self._tidy_at):
            return
        with lock_until(self._lock, self.kind, deadline):
            if not self._ready:
                self._check_version(deadline)
                if not self._alias_is_there(deadline):
                    self._create(deadline)
                    self._alias_is_there(deadline)
                self._ready, self._tidy_at = True, time.monotonic()
            if self._tidy_at is not None and time.monotonic() >= self._tidy_at:
                with suppress(StoreError):  # scores alone depend on it
                    self._tidy(deadline)

    def _check_version(self, deadline: float | None) -> None:
        number = str(self._link.run("reach", lambda c: c.info(), deadline)["version"]["number"])
        if not number.startswith(("8.", "9.")):
            raise self._link.failed(
                "use", f"version {number}", "Elasticsearch 8 and 9 are supported"
            )
        self._engine = f"elasticsearch {number}"

    def _alias_is_there(self, deadline: float | None) -> bool:
        """Tell whether there is an alias; raise when it stands for what hetarag did not make."""
        indices = self._link.run(
            "look for",
            lambda c: c.options(ignore_status=404).indices.get(index=self._alias),
            deadline,
        )
        if indices.meta.status == 404:
            return False
        if len(indices) > 1:
            raise self._link.foreign(f"stands for {len(indices)} indices; leave it one")
        (name, index), *_ = indices.items()
        meta = index["mappings"].get("_meta")
        if name == self._alias or not is_ours(meta):
            raise self._link.foreign("was not made by hetarag")
        if meta != self._template["mappings"]["_meta"]:
            raise self._link.failed(
                "use",
                f"the index {name} has another version's mapping",
                "delete it and run `hetarag repair`: a store holds nothing that the ledger "
                "cannot write again",
            )
        return True

    def _create(self, deadline: float | None) -> None:
        """Put the template, then the first index with its alias; another process may be first."""
        name, first = self._alias, f"{self._alias}-000001"
        there = self._link.run(
            "look for",
            lambda c: c.options(ignore_status=404).indices.get_index_template(name=name),
            deadline,
        )
        for found in there.get("index_templates", ()):
            if not is_ours(found["index_template"].get("_meta")):
                raise self._link.foreign("is also the name of an index template, which")
        self._link.run(
            "make",
            lambda c: c.indices.put_index_template(
                name=name,
                index_patterns=[f"{name}-*"],
                template=self._template,
                meta=self._template["mappings"]["_meta"],
                priority=500,
            ),
            deadline,
        )
        made = self._link.run(
            "make",
            lambda c: c.options(ignore_status=400).indices.create(
                index=first, aliases={name: {"is_write_index": True}}, wait_for_active_shards=1
            ),
            deadline,
        )
        taken = "resource_already_exists_exception"
        if made.meta.status == 400 and made["error"]["type"] != taken:
            raise self._link.refused("make", made["error"])
        if made.meta.status == 400 and not self._alias_is_there(deadline):
            raise self._link.foreign(
                f"is missing while there is an index {first}; add it or delete that"
            )


def _possible(ids: Collection[str]) -> list[str]:
    """Return the ids that can be there at all: the engine refuses empty and long ones."""
    return [i for i in map(encodable, ids) if 0 < len(i.encode()) <= 512]


def _send(client: Elasticsearch, work: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], bool]:
    """Return the items that were refused for good, and whether any took the place of another."""
    refused, replaced = [], False
    for done, item in helpers.streaming_bulk(
        client,
        work,
        chunk_size=_BULK_ITEMS,
        max_chunk_bytes=_BULK_BYTES,
        raise_on_error=False,
        max_retries=_RETRIES,
        initial_backoff=_FIRST_WAIT,
        max_backoff=_LONGEST_WAIT,
        require_alias=True,
    ):
        (outcome,) = item.values()
        replaced = replaced or outcome.get("result") in ("updated", "deleted")
        if not done and "error" in outcome:  # a delete of what is not there is no error
            refused.append(outcome)
    return refused, replaced
