"""Installing models into the user's cache, and finding them there.

A model is made ready in a temporary folder of the cache, under a lock, and renamed into its place
when it is whole; so what is in place is whole, whenever an installation was cut off.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from hetarag.errors import ModelError
from hetarag.models.hub import manifest
from hetarag.models.hub.catalog import KNOWN, KnownModel, ModelKind, find
from hetarag.models.hub.convert import check_packages, convert
from hetarag.models.hub.fetch import InstallStep, Progress, fetch, hub_answers, megabytes
from hetarag.models.hub.manifest import Manifest

_SPARE = 1.1


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model in the cache that is whole."""

    name: str
    folder: Path
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """A known model and whether it is here; sizes in bytes, `folder` None if it is not."""

    name: str
    kind: ModelKind
    summary: str
    licence: str
    download: int
    disk: int
    default: bool
    folder: Path | None
    decoder: str = ""
    """A reader's default decoder, and `decoder_why` what was measured."""
    decoder_why: str = ""


def ignore(step: InstallStep) -> None:
    """Show nothing of an installation."""


def install(name: str, cache: Path, *, progress: Progress = ignore) -> Path:
    """Return the folder of the known model `name`, installing it into `cache` if it is not there.

    Safe to interrupt and to run several times at once.

    Raises:
        ModelError: the name is unknown, the model cannot be had, or there is no room for it.
        MissingExtraError: it needs a conversion and the packages for that are not installed.
    """
    model = find(name)
    folder = cache / name
    if manifest.read(folder) is not None:
        return folder
    if model.gguf:
        check_packages()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _locked(model, cache, progress):
            if manifest.read(folder) is None:
                _install(model, cache, progress)
    except OSError as error:
        raise ModelError(f"{name} cannot be installed into {cache}: {error}") from error
    return folder


def installed(cache: Path) -> list[InstalledModel]:
    """Return the known models that lie whole in `cache`."""
    found = ((name, manifest.read(cache / name)) for name in KNOWN)
    return [InstalledModel(name, cache / name, m) for name, m in found if m is not None]


def status(cache: Path) -> list[ModelStatus]:
    """Return every known model, with where it is if it is here."""
    here = {model.name: model for model in installed(cache)}
    return [
        ModelStatus(
            m.name,
            m.kind,
            m.summary,
            m.licence,
            m.download,
            here[m.name].manifest.size if m.name in here else m.installed,
            m.default,
            here[m.name].folder if m.name in here else None,
            m.decoder if m.kind == "reader" else "",
            m.decoder_why,
        )
        for m in KNOWN.values()
    ]


def resolve(
    name_or_path: str | Path, cache: Path, *, download: bool, progress: Progress = ignore
) -> Path:
    """Return the folder of a model: a known name, a local folder or a name on the model hub.

    Raises:
        ModelError: it is not here and may not be downloaded, or there is no such model.
    """
    name = str(name_or_path)
    if name in KNOWN:
        if manifest.read(cache / name) is None and not download:
            raise ModelError(
                f"the model {name!r} is not in {cache}: run `hetarag models install {name}` "
                f"({megabytes(KNOWN[name].download)} to download)"
            )
        return install(name, cache, progress=progress)
    folder = Path(name_or_path).expanduser()
    if folder.is_dir():
        return folder
    if folder.is_absolute() or name.startswith((".", "~")) or name.count("/") != 1:
        raise ModelError(
            f"{name!r} is neither a folder nor a known model ({', '.join(KNOWN)}) nor a name on "
            f"the model hub (OWNER/NAME)"
        )
    return _snapshot(name, cache, download)


def _snapshot(repository: str, cache: Path, download: bool) -> Path:
    """Return the folder of a hub repository, from the hub's own cache if it is there."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    patterns = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja", "onnx/model.onnx"]
    folder = cache / "hub"
    try:
        return Path(
            snapshot_download(
                repository,
                cache_dir=folder,
                allow_patterns=patterns,
                local_files_only=not (download and hub_answers()),
            )
        )
    except LocalEntryNotFoundError as error:
        reason = "the model hub does not answer" if download else "downloads are switched off"
        raise ModelError(
            f"the model {repository!r} is not in {folder} and {reason}: give a local folder, or "
            f"one of {', '.join(KNOWN)}"
        ) from error
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise ModelError(f"the model {repository!r} cannot be had: {reason}") from error


def _locked(model: KnownModel, cache: Path, progress: Progress) -> FileLock:
    """Take the model's lock, saying so if another installation has it."""
    lock = FileLock(cache / f".{model.name}.lock", thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        text = f"waiting for another installation of {model.name}"
        progress(InstallStep(model.name, "wait", text))
        lock.acquire()
    return lock


def _install(model: KnownModel, cache: Path, progress: Progress) -> None:
    for stale in cache.glob(f".{model.name}.tmp*"):  # left by one that was killed: we have the lock
        shutil.rmtree(stale, ignore_errors=True)
    _check_room(model, cache)
    text = (
        f"{model.name}: {megabytes(model.download)} to download, "
        f"{megabytes(model.installed)} on disk, licence {model.licence}"
    )
    progress(InstallStep(model.name, "start", text, 0, model.download))
    with tempfile.TemporaryDirectory(prefix=f".{model.name}.tmp", dir=cache) as scratch:
        ready = Path(scratch) / "ready"
        ready.mkdir()
        source = fetch(model, ready, progress)
        if model.gguf:
            progress(InstallStep(model.name, "convert", "converting, once; about a minute"))
            convert(ready / model.gguf, ready, tied=model.tied)
            (ready / model.gguf).unlink()
        for path, text in model.texts:
            (ready / path).write_text(text, encoding="utf-8")
        found = manifest.describe(ready, model.name, model.kind, model.licence, source)
        manifest.write(ready, found)
        if (cache / model.name).exists():  # damaged, else nothing would be installed
            (cache / model.name).rename(Path(scratch) / "damaged")
        os.rename(ready, cache / model.name)  # noqa: PTH104
    progress(InstallStep(model.name, "done", f"{model.name} is installed in {cache / model.name}"))


def _check_room(model: KnownModel, cache: Path) -> None:
    need = int((sum(f.size for f in model.files) + model.installed) * _SPARE)
    free = shutil.disk_usage(cache).free
    if free < need:
        raise ModelError(
            f"{model.name} needs {megabytes(need)} for its installation and {cache} has "
            f"{megabytes(free)}: make room or set another `models.cache`"
        )
