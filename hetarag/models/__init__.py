"""Embedders, readers and cross-encoders: what is known by name, how it is installed, and how it is run.

Importing this package loads neither torch nor transformers nor onnxruntime; `make_embedder`, `make_reader` and
`make_reranker` load what the model at hand needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hetarag.models.embedders.factory import make_embedder
    from hetarag.models.readers.factory import make_reader
    from hetarag.models.rerankers.factory import make_reranker

__all__ = ["make_embedder", "make_reader", "make_reranker"]

_ROOM = {"make_embedder": "embedders", "make_reader": "readers", "make_reranker": "rerankers"}


def __getattr__(name: str) -> Any:
    if name not in _ROOM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOM[name]}.factory"), name)
