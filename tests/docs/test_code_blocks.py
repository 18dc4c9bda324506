"""Every code block of README, tutorial and how-to runs, or says why it does not."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hetarag import HetaRAG
from hetarag.testing.doubles import HashingEmbedder
from tests.conftest import RULES
from tests.docs.pages import RUN, blocks, commands

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "docs" / "tutorial.md", *sorted((ROOT / "docs/how-to").glob("*.md"))]  # fmt: skip
NOT_RUN = 8
"""How many blocks say that they are not run: one more needs a reason that a reviewer accepts."""


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `examples/` and a knowledge base `kb` of them, to be copied for each page."""
    folder = tmp_path_factory.mktemp("examples")
    shutil.copytree(ROOT / "examples" / "knowledge", folder / "examples" / "knowledge")
    shutil.copy(ROOT / "examples" / "questions.json", folder / "examples")
    embedder = HashingEmbedder()
    with contextlib.chdir(folder), HetaRAG.open("kb", RULES, embedder=embedder) as rag:
        report = rag.ingest("examples/knowledge")  # documents are called as they are from here
    assert report.added and not report.failures
    return folder


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_blocks_of_a_page_run(page: Path, examples: Path, tmp_path: Path) -> None:
    folder = tmp_path / "page"
    makes_its_own = "hetarag ingest examples/knowledge --kb" in page.read_text("utf-8")
    ignored = shutil.ignore_patterns("kb") if makes_its_own else None
    shutil.copytree(examples, folder, ignore=ignored)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.docs.pages", str(page)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-5000:]


def test_blocks_that_are_not_run_say_why_and_are_counted() -> None:
    reasons = [block.reason for page in PAGES for block in blocks(page) if block.reason]
    assert all(len(reason.split()) >= 2 for reason in reasons)
    assert len(reasons) == NOT_RUN


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_block_escapes(page: Path) -> None:
    text = page.read_text("utf-8")
    fences = sum(line.lstrip().startswith("```") for line in text.splitlines())
    assert fences % 2 == 0
    found = list(blocks(page))
    marked = sum(text.count(f"```{language}") for language in RUN)
    assert marked == sum(block.language in RUN for block in found)
    for language in ("bash", "sh", "shell", "py"):
        assert f"```{language}\n" not in text, "python, console and toml are what is run"
    for block in found:
        if block.language == "console":
            assert list(commands(block.code)), f"line {block.line}: no command begins with $"
