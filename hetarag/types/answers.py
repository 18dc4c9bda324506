"""What is read from the evidence: answers, their citations and their trace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hetarag.types.search import RankedEvidence, SearchTrace


@dataclass(frozen=True, slots=True)
class TokenStep:
    """One generated token: what layer fusion did for it (None for readers without fusion)."""

    text: str
    layer: int | None = None
    iks: tuple[float, ...] | None = None
    changed: bool | None = None
    top_final: tuple[tuple[str, float], ...] = ()
    top_layer: tuple[tuple[str, float], ...] = ()
    top_fused: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class ReadTrace:
    """How an answer was read: model, decoder, sizes in tokens, times in seconds, each token."""

    reader: str
    decoder: str
    prompt_tokens: int = 0
    answer_tokens: int = 0
    first_token_seconds: float = 0.0
    seconds: float = 0.0
    candidates: tuple[int, ...] = ()
    """Layers that a layer was chosen from, ascending, as in each token's `iks`."""
    layers: tuple[int, ...] = ()
    """The layer of each token that one was fused for."""
    tokens: tuple[TokenStep, ...] = ()
    note: str | None = None

    @property
    def tokens_per_second(self) -> float:
        """Decoding speed after the first token; 0.0 for answers of one token."""
        rest = self.seconds - self.first_token_seconds
        return (self.answer_tokens - 1) / rest if self.answer_tokens > 1 and rest > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Citation:
    """A piece of evidence that the answer rests on; `number` is the one the answer shows.

    `quote` is the supporting text, and for chunks lies at `start`…`end` of the document's text.
    """

    number: int
    evidence: str
    document: str
    title: str
    quote: str
    start: int | None = None
    end: int | None = None
    page: int | None = None
    table: str | None = None
    row: int | None = None


@dataclass(frozen=True, slots=True)
class AnswerTrace:
    """The search and the reading behind an answer."""

    search: SearchTrace
    read: ReadTrace | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A cited answer. `supported` is False when the sources do not hold it; `text` then says so."""

    question: str
    text: str
    citations: tuple[Citation, ...]
    evidence: tuple[RankedEvidence, ...]
    supported: bool
    trace: AnswerTrace


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One step of a streamed answer: the evidence first, then pieces of text, then the answer."""

    type: Literal["evidence", "text", "answer"]
    text: str = ""
    evidence: tuple[RankedEvidence, ...] = ()
    answer: Answer | None = None
