"""Train the link ranker that the package carries.

    python tools/train_ranker.py DATA hotpotqa_dev_a musique_dev_a 2wiki_dev:250 \
        --test hotpotqa_dev_b musique_dev_b 2wiki_dev:-250 --out hetarag/retrievers/ranker.npz

DATA holds folders with corpus.jsonl and questions.jsonl; `:250` takes the first, `:-250` the last 250
questions. Needs lightgbm (MIT) beside hetarag. Each set is ingested once into --kb; what the plane's
candidates look like is recorded through its own search; each question counts the same in each set.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np

from hetarag import HetaRAG
from hetarag.eval.datasets import Question, read_questions
from hetarag.ledger.links import MentionLinks
from hetarag.retrievers.features import matrix
from hetarag.retrievers.ranker import LinkRanker
from hetarag.retrievers.trees import TreeEnsemble
from hetarag.types import Hit, Query

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
    "num_threads": 2,
    "deterministic": True,
}
ROUNDS, SEEDS = 240, 3

Example = tuple[Question, list[str], np.ndarray[Any, Any]]


class Recorder(LinkRanker):
    """Keeps the features of the last search instead of ranking."""

    names: list[str]
    rows: np.ndarray[Any, Any]
    documents: list[str]

    def rerank(
        self, query: Query, lists: Mapping[str, Sequence[Hit]], fused: Any, hydrate: Any
    ) -> tuple[list[tuple[str, float]], list[Hit]]:
        """Record and rank nothing."""
        found = self.candidates(query, lists, fused, hydrate)
        self.names, self.rows = matrix(found)
        self.documents = [found.passages[i].document for i in found.ids]
        return [], []


def examples(data: Path, name: str, kb: Path) -> tuple[list[str], list[Example]]:
    """Return the features' names and those of each question's candidates."""
    folder, _, count = name.partition(":")
    questions = read_questions(data / folder / "questions.jsonl")
    number = int(count or len(questions))
    questions = questions[number:] if number < 0 else questions[:number]
    found: list[Example] = []
    with HetaRAG.open(kb / folder) as rag:
        rag.ingest([data / folder / "corpus.jsonl"])
        recorder = Recorder(
            MentionLinks(rag._ledger), rag._shelf.vectors, rag.embedder.embed_queries
        )
        rag._plane({})._reranker = recorder
        for question in questions:
            rag.search(question.text, 20, access="all")
            found.append((question, recorder.documents, recorder.rows))
    return recorder.names, found


def train(sets: Sequence[Sequence[Example]], seed: int) -> lightgbm.Booster:
    """Train one ensemble; each set weighs the same."""
    rows = np.vstack([r for examples in sets for _, _, r in examples])
    labels = [float(d in q.supporting) for examples in sets for q, ds, _ in examples for d in ds]
    weights = [100 / len(examples) for examples in sets for _, ds, _ in examples for _ in ds]
    data = lightgbm.Dataset(rows, labels, weight=weights)
    return lightgbm.train({**PARAMETERS, "seed": seed}, data, ROUNDS)


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
    """Return recall at 2, 5, 10 and 20 of distinct documents."""
    values = []
    for question, documents, rows in found:
        order = np.argsort(-ensemble.probabilities(rows), kind="stable")
        ranked = list(dict.fromkeys(documents[i] for i in order))
        gold = question.supporting
        values.append([len(gold & set(ranked[:k])) / len(gold) for k in (2, 5, 10, 20)])
    return [round(float(v), 3) for v in np.mean(values, axis=0)]


def main() -> None:
    """Record, train, report, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--test", nargs="*", default=[])
    parser.add_argument("--kb", type=Path, default=Path("runs/ranker"))
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    recorded = {name: examples(options.data, name, options.kb) for name in options.sets}
    names = next(iter(recorded.values()))[0]
    sets = {name: found for name, (_, found) in recorded.items()}
    ensemble = packed([train(list(sets.values()), seed) for seed in range(SEEDS)], names)
    ensemble.save(str(options.out))
    print(f"{options.out}: {options.out.stat().st_size / 1000:.0f} kB", flush=True)
    tests = {name: examples(options.data, name, options.kb)[1] for name in options.test}
    for name, found in tests.items():
        print(f"trained on all, tested on {name}: {recall(ensemble, found)}")
    for left_out in sets if len(sets) > 1 else ():
        rest = [found for name, found in sets.items() if name != left_out]
        alone = packed([train(rest, seed) for seed in range(SEEDS)], names)
        others = {left_out: sets[left_out], **tests}
        for name, found in others.items():
            print(f"trained without {left_out}, tested on {name}: {recall(alone, found)}")


if __name__ == "__main__":
    main()
