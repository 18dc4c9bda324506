"""Following names from the best passages to others: one hop, scored by what is still asked.

From each of the best passages so far, the names that the question does not give and that few passages
share lead to other passages. A name is worth following when its sentence is about the question and the
name is rare. Where it leads is compared with the rest of the question: its words that the sentence does
not answer already, and the name.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hetarag.retrievers.reranking.passage_words import PassageWords, WordCache
from hetarag.retrievers.reranking.relation_words import relations
from hetarag.text import STOP_WORDS, name_key, phrases, stem, stems, words
from hetarag.types import Link, RankedEvidence, Vector

_PER_ANCHOR = 6
_UNIT = 2.0**-36
SHARED_BY = 40  # passages: a name that more of them share leads everywhere


Rows = npt.NDArray[np.float64]


class Asked:
    """The question's words, how much each counts among the passages at hand, and which has which.

    Words are bits of a number, so that what a passage, a sentence or several of them together cover is
    read once and compared by arithmetic. `parts` are parts of the question; what a language model has
    written may have words of its own, which get bits as well. `every` has the question's alone.
    """

    def __init__(
        self,
        text: str,
        passages: Mapping[str, RankedEvidence],
        parts: Iterable[str] = (),
        cache: WordCache | None = None,
    ) -> None:
        self.keys = {phrase.key for phrase in phrases(text)}
        named = [(word.text, name_key(word.text)) for word in words(text)]
        spoken = [(word, stem(key)) for word, key in named if key and key not in STOP_WORDS]
        own = dict.fromkeys(key for _, key in spoken)
        others = dict.fromkeys(word for part in parts for word in sorted(stems(part)))
        self._bits = {word: 1 << number for number, word in enumerate({**own, **others})}
        self._stems = frozenset(self._bits)
        self.every = self.mask(own)
        self.words = [(word, self._bits[key]) for word, key in spoken]
        self._cache = WordCache() if cache is None else cache
        self._passages: dict[str, PassageWords] = {}
        self._masks: dict[str, int] = {}
        self.add(passages)
        self._weights = _weights(self._bits.values(), self._masks.values())
        self._bytes = len(self._bits) // 8 + 1
        self._column = np.zeros(8 * self._bytes)
        self._column[: len(self._weights)] = [*self._weights.values()]
        self._sums: dict[int, float] = {}
        self._relations: dict[int, int] = {}

    def add(self, passages: Mapping[str, RankedEvidence]) -> None:
        """Read the words of further passages; the weights stay as they are."""
        for identifier, found in self._cache.read(passages).items():
            self._passages[identifier] = found
            self._masks[identifier] = self.mask(found.text)

    def mask(self, stems: Iterable[str]) -> int:
        """Return which of the question's words are among these."""
        found = 0
        for word in self._stems.intersection(stems):
            found |= self._bits[word]
        return found

    def covered(self, identifier: str) -> int:
        """Return which words a passage and its title have."""
        return self._masks[identifier]

    def passage(self, identifier: str) -> PassageWords:
        """Return all words of a passage."""
        return self._passages[identifier]

    def in_sentence(self, passage: RankedEvidence, number: int) -> int:
        """Return which words the title and a sentence have; -1 is the title alone."""
        found = self._passages[passage.id]
        mask = self.mask(found.title)
        if 0 <= number < len(passage.sentences):
            mask |= self.mask(found.sentences(passage)[number][0])
        return mask

    def share(self, have: int, want: int | None = None) -> float:
        """Return which part of `want` (default: the question) `have` covers, rare words first."""
        wanted = self.every if want is None else want
        total = self._sum(wanted)
        return self._sum(wanted & have) / total if total else 0.0

    def shares(self, have: Sequence[int], want: Sequence[int] | None = None) -> Rows:
        """Return `share` of each pair of these, shape (n,); all have the same `want` where there is one."""
        wanted = self._unpacked([self.every] if want is None else want)
        total = wanted @ self._column
        covered = (self._unpacked(have) & wanted) @ self._column
        return np.divide(covered, total, out=np.zeros(len(have)), where=total > 0)

    def relations(self, mask: int) -> int:
        """Return the relations that these words of the question speak of, a bit for each."""
        found = self._relations.get(mask)
        if found is None:
            found = relations(word for word, bit in self._bits.items() if bit & mask)
            self._relations[mask] = found
        return found

    def _unpacked(self, masks: Sequence[int]) -> npt.NDArray[np.uint8]:
        """Return a row of 0 and 1 for each mask, its lowest bit first."""
        packed = b"".join(mask.to_bytes(self._bytes, "little") for mask in masks)
        rows = np.frombuffer(packed, np.uint8).reshape(len(masks), self._bytes)
        return np.unpackbits(rows, axis=1, bitorder="little")

    def _sum(self, mask: int) -> float:
        found = self._sums.get(mask)
        if found is None:
            found = sum(weight for bit, weight in self._weights.items() if bit & mask)
            self._sums[mask] = found
        return found


def _weights(bits: Iterable[int], masks: Iterable[int]) -> dict[int, float]:
    """Return the weight of each word, by its bit: the fewer passages have it, the more it counts.

    Weights are multiples of `_UNIT`, so that sums of them are exact in any order: what adds nothing adds 0,
    which the ranker's trees tell from the least that is more.
    """
    found = list(masks)
    frequency = {bit: sum(bit & mask != 0 for mask in found) for bit in bits}
    weights = {bit: math.log(1 + len(found) / (1 + count)) for bit, count in frequency.items()}
    return {bit: round(weight / _UNIT) * _UNIT for bit, weight in weights.items()}


@dataclass(frozen=True, slots=True)
class Step:
    """A link that is worth following, and the words that it leaves to be asked."""

    link: Link
    anchor: float  # the score of the passage it starts from, the best one's being 1
    likeness: float  # which part of the question its sentence covers
    rarity: float
    covered: int  # the question's words in its sentence and title (`Asked`)
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
    answered: Mapping[str, int] | None = None,
) -> list[Step]:
    """Return at most so many links to follow, the best first; `anchors` are scored up to 1.

    `answered` are words of the question that the way to an anchor has answered already.
    """
    before = answered or {}
    steps = []
    for link in links:
        if link.targets.keys() <= {link.source} or _is_asked(link, asked):
            continue
        covered = asked.in_sentence(passages[link.source], link.sentence)
        covered |= before.get(link.source, 0)
        likeness, rarity = asked.share(covered), 1 / math.log2(1 + len(link.targets))
        worth = anchors[link.source] * (likeness + rarity / 2)
        steps.append((-worth, link.source, link.key, link, likeness, rarity, covered))
    steps.sort(key=lambda step: step[:3])
    taken: Counter[str] = Counter()
    chosen: list[Step] = []
    for _, source, _, link, likeness, rarity, covered in steps:
        if taken[source] < _PER_ANCHOR and len(chosen) < most:
            taken[source] += 1
            rest = [word for word, bit in asked.words if not bit & covered]
            question = " ".join([*rest, link.name])
            chosen.append(Step(link, anchors[source], likeness, rarity, covered, question))
    return chosen


def _is_asked(link: Link, asked: Asked) -> bool:
    return link.key in asked.keys or name_key(link.name) in asked.keys


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
