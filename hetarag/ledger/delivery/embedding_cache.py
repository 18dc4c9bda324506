"""Vectors of passages, each computed once: cached in the ledger by embedder and text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sqlalchemy import select

from hetarag.ids import digest_of
from hetarag.ledger.dialects import insert_new
from hetarag.ledger.schema import embeddings
from hetarag.ledger.session import Ledger, batched
from hetarag.protocols import Embedder
from hetarag.types import Vector


class EmbeddingCache:
    """Looks vectors up in the ledger and embeds what is not there."""

    def __init__(self, ledger: Ledger, embedder: Embedder) -> None:
        self._ledger = ledger
        self._embedder = embedder
        # The embedder's fingerprint, shortened to what the cache's key holds.
        self.fingerprint = digest_of(embedder.fingerprint)

    def vectors(self, texts: Sequence[tuple[int, str]]) -> list[Vector]:
        """Return the vector of each (generation, text); the generation says who owns the entry."""
        hashes = [digest_of(text) for _, text in texts]
        found = self._look_up(hashes)
        missing = {h: item for h, item in zip(hashes, texts, strict=True) if h not in found}
        if missing:
            computed = self._embedder.embed_passages([text for _, text in missing.values()])
            rows = [
                {
                    "fingerprint": self.fingerprint,
                    "text_hash": text_hash,
                    "generation": generation,
                    "vector": vector.astype("<f4").tobytes(),
                }
                for (text_hash, (generation, _)), vector in zip(
                    missing.items(), computed, strict=True
                )
            ]
            with self._ledger.writing() as connection:
                insert_new(connection, embeddings, rows)  # another process may embed the same
            found.update({h: v for h, v in zip(missing, computed, strict=True)})
        return [found[text_hash] for text_hash in hashes]

    def _look_up(self, hashes: Sequence[str]) -> dict[str, Vector]:
        found: dict[str, Vector] = {}
        with self._ledger.reading() as connection:
            for part in batched(sorted(set(hashes))):
                rows = connection.execute(
                    select(embeddings.c.text_hash, embeddings.c.vector).where(
                        embeddings.c.fingerprint == self.fingerprint,
                        embeddings.c.text_hash.in_(part),
                    )
                )
                found.update({h: np.frombuffer(data, dtype="<f4") for h, data in rows.all()})
        return found
