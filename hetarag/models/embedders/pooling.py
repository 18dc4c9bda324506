"""What the embedders share: tokens, pooling, and the texts of one call over threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Encoding, Tokenizer

from hetarag.errors import ModelError
from hetarag.models.embedders.settings import Pooling
from hetarag.types import Vector

_SHORT = 32  # tokens of a text that gains from running with others
_PADDED = 2  # tokens that one may be padded with: each costs as much as one of the text

Hidden = npt.NDArray[np.float32]
"""What a model says of each token, shape (tokens, dimension)."""


def load_tokenizer(folder: Path, max_tokens: int | None) -> Tokenizer:
    """Return the folder's tokenizer, cutting at `max_tokens` (None: nowhere) and padding nothing."""
    path = folder / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the Rust side raises plain Exception
        raise ModelError(f"{path}: the tokenizer cannot be read: {error}") from error
    tokenizer.no_padding()
    if max_tokens is None:
        tokenizer.no_truncation()
    else:
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


class InThreads:
    """Runs texts over threads, the longest first; short ones of about one length run `together`.

    A product of the rows of one short text waits for the weights to come from memory: eight texts of
    a dozen tokens take a third less time in one run. Long texts gain nothing and run alone.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Encoding]], Vector],
        threads: int | None = None,
    ) -> None:
        self._run = run
        self._threads = threads or os.cpu_count() or 1
        self._pool: ThreadPoolExecutor | None = None

    def __call__(self, encodings: Sequence[Encoding], dimension: int, together: int = 1) -> Vector:
        """Return one row per encoding, in their order."""
        rows = np.empty((len(encodings), dimension), np.float32)
        groups = _groups(encodings, together)
        if self._threads == 1 or len(groups) < 2:
            for group in groups:
                rows[group] = self._run([encodings[i] for i in group])
            return rows
        self._pool = self._pool or ThreadPoolExecutor(self._threads, "hetarag-embed")
        found = self._pool.map(self._run, [[encodings[i] for i in group] for group in groups])
        for group, part in zip(groups, found, strict=True):
            rows[group] = part
        return rows


def _groups(encodings: Sequence[Encoding], together: int) -> list[list[int]]:
    """Return the places of the encodings that run together, the longest first."""
    lengths = [len(encoding.ids) for encoding in encodings]
    groups: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        longest = lengths[groups[-1][0]] if groups else 0
        fits = longest <= _SHORT and longest - lengths[place] <= _PADDED
        if groups and fits and len(groups[-1]) < together:
            groups[-1].append(place)
        else:
            groups.append([place])
    return groups
