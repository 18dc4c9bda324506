"""From the settings to an embedder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hetarag.config import ModelSettings
from hetarag.errors import ModelError
from hetarag.models.embedders.settings import given_settings, onnx_file, read_settings
from hetarag.models.hub.catalog import KNOWN
from hetarag.models.hub.fetch import Progress
from hetarag.models.hub.install import ignore, resolve
from hetarag.protocols import Embedder


def make_embedder(settings: ModelSettings, *, progress: Progress = ignore) -> Embedder:
    """Return the embedder that `settings.embedder` names, installing it if that is allowed.

    Raises:
        ModelError: it is not here, cannot be had, or is no embedder.
        MissingExtraError: it needs torch and that is not installed.
    """
    known = KNOWN.get(settings.embedder)
    if known is not None and known.kind != "embedder":
        raise ModelError(f"{settings.embedder!r} is a {known.kind}, not an embedder")
    folder = resolve(
        settings.embedder, settings.cache, download=settings.download, progress=progress
    )
    return open_embedder(folder, given_settings(settings))


def open_embedder(folder: Path, given: Mapping[str, Any] | None = None) -> Embedder:
    """Return the embedder in `folder`: through onnxruntime if it has an ONNX file, else torch.

    `given` are values of `EmbedderSettings` that go before those in the folder's files.
    """
    settings = read_settings(folder, given)
    if onnx_file(folder) is not None:
        from hetarag.models.embedders.onnx import OnnxEmbedder

        return OnnxEmbedder(folder, settings)
    from hetarag.models.embedders.torch import TorchEmbedder

    return TorchEmbedder(folder, settings)
