"""Reading: evidence in, a streamed and checked answer out."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock

from hetarag.config import Settings
from hetarag.decoding.names import base_name, contrasts_contexts
from hetarag.errors import InputError
from hetarag.models.answering import NOT_IN_SOURCES, check
from hetarag.models.prompt import build
from hetarag.models.reader import make_reader
from hetarag.protocols import Reader
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


class Asker:
    """Has the reader of the settings answer from evidence, and checks what it says."""

    def __init__(self, settings: Settings, reader: Reader | None = None) -> None:
        self._settings = settings
        self._reader = reader
        self._lock = Lock()

    @property
    def reader(self) -> Reader:
        """The reader in use, loaded once, when first needed."""
        with self._lock:
            if self._reader is None:
                self._reader = make_reader(self._settings.models)
            return self._reader

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
        evidence = found.hits
        trace = found.trace or SearchTrace()
        if not evidence:
            yield StreamEvent("evidence")
            answer = Answer(question, NOT_IN_SOURCES, (), (), False, AnswerTrace(trace, None))
            yield StreamEvent("answer", text=answer.text, answer=answer)
            return
        name = self._decoder(decoder)
        yield StreamEvent("evidence", evidence=evidence)
        messages = build(question, evidence)
        limit = max_new_tokens or self._settings.reader.max_new_tokens
        pieces: list[str] = []
        read: ReadTrace | None = None
        # Only what contrasts needs the prompt without evidence: most readers know nothing of it.
        extra = {"bare": build(question, [])} if contrasts_contexts(name) else {}
        for item in self.reader.read(messages, decoder=name, max_new_tokens=limit, **extra):
            if isinstance(item, TokenStep):
                pieces.append(item.text)
                yield StreamEvent("text", text=item.text)
            else:
                read = item
        text, citations, supported = check(question, "".join(pieces), evidence)
        answer = Answer(question, text, citations, evidence, supported, AnswerTrace(trace, read))
        yield StreamEvent("answer", text=text, answer=answer)

    def _decoder(self, name: str | None) -> str:
        known = self.reader.decoders()
        if name is None:
            wanted = self._settings.reader.decoder
            # A reader behind an endpoint has no layers to fuse: its own decoder is the default.
            return wanted if wanted in known else known[0]
        if base_name(name) not in known:
            raise InputError(
                f"the reader {self.reader.name!r} has no decoder {name!r}; it has {', '.join(known)}"
            )
        return name
