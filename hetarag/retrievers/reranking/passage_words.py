"""The words of passages as the ranker compares them: read once, and kept for the searches that follow.

Another question mostly meets passages that one before it has met. What stands under an id never changes,
since a new version of a document has new ids, so nothing that is kept here can be out of date.
"""

from __future__ import annotations

from collections.abc import Mapping

from hetarag.retrievers.reranking.kept import Kept
from hetarag.retrievers.reranking.relation_words import relations
from hetarag.text import SECTION, distinct_stems, name_key
from hetarag.types import RankedEvidence

KEPT = 4096
"""Passages whose words are kept. One of 150 words takes 3 to 8 kB: 12 to 33 MB in all."""

Stems = tuple[str, ...]
"""Distinct stems; a tuple takes a tenth of the room of a set."""


class PassageWords:
    """The stems of one passage, and the relations that they speak of as bits of a number.

    `text` has those of the title as well; `names` are the forms of the title that a question may have.
    """

    __slots__ = ("_sentences", "names", "relations", "text", "title")

    def __init__(self, passage: RankedEvidence) -> None:
        stems = distinct_stems(f"{passage.title} {passage.text}")
        self.text: Stems = tuple(stems)
        self.title: Stems = tuple(distinct_stems(passage.title))
        self.names = _names(passage.title)
        self.relations = relations(stems)
        self._sentences: tuple[tuple[Stems, int], ...] | None = None

    def sentences(self, passage: RankedEvidence) -> tuple[tuple[Stems, int], ...]:
        """Return the stems of each sentence, and their relations; read when first asked for."""
        if self._sentences is None:
            found = [distinct_stems(sentence) for sentence in sentences(passage)]
            self._sentences = tuple((tuple(stems), relations(stems)) for stems in found)
        return self._sentences


class WordCache:
    """The words of the passages that searches have met last; may be used from several threads."""

    def __init__(self, most: int = KEPT) -> None:
        self._kept: Kept[PassageWords] = Kept(most)

    def __len__(self) -> int:
        return len(self._kept)

    def read(self, passages: Mapping[str, RankedEvidence]) -> dict[str, PassageWords]:
        """Return the words of each of these passages, by id."""
        found = self._kept.of(passages)
        new = {i: PassageWords(passage) for i, passage in passages.items() if i not in found}
        self._kept.add(new)
        return found | new


def sentences(passage: RankedEvidence) -> list[str]:
    """Return the sentences of a passage; the whole text where it has none."""
    offset = passage.start or 0
    found = [passage.text[start - offset : end - offset] for start, end in passage.sentences]
    return found or [passage.text]


def _names(title: str) -> frozenset[str]:
    names = [title, *title.split(SECTION)]
    return frozenset(name_key(form) for name in names for form in (name, name.partition("(")[0]))
