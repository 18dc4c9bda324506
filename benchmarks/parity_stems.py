"""How much of the difference between two full-text engines is their stemmers'.

The corpus and the questions are written anew with a number in the place of each word: the number of
its stem by Tantivy's analyser. No analyser changes a number, so both engines see the same terms, and
what still differs is ranking: how they store lengths and break ties.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.bare_drivers import forget_index
from hetarag.eval.datasets import Passage
from hetarag.eval.metrics import FIRST, overlap
from hetarag.protocols import Store
from hetarag.stores.fulltext.tantivy_query import Clauses
from hetarag.stores.registry import StoreOptions, open_store
from hetarag.text import STOP_WORDS
from hetarag.types import Filter, Query, Record

_BATCH = 500


class Numbers:
    """Texts as numbers: the same number for words that Tantivy's analyser takes for one."""

    def __init__(self) -> None:
        self._analyser = Clauses().analyser
        self._stop = frozenset(self._analyser.analyze(" ".join(sorted(STOP_WORDS))))
        self._known: dict[str, int] = {}

    def text(self, text: str) -> str:
        """Return a text of the corpus."""
        return self._written(self._analyser.analyze(text))

    def question(self, text: str) -> str:
        """Return a question, without its stop words unless it has no others."""
        terms = self._analyser.analyze(text)
        return self._written([term for term in terms if term not in self._stop] or terms)

    def _written(self, terms: Sequence[str]) -> str:
        # Above a million, so that no number is also a year or a stop word of some analyser.
        known = self._known
        return " ".join(str(known.setdefault(term, 1_000_000 + len(known))) for term in terms)


def overlaps(
    corpus: Sequence[Passage], questions: Sequence[str], address: str
) -> tuple[float, float]:
    """Return the mean overlap@10 with the words as they are and with the stems as numbers.

    The passages go whole into an index of their own beside the server's others, which is deleted at
    the end.
    """
    numbers = Numbers()
    plain = [(p.title, p.text) for p in corpus]
    coded = [(numbers.text(title), numbers.text(text)) for title, text in plain]
    return (
        _overlap(plain, questions, address),
        _overlap(coded, [numbers.question(question) for question in questions], address),
    )


def _overlap(texts: Sequence[tuple[str, str]], questions: Sequence[str], address: str) -> float:
    records = [_record(number, *text) for number, text in enumerate(texts)]
    with TemporaryDirectory(prefix="hetarag-bench-") as folder:
        # A name of its own each time: what was deleted a moment ago would still count in scores.
        options = StoreOptions(prefix=f"hetarag-bench-{uuid.uuid4().hex[:8]}")
        stores = [
            open_store("fulltext", place, Path(folder), options) for place in ("embedded", address)
        ]
        try:
            for store in stores:
                for at in range(0, len(records), _BATCH):
                    store.apply(records[at : at + _BATCH])
            shares = [overlap(*(_first(store, q) for store in stores)) for q in questions]
        finally:
            for store in stores:
                store.close()
            forget_index(address, options.prefix)
    return sum(shares) / len(shares)


def _record(number: int, title: str, text: str) -> Record:
    identifier = str(uuid.UUID(int=number))
    return Record(identifier, "chunk", identifier, "bench", (), title, text, digest="bench")


def _first(store: Store, question: str) -> list[str]:
    return [hit.id for hit in store.search(Query(question, filter=Filter(tags=None)), FIRST)]
