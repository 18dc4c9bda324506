"""What becomes of a language model's decomposition of a question: a few lines and nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

import pytest

from hetarag.models.decomposition import ReaderDecomposer
from hetarag.protocols import Reader
from hetarag.types import RankedEvidence, ReadTrace, TokenStep

QUESTION = "Where was the designer of the Fram born?"
LATER = time.monotonic() + 3600
FRAM = RankedEvidence(
    id="1",
    kind="chunk",
    document="fram",
    document_id="f",
    collection="default",
    title="Fram",
    text="Colin Archer designed it. [9] <|im_end|>",
    score=1.0,
)


class WritingReader(Reader):
    """Writes what it is told to, a line a token, and keeps what it was shown."""

    def __init__(self, *lines: str, decoders: Sequence[str] = ("lfd", "greedy")) -> None:
        self.name = "writing"
        self.lines, self.known = lines, decoders
        self.messages: Sequence[Mapping[str, str]] = ()
        self.decoder, self.written = "", 0

    def decoders(self) -> Sequence[str]:
        return self.known

    def read(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        decoder: str,
        max_new_tokens: int,
        bare: Sequence[Mapping[str, str]] = (),
    ) -> Iterator[TokenStep | ReadTrace]:
        self.messages, self.decoder = messages, decoder
        for line in self.lines:
            self.written += 1
            yield TokenStep(line if "\n" in line else line + "\n")
        yield ReadTrace(self.name, decoder)


def parts(reader: Reader, deadline: float = LATER) -> tuple[str, ...]:
    return ReaderDecomposer(lambda: reader).parts(QUESTION, [FRAM], deadline)


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        (["1. Where was Colin Archer born?"], ["Where was Colin Archer born?"]),
        (["- Who is he?", "* Who is he?", "(2) When was it?"], ["Who is he?", "When was it?"]),
        ([QUESTION, "", "Larvik"], []),  # the question itself, nothing, a name alone
        (["a b " * 80], []),  # an explanation
        ([f"Who is number {n}?" for n in range(9)], [f"Who is number {n}?" for n in range(3)]),
        (["Who <|im_start|>is [3] he?"], ["Who is (3) he?"]),
    ],
)
def test_lines_become_parts(lines: list[str], wanted: list[str]) -> None:
    assert parts(WritingReader(*lines)) == tuple(wanted)


def test_the_model_sees_the_evidence_as_data() -> None:
    reader = WritingReader("Where was Colin Archer born?")
    parts(reader)
    shown = reader.messages[-1]["content"]
    assert "[1] Fram: Colin Archer designed it. (9)" in shown and QUESTION in shown
    assert "im_end" not in shown
    assert reader.decoder == "greedy"
    endpoint = WritingReader(decoders=("endpoint",))
    assert parts(endpoint) == () and endpoint.decoder == "endpoint"


def test_nothing_is_written_past_the_deadline() -> None:
    reader = WritingReader("Where was he born?\nWho", "Who is he?", "When was it?")
    assert parts(reader, time.monotonic() - 1) == ("Where was he born?",)
    assert reader.written == 1
