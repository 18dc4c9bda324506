"""The bench commands from the command line, with the default embedder: what they print and write."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hetarag.cli.app import app

pytestmark = [pytest.mark.model, pytest.mark.slow]


def bench(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["bench", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_retrieval_prints_and_keeps_its_figures(bench_files: list[str], tmp_path: Path) -> None:
    run, out = tmp_path / "run", tmp_path / "out" / "figures.json"
    options = ["--systems", "plane,vector + fulltext, RRF", "--baseline", "vector alone"]
    printed = bench("retrieval", *bench_files, *options, "--run", str(run), "--json", str(out))
    assert "1 questions, 3 documents; 1 questions have no document to find" in printed
    assert (run / "table.md").read_text() in printed
    figures = json.loads(out.read_text())
    assert figures == json.loads((run / "summary.json").read_text())
    systems = ["plane", "vector + fulltext, RRF", "vector alone"]
    assert [row["system"] for row in figures["rows"]] == systems
    assert list(figures["by type"]) == ["one"]
    assert figures["room"]["index, MB"] > 0
    assert len((run / "results.jsonl").read_text().splitlines()) == 3
    drawn = bench("plots", str(run), "--out", str(tmp_path / "figures"))
    assert "recall-by-depth.svg" in drawn


def test_tune_says_what_it_found_and_keeps_the_settings(
    bench_files: list[str], write_jsonl: Callable[..., Path], tmp_path: Path
) -> None:
    bench("retrieval", *bench_files, "--systems", "plane")
    asked = (("Who designed the Fram?", "fram"), ("Where was the Gauss built?", "gauss"))
    questions = write_jsonl(
        *({"id": str(n), "question": asked[n % 2][0], "supporting_ids": [asked[n % 2][1]]}
          for n in range(20)),
        name="labels.jsonl",
    )  # fmt: skip
    kb = tmp_path / "kb"
    result = CliRunner().invoke(app, ["tune", str(questions), "--kb", str(kb), "--write"])
    assert result.exit_code == 0, result.output
    assert "| tried on 10 questions | nDCG@10 |" in result.stdout
    assert "| 10 other questions | R@2 | R@5 | nDCG@10 |" in result.stdout
    assert "no setting is surely better" in result.stderr  # all of them find everything
    assert not (kb / "hetarag.toml").exists()
    few = CliRunner().invoke(app, ["tune", str(questions), "--kb", str(kb), "--limit", "5"])
    assert "tuning needs 20" in str(few.exception)
