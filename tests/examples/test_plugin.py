"""The example of a package of its own, really installed: a fifth kind of store and a loader, with hetarag as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.model, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "examples" / "plugin"
SETTINGS = '[ingest]\nentities = "rules"\n\n[stores.spelling]\nkind = "trigram"\n'
DOCUMENTS = (
    {"id": "nansen", "title": "Nansen", "text": "Fridtjof Nansen planned the drift over the pole."},
    {"id": "archer", "title": "Archer", "text": "Colin Archer designed the Fram in Larvik."},
    {"id": "gauss", "title": "Gauss", "text": "The Gauss was built in Kiel for Drygalski."},
)
ALONE = """
from hetarag import HetaRAG
with HetaRAG.open("kb") as rag:
    print(*(e.document for e in rag.search("Fritjof Nanssen", stores=["spelling"])))
"""
SUBTITLES = """1
00:00:01,000 --> 00:00:03,000
Otto Sverdrup was captain of the Fram.

2
00:01:00,000 --> 00:01:02,000
The crew wintered in Svalbard.
"""


class Installation:
    """hetarag of this tree, with or without the package, on a knowledge base in `folder`."""

    def __init__(self, target: Path, folder: Path) -> None:
        self.target, self.folder = target, folder

    def python(self, *arguments: str, installed: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Python with the package installed, or not."""
        path = [str(ROOT), *([str(self.target)] if installed else [])]
        return subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
        )

    def hetarag(self, *arguments: str, code: int = 0) -> str:
        """Return what a command prints that ends with `code`."""
        done = self.python("-m", "hetarag", *arguments)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def json(self, *arguments: str) -> Any:
        """Return what a command prints as JSON."""
        return json.loads(self.hetarag(*arguments, "--json"))


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that pip has installed the package into."""
    target = tmp_path_factory.mktemp("installed")
    # What builds it is fetched where it is not at hand.
    here = ["--no-build-isolation"] if find_spec("hatchling") else []
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--target", str(target), *here]
    done = subprocess.run([*command, str(PLUGIN)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="module")
def installation(target: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """A knowledge base that was made with the package: JSON Lines and subtitles."""
    folder = tmp_path_factory.mktemp("plugin")
    (folder / "kb").mkdir()
    (folder / "kb" / "hetarag.toml").write_text(SETTINGS)
    (folder / "corpus.jsonl").write_text("".join(json.dumps(d) + "\n" for d in DOCUMENTS))
    (folder / "talk.srt").write_text(SUBTITLES)
    made = Installation(target, folder)
    report = made.json("ingest", "corpus.jsonl", "talk.srt", "--kb", "kb")
    assert (report["added"], report["failures"], report["pending"]) == (4, [], 0)
    return made


def test_documents_become_live(installation: Installation) -> None:
    documents = installation.json("list", "--kb", "kb")["documents"]
    assert [document["state"] for document in documents] == ["live"] * 4


def test_the_store_is_asked_and_fused(installation: Installation) -> None:
    found = installation.json("search", "Fritjof Nanssen", "--kb", "kb")
    trace = found["trace"]
    assert trace["stores"]["spelling"]["status"] == "ok"
    assert trace["stores"]["spelling"]["hits"] == 1
    assert trace["plan"]["spelling"]["weight"] > 0
    (nansen,) = [e for e in found["evidence"] if e["document"] == "nansen"]
    assert trace["ranks"]["spelling"] == [nansen["id"]]
    assert [h["rank"] for h in nansen["hits"] if h["store"] == "spelling"] == [1]
    assert trace["ranks"]["fulltext"] == []  # no word of the question is spelt as in the text
    alone = installation.python("-c", ALONE)
    assert alone.stdout.split() == ["nansen"], alone.stderr


def test_the_store_is_shown(installation: Installation) -> None:
    shown = installation.hetarag("stores", "--kb", "kb")
    assert "spelling  SQLite" in shown
    assert "(trigram) at embedded: ok" in shown


def test_the_loader_reads_its_files(installation: Installation) -> None:
    found = installation.json("search", "Who was captain of the Fram?", "--kb", "kb")
    (talk,) = {e["document"] for e in found["evidence"] if "Sverdrup" in e["text"]}
    assert talk == "talk.srt"


def test_the_benchmark_has_its_rows(installation: Installation) -> None:
    questions = [
        {"id": "1", "question": "Who is Nanssen?", "supporting_ids": ["nansen"]},
        {"id": "2", "question": "Who designed the Fram?", "supporting_ids": ["archer"]},
    ]
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    (installation.folder / "questions.jsonl").write_text(lines)
    (installation.folder / "spelling.toml").write_text(SETTINGS)
    files = ("--corpus", "corpus.jsonl", "--questions", "questions.jsonl", "--kb", "bench")
    printed = installation.hetarag("bench", "retrieval", *files, "--config", "spelling.toml")
    assert "| spelling alone |" in printed
    assert "| plane without spelling |" in printed


def test_its_file_is_checked_and_mended(installation: Installation) -> None:
    checked = installation.hetarag("verify", "--kb", "kb")
    assert checked.count("agrees with the ledger") == 5
    for file in (installation.folder / "kb" / "stores" / "spelling").iterdir():
        file.unlink()
    assert "spelling   4 missing" in installation.hetarag("verify", "--kb", "kb", code=1)
    assert "agrees" in installation.hetarag("repair", "--kb", "kb")
    assert installation.hetarag("verify", "--kb", "kb").count("agrees with the ledger") == 5


def test_it_keeps_the_contracts(installation: Installation) -> None:
    tests = str(PLUGIN / "tests")
    options = ["-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", tests]
    done = installation.python("-m", "pytest", *options, tests)
    assert done.returncode == 0, done.stdout


def test_without_the_package_it_is_said_what_is_missing(installation: Installation) -> None:
    missing = "setting stores.spelling: unknown kind of store 'trigram'"
    for command in (["search", "Nansen"], ["verify"]):
        done = installation.python("-m", "hetarag", *command, "--kb", "kb", installed=False)
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert missing in line
        assert "install the package that brings it" in line
    done = installation.python("-m", "hetarag", "stores", "--kb", "kb", installed=False)
    assert done.returncode == 1
    assert f"UNHEALTHY: {missing}" in done.stdout
    done = installation.python("-m", "hetarag", "ingest", "talk.srt", "--kb", "o", installed=False)
    assert ".srt are not read" in done.stdout + done.stderr
