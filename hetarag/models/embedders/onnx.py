"""Embeddings through onnxruntime: no torch, a start in less than half a second."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from mmap import ACCESS_READ, mmap
from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
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
    EmbedderSettings,
    fingerprint,
    onnx_file,
    read_settings,
)
from hetarag.protocols import Embedder
from hetarag.text import encodable
from hetarag.types import Vector

_TOGETHER = 8  # short texts in one run
_SLOW = (
    "SkipLayerNormFusion",
)  # sums number by number: the two operators that it joins are faster


class OnnxEmbedder(Embedder):
    """A folder's ONNX model; may be used from several threads.

    `settings` are read from the folder if they are not given; `threads` is how many texts are
    embedded at once, by default one for each processor.
    """

    def __init__(
        self,
        folder: Path | str,
        settings: EmbedderSettings | None = None,
        *,
        threads: int | None = None,
    ) -> None:
        folder = Path(folder)
        self._settings = settings or read_settings(folder)
        model = onnx_file(folder)
        if model is None:
            raise ModelError(f"{folder} has no model.onnx")
        self.fingerprint = fingerprint(folder, model, self._settings)
        self.dimension = self._settings.dimension
        self._tokenizer = load_tokenizer(folder, self._settings.max_tokens)
        self._session = _open(model)
        self._inputs = {node.name for node in self._session.get_inputs()}
        self._output = self._session.get_outputs()[0].name
        self._model = model
        self._rows = InThreads(self._embed_group, threads)
        check_dimension(folder, self._embed(self._tokenizer.encode("a")), self.dimension)

    def embed_passages(self, texts: Sequence[str]) -> Vector:
        """Return one row per text, shape (n, dimension), each embedded by itself."""
        encodings = self._tokenizer.encode_batch(
            [self._settings.passage_prefix + encodable(t) for t in texts]
        )
        return self._rows(encodings, self.dimension)

    def embed_queries(self, texts: Sequence[str]) -> Vector:
        """Return one row per question, shape (n, dimension); short ones are embedded together."""
        # One by one: for a dozen short texts the tokenizer's threads cost more than they do.
        prefix = self._settings.query_prefix
        encodings = [self._tokenizer.encode(prefix + encodable(text)) for text in texts]
        return self._rows(encodings, self.dimension, self._together)

    def embed_query(self, text: str) -> Vector:
        """Return the vector of a question, shape (dimension,)."""
        return self._embed(self._tokenizer.encode(self._settings.query_prefix + encodable(text)))

    @cached_property
    def _together(self) -> int:
        """How many short texts run at once; asked of the file when questions first come together."""
        padded = "attention_mask" in self._inputs and not _scales_by_batch(self._model)
        return _TOGETHER if padded else 1

    def _embed(self, encoding: Encoding) -> Vector:
        vector: Vector = self._embed_group([encoding])[0]
        return vector

    def _embed_group(self, group: Sequence[Encoding]) -> Vector:
        """Return a row per text; all run at once, padded to the longest."""
        lengths = [len(encoding.ids) for encoding in group]
        ids = np.zeros((len(group), max(lengths)), np.int64)
        mask = np.zeros_like(ids)
        for row, encoding in enumerate(group):
            ids[row, : lengths[row]] = encoding.ids
            mask[row, : lengths[row]] = 1
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        chosen = {name: array for name, array in feed.items() if name in self._inputs}
        try:
            found = self._session.run([self._output], chosen)[0]
        except Exception as error:  # onnxruntime's own exceptions have no public root
            limit = self._settings.max_tokens
            raise ModelError(too_long(max(lengths), limit, error)) from error
        hidden = np.asarray(found, np.float32)
        texts = zip(hidden, lengths, strict=True)
        return np.stack([pool(rows[:length], self._settings.pooling) for rows, length in texts])


def _scales_by_batch(model: Path) -> bool:
    """Tell whether a model quantises activations by the largest of a run, that of other texts too.

    The operators' names stand in the file as they are.
    """
    with model.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        return content.find(b"DynamicQuantize") >= 0


def start_session(model: str | bytes, without: Sequence[str] = ()) -> onnxruntime.InferenceSession:
    """Start a session of a file or its content that computes each run in the thread that asks for it.

    `without` are names of onnxruntime's optimisers that are left out.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"], disabled_optimizers=[*without]
    )


def _open(model: Path) -> onnxruntime.InferenceSession:
    try:
        session = start_session(str(model), _SLOW)
    except Exception as error:  # onnxruntime's own exceptions have no public root
        raise ModelError(f"{model}: onnxruntime cannot open it: {error}") from error
    names = {node.name for node in session.get_inputs()}
    unknown = names - {"input_ids", "attention_mask", "token_type_ids"}
    shape = session.get_outputs()[0].shape
    if unknown or len(shape) != 3:
        raise ModelError(
            f"{model} is no text encoder: it has inputs {sorted(names)} and an output of shape "
            f"{shape}, instead of token ids and (batch, tokens, dimension)"
        )
    return session
