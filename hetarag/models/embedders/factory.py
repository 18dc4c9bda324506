"""From the settings to an embedder.

`models.embedder` is a name that `hetarag models` lists, a local folder, a hub name, or "NAME" or
"NAME:PLACE" with a name of the table here: hetarag's own, or an entry point in the group
`hetarag.embedders` of any other package. What stands in the table is a function of the place and the
settings, `(place: str, settings: ModelSettings) -> Embedder`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from hetarag.config import ModelSettings
from hetarag.errors import ModelError
from hetarag.models.embedders.settings import given_settings, onnx_file, read_settings
from hetarag.models.hub.catalog import KNOWN
from hetarag.models.hub.fetch import Progress
from hetarag.models.hub.install import ignore, resolve
from hetarag.plugins import PartTable
from hetarag.protocols import Embedder

EMBEDDERS = PartTable(
    "embedders",
    {"onnx": f"{__name__}:open_onnx", "torch": f"{__name__}:open_torch [local]"},
    "embedder",
)


def make_embedder(settings: ModelSettings, *, progress: Progress = ignore) -> Embedder:
    """Return the embedder that `settings.embedder` names, installing it if that is allowed.

    Raises:
        ModelError: it is not here, cannot be had, or is no embedder.
        MissingExtraError: it needs torch and that is not installed.
        ConfigError: it is another package's, which cannot be loaded.
    """
    known = KNOWN.get(settings.embedder)
    if known is not None and known.kind != "embedder":
        raise ModelError(f"{settings.embedder!r} is a {known.kind}, not an embedder")
    if known is None and (part := EMBEDDERS.named_in(settings.embedder)) is not None:
        name, place = part
        return cast(Embedder, EMBEDDERS.load(name)(place, settings))
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


def open_onnx(place: str, settings: ModelSettings) -> Embedder:
    """Return the ONNX embedder in the folder `place`."""
    from hetarag.models.embedders.onnx import OnnxEmbedder

    return OnnxEmbedder(Path(place), read_settings(Path(place), given_settings(settings)))


def open_torch(place: str, settings: ModelSettings) -> Embedder:
    """Return the torch embedder in the folder `place`, whatever else lies there."""
    from hetarag.models.embedders.torch import TorchEmbedder

    return TorchEmbedder(Path(place), read_settings(Path(place), given_settings(settings)))
