"""Layer Fused Decoding (arXiv 2508.19614) for `model.generate(..., custom_generate=...)`.

`hetarag.decoding.export.export_custom_generate` writes this file as `custom_generate/generate.py`
of a folder that a repository on the Hub can hold, beside the files it imports. It then needs
torch and transformers only.
"""

from __future__ import annotations

from typing import Any

from hetarag.decoding.lfd import layer_fused
from hetarag.decoding.settings import LayerFusion

_SETTINGS = ("score", "candidates", "fuse_normed", "relative_top", "weight", "gate")


def generate(model: Any, *args: Any, trace: list[Any] | None = None, **kwargs: Any) -> Any:
    """Generate with layer fusion; every argument of `model.generate` keeps its meaning.

    The fields of `LayerFusion` (score, candidates, fuse_normed, relative_top, weight,
    gate) are further keyword arguments. A list given as `trace` gets the decoding steps.

    Raises errors of `errors.py` for settings and models that cannot be decoded so.
    """
    fields = {name: kwargs.pop(name) for name in _SETTINGS if name in kwargs}
    with layer_fused(model, LayerFusion(**fields)) as steps:
        result = model.generate(*args, **kwargs)
    if trace is not None:
        trace.extend(steps.steps)
    return result
