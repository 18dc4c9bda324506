"""`hetarag bench retrieval`: which documents each system finds for the same questions, and how fast.

A run is a line per question and system (`hetarag.eval.run_folder`); figures are made from the lines by
`hetarag.eval.retrieval_report`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import file_digest, sha256
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hetarag import HetaRAG
from hetarag.config import DEFAULT_COLLECTION, Settings, load_settings, redact, settings_of
from hetarag.errors import InputError
from hetarag.eval.datasets import Question, corpus_name, read_questions
from hetarag.eval.footprint import room
from hetarag.eval.run_folder import RunFolder
from hetarag.eval.systems import PLANE, System, choose, systems_for
from hetarag.protocols import Embedder
from hetarag.types import KnowledgeBaseInfo, RankedEvidence

DEPTH = 20
_MEMORY_QUESTIONS = 20


@dataclass(slots=True)
class SystemRun:
    """What one system found for each question, and how long each search took in seconds."""

    name: str
    ranked: dict[str, list[str]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    stages: dict[str, list[float]] = field(default_factory=dict)

    def add(self, entry: Mapping[str, Any]) -> None:
        """Take in a line of a run."""
        self.ranked[entry["id"]] = list(entry["ranked"])
        self.seconds.append(entry["seconds"])
        for stage, value in entry["stages"].items():
            self.stages.setdefault(stage, []).append(value)


@dataclass(frozen=True, slots=True)
class Bench:
    """A finished benchmark: what was run, what came of it, and the room that the index takes."""

    folder: RunFolder
    baseline: str
    questions: Sequence[Question]
    runs: Sequence[SystemRun]
    room: Mapping[str, Any]
    documents: int
    left_out: int
    """Questions without a document to find, such as MultiHop-RAG's null queries."""


def bench_retrieval(
    *,
    corpora: Sequence[Path],
    questions: Path,
    kb: Path | None = None,
    run: Path | None = None,
    systems: str | None = None,
    baseline: str | None = None,
    limit: int | None = None,
    skip: int = 0,
    config: Path | None = None,
    embedder: Embedder | None = None,
    ranker: Path | None = None,
    watch: Callable[[str, int], None] = lambda _doing, _done: None,
) -> Bench:
    """Ingest the corpora and search every question with every system.

    Lines go to `run`/results.jsonl; a run that was cut off goes on there. `systems` are names with
    commas (None: all), `baseline` one more of them: by default the plane, or the first.

    Raises `InputError` for names that are not known, for a corpus that cannot be taken in whole, for
    questions that name no supporting documents, and for a folder of another configuration.
    """
    folder = kb or default_kb(corpora, config)
    settings = settings_of(config, folder)
    known = systems_for(settings)
    names = choose(known, systems, baseline)
    asked, left_out = asked_of(questions, limit, skip)
    with HetaRAG.open(folder, settings, embedder=embedder, ranker=ranker) as rag:
        rag.warm_up()  # what the settings name wrongly is told before anything is taken in
        take_in(rag, corpora)
        status = rag.status()
        kept = RunFolder(
            run, _configuration(settings, status, corpora, questions, ranker), ("id", "system")
        )
        _search(rag, asked, {name: known[name] for name in names}, kept, watch)
    measured = room(
        folder,
        settings,
        status.chunks,
        [question.text for question in asked[:_MEMORY_QUESTIONS]],
        embedder,
    )
    runs = [SystemRun(name) for name in names]
    for one in runs:
        for question in asked:
            one.add(kept[question.id, one.name])
    chosen = baseline or (PLANE if PLANE in names else names[0])
    return Bench(kept, chosen, asked, runs, measured, status.documents, left_out)


def default_kb(corpora: Sequence[Path], config: Path | None) -> Path:
    """Return the folder of a benchmark's knowledge base: one per pool of corpora and embedder."""
    pool = "+".join(map(corpus_name, corpora))
    return Path("runs/retrieval-kb") / f"{pool}-{Path(load_settings(config).models.embedder).name}"


def take_in(rag: HetaRAG, corpora: Sequence[Path], collection: str = DEFAULT_COLLECTION) -> None:
    """Ingest the corpora; `InputError` when a part of them could not be taken in."""
    report = rag.ingest(corpora, collection=collection)
    if report.failures:
        first = report.failures[0]
        raise InputError(
            f"{first.source}: {first.reason}; a benchmark needs the whole corpus "
            f"({len(report.failures)} sources failed)"
        )
    if report.pending:
        raise InputError(
            f"{report.pending} batches did not reach their stores: `hetarag status` says why, "
            "`hetarag repair` delivers them"
        )


def distinct_documents(evidence: Iterable[RankedEvidence]) -> list[str]:
    """Return the names of the documents in the order in which they are first found."""
    return list(dict.fromkeys(e.document for e in evidence))


def asked_of(path: Path, limit: int | None, skip: int) -> tuple[list[Question], int]:
    """Return the questions that recall can be measured on, and how many have no document to find."""
    asked = read_questions(path, limit, skip)
    if not asked:
        raise InputError(f"{path}: no questions left of --limit and --skip")
    answerable = [question for question in asked if question.supporting]
    if not answerable:
        raise InputError(f"{path}: no question names its supporting documents (supporting_ids)")
    return answerable, len(asked) - len(answerable)


def _search(
    rag: HetaRAG,
    questions: Sequence[Question],
    systems: Mapping[str, System],
    kept: RunFolder,
    watch: Callable[[str, int], None],
) -> None:
    """Search with the systems in turn for each question: a machine's drift then treats them alike."""
    warm: set[str] = set()
    for number, question in enumerate(questions, start=1):
        for name, options in systems.items():
            if (question.id, name) in kept:
                continue
            if name not in warm:  # stores are opened by the first search
                rag.search(question.text, DEPTH, access="all", **options)
                warm.add(name)
            kept.add(_line(rag, question, name, options))
        watch("questions", number)


def _line(rag: HetaRAG, question: Question, name: str, options: System) -> dict[str, Any]:
    started = time.perf_counter()
    found = rag.search(question.text, DEPTH, access="all", **options)
    seconds = time.perf_counter() - started
    stages: dict[str, float] = {}
    if found.trace is not None:
        stages = dict(found.trace.seconds)
        stages.pop("total", None)
        for store, status in found.trace.stores.items():
            if status.status == "ok" and store in found.trace.plan:
                stages[f"{store} store"] = status.seconds
    return {
        "id": question.id,
        "system": name,
        "type": question.type,
        "gold": sorted(question.supporting),
        "ranked": distinct_documents(found),
        "seconds": round(seconds, 6),
        "stages": {stage: round(value, 6) for stage, value in stages.items()},
    }


def _configuration(
    settings: Settings,
    status: KnowledgeBaseInfo,
    corpora: Sequence[Path],
    questions: Path,
    ranker: Path | None,
) -> dict[str, Any]:
    """Return what lines of one run must have in common, the method's own files among it."""
    stores = settings.stores.named()
    return {
        "benchmark": "retrieval",
        "hetarag": version("hetarag"),
        "method": _method(),
        "corpora": {corpus_name(corpus): _content(corpus) for corpus in corpora},
        "questions": _sha256(questions),
        "documents": status.documents,
        "passages": status.chunks,
        "embedder": status.embedder,
        "splitter": status.splitter,
        "stores": {name: f"{store.kind} {redact(store.url)}" for name, store in stores.items()},
        "ingest": settings.ingest.model_dump(mode="json"),
        "search": settings.search.model_dump(mode="json"),
        # A path does not tell which trees lie there.
        **({"trees": _content(ranker)} if ranker is not None else {}),
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _content(corpus: Path) -> str:
    """Return a digest of a corpus: of its file, or of all files of its folder."""
    if not corpus.is_dir():
        return _sha256(corpus)
    digest = sha256()
    for file in sorted(path for path in corpus.rglob("*") if path.is_file()):
        digest.update(f"{file.relative_to(corpus).as_posix()}\0{_sha256(file)}\n".encode())
    return digest.hexdigest()


def _method() -> str:
    """Return a digest of the retrieval method: its code and its trained ranker."""
    digest = sha256()
    root = Path(str(resources.files("hetarag.retrievers")))
    files = [f for f in root.rglob("*") if f.suffix in (".py", ".npz")]
    for file in sorted(files):
        digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]
