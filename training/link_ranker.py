"""Train the link ranker that the package carries.

    python -m training.link_ranker DATA hotpotqa_dev_a musique_dev_a 2wiki_dev:250 \
        --test hotpotqa_dev_b musique_dev_b 2wiki_dev:-250 2wiki_dev+sections:-250 --out hetarag/retrievers/reranking/ranker.npz

DATA holds folders with corpus.jsonl and questions.jsonl; `:250` takes the first, `:-250` the last 250
questions, `+sections` gives the corpus another shape (training/reshape_corpus.py). With `--config`, the
settings of another embedder, trees learn from its vectors (--kb must be a folder of its own then); the
`HetaRAG.open(ranker=…)` takes the file in place of the package's. Needs lightgbm (MIT) beside
hetarag. Each set is ingested once into --kb; what the plane's candidates look like is recorded through
its own search; each question counts the same in each set. The ensembles for titled passages learn from
the sets as they are, those for excerpts from the sets in every shape.

The second judgement sees the first one's probabilities. On the questions that both are trained on those
come from ensembles that did not see the question: each fold is judged by what the others taught. Features
whose direction is plain, such as a cosine, may only count in that direction: with few questions that
costs nothing where the trees were trained and holds better elsewhere (docs/research/notes/retrieval.md).
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np

from hetarag.config import SOURCE_WEIGHT
from hetarag.retrievers.reranking.link_ranker import interpolate_with_fusion
from hetarag.retrievers.reranking.profiles import EXCERPTS, TITLED, Trees
from hetarag.retrievers.reranking.support import boost_sources
from hetarag.retrievers.reranking.tree_ensemble import TreeEnsemble, save_ensembles
from training.question_sets import Example, Name, Sets
from training.reshape_corpus import SHAPES

PARAMETERS = {
    "objective": "binary",
    "num_leaves": 7,
    "learning_rate": 0.05,
    "min_data_in_leaf": 30,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "verbose": -1,
    "num_threads": 1,
    "deterministic": True,
}
ROUNDS, SEEDS = 240, 3

FOLDS = 5
RISING = frozenset(
    """asked|asked in title|cosine|fulltext rank|fulltext score|fused|fused gap|graph rank|graph score
    |link anchor|link cosine|link cosine most|link score|link to title|links
    |outgoing|pair gain|part cosine|part rank|part words|relation of link|relation of link x anchor
    |rest answered|second link cosine|second link score|sources|title named|vector rank|vector score
    |link place|link behind|rival place|p|p rank|source p x cosine|source worth|best of link|leads to p|source cosine""".replace(
        "\n    ", ""
    ).split("|")
)
FALLING = frozenset(("cosine gap", "part gap", "p gap", "siblings better"))


def train(
    sets: Sequence[Sequence[Example]], names: Sequence[str], seeds: int = SEEDS
) -> TreeEnsemble:
    """Train one ensemble; each set weighs the same."""
    rows = np.vstack([example.rows for found in sets for example in found])
    labels = [float(bool(held)) for found in sets for e in found for held in e.holds.values()]
    weights = [100 / len(found) for found in sets for e in found for _ in e.holds]
    direction = [(name in RISING) - (name in FALLING) for name in names]
    boosters = [
        lightgbm.train(
            {**PARAMETERS, "monotone_constraints": direction, "seed": seed},
            lightgbm.Dataset(rows, labels, weight=weights),
            ROUNDS,
        )
        for seed in range(seeds)
    ]
    return packed(boosters, names)


def unseen(sets: Sequence[Sequence[Example]], names: Sequence[str]) -> list[TreeEnsemble]:
    """Train an ensemble for each fold on what the others hold; question n is in fold n mod `FOLDS`."""
    return [
        train(
            [[e for n, e in enumerate(found) if n % FOLDS != fold] for found in sets],
            names,
            seeds=2,
        )
        for fold in range(FOLDS)
    ]


def packed(boosters: Sequence[lightgbm.Booster], names: Sequence[str]) -> TreeEnsemble:
    """Put the trees of several boosters into one ensemble that gives their mean."""
    trees = [t["tree_structure"] for b in boosters for t in b.dump_model()["tree_info"]]
    leaves = PARAMETERS["num_leaves"]
    shape = (len(trees), int(str(leaves)))
    feature, left, right = (np.zeros(shape, np.int32) for _ in range(3))
    threshold, value = np.zeros(shape), np.zeros(shape)

    def walk(tree: int, node: dict[str, Any]) -> int:
        if "leaf_value" in node:
            leaf = node.get("leaf_index", 0)
            value[tree, leaf] = node["leaf_value"] / len(boosters)
            return -1 - leaf
        at = node["split_index"]
        feature[tree, at], threshold[tree, at] = node["split_feature"], node["threshold"]
        left[tree, at] = walk(tree, node["left_child"])
        right[tree, at] = walk(tree, node["right_child"])
        return int(at)

    for number, root in enumerate(trees):
        if walk(number, root) < 0:  # a tree of one leaf: both ways lead to it
            threshold[number, 0], left[number, 0], right[number, 0] = 0.0, -1, -1
    return TreeEnsemble(names, feature, threshold, left, right, value)


def recall(ensemble: TreeEnsemble, found: Sequence[Example]) -> list[float]:
    """Return recall at 2, 5, 10 and 20 of distinct units, ranked as a search ranks them."""
    values = []
    for example in found:
        judged = interpolate_with_fusion(ensemble.probabilities(example.rows), example.plain)
        pieces = list(zip(example.units, judged.tolist(), strict=True))
        order = boost_sources(pieces, example.support, SOURCE_WEIGHT)
        best: dict[str, frozenset[str]] = {}
        for i, _ in order:
            unit = example.units[i]
            best[unit] = best.get(unit, frozenset()) | example.holds[i]
        held = [frozenset().union(*list(best.values())[:k]) for k in (2, 5, 10, 20)]
        values.append([len(h) / len(example.question.supporting) for h in held])
    return [round(float(v), 3) for v in np.mean(values, axis=0)]


def both(sets: Sets, chosen: Sequence[str], recorded: Mapping[str, Sequence[Example]]) -> Trees:
    """Train the first judgement and, on what folds of it say, the second."""
    alone = [recorded[name] for name in chosen]
    first = train(alone, sets.first_names)
    folds = unseen(alone, sets.first_names)
    around = [sets.record(name, folds) for name in chosen]
    return Trees(first, train(around, sets.names))


def main() -> None:
    """Record, train, report, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("sets", nargs="+")
    parser.add_argument(
        "--only",
        choices=["titled", "excerpts"],
        help="train nothing else; the file keeps the others",
    )
    parser.add_argument("--test", nargs="*", default=[])
    parser.add_argument("--leave-out", nargs="*", default=[], help="train without these as well")
    parser.add_argument("--kb", type=Path, default=Path("runs/ranker"))
    parser.add_argument("--config", type=Path, help="settings, those of another embedder")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    if any("+" in name for name in [*options.sets, *options.leave_out]):
        parser.error("sets are named as they are: their shapes are learnt from anyway")
    for name in options.test:
        if Name.of(name).shape not in ("", *SHAPES):
            parser.error(f"{name}: the shapes of a corpus are {', '.join(SHAPES)}")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    sets = Sets(options.data, options.kb, options.config)
    wanted = [options.only] if options.only else ["titled", "excerpts"]
    trained: dict[str, TreeEnsemble] = {}
    if options.only:
        trained |= {name: TreeEnsemble.load(options.out, name) for name in (*TITLED, *EXCERPTS)}
    shaped = [str(replace(Name.of(n), shape=shape)) for shape in SHAPES for n in options.sets]
    recorded: dict[str, list[Example]] = {}
    for kind, names, more in (("titled", TITLED, []), ("excerpts", EXCERPTS, shaped)):
        if kind not in wanted:
            continue
        chosen = [*options.sets, *more]
        recorded |= {name: sets.record(name) for name in chosen if name not in recorded}
        trees = both(sets, chosen, recorded)
        trained |= zip(names, trees, strict=True)
        for name in options.test:
            once = recall(trees.first, sets.record(name))
            twice = recall(trees.second, sets.record(name, [trees.first]))
            print(f"{kind}, tested on {name}: first {once}, second {twice}", flush=True)
        for left_out in options.leave_out:
            rest = [n for n in chosen if Name.of(n).folder != Name.of(left_out).folder]
            alone = both(sets, rest, recorded)
            for name in (left_out, *options.test):
                found = sets.record(name, [alone.first])
                told = recall(alone.second, found)
                print(f"{kind}, without {left_out}, tested on {name}: {told}", flush=True)
    save_ensembles(options.out, trained)
    print(f"{options.out}: {options.out.stat().st_size / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
