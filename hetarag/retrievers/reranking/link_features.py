"""What the ranker sees of the links to a candidate, and of the relations that their sentences state."""

from __future__ import annotations

import numpy as np

from hetarag.retrievers.reranking.candidates import MISSING, Candidates, Columns, column, spread
from hetarag.retrievers.reranking.link_following import Reached
from hetarag.retrievers.reranking.ways import best_pairs, largest
from hetarag.text import stems

_WAYS = 4  # links to a candidate whose sentences are read


def link_columns(found: Candidates) -> Columns:
    """How good the links to each candidate are, and those from it."""
    ways, count = found.ways, len(found.ids)
    best = max((led[0].score for led in found.reached.values()), default=0.0) or 1.0
    origins = best_pairs(ways.target, ways.origin, ways.score)[0]
    inside = ways.source >= 0
    outgoing = largest(ways.score[inside], ways.source[inside], count, 0.0)
    return {
        "links": np.bincount(ways.target, minlength=count).clip(max=10).astype(np.float64),
        "sources": np.bincount(origins, minlength=count).astype(np.float64),
        "link cosine most": ways.most(ways.cosine, MISSING),
        "link to title": ways.most(ways.score / best, MISSING, ways.titled),
        "outgoing": np.maximum(outgoing, 0.0) / best,
        **_best_link(found, best),
        **_places(found),
    }


def _best_link(found: Candidates, best: float) -> Columns:
    """What is known of each candidate's best link, and of the best from another passage."""
    ways = found.ways
    led = np.flatnonzero(ways.first >= 0)
    first = ways.first[led]
    steps = [ways.steps[way] for way in first]
    of_best = {
        "link score": ways.score[first] / best,
        "link cosine": ways.cosine[first],
        "link rarity": column([step.rarity for step in steps]),
        "link in title": column(ways.titled[first]),
        "link likeness": column([step.likeness for step in steps]),
        "link anchor": column([step.anchor for step in steps]),
        "link gain": ways.cosine[first] - found.cosines[led],
        **_words_of_best(found),
    }
    columns = {name: spread(values, led, len(found.ids)) for name, values in of_best.items()}
    other = np.flatnonzero(ways.origin != ways.origin[ways.first[ways.target]])
    second = np.full(len(found.ids), -1)
    second[ways.target[other][::-1]] = other[::-1]  # the best of each is written last
    led = np.flatnonzero(second >= 0)
    for name, values in (("score", ways.score / best), ("cosine", ways.cosine)):
        columns[f"second link {name}"] = spread(values[second[led]], led, len(found.ids))
    return columns


def _words_of_best(found: Candidates) -> Columns:
    """What a candidate adds to the words of its best link and of the passage that it starts from."""
    ways, asked = found.ways, found.asked
    led = np.flatnonzero(ways.first >= 0).tolist()
    steps = [ways.steps[ways.first[at]] for at in led]
    rest = [asked.every & ~step.covered for step in steps]
    words = [found.words[at] for at in led]
    before = [asked.covered(step.link.source) for step in steps]
    both = [own | source for own, source in zip(words, before, strict=True)]
    document = {i: passage.document_id for i, passage in found.passages.items()}
    same = [
        document[s.link.source] == document[found.ids[at]] for s, at in zip(steps, led, strict=True)
    ]
    return {
        "rest answered": asked.shares(words, rest),
        "rest left": column([left.bit_count() for left in rest]) / max(1, asked.every.bit_count()),
        "pair gain": asked.shares(both) - asked.shares(before),
        "link within document": column(same),
    }


def _places(found: Candidates) -> Columns:
    """Where each passage stands among all that one source leads to, at best: 1 / place, and how far behind.

    A chain goes from a passage to one other. A list of forty names leads to forty passages, all with
    links as good as any: they rival each other, and few can be meant.
    """
    ways, count = found.ways, len(found.ids)
    origin, target, worth = best_pairs(ways.origin, ways.target, ways.worth)
    by_id = np.empty(count, np.int64)
    by_id[sorted(range(count), key=found.ids.__getitem__)] = np.arange(count)
    order = np.lexsort((by_id[target], -worth, origin))
    origin, target, worth = origin[order], target[order], worth[order]
    start = np.searchsorted(origin, origin)  # the first of each origin, which is its best
    place = 1 / (1 + np.arange(len(origin)) - start)
    return {
        "link place": np.maximum(largest(place, target, count, 0.0), 0.0),
        "link behind": largest(worth - worth[start], target, count, MISSING),
    }


def relation_columns(found: Candidates) -> Columns:
    """Whether the sentence that holds the link's name states a relation that is still asked for."""
    asked = found.asked
    wanted = asked.relations(asked.every)
    count = max(1, wanted.bit_count())
    own = [(wanted & asked.passage(i).relations).bit_count() / count for i in found.ids]
    rows = np.full((len(found.ids), 3), MISSING)
    for at, identifier in enumerate(found.ids):
        for way in found.reached.get(identifier, ())[:_WAYS]:
            left = asked.relations(asked.every & ~way.step.covered)
            stated = _stated(found, identifier, way, left) / max(1, left.bit_count())
            rows[at] = np.maximum(rows[at], (stated, stated * way.step.anchor, left.bit_count()))
    return {
        "relations": column(own),
        "relation of link": rows[:, 0],
        "relation of link x anchor": rows[:, 1],
        "relations left": rows[:, 2],
    }


def _stated(found: Candidates, identifier: str, way: Reached, left: int) -> int:
    """Return how many of the relations that are left the best sentence states.

    Sentences with the link's name count, or all where none has it or the title has.
    """
    if not left & found.asked.passage(identifier).relations:
        return 0  # as for most
    sentences = found.asked.passage(identifier).sentences(found.passages[identifier])
    name = stems(way.step.link.name)
    holding = sentences
    if name and not way.in_title:
        holding = tuple(s for s in sentences if 2 * len(name.intersection(s[0])) >= len(name))
    return max((left & relations).bit_count() for _, relations in holding or sentences)
