"""The installed model's weights by their names, and what the package keeps of their changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper

RANK = 32  # singular values of a change: 64 gain nothing, 8 lose a little (docs/research/notes/retrieval.md)


def base_weights(model: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the installed model's weights as transformers names them, and the file's names of them."""
    graph = onnx.load(model).graph
    given = {weight.name: numpy_helper.to_array(weight) for weight in graph.initializer}
    users: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    weights, names = {}, {}
    for name, value in given.items():
        if name.startswith("inner.") and value.dtype == np.float32 and not name.endswith("_scale"):
            weights[name.removeprefix("inner.")] = value
            names[name.removeprefix("inner.")] = name
    for node in graph.node:
        made = node.output[0]
        if node.op_type != "Mul" or f"{made}_q" not in given:
            continue
        value = given[f"{made}_q"].astype(np.float32) * given[f"{made}_scale"]
        if made.startswith("inner."):
            weights[made.removeprefix("inner.")] = value
            continue
        added = users[users[made][0].output[0]][0]  # the product's bias tells which matrix it is
        bias = next(name for name in added.input if name in given)
        name = bias.removeprefix("inner.").removesuffix(".bias") + ".weight"
        weights[name], names[name] = value.T, made
    return weights, names


def changes(
    bert: torch.nn.Module, head: torch.nn.Linear, weights: dict[str, Any], names: dict[str, str]
) -> dict[str, Any]:
    """Return what the package keeps: thin products for matrices, all else whole, by the file's names."""
    both = torch.cat([head.weight[0], head.bias]).detach().cpu().numpy()
    found: dict[str, Any] = {"head": both}
    for name, value in bert.state_dict().items():
        if name.startswith("embeddings") or name not in names:
            continue
        now = value.float().cpu().numpy()
        if now.ndim == 1:
            found[names[name]] = now
            continue
        left, size, right = np.linalg.svd((now - weights[name]).T, full_matrices=False)
        root = np.sqrt(size[:RANK])
        found[f"{names[name]}.left"] = (left[:, :RANK] * root).astype(np.float16)
        found[f"{names[name]}.right"] = (root[:, None] * right[:RANK]).astype(np.float16)
    return found
