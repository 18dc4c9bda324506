"""What every vector store asks of the vectors that it is given."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from hetarag.errors import StoreError
from hetarag.types import Record, Vector


def validated_vectors(
    records: Iterable[Record], dimension: int | None
) -> list[tuple[Record, Vector]]:
    """Return each record with its vector, shape (dimension,); None takes that of the first.

    Raises:
        StoreError: a vector is missing, of another dimension, or not finite.
    """
    found: list[tuple[Record, Vector]] = []
    for record in records:
        if record.vector is None:
            raise StoreError("vector", f"record {record.id} has no vector; embed it first")
        vector = np.asarray(record.vector, dtype=np.float32)
        wanted = dimension or (found[0][1].size if found else vector.size)
        found.append((record, validated_vector(f"record {record.id}", vector, wanted)))
    return found


def validated_vector(what: str, vector: Vector, dimension: int) -> Vector:
    """Return the vector of `what` as float32 when it fits the store; else raise `StoreError`."""
    vector = np.asarray(vector, dtype=np.float32)
    if vector.shape != (dimension,):
        raise StoreError(
            "vector",
            f"{what} has a vector of shape {vector.shape}, the store holds "
            f"{dimension} dimensions: use its embedder or run `hetarag reindex`",
        )
    if not np.isfinite(vector).all():
        raise StoreError(
            "vector", f"the vector of {what} is not finite; look at the embedder's output"
        )
    return vector
