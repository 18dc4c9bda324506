"""The store, loader, embedder and reader that the manual shows pass the contracts that it names."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.docs.pages import blocks, install

ROOT = Path(__file__).parents[2]
PAGES = ("write-a-store", "write-a-loader", "own-embedder", "own-reader")

CONTRACTS = """
import first_sentence
import letters
import pytest
import subtitles

from hetarag.testing.loader_contract import LoaderContract, LoaderUnderTest, Sample
from hetarag.testing.model_contracts import EmbedderContract, ReaderContract
from hetarag.testing.records import StoreUnderTest
from hetarag.testing.store_contract import StoreContract

FILM = b"1\\n00:00:01,000 --> 00:00:04,000\\nThe Endurance was launched.\\n"


class TestYears(StoreContract):
    @pytest.fixture(scope="class")
    @classmethod
    def store_under_test(cls):
        return StoreUnderTest("years")


class TestSubtitles(LoaderContract):
    @pytest.fixture
    def loader_under_test(self):
        return LoaderUnderTest(subtitles.SUBTITLES, [Sample(FILM, ("Endurance",))])


class TestLetters(EmbedderContract):
    @pytest.fixture(scope="class")
    @classmethod
    def open_embedder(cls):
        return letters.Letters


class TestFirstSentence(ReaderContract):
    @pytest.fixture
    def reader(self):
        return first_sentence.FirstSentence()
"""


def test_parts_that_the_manual_shows_pass_their_contracts(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    points: dict[str, dict[str, str]] = defaultdict(dict)
    for page in PAGES:
        for block in blocks(ROOT / "docs" / "how-to" / f"{page}.md"):
            if block.title.endswith(".py"):
                Path(block.title).write_text(block.code, "utf-8")
            elif block.title == "pyproject.toml":
                for group, named in tomllib.loads(block.code)["project"]["entry-points"].items():
                    points[group] |= named
    install({"project": {"entry-points": points}})
    Path("test_contracts.py").write_text(CONTRACTS, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_contracts.py"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
