"""Ingest: sources to documents, documents to versions, versions to the stores.

Documents go through in groups, so that memory stays flat however many there are, and each group is
visible before the next is read. A source that cannot be read is reported and the others go on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, islice
from pathlib import Path

from hetarag.config import IngestSettings
from hetarag.engine.progress import IngestProgress, Watcher
from hetarag.ids import document_id
from hetarag.ingest.chunking.splitter import Splitter
from hetarag.ingest.sources import SourceWarning, discover_sources, load_source
from hetarag.ledger.delivery.outbox import Outbox
from hetarag.ledger.reading.documents import Known, newest_versions
from hetarag.ledger.session import Ledger
from hetarag.ledger.steps import Step, reached
from hetarag.ledger.writing.contents import NewVersion
from hetarag.ledger.writing.versions import VersionWriter
from hetarag.protocols import Extractor
from hetarag.types import Document, IngestReport, MetadataValue, SourceFailure

_DOCUMENTS = 256  # per group
_CHARACTERS = 4_000_000

Item = Document | SourceFailure | SourceWarning


@dataclass(slots=True)
class _Run:
    """One call of `ingest`: what was asked and what came of it."""

    collection: str
    tags: tuple[str, ...] | None
    metadata: Mapping[str, MetadataValue]
    watch: Watcher
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    retagged: int = 0
    records: int = 0
    failures: list[SourceFailure] = field(default_factory=list)
    warnings: list[SourceFailure] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def tell(self, doing: str) -> None:
        documents = self.added + self.updated + self.unchanged
        self.watch(IngestProgress(doing, documents, self.records))

    def spend(self, stage: str, since: float) -> None:
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.monotonic() - since


class Pipeline:
    """Brings documents into the ledger and the stores."""

    def __init__(
        self,
        settings: IngestSettings,
        ledger: Ledger,
        writer: VersionWriter,
        outbox: Outbox,
        extractor: Callable[[], Extractor],
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._writer = writer
        self._outbox = outbox
        self._extractor = extractor
        self._splitter = Splitter(settings.chunk_words, settings.overlap_sentences)

    @property
    def splitter_fingerprint(self) -> str:
        """What the splitter's settings come to."""
        return self._splitter.fingerprint

    def paths(self, paths: Sequence[str | Path]) -> Iterator[Item]:
        """Yield the documents of files and folders, and what could not be read of them."""
        for source in discover_sources(paths, self._settings.max_file_mb):
            if isinstance(source, SourceFailure | SourceWarning):
                yield source
            else:
                yield from load_source(source)

    def run(
        self,
        items: Iterator[Item],
        *,
        collection: str,
        tags: tuple[str, ...] | None,
        metadata: Mapping[str, MetadataValue],
        watch: Watcher,
    ) -> IngestReport:
        """Ingest documents as they come; what an earlier, interrupted run still owes goes first."""
        run = _Run(collection, tags, metadata, watch)
        self._deliver(run)
        group: dict[str, Document] = {}
        size = 0
        started = time.monotonic()
        for item in items:
            if isinstance(item, SourceFailure):
                run.failures.append(item)
                continue
            if isinstance(item, SourceWarning):
                run.warnings.append(SourceFailure(item.source, item.reason))
                continue
            identifier = document_id(collection, item.uri)
            if identifier in group:
                self._settle_twice(run, group, identifier, item)
                continue
            group[identifier] = item
            size += len(item.text)
            if len(group) >= _DOCUMENTS or size >= _CHARACTERS:
                run.spend("parsing", started)
                self._take_in(run, group)
                group, size, started = {}, 0, time.monotonic()
        run.spend("parsing", started)
        self._take_in(run, group)
        return self._report(run)

    def rebuild(self, documents: Iterator[tuple[str, Document]], watch: Watcher) -> IngestReport:
        """Give stored documents, each with its collection, new versions with today's settings."""
        run = _Run("", None, {}, watch)
        self._deliver(run)
        for collection, group in groupby(documents, key=lambda item: item[0]):
            run.collection = collection
            while batch := [document for _, document in islice(group, _DOCUMENTS)]:
                self._record(run, batch)
                self._deliver(run)
                run.updated += len(batch)
                run.tell("reindexing")
        return self._report(run)

    @staticmethod
    def _settle_twice(
        run: _Run, group: dict[str, Document], identifier: str, item: Document
    ) -> None:
        """The same address twice, close together: the last one counts, and the user is told."""
        if group[identifier].sha256 != item.sha256:
            run.warnings.append(
                SourceFailure(item.name, "comes twice with different content: the last one is kept")
            )
        group[identifier] = item

    def _take_in(self, run: _Run, group: Mapping[str, Document]) -> None:
        if not group:
            return
        known = newest_versions(self._ledger, group.keys())
        new = []
        retag: dict[str, tuple[str, ...]] = {}
        rename: dict[str, str] = {}
        for identifier, document in group.items():
            document = replace(document, metadata={**document.metadata, **run.metadata})
            before = known.get(identifier)
            if before is None or _changed(before, document):
                new.append(document)
                run.added += before is None
                run.updated += before is not None
                continue
            run.unchanged += 1
            if before.name != document.name:  # asked for from another folder, say
                rename[identifier] = document.name
            if run.tags is not None and before.tags != tuple(sorted(set(run.tags))):
                retag[identifier] = run.tags
        run.retagged += len(retag)
        self._writer.retag(retag)
        self._writer.rename(rename)
        if new:
            self._record(run, new)
        if new or retag:
            self._deliver(run)
        run.tell("ingesting")

    def _record(self, run: _Run, documents: Sequence[Document]) -> None:
        extractor = self._extractor()
        started = time.monotonic()
        pieces = [(document, self._splitter.split(document)) for document in documents]
        run.spend("splitting", started)
        started = time.monotonic()
        extractions = extractor.extract(pieces)
        run.spend("entities", started)
        started = time.monotonic()
        self._writer.record(
            [
                NewVersion(
                    document=document,
                    collection=run.collection,
                    chunks=chunks,
                    extractions=found,
                    tags=run.tags,
                    splitter=self._splitter.fingerprint,
                    extractor=extractor.fingerprint,
                )
                for (document, chunks), found in zip(pieces, extractions, strict=True)
            ]
        )
        reached(Step.RECORDED)
        run.spend("ledger", started)

    def _deliver(self, run: _Run) -> None:
        last = time.monotonic()

        def watch(store: str, count: int) -> None:
            nonlocal last
            run.spend(store, last)
            last = time.monotonic()
            run.records += count
            run.tell(f"writing to the {store} store")

        self._outbox.drain(watch)
        run.spend("ledger", last)

    def _report(self, run: _Run) -> IngestReport:
        owed = self._outbox.owed()
        for store, reason in self._outbox.errors().items():
            waiting = f"{owed.get(store, 0)} batches wait for it"
            run.warnings.append(SourceFailure(f"{store} store", f"{reason} ({waiting})"))
        return IngestReport(
            added=run.added,
            updated=run.updated,
            unchanged=run.unchanged,
            retagged=run.retagged,
            pending=sum(owed.values()),
            failures=tuple(run.failures),
            warnings=tuple(run.warnings),
            seconds={stage: round(value, 4) for stage, value in run.seconds.items()},
        )


def _changed(before: Known, document: Document) -> bool:
    return (
        before.sha256 != document.sha256
        or before.title != document.title
        or before.metadata != dict(document.metadata)
        or before.headings != document.headings
    )
