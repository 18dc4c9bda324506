"""Metrics of retrieval and of answers; retrieval's come from ir-measures."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from hetarag.errors import MissingExtraError

CUTOFFS = (2, 5, 10, 20)
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_MARK = re.compile(r"\s*\[\d+\]")


def retrieval_scores(
    gold: Mapping[str, frozenset[str]],
    ranked: Mapping[str, Sequence[str]],
    cutoffs: Sequence[int] = CUTOFFS,
) -> dict[str, dict[str, float]]:
    """Return metric → question → value for the documents found, best first.

    Recall@k, nDCG@10 and reciprocal rank are ir-measures'; "all@k" is 1 when every supporting document
    is among the first k.
    """
    try:
        import ir_measures
        from ir_measures import RR, R, nDCG
    except ImportError as error:
        raise MissingExtraError("ir-measures", "eval", "Measuring retrieval") from error
    qrels = [ir_measures.Qrel(q, doc, 1) for q, docs in gold.items() for doc in docs]
    run = [
        ir_measures.ScoredDoc(q, doc, float(len(docs) - at))
        for q, docs in ranked.items()
        for at, doc in enumerate(docs)
    ]
    names = {R @ k: f"recall@{k}" for k in cutoffs} | {nDCG @ 10: "ndcg@10", RR: "mrr"}
    scores: dict[str, dict[str, float]] = {
        name: dict.fromkeys(gold, 0.0) for name in names.values()
    }
    for metric in ir_measures.iter_calc(list(names), qrels, run):
        scores[names[metric.measure]][metric.query_id] = metric.value
    for k in (5, 10):
        scores[f"all@{k}"] = {
            q: float(docs <= set(ranked.get(q, ())[:k])) for q, docs in gold.items()
        }
    return scores


def normalise(answer: str) -> str:
    """Return an answer in lower case without articles, punctuation and extra spaces.

    Source: the evaluation of SQuAD (Rajpurkar et al., 2016), which HotpotQA and others took over.
    """
    text = "".join(c for c in answer.lower() if c not in string.punctuation)
    return " ".join(_ARTICLES.sub(" ", text).split())


def exact_match(answer: str, gold: Sequence[str]) -> float:
    """Return 1.0 when the normalised answer is one of the gold answers."""
    return float(any(normalise(answer) == normalise(g) for g in gold))


def f1(answer: str, gold: Sequence[str]) -> float:
    """Return the best token F1 with one of the gold answers."""
    return max((_f1(normalise(answer).split(), normalise(g).split()) for g in gold), default=0.0)


def containment(answer: str, gold: Sequence[str]) -> float:
    """Return 1.0 when a normalised gold answer stands in the normalised answer."""
    text = f" {normalise(answer)} "
    return float(any(f" {normalise(g)} " in text for g in gold if normalise(g)))


def answer_scores(answer: str, gold: Sequence[str]) -> dict[str, float]:
    """Return EM, F1 and containment of a cited answer, its marks [n] taken out."""
    bare = _MARK.sub("", answer).strip().rstrip(".")
    return {
        "em": exact_match(bare, gold),
        "f1": f1(bare, gold),
        "containment": containment(bare, gold),
    }


ANSWER_METRICS = ("em", "f1", "containment")


def _f1(answer: Sequence[str], gold: Sequence[str]) -> float:
    if {"yes", "no", "noanswer"} & {" ".join(answer), " ".join(gold)} and answer != gold:
        return 0.0
    common = sum((Counter(answer) & Counter(gold)).values())
    if common == 0:
        return 0.0
    precision, recall = common / len(answer), common / len(gold)
    return 2 * precision * recall / (precision + recall)


FIRST = 10


def overlap(one: Sequence[Any], other: Sequence[Any]) -> float:
    """Return the share of the longer list that both have; 1.0 for two empty lists."""
    longest = max(len(one), len(other))
    return len(set(one) & set(other)) / longest if longest else 1.0
