"""Following names from the best passages to others: one hop, scored by what is still asked.

From each of the best passages so far, the names that the question does not give and that few passages
share lead to other passages. A name is worth following when its sentence is about the question and the
name is rare. Where it leads is compared with the rest of the question: its words that the sentence does
not answer already, and the name.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hetarag.text import STOP_WORDS, name_key, phrases, stem, stems, words
from hetarag.types import Link, RankedEvidence, Vector

_PER_ANCHOR = 6
SHARED_BY = 40  # passages: a name that more of them share leads everywhere


class Asked:
    """The question's words, and how much each counts among the passages at hand."""

    def __init__(self, text: str, passages: Mapping[str, RankedEvidence]) -> None:
        self.keys = {phrase.key for phrase in phrases(text)}
        named = [(word.text, name_key(word.text)) for word in words(text)]
        self.words = [(word, stem(key)) for word, key in named if key and key not in STOP_WORDS]
        self.stems = frozenset(key for _, key in self.words)
        self._bags: dict[str, frozenset[str]] = {}
        self.add(passages)
        self._frequency = Counter(word for bag in self._bags.values() for word in bag)
        self._passages = len(self._bags)
        self._weights: dict[str, float] = {}
        self._totals: dict[frozenset[str], float] = {}

    def add(self, passages: Mapping[str, RankedEvidence]) -> None:
        """Read the words of further passages; the weights stay as they are."""
        for identifier, passage in passages.items():
            self._bags[identifier] = stems(f"{passage.title} {passage.text}")

    def bag(self, identifier: str) -> frozenset[str]:
        """Return the words of a passage and its title."""
        return self._bags[identifier]

    def share(self, have: frozenset[str], want: frozenset[str] | None = None) -> float:
        """Return which part of `want` (default: the question) `have` covers, rare words first."""
        wanted = self.stems if want is None else want
        total = self._totals.get(wanted)
        if total is None:
            total = self._totals[wanted] = sum(map(self._weight, wanted))
        return sum(map(self._weight, wanted & have)) / total if total else 0.0

    def _weight(self, word: str) -> float:
        weight = self._weights.get(word)
        if weight is None:
            weight = math.log(1 + self._passages / (1 + self._frequency[word]))
            self._weights[word] = weight
        return weight


@dataclass(frozen=True, slots=True)
class Step:
    """A link that is worth following, and the words that it leaves to be asked."""

    link: Link
    anchor: float  # the score of the passage it starts from, the best one's being 1
    likeness: float  # which part of the question its sentence covers
    rarity: float
    covered: frozenset[str]  # the words of its sentence and title
    question: str


class Reached(NamedTuple):
    """A passage that a step leads to: how well it answers the step's question.

    `score` is `worth` times the anchor's.
    """

    score: float
    cosine: float
    in_title: bool
    step: Step
    worth: float


def choose_steps(
    links: Sequence[Link],
    asked: Asked,
    anchors: Mapping[str, float],
    passages: Mapping[str, RankedEvidence],
    most: int,
    answered: Mapping[str, frozenset[str]] | None = None,
) -> list[Step]:
    """Return at most so many links to follow, the best first; `anchors` are scored up to 1.

    `answered` are words of the question that the way to an anchor has answered already.
    """
    steps = []
    for link in links:
        new = link.key not in asked.keys and name_key(link.name) not in asked.keys
        if not new or set(link.targets) <= {link.source}:
            continue
        passage = passages[link.source]
        covered = stems(_sentence(passage, link.sentence)) | stems(passage.title)
        covered |= (answered or {}).get(link.source, frozenset())
        rest = [word for word, key in asked.words if key not in covered]
        steps.append(
            Step(
                link=link,
                anchor=anchors[link.source],
                likeness=asked.share(covered),
                rarity=1 / math.log2(1 + len(link.targets)),
                covered=covered,
                question=" ".join([*rest, link.name]),
            )
        )
    steps.sort(key=lambda s: (-s.anchor * (s.likeness + s.rarity / 2), s.link.source, s.link.key))
    taken: Counter[str] = Counter()
    chosen = []
    for step in steps:
        if taken[step.link.source] < _PER_ANCHOR:
            taken[step.link.source] += 1
            chosen.append(step)
    return chosen[:most]


def follow(
    steps: Sequence[Step], vectors: Mapping[str, Vector], embedded: Mapping[str, Vector]
) -> dict[str, list[Reached]]:
    """Return, for each passage that the steps lead to, how it was reached, the best way first.

    `vectors` are those of passages by id, `embedded` those of the steps' questions by their text.
    """
    reached: dict[str, list[Reached]] = {}
    for step in steps:
        link = step.link
        targets = [t for t in sorted(link.targets) if t != link.source and t in vectors]
        if not targets:
            continue
        cosines = np.stack([vectors[t] for t in targets]) @ embedded[step.question]
        for target, cosine in zip(targets, cosines.tolist(), strict=True):
            titled = link.targets[target]
            # The parts' weights are those of the study; the ranker sees each part as well.
            worth = cosine + 0.3 * step.rarity + 0.1 * titled + 0.1 * step.likeness
            reached.setdefault(target, []).append(
                Reached(step.anchor * worth, cosine, titled, step, worth)
            )
    for ways in reached.values():
        ways.sort(key=lambda way: (-way.score, way.step.link.source, way.step.link.key))
    return reached


def sentences(passage: RankedEvidence) -> list[str]:
    """Return the sentences of a passage; the whole text where it has none."""
    offset = passage.start or 0
    found = [passage.text[start - offset : end - offset] for start, end in passage.sentences]
    return found or [passage.text]


def _sentence(passage: RankedEvidence, number: int) -> str:
    found = sentences(passage)
    return found[number] if 0 <= number < len(passage.sentences) else passage.title
