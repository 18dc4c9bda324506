"""bench: measure retrieval, ingest, search, reading and answers on this machine."""

from __future__ import annotations

import json as jsonlib
import platform
from pathlib import Path
from typing import Annotated, Any

import typer

from hetarag.commands.common import Config, echo

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
    config: Config = None,
    json: Out = None,
) -> None:
    """Recall, latency and room of the plane, each store alone, and the plane less each part."""
    from hetarag.eval import retrieval as bench
    from hetarag.eval import retrieval_report as report
    from hetarag.eval.costs import as_table
    from hetarag.eval.datasets import corpus_name

    corpora = [corpus, *(beside or [])]
    done = bench.bench(
        corpora=corpora,
        questions=questions,
        kb=kb,
        run=run,
        systems=systems,
        baseline=baseline,
        limit=limit,
        skip=skip,
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
    done.folder.write("summary.json", _as_json(figures))
    print_table(title, table)
    write_figures(json, figures)


@app.command("peers")
def peers(
    corpus: Corpus = DATA / "2wiki_dev/corpus.jsonl",
    questions: Questions = DATA / "2wiki_dev/questions.jsonl",
    kb: CorpusKb = None,
    limit: Limit = None,
    skip: Skip = 0,
    config: Config = None,
    json: Out = None,
) -> None:
    """Recall and latency of the plane beside LlamaIndex's and Haystack's hybrid search."""
    from hetarag.engine import HetaRAG
    from hetarag.eval import peers as others
    from hetarag.eval import retrieval as bench
    from hetarag.eval import retrieval_report as report
    from hetarag.eval.datasets import corpus_name, read_corpus, read_questions
    from hetarag.eval.systems import PLANE

    asked = read_questions(questions, limit, skip)
    name = corpus_name(corpus)
    with HetaRAG.open(kb or bench.default_kb([corpus], config), config) as rag:
        bench.take_in(rag, [corpus])
        searches: dict[str, others.Search] = {
            PLANE: lambda text: bench.distinct_documents(
                rag.search(text, bench.DEPTH, access="all")
            )
        }
        searches |= others.peers(read_corpus(corpus), rag.embedder)
        runs = others.run_searches(searches, asked)
    rows = report.summarise(runs, asked, PLANE)
    print_table(f"Peers on {name}, {len(asked)} questions", report.markdown(rows))
    write_figures(json, {"rows": rows, "machine": machine()})


@app.command("ingest")
def ingest(
    corpus: Corpus = DATA / "2wiki_dev/corpus.jsonl", config: Config = None, json: Out = None
) -> None:
    """Ingest a corpus into a new knowledge base: time beside embedding and entities, memory."""
    from hetarag.eval import costs

    row = costs.ingest_costs(corpus, config)
    print_table(f"Ingest of {corpus.parent.name}", costs.as_table(row))
    write_figures(json, {**row, "machine": machine()})


@app.command("growth")
def growth(
    corpus: Corpus = DATA / "2wiki_dev/corpus.jsonl",
    sizes: Annotated[str, typer.Option("--at", help="Documents, with commas.")] = "100,1000,3000",
    config: Config = None,
    json: Out = None,
) -> None:
    """What one more document costs at each size, and the search that follows it."""
    from hetarag.eval.costs import as_rows
    from hetarag.eval.growth import growth_costs

    rows = growth_costs(corpus, config, _numbers("--at", sizes))
    print_table(f"Additions to {corpus.parent.name}, one at a time", as_rows(rows))
    write_figures(json, {"rows": rows, "machine": machine()})


@app.command("search")
def search(
    corpus: Corpus = DATA / "2wiki_dev/corpus.jsonl",
    questions: Questions = DATA / "2wiki_dev/questions.jsonl",
    kb: CorpusKb = None,
    limit: Limit = 200,
    config: Config = None,
    json: Out = None,
) -> None:
    """Latency of a warm search by stages, and of a cold search from the shell."""
    from hetarag.engine import HetaRAG
    from hetarag.eval import costs
    from hetarag.eval.datasets import read_questions
    from hetarag.eval.retrieval import default_kb, take_in

    asked = read_questions(questions, limit)
    folder = kb or default_kb([corpus], config)
    with HetaRAG.open(folder, config) as rag:
        take_in(rag, [corpus])
        row = costs.search_costs(rag, asked)
    row |= costs.cold_search(folder, asked[0], config)
    print_table(f"Search over {corpus.parent.name}", costs.as_table(row))
    write_figures(json, {**row, "machine": machine()})


@app.command("reader")
def reader(
    name: Annotated[
        str | None, typer.Option("--reader", help="Reader (default: settings).")
    ] = None,
    decoders: Annotated[str, typer.Option("--decoder", help="Names, with commas.")] = "greedy,lfd",
    repeats: Annotated[int, typer.Option("--repeats", help="Rounds, decoders in turn.")] = 5,
    config: Config = None,
    json: Out = None,
) -> None:
    """Time to the first token and per token of a warm reader, 5 passages of 200 tokens."""
    from hetarag.decoding.names import split_names
    from hetarag.eval import costs

    rows = costs.reader_costs(name, split_names(decoders), repeats, config)
    print_table("Reader, warm", costs.as_rows(rows))
    write_figures(json, {"rows": rows, "machine": machine()})


@app.command("decoding")
def decoding(
    model: Annotated[
        str, typer.Option("--model", help="A reader, a folder, or a shape with random weights.")
    ] = "qwen2.5-coder-0.5b",
    methods: Annotated[
        str, typer.Option("--decoder", help="Names, with commas.")
    ] = "lfd,lfd-paper,lfd-prompt,dola,cad,adacad",
    batch: Annotated[str, typer.Option("--batch", help="Rows, with commas.")] = "1",
    context: Annotated[str, typer.Option("--context", help="Tokens before the answer.")] = "512",
    tokens: Annotated[int, typer.Option("--tokens", help="Steps that are timed in a run.")] = 16,
    rounds: Annotated[int, typer.Option("--rounds", help="Rounds, methods in turn.")] = 5,
    dtype: Annotated[
        str, typer.Option("--dtype", help="float32, bfloat16, float16, or auto: the fastest here.")
    ] = "auto",
    device: Annotated[str, typer.Option("--device", help="cpu or cuda.")] = "cpu",
    cache: Annotated[
        str, typer.Option("--cache", help="dynamic, static, or compiled: static, steps compiled.")
    ] = "dynamic",
    config: Config = None,
    json: Out = None,
) -> None:
    """Time per token and peak memory of each decoding method beside greedy, in one run."""
    from hetarag.eval import decoding_costs as bench
    from hetarag.eval.costs import as_rows

    kind = bench.cache_named(cache)
    loaded = bench.load_model(model, dtype, device, config)
    rows = []
    for length in _numbers("--context", context):
        for count in _numbers("--batch", batch):
            work = bench.Workload(count, length, tokens, kind)
            rows += bench.decoding_costs(loaded, methods.split(","), work, rounds)
    title = (
        f"Decoding, {model}, {str(loaded.dtype).removeprefix('torch.')} on {device}, {kind} cache"
    )
    print_table(title, as_rows(rows))
    write_figures(json, {"rows": rows, "model": model, "machine": machine()})


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
    from hetarag.decoding.names import split_names
    from hetarag.eval import answers

    rows = answers.bench(
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


def _numbers(option: str, text: str) -> list[int]:
    from hetarag.errors import InputError

    parts = text.split(",")
    if not all(part.strip().isdigit() and int(part) > 0 for part in parts):
        raise InputError(f"{option} takes whole numbers above 0 with commas, not {text!r}")
    return [int(part) for part in parts]


def machine() -> dict[str, Any]:
    """Return what a figure needs beside it: processor, cores, versions."""
    import os
    from importlib.metadata import version

    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        flags = [line for line in info.read_text().splitlines() if line.startswith("flags")]
        vnni = bool(flags) and "avx512_vnni" in flags[0]
        model = f"{names[0].partition(':')[2].strip()}, AVX-512 VNNI: {vnni}" if names else model
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "hetarag": version("hetarag"),
    }


def print_table(title: str, table: str) -> None:
    """Print a table with its title and the machine that it was measured on."""
    facts = machine()
    echo(f"### {title}\n\n{table}\n")
    echo(f"{facts['cores']} cores, {facts['processor']}, Python {facts['python']}")


def write_figures(path: Path | None, figures: dict[str, Any]) -> None:
    """Write figures as JSON to the file that --json names, if it does."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_as_json(figures), encoding="utf-8")


def _as_json(figures: dict[str, Any]) -> str:
    return jsonlib.dumps(figures, indent=2, default=str) + "\n"
