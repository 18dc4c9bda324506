"""From the settings to a reader.

`models.reader` is a name that `hetarag models` lists, a local folder, a hub name, the URL of an
OpenAI-compatible endpoint with "#model" behind it, or "NAME" or "NAME:PLACE" with a name of the table here:
hetarag's own, or an entry point in the group `hetarag.readers` of any other package. What stands in the
table is a function of the place and the settings, `(place: str, settings: ModelSettings) -> Reader`.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

from hetarag.config import ModelSettings
from hetarag.decoding.registry import DECODERS
from hetarag.errors import ModelError
from hetarag.models.hub.catalog import KNOWN
from hetarag.models.hub.fetch import Progress
from hetarag.models.hub.install import ignore, resolve
from hetarag.plugins import PartTable
from hetarag.protocols import Reader

MEASURED = "number-type.json"
"""File of the cache that keeps which number type is fastest on this processor."""

READERS = PartTable(
    "readers",
    {"local": f"{__name__}:open_local", "endpoint": f"{__name__}:open_endpoint"},
    "reader",
)
_WEB = ("http://", "https://")


def known_decoders(settings: ModelSettings) -> tuple[str, ...] | None:
    """Return the decoders that the reader of `settings` may have, without loading it.

    A local reader of an architecture that a decoder does not know has fewer. None for another package's
    reader, which alone knows them.
    """
    name = settings.reader
    part = None if name in KNOWN else READERS.named_in(name)
    if name.startswith(_WEB) or (part and part[0] == "endpoint"):
        from hetarag.models.readers.endpoint import DECODER

        return (DECODER,)
    return None if part and part[0] != "local" else DECODERS.names()


def make_reader(
    settings: ModelSettings, *, progress: Progress = ignore, share_prompts: bool = False
) -> Reader:
    """Return the reader that `settings.reader` names, installing it if that is allowed.

    `share_prompts` is for asking the same with several decoders in turn (`LocalReader`).

    Raises:
        ModelError: it is not here, cannot be had, or is no reader.
        MissingExtraError: it runs locally and torch or transformers are not installed.
        ConfigError: it is another package's, which cannot be loaded.
    """
    name = settings.reader
    if name.startswith(_WEB):
        return open_endpoint(name, settings)
    if name not in KNOWN and (part := READERS.named_in(name)) is not None:
        return cast(Reader, READERS.load(part[0])(part[1], settings))
    return open_local(name, settings, progress=progress, share_prompts=share_prompts)


def open_endpoint(place: str, settings: ModelSettings) -> Reader:
    """Return the reader behind the OpenAI-compatible endpoint `place`, "URL#model"."""
    from hetarag.models.readers.endpoint import EndpointReader

    url, separator, model = place.partition("#")
    if not separator or not model:
        raise ModelError(f"{url} does not say which model to use: write it as {url}#model-name")
    return EndpointReader(url, model, settings.api_key)


def open_local(
    place: str,
    settings: ModelSettings,
    *,
    progress: Progress = ignore,
    share_prompts: bool = False,
) -> Reader:
    """Return the reader of the name or in the folder `place`, run by transformers."""
    known = KNOWN.get(place)
    if known is not None and known.kind != "reader":
        raise ModelError(f"{place!r} is an {known.kind}, not a reader")
    folder = resolve(place, settings.cache, download=settings.download, progress=progress)
    from hetarag.models.readers.local import LocalReader

    return LocalReader(
        folder,
        settings.dtype,
        name=folder.name if Path(place).expanduser().is_dir() and not known else place,
        measured=settings.cache / MEASURED,
        share_prompts=share_prompts,
        default_decoder=known.decoder if known else "lfd",
    )
