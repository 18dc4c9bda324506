"""An embedder for tests that are not about embedding: words hashed into a few dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from hetarag.protocols import Embedder
from hetarag.text import content_words
from hetarag.types import Vector


class HashingEmbedder(Embedder):
    """Texts that share words have similar vectors; deterministic and instant."""

    def __init__(self, dimension: int = 64) -> None:
        self.dimension = dimension
        self.fingerprint = f"hashing/{dimension}"
        self.embedded = 0

    def embed_passages(self, texts: Sequence[str]) -> Vector:
        self.embedded += len(texts)
        return np.stack([self.embed_query(text) for text in texts])

    def embed_queries(self, texts: Sequence[str]) -> Vector:
        return np.stack([self.embed_query(text) for text in texts])

    def embed_query(self, text: str) -> Vector:
        vector = np.zeros(self.dimension, dtype=np.float32)
        for word in content_words(text) or ["nothing"]:
            digest = blake2b(word.encode(), digest_size=4).digest()
            vector[int.from_bytes(digest, "little") % self.dimension] += 1.0
        return vector / np.float32(np.linalg.norm(vector))
