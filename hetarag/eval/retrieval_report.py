"""Figures of retrieval runs: means, intervals, paired differences, times; and their tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from hetarag.eval.datasets import Question
from hetarag.eval.metrics import retrieval_scores
from hetarag.eval.retrieval import SystemRun
from hetarag.eval.significance import Interval, bootstrap, paired

Row = Mapping[str, Any]

_COLUMNS = ("recall@2", "recall@5", "recall@10", "recall@20", "all@5", "all@10", "mrr", "ndcg@10")
_SHORT = {"mrr": "MRR", "ndcg@10": "nDCG@10"}


def summarise(
    runs: Sequence[SystemRun], questions: Sequence[Question], baseline: str
) -> list[dict[str, Any]]:
    """Return a row of figures per system.

    Each has the mean of every metric, "intervals" of 95%, "minus baseline" (paired differences with
    intervals; None for the baseline itself), and times in ms at 50 and 95%, whole and by stage.
    """
    gold = {question.id: question.supporting for question in questions}
    scores = {run.name: retrieval_scores(gold, run.ranked) for run in runs}
    rows: list[dict[str, Any]] = []
    for run in runs:
        own = {name: [values[q] for q in gold] for name, values in scores[run.name].items()}
        other = scores.get(baseline) if run.name != baseline else None
        rows.append(
            {
                "system": run.name,
                "questions": len(questions),
                **{name: float(np.mean(values)) for name, values in own.items()},
                "intervals": {name: bootstrap(values)[1:] for name, values in own.items()},
                "baseline": baseline,
                "minus baseline": other
                and {n: paired(own[n], [other[n][q] for q in gold]) for n in own},
                "p50 ms": _ms(run.seconds, 0.5),
                "p95 ms": _ms(run.seconds, 0.95),
                "stages ms": {
                    stage: {"p50": _ms(values, 0.5), "p95": _ms(values, 0.95)}
                    for stage, values in run.stages.items()
                },
            }
        )
    return rows


def by_type(
    runs: Sequence[SystemRun], questions: Sequence[Question], baseline: str
) -> dict[str, list[dict[str, Any]]]:
    """Return type of question → rows as `summarise` gives them, for sets whose questions have types."""
    kinds = sorted({question.type for question in questions if question.type})
    found = {}
    for kind in kinds:
        asked = [question for question in questions if question.type == kind]
        found[kind] = [_without_times(row) for row in summarise(runs, asked, baseline)]
    return found


def markdown(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    baseline = rows[0]["baseline"]
    heads = [_SHORT.get(name, name.replace("recall", "R")) for name in _COLUMNS]
    heads[1] += " (95%)"
    lines = [["system", *heads, f"− {baseline}, R@5 (95%)", "p50 ms", "p95 ms"]]
    for row in rows:
        cells = [f"{row[name]:.3f}" for name in _COLUMNS]
        cells[1] += " [{:.3f}, {:.3f}]".format(*row["intervals"]["recall@5"])
        times = [f"{row['p50 ms']:.0f}", f"{row['p95 ms']:.0f}"]
        lines.append([row["system"], *cells, _gap(row, "recall@5"), *times])
    return _table(lines)


def types_table(kinds: Mapping[str, Sequence[Row]]) -> str:
    """Return R@5 of each system by type of question, with the paired difference; "" without types."""
    if not kinds:
        return ""
    first = next(iter(kinds.values()))
    heads = [f"{kind} ({rows[0]['questions']})" for kind, rows in kinds.items()]
    lines = [["R@5, difference (95%)", *heads]]
    for at, row in enumerate(first):
        cells = [
            f"{rows[at]['recall@5']:.3f} {_gap(rows[at], 'recall@5')}".strip()
            for rows in kinds.values()
        ]
        lines.append([row["system"], *cells])
    return _table(lines)


def stages_table(rows: Sequence[Row]) -> str:
    """Return p50 / p95 in ms of each stage; the stores' times lie within stages 1 and 2."""
    stages = dict.fromkeys(stage for row in rows for stage in row["stages ms"])
    if not stages:
        return ""
    lines = [["p50 / p95 ms", *stages]]
    for row in rows:
        found = [row["stages ms"].get(stage) for stage in stages]
        cells = [f"{f['p50']:.1f} / {f['p95']:.1f}" if f else "" for f in found]
        lines.append([row["system"], *cells])
    return _table(lines)


def _gap(row: Row, metric: str) -> str:
    gaps: Mapping[str, Interval] | None = row["minus baseline"]
    return "" if gaps is None else gaps[metric].signed


def _without_times(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not name.endswith(" ms")}


def _ms(seconds: Sequence[float], share: float) -> float:
    return float(np.quantile(seconds, share) * 1000) if seconds else 0.0


def _table(lines: Iterable[Sequence[str]]) -> str:
    first, *rest = [f"| {' | '.join(cells)} |" for cells in lines]
    rule = "|" + "---|" * (first.count(" | ") + 1)
    return "\n".join([first, rule, *rest])
