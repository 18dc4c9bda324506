"""The command line on the real embedded engines and the real embedder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hetarag.cli.app import app
from hetarag.cli.common import conditions
from hetarag.errors import InputError

pytestmark = pytest.mark.model
runner = CliRunner()


def run(*arguments: str) -> str:
    result = runner.invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def shell(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hetarag", *arguments], capture_output=True, text=True, cwd=cwd
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli")
    (path / "notes").mkdir()
    (path / "notes" / "fram.md").write_text("# Fram\n\nColin Archer designed the Fram.\n")
    (path / "notes" / "gauss.txt").write_text("The Gauss was built in Kiel.")
    (path / "notes" / "ships.csv").write_text("ship,length_m\nFram,39.0\nGauss,46.0\n")
    (path / "people.jsonl").write_text(
        '{"id": "archer", "title": "Colin Archer", "text": "Colin Archer came from Larvik."}\n'
    )
    done = shell("ingest", "notes", "people.jsonl", "--kb", "kb", "--json", cwd=path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["added"] == 4
    assert report["failures"] == []
    return path


def test_search_prints_documented_json(folder: Path) -> None:
    found = json.loads(
        run("search", "Who designed the Fram?", "--kb", str(folder / "kb"), "-k", "3", "--json")
    )
    assert found["complete"] is True
    first = found["evidence"][0]
    assert {"id", "kind", "document", "title", "text", "score", "hits"} <= first.keys()
    assert {"store", "rank", "score"} <= first["hits"][0].keys()
    stores = found["trace"]["stores"]
    assert stores.pop("cross-encoder")["status"] in ("ok", "skipped")
    assert set(stores) == {"vector", "fulltext", "graph", "sql", "reranking"}
    assert all(store["status"] == "ok" for store in stores.values())
    assert "notes/fram.md" in [e["document"] for e in found["evidence"]]


def test_the_document_of_a_json_line_is_its_id(folder: Path) -> None:
    found = json.loads(
        run("search", "Where did Colin Archer come from?", "--kb", str(folder / "kb"), "--json")
    )
    assert "archer" in [e["document"] for e in found["evidence"]]


def test_search_list_status_verify_for_people(folder: Path) -> None:
    kb = str(folder / "kb")
    assert "notes/fram.md" in run("search", "Who designed the Fram?", "--kb", kb, "--trace")
    assert "default: archer  (live, 1 chunks, 0 tables)" in run("list", "--kb", kb)
    assert "documents  4" in run("status", "--kb", kb)
    shown = run("stores", "--kb", kb)
    assert "tantivy at embedded: ok" in shown and shown.count("up to date") == 4
    assert run("verify", "--kb", kb).count("agrees with the ledger") == 4
    assert json.loads(run("verify", "--kb", kb, "--json"))["ok"] is True
    assert "0 documents with a new version" in run("reindex", "--kb", kb)


def test_tags_from_the_command_line(folder: Path, tmp_path: Path) -> None:
    kb = str(tmp_path / "kb")
    run(
        "ingest",
        str(folder / "notes" / "fram.md"),
        "--kb",
        kb,
        "--tag",
        "staff",
        "--meta",
        "year=1892",
    )
    ask = ["search", "Fram", "--kb", kb, "--json"]
    assert json.loads(run(*ask))["evidence"] == []
    assert len(json.loads(run(*ask, "--principal", "staff"))["evidence"]) == 1
    assert len(json.loads(run(*ask, "--access-all", "--where", "year>=1892"))["evidence"]) == 1
    assert json.loads(run(*ask, "--access-all", "--where", "year<1892"))["evidence"] == []
    name = json.loads(run("list", "--kb", kb, "--json"))["documents"][0]["name"]
    assert "no tags" in run("tag", name, "--kb", kb)
    assert len(json.loads(run(*ask))["evidence"]) == 1
    run("delete", name, "--kb", kb)
    assert json.loads(run("list", "--kb", kb, "--json"))["documents"] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["search", "x", "--kb", "nowhere"], "nowhere: there is no knowledge base"),
        (["search", "", "--kb", "kb"], "the question is empty"),
        (["search", "x", "--kb", "kb", "--on-error", "hide"], "--on-error"),
        (["search", "x", "--kb", "kb", "--config", "none.toml"], "none.toml: cannot read"),
        (["delete", "nothing", "--kb", "kb"], "no document 'nothing'"),
        (["ingest", "nowhere.md", "--kb", "kb2"], "nowhere.md"),
        (["models", "install", "nosuch"], "nosuch"),
    ],
)
def test_errors_are_one_line_and_exit_code_1(
    folder: Path, arguments: list[str], message: str
) -> None:
    done = shell(*arguments, cwd=folder)
    assert done.returncode == 1
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_models_are_listed() -> None:
    listed = {m["name"]: m for m in json.loads(run("models", "--json"))["models"]}
    assert listed["qwen2.5-coder-0.5b"]["kind"] == "reader"
    assert listed["minilm-l6-int8"]["licence"]


def test_conditions() -> None:
    assert conditions(["year>=1990", "year<2000", "kind=report", "score!=1.5"]) == {
        "year": {"gte": 1990, "lt": 2000},
        "kind": {"eq": "report"},
        "score": {"ne": 1.5},
    }
    with pytest.raises(InputError, match="key=value"):
        conditions(["year"])
