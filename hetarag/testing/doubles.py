"""Stand-ins for models and for the ledger's side, for tests that are about something else."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from hetarag.errors import ModelError
from hetarag.protocols import Conversation, Embedder, Reader, TableCatalogue
from hetarag.text import content_words
from hetarag.types import Filter, RankedEvidence, ReadTrace, TableInfo, TokenStep, Vector


class HashingEmbedder(Embedder):
    """Hashes words into a few dimensions: texts that share words have similar vectors, at once.

    `embedded` counts the passages so far.
    """

    def __init__(self, dimension: int = 64) -> None:
        self.dimension = dimension
        self.fingerprint = f"hashing/{dimension}"
        self.embedded = 0

    def embed_passages(self, texts: Sequence[str]) -> Vector:
        """Return one row per text, shape (n, dimension)."""
        self.embedded += len(texts)
        return self.embed_queries(texts)

    def embed_queries(self, texts: Sequence[str]) -> Vector:
        """Return one row per question, shape (n, dimension)."""
        rows = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[:] = self.embed_query(text)
        return rows

    def embed_query(self, text: str) -> Vector:
        """Return the vector of a question, shape (dimension,)."""
        vector = np.zeros(self.dimension, dtype=np.float32)
        for word in content_words(text) or ["nothing"]:
            digest = blake2b(word.encode(errors="replace"), digest_size=4).digest()
            vector[int.from_bytes(digest, "little") % self.dimension] += 1.0
        return vector / np.float32(np.linalg.norm(vector))


class ScriptedReader(Reader):
    """Says `tokens` one by one, `seconds` after it is asked, or raises `error`.

    It keeps what it was shown: `messages` and `decoder` of the last conversation, how often it was `asked`, and
    how many tokens it has `said`. A conversation of more than `window` characters is too long for it.
    """

    def __init__(
        self,
        *tokens: str,
        decoders: Sequence[str] = ("greedy",),
        seconds: float = 0.0,
        error: str = "",
        window: int = 1_000_000,
    ) -> None:
        self.name = "scripted"
        self.tokens = tokens
        self.messages: Conversation = ()
        self.decoder = ""
        self.asked = self.said = 0
        self._decoders, self._seconds, self._error = decoders, seconds, error
        self._window = window

    def decoders(self) -> Sequence[str]:
        """Return the names it was given."""
        return self._decoders

    def read(
        self,
        messages: Conversation,
        *,
        decoder: str,
        max_new_tokens: int,
        messages_without_context: Conversation = (),  # noqa: ARG002  # what it says depends on nothing
    ) -> Iterator[TokenStep | ReadTrace]:
        """Yield the tokens and, last, a trace that counts them."""
        self.messages, self.decoder = messages, decoder
        self.asked += 1
        time.sleep(self._seconds)
        if self._error:
            raise ModelError(self._error)
        if decoder.partition("[")[0] not in self._decoders:
            raise ModelError(f"{self.name} has no decoder {decoder!r}")
        if sum(len(message["content"]) for message in messages) > self._window:
            raise ModelError(f"the prompt is longer than {self.name} reads")
        steps = []
        for token in self.tokens[:max_new_tokens]:
            self.said += 1
            steps.append(TokenStep(token))
            yield steps[-1]
        yield ReadTrace(self.name, decoder, answer_tokens=len(steps), tokens=tuple(steps))


class LiveTables(TableCatalogue):
    """The tables that a test declares live, in the order in which it does."""

    def __init__(self, tables: Iterable[TableInfo] = ()) -> None:
        self.tables = list(tables)

    def visible(self, restriction: Filter) -> Sequence[TableInfo]:
        """Return the tables that `restriction` admits."""
        return [t for t in self.tables if restriction.admits(t.collection, t.document_id, t.tags)]

    def by_number(self, numbers: Collection[int]) -> dict[int, TableInfo]:
        """Return the tables with these numbers."""
        return {table.number: table for table in self.tables if table.number in numbers}


def evidence(identifier: str, title: str = "", text: str = "", **details: Any) -> RankedEvidence:
    """Return a piece of evidence, a chunk of a document with the same id unless `details` say otherwise."""
    document = details.get("document", identifier)
    values: dict[str, Any] = {
        "id": identifier,
        "kind": "chunk",
        "document": document,
        "document_id": document,
        "collection": "c",
        "title": title,
        "text": text,
        "score": 0.0,
    }
    return RankedEvidence(**{**values, **details})
