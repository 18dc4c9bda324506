"""Reading: evidence in, a streamed and checked answer out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from threading import Lock

from hetarag.answering.citations import NOT_IN_SOURCES, check
from hetarag.answering.prompt import build
from hetarag.config import ReaderSettings
from hetarag.decoding.registry import base_name, contrasts_contexts
from hetarag.errors import InputError, SearchError
from hetarag.protocols import BatchReader, Reader
from hetarag.types import (
    Answer,
    AnswerTrace,
    RankedEvidence,
    ReadTrace,
    SearchResult,
    SearchTrace,
    StreamEvent,
    TokenStep,
)

Asked = tuple[str, SearchResult[RankedEvidence]]
"""A question and what was found for it."""


class Answerer:
    """Has a reader answer from evidence, and checks what it says.

    `load_reader` is called once, when something is to be read; `known_decoders` returns the decoders that
    the reader may have, without loading it, or None.
    """

    def __init__(
        self,
        settings: ReaderSettings,
        load_reader: Callable[[], Reader],
        known_decoders: Callable[[], Sequence[str] | None],
    ) -> None:
        self._settings = settings
        self._load_reader = load_reader
        self._known_decoders = known_decoders
        self._reader: Reader | None = None
        self._lock = Lock()

    @property
    def reader(self) -> Reader:
        """The reader in use, loaded once, when first needed."""
        with self._lock:
            if self._reader is None:
                self._reader = self._load_reader()
            return self._reader

    def check_decoder(self, name: str | None) -> None:
        """Raise `InputError` for a decoder that the reader cannot have, without loading the reader."""
        with self._lock:
            loaded = self._reader
        known = self._known_decoders() if loaded is None else loaded.decoders()
        wanted = name or self._default
        if wanted is None or known is None or base_name(wanted) in known:
            return
        where = "" if name else " (setting reader.decoder)"
        raise InputError(f"the reader has no decoder {wanted!r}{where}; it has {', '.join(known)}")

    def stream(
        self,
        question: str,
        found: SearchResult[RankedEvidence],
        decoder: str | None = None,
        max_new_tokens: int | None = None,
    ) -> Iterator[StreamEvent]:
        """Yield the evidence, the reader's text as it comes, and the answer with its citations.

        Raises:
            InputError: the reader has no such decoder.
            ModelError: the reader cannot be loaded or does not answer.
        """
        if not found.hits:
            yield StreamEvent("evidence")
            answer = _without_evidence(question, found)
            yield StreamEvent("answer", text=answer.text, answer=answer)
            return
        evidence = found.hits
        yield StreamEvent("evidence", evidence=evidence)  # before the reader is loaded
        name = self._decoder(decoder)
        messages = build(question, evidence)
        limit = max_new_tokens or self._settings.max_new_tokens
        pieces: list[str] = []
        read: ReadTrace | None = None
        # Only what contrasts needs the prompt without evidence: most readers know nothing of it.
        extra = (
            {"messages_without_context": build(question, [])} if contrasts_contexts(name) else {}
        )
        for item in self.reader.read(messages, decoder=name, max_new_tokens=limit, **extra):
            if isinstance(item, TokenStep):
                pieces.append(item.text)
                yield StreamEvent("text", text=item.text)
            else:
                read = item
        answer = _checked(question, found, "".join(pieces), read)
        yield StreamEvent("answer", text=answer.text, answer=answer)

    def read_batch(
        self,
        asked: Sequence[Asked],
        decoder: str | None = None,
        max_new_tokens: int | None = None,
    ) -> tuple[Answer, ...]:
        """Return the answer to each question, from its evidence, in their order.

        A reader that can reads two or more of them as one batch. Raises as `stream` does.
        """
        to_read = [(question, found) for question, found in asked if found.hits]
        # Where nothing is to be read, no reader is loaded.
        if len(to_read) < 2 or not isinstance(reader := self.reader, BatchReader):
            return tuple(
                last_answer(self.stream(q, found, decoder, max_new_tokens)) for q, found in asked
            )
        name = self._decoder(decoder)
        limit = max_new_tokens or self._settings.max_new_tokens
        conversations_without_context = (
            [build(question, []) for question, _ in to_read] if contrasts_contexts(name) else []
        )
        conversations = [build(question, found.hits) for question, found in to_read]
        reads = iter(
            reader.read_batch(
                conversations,
                decoder=name,
                max_new_tokens=limit,
                conversations_without_context=conversations_without_context,
            )
        )
        answers = []
        for question, found in asked:
            if found.hits:
                read = next(reads)
                text = "".join(step.text for step in read.tokens)
                answers.append(_checked(question, found, text, read))
            else:
                answers.append(_without_evidence(question, found))
        return tuple(answers)

    @property
    def _default(self) -> str | None:
        """The decoder of the settings; None for the reader's own default."""
        return None if self._settings.decoder == "auto" else self._settings.decoder

    def _decoder(self, name: str | None) -> str:
        known = self.reader.decoders()
        name = name or self._default
        if name is None:
            return known[0]
        if base_name(name) not in known:
            raise InputError(
                f"the reader {self.reader.name!r} has no decoder {name!r}; it has {', '.join(known)}"
            )
        return name


def _without_evidence(question: str, found: SearchResult[RankedEvidence]) -> Answer:
    trace = AnswerTrace(found.trace or SearchTrace(), None)
    return Answer(question, NOT_IN_SOURCES, (), (), False, trace)


def _checked(
    question: str, found: SearchResult[RankedEvidence], said: str, read: ReadTrace | None
) -> Answer:
    text, citations, supported = check(question, said, found.hits)
    trace = AnswerTrace(found.trace or SearchTrace(), read)
    return Answer(question, text, citations, found.hits, supported, trace)


def readable(found: SearchResult[RankedEvidence], count: int) -> SearchResult[RankedEvidence]:
    """Return the first `count` pieces of evidence that a reader should see.

    A table's schema and sample tell a person what there is; to a reader they are rows that happen to
    come first, beside the row or the computed answer that was asked for.
    """
    chosen = [evidence for evidence in found if evidence.kind != "table"] or list(found)
    return replace(found, hits=tuple(chosen[:count]))


def last_answer(events: Iterator[StreamEvent]) -> Answer:
    """Return the answer that ends a stream."""
    for event in events:
        if event.answer is not None:
            return event.answer
    raise SearchError("the reader ended without an answer; this is a defect of hetarag")
