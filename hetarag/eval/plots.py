"""Figures of runs: of `bench qa` what fusion does by layer and by step; `bench retrieval` has its own."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hetarag.errors import MissingExtraError
from hetarag.eval.retrieval_plots import PLOTS
from hetarag.eval.run_folder import Entry, read_results
from hetarag.eval.significance import bootstrap

_LAYER = re.compile(r"^lfd[a-z-]*\[(?:[^\]]*,)?(?:layers|candidates)=(\d+)[,\]]")
_STEPS = 12
"""Steps that are shown: few answers are longer."""

Axes = Any  # matplotlib has no types for what it hands out


def draw(runs: Sequence[Path], out: Path) -> list[Path]:
    """Draw what the runs hold into the folder `out` and return the files written.

    Runs are folders of `bench qa`, put together, or of `bench retrieval`, where each stays apart.
    `accuracy-by-layer` needs decoders with one layer each, such as lfd-normed[layers=20].
    """
    try:
        import matplotlib
    except ImportError as error:
        raise MissingExtraError("matplotlib", "eval", "Drawing figures") from error
    matplotlib.use("agg")
    from matplotlib import pyplot

    by_decoder: dict[str, list[Entry]] = defaultdict(list)
    by_system: dict[str, list[Entry]] = defaultdict(list)
    for run in runs:
        for entry in read_results(run):
            if "decoder" in entry:
                by_decoder[entry["decoder"]].append(entry)
            else:
                name = f"{run.name}: {entry['system']}" if len(runs) > 1 else entry["system"]
                by_system[name].append(entry)
    out.mkdir(parents=True, exist_ok=True)
    written = []
    plots = [(name, plot, by_decoder) for name, plot in _PLOTS.items()] if by_decoder else []
    plots += [(name, plot, by_system) for name, plot in PLOTS.items()] if by_system else []
    for name, plot, lines in plots:
        size = (6.4, max(3.6, 0.3 * len(lines))) if name == "latency-by-stage" else (6.4, 3.6)
        figure, axes = pyplot.subplots(figsize=size, layout="constrained")
        if plot(axes, lines):
            written.append(out / f"{name}.svg")
            # No date and fixed ids: the same figures give the same file.
            with matplotlib.rc_context({"svg.hashsalt": name}):
                figure.savefig(written[-1], metadata={"Date": None})
        pyplot.close(figure)
    return written


def _accuracy_by_layer(axes: Axes, runs: Mapping[str, Sequence[Entry]]) -> bool:
    points = {}
    for decoder, entries in runs.items():
        if match := _LAYER.match(decoder):
            points[int(match[1])] = bootstrap([e["f1"] for e in entries])
    if not points:
        return False
    layers = sorted(points)
    means = [points[x].mean for x in layers]
    below = [points[x].mean - points[x].low for x in layers]
    above = [points[x].high - points[x].mean for x in layers]
    axes.errorbar(
        layers, means, yerr=[below, above], marker="o", capsize=3, label="one layer fused"
    )
    if "greedy" in runs:
        greedy = bootstrap([e["f1"] for e in runs["greedy"]])
        axes.axhline(greedy.mean, color="black", linestyle="--", label="greedy")
    axes.set(xlabel="layer", ylabel="F1 (95% interval)", xticks=layers)
    axes.legend()
    return True


def _iks(axes: Axes, runs: Mapping[str, Sequence[Entry]]) -> bool:
    scored = _widest(runs)
    if scored is None:
        return False
    entries = scored[1]
    candidates = entries[0]["candidates"]
    values: list[list[list[float]]] = [[] for _ in range(_STEPS)]
    for entry in entries:
        for step, scores in enumerate(entry["iks"][:_STEPS]):
            values[step].append(scores)
    steps = [np.median(np.array(rows), axis=0) for rows in values if rows]
    image = axes.imshow(np.log10(np.array(steps).T), aspect="auto", origin="lower")
    axes.set(xlabel="step", ylabel="layer", title=f"median log10 IKS, {scored[0]}")
    axes.set_yticks(range(len(candidates)), candidates)
    axes.figure.colorbar(image)
    return True


def _chosen(axes: Axes, runs: Mapping[str, Sequence[Entry]]) -> bool:
    scored = _widest(runs)
    if scored is None:
        return False
    counts = Counter(layer for entry in scored[1] for layer in entry["layers"])
    candidates = scored[1][0]["candidates"]
    total = sum(counts.values())
    axes.bar([str(x) for x in candidates], [counts[x] / total for x in candidates])
    axes.set(xlabel="layer", ylabel="share of tokens", title=f"layer chosen, {scored[0]}")
    return True


def _changed(axes: Axes, runs: Mapping[str, Sequence[Entry]]) -> bool:
    drawn = False
    for decoder, entries in runs.items():
        if decoder == "greedy" or _LAYER.match(decoder):
            continue
        reached = [sum(e["answer_tokens"] > step for e in entries) for step in range(_STEPS)]
        changed = [sum(step in e["changed"] for e in entries) for step in range(_STEPS)]
        shares = [c / r if r else np.nan for c, r in zip(changed, reached, strict=True)]
        axes.plot(range(_STEPS), shares, marker=".", label=decoder)
        drawn = True
    axes.set(xlabel="step", ylabel="share of tokens changed")
    if drawn:
        axes.legend()
    return drawn


def _widest(runs: Mapping[str, Sequence[Entry]]) -> tuple[str, Sequence[Entry]] | None:
    """Return the decoder that scored the most layers: it shows most."""
    scored = {d: e for d, e in runs.items() if any(x["iks"] for x in e)}
    if not scored:
        return None
    name = max(scored, key=lambda d: len(scored[d][0]["candidates"]))
    return name, scored[name]


_PLOTS: dict[str, Callable[[Axes, Mapping[str, Sequence[Entry]]], bool]] = {
    "accuracy-by-layer": _accuracy_by_layer,
    "iks-by-layer-and-step": _iks,
    "layers-chosen": _chosen,
    "tokens-changed": _changed,
}
