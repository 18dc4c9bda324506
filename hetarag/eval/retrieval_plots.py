"""Figures of `bench retrieval` runs: recall over the number of documents, latency by stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from hetarag.eval.metrics import retrieval_scores
from hetarag.eval.run_folder import Entry
from hetarag.eval.significance import Interval, bootstrap

_CUTOFFS = (1, 2, 3, 5, 7, 10, 15, 20)
_SYSTEMS = 8  # curves in one figure: more cannot be told apart

Axes = Any  # matplotlib has no types for what it hands out
Runs = Mapping[str, Sequence[Entry]]


def _recall(axes: Axes, runs: Runs) -> bool:
    best = sorted(runs, key=lambda name: -_curve(runs[name])[_CUTOFFS.index(5)][0])
    for number, name in enumerate(sorted(best[:_SYSTEMS], key=list(runs).index)):
        mean, low, high = np.array(_curve(runs[name])).T
        axes.plot(_CUTOFFS, mean, marker=".", label=name, color=f"C{number}")
        axes.fill_between(_CUTOFFS, low, high, alpha=0.12, color=f"C{number}", linewidth=0)
    axes.set(
        xlabel="documents, k", ylabel="recall@k (95% interval)", ylim=(None, 1.01), xticks=_CUTOFFS
    )
    axes.legend(fontsize="small")
    return bool(runs)


def _latency(axes: Axes, runs: Runs) -> bool:
    medians = {
        name: {
            stage: float(np.median([e["stages"][stage] for e in entries if stage in e["stages"]]))
            for stage in dict.fromkeys(s for e in entries for s in e["stages"])
            if not stage.endswith(" store")  # within stages 1 and 2
        }
        for name, entries in runs.items()
    }
    left = np.zeros(len(runs))
    for stage in dict.fromkeys(stage for stages in medians.values() for stage in stages):
        values = np.array([1000 * medians[name].get(stage, 0.0) for name in runs])
        axes.barh(list(runs), values, left=left, label=stage)
        left += values
    late = [1000 * float(np.quantile([e["seconds"] for e in runs[name]], 0.95)) for name in runs]
    axes.plot(late, range(len(runs)), "k|", label="p95 of the whole")
    axes.invert_yaxis()
    axes.set(xlabel="ms, medians of the stages")
    axes.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
    return bool(runs)


def _curve(entries: Sequence[Entry]) -> list[Interval]:
    # A question may be there twice, of two sets that are put together: the line's number tells them apart.
    gold = {str(n): frozenset(e["gold"]) for n, e in enumerate(entries)}
    ranked = {str(n): e["ranked"] for n, e in enumerate(entries)}
    scores = retrieval_scores(gold, ranked, _CUTOFFS)
    return [bootstrap(list(scores[f"recall@{k}"].values())) for k in _CUTOFFS]


PLOTS: Mapping[str, Callable[[Axes, Runs], bool]] = {
    "recall-by-depth": _recall,
    "latency-by-stage": _latency,
}
