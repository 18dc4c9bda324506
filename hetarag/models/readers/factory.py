"""From the settings to a reader."""

from __future__ import annotations

from pathlib import Path

from hetarag.config import ModelSettings
from hetarag.decoding.registry import METHODS
from hetarag.errors import ModelError
from hetarag.models.hub.catalog import KNOWN
from hetarag.models.hub.fetch import Progress
from hetarag.models.hub.install import ignore, resolve
from hetarag.protocols import Reader

MEASURED = "number-type.json"
"""File of the cache that keeps which number type is fastest on this processor."""


def known_decoders(settings: ModelSettings) -> tuple[str, ...]:
    """Return the decoders that the reader of `settings` may have, without loading it.

    A local reader of an architecture that a decoder does not know has fewer.
    """
    if settings.reader.startswith(("http://", "https://")):
        from hetarag.models.readers.endpoint import DECODER

        return (DECODER,)
    return tuple(METHODS)


def make_reader(
    settings: ModelSettings, *, progress: Progress = ignore, share_prompts: bool = False
) -> Reader:
    """Return the reader that `settings.reader` names, installing it if that is allowed.

    `share_prompts` is for asking the same with several decoders in turn (`LocalReader`).

    Raises:
        ModelError: it is not here, cannot be had, or is no reader.
        MissingExtraError: it runs locally and torch or transformers are not installed.
    """
    name = settings.reader
    if name.startswith(("http://", "https://")):
        from hetarag.models.readers.endpoint import EndpointReader

        url, separator, model = name.partition("#")
        if not separator or not model:
            raise ModelError(f"{url} does not say which model to use: write it as {url}#model-name")
        return EndpointReader(url, model, settings.api_key)
    known = KNOWN.get(name)
    if known is not None and known.kind != "reader":
        raise ModelError(f"{name!r} is an {known.kind}, not a reader")
    folder = resolve(name, settings.cache, download=settings.download, progress=progress)
    from hetarag.models.readers.local import LocalReader

    return LocalReader(
        folder,
        settings.dtype,
        name=folder.name if Path(name).expanduser().is_dir() and not known else name,
        measured=settings.cache / MEASURED,
        share_prompts=share_prompts,
    )
