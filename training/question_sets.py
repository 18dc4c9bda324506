"""Question sets for training: opened, searched through the plane, and what its candidates look like.

A set is a folder with corpus.jsonl and questions.jsonl, named folder+shape:count (`Name`). It is ingested
once; its questions are searched with a recorder in the ranker's place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from hetarag import HetaRAG
from hetarag.eval.datasets import Question, read_questions
from hetarag.ledger.reading.passage_links import MentionLinks
from hetarag.protocols import Reranker
from hetarag.retrievers.reranking.features import Candidates, matrix
from hetarag.retrievers.reranking.link_ranker import LinkRanker
from hetarag.retrievers.reranking.stage import RerankConfig
from hetarag.retrievers.reranking.support import support_shares
from hetarag.retrievers.reranking.tree_ensemble import TreeEnsemble
from hetarag.types import Hit, Query, RankedEvidence, Reranking, Sources
from training.json_lines import lines_of
from training.reshape_corpus import SHAPES

HELD = 0.4  # of a passage's words in a row, or of the piece's: the piece holds the passage
RUN = 5  # words


@dataclass
class Example:
    """A question, its candidates' rows in their order, plain fusion's scores, and sources.

    `units` has what is counted when ranks are, a document or a piece of one, by candidate; `holds` the
    supporting passages that each holds.
    """

    question: Question
    units: dict[str, str]
    holds: dict[str, frozenset[str]]
    rows: np.ndarray[Any, Any]
    plain: np.ndarray[Any, Any] = field(default_factory=lambda: np.zeros(0))
    support: Sources = field(default_factory=dict)


class Recorder(LinkRanker):
    """Keeps the features of the last search instead of ranking; `first` judges for the second."""

    names: list[str]
    rows: np.ndarray[Any, Any]
    found: Candidates
    first: TreeEnsemble | None = None

    @classmethod
    def of(cls, rag: HetaRAG) -> Self:
        """Return one over the stores of a knowledge base."""
        return cls(
            MentionLinks(rag._parts.ledger), rag._parts.stores.vectors, rag.embedder.embed_queries
        )

    def rerank(
        self, query: Query, lists: Mapping[str, Sequence[Hit]], fused: Any, hydrate: Any
    ) -> Reranking:
        """Record and rank nothing."""
        found = self.candidates(query, lists, fused, hydrate)
        if self.first is None:
            self.found, (self.names, self.rows) = found, matrix(found)
        else:
            self.found, self.names, self.rows = self.two_pass_features(found, hydrate, self.first)
        return Reranking([])


@dataclass(frozen=True)
class Name:
    """The name of a set in its parts: folder+shape:count."""

    folder: str
    shape: str = ""
    count: str = ""

    @classmethod
    def of(cls, text: str) -> Self:
        """Read a name as it is given."""
        base, _, count = text.partition(":")
        folder, _, shape = base.partition("+")
        return cls(folder, shape, count)

    def __str__(self) -> str:
        """Return the name as it is given."""
        return f"{self.base}:{self.count}" if self.count else self.base

    @property
    def base(self) -> str:
        """The name without the count: that of its knowledge base."""
        return f"{self.folder}+{self.shape}" if self.shape else self.folder

    def taken(self, questions: Sequence[Question]) -> Sequence[Question]:
        """Return those that the name takes: the first so many, the last where it says `-250`, or all."""
        number = int(self.count or len(questions))
        return questions[number:] if number < 0 else questions[:number]


@contextmanager
def opened(data: Path, kb: Path, name: str, config: Path | None = None) -> Iterator[HetaRAG]:
    """Open the knowledge base of a set, which is ingested if it is not there."""
    parsed = Name.of(name)
    corpus = data / parsed.folder / "corpus.jsonl"
    if parsed.shape:
        shapes = kb / "shapes"
        shapes.mkdir(parents=True, exist_ok=True)
        out = shapes / f"{parsed.folder}-{parsed.shape}"
        SHAPES[parsed.shape](lines_of(corpus), out)
        corpus = out if out.is_dir() else out.with_suffix(".jsonl")
    with HetaRAG.open(kb / parsed.base, config) as rag:
        rag.ingest([corpus])
        yield rag


def ask(rag: HetaRAG, question: str, recorder: Reranker) -> None:
    """Search with the recorder in the ranker's place; one that is not asked has nothing, so use a new one."""
    rag._parts.planes.plane(rag.settings.search)._rerank = RerankConfig(recorder)
    rag.search(question, 20, access="all")


class Sets:
    """The question sets, opened and recorded.

    `names` are the features of the last recording, `first_names` those of the first judgement.
    """

    def __init__(self, data: Path, kb: Path, config: Path | None = None) -> None:
        self._data, self._kb, self._config = data, kb, config
        self.names: list[str] = []
        self.first_names: list[str] = []

    def questions(self, name: str) -> Sequence[Question]:
        """Return the questions of a set, those that its name takes."""
        parsed = Name.of(name)
        return parsed.taken(read_questions(self._data / parsed.folder / "questions.jsonl"))

    def answers(self, name: str) -> Answers:
        """Return what tells the pieces that answer the questions of a set."""
        parsed = Name.of(name)
        return Reshaped(self._data / parsed.folder / "corpus.jsonl") if parsed.shape else Answers()

    def record(self, name: str, judges: Sequence[TreeEnsemble] = ()) -> list[Example]:
        """Return the candidates of each question; question n is judged by judge n mod len."""
        questions = self.questions(name)
        answers = self.answers(name)
        found: list[Example] = []
        with opened(self._data, self._kb, name, self._config) as rag:
            for number, question in enumerate(questions):
                recorder = Recorder.of(rag)
                recorder.first = judges[number % len(judges)] if judges else None
                ask(rag, question.text, recorder)
                seen = recorder.found
                pieces = {i: seen.passages[i] for i in seen.ids}
                told = answers.of(question, pieces)
                found.append(
                    Example(question, *told, recorder.rows, seen.plain(), support_shares(seen))
                )
                self.names = recorder.names
        if not judges:
            self.first_names = self.names
        return found


class Answers:
    """Which pieces answer: those of the supporting documents."""

    def of(
        self, question: Question, pieces: Mapping[str, RankedEvidence]
    ) -> tuple[dict[str, str], dict[str, frozenset[str]]]:
        """Return the units that are ranked and the supporting passages that each piece holds."""
        units = {i: piece.document for i, piece in pieces.items()}
        return units, {i: question.supporting & {unit} for i, unit in units.items()}


class Reshaped(Answers):
    """Which pieces answer where documents have another shape: those that hold a supporting passage."""

    def __init__(self, corpus: Path) -> None:
        self._runs = {line["id"]: _runs(line["text"]) for line in lines_of(corpus)}

    def of(
        self, question: Question, pieces: Mapping[str, RankedEvidence]
    ) -> tuple[dict[str, str], dict[str, frozenset[str]]]:
        """Return the units that are ranked and the supporting passages that each piece holds."""
        holds = {}
        for i, piece in pieces.items():
            own = _runs(piece.text)
            both = {s: len(own & self._runs[s]) for s in question.supporting}
            holds[i] = frozenset(
                s for s, n in both.items() if n and n >= HELD * min(len(own), len(self._runs[s]))
            )
        return {i: i for i in pieces}, holds


def _runs(text: str) -> set[tuple[str, ...]]:
    words = text.casefold().split()
    return {tuple(words[at : at + RUN]) for at in range(max(1, len(words) - RUN + 1))}
