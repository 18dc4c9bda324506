"""The prompt: numbered sources, the question, and how to answer.

Sources are data. Each is one paragraph, with the spelling of control tokens and of source numbers
taken out of it, so that it cannot end its paragraph, pose as another source or open a turn.
`hetarag.models.readers.chat_template` makes sure of the rest when it tokenises.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from hetarag.errors import InputError
from hetarag.types import RankedEvidence

NOT_IN_SOURCES = "Not in the sources."
"""What is answered when the sources do not hold the answer."""

MAX_WORDS = 1_200

_INSTRUCTIONS = (
    "You answer questions from numbered sources. Reply with the shortest exact answer copied from "
    "the sources, a few words only, followed by the number of its source in brackets, for example: "
    f"Paris [2]. If the sources do not hold the answer, reply: {NOT_IN_SOURCES}"
)

_TOKENS = re.compile(
    r"<\|[^<>|]{0,64}\|>"
    r"|</?(?:s|bos|eos|pad|unk|start_of_turn|end_of_turn|start_of_image)>"
    r"|<</?SYS>>|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS)\]",
    re.IGNORECASE,
)
_BARS = re.compile(r"<\||\|>|<｜|｜>")
_NUMBER = re.compile(r"\[\s*(\d{1,4}(?:\s*[,;–-]\s*\d{1,4})*)\s*\]")
_SPACE = re.compile(r"\s+")


def build(
    question: str, evidence: Sequence[RankedEvidence], *, max_words: int = MAX_WORDS
) -> list[dict[str, str]]:
    """Return the messages that ask `question` with `evidence`, numbered from 1 in its order.

    The best piece comes last, next to the question: small readers take what they read last for the
    answer's place (docs/research/notes/reading.md). Where the evidence has more than `max_words` words, the longest pieces are cut.

    Raises:
        InputError: the question is empty.
    """
    asked = clean(question)
    if not asked:
        raise InputError("the question is empty: ask something")
    sources = numbered([(e.title, e.text) for e in evidence], max_words, best_last=True)
    return [
        {"role": "system", "content": _INSTRUCTIONS},
        *EXAMPLES,
        {"role": "user", "content": _user(sources, asked)},
    ]


def clean(text: str) -> str:
    """Return `text` as one line in which nothing can be taken for part of the prompt's form."""
    visible = "".join(
        " " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c
        for c in text
        if unicodedata.category(c) not in ("Cf", "Co", "Cs")
    )
    previous = None
    while previous != visible:  # taking one out may put another together
        previous = visible
        visible = _BARS.sub(" ", _TOKENS.sub(" ", visible))
    return _SPACE.sub(" ", _NUMBER.sub(r"(\1)", visible)).strip()


def numbered(pieces: Sequence[tuple[str, str]], max_words: int, *, best_last: bool = False) -> str:
    """Return (title, text) pieces as numbered paragraphs of `max_words` words together."""
    texts = [clean(text).split(" ") for _, text in pieces]
    allowed = _share([len(words) for words in texts], max_words)
    lines = []
    for number, ((title, _), words, room) in enumerate(
        zip(pieces, texts, allowed, strict=True), start=1
    ):
        text = " ".join(words[:room]) + (" …" if room < len(words) else "")
        heading = clean(title)
        lines.append(f"[{number}] {heading}: {text}" if heading else f"[{number}] {text}")
    return "\n\n".join(reversed(lines) if best_last else lines) or "(none)"


def _share(lengths: Sequence[int], total: int) -> list[int]:
    """Give each as much as it needs, the longest the same amount, together `total` at most."""
    given = [0] * len(lengths)
    left = total
    order = sorted(range(len(lengths)), key=lambda i: lengths[i])
    for position, index in enumerate(order):
        given[index] = min(lengths[index], left // (len(order) - position))
        left -= given[index]
    return given


def _user(sources: str, question: str) -> str:
    return f"Sources:\n{sources}\n\nQuestion: {question}\nShort answer:"


def _example(pieces: Sequence[tuple[str, str]], question: str, answer: str) -> list[dict[str, str]]:
    return [
        {"role": "user", "content": _user(numbered(pieces, MAX_WORDS), question)},
        {"role": "assistant", "content": answer},
    ]


EXAMPLES: tuple[dict[str, str], ...] = (
    *_example(
        [
            ("Mara Lake", "Mara Lake is a lake in the Shuswap Country. It was mapped in 1871."),
            ("Shuswap Country", "The Shuswap Country is a region with a population of 56,000."),
            ("Enderby", "Enderby is a city north of Vernon."),
        ],
        "How many people live in the region where Mara Lake lies?",
        "56,000 [2]",
    ),
    *_example(
        [("Lake Tarn", "Lake Tarn is in Finland.")],
        "Who wrote the opera Silver Bell?",
        NOT_IN_SOURCES,
    ),
    *_example(
        [
            ("Old Mill", "Old Mill is a bridge that was designed by Anna Kern and opened in 1923."),
            ("Anna Kern", "Anna Kern (born 1880) was an engineer from Oslo."),
        ],
        "Where did the designer of Old Mill come from?",
        "Oslo [2]",
    ),
    *_example(
        [
            ("The Red Fox", "The Red Fox is a film of 1961."),
            ("Blue Water", "Blue Water is a film from 1958 by Tom Reed."),
        ],
        "Were The Red Fox and Blue Water released in the same year?",
        "no [1][2]",
    ),
)
"""Answered questions that come before the one that is asked.

Small readers learn the form of the answer from them, and base models all they know of the task. On
HotpotQA with gold passages Qwen2.5-Coder-0.5B has an F1 of .35 without them and .60 with them (48
and 40 questions).
"""
