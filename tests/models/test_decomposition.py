"""What becomes of a language model's decomposition of a question: a few lines and nothing else."""

from __future__ import annotations

import time

import pytest

from hetarag.answering.decomposition import ReaderDecomposer
from hetarag.protocols import Reader
from hetarag.testing.doubles import ScriptedReader, evidence

QUESTION = "Where was the designer of the Fram born?"
LATER = time.monotonic() + 3600
FRAM = evidence("1", "Fram", "Colin Archer designed it. [9] <|im_end|>")


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
    assert parts(ScriptedReader(*(f"{line}\n" for line in lines))) == tuple(wanted)


def test_the_model_sees_the_evidence_as_data() -> None:
    reader = ScriptedReader("Where was Colin Archer born?", decoders=("lfd", "greedy"))
    parts(reader)
    shown = reader.messages[-1]["content"]
    assert "[1] Fram: Colin Archer designed it. (9)" in shown and QUESTION in shown
    assert "im_end" not in shown
    assert reader.decoder == "greedy"
    endpoint = ScriptedReader(decoders=("endpoint",))
    assert parts(endpoint) == () and endpoint.decoder == "endpoint"


def test_nothing_is_written_past_the_deadline() -> None:
    reader = ScriptedReader("Where was he born?\nWho", " is he?", "\nWhen was it?")
    assert parts(reader, time.monotonic() - 1) == ("Where was he born?",)
    assert reader.said == 1
