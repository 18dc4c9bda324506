"""Checking an answer against its evidence: what it rests on, quoted and with offsets, or nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hetarag.answering.matching import answer_sentences, content, keys, share, spans
from hetarag.answering.prompt import NOT_IN_SOURCES
from hetarag.rendering import COMPUTED_BY
from hetarag.types import Citation, RankedEvidence

__all__ = ["NOT_IN_SOURCES", "Checked", "check"]

_ENOUGH = 0.6
"""Share of the answer's content words that one piece of evidence must have."""

_MARK = re.compile(r"\s*\[\s*(\d+(?:\s*[,;]\s*\d+)*)\s*\]")
_BROKEN_MARK = re.compile(r"\s*\[[\d\s,;]*$")
_LEAD = re.compile(r"^(?:the )?(?:short |final )?answer(?: is)?\s*:\s*", re.IGNORECASE)
_REFUSAL = re.compile(
    r"\bnot (?:in|found in|mentioned in|given in|stated in|specified in|provided in|answered by)"
    r" (?:the |these |any )?(?:given |provided )?(?:numbered )?(?:sources?|text|context|evidence)\b"
    r"|\bsources? (?:do(?:es)? not|don['’]t|doesn['’]t) "
    r"(?:hold|say|contain|mention|provide|state|specify|give|include)\b"
    r"|\b(?:cannot|can ?not|can['’]t) be (?:determined|answered|found)\b",
    re.IGNORECASE,
)
_PARTS = re.compile(r"\s*(?:[,;]|\band\b|\bor\b)\s*")


class Checked(NamedTuple):
    """An answer after its check: the text with its marks, the citations, and whether any hold."""

    text: str
    citations: tuple[Citation, ...]
    supported: bool


def check(question: str, answer: str, evidence: Sequence[RankedEvidence]) -> Checked:
    """Return the answer with citations that were verified against `evidence`.

    A mark [n] counts if that evidence holds the answer: word for word, else most of its content
    words and all of its numbers. Where no mark counts, other evidence that holds it is cited. Yes
    and no are held by no text: they cite what the answer names, else what `question` is about.
    """
    stripped, marks = _parse(answer)
    asked = content(question)
    if not keys(stripped) or _REFUSAL.search(stripped) or not evidence:
        return Checked(NOT_IN_SOURCES, (), False)
    cited = [number for number in marks if 1 <= number <= len(evidence)]
    if keys(stripped)[0] in ("yes", "no"):
        numbers = cited or _about(asked, evidence)
        found: dict[int, list[tuple[int, int]]] = {number: [] for number in numbers}
    else:
        found = _support(stripped, cited, evidence)
    if not found:
        return Checked(NOT_IN_SOURCES, (), False)
    citations = tuple(
        _cite(number, evidence[number - 1], stripped, places, asked)
        for number, places in found.items()
    )
    text = stripped + " " + "".join(f"[{number}]" for number in found)
    return Checked(text, citations, True)


def _parse(answer: str) -> tuple[str, list[int]]:
    """Take the marks out of an answer; return its text and the numbers, each once."""
    marks = [int(number) for group in _MARK.findall(answer) for number in re.findall(r"\d+", group)]
    stripped = _BROKEN_MARK.sub("", _MARK.sub("", answer)).strip()
    # A reader that copies a computed answer tends to copy the statement behind it as well.
    stripped = stripped.partition(COMPUTED_BY.strip())[0]
    stripped = _LEAD.sub("", stripped).strip().strip('"“”').strip()
    if stripped.endswith(".") and not re.search(r"\b[A-Z]\.$", stripped):  # keep "Washington D.C."
        stripped = stripped[:-1]
    return " ".join(stripped.split()), list(dict.fromkeys(marks))


def _support(
    stripped: str, cited: Sequence[int], evidence: Sequence[RankedEvidence]
) -> dict[int, list[tuple[int, int]]]:
    """Return the numbers of the evidence that holds the answer, and where it stands there."""
    others = [n for n in range(1, len(evidence) + 1) if n not in cited]
    exact = {n: _places(stripped, evidence[n - 1]) for n in (*cited, *others)}
    for pool in (cited, others):
        held = {n: exact[n] or [] for n in pool if exact[n] is not None}
        if held:
            return held if pool is cited else dict(list(held.items())[:1])
        if pool is cited:
            held = {n: [] for n in cited if _mostly(stripped, evidence[n - 1])}
            if held:
                return held
    likely = max(others, key=lambda n: _overlap(stripped, evidence[n - 1]), default=None)
    if likely is not None and _mostly(stripped, evidence[likely - 1]):
        return {likely: []}
    return _by_parts(stripped, evidence)


def _places(stripped: str, piece: RankedEvidence) -> list[tuple[int, int]] | None:
    """Return where the answer stands word for word; [] for the title alone, None for nowhere."""
    wanted = keys(stripped)
    found = spans(wanted, piece.text)
    if found:
        return found
    return [] if spans(wanted, piece.title) else None


def _overlap(stripped: str, piece: RankedEvidence) -> float:
    return share(content(stripped), f"{piece.title}\n{piece.text}")


def _mostly(stripped: str, piece: RankedEvidence) -> bool:
    """Tell whether the evidence has most of the answer's words, and each of its numbers."""
    numbers = [key for key in content(stripped) if any(c.isdigit() for c in key)]
    text = f"{piece.title}\n{piece.text}"
    return _overlap(stripped, piece) >= _ENOUGH and (not numbers or share(numbers, text) == 1.0)


def _by_parts(
    stripped: str, evidence: Sequence[RankedEvidence]
) -> dict[int, list[tuple[int, int]]]:
    """Support a list, such as "Oslo and Bergen", whose parts lie in different evidence."""
    parts = [part for part in _PARTS.split(stripped) if content(part)]
    found: dict[int, list[tuple[int, int]]] = {}
    for part in parts if len(parts) > 1 else ():
        for number, piece in enumerate(evidence, start=1):
            places = _places(part, piece)
            if places is not None:
                found.setdefault(number, []).extend(places)
                break
        else:
            return {}
    return found


def _about(asked: Sequence[str], evidence: Sequence[RankedEvidence]) -> list[int]:
    """Return the evidence that a question is about: what names most of its words, else the first.

    Two things are compared by many a question that asks for yes or no, so two pieces may be meant:
    a second one counts if it adds words of the question.
    """
    missing, chosen = set(asked), list[int]()
    for _ in range(2):
        gains = {
            n: len(missing & set(keys(f"{piece.title}\n{piece.text}")))
            for n, piece in enumerate(evidence, start=1)
            if n not in chosen
        }
        best = max(gains, key=lambda n: (gains[n], -n), default=None)
        if best is None or not gains[best]:
            break
        chosen.append(best)
        missing -= set(keys(f"{evidence[best - 1].title}\n{evidence[best - 1].text}"))
    return chosen or [1]


def _cite(
    number: int,
    piece: RankedEvidence,
    stripped: str,
    places: Sequence[tuple[int, int]],
    asked: Iterable[str],
) -> Citation:
    start, end = _quote(piece, stripped, places, list(asked))
    base = piece.start
    return Citation(
        number=number,
        evidence=piece.id,
        document=piece.document,
        title=piece.title,
        quote=piece.text[start:end],
        start=base + start if base is not None else None,
        end=base + end if base is not None else None,
        page=piece.page,
        table=piece.table,
        row=piece.row,
    )


def _quote(
    piece: RankedEvidence, stripped: str, places: Sequence[tuple[int, int]], asked: list[str]
) -> tuple[int, int]:
    """Return the sentence to quote: one that holds the answer, and most of the question's words."""
    borders = _sentences(piece)
    if not borders:
        return 0, len(piece.text)
    wanted = content(stripped)

    def worth(border: tuple[int, int]) -> tuple[float, float, float]:
        text = piece.text[border[0] : border[1]]
        holds = any(border[0] <= start < border[1] for start, _ in places)
        return float(holds), share(wanted, text), share(asked, text)

    first = max(borders, key=lambda border: (*worth(border), -border[0]))
    inside = [end for start, end in places if first[0] <= start < first[1]]
    return first[0], max([first[1], *inside[:1]])  # an answer may reach over a border


def _sentences(piece: RankedEvidence) -> list[tuple[int, int]]:
    """Return the sentences in offsets of the evidence's own text."""
    base = piece.start or 0
    given = [(start - base, end - base) for start, end in piece.sentences]
    whole = [(s, e) for s, e in given if 0 <= s < e <= len(piece.text)]
    return whole or answer_sentences(piece.text)
