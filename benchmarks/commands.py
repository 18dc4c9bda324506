"""Commands that measure hetarag itself: what each part costs on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hetarag.cli.bench import DATA, Corpus, CorpusKb, Limit, Out, Questions, Skip
from hetarag.cli.common import Config
from hetarag.eval.figures import as_rows, as_table, machine, print_table, write_figures

app = typer.Typer(
    help="Measurements of hetarag itself; each prints a Markdown table and writes JSON with --json.",
    no_args_is_help=True,
    add_completion=False,
)


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
    from benchmarks import peers as others
    from hetarag import HetaRAG
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
    from benchmarks import costs

    row = costs.ingest_costs(corpus, config)
    print_table(f"Ingest of {corpus.parent.name}", as_table(row))
    write_figures(json, {**row, "machine": machine()})


@app.command("growth")
def growth(
    corpus: Corpus = DATA / "2wiki_dev/corpus.jsonl",
    sizes: Annotated[str, typer.Option("--at", help="Documents, with commas.")] = "100,1000,3000",
    config: Config = None,
    json: Out = None,
) -> None:
    """What one more document costs at each size, and the search that follows it."""
    from benchmarks.growth import growth_costs
    from hetarag.eval.figures import as_rows

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
    from benchmarks import costs
    from hetarag import HetaRAG
    from hetarag.eval.datasets import read_questions
    from hetarag.eval.retrieval import default_kb, take_in

    asked = read_questions(questions, limit)
    folder = kb or default_kb([corpus], config)
    with HetaRAG.open(folder, config) as rag:
        take_in(rag, [corpus])
        row = costs.search_costs(rag, asked)
    row |= costs.cold_search(folder, asked[0], config)
    print_table(f"Search over {corpus.parent.name}", as_table(row))
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
    from benchmarks import costs
    from hetarag.decoding.registry import split_names

    rows = costs.reader_costs(name, split_names(decoders), repeats, config)
    print_table("Reader, warm", as_rows(rows))
    write_figures(json, {"rows": rows, "machine": machine()})


@app.command("decoding")
def decoding(
    model: Annotated[
        str, typer.Option("--model", help="A reader, a folder, or a shape with random weights.")
    ] = "qwen2.5-coder-0.5b",
    methods: Annotated[
        str, typer.Option("--decoder", help="Names, with commas.")
    ] = "lfd,lfd-paper,dola,cad,adacad",
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
    from benchmarks import decoding_costs as bench
    from hetarag.eval.figures import as_rows

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


@app.command("wheel")
def wheel(
    knowledge: Annotated[
        Path, typer.Option("--knowledge", help="Folder of files to ingest.")
    ] = Path("examples/knowledge"),
    constraints: Annotated[
        Path | None, typer.Option("--constraints", help="Pins of versions (default: the newest).")
    ] = None,
    json: Out = None,
) -> None:
    """The wheel alone in an empty environment: size, dependencies, import, ingest and search."""
    from benchmarks.wheel import wheel_costs

    row = wheel_costs(knowledge.resolve(), constraints)
    print_table("The wheel with its base dependencies", as_table(row))
    write_figures(json, {**row, "machine": machine()})


def _numbers(option: str, text: str) -> list[int]:
    from hetarag.errors import InputError

    parts = text.split(",")
    if not all(part.strip().isdigit() and int(part) > 0 for part in parts):
        raise InputError(f"{option} takes whole numbers above 0 with commas, not {text!r}")
    return [int(part) for part in parts]
