"""Embeddings through torch: a folder with safetensors, in float32."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Encoding

from hetarag.errors import ModelError
from hetarag.models.embedders.pooling import (
    InThreads,
    check_dimension,
    load_tokenizer,
    pool,
    too_long,
)
from hetarag.models.embedders.settings import (
    TORCH_FILE,
    EmbedderSettings,
    fingerprint,
    read_settings,
)
from hetarag.models.torch_setup import load_libraries, progress_bars_disabled
from hetarag.protocols import Embedder
from hetarag.text import encodable
from hetarag.types import Vector


class TorchEmbedder(Embedder):
    """A folder in the form of sentence-transformers; may be used from several threads."""

    def __init__(self, folder: Path | str, settings: EmbedderSettings | None = None) -> None:
        torch, transformers = load_libraries("this embedder")
        folder = Path(folder)
        if not (folder / TORCH_FILE).is_file():
            raise ModelError(f"{folder} has no {TORCH_FILE}")
        self._settings = settings or read_settings(folder)
        self.fingerprint = fingerprint(folder, folder / TORCH_FILE, self._settings)
        self.dimension = self._settings.dimension
        self._tokenizer = load_tokenizer(folder, self._settings.max_tokens)
        self._torch = torch
        try:
            with progress_bars_disabled(transformers):
                self._model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32)
            self._model.eval()
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ModelError(f"{folder}: the model cannot be loaded: {error}") from error
        self._rows = InThreads(self._embed_group, threads=1)  # torch itself uses every processor
        check_dimension(folder, self._embed(self._tokenizer.encode("a")), self.dimension)

    def embed_passages(self, texts: Sequence[str]) -> Vector:
        """Return one row per text, shape (n, dimension)."""
        return self._embed_all(self._settings.passage_prefix, texts)

    def embed_query(self, text: str) -> Vector:
        """Return the vector of a question, shape (dimension,)."""
        return self._embed(self._tokenizer.encode(self._settings.query_prefix + encodable(text)))

    def embed_queries(self, texts: Sequence[str]) -> Vector:
        """Return one row per question, shape (n, dimension)."""
        return self._embed_all(self._settings.query_prefix, texts)

    def _embed_all(self, prefix: str, texts: Sequence[str]) -> Vector:
        encodings = self._tokenizer.encode_batch([prefix + encodable(text) for text in texts])
        return self._rows(encodings, self.dimension)

    def _embed_group(self, group: Sequence[Encoding]) -> Vector:
        return np.stack([self._embed(encoding) for encoding in group])

    def _embed(self, encoding: Encoding) -> Vector:
        with self._torch.inference_mode():
            ids = self._torch.tensor([encoding.ids])
            try:
                hidden = self._model(input_ids=ids).last_hidden_state[0]
            except (IndexError, RuntimeError) as error:
                limit = self._settings.max_tokens
                raise ModelError(too_long(len(encoding.ids), limit, error)) from error
        return pool(np.asarray(hidden.numpy(), np.float32), self._settings.pooling)
