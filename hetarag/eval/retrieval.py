"""`hetarag bench retrieval`: which documents the plane finds, beside each store alone and plain RRF."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hetarag.engine import HetaRAG
from hetarag.eval.datasets import Question
from hetarag.eval.metrics import retrieval_scores
from hetarag.eval.significance import Interval, bootstrap, paired
from hetarag.types import RankedEvidence

DEPTH = 20
PLANE = "plane"
BASELINE = "vector + fulltext, RRF"

_PLAIN = {"router": "all", "rerank": "none", "hops": False}

SYSTEMS: Mapping[str, Mapping[str, Any]] = {
    PLANE: {},
    "vector alone": {"stores": ("vector",)},
    "fulltext alone": {"stores": ("fulltext",)},
    "graph alone": {"stores": ("graph",)},
    "sql alone": {"stores": ("sql",)},
    BASELINE: {"stores": ("vector", "fulltext")},
    "all stores, plain RRF": {"settings": _PLAIN},
    "plane without graph": {"stores": ("vector", "fulltext", "sql")},
    "plane without vector": {"stores": ("fulltext", "graph", "sql")},
    "plane without fulltext": {"stores": ("vector", "graph", "sql")},
    "plane without link ranker": {"settings": {"rerank": "none"}},
    "plane without hops": {"settings": {"hops": False}},
    "plane without hops and ranker": {"settings": {"hops": False, "rerank": "none"}},
    "plane without router": {"settings": {"router": "all"}},
    "plane, convex fusion": {"settings": {"fusion": "convex"}},
}
"""What is compared: a name, and how its search differs from the default one."""


@dataclass(slots=True)
class SystemRun:
    """What one system found for each question, and how long each search took in seconds."""

    name: str
    ranked: dict[str, list[str]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    stages: dict[str, list[float]] = field(default_factory=dict)


def distinct_documents(evidence: Iterable[RankedEvidence]) -> list[str]:
    """Return the names of the documents in the order in which they are first found."""
    return list(dict.fromkeys(e.document for e in evidence))


def run_systems(
    rag: HetaRAG,
    questions: Sequence[Question],
    systems: Mapping[str, Mapping[str, Any]],
    watch: Callable[[str, int], None] = lambda _name, _done: None,
) -> list[SystemRun]:
    """Search every question with every system, the systems in turn for each question.

    Taking turns lets a machine whose speed drifts treat all systems alike.
    """
    runs = {name: SystemRun(name) for name in systems}
    for number, question in enumerate(questions, start=1):
        for name, options in systems.items():
            started = time.perf_counter()
            found = rag.search(question.text, DEPTH, access="all", **options)
            runs[name].seconds.append(time.perf_counter() - started)
            runs[name].ranked[question.id] = distinct_documents(found)
            for stage, value in (found.trace.seconds if found.trace else {}).items():
                runs[name].stages.setdefault(stage, []).append(value)
        watch("questions", number)
    return list(runs.values())


def summarise(runs: Sequence[SystemRun], questions: Sequence[Question]) -> list[dict[str, Any]]:
    """Return a row of figures per system: means, intervals, the paired gap of the plane, times."""
    gold = {question.id: question.supporting for question in questions}
    scores = {run.name: retrieval_scores(gold, run.ranked) for run in runs}
    rows = []
    for run in runs:
        own = scores[run.name]
        recall = list(own["recall@5"].values())
        rows.append(
            {
                "system": run.name,
                "questions": len(questions),
                **{name: float(np.mean(list(values.values()))) for name, values in own.items()},
                "recall@5 interval": bootstrap(recall)[1:],
                "plane minus this, recall@5": _gap(scores, run.name),
                "p50 ms": float(np.quantile(run.seconds, 0.5) * 1000),
                "p95 ms": float(np.quantile(run.seconds, 0.95) * 1000),
                "stages p50 ms": {
                    stage: float(np.quantile(values, 0.5) * 1000)
                    for stage, values in run.stages.items()
                },
            }
        )
    return rows


def by_type(
    runs: Sequence[SystemRun], questions: Sequence[Question]
) -> dict[str, dict[str, float]]:
    """Return system → type of question → recall@5, for sets whose questions have types."""
    kinds = sorted({question.type for question in questions if question.type})
    found: dict[str, dict[str, float]] = {}
    for run in runs:
        found[run.name] = {}
        for kind in kinds:
            gold = {q.id: q.supporting for q in questions if q.type == kind}
            values = retrieval_scores(gold, run.ranked)["recall@5"]
            found[run.name][kind] = float(np.mean([values[q] for q in gold]))
    return found


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| system | R@2 | R@5 (95%) | R@10 | R@20 | all@5 | nDCG@10 | plane − this, R@5 | p50 ms | p95 ms |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        low, high = row["recall@5 interval"]
        gap = row["plane minus this, recall@5"]
        shown = f"{gap.mean:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]" if gap else ""
        lines.append(
            f"| {row['system']} | {row['recall@2']:.3f} | {row['recall@5']:.3f} "
            f"[{low:.3f}, {high:.3f}] | {row['recall@10']:.3f} | {row['recall@20']:.3f} "
            f"| {row['all@5']:.3f} | {row['ndcg@10']:.3f} | {shown} "
            f"| {row['p50 ms']:.0f} | {row['p95 ms']:.0f} |"
        )
    return "\n".join(lines)


def _gap(scores: Mapping[str, Mapping[str, Mapping[str, float]]], name: str) -> Interval | None:
    if name == PLANE or PLANE not in scores:
        return None
    plane, other = scores[PLANE]["recall@5"], scores[name]["recall@5"]
    return paired([plane[q] for q in plane], [other[q] for q in plane])
