"""What the embedders share: one text at a time, over threads, the longest first."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Encoding, Tokenizer

from hetarag.errors import ModelError
from hetarag.models.embedder_settings import Pooling
from hetarag.types import Vector

Hidden = npt.NDArray[np.float32]
"""What a model says of each token, shape (tokens, dimension)."""


def load_tokenizer(folder: Path, max_tokens: int) -> Tokenizer:
    """Return the folder's tokenizer, cutting at `max_tokens` and padding nothing."""
    path = folder / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the Rust side raises plain Exception
        raise ModelError(f"{path}: the tokenizer cannot be read: {error}") from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


def pool(hidden: Hidden, pooling: Pooling) -> Vector:
    """Return the unit vector of one text."""
    vector: Vector = hidden[0] if pooling == "cls" else hidden.mean(axis=0)
    length = np.linalg.norm(vector)
    return vector / length if length > 0 else vector


def check_dimension(folder: Path, vector: Vector, dimension: int) -> None:
    """Raise `ModelError` when the model's vectors are not as long as its settings say."""
    if vector.shape[-1] != dimension:
        raise ModelError(
            f"{folder}: the model gives {vector.shape[-1]} dimensions and its settings say "
            f"{dimension}: set models.embedder_dimension, or dimension in its embedder.json"
        )


def too_long(tokens: int, limit: int, error: Exception) -> str:
    """Say that a model refuses a text: mostly its window is shorter than its settings say."""
    return (
        f"the embedder fails on a text of {tokens} tokens ({error}); its settings allow {limit}: "
        "set models.embedder_max_tokens to its window"
    )


class OneByOne:
    """Runs each text by itself, so that its vector depends on nothing else.

    A padded batch would change it: dynamic int8 quantisation scales a whole batch by its largest
    activation. It would be no faster either, with one thread per text and nothing padded.
    """

    def __init__(self, run: Callable[[Encoding], Vector], threads: int | None = None) -> None:
        self._run = run
        self._threads = threads or os.cpu_count() or 1
        self._pool: ThreadPoolExecutor | None = None

    def __call__(self, encodings: Sequence[Encoding], dimension: int) -> Vector:
        """Return one row per encoding, in their order."""
        rows = np.empty((len(encodings), dimension), np.float32)
        order = sorted(range(len(encodings)), key=lambda i: -len(encodings[i].ids))
        if self._threads == 1 or len(order) < 2:
            for index in order:
                rows[index] = self._run(encodings[index])
            return rows
        self._pool = self._pool or ThreadPoolExecutor(self._threads, "hetarag-embed")
        found = self._pool.map(self._run, [encodings[i] for i in order])
        for index, row in zip(order, found, strict=True):
            rows[index] = row
        return rows
