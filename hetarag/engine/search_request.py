"""One search: its options checked, its deadline set, the question embedded and linked, the plane asked."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from threading import BoundedSemaphore
from typing import Any, Literal, TypedDict

from hetarag.config import SearchSettings
from hetarag.engine.components import Components
from hetarag.engine.inputs import missing_stores, tags_of
from hetarag.errors import InputError, SearchError
from hetarag.ledger.reading.documents import find_document
from hetarag.ledger.reading.metadata_filter import Where, documents_where
from hetarag.text import encodable
from hetarag.types import Filter, Query, RankedEvidence, SearchResult, StoreStatus

Access = Literal["all"]
OnError = Literal["raise", "skip"]


class SearchOptions(TypedDict, total=False):
    """What a search may be told beside the question and `k`."""

    where: Where | None
    """Conditions on metadata (`hetarag.ledger.reading.metadata_filter`)."""
    principal: Sequence[str]
    """The tags that the asker has; without any, only documents without tags are seen."""
    access: Access | None
    """"all" sees every document, whatever its tags."""
    collections: Sequence[str]
    """Only documents of these collections."""
    documents: Sequence[str] | None
    """Only these documents, by name, address or id."""
    stores: Sequence[str] | None
    """The names of the stores to ask; None for all."""
    on_error: OnError
    """"raise" (the default), or "skip": a store that fails is left out, and the trace says so."""
    deadline: float | None
    """Seconds; the default is the setting search.deadline."""
    settings: SearchSettings | Mapping[str, Any] | None
    """Settings of [search] that differ for this question."""


class AnswerOptions(SearchOptions, total=False):
    """What `ask` and `stream` may be told beside what a search may be."""

    decoder: str | None
    """"lfd", "greedy" or another that the reader has; None for the reader's own default."""
    evidence_k: int | None
    """How many pieces of evidence are read; the default is the setting reader.evidence_k."""
    max_new_tokens: int | None
    """The longest answer in tokens; the default is the setting reader.max_new_tokens."""


_READING = ("decoder", "evidence_k", "max_new_tokens")
_RENAMED = {"evidence": "evidence_k"}


def split_options(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options of the search and those of the reading; `InputError` for unknown ones."""
    known = AnswerOptions.__annotations__
    for name in options:
        if name in _RENAMED:
            raise InputError(f"the option {name!r} is called {_RENAMED[name]!r} now")
        if name not in known:
            raise InputError(f"there is no option {name!r}; known are {', '.join(known)}")
    reading = {name: value for name, value in options.items() if name in _READING}
    return {n: value for n, value in options.items() if n not in _READING}, reading


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search as it was asked for; checked when it is made, before anything is paid for."""

    text: str
    k: int
    settings: SearchSettings
    deadline: float
    where: Where | None = None
    principal: Sequence[str] = ()
    access: Access | None = None
    collections: Sequence[str] = ()
    documents: Sequence[str] | None = None
    stores: Sequence[str] | None = None
    on_error: OnError = "raise"

    def __post_init__(self) -> None:
        if self.on_error not in ("raise", "skip"):
            raise InputError(f"on_error is 'raise' or 'skip', not {self.on_error!r}")
        if self.access not in (None, "all"):
            raise InputError(f"access is None or 'all', not {self.access!r}")
        if self.k < 1:
            raise InputError(f"k must be at least 1, not {self.k}")

    @classmethod
    def of(
        cls, question: str, k: int | None, options: Mapping[str, Any], defaults: SearchSettings
    ) -> SearchRequest:
        """Return the request for a question with these `SearchOptions`.

        Raises:
            ConfigError: `settings` has an unknown name or a value outside its range.
            InputError: an empty or far too long question, or an option of a wrong form.
        """
        search, reading = split_options(options)
        if reading:
            raise InputError(f"{next(iter(reading))!r} is an option of ask and stream")
        given = search.pop("settings", None)
        deadline = search.pop("deadline", None)
        return cls(
            text=checked_question(question, defaults.max_question),
            k=defaults.k if k is None else k,
            settings=defaults.changed(given or {}),
            deadline=defaults.deadline if deadline is None else deadline,
            **search,
        )


class Searcher:
    """Runs the searches of a knowledge base: one admission, one pool of threads, one deadline each."""

    def __init__(self, parts: Components) -> None:
        self._parts = parts
        self._admission = BoundedSemaphore(parts.settings.search.concurrency)

    def run(self, request: SearchRequest) -> SearchResult[RankedEvidence]:
        """Return the evidence for a request; its time begins once it is admitted.

        Raises:
            SearchError: a store failed or was late and `on_error` is "raise".
            LedgerError: the ledger failed or was late: nothing can be shown without it.
            FingerprintError: the knowledge base was made with another embedder.
        """
        parts = self._parts
        plane = parts.planes.plane(request.settings)
        if parts.has_vectors:
            _ = parts.embedder  # loaded once, and not in a search's time
        with self._admission:
            started = time.monotonic()
            query = self._query(request, started + request.deadline)
            query, unasked = self._embedded(query)
            prepared = time.monotonic() - started
            found = plane.search(query, request.k, unasked, {"embedding and linking": prepared})
        if request.on_error == "raise" and not found.complete:
            raise SearchError(missing_stores(found))
        return found

    def _query(self, request: SearchRequest, deadline: float) -> Query:
        stores = self._names(request.stores)

        def read() -> Query:
            self._parts.require_embedder()
            return Query(
                text=request.text,
                filter=self._restriction(request),
                stores=stores,
                entities=self._parts.linker.link(request.text),
                deadline=deadline,
            )

        return self._parts.fan_out.read_ledger(read, deadline)

    def _embedded(self, query: Query) -> tuple[Query, dict[str, StoreStatus]]:
        """The query with its vector, and the status of the stores that cannot be asked without it."""
        parts = self._parts
        asked = parts.stores.searched_by_vector(query.stores)
        if not asked:
            return query, {}
        try:
            vector = parts.fan_out.within(
                "embedder", lambda: parts.embedder.embed_query(query.text), query.deadline or 0.0
            )
        except TimeoutError:
            reason = "the question was not embedded within the deadline"
            return query, dict.fromkeys(asked, StoreStatus("late", reason=reason))
        return replace(query, vector=vector), {}

    def _restriction(self, request: SearchRequest) -> Filter:
        ledger = self._parts.ledger
        allowed: frozenset[str] | None = None
        if request.documents is not None:
            allowed = frozenset(find_document(ledger, name) for name in request.documents)
        if request.where:
            matching = documents_where(ledger, request.where)
            allowed = matching if allowed is None else allowed & matching
        named = request.collections
        return Filter(
            collections=frozenset([named] if isinstance(named, str) else named),
            documents=allowed,
            tags=None if request.access == "all" else frozenset(tags_of(request.principal) or ()),
        )

    def _names(self, stores: Sequence[str] | None) -> frozenset[str] | None:
        if stores is None:
            return None
        known = self._parts.stores.kinds
        unknown = set(stores) - set(known)
        if unknown or not stores:
            raise InputError(
                f"stores: {', '.join(sorted(unknown)) or 'none'} cannot be asked; this knowledge "
                f"base has {', '.join(known)}"
            )
        return frozenset(stores)


def checked_question(question: str, longest: int) -> str:
    """Return a question without surrogates and outer spaces; `InputError` for none or one too long."""
    text = encodable(question).strip()
    if not text:
        raise InputError("the question is empty: ask something")
    if len(text) > longest:
        raise InputError(
            f"the question has {len(text):,} characters, the limit is {longest:,} "
            "(setting search.max_question): ask a shorter one, and ingest long texts instead"
        )
    return text
