"""Measurements of a knowledge base on servers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hetarag.cli.bench import DATA, Corpus, CorpusKb, Limit, Out, Questions
from hetarag.cli.common import Config
from hetarag.eval.figures import machine, print_table, write_figures

Servers = Annotated[Path, typer.Option("--config", help="TOML file with the servers' addresses.")]
TableQuestions = Annotated[
    Path | None, typer.Option("--table-questions", help="Questions about them.")
]


def parity(
    config: Servers,
    corpus: Corpus = DATA / "2wiki_dev/corpus.jsonl",
    questions: Questions = DATA / "2wiki_dev/questions.jsonl",
    tables: Annotated[
        Path | None, typer.Option("--tables", help="Tables for the SQL store: a file or a folder.")
    ] = None,
    table_questions: TableQuestions = None,
    folder: Annotated[
        Path, typer.Option("--folder", help="Folder of both knowledge bases; used again if there.")
    ] = Path("runs/parity"),
    stems: Annotated[
        bool, typer.Option("--stems", help="How much of full text's difference is its stemmers'.")
    ] = False,
    limit: Limit = 200,
    json: Out = None,
) -> None:
    """The same rankings embedded and on servers? Store by store, and the plane's Recall@5."""
    from dataclasses import asdict

    from benchmarks import parity as bench
    from hetarag.eval.datasets import corpus_name
    from hetarag.eval.figures import as_rows

    done = bench.measure_parity(
        corpus=corpus,
        questions=questions,
        config=config,
        folder=folder,
        tables=tables,
        table_questions=table_questions,
        limit=limit,
        stems=stems,
    )
    rows = [bench.row_of(store) for store in done.stores]
    plane = bench.plane_rows(done.plane)
    parts = [as_rows(rows)] if rows else []
    parts.append(as_rows(plane))
    if done.stems is not None:
        words, numbers = done.stems
        parts.append(
            f"Full text, overlap@10: {words:.3f} with words, {numbers:.3f} with a number for each stem"
        )
    print_table(f"Parity on {corpus_name(corpus)}, {done.documents} documents", "\n\n".join(parts))
    write_figures(
        json,
        {
            "rows": rows,
            "plane": plane,
            "stems": done.stems,
            "stores": [asdict(store) for store in done.stores],
            "machine": machine(),
        },
    )


def stores(
    config: Servers,
    corpus: Corpus = DATA / "2wiki_dev/corpus.jsonl",
    questions: Questions = DATA / "2wiki_dev/questions.jsonl",
    tables: Annotated[
        Path | None,
        typer.Option("--tables", help="Tables for the SQL store, whose database must be empty."),
    ] = None,
    table_questions: TableQuestions = None,
    folder: Annotated[
        Path, typer.Option("--folder", help="Embedded knowledge base; used again if there.")
    ] = Path("runs/stores-kb"),
    limit: Limit = 200,
    json: Out = None,
) -> None:
    """Ingest and search of each server's adapter beside its bare driver doing the same work."""
    from benchmarks import store_costs as bench
    from hetarag.eval.datasets import read_questions
    from hetarag.eval.figures import as_rows

    asked = read_questions(table_questions, limit) if table_questions else []
    done = bench.measure_adapters(
        corpus=corpus,
        questions=[question.text for question in read_questions(questions, limit)],
        config=config,
        folder=folder,
        tables=tables,
        table_questions=[question.text for question in asked],
        watch=lambda doing: typer.echo(doing, err=True),
    )
    rows = [costs.row() for costs in done]
    print_table("Adapters beside their bare drivers", "\n\n".join(as_rows([row]) for row in rows))
    write_figures(json, {"rows": rows, "machine": machine()})


def load(
    corpus: Corpus = DATA / "2wiki_dev/corpus.jsonl",
    questions: Questions = DATA / "2wiki_dev/questions.jsonl",
    kb: CorpusKb = None,
    searchers: Annotated[
        int, typer.Option("--searchers", min=1, help="How many search at the same time.")
    ] = 16,
    seconds: Annotated[
        float, typer.Option("--seconds", min=1, help="How long they search without a pause.")
    ] = 300,
    deadline: Annotated[
        float | None, typer.Option("--deadline", help="Seconds a search has (default: settings).")
    ] = None,
    limit: Limit = 200,
    config: Config = None,
    json: Out = None,
) -> None:
    """Many searchers at once: searches a second, waiting times, what was late and what failed."""
    from benchmarks import load as bench
    from hetarag import HetaRAG
    from hetarag.eval.datasets import read_questions
    from hetarag.eval.figures import as_table
    from hetarag.eval.retrieval import default_kb, take_in

    with HetaRAG.open(kb or default_kb([corpus], config), config) as rag:
        take_in(rag, [corpus])
        row = bench.measure_load(
            rag,
            read_questions(questions, limit),
            searchers=searchers,
            seconds=seconds,
            deadline=deadline,
            watch=lambda doing: typer.echo(doing, err=True),
        ).row()
    print_table(f"{searchers} searchers for {seconds:g} s", as_table(row))
    write_figures(json, {**row, "searchers": searchers, "machine": machine()})
