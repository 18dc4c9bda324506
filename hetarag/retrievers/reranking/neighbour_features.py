"""What a second look sees of a candidate: what the first thought of it, and of those around it.

The passages of a chain support each other: what a likely passage leads to is likelier, and so is what
leads to a likely one. Passages under one title, and passages alike, rival each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from hetarag.retrievers.reranking.features import NONE, Candidates, Rows


def neighbours(found: Candidates, first: Rows) -> tuple[list[str], Rows]:
    """Return names and a row per candidate; `first` are probabilities in the order of `found.ids`."""
    features = _judged(first) | _siblings(found, first) | _linked(found, first)
    features |= _alike(found, first) | _words(found, first)
    names = sorted(features)
    return names, np.stack([features[name] for name in names], axis=1)


def _order(first: Rows) -> list[int]:
    return [int(at) for at in np.argsort(-first, kind="stable")]


def _ranks(first: Rows) -> Rows:
    ranks = np.empty(len(first))
    ranks[_order(first)] = np.arange(1, len(first) + 1)
    return ranks


def _judged(first: Rows) -> dict[str, Rows]:
    sure = np.log((first + 1e-9) / (1 - first + 1e-9))
    second = np.sort(first)[-2] if len(first) > 1 else 0.0
    return {
        "p": first,
        "p gap": sure.max() - sure,
        "p rank": 1 / _ranks(first),
        "p expected": np.full(len(first), first.sum()),
        "p second": np.full(len(first), second),
    }


def _siblings(found: Candidates, first: Rows) -> dict[str, Rows]:
    """Passages under the same title: how likely the best of the others is, how many are better."""
    same: dict[str, dict[str, float]] = defaultdict(dict)
    passages = [found.passages[identifier] for identifier in found.ids]
    for passage, p in zip(passages, first.tolist(), strict=True):
        group = same[passage.title]
        group[passage.document_id] = max(group.get(passage.document_id, 0.0), p)
    best, better = np.full(len(first), NONE), np.zeros(len(first))
    for at, passage in enumerate(passages):
        group = same[passage.title]
        others = [p for document, p in group.items() if document != passage.document_id]
        best[at] = max(others, default=NONE)
        better[at] = sum(other > group[passage.document_id] for other in others)
    return {"sibling p": best, "siblings better": better}


def _linked(found: Candidates, first: Rows) -> dict[str, Rows]:
    """The likeliest passage that leads here, the likeliest that is led to from here."""
    position = {identifier: at for at, identifier in enumerate(found.ids)}
    ranks = _ranks(first)
    none = np.full(len(first), NONE)
    source, cosine, both, rank, worth, led, best = (none.copy() for _ in range(7))
    total = np.zeros(len(first))
    together: dict[int, set[int]] = defaultdict(set)
    via = np.full(len(first), -1)
    rivals: dict[tuple[str, str], list[tuple[int, float]]] = defaultdict(list)
    for at, identifier in enumerate(found.ids):
        for way in found.reached.get(identifier, ()):
            start = position.get(way.step.link.source)
            if start is None:
                continue
            likely = first[start]
            together[start].add(at)
            rivals[way.step.link.source, way.step.link.key].append((at, way.cosine))
            if likely * max(way.cosine, 0.0) > both[at]:
                both[at] = likely * max(way.cosine, 0.0)
                source[at], cosine[at], rank[at] = likely, way.cosine, 1 / ranks[start]
                via[at] = start
            worth[at] = max(worth[at], likely * way.worth)
            total[at] += likely
            led[start] = max(led[start], first[at])
    for (start_id, _), targets in rivals.items():
        most = max(value for _, value in targets)
        for at, value in targets:
            best[at] = max(best[at], first[position[start_id]] * (1 + value - most))
    return {
        "source p": source,
        "source cosine": cosine,
        "source p x cosine": both,
        "source rank": rank,
        "source worth": worth,
        "source p sum": total,
        "best of link": best,
        "leads to p": led,
    } | _rivals(found, first, via, together)


def _rivals(
    found: Candidates, first: Rows, via: Rows, together: Mapping[int, set[int]]
) -> dict[str, Rows]:
    """How likely the best other document is that the same source leads to, and this one's place there."""
    documents = [found.passages[identifier].document_id for identifier in found.ids]
    rival, place = np.full(len(first), NONE), np.full(len(first), NONE)
    for at, start in enumerate(via):
        if start >= 0:
            others: dict[str, float] = {}
            for other in together[start]:
                if documents[other] != documents[at]:
                    others[documents[other]] = max(others.get(documents[other], 0.0), first[other])
            rival[at] = max(others.values(), default=0.0)
            place[at] = 1 / (1 + sum(p > first[at] for p in others.values()))
    return {"rival p": rival, "rival place": place}


def _alike(found: Candidates, first: Rows) -> dict[str, Rows]:
    """How like it is to a passage that was judged better, and to the best one."""
    vectors = found.stacked()
    order = _order(first)
    cosines = np.asarray(vectors @ vectors.T, np.float64)
    better, top = np.full(len(first), NONE), np.full(len(first), NONE)
    for place, at in enumerate(order):
        if place:
            better[at] = cosines[at, order[:place]].max()
            top[at] = cosines[at, order[0]]
    return {"like a better one": better, "like the best": top}


def _words(found: Candidates, first: Rows) -> dict[str, Rows]:
    """Words of the question that the best passages leave to this one."""
    asked = found.asked
    order = _order(first)
    bags = [asked.bag(found.ids[at]) for at in order[:3]]
    covered = frozenset[str]().union(*bags)
    left = asked.stems - bags[0]
    new, rest = np.full(len(first), NONE), np.full(len(first), NONE)
    for place, at in enumerate(order):
        bag = asked.bag(found.ids[at])
        if place:
            rest[at] = asked.share(bag, left)
        if place >= len(bags):
            new[at] = asked.share(bag | covered) - asked.share(covered)
    return {"adds words": new, "has words left": rest}
