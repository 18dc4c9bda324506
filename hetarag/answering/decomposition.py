"""Decomposition: a language model says what is still to be looked for.

The model sees the question and the best passages so far, so that it can name what they have told ("Where
was Colin Archer born?"), which no rule over the question's syntax can. Its answer is data: a few lines, of
which each becomes one more question for the vector store and nothing else.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence

from hetarag.answering.prompt import clean, numbered
from hetarag.protocols import Decomposer, Reader
from hetarag.types import RankedEvidence, TokenStep

_MOST = 3
_LONGEST = 200  # characters of a part: longer ones are explanations
_TOKENS = 64
_WORDS = 360
_MARK = re.compile(r"^\s*(?:[-*•]|\(?\d{1,2}[.):]|Q\d*:)\s*")

_INSTRUCTIONS = (
    "You plan searches. You get a question and the passages that were found so far. Write the short "
    "questions that still have to be looked up to answer it, one on each line, three at most. Use the "
    "names that the passages tell. Write nothing else."
)


def _ask(question: str, passages: Sequence[tuple[str, str]]) -> str:
    found = numbered(passages, _WORDS)
    return f"Passages:\n{found}\n\nQuestion: {clean(question)}\nStill to be looked up:"


_EXAMPLE = (
    {
        "role": "user",
        "content": _ask(
            "Who was born first, the designer of Old Mill or the director of Blue Water?",
            [
                ("Old Mill", "Old Mill is a bridge that was designed by Anna Kern."),
                ("Blue Water", "Blue Water is a film from 1958 by Tom Reed."),
            ],
        ),
    },
    {"role": "assistant", "content": "When was Anna Kern born?\nWhen was Tom Reed born?"},
)


class ReaderDecomposer(Decomposer):
    """Has a reader decompose questions; `reader` loads it when first needed."""

    def __init__(self, reader: Callable[[], Reader]) -> None:
        self._reader = reader

    def parts(
        self, question: str, evidence: Sequence[RankedEvidence], deadline: float
    ) -> tuple[str, ...]:
        """Return up to three questions; what is not written by the deadline is left out.

        Raises:
            ModelError: the reader cannot be loaded or does not answer.
        """
        reader = self._reader()
        known = reader.decoders()
        decoder = "greedy" if "greedy" in known else known[0]
        passages = [(e.title, e.text) for e in evidence]
        messages = [
            {"role": "system", "content": _INSTRUCTIONS},
            *_EXAMPLE,
            {"role": "user", "content": _ask(question, passages)},
        ]
        written = ""
        for item in reader.read(messages, decoder=decoder, max_new_tokens=_TOKENS):
            if isinstance(item, TokenStep):
                written += item.text
            if time.monotonic() >= deadline:
                written = written.rpartition("\n")[0]  # its last line is cut off
                break
        return _lines(written, question)


def _lines(written: str, question: str) -> tuple[str, ...]:
    """Return the questions among the lines, each once and none that is the question itself."""
    known = {clean(question).casefold()}
    found: list[str] = []
    for line in written.splitlines():
        part = clean(_MARK.sub("", line))
        key = part.casefold()
        if len(part.split()) > 1 and len(part) <= _LONGEST and key not in known:
            known.add(key)
            found.append(part)
    return tuple(found[:_MOST])
