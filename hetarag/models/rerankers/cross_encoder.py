"""A cross-encoder: reads a question and a passage together and says how well the passage answers.

It is all-MiniLM-L6-v2 as `hetarag models install minilm-l6-int8` has it, with what fine-tuning changed:
2.7 MB that come with this module, each change of a matrix kept as the product of two thin ones (by its
largest 32 singular values). How it was trained and what it adds: docs/research/notes/retrieval.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
from onnx import helper, numpy_helper
from tokenizers import Encoding, Tokenizer

from hetarag.errors import ModelError
from hetarag.models.embedders.onnx import start_session
from hetarag.models.embedders.pooling import InThreads, load_tokenizer
from hetarag.models.hub.catalog import MINILM_INT8
from hetarag.models.rerankers.attention import fuse_attention, import_domain
from hetarag.protocols import PassageScorer
from hetarag.types import Vector

_CHANGES = "cross-encoder.npz"
_QUESTION = 72  # tokens
_TOGETHER = 176  # tokens of both
_SPECIAL = 3  # [CLS] question [SEP] passage [SEP]


class CrossEncoder(PassageScorer):
    """Scores passages for a question; may be used from several threads.

    `folder` is where `minilm-l6-int8` is installed; `threads` is how many passages are read at once, by
    default one for each processor. Raises `ModelError` where the folder has another model.
    """

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        with files("hetarag.models.rerankers").joinpath(_CHANGES).open("rb") as file:
            changes = dict(np.load(file))
        self._head = changes.pop("head")
        self._tokenizer = load_tokenizer(folder, None)  # `encode_pairs` cuts each part by itself
        self._session = _open(folder / "model.onnx", changes)
        self._rows = InThreads(self._read, threads)

    def scores(self, question: str, passages: Sequence[tuple[str, str]]) -> Vector:
        """Return a score for each (title, text), shape (n,): what it adds to the log-odds of relevance."""
        column: Vector = self._rows(encode_pairs(self._tokenizer, question, passages), 1)[:, 0]
        return column

    def _read(self, group: Sequence[Encoding]) -> Vector:
        """Return a row for each pair, shape (n, 1)."""
        scores = []
        for pair in group:
            feed = {
                "input_ids": np.array([pair.ids], np.int64),
                "attention_mask": np.ones((1, len(pair.ids)), np.int64),
                "token_type_ids": np.array([pair.type_ids], np.int64),
            }
            hidden = np.asarray(self._session.run(None, feed)[0][0], np.float32)
            both = np.concatenate([hidden.mean(axis=0), hidden[0]])
            scores.append([both @ self._head[:-1] + self._head[-1]])
        return np.array(scores, np.float32)


def encode_pairs(
    tokenizer: Tokenizer, question: str, passages: Sequence[tuple[str, str]]
) -> list[Encoding]:
    """Return the question with each (title, text) as the model reads them, here and in training."""
    asked = tokenizer.encode(question, add_special_tokens=False)
    asked.truncate(_QUESTION)
    room = _TOGETHER - len(asked.ids) - _SPECIAL
    texts = [f"{title}. {text}" for title, text in passages]
    read = tokenizer.encode_batch(texts, add_special_tokens=False)
    for passage in read:
        passage.truncate(room)
    return [tokenizer.post_process(asked, passage) for passage in read]


def _open(path: Path, changes: dict[str, Vector]) -> onnxruntime.InferenceSession:
    """Return a session of the model with its weights changed.

    The file keeps a matrix M as int8 `M_q` and `M_scale`, whose product is an operator's output `M`.
    """
    try:
        model = onnx.load(path)
        _change(model.graph, changes)
        if fuse_attention(model.graph):
            import_domain(model)
        return start_session(model.SerializeToString())
    except Exception as error:  # neither library's exceptions have a public root
        raise ModelError(
            f"{path}: the cross-encoder cannot be made from it ({error}); install it again with "
            f"`hetarag models install {MINILM_INT8}`"
        ) from error


def _change(graph: onnx.GraphProto, changes: dict[str, Vector]) -> None:
    given = {weight.name: weight for weight in graph.initializer}
    matrices = {name.removesuffix(".left") for name in changes if name.endswith(".left")}
    for name, values in changes.items():
        if name.removesuffix(".left").removesuffix(".right") not in matrices:
            given[name].CopyFrom(numpy_helper.from_array(values, name))
    for name in matrices:
        whole, scale = given[f"{name}_q"], given[f"{name}_scale"]
        left, right = (changes[f"{name}.{side}"].astype(np.float32) for side in ("left", "right"))
        changed = numpy_helper.to_array(whole) * numpy_helper.to_array(scale) + left @ right
        steps = np.abs(changed).max(axis=0, keepdims=True) / 127
        rounded = np.round(changed / steps).astype(np.int8)
        whole.CopyFrom(numpy_helper.from_array(rounded, whole.name))
        scale.CopyFrom(numpy_helper.from_array(steps.astype(np.float32), scale.name))
    _in_integers(graph, matrices)


def _in_integers(graph: onnx.GraphProto, matrices: set[str]) -> None:
    """Have products with these matrices computed in int8, which takes half the time or less.

    Each run has one pair alone, so that the scale of its activations is its own.
    """
    nodes = []
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in matrices:
            nodes += _product(node.output[0], node.input[0], node.input[1])
        elif not set(node.output) & {name + end for name in matrices for end in ("", "_f")}:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)


def _product(product: str, activations: str, matrix: str) -> list[onnx.NodeProto]:
    make = helper.make_node
    small, step, zero, summed, scales = (f"{product}_{part}" for part in "xszif")
    return [
        make("DynamicQuantizeLinear", [activations], [small, step, zero]),
        make("MatMulInteger", [small, f"{matrix}_q", zero], [summed]),
        make("Cast", [summed], [f"{summed}_f"], to=onnx.TensorProto.FLOAT),
        make("Mul", [step, f"{matrix}_scale"], [scales]),
        make("Mul", [f"{summed}_f", scales], [product]),
    ]
