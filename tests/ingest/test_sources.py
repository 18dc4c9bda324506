"""Which files are found, how they are addressed, and what is said of those that are not read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hetarag.ingest import Source, SourceWarning, discover_sources
from hetarag.types import SourceFailure
from tests.ingest.conftest import ingest


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def names(*paths: str | Path) -> list[str]:
    return [item.name for item in discover_sources(paths, 512) if isinstance(item, Source)]


def test_a_folder_is_walked_in_sorted_order_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b.txt", "a/z.md", "a/b.txt", ".git/x.txt", ".hidden.md", "~$open.docx"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("text")
    assert names(tmp_path) == ["a/b.txt", "a/z.md", "b.txt"]


def test_the_address_is_the_resolved_path_percent_encoded(tmp_path: Path) -> None:
    (tmp_path / "it's “big” 🎉.txt").write_text("party")
    found = ingest(tmp_path).document
    assert found.name == "it's “big” 🎉.txt"
    assert found.uri.startswith("file:///")
    assert found.uri.endswith("it%27s%20%E2%80%9Cbig%E2%80%9D%20%F0%9F%8E%89.txt")
    assert found.title == "It's “big” 🎉"


def test_a_file_outside_the_current_folder_is_named_by_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "a.txt").write_text("x")
    monkeypatch.chdir(tmp_path / "inner")
    assert names("../a.txt")[0].endswith("/a.txt")
    assert names("../a.txt")[0].startswith("/")


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    assert names("a.txt", tmp_path, "a.txt") == ["a.txt"]


def test_a_path_that_does_not_exist_is_a_failure_and_the_rest_goes_on(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    outcome = ingest(Path("gone.md"), Path("a.txt"), Path("nul\0byte"))
    assert outcome.failures[0] == "gone.md: does not exist; check the path"
    assert len(outcome.failures) == 2
    assert [d.name for d in outcome.documents] == ["a.txt"]


def test_an_unknown_type_fails_when_named_and_is_counted_in_a_folder(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.zip", "d.txt"):
        (tmp_path / name).write_text("x")
    named, walked = list(discover_sources(["a.png"], 1)), list(discover_sources(["."], 1))
    assert isinstance(named[0], SourceFailure)
    assert "files of the type .png are not read; known are .md" in named[0].reason
    assert isinstance(walked[-1], SourceWarning)
    assert walked[-1].reason.endswith(
        "files of types that are not read were skipped: .png 2, .zip 1"
    )


def test_old_office_files_are_told_what_to_be_saved_as(tmp_path: Path) -> None:
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0rest")
    assert ingest(tmp_path / "old.xls").failure.endswith(
        ".xls files are not read; save it as .xlsx"
    )


def test_a_link_to_a_folder_above_is_reported_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "docs/deep").mkdir(parents=True)
    (tmp_path / "docs/a.txt").write_text("x")
    (tmp_path / "docs/deep/b.txt").write_text("y")
    (tmp_path / "docs/deep/loop").symlink_to(tmp_path / "docs")
    (tmp_path / "docs/self").symlink_to(tmp_path / "docs/self")
    outcome = ingest(Path("docs"))
    assert [d.name for d in outcome.documents] == ["docs/a.txt", "docs/deep/b.txt"]
    loop, itself = outcome.failures
    assert loop.startswith("docs/deep/loop: is a symbolic link to the folder around it")
    assert itself == "docs/self: is a symbolic link to itself or to nothing; mend or remove it"


def test_a_folder_reached_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a.txt").write_text("x")
    (tmp_path / "zlink").symlink_to(tmp_path / "real")
    outcome = ingest(Path())
    assert [d.name for d in outcome.documents] == ["real/a.txt"]
    assert outcome.failures == []


def test_a_special_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    assert ingest(Path("pipe.txt")).failure == "pipe.txt: is neither a file nor a folder"
    assert ".txt 1" in ingest(tmp_path).warnings[0]


def test_a_file_over_the_limit_is_refused_with_the_setting(tmp_path: Path) -> None:
    (tmp_path / "big.txt").write_bytes(b"x" * (2 * 2**20))
    failure = ingest(tmp_path / "big.txt", max_file_mb=1).failure
    assert failure == "big.txt: has 2 MB, the limit is 1: split it or raise ingest.max_file_mb"


@pytest.mark.parametrize("name", ["a.txt", "a.pdf", "a.csv", "a.docx", "a.jsonl", "a.md", "a.html"])
@pytest.mark.parametrize("content", [b"", b" \n\n "])
def test_an_empty_file_is_a_failure(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert (
        ingest(tmp_path / name).failure == f"{name}: the file is empty; there is nothing to ingest"
    )


def test_importing_the_package_loads_no_parser_and_no_model() -> None:
    heavy = ["spacy", "pypdf", "docx", "pptx", "openpyxl", "lxml", "markdown_it", "bs4"]
    code = (
        f"import sys, hetarag.ingest; hetarag.ingest.make_extractor('rules'); "
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
