"""`hetarag bench qa`: how good answers are, each decoder on the same questions."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hetarag.config import Settings, load
from hetarag.engine import HetaRAG
from hetarag.errors import InputError
from hetarag.eval.datasets import Passage, Question, read_corpus, read_questions
from hetarag.eval.metrics import containment, exact_match, f1
from hetarag.eval.significance import bootstrap, paired
from hetarag.types import Answer, RankedEvidence

_MARK = re.compile(r"\s*\[\d+\]")
_METRICS = {"em": exact_match, "f1": f1, "containment": containment}


def bench(
    *,
    corpus: Path,
    questions: Path,
    evidence: str,
    decoders: Sequence[str],
    reader: str | None,
    run: Path,
    kb: Path,
    limit: int | None,
    config: Path | None,
) -> list[dict[str, Any]]:
    """Answer every question with every decoder and return a row of figures per decoder.

    Results go to `run`/results.jsonl, a line per answer; a run that was interrupted goes on there.
    """
    if evidence not in ("gold", "plane"):
        raise InputError(f"--evidence is gold or plane, not {evidence!r}")
    settings = _settings(config, reader)
    asked = read_questions(questions, limit)
    gold = read_corpus(corpus) if evidence == "gold" else []
    passages = {passage.id: passage for passage in gold}
    results = Results(run, {"evidence": evidence, "reader": settings.models.reader})
    with HetaRAG.open(kb, settings) as rag:
        if evidence == "plane":
            rag.ingest([corpus])
        for question in asked:
            missing = [d for d in decoders if (question.id, d) not in results]
            if not missing:
                continue
            if evidence == "gold":
                found = [_as_evidence(passages[i]) for i in sorted(question.supporting)]
            else:
                found = _found(rag, question, settings.reader.evidence)
            for decoder in missing:
                answer = rag.read(question.text, found, decoder=decoder)
                results.add(question, decoder, answer)
    return _summary(results, asked, decoders)


class Results:
    """The lines of a run, by question and decoder."""

    def __init__(self, folder: Path, facts: Mapping[str, str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "results.jsonl"
        self._lines: dict[tuple[str, str], dict[str, Any]] = {}
        config = folder / "config.json"
        if config.is_file() and json.loads(config.read_text()) != dict(facts):
            raise InputError(
                f"{folder}: was made with {config.read_text().strip()}: give another --run folder"
            )
        config.write_text(json.dumps(dict(facts)) + "\n")
        if self._path.is_file():
            for line in self._path.read_text(encoding="utf-8").splitlines():
                entry = json.loads(line)
                self._lines[entry["id"], entry["decoder"]] = entry

    def __contains__(self, key: tuple[str, str]) -> bool:
        return key in self._lines

    def __getitem__(self, key: tuple[str, str]) -> dict[str, Any]:
        return self._lines[key]

    def add(self, question: Question, decoder: str, answer: Answer) -> None:
        """Score an answer and append its line."""
        text = _MARK.sub("", answer.text).strip().rstrip(".")
        read = answer.trace.read
        entry = {
            "id": question.id,
            "decoder": decoder,
            "type": question.type,
            "answer": answer.text,
            "gold": list(question.answers),
            "supported": answer.supported,
            "citations": len(answer.citations),
            **{name: metric(text, question.answers) for name, metric in _METRICS.items()},
            "seconds": read.seconds if read else 0.0,
            "prompt_tokens": read.prompt_tokens if read else 0,
            "layers": list(read.layers) if read else [],
        }
        self._lines[question.id, decoder] = entry
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    first = rows[0]["decoder"]
    lines = [
        f"| decoder | EM | F1 (95%) | containment | F1 − {first} (95%) | s a question |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        gap = row["gap"]
        shown = f"{gap.mean:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]" if gap else ""
        lines.append(
            f"| {row['decoder']} | {row['em']:.3f} | {row['f1']} | {row['containment']:.3f} "
            f"| {shown} | {row['seconds']:.1f} |"
        )
    return "\n".join(lines)


def _summary(
    results: Results, questions: Sequence[Question], decoders: Sequence[str]
) -> list[dict[str, Any]]:
    rows = []
    values = {d: [results[q.id, d]["f1"] for q in questions] for d in decoders}
    for decoder in decoders:
        entries = [results[q.id, decoder] for q in questions]
        mean = {name: sum(e[name] for e in entries) / len(entries) for name in _METRICS}
        rows.append(
            {
                "decoder": decoder,
                "questions": len(entries),
                **mean,
                "f1": bootstrap(values[decoder]),
                "gap": None
                if decoder == decoders[0]
                else paired(values[decoder], values[decoders[0]]),
                "seconds": sum(e["seconds"] for e in entries) / len(entries),
            }
        )
    return rows


def _settings(config: Path | None, reader: str | None) -> Settings:
    settings = load(config)
    if reader is None:
        return settings
    models = settings.models.model_copy(update={"reader": reader})
    return settings.model_copy(update={"models": models})


def _found(rag: HetaRAG, question: Question, count: int) -> list[RankedEvidence]:
    """What `ask` would read."""
    for event in rag.stream(question.text, evidence=count):
        return list(event.evidence)
    return []


def _as_evidence(passage: Passage) -> RankedEvidence:
    return RankedEvidence(
        id=passage.id,
        kind="chunk",
        document=passage.id,
        document_id=passage.id,
        collection="gold",
        title=passage.title,
        text=passage.text,
        score=1.0,
        start=0,
        end=len(passage.text),
    )
