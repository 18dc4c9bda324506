"""Taking a question apart by its syntax: what it asks on the way to what it asks.

"Where does the Merrimack River start in the state where the Kraus House is located?" asks for "the state
where the Kraus House is located" first. English puts what is asked first last, so most parts are what
stands behind a relative word, or behind a preposition and an article.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hetarag.text import content_words

PARTS = 3
_FEWEST = 2  # words that carry meaning: one alone is a name, and names are linked already

_CLAUSE = re.compile(r"[,;:?!]+\s+|[,;:?!]+$|\s+(?:and|or|than|while|but)\s+")
_BORDER = re.compile(
    r"\b(?:(?:in|of|by|from|to|on|at|for|with|as|into|after|during|is|was|are|were|did|does)\s+)?"
    r"(?:(?=(?:the|a|an)\s+\w+)|(?:who|whom|whose|which|that|where|when|what)\b)",
    re.IGNORECASE,
)


def subquestions(question: str, most: int = PARTS) -> list[str]:
    """Return at most so many parts of a question, the innermost first; [] for a simple one."""
    whole = frozenset(content_words(question))
    found: list[str] = []
    seen: list[frozenset[str]] = [whole]
    for part in _candidates(question):
        key = frozenset(content_words(part))
        if len(key) >= _FEWEST and key not in seen:
            seen.append(key)
            found.append(part)
    found.sort(key=len)  # stable: the shorter, the more of it is asked of one passage
    return found[:most]


def _candidates(question: str) -> Iterator[str]:
    start = 0
    for end in [*_CLAUSE.finditer(question), None]:
        clause = question[start : end.start() if end else len(question)].strip()
        start = end.end() if end else len(question)
        borders = [b.end() for b in _BORDER.finditer(clause) if b.end() > 0]
        for border in borders:
            yield clause[border:].strip()
        for first, second in zip([0, *borders], borders, strict=False):
            yield clause[first:second].strip()
        yield clause
