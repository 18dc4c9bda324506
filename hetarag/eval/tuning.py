"""`hetarag tune`: the search settings that find most for a user's own questions.

Every second question chooses: from the settings in force, one of them after the other is varied, and the
value that finds most is kept. The other questions decide whether the choice is better than what it
started from; where that is not sure, the settings stay. Most choices on a few questions are luck.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hetarag import HetaRAG
from hetarag.config import SearchSettings
from hetarag.errors import InputError
from hetarag.eval.datasets import Question
from hetarag.eval.metrics import retrieval_scores
from hetarag.eval.retrieval import DEPTH, distinct_documents
from hetarag.eval.significance import Interval, paired
from hetarag.retrievers import FUSIONS, takes_k

METRIC = "ndcg@10"
REPORTED = ("recall@2", "recall@5", METRIC)
FEWEST = 20

Changes = Mapping[str, Any]

VARIED: Sequence[Sequence[Changes]] = (
    [{"rerank": "none"}, *({"rerank": "links", "plain_weight": w} for w in (0.0, 1.0, 2.0, 4.0, 8.0))],
    [{"source_weight": w} for w in (0.0, 1.0, 2.0)],
    [{"fusion": fusion} for fusion in FUSIONS.names()],
    [{"rrf_k": k} for k in (5, 20, 60)],
    [{"router": router} for router in ("rules", "all")],
    [{"cross_encoder": "none"}],
)  # fmt: skip
"""What is tried, a setting after the other, each with the best of those before."""


@dataclass(frozen=True, slots=True)
class Tried:
    """Settings that differ from those in force, and the mean that the choosing questions gave them."""

    changes: Changes
    score: float


@dataclass(frozen=True, slots=True)
class Tuning:
    """What tuning chose, all that it tried, and what the deciding questions say of the choice.

    `before`, `after` are means of `REPORTED` on the deciding questions, `difference` the paired
    difference with its 95% interval. `better` says that the interval of nDCG@10 lies above 0.
    """

    changes: Changes
    tried: Sequence[Tried]
    choosing: int
    deciding: int
    before: Mapping[str, float]
    after: Mapping[str, float]
    difference: Mapping[str, Interval]

    @property
    def better(self) -> bool:
        """Whether the choice is surely better on questions that did not choose it."""
        return self.difference[METRIC].low > 0


def tune(
    rag: HetaRAG,
    questions: Sequence[Question],
    *,
    collections: Sequence[str] = (),
    watch: Callable[[str], None] = lambda _doing: None,
) -> Tuning:
    """Choose search settings on every second question and compare them on the others.

    Raises `InputError` for fewer than `FEWEST` questions with supporting documents, and for documents
    that the knowledge base does not hold.
    """
    asked = _answerable(rag, questions, collections)
    choosing, deciding = asked[::2], asked[1::2]
    base = rag.settings.search
    known: dict[SearchSettings, float] = {}
    tried: list[Tried] = []

    def score(changes: Changes) -> float:
        settings = base.changed(changes)
        if settings not in known:
            watch(describe(changes))
            values = _scores(rag, choosing, changes, collections)[METRIC]
            known[settings] = float(np.mean(values))
            tried.append(Tried(changes, known[settings]))
        return known[settings]

    best: Changes = {}
    score(best)
    for options in VARIED:
        if "rrf_k" in options[0] and not takes_k(base.changed(best).fusion):
            continue
        tries = [_differing(base, {**best, **option}) for option in options]
        best = max([best, *tries], key=score)  # the first of equals: what was there stays
    before = _scores(rag, deciding, {}, collections)
    after = _scores(rag, deciding, best, collections) if best else before
    return Tuning(
        changes=best,
        tried=tried,
        choosing=len(choosing),
        deciding=len(deciding),
        before={name: float(np.mean(before[name])) for name in REPORTED},
        after={name: float(np.mean(after[name])) for name in REPORTED},
        difference={name: paired(after[name], before[name]) for name in REPORTED},
    )


def describe(changes: Changes) -> str:
    """Return settings as text: "rerank = none, fusion = convex"."""
    return ", ".join(f"{key} = {value}" for key, value in changes.items()) or "settings in force"


def markdown(found: Tuning) -> str:
    """Return what was tried and what came of it as two Markdown tables."""
    lines = [f"| tried on {found.choosing} questions | nDCG@10 |", "|---|---|"]
    ordered = sorted(found.tried, key=lambda one: -one.score)
    lines += [f"| {describe(tried.changes)} | {tried.score:.3f} |" for tried in ordered]
    lines += [
        "",
        f"| {found.deciding} other questions | R@2 | R@5 | nDCG@10 |",
        "|---|---|---|---|",
    ]
    for name, means in (
        ("settings in force", found.before),
        (describe(found.changes), found.after),
    ):
        lines.append(f"| {name} | {' | '.join(f'{means[metric]:.3f}' for metric in REPORTED)} |")
    gaps = " | ".join(found.difference[metric].signed for metric in REPORTED)
    return "\n".join([*lines, f"| difference (95%) | {gaps} |"])


def _answerable(
    rag: HetaRAG, questions: Sequence[Question], collections: Sequence[str]
) -> list[Question]:
    """Return the questions with supporting documents, all of which must be there."""
    asked = [question for question in questions if question.supporting]
    if len(asked) < FEWEST:
        raise InputError(
            f"{len(asked)} questions name their supporting documents; tuning needs {FEWEST} at "
            "least, as half of them choose and half decide"
        )
    held = {
        info.name for info in rag.documents() if not collections or info.collection in collections
    }
    for question in asked:
        if missing := sorted(question.supporting - held):
            raise InputError(
                f"question {question.id}: {missing[0]!r} is not a document of this knowledge base; "
                "supporting_ids are names as `hetarag list` shows them"
            )
    return asked


def _scores(
    rag: HetaRAG, questions: Sequence[Question], changes: Changes, collections: Sequence[str]
) -> dict[str, list[float]]:
    """Return metric → a value per question."""
    ranked = {
        question.id: distinct_documents(
            rag.search(
                question.text, DEPTH, access="all", collections=collections, settings=changes
            )
        )
        for question in questions
    }
    gold = {question.id: question.supporting for question in questions}
    found = retrieval_scores(gold, ranked)
    return {metric: [found[metric][q] for q in gold] for metric in REPORTED}


def _differing(base: SearchSettings, changes: Changes) -> dict[str, Any]:
    """Return those of the changes that change something."""
    return {key: value for key, value in changes.items() if getattr(base, key) != value}
