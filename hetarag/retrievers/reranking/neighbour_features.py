"""What a second look sees of a candidate: what the first thought of it, and of those around it.

The passages of a chain support each other: what a likely passage leads to is likelier, and so is what
leads to a likely one. Passages under one title, and passages alike, rival each other.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from hetarag.retrievers.reranking.candidates import (
    MISSING,
    Candidates,
    Columns,
    side_by_side,
    spread,
)
from hetarag.retrievers.reranking.ways import Places, Rows, best_pairs, largest

_TOGETHER = (
    4  # rows of a product that BLAS computes in the thread that asks: its own wait for each other
)


def neighbours(found: Candidates, first: Rows) -> tuple[list[str], Rows]:
    """Return names and a row per candidate; `first` are probabilities in the order of `found.ids`."""
    order = np.argsort(-first, kind="stable")
    columns = _judged(first, order) | _siblings(found, first) | _linked(found, first, order)
    return side_by_side(columns | _alike(found, order) | _words(found, order))


def _judged(first: Rows, order: Places) -> Columns:
    sure = np.log((first + 1e-9) / (1 - first + 1e-9))
    second = np.sort(first)[-2] if len(first) > 1 else 0.0
    return {
        "p": first,
        "p gap": sure.max() - sure,
        "p rank": 1 / _ranks(order),
        "p expected": np.full(len(first), first.sum()),
        "p second": np.full(len(first), second),
    }


def _ranks(order: Places) -> Rows:
    ranks = np.empty(len(order))
    ranks[order] = np.arange(1, len(order) + 1)
    return ranks


def _siblings(found: Candidates, first: Rows) -> Columns:
    """Passages under the same title: how likely the best of the others is, how many are better."""
    same: dict[str, dict[str, float]] = defaultdict(dict)
    passages = [found.passages[identifier] for identifier in found.ids]
    for passage, p in zip(passages, first.tolist(), strict=True):
        group = same[passage.title]
        group[passage.document_id] = max(group.get(passage.document_id, 0.0), p)
    best, better = np.full(len(first), MISSING), np.zeros(len(first))
    for at, passage in enumerate(passages):
        group = same[passage.title]
        others = [p for document, p in group.items() if document != passage.document_id]
        best[at] = max(others, default=MISSING)
        better[at] = sum(other > group[passage.document_id] for other in others)
    return {"sibling p": best, "siblings better": better}


def _linked(found: Candidates, first: Rows, order: Places) -> Columns:
    """The likeliest passage that leads here, the likeliest that is led to from here."""
    ways, count = found.ways, len(first)
    inside = ways.source >= 0
    target, start, link = ways.target[inside], ways.source[inside], ways.link[inside]
    cosine, worth, likely = ways.cosine[inside], ways.worth[inside], first[start]
    both = likely * np.maximum(cosine, 0.0)
    # Of each candidate the way with the best source: last in this order is first of its equals.
    best = np.full(count, -1)
    by_both = np.lexsort((-np.arange(len(both)), both))
    best[target[by_both]] = by_both
    led = np.flatnonzero(best >= 0)
    chosen = best[led]
    most = largest(cosine, link, int(link.max(initial=-1)) + 1, 0.0)
    via = np.full(count, -1)
    via[led] = start[chosen]
    columns = {
        "source p": spread(likely[chosen], led, count),
        "source cosine": spread(cosine[chosen], led, count),
        "source p x cosine": spread(both[chosen], led, count),
        "source rank": spread(1 / _ranks(order)[start[chosen]], led, count),
        "source worth": np.maximum(largest(likely * worth, target, count, MISSING), MISSING),
        "source p sum": np.bincount(target, likely, count),
        "best of link": np.maximum(
            largest(likely * (1 + cosine - most[link]), target, count, MISSING), MISSING
        ),
        "leads to p": largest(first[target], start, count, MISSING),
    }
    return columns | _rivals(found, first, via, start, target)


def _rivals(found: Candidates, first: Rows, via: Places, start: Places, target: Places) -> Columns:
    """How likely the best other document is that the same source leads to, and this one's place there.

    `via` is each candidate's likeliest source, shape (candidates,); `start` and `target` are the ends of
    all links among candidates.
    """
    numbers: dict[str, int] = {}
    names = [found.passages[identifier].document_id for identifier in found.ids]
    documents = np.array([numbers.setdefault(name, len(numbers)) for name in names])
    rival, place = np.full(len(first), MISSING), np.full(len(first), MISSING)
    start, document, likely = best_pairs(start, documents[target], first[target])
    for source in np.unique(via[via >= 0]):
        led = np.flatnonzero(via == source)
        beside = start == source
        others = document[beside][None, :] != documents[led][:, None]
        p = np.where(others, likely[beside][None, :], 0.0)
        rival[led] = p.max(axis=1)
        place[led] = 1 / (1 + (others & (p > first[led][:, None])).sum(axis=1))
    return {"rival p": rival, "rival place": place}


def _alike(found: Candidates, order: Places) -> Columns:
    """How like it is to a passage that was judged better, and to the best one."""
    vectors = found.stacked[order]
    better, top = np.full(len(order), MISSING), np.full(len(order), MISSING)
    for at in range(0, len(order), _TOGETHER):
        some = slice(at, at + _TOGETHER)
        cosines = np.asarray(vectors[some] @ vectors[: at + _TOGETHER].T, np.float64)
        top[order[some]] = cosines[:, 0]
        worse = np.arange(cosines.shape[1]) >= np.arange(at, at + len(cosines))[:, None]
        cosines[worse] = -np.inf
        better[order[some]] = cosines.max(axis=1)
    better[order[:1]] = top[order[:1]] = MISSING
    return {"like a better one": better, "like the best": top}


def _words(found: Candidates, order: Places) -> Columns:
    """Words of the question that the best passages leave to this one."""
    asked, places = found.asked, order.tolist()
    best = [found.words[at] for at in places[:3]]
    covered = 0
    for words in best:
        covered |= words
    left, known = asked.every & ~best[0], asked.share(covered)
    new, rest = np.full(len(order), MISSING), np.full(len(order), MISSING)
    others = [found.words[at] for at in places]
    rest[order[1:]] = asked.shares(others[1:], [left])
    new[order[len(best) :]] = asked.shares([x | covered for x in others[len(best) :]]) - known
    return {"adds words": new, "has words left": rest}
