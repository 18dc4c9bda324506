"""bench: measure retrieval and answers on your own documents and questions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hetarag.cli.common import Config, echo
from hetarag.eval.figures import as_json, machine, print_table, write_figures

app = typer.Typer(help="Benchmarks; each prints a Markdown table and writes JSON with --json.")

DATA = Path("../shared/data")
Corpus = Annotated[Path, typer.Option("--corpus", help="JSON Lines of {id, title, text}.")]
Questions = Annotated[
    Path, typer.Option("--questions", help="JSON Lines of {id, question, answers, supporting_ids}.")
]
CorpusKb = Annotated[
    Path | None, typer.Option("--kb", help="Knowledge base of the corpus; ingested if need be.")
]
Out = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")]
Limit = Annotated[int | None, typer.Option("--limit", help="Only the first N questions.")]
Skip = Annotated[int, typer.Option("--skip", help="Leave out the first N questions.")]


@app.command("retrieval")
def retrieval(
    corpus: Annotated[
        Path,
        typer.Option("--corpus", help="JSON Lines of {id, title, text}, or a folder of files."),
    ] = DATA / "2wiki_dev/corpus.jsonl",
    questions: Questions = DATA / "2wiki_dev/questions.jsonl",
    beside: Annotated[
        list[Path] | None,
        typer.Option("--with", help="Further corpora in the same pool, as distractors."),
    ] = None,
    systems: Annotated[
        str | None, typer.Option("--systems", help="Names, with commas (default: all).")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option("--baseline", help="System that others are compared with.")
    ] = None,
    run: Annotated[
        Path | None, typer.Option("--run", help="Folder to resume; a JSON line per search.")
    ] = None,
    kb: CorpusKb = None,
    limit: Limit = None,
    skip: Skip = 0,
    ranker: Annotated[
        Path | None, typer.Option("--ranker", help="Trees of your own for the link ranker.")
    ] = None,
    config: Config = None,
    json: Out = None,
) -> None:
    """Recall, latency and room of the plane, each store alone, and the plane less each part."""
    from hetarag.eval import retrieval as bench
    from hetarag.eval import retrieval_report as report
    from hetarag.eval.datasets import corpus_name
    from hetarag.eval.figures import as_table

    corpora = [corpus, *(beside or [])]
    done = bench.bench_retrieval(
        corpora=corpora,
        questions=questions,
        kb=kb,
        run=run,
        systems=systems,
        baseline=baseline,
        limit=limit,
        skip=skip,
        ranker=ranker,
        config=config,
    )
    rows = report.summarise(done.runs, done.questions, done.baseline)
    kinds = report.by_type(done.runs, done.questions, done.baseline)
    title = (
        f"Recall on {corpus_name(corpus)}, {len(done.questions)} questions, "
        f"{done.documents} documents"
    )
    if done.left_out:
        title += f"; {done.left_out} questions have no document to find"
    parts = [report.markdown(rows), report.types_table(kinds), report.stages_table(rows)]
    table = "\n\n".join(part for part in [*parts, as_table(done.room)] if part)
    figures = {"rows": rows, "by type": kinds, "room": done.room, "machine": machine()}
    done.folder.write("table.md", f"### {title}\n\n{table}\n")
    done.folder.write("summary.json", as_json(figures))
    print_table(title, table)
    write_figures(json, figures)


@app.command("qa")
def qa(
    corpus: Corpus = DATA / "hotpotqa_dev_b/corpus.jsonl",
    questions: Questions = DATA / "hotpotqa_dev_b/questions.jsonl",
    evidence: Annotated[
        str, typer.Option("--evidence", help="gold: supporting passages; plane: what search finds.")
    ] = "gold",
    distractors: Annotated[
        int, typer.Option("--distractors", min=0, help="Passages beside the gold ones.")
    ] = 0,
    conflict: Annotated[
        bool, typer.Option("--conflict", help="Gold passages that hold a false answer.")
    ] = False,
    decoders: Annotated[str, typer.Option("--decoder", help="Names, with commas.")] = "greedy,lfd",
    reader: Annotated[
        str | None, typer.Option("--reader", help="Reader (default: settings).")
    ] = None,
    run: Annotated[
        Path | None, typer.Option("--run", help="Folder to resume; one JSON line per question.")
    ] = None,
    kb: Annotated[
        Path | None, typer.Option("--kb", help="Knowledge base of the corpus; ingested if need be.")
    ] = None,
    limit: Limit = 100,
    skip: Skip = 0,
    batch: Annotated[
        int, typer.Option("--batch", min=1, help="Questions read at once: for a GPU.")
    ] = 1,
    config: Config = None,
    json: Out = None,
) -> None:
    """EM, F1 and containment of answers, each decoder on the same questions, with intervals."""
    from hetarag.decoding.registry import split_names
    from hetarag.eval import answers

    rows = answers.bench_answers(
        corpus=corpus,
        questions=questions,
        evidence=evidence,
        distractors=distractors,
        conflict=conflict,
        decoders=split_names(decoders),
        reader=reader,
        run=run,
        kb=kb,
        limit=limit,
        skip=skip,
        config=config,
        batch=batch,
    )
    print_table(f"Answers on {corpus.parent.name}, evidence: {evidence}", answers.markdown(rows))
    write_figures(json, {"rows": rows, "machine": machine()})


@app.command("pool")
def pool(
    runs: Annotated[list[Path], typer.Argument(help="Folders of bench qa, of one reader.")],
    json: Out = None,
) -> None:
    """One table over the questions of several runs of bench qa: several sets, or conditions."""
    from hetarag.eval import answers

    rows = answers.pooled(runs)
    title = f"Answers to {rows[0]['questions']} questions of {len(runs)} runs"
    print_table(title, answers.markdown(rows))
    write_figures(json, {"rows": rows, "machine": machine()})


@app.command("convert")
def convert(
    source: Annotated[
        Path,
        typer.Argument(help="File of HotpotQA, 2Wiki, MuSiQue or MultiHop-RAG, or a BEIR folder."),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of the two files.")],
    split: Annotated[str, typer.Option("--split", help="Which qrels of a BEIR folder.")] = "test",
) -> None:
    """Turn a published question set into the corpus.jsonl and questions.jsonl of the benchmarks."""
    from hetarag.eval.official import load_official, write_dataset

    corpus, questions = loaded = load_official(source, split)
    write_dataset(loaded, out)
    echo(f"{len(corpus)} passages and {len(questions)} questions in {out}")


@app.command("plots")
def plots(
    runs: Annotated[list[Path], typer.Argument(help="Folders of bench qa or bench retrieval.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the figures.")] = Path("figures"),
) -> None:
    """Figures of runs: recall by depth, latency by stage; F1 and IKS by layer, layers chosen."""
    from hetarag.eval.plots import draw

    for path in draw(runs, out):
        echo(str(path))
