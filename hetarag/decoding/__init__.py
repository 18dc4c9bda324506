"""Layer Fused Decoding and its baselines for transformers models.

    from hetarag.decoding import LayerFusion, layer_fused

    with layer_fused(model, LayerFusion()) as trace:
        output = model.generate(**inputs, max_new_tokens=50)
    print(trace.steps[0].layers)

Settings can be imported without torch; what decodes raises `MissingExtraError` without it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from hetarag.decoding.confidence_gate import Unsure
from hetarag.decoding.settings import CAD, AdaCAD, DoLa, Greedy, LayerFusion, Method
from hetarag.errors import MissingExtraError

if TYPE_CHECKING:
    from hetarag.decoding.custom_generate import CustomGenerate
    from hetarag.decoding.export import export_custom_generate
    from hetarag.decoding.lfd import layer_fused
    from hetarag.decoding.methods import decoding
    from hetarag.decoding.trace import DecodingTrace, Step, TopToken

__all__ = [
    "CAD",
    "AdaCAD",
    "CustomGenerate",
    "DecodingTrace",
    "DoLa",
    "Greedy",
    "LayerFusion",
    "Method",
    "Step",
    "TopToken",
    "Unsure",
    "decoding",
    "export_custom_generate",
    "layer_fused",
]

_HOME = {
    "CustomGenerate": "custom_generate",
    "DecodingTrace": "trace",
    "Step": "trace",
    "TopToken": "trace",
    "decoding": "methods",
    "export_custom_generate": "export",
    "layer_fused": "lfd",
}
"""Where the names that need torch live: loaded when they are first asked for."""


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for package in ("torch", "transformers"):
        try:
            importlib.import_module(package)
        except ModuleNotFoundError as error:
            if error.name != package:
                raise
            raise MissingExtraError(package, "local", f"hetarag.decoding.{name}") from error
    return getattr(importlib.import_module(f"hetarag.decoding.{_HOME[name]}"), name)
