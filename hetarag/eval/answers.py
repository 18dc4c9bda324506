"""`hetarag bench qa`: how good answers are, each decoder on the same questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from hetarag import HetaRAG
from hetarag.config import Settings, load_settings
from hetarag.errors import InputError
from hetarag.eval.datasets import corpus_name, read_corpus, read_questions
from hetarag.eval.metrics import ANSWER_METRICS, answer_scores
from hetarag.eval.qa_tasks import Task, gold_tasks
from hetarag.eval.run_folder import Entry, RunFolder, read_results
from hetarag.eval.significance import bootstrap, mcnemar, paired
from hetarag.models import make_reader
from hetarag.types import Answer, RankedEvidence


@dataclass(frozen=True, slots=True)
class Plan:
    """What is read: the questions, and where their evidence comes from."""

    corpus: str
    reader: str
    evidence: str = "gold"
    distractors: int = 0
    conflict: bool = False

    def __post_init__(self) -> None:
        if self.evidence not in ("gold", "plane"):
            raise InputError(f"--evidence is gold or plane, not {self.evidence!r}")
        if self.evidence == "plane" and (self.distractors or self.conflict):
            raise InputError("--distractors and --conflict go with --evidence gold")

    @property
    def folder(self) -> str:
        """A name for the folder of this plan's results."""
        parts = [self.corpus, Path(self.reader).name, self.evidence]
        parts += [f"{self.distractors}-distractors"] if self.distractors else []
        return "-".join([*parts, "conflict"] if self.conflict else parts)


def bench_answers(
    *,
    corpus: Path,
    questions: Path,
    evidence: str,
    distractors: int,
    conflict: bool,
    decoders: Sequence[str],
    reader: str | None,
    run: Path | None,
    kb: Path | None,
    limit: int | None,
    skip: int,
    config: Path | None,
    batch: int = 1,
) -> list[dict[str, Any]]:
    """Answer every question with every decoder and return a row of figures per decoder.

    `batch` questions are read at once. Results go to `run`/results.jsonl, a line per answer; a run
    that was interrupted goes on there.
    """
    settings = _settings(config, reader)
    name = corpus_name(corpus)
    plan = Plan(name, settings.models.reader, evidence, distractors, conflict)
    results = Results(run or Path("runs/qa") / plan.folder, plan)
    answered: dict[str, dict[str, Entry]] = {}
    # Decoders take turns on each question, so what the reader read of it serves all of them.
    model = make_reader(settings.models, share_prompts=True)
    folder = kb or Path("runs/qa-kb") / name
    with HetaRAG.open(folder, settings, reader=model) as rag:
        tasks = _tasks(rag, plan, corpus, questions, limit, skip)
        while group := {task.question.id: task for task in islice(tasks, batch)}:
            for decoder in decoders:
                new = [task for key, task in group.items() if (key, decoder) not in results]
                asked = [(task.question.text, task.evidence) for task in new]
                for task, answer in zip(new, rag.read_batch(asked, decoder=decoder), strict=True):
                    results.score(task, decoder, answer)
                for key in group:
                    answered.setdefault(key, {})[decoder] = results[key, decoder]
    if not answered:
        raise InputError(f"{questions}: no question can be asked in this way")
    return [_row(decoder, decoders[0], list(answered.values())) for decoder in decoders]


def pooled(runs: Sequence[Path]) -> list[dict[str, Any]]:
    """Return a row of figures per decoder over the questions of several runs together.

    A decoder counts when every run has it, a question when each of those has answered it.

    Raises:
        InputError: a folder of another benchmark, or runs with no decoder or no question in common.
    """
    answered: dict[tuple[Path, str], dict[str, Entry]] = {}
    common: list[str] | None = None
    for run in dict.fromkeys(runs):
        own: dict[str, None] = {}
        for entry in read_results(run):
            if "decoder" not in entry:
                raise InputError(f"{run}: not a run of bench qa")
            answered.setdefault((run, entry["id"]), {})[entry["decoder"]] = entry
            own[entry["decoder"]] = None
        common = list(own) if common is None else [name for name in common if name in own]
    decoders = common or []
    whole = [lines for lines in answered.values() if set(decoders) <= set(lines)]
    if not decoders or not whole:
        raise InputError("these runs have no decoder that answered the same questions in each")
    return [_row(decoder, decoders[0], whole) for decoder in decoders]


class Results(RunFolder):
    """The lines of a run, by question and decoder."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        super().__init__(folder, asdict(plan), ("id", "decoder"))

    def score(self, task: Task, decoder: str, answer: Answer) -> None:
        """Score an answer and append its line."""
        read = answer.trace.read
        tokens = read.tokens if read else ()
        question = task.question
        entry = {
            "id": question.id,
            "decoder": decoder,
            "type": question.type,
            "answer": answer.text,
            "gold": list(question.answers),
            "supported": answer.supported,
            "citations": len(answer.citations),
            **answer_scores(answer.text, question.answers),
            "memory": answer_scores(answer.text, task.memory)["containment"]
            if task.memory
            else None,
            "seconds": read.seconds if read else 0.0,
            "prompt_tokens": read.prompt_tokens if read else 0,
            "answer_tokens": len(tokens),
            "changed": [at for at, step in enumerate(tokens) if step.changed],
            "candidates": list(read.candidates) if read else [],
            "layers": list(read.layers) if read else [],
            "iks": [[float(f"{x:.4g}") for x in step.iks] for step in tokens if step.iks],
        }
        self.add(entry)


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    first = rows[0]["decoder"]
    conflict = rows[0]["memory"] is not None
    names = ["decoder", "EM", "F1 (95%)", "containment", f"F1 − {first} (95%)", "EM: p (exact)"]
    names += ["true answer from memory"] if conflict else []
    names += ["tokens changed", "s a question"]
    lines = [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
    for row in rows:
        gap = row["gap"]
        cells = [row["decoder"], f"{row['em']:.3f}", str(row["f1"]), f"{row['containment']:.3f}"]
        cells += [gap.signed if gap else ""]
        cells += [f"{row['p']:.3f}" if gap else ""]
        cells += [f"{row['memory']:.3f}"] if conflict else []
        cells += [f"{row['changed']:.1%}", f"{row['seconds']:.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _tasks(
    rag: HetaRAG, plan: Plan, corpus: Path, questions: Path, limit: int | None, skip: int
) -> Iterator[Task]:
    asked = read_questions(questions, limit, skip)
    if plan.evidence == "plane" or plan.distractors:
        rag.ingest([corpus])
    if plan.evidence == "plane":
        for question in asked:
            yield Task(question, _read_by_ask(rag, question.text))
        return
    passages = {passage.id: passage for passage in read_corpus(corpus)}

    def search(text: str, k: int) -> list[RankedEvidence]:
        return list(rag.search(text, k=k, access="all"))

    others = read_questions(questions) if plan.conflict else None
    yield from gold_tasks(asked, passages, search, plan.distractors, others)


def _read_by_ask(rag: HetaRAG, question: str) -> tuple[RankedEvidence, ...]:
    """Return the pieces that `ask` would read."""
    return next(rag.stream(question, access="all")).evidence


def _row(decoder: str, first: str, answered: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    own = [lines[decoder] for lines in answered]
    base = [lines[first] for lines in answered]
    mean = {name: sum(e[name] for e in own) / len(own) for name in ANSWER_METRICS}
    memory = [e["memory"] for e in own if e["memory"] is not None]
    f1s, em = [e["f1"] for e in own], [e["em"] for e in own]
    same = decoder == first
    return {
        "decoder": decoder,
        "questions": len(own),
        **mean,
        "f1": bootstrap(f1s),
        "gap": None if same else paired(f1s, [e["f1"] for e in base]),
        "p": None if same else mcnemar(em, [e["em"] for e in base]),
        "memory": sum(memory) / len(memory) if memory else None,
        "changed": sum(len(e["changed"]) for e in own)
        / max(1, sum(e["answer_tokens"] for e in own)),
        "seconds": sum(e["seconds"] for e in own) / len(own),
    }


def _settings(config: Path | None, reader: str | None) -> Settings:
    settings = load_settings(config)
    if reader is None:
        return settings
    models = settings.models.model_copy(update={"reader": reader})
    return settings.model_copy(update={"models": models})
