"""A reader that says what it is told to: a stand-in for a language model, not for what one writes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

from hetarag.errors import ModelError
from hetarag.protocols import Reader
from hetarag.types import ReadTrace, TokenStep


class SayingReader(Reader):
    """Says `tokens` one by one, `seconds` after it is asked, or raises `error`; keeps what it was shown."""

    def __init__(
        self,
        *tokens: str,
        decoders: Sequence[str] = ("greedy",),
        seconds: float = 0.0,
        error: str = "",
    ) -> None:
        self.name = "saying"
        self.tokens = tokens
        self.messages: Sequence[Mapping[str, str]] = ()
        self.decoder = ""
        self.asked = self.said = 0
        self._decoders, self._seconds, self._error = decoders, seconds, error

    def decoders(self) -> Sequence[str]:
        return self._decoders

    def read(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        decoder: str,
        max_new_tokens: int,
        bare: Sequence[Mapping[str, str]] = (),
    ) -> Iterator[TokenStep | ReadTrace]:
        self.messages, self.decoder = messages, decoder
        self.asked += 1
        time.sleep(self._seconds)
        if self._error:
            raise ModelError(self._error)
        for token in self.tokens[:max_new_tokens]:
            self.said += 1
            yield TokenStep(token)
        yield ReadTrace(self.name, decoder, answer_tokens=len(self.tokens))
