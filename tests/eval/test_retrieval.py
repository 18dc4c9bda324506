"""`bench retrieval` over a small knowledge base on the real engines."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hetarag import HetaRAG
from hetarag.errors import ConfigError, InputError
from hetarag.eval import retrieval
from hetarag.eval.plots import draw
from hetarag.eval.retrieval_report import (
    by_type,
    markdown,
    stages_table,
    summarise,
    types_table,
)
from hetarag.eval.systems import PLANE, RRF
from hetarag.retrievers.reranking.profiles import EXCERPTS, TITLED, packaged
from hetarag.retrievers.reranking.tree_ensemble import save_ensembles
from hetarag.testing.doubles import HashingEmbedder

QUESTIONS = [
    {"id": "1", "question": "Who designed the Fram?", "supporting_ids": ["fram"], "type": "single"},
    {"id": "2", "question": "Where was the designer of the Fram born?",
     "supporting_ids": ["fram", "archer"], "type": "two hops"},
]  # fmt: skip


@pytest.fixture
def files(write_jsonl: Callable[..., Path]) -> tuple[Path, Path]:
    corpus = write_jsonl(
        {"id": "fram", "title": "Fram", "text": "Colin Archer designed the Fram."},
        {"id": "archer", "title": "Colin Archer", "text": "He was born in Larvik."},
        {"id": "gauss", "title": "Gauss", "text": "The Gauss was built in Kiel."},
    )
    return corpus, write_jsonl(*QUESTIONS, name="questions.jsonl")


@pytest.fixture
def bench(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., retrieval.Bench]:
    monkeypatch.setenv("HETARAG_INGEST__ENTITIES", "rules")

    def run(**options: Any) -> retrieval.Bench:
        given: dict[str, Any] = {
            "corpora": [files[0]], "questions": files[1], "kb": tmp_path / "kb",
            "run": tmp_path / "run", "embedder": HashingEmbedder(),
        }  # fmt: skip
        return retrieval.bench_retrieval(**given | options)

    return run


def searches(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the questions that are searched from now on."""
    asked: list[str] = []
    search = HetaRAG.search

    def recorded(self: HetaRAG, question: str, *args: Any, **options: Any) -> Any:
        asked.append(question)
        return search(self, question, *args, **options)

    monkeypatch.setattr(HetaRAG, "search", recorded)
    return asked


def test_systems_are_measured_on_the_same_questions(bench: Callable[..., retrieval.Bench]) -> None:
    done = bench()
    rows = {r["system"]: r for r in summarise(done.runs, done.questions, done.baseline)}
    assert done.baseline == PLANE
    assert rows[PLANE]["recall@5"] == 1.0 and rows[PLANE]["all@10"] == 1.0
    assert rows[PLANE]["minus baseline"] is None
    assert rows["sql alone"]["recall@5"] == 0.0
    assert rows["sql alone"]["minus baseline"]["recall@5"].mean == -1.0
    assert {"p50", "p95"} == rows[PLANE]["stages ms"]["reranking"].keys()
    table = markdown(list(rows.values()))
    assert "| system | R@2 | R@5 (95%) | R@10 | R@20 | all@5 | all@10 | MRR | nDCG@10 | − plane" in table  # fmt: skip
    assert "-1.000 [-1.000, -1.000]" in table
    kinds = by_type(done.runs, done.questions, done.baseline)
    assert [rows[0]["questions"] for rows in kinds.values()] == [1, 1]
    assert "| two hops (1) |" in types_table(kinds)
    assert "embedding and linking" in stages_table(list(rows.values()))
    assert len({line.count("|") for line in table.splitlines()}) == 1


def test_room_is_given_by_part_and_passage(bench: Callable[..., retrieval.Bench]) -> None:
    done = bench(systems=PLANE, limit=1)
    assert (done.documents, done.room["passages"]) == (3, 3)
    by_part = done.room["index by part, bytes a passage"]
    assert by_part.keys() == {"fulltext", "graph", "ledger", "sql", "vector"}
    assert by_part["vector"] > 100
    assert done.room["memory of a process that has searched, MB"] > 50


def test_a_run_goes_on_where_it_was_cut_off(
    bench: Callable[..., retrieval.Bench], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    systems = f"{PLANE},{RRF}"
    whole = bench(systems=systems)
    path = tmp_path / "run" / "results.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    assert [(e["id"], e["system"]) for e in map(json.loads, lines)] == [
        ("1", PLANE), ("1", RRF), ("2", PLANE), ("2", RRF),
    ]  # fmt: skip
    path.write_text("".join(lines[:3]) + lines[3][:30])
    asked = searches(monkeypatch)
    again = bench(systems=systems)
    assert asked == [QUESTIONS[1]["question"]] * 2  # once to warm up
    assert [run.ranked for run in again.runs] == [run.ranked for run in whole.runs]
    assert again.runs[0].seconds == whole.runs[0].seconds
    asked.clear()
    bench(systems=f"{systems},vector alone", limit=1)  # one more system, fewer questions
    assert asked == [QUESTIONS[0]["question"]] * 2


def test_another_configuration_needs_another_folder(
    bench: Callable[..., retrieval.Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench(systems=PLANE)
    monkeypatch.setenv("HETARAG_SEARCH__RRF_K", "60")
    with pytest.raises(InputError, match=r"search\.rrf_k was 20 and is 60; give another --run"):
        bench(systems=PLANE)


def test_other_trees_in_the_same_folder_need_another_run(
    bench: Callable[..., retrieval.Bench], tmp_path: Path
) -> None:
    file = tmp_path / "trees.npz"
    ensembles = {name: packaged(name) for name in (*TITLED, *EXCERPTS)}
    save_ensembles(file, ensembles)
    bench(systems=PLANE, ranker=file)
    bench(systems=PLANE, ranker=file)
    save_ensembles(file, {**ensembles, TITLED[0]: packaged(EXCERPTS[0])})
    with pytest.raises(InputError, match=r"trees was .* give another --run"):
        bench(systems=PLANE, ranker=file)
    with pytest.raises(ConfigError, match=r"ranker: .* is not there"):
        bench(systems=PLANE, ranker=tmp_path / "nowhere")


def test_a_corpus_may_be_a_folder_of_files(
    bench: Callable[..., retrieval.Bench], tmp_path: Path, write_jsonl: Callable[..., Path]
) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "fram.md").write_text("# Fram\n\nColin Archer designed the Fram.")
    (folder / "gauss.md").write_text("# Gauss\n\nThe Gauss was built in Kiel.")
    question = {**QUESTIONS[0], "supporting_ids": [str(folder / "fram.md")]}
    asked = write_jsonl(question, name="asked.jsonl")
    given: dict[str, Any] = {"corpora": [folder], "questions": asked, "systems": PLANE}
    done = bench(**given)
    assert summarise(done.runs, done.questions, done.baseline)[0]["recall@2"] == 1.0
    (folder / "gauss.md").write_text("# Gauss\n\nThe Gauss was built elsewhere.")
    with pytest.raises(InputError, match=r"corpora\.documents was .* give another --run"):
        bench(**given)


def test_further_corpora_are_distractors(
    bench: Callable[..., retrieval.Bench], files: tuple[Path, Path], write_jsonl: Callable[..., Path]
) -> None:  # fmt: skip
    more = write_jsonl({"id": "x", "title": "X", "text": "Else."}, name="more.jsonl")
    done = bench(corpora=[files[0], more], systems=PLANE)
    assert done.documents == 4


def test_what_cannot_be_measured_is_refused(
    bench: Callable[..., retrieval.Bench], write_jsonl: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="no questions left"):
        bench(skip=2)
    bare = {"id": "3", "question": "?", "supporting_ids": []}
    with pytest.raises(InputError, match="no question names its supporting documents"):
        bench(questions=write_jsonl(bare, name="bare.jsonl"))
    some = bench(
        questions=write_jsonl(*QUESTIONS, bare, name="some.jsonl"), systems=PLANE, run=None
    )
    assert (len(some.questions), some.left_out) == (2, 1)
    with pytest.raises(InputError, match="nowhere"):
        bench(corpora=[tmp_path / "nowhere.jsonl"])


def test_figures_are_drawn_from_runs(bench: Callable[..., retrieval.Bench], tmp_path: Path) -> None:
    bench(systems=f"{PLANE},{RRF}")
    written = draw([tmp_path / "run"], tmp_path / "figures")
    assert [path.stem for path in written] == ["recall-by-depth", "latency-by-stage"]
    first = [path.read_bytes() for path in written]
    assert b"vector + fulltext, RRF" in first[1] or len(first[1]) > 1000
    assert first == [p.read_bytes() for p in draw([tmp_path / "run"], tmp_path / "figures")]


def test_a_search_may_differ_from_the_settings(kb: HetaRAG, files: tuple[Path, Path]) -> None:
    kb.ingest([files[0]])
    plain = kb.search("Who designed the Fram?", settings={"rerank": "none", "hops": False})
    assert plain.trace is not None
    assert "reranking" not in plain.trace.seconds
    assert "hops" not in plain.trace.ranks
    whole = kb.search("Who designed the Fram?")
    assert whole.trace is not None
    assert "reranking" in whole.trace.seconds
    with pytest.raises(ConfigError, match="beams"):
        kb.search("Who designed the Fram?", settings={"beams": 2})
