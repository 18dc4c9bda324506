"""What a reader is given for a question: its gold passages, alone, among others, or falsified."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from hetarag.eval.datasets import Passage, Question
from hetarag.text import whole_word_pattern
from hetarag.types import RankedEvidence

Search = Callable[[str, int], Sequence[RankedEvidence]]
"""What a question finds: at most so many pieces, best first."""

_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("year", re.compile(r"\d{4}")),
    ("date", re.compile(rf".*\b({_MONTHS})\b.*\d.*|.*\d.*\b({_MONTHS})\b.*", re.IGNORECASE)),
    ("number", re.compile(r".*\d.*")),
    ("name", re.compile(r"(\W*[A-Z].*)")),
    ("words", re.compile(r".*")),
)


@dataclass(frozen=True, slots=True)
class Task:
    """A question with the evidence to read, the best piece first."""

    question: Question
    evidence: tuple[RankedEvidence, ...]
    memory: tuple[str, ...] = ()
    """The true answers, where the evidence was made to say something else."""


def gold_tasks(
    questions: Iterable[Question],
    passages: Mapping[str, Passage],
    search: Search,
    distractors: int,
    others: Sequence[Question] | None = None,
) -> Iterator[Task]:
    """Yield the questions with their supporting passages and so many distractors.

    With `others`, questions whose answers may stand in for the true ones, the evidence is falsified,
    and what cannot be is left out.
    """
    for question in questions:
        task = gold_task(question, passages)
        if distractors:
            task = with_distractors(task, search, distractors)
        given = task if others is None else in_conflict(task, others)
        if given is not None:
            yield given


def gold_task(question: Question, passages: Mapping[str, Passage]) -> Task:
    """Return the question with its supporting passages, in the order of their ids."""
    found = [as_evidence(passages[name]) for name in sorted(question.supporting)]
    return Task(question, tuple(found))


def with_distractors(task: Task, search: Search, count: int) -> Task:
    """Add the `count` best passages that a search for the question finds beside the gold ones.

    All are shuffled, the same way in every run: a reader must not learn that gold comes first.
    """
    gold = task.question.supporting
    others: dict[str, RankedEvidence] = {}
    for piece in search(task.question.text, 2 * (count + len(gold)) + 10):
        if piece.document not in gold and piece.kind == "chunk":
            others.setdefault(piece.document, piece)
    mixed = [*task.evidence, *list(others.values())[:count]]
    mixed.sort(key=lambda piece: _hash(task.question.id, piece.document))
    return replace(task, evidence=tuple(mixed))


def in_conflict(task: Task, questions: Iterable[Question]) -> Task | None:
    """Put another answer in the place of the true one, everywhere in the evidence.

    The other one is the answer of another question, of the same kind (year, date, number, name) and,
    where there is such, of as many words. None where the true answer is not in the evidence word
    for word, as for yes and no, or where there is no other.
    """
    truth = next((a for a in task.question.answers if _stands_in(a, task.evidence)), None)
    if truth is None or truth.lower() in ("yes", "no"):
        return None
    kind, words = _kind(truth), len(truth.split())
    others = {
        other.answers[0]
        for other in questions
        if other.answers and _kind(other.answers[0]) == kind and other.id != task.question.id
    }
    known = f"{task.question.text}\n" + "\n".join(f"{e.title}\n{e.text}" for e in task.evidence)
    fresh = [a for a in others if a.lower() not in known.lower() and a.lower() not in ("yes", "no")]
    if not fresh:
        return None
    false = min(fresh, key=lambda a: (abs(len(a.split()) - words), _hash(task.question.id, a)))
    pattern = whole_word_pattern(truth)
    evidence = tuple(
        replace(
            piece,
            title=pattern.sub(lambda _: false, piece.title),
            text=pattern.sub(lambda _: false, piece.text),
            sentences=(),
        )
        for piece in task.evidence
    )
    asked = replace(task.question, answers=(false,))
    return Task(asked, evidence, task.question.answers)


def as_evidence(passage: Passage) -> RankedEvidence:
    """Return a passage of a corpus as evidence."""
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


def _stands_in(answer: str, evidence: Sequence[RankedEvidence]) -> bool:
    pattern = whole_word_pattern(answer)
    return bool(answer.strip()) and any(pattern.search(piece.text) for piece in evidence)


def _kind(answer: str) -> str:
    return next(kind for kind, pattern in _KINDS if pattern.fullmatch(answer))


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
