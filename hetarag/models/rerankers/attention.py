"""One operator for the attention of an exported encoder, in the place of the two dozen it was written as.

onnxruntime fuses the attention of models as its own tools export them; that of other exports it computes
operator by operator. What is put in their place multiplies by the same scale at the same point, so that
every bit of what comes out is the same: a quantised model rounds, and what differs by a bit before it may
differ by a step after it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

_DOMAIN = "com.microsoft"
_MASK = "attention_mask_int32"


def fuse_attention(graph: onnx.GraphProto) -> int:
    """Fuse the attention of each layer of `graph`; return of how many. What is of another form stays."""
    makers = {name: node for node in graph.node for name in node.output}
    users: dict[str, list[onnx.NodeProto]] = defaultdict(list)
    for node in graph.node:
        for name in node.input:
            users[name].append(node)
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in _small(graph)}
    fused: dict[str, onnx.NodeProto] = {}
    for node in graph.node:
        if node.op_type == "Softmax":
            attention = _attention(node, makers, users, constants)
            if attention is not None:
                fused[attention.output[0]] = attention
    if fused:
        _replace(graph, fused)
    return len(fused)


def import_domain(model: onnx.ModelProto) -> None:
    """Let `model` use onnxruntime's own operators."""
    if all(known.domain != _DOMAIN for known in model.opset_import):
        model.opset_import.append(helper.make_opsetid(_DOMAIN, 1))


def _attention(
    softmax: onnx.NodeProto,
    makers: Mapping[str, onnx.NodeProto],
    users: Mapping[str, Sequence[onnx.NodeProto]],
    constants: Mapping[str, np.ndarray],
) -> onnx.NodeProto | None:
    """Return what computes the attention around `softmax`, None where it has another form.

    The form: query and key times a root of the scale, product, mask added, softmax, without NaN, times
    value, heads side by side.
    """
    try:
        masked = makers[softmax.input[0]]
        product = makers[masked.input[0]]
        scaled = [makers[name] for name in product.input]
        roots = [constants[node.input[1]] for node in scaled]
        (sound,) = (node for node in users[softmax.output[0]] if node.op_type == "Where")
        (weighed,) = users[sound.output[0]]
        (turned,) = users[weighed.output[0]]
        (joined,) = users[turned.output[0]]
        heads = [_projection(name, makers) for name in (product.input[0], product.input[1])]
        heads.append(_projection(weighed.input[1], makers))
        size = int(constants[makers[heads[0][1].input[1]].input[3]].item())
        width = len(constants[heads[0][0].input[1]])
    except (KeyError, ValueError, IndexError):
        return None
    kinds = [n.op_type for n in (masked, product, *scaled, weighed, turned, joined)]
    if kinds != ["Add", "MatMul", "Mul", "Mul", "MatMul", "Transpose", "Reshape"] or width % size:
        return None
    scale = np.float32(roots[0].item()) * np.float32(roots[1].item())
    return helper.make_node(
        "MultiHeadAttention",
        [*(added.output[0] for added, _ in heads), "", _MASK],
        [joined.output[0]],
        domain=_DOMAIN,
        num_heads=width // size,
        scale=float(scale),
    )


def _projection(
    name: str, makers: Mapping[str, onnx.NodeProto]
) -> tuple[onnx.NodeProto, onnx.NodeProto]:
    """Return what adds the bias of query, key or value, and what parts it into heads."""
    node = makers[name]
    parted = node
    while node.op_type in ("Mul", "Transpose", "Reshape"):
        parted, node = node, makers[node.input[0]]
    if node.op_type != "Add" or parted.op_type != "Reshape":
        raise ValueError(name)
    return node, parted


def _small(graph: onnx.GraphProto) -> list[onnx.TensorProto]:
    return [tensor for tensor in graph.initializer if len(tensor.dims) < 2]


def _replace(graph: onnx.GraphProto, fused: Mapping[str, onnx.NodeProto]) -> None:
    """Put nodes in the place of those with the same output, and leave out what nothing needs any more."""
    mask = helper.make_node("Cast", ["attention_mask"], [_MASK], to=onnx.TensorProto.INT32)
    nodes = [mask, *(fused.get(node.output[0], node) for node in graph.node)]
    needed = {output.name for output in graph.output}
    kept: list[onnx.NodeProto] = []
    for node in reversed(nodes):  # they stand in an order in which each needs only earlier ones
        if needed.intersection(node.output):
            needed.update(node.input)
            kept.append(node)
    del graph.node[:]
    graph.node.extend(reversed(kept))
